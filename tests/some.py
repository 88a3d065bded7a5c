"""Where cases are many of one kind, `make test` tries some of them, and `make test-all` each."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def some(cases: Iterable[Any], every: int = 4, at: Callable[[Any], bool] | None = None) -> list[Any]:
    """Cases for parametrize, of which all but the first of so many (or those that `at` does not choose) are slow. A tuple holds several arguments."""
    made = []
    for number, case in enumerate(cases):
        is_taken = at(case) if at else number % every == 0
        made.append(pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=[] if is_taken else pytest.mark.slow))
    return made
