"""Environments with known answers, and wrappers that fit others to the algorithms here."""

from from_scratch.envs.finite import FiniteMDP, geometric_chain, two_by_two_grid
from from_scratch.envs.short_corridor import ShortCorridor
from from_scratch.envs.wrappers import FlattenTuple

__all__ = ["FiniteMDP", "FlattenTuple", "ShortCorridor", "geometric_chain", "two_by_two_grid"]
