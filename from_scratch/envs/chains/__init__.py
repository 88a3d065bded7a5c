"""Chains, and other small processes whose answers are known."""
