"""Stands in for Colab's own package, as it behaves in a kernel without a browser."""
