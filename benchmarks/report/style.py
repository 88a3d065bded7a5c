"""How a report looks: its palette and the style of its pictures, how numbers are written, and what a table and a figure are made of.

One palette (Okabe & Ito 2008, safe for the colour-blind). An algorithm and its twin share a hue; the twin is lighter, dashed, with a
hollow marker, so that prints in grey still tell them apart. Fonts are drawn as paths: the picture is the same on every machine.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas

from benchmarks import stats
from benchmarks.evidence.records import Group, families, family_of, is_twin
from benchmarks.stats.colours import FAINT, GRID, INK, PALETTE
from benchmarks.store.plain import anchor, printable

STYLE: Any = {
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "path.simplify": True,
}


@dataclass(frozen=True)
class Table:
    header: list[str]
    rows: list[list[str]]
    caption: str = ""
    warning: str = ""  # what to know before its intervals are believed


@dataclass(frozen=True)
class Figure:
    """A picture for the report, and what stands in for it where it cannot be seen."""

    key: str
    title: str
    svg: str
    alt: str
    caption: str
    table: Table
    warning: str = ""  # what to know before the intervals are believed


def caution(group: Group, what: str) -> str:
    """What to know of the intervals of this part of the report (judgements.PRINTED)."""
    found = group.evidence.warnings.get(what, "")
    return f"Caution. {found}." if found else ""


def slug(group: Group) -> str:
    return f"g-{anchor(group.name)}"


# --------------------------------------------------------------------------------------------------------------- numbers


def number(value: float | None, digits: int | None = None) -> str:
    """A number as the report prints it: three decimals where it is small, fewer where it is large, a true minus sign."""
    if value is None or not np.isfinite(value):
        return "–"
    if digits is None:
        size = abs(value)
        digits = 3 if size < 10 else 1 if size < 10_000 else 0
    text = f"{value:,.{digits}f}".replace(",", "\u202f")  # a narrow no-break space between thousands
    text = text if float(f"{value:.{digits}f}") else text.lstrip("-")  # no negative zero
    return text.replace("-", "−")


def count(n: int) -> str:
    """50 000"""
    return f"{n:,}".replace(",", "\u202f")


def percent(share: float) -> str:
    return f"{100 * share:.4g}\u00a0%"


def decimals(*values: float) -> int:
    """How many decimals suit numbers of this size: those of one row or sentence share them."""
    size = max((abs(v) for v in values if np.isfinite(v)), default=0.0)
    return 3 if size < 10 else 1


def signed(value: float, digits: int | None = None) -> str:
    text = number(value, digits)
    return text if text.startswith(("−", "–")) or not value else f"+{text}"


def with_interval(estimate: stats.Interval, digits: int | None = None, sign: bool = False) -> str:
    """"0.981 [0.962, 0.995]", or the point and why there is no interval."""
    show = signed if sign else number
    if digits is None:
        digits = decimals(estimate.point, estimate.low, estimate.high)
    point = show(estimate.point, digits)
    if estimate.note or not estimate.is_claimed:
        return f"{point} ({estimate.note or 'no interval'})"
    return f"{point} {bracket(estimate, digits, sign)}"


def bracket(estimate: stats.Interval, digits: int | None = None, sign: bool = True) -> str:
    """"[+0.962, +0.995]", without a break, or a dash where there is no interval."""
    if estimate.note or not estimate.is_claimed:
        return "–"
    digits = decimals(estimate.point, estimate.low, estimate.high) if digits is None else digits
    show = signed if sign else number
    return f"[{show(estimate.low, digits)},\u00a0{show(estimate.high, digits)}]"


def p_value(p: float) -> str:
    return "–" if not np.isfinite(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def steps(value: float) -> str:
    """100000 -> "100k"."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


# -------------------------------------------------------------------------------------------------------------- pictures


def _lighter(colour: str, share: float) -> str:
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    return matplotlib.colors.to_hex(tuple(rgb + (1 - rgb) * share))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Pen:
    """How one algorithm is drawn, the same in every figure of a group."""

    colour: str
    line: Any
    marker: str
    face: str


def pens(group: Group) -> dict[str, Pen]:
    everyone = list(dict.fromkeys(a for a, _ in group.cells))
    hues = {family: PALETTE[k % len(PALETTE)] for k, family in enumerate(families(everyone))}
    found = {}
    for algo in everyone:
        hue = hues[family_of(algo)]
        twin = is_twin(algo)
        colour = _lighter(hue, 0.4) if twin else hue
        found[algo] = Pen(colour, (0, (4, 1.6)) if twin else "-", "s" if twin else "o", "white" if twin else colour)
    return found


def new_canvas(width: float, height: float) -> Canvas:
    canvas = Canvas(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(canvas)
    return canvas


_KEPT: ContextVar[dict[str, Canvas] | None] = ContextVar("kept", default=None)


@contextmanager
def kept_canvases() -> Iterator[dict[str, Canvas]]:
    """Within it `svg` writes nothing, and keeps what was drawn, by the figure's key: for those who write it in another form (benchmarks.report.paper)."""
    kept: dict[str, Canvas] = {}
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)


def svg(canvas: Canvas, key: str, alt: str) -> str:
    """The figure as an <svg> element: no date, ids that are the same each time and that no other figure of the page has."""
    if (kept := _KEPT.get()) is not None:
        kept[key] = canvas
        return ""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": key}):
        canvas.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}, facecolor="white")
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{hashlib.sha256(key.encode()).hexdigest()[:6]}-", text)
    named = f'role="img" aria-label="{escape(alt)}"'  # a name may hold a backslash, so this is no pattern
    text = re.sub(r'<svg\b[^>]*?viewBox="([^"]*)"[^>]*>', lambda found: f'<svg viewBox="{found[1]}" {named}>', text, count=1, flags=re.DOTALL)
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r' d="([^"]*)"', lambda path: f' d="{_compact(path[1])}"', text)
    return printable(re.sub(r"\n\s*", "\n", text).strip())


def _compact(path: str) -> str:
    """The same path in fewer characters: tenths of a point, and polylines by their increments. Reports of many runs are mostly paths."""
    words = path.split()
    if not set(words[0::3]) <= {"M", "L"} or len(words) % 3:
        return re.sub(r"\s*([A-Za-z])\s*", r"\1", re.sub(r"(\.\d)\d+", r"\1", path)).strip()
    text, x, y = "", 0, 0
    for letter, *point in zip(words[0::3], words[1::3], words[2::3], strict=True):
        x_next, y_next = (round(10 * float(value)) for value in point)
        if letter == "M":
            text += f"M{x_next / 10:g} {y_next / 10:g}l"
        else:
            text += f"{(x_next - x) / 10:g} {(y_next - y) / 10:g} "
        x, y = x_next, y_next
    return text.replace(" -", "-").replace(" M", "M").strip().rstrip("l")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
