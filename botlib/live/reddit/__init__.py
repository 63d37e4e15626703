"""Access to Reddit: the client, the archive, threads, rules, the inbox."""
