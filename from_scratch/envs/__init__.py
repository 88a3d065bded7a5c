"""Environments with known answers, and wrappers that fit others to the algorithms here. Importing this package registers their ids with Gymnasium.

What there is stands in one table, `registration.py`; a name is imported when it is first used.
"""

import importlib

from from_scratch.envs.registration import MODULES, register_all

__all__ = sorted(MODULES)

register_all()


def __getattr__(name: str):
    if name in MODULES:
        value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{MODULES[name]}"), name)
        return value
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'. It has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
