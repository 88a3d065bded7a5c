"""What a figure of the textbook is: a function that runs our own classes and returns numbers to be judged and a picture.

    @figure("6.5", title="Maximisation bias", cost="3 s")
    def maximisation_bias(context):
        left = play(load("q_learning"), context.seeds(10_000))                   # [runs, episodes]
        return Outcome(
            numbers=[Number.of("Q-learning, left at episode 100", left[:, 99], "46", unit="%", reference_runs=10_000)],
            draw=lambda canvas: curve(canvas.subplots(), episodes, left, "Q-learning"),
        )

Algorithms are asked for by their registry's id (`from benchmarks.textbook.changes import load`). The seeds of n runs are 0 … n−1.

How a number is judged. h is half a unit of the last digit that `expected` is printed with.

    source "exact"   |measured − expected| ≤ 10⁻³, or h where that is more; both are computed without sampling
    source "run"     |measured − expected| ≤ 3 √(se² + se_ref²) + h; the reference was sampled too: se_ref = se √(runs / reference_runs)
    source "book"    |measured − expected| ≤ 3 se + h; the value that the book states, taken as it is
    relation ≤, ≥    a limit: it may be exceeded by that tolerance
    relation <, >    a claim that must be seen: measured is on that side of `expected` by more than 3 se
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from scipy import stats as distributions

from benchmarks import UserError
from benchmarks.report.style import PALETTE
from benchmarks.stats.intervals import t_interval
from benchmarks.textbook.changes import Changes

FAMILIES = (
    "planning", "bandits", "monte_carlo", "temporal_difference", "traces", "dyna", "policy_gradient", "approximation", "control_approximation", "off_policy",
)  # fmt: skip
SOURCES = ("exact", "run", "book")
RELATIONS = ("=", "≤", "≥", "<", ">")
EXACT = 1e-3  # how near an exact number must come
STANDARD_ERRORS = 3.0
ROUNDING = 1e-9  # of the comparison itself: 0.05 is not to fail against 0.05

T = TypeVar("T")


# ---------------------------------------------------------------------------------------------------------------- numbers


@dataclass(frozen=True)
class Number:
    """A number of a figure beside the one expected.

    `expected` is best given as printed ("46", "0.0345"): how many digits stand there says how exact it claims to be. A float counts with
    the digits of its shortest form, 46.0 as "46". A pair is a range in which the number is to lie. None: shown, not judged.
    """

    name: str
    measured: float
    expected: str | float | tuple[str | float, str | float] | None = None
    se: float = 0.0  # standard error of `measured`
    unit: str = ""
    source: str = "run"
    runs: int | None = None  # that `measured` comes from
    reference_runs: int | None = None  # that `expected` comes from; by default as many
    reference_se: float | None = None  # its standard error, where it is known
    relation: str = "="
    note: str = ""
    values: np.ndarray | None = field(default=None, repr=False, compare=False)  # one per run, where `measured` is their mean

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ValueError(f"source={self.source!r} of '{self.name}': one of {', '.join(SOURCES)}.")
        if self.relation not in RELATIONS:
            raise ValueError(f"relation={self.relation!r} of '{self.name}': one of {', '.join(RELATIONS)}.")
        if isinstance(self.expected, tuple) and self.relation != "=":
            raise ValueError(f"relation={self.relation!r} of '{self.name}': a range {self.expected} is lain in (=), or give one bound.")
        if self.source == "run" and self.expected is not None and self.runs is None:
            raise ValueError(f"'{self.name}' is sampled: say from how many runs (runs=), or that it is not (source='exact').")
        if self.source == "exact" and self.se:
            raise ValueError(f"'{self.name}' has the standard error {self.se:g}, so it is sampled: source 'run' or 'book'.")

    @classmethod
    def of(cls, name: str, values: Any, expected: Any = None, **more: Any) -> Number:
        """The mean of `values`, one per run, with its standard error."""
        x = np.asarray(values, dtype=float).ravel()
        return cls(name, float(x.mean()), expected, se=_standard_error(x), runs=len(x), values=x, **more)

    @classmethod
    def order(cls, name: str, smaller: Any, larger: Any, **more: Any) -> Number:
        """The claim that the mean of `smaller` (one value per run) lies below that of `larger`, which must be seen: their difference is < 0."""
        x, y = np.asarray(smaller, dtype=float).ravel(), np.asarray(larger, dtype=float).ravel()
        se = float(np.hypot(_standard_error(x), _standard_error(y)))
        return cls(name, float(x.mean() - y.mean()), "0", se=se, runs=min(len(x), len(y)), relation="<", **more)

    @property
    def bounds(self) -> tuple[float, float]:
        """Where `expected` lies: a point twice, or the range."""
        low, high = self.expected if isinstance(self.expected, tuple) else (self.expected, self.expected)
        return _value(low), _value(high)

    @property
    def half_unit(self) -> float:
        """h"""
        given = self.expected if isinstance(self.expected, tuple) else (self.expected,)
        return max(0.5 * 10.0 ** -_decimals(x) for x in given)

    @property
    def tolerance(self) -> float:
        if self.expected is None:
            return float("nan")
        if self.relation in "<>":
            return STANDARD_ERRORS * self.se
        if self.source == "exact":
            return max(EXACT, self.half_unit)
        reference = self.reference_se
        if reference is None:
            reference = 0.0 if self.source == "book" else self.se * float(np.sqrt((self.runs or 1) / (self.reference_runs or self.runs or 1)))
        return STANDARD_ERRORS * float(np.hypot(self.se, reference)) + self.half_unit

    @property
    def passes(self) -> bool | None:
        """None where nothing is expected."""
        if self.expected is None:
            return None
        low, high = self.bounds
        x, slack = self.measured, self.tolerance + ROUNDING
        if not np.isfinite(x):
            return False
        if self.relation == "<":
            return bool(x < high - self.tolerance)
        if self.relation == ">":
            return bool(x > low + self.tolerance)
        not_below, not_above = x >= low - slack, x <= high + slack
        return bool({"=": not_below and not_above, "≤": not_above, "≥": not_below}[self.relation])

    @property
    def interval(self) -> tuple[float, float]:
        """95 % (Student's t) around `measured`; NaN where it was not sampled, or from a single run."""
        if self.values is not None:
            return mean_interval(self.values)
        if not self.se or not self.runs or self.runs < 2:
            return float("nan"), float("nan")
        half = float(distributions.t.ppf(0.975, self.runs - 1)) * self.se
        return self.measured - half, self.measured + half

    @property
    def printed(self) -> str:
        """`expected` as it is shown."""
        if self.expected is None:
            return ""
        if isinstance(self.expected, tuple):
            return " … ".join(_plain(x) for x in self.expected)
        return ("" if self.relation == "=" else f"{self.relation} ") + _plain(self.expected)

    def as_json(self, judged: bool = True) -> dict[str, Any]:
        low, high = self.interval
        expected = None if self.expected is None else list(self.bounds) if isinstance(self.expected, tuple) else self.bounds[0]
        return {
            "name": self.name, "unit": self.unit, "measured": self.measured, "se": self.se, "low": low, "high": high, "runs": self.runs,
            "expected": expected, "printed": self.printed, "relation": self.relation, "source": self.source, "tolerance": self.tolerance,
            "reference_runs": self.reference_runs, "passes": self.passes if judged else None, "note": self.note,
        }  # fmt: skip


def mean_interval(x: np.ndarray) -> tuple[float, float]:
    """The 95 % t interval of the mean of x [runs], the statistics package's; NaN where there is none: a single run, no spread, or one that diverged."""
    if not np.isfinite(x).all():
        return float("nan"), float("nan")
    found = t_interval(x)
    return float(found.low), float(found.high)


def _standard_error(x: np.ndarray) -> float:
    return float(x.std(ddof=1) / np.sqrt(len(x))) if len(x) > 1 else 0.0


def _plain(x: Any) -> str:
    """A number as text, with as many decimals as it is meant to have."""
    if isinstance(x, str):
        return x.replace("-", "−")
    text = repr(float(x))
    if "e" in text:
        text = f"{x:.12f}".rstrip("0")
    return text.removesuffix(".0").rstrip(".").replace("-", "−")


def _value(x: Any) -> float:
    return float(str(x).replace("−", "-")) if x is not None else float("nan")


def _decimals(x: Any) -> int:
    return len(_plain(x).partition(".")[2])


# ---------------------------------------------------------------------------------------------------------------- figures


@dataclass(frozen=True)
class Outcome:
    """What a figure's function returns. `draw` is given an empty matplotlib figure of `size` inches, with the committed style on."""

    numbers: Sequence[Number]
    draw: Callable[[Canvas], Any]
    notes: Sequence[str] = ()  # what a reader must know: where the book and the exact answer differ, what was done otherwise
    size: tuple[float, float] = (7.0, 4.0)


class Context:
    """What a figure's function is given: how many runs, and where to say how far it is."""

    def __init__(self, quick: bool = False, show: Callable[[float, str], None] | None = None, changes: Changes = Changes()):  # noqa: B008 frozen
        self.quick, self.changes = quick, changes
        self._show = show

    def runs(self, n: int) -> int:
        """n, the full number; a twentieth of it for a quick look, or as many as a reader asked for: then numbers are not judged."""
        if self.changes.runs is not None and n > 1:
            return self.changes.runs
        return max(2, n // 20) if self.quick and n > 1 else n

    def seeds(self, n: int) -> range:
        """The seeds of n runs."""
        return range(self.runs(n))

    def report(self, fraction: float, what: str = "") -> None:
        """Say how much of the figure is done, and what is being done."""
        if self._show is not None:
            self._show(float(fraction), what)

    def progress(self, items: Iterable[T], what: str = "") -> Iterator[T]:
        """The items, each reported as it begins."""
        items = list(items)
        for k, item in enumerate(items):
            self.report(k / len(items), f"{what} {item}" if isinstance(item, str | int | float) else what)
            yield item


@dataclass(frozen=True)
class Figure:
    id: str  # "6.5"; an example's "ex6.2"
    title: str
    function: Callable[[Context], Outcome]
    cost: float  # CPU seconds, roughly
    aliases: tuple[str, ...] = field(default=())  # other names: a number that another edition or a well-known repository gives it

    @property
    def label(self) -> str:
        """"Figure 6.5", "Example 6.2"."""
        if not re.search(r"\d", self.id):
            return self.id.capitalize()
        kind, number = ("Example", self.id[2:]) if self.id.startswith("ex") else ("Figure", self.id)
        return f"{kind} {number}" if "." in number else f"Chapter {number}"


_FIGURES: dict[str, Figure] = {}


def figure(id: str, *, title: str, cost: str, aliases: Sequence[str] = ()) -> Callable:
    """Register a function of a Context as the figure `id`: "6.5", or "ex6.2" for an example. cost: of one core, such as "3 s" or "1 min"."""

    def register(function: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
        made = Figure(identifier(id), title, function, _seconds(cost), tuple(identifier(name) for name in aliases))
        for other in _FIGURES.values():
            if other.function.__module__ != function.__module__ or other.function.__qualname__ != function.__qualname__:
                taken = {made.id, *made.aliases} & {other.id, *other.aliases}
                if taken:
                    raise ValueError(f"'{min(taken)}' names two figures: {other.title} and {title}.")
        _FIGURES[made.id] = made
        return function

    return register


def identifier(name: str) -> str:
    """"Figure 6.5" -> "6.5", "Example 6.2" -> "ex6.2": how figures may be asked for."""
    text = re.sub(r"[\s_]+", "", name.lower())
    text = re.sub(r"^(figure|fig\.?)(?=\d)", "", text)
    return re.sub(r"^(example|ex\.?)(?=\d)", "ex", text)


def _seconds(cost: str) -> float:
    found = re.fullmatch(r"([\d.]+)\s*(ms|s|min)", cost.strip())
    if not found:
        raise ValueError(f"cost={cost!r}: a time on one core, such as '3 s' or '1 min'.")
    return float(found[1]) * {"ms": 1e-3, "s": 1.0, "min": 60.0}[found[2]]


def in_order(id: str) -> tuple:
    """Sorts ids as the book does: by chapter, then number; examples behind figures."""
    found = re.search(r"(\d+)(?:\.(\d+))?", id)
    return (int(found[1]), id.startswith("ex"), int(found[2] or 0), id) if found else (99, False, 0, id)


def figures() -> tuple[dict[str, Figure], dict[str, Exception]]:
    """Every figure by its id, in the book's order; and the families whose module cannot be imported, with why."""
    broken: dict[str, Exception] = {}
    for family in FAMILIES:
        try:
            importlib.import_module(f"benchmarks.textbook.{family}")
        except Exception as error:
            broken[family] = error
    return {id: _FIGURES[id] for id in sorted(_FIGURES, key=in_order)}, broken


def find(name: str) -> Figure:
    """The figure of that id or alias. UserError with the nearest one for any other."""
    known, broken = figures()
    named = {alias: found for found in known.values() for alias in found.aliases} | known
    wanted = identifier(name)
    if wanted in named:
        return named[wanted]
    near = difflib.get_close_matches(wanted, named, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    unread = f"; {', '.join(broken)} cannot be imported: {next(iter(broken.values()))}" if broken else ""
    raise UserError(f"unknown figure '{name}': {hint}(sb3-course figure --list){unread}")


# ---------------------------------------------------------------------------------------------------------------- drawing

MOST_POINTS = 400  # of a curve as drawn


def curve(ax: Axes, x: Any, values: Any, label: str | None = None, colour: int | str = 0, **more: Any) -> None:
    """The mean over runs of values [runs, T] against x [T], with its 95 % t interval at each point as a band; [T] is drawn as it is.

    colour: a number of the palette, or a colour's name.
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    x = np.asarray(x, dtype=float)
    if values.shape[1] > MOST_POINTS:
        kept = np.unique(np.linspace(0, values.shape[1] - 1, MOST_POINTS).round().astype(int))
        x, values = x[kept], values[:, kept]
    tint = PALETTE[colour % len(PALETTE)] if isinstance(colour, int) else colour
    mean = values.mean(0)
    ax.plot(x, mean, color=tint, label=label, **more)
    if len(values) > 1:
        low, high = np.transpose([mean_interval(at_one_point) for at_one_point in values.T])
        ax.fill_between(x, low, high, color=tint, alpha=0.18, linewidth=0)
