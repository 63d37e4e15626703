"""A Reddit reply bot worth reading: GPT-2 writes, two BERTs judge, a person approves."""

import os

__version__ = "0.1.0"

# Read when pyarrow is loaded. Its own pool keeps what it once had: with 200,000 pairs 250 MB more
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
