"""Which comment is worth an answer."""
