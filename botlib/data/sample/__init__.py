"""A small made-up Reddit whose rules are known."""
