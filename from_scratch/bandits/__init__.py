"""Bandits: which of k arms to pull, in one state (Sutton & Barto 2018, chapter 2)."""
