"""Monte Carlo methods: learning from the returns of whole episodes (Sutton & Barto 2018, chapter 5)."""
