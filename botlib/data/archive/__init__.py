"""The public archive: pairs from its API by name of subreddit, without a key."""
