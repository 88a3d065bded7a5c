"""What is remembered of it."""
