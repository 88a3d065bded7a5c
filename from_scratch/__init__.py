"""Reinforcement learning from scratch, behind Stable-Baselines3's API: `from from_scratch import PPO`."""

import importlib as _importlib

from from_scratch import policies as policies
from from_scratch.registry import ENTRIES as _ENTRIES

_CLASSES = {entry.class_name: entry for entry in _ENTRIES.values() if entry.is_ours}
__all__ = sorted(_CLASSES)


def __getattr__(name: str):
    """Import an algorithm's module when its class is first used, and register our environments: importing the package itself stays fast."""
    if name in _CLASSES:
        _importlib.import_module("from_scratch.envs")
        cls = _CLASSES[name].load()
        globals()[name] = cls
        return cls
    if name == "eager":
        globals()[name] = eager = _importlib.import_module("from_scratch.core.lockstep").eager
        return eager
    raise AttributeError(f"module 'from_scratch' has no attribute '{name}'. It has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "eager"})
