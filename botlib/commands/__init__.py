"""Subcommands of `python -m botlib`, one module a topic."""
