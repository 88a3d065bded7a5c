"""Wrappers that fit environments to the algorithms here."""
