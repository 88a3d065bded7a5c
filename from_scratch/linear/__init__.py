"""Linear function approximation (Sutton & Barto 2018, chapters 9 to 12)."""
