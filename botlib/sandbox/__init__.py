"""A local Reddit over HTTP, for the demo and for tests."""
