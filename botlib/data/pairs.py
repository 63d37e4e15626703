"""From the raw table to what each model is trained on: clean, split, prompt, write."""

from botlib.data.splits import SPLITS, split_of
from botlib.data.text import SEPARATOR, clean_text, prompt, training_text

__all__ = ["SEPARATOR", "SPLITS", "clean_text", "prompt", "split_of", "training_text"]
