"""What is true of a model: metrics with intervals, baselines, figures."""
