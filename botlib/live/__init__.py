"""What happens on Reddit: read, choose, ask, post once."""
