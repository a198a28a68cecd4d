"""The loop: the log of a running service becomes a dataset, and that a better model."""
