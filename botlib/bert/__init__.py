"""Classifiers of comment/reply pairs: encoders, training, export, scoring."""
