"""GPT-2: base models, training, conversion, and the generator of replies."""
