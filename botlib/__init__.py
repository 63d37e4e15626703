"""Make a Reddit reply bot worth reading: GPT-2 writes, two BERT classifiers judge, a person approves."""

__version__ = "0.1.0"
