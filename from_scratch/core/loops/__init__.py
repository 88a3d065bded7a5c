"""How experience comes in."""
