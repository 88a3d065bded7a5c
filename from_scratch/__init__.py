"""Reinforcement learning from scratch, behind Stable-Baselines3's API: `from from_scratch import PPO`."""

from from_scratch.registry import ENTRIES as _ENTRIES

_CLASSES = {entry.class_name: entry for entry in _ENTRIES.values() if entry.target.startswith("from_scratch.")}
__all__ = sorted(_CLASSES)


def __getattr__(name: str):
    """Import an algorithm's module when its class is first used: importing the package itself stays fast."""
    if name in _CLASSES:
        cls = _CLASSES[name].load()
        globals()[name] = cls
        return cls
    raise AttributeError(f"module 'from_scratch' has no attribute '{name}'. It has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
