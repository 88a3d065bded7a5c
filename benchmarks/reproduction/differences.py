"""Where two pieces of JSON, two tables or two lines differ, in words."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value of nested JSON, and every empty part, with its place, such as groups / control / aggregates / iqm / ppo / point.

    No two values have one place: a key that could be taken for several is quoted.
    """
    if isinstance(value, dict) and value:
        for key, item in value.items():
            name = json.dumps(key, ensure_ascii=False) if re.search(r' / |\[|"', key) else key
            yield from leaves(item, f"{path} / {name}" if path else name)
    elif isinstance(value, list) and value:
        for k, item in enumerate(value):
            yield from leaves(item, f"{path}[{k}]")
    else:
        yield path, value


def numbers_only(value: Any) -> dict[str, Any]:
    return {path: item for path, item in leaves(value) if isinstance(item, int | float) or item is None}


def differences(recorded: Any, computed: Any, place: str = "", extra: bool = True, tolerance: float = 0.0) -> list[str]:
    """Where two pieces of JSON differ, in words. extra: whether it counts that the computed one has more."""
    old, new = dict(leaves(recorded, place)), dict(leaves(computed, place))
    found = []
    for path, value in old.items():
        if path not in new:
            found.append(f"{path} is reported, but not computed any more")
        elif value != new[path] or type(value) is not type(new[path]):
            close = isinstance(value, float) and isinstance(new[path], float) and abs(value - new[path]) <= tolerance * max(abs(value), abs(new[path]))
            if not close:
                found.append(f"{path} is {_short(value)}, computed {_short(new[path])}")
    return found + ([f"{path} is computed, but not reported" for path in new if path not in old] if extra else [])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def paired_floats(recorded: Any, computed: Any) -> list[tuple[float, float]]:
    new = dict(leaves(computed))
    return [(value, new[path]) for path, value in leaves(recorded) if isinstance(value, float) and isinstance(new.get(path), float)]


def table_differences(name: str, old: str, new: str) -> list[str]:
    if old == new:
        return []
    before, after = (list(csv.reader(io.StringIO(text))) for text in (old, new))
    if not before or before[0] != after[0]:
        return [f"{name}: its columns are {', '.join(before[0]) if before else 'missing'}"]
    wrong = [f"{name}: {len(before) - 1} rows, computed {len(after) - 1}"] if len(before) != len(after) else []
    for line, (old_row, new_row) in enumerate(zip(before, after, strict=False), start=1):
        wrong += [f"{name} line {line}, {column}: {x}, computed {y}" for column, x, y in zip(after[0], old_row, new_row, strict=False) if x != y]
    return wrong or [f"{name}: other bytes"]


def around(a: list[str], b: list[str], line: int) -> str:
    """What stands at the first difference of two lines."""
    x, y = (text[line] if line < len(text) else "" for text in (a, b))
    k = next((k for k, (p, q) in enumerate(itertools.zip_longest(x, y)) if p != q), 0)
    start = max(0, k - 20)
    return f"{x[start : k + 20]!r}, made again {y[start : k + 20]!r}"
