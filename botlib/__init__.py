"""A Reddit reply bot worth reading: GPT-2 writes, two BERTs judge, a person approves."""

__version__ = "0.1.0"
