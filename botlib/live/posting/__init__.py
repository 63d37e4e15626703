"""From an approval to a reply on Reddit, once: sent, checked again, settled, or by hand."""
