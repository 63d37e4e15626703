"""Runs of the notebooks: pipeline, report, status, bundles of models."""
