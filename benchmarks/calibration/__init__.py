"""How often our own intervals hold."""
