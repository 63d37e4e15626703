"""One local page: try the models, review replies, watch the bot."""
