"""Reddit as it is reached and read: the client, the archive, threads, rules, the inbox."""
