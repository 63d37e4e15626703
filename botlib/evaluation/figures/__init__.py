"""Figures: one function each, one style."""
