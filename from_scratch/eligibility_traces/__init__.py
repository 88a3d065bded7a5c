"""Eligibility traces: what a step teaches is passed back to the states before it (Sutton & Barto 2018, chapter 12)."""
