"""Ours beside the twin."""
