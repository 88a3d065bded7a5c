"""The smallest p-value that a design allows: with few runs a side no difference can be claimed, however large it is.

A permutation test counts the divisions of the runs between the sides that lie as far apart as the one observed (benchmarks.stats.comparisons). The
observed one is always among them, and where both sides have as many runs, so is its mirror image: of the 20 divisions of 3 runs against 3 at least 2,
so p is at least 0.1. Holm's correction multiplies the smallest p of a table by its number of tests.
"""

from __future__ import annotations

from math import comb

from benchmarks.stats.comparisons import ALPHA


def smallest_p(n_x: int, n_y: int, *, paired: bool = False) -> float:
    """The least p of the two-sided permutation test of n_x runs against n_y; paired: of n_x = n_y pairs, whose runs change sides together."""
    if min(n_x, n_y) < 1:
        raise ValueError(f"{n_x} runs against {n_y}: a test needs a run on either side")
    if paired:
        return 2 / 2**n_x
    return (2 if n_x == n_y else 1) / comb(n_x + n_y, n_x)


def fewest_runs(tests: int = 1, *, paired: bool = False) -> int:
    """The fewest runs a side with which some test of a table of this many can find a difference, after Holm's correction."""
    if tests < 1:
        raise ValueError(f"a table of {tests} tests: there is at least one")
    n = 2
    while smallest_p(n, n, paired=paired) * tests >= ALPHA:
        n += 1
    return n


def said(n_x: int, n_y: int, tests: int = 1, *, paired: bool = False) -> str:
    """A sentence for a design in which no difference can be found; empty where one can."""
    least = smallest_p(n_x, n_y, paired=paired)
    if least * tests < ALPHA:
        return ""
    runs = f"{n_x} run{'s' if n_x > 1 else ''} a side" if n_x == n_y else f"{n_x} runs against {n_y}"
    holm = f", {min(least * tests, 1.0):.2g} after Holm's correction for {tests} comparisons" if tests > 1 else ""
    return (f"With {runs} no test can find a difference, however large: the smallest possible p-value is {least:.2g}{holm}. "
            f"It takes {fewest_runs(tests, paired=paired)} runs a side at least")  # fmt: skip
