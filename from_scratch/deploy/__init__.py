"""A trained policy in the world: a file that needs neither this library nor a pickle, and a loop that acts at a fixed rate (docs/deployment.md).

    from from_scratch.deploy import export, load_policy, ControlLoop

Each is imported when it is first used: playing an exported file needs NumPy and onnxruntime, and no torch.
"""

import importlib as _importlib

_HOMES = {
    "export": "exporting", "Exported": "exporting", "CannotExport": "heads", "NotEqual": "recording", "load_policy": "runtime", "Policy": "runtime",
    "ControlLoop": "control", "Limits": "control", "SimulatedClock": "control",
}  # fmt: skip
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        value = globals()[name] = getattr(_importlib.import_module(f"from_scratch.deploy.{_HOMES[name]}"), name)
        return value
    raise AttributeError(f"module 'from_scratch.deploy' has no attribute '{name}'. It has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
