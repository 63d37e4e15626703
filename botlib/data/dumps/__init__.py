"""Pairs from dump files on one machine: the embedded engine."""
