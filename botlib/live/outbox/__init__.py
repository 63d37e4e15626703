"""Replies on their way, in SQLite."""
