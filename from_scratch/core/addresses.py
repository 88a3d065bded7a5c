"""Addresses that stay: by what name files know a class, wherever its definition lies today."""

from __future__ import annotations

from typing import TypeVar

Kind = TypeVar("Kind", bound=type)
PUBLIC = "from_scratch.policies"


def saved(cls: Kind) -> Kind:
    """Marks a class of core that saved models name: they say `from_scratch.policies`, which finds it here or wherever it moves.

    Every class so marked has a line in from_scratch/policies.py; a test looks into the files of all algorithms.
    """
    cls.__module__ = PUBLIC
    return cls
