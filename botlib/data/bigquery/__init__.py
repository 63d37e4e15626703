"""Pairs of all of Reddit: the distributed engine."""
