"""Physical control."""
