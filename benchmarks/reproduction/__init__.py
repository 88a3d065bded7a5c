"""Whether it holds."""
