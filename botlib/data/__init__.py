"""Where comment/reply pairs come from: one schema, three sources."""
