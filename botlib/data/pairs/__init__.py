"""From raw rows to the pairs that models learn from: clean, rate, split, prompt."""
