"""What a function gave, in a form that can be compared: with what is right, in words for the learner, and with what wrong answers give, in silence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


class Mistake(Exception):
    """What is wrong with an answer, in a sentence that goes on behind the probe's title: "has shape (16, 1), should be (16,)"."""


def array(value: Any, shape: tuple[int, ...] | None = None, name: str = "the result") -> np.ndarray:
    """The value as an array of floats; lists and tensors are accepted. Mistake if it is none, has another shape, or holds a NaN (the first is named)."""
    if value is None:
        raise Mistake(f"{name} is None: is a `return` missing?")
    if hasattr(value, "detach"):  # a tensor, which may need a gradient
        value = value.detach().cpu().numpy()
    try:
        found = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise Mistake(f"{name} is {short(value)}, a {type(value).__name__}; should be " + (f"numbers of shape {shape}" if shape else "numbers")) from None
    if shape is not None and found.shape != shape:
        raise Mistake(f"{name} has shape {found.shape}, should be {shape}" if found.shape else f"{name} is one number, {found:.6g}; should have shape {shape}")
    bad = np.argwhere(np.isnan(found))
    if len(bad):
        where = "" if not found.shape else f" at [{', '.join(map(str, bad[0]))}]" + (f", the first of {len(bad)}" if len(bad) > 1 else "")
        raise Mistake(f"{name} is NaN{where}")
    return found


def number(value: Any, name: str = "the result") -> float:
    """The value as one number. Mistake if it is none, or NaN."""
    found = array(value, None, name)
    if found.size != 1:
        raise Mistake(f"{name} has shape {found.shape}, should be one number")
    return float(found.reshape(()))


def short(value: Any, most: int = 60) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def shown(value: float, tolerance: float) -> str:
    """A number with as many decimals as its tolerance lets one see."""
    if not math.isfinite(value) or tolerance < 1e-6:
        return f"{value:.10g}"
    return f"{value:.{max(0, math.ceil(-math.log10(2 * tolerance) - 1e-9))}f}"


def difference(got: Any, expected: Any, tolerance: float) -> str | None:
    """What is wrong with `got`, behind the title; None if it is right. `expected` is a number, an array, a text, a truth, or a dict of such."""
    if isinstance(expected, dict):
        if not isinstance(got, dict) or list(got) != list(expected):
            return f"is {short(got)}, should be {short(expected)}"
        return next((behind(name, text) for name in expected if (text := difference(got[name], expected[name], tolerance))), None)
    if isinstance(expected, str | bool | np.bool_) or expected is None:
        return None if type(got) in (type(expected), np.bool_) and got == expected else f"is {short(got)}, should be {short(expected)}"
    right = np.asarray(expected, dtype=float)
    try:
        found = array(got, right.shape, "it") if right.shape else np.asarray(number(got, "it"))
    except Mistake as mistake:
        return str(mistake).removeprefix("it ")
    same = found == right  # infinities
    with np.errstate(invalid="ignore"):
        off = np.where(same, 0.0, np.abs(found - right))
    if (off <= tolerance).all():
        return None
    to = f" (to {tolerance:g})" if tolerance > 1e-8 else ""
    if not right.shape:
        return f"is {shown(float(found), tolerance)}, should be {shown(float(right), tolerance)}{to}"
    worst = np.unravel_index(int(off.argmax()), off.shape)
    more = int((off > tolerance).sum()) - 1
    others = f"; {more} more {'is' if more == 1 else 'are'} wrong" if more else ""
    return f": entry [{', '.join(map(str, worst))}] is {shown(float(found[worst]), tolerance)}, should be {shown(float(right[worst]), tolerance)}{to}{others}"


def behind(title: str, text: str) -> str:
    """What is wrong, behind the name of what was measured: "V is 3, should be 4", or "V: entry [2] is 3, should be 4"."""
    return f"{title.removesuffix(':')}{text}" if text.startswith(":") else f"{title} {text}"


def alike(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two outputs are the same up to the tolerance, NaN being equal to NaN."""
    if isinstance(one, dict) or isinstance(other, dict):
        return isinstance(one, dict) and isinstance(other, dict) and list(one) == list(other) and all(alike(one[k], other[k], tolerance) for k in one)
    if isinstance(one, str | bool | None) or isinstance(other, str | bool | None):
        return type(one) is type(other) and one == other
    try:
        a, b = _floats(one), _floats(other)
    except (TypeError, ValueError):
        return False
    if a.shape != b.shape:
        return False
    with np.errstate(invalid="ignore"):
        near = np.abs(a - b) <= np.maximum(tolerance, 1e-9 * np.where(np.isinf(b), 0, np.abs(b)))
    return bool((near | (a == b) | (np.isnan(a) & np.isnan(b))).all())


def _floats(value: Any) -> np.ndarray:
    return np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value, dtype=float)
