"""Posts approved replies, each once: checks, sends, settles unclear answers, or hands over."""
