"""What a paper takes from a report: each figure as a file in a column's size and type, tables of chosen columns, and captions ready to be pasted.

The pictures are those of the page (`benchmarks.report.figures`), laid out anew for 3.25 or 6.75 inches: panels are stacked where they would be narrow, type
is 8 pt, lines and markers are thinner. The same study gives the same bytes: no file holds a date. What the page is made of is not rendered for it.
"""

from __future__ import annotations

import difflib
import io
import itertools
import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection
from matplotlib.figure import Figure as Canvas
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedLocator, MaxNLocator

from benchmarks import UserError
from benchmarks.evidence.analysis import analyse
from benchmarks.evidence.records import Analysis, Group
from benchmarks.report import exports, figures, tables
from benchmarks.report.style import STYLE, Figure, Table, kept_canvases, slug
from benchmarks.store import records
from benchmarks.store.files import write_whole
from benchmarks.store.plain import anchor, printable
from benchmarks.store.store import Store

WIDTHS = {"column": 3.25, "text": 6.75}  # inches: one column of a page of two, and both
TYPE = 8.0  # points
PEN = 0.65  # lines and markers, of those on the page
LINE = 0.135  # inches: a line of type
LONGEST = 0.36  # of a figure's width: names of rows that are longer are broken
NARROWEST = {"curve": 1.45, "rows": 1.15}  # inches: panels of less go below each other; of rows, beside the names
KINDS = {"curves-steps": "curves", "profile": "profiles"}  # what a figure's key ends in -> its name in a paper, where that is another


@dataclass(frozen=True)
class Asked:
    """What is to be written. figures: "pdf", "svg" or "" for none; only, tables and columns: names, tables with "all" for every one."""

    figures: str = ""
    only: tuple[str, ...] = ()
    width: str = "column"
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A figure or table under its name in a paper: kind, group, and the task where it is of one."""

    name: str
    kind: str
    short: str  # caption, for a list of figures or tables
    caption: str
    alt: str = ""
    canvas: Canvas | None = None
    table: Table | None = None


def write(store: Any, directory: Path, asked: Asked, allow_partial: bool = False) -> list[Path]:
    """The figures, tables and captions that are asked for, in `directory`: the paths of the files.

    store: anything with a Store's study(), runs() and curves(). Raises IncompleteStudy as a report does, and UserError for a name that is none of its.
    """
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise UserError(f"{directory} is a link or a file, where figures and tables go into a folder: give --out another")
    if isinstance(store, Store):  # a stranger may have written it
        records.demand(store.study())
    analysis = analyse(store.study(), store.runs(), store.curves(), allow_partial=allow_partial)
    known_figures, known_tables = parts(analysis)
    files: dict[str, str | bytes] = {}
    if asked.figures:
        width = WIDTHS[asked.width]
        shown = chosen("--only", asked.only, known_figures) if asked.only else known_figures
        for part in shown:
            assert part.canvas is not None
            part = replace(part, caption=_placed(part.caption, fit(part.canvas, width)))
            files[f"{part.name}.{asked.figures}"] = drawn(part, asked.figures)
            files["captions.tex"] = files.get("captions.tex", _opening(analysis, asked)) + _snippet(part, asked)  # type: ignore[operator]
            files["captions.md"] = files.get("captions.md", "") + f"## {part.name}\n\n**{part.short}.** {part.caption}\n\nIn words: {part.alt}\n\n"  # type: ignore[operator]
    if asked.tables:
        for part in known_tables if "all" in asked.tables else chosen("--tables", asked.tables, known_tables):
            assert part.table is not None
            table = part.table if not asked.columns else with_columns(part.table, asked.columns, part.name)
            opening = "% In the preamble: \\usepackage{booktabs}\n"
            files[f"{part.name}.tex"] = opening + exports.latex_table(table, part.caption, part.name, part.short, spans=asked.width == "text")
    for name in files:
        if (directory / name).is_dir():
            raise UserError(f"{directory / name} is a folder, where a file is to be written: remove it, or give --out")
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_whole(directory / name, content)
    return [directory / name for name in files]


# -------------------------------------------------------------------------------------------------------------- names


def parts(analysis: Analysis) -> tuple[list[Part], list[Part]]:
    """All figures and all tables of a study, by the names that they have in a paper."""
    drawings: list[Part] = []
    found: list[Part] = []
    for group in analysis.groups:
        of = f", {group.name}" if len(analysis.groups) > 1 else ""
        with kept_canvases() as canvases:
            every = [figure for section in figures.of_group(group, analysis).values() for figure in section]
        for figure in every:
            kind, name = _name(group, figure)
            caption = f"{figure.caption} {figure.warning}".strip()
            part = Part(name, kind, f"{figure.title}{of}", caption, figure.alt, canvases.get(figure.key), figure.table)
            if part.canvas is not None:
                drawings.append(part)
            found.append(part)
        compared = {"per_task": tables.per_task, "effects": tables.effects, "solved": tables.solved} if group.comparisons else {}
        for kind, make in (*compared.items(), ("areas", tables.areas)):
            if (table := make(group)) is not None and table.rows:
                name = kind.replace("_", "-")
                found.append(Part(_joined(name, group.name), name, f"{exports.SHORT[kind]}{of}", f"{table.caption} {table.warning}".strip(), table=table))
    of_study = {"budgets": tables.budgets, "scales": tables.reference_scores, "accounts": tables.accounts, "speeds": tables.speeds}
    for kind, of_all in of_study.items():
        table = of_all(analysis)
        short = exports.SHORT[kind]
        found.append(Part(kind, kind, short, f"{table.caption or f'{short}.'} {table.warning}".strip(), table=table))
    return _distinct(drawings), _distinct(found)


def _name(group: Group, figure: Figure) -> tuple[str, str]:
    """The kind of a figure and its name: curves-control; tasks-control-CartPole-v1."""
    rest = figure.key.removeprefix(f"{slug(group)}-")
    kind, _, env = rest.partition("-") if rest.startswith("task-") else (rest, "", "")
    kind = "tasks" if env else KINDS.get(kind, kind)
    return kind, _joined(kind, group.name, env)


def _joined(kind: str, group: str, env: str = "") -> str:
    return "-".join(filter(None, (kind, anchor(group)[:60], env[:100].strip("-"))))


def _distinct(found: list[Part]) -> list[Part]:
    """Names that differ in more than their capitals: a second one of a name gets a number."""
    seen: dict[str, int] = {}
    named = []
    for part in found:
        n = seen[part.name.casefold()] = seen.get(part.name.casefold(), 0) + 1
        named.append(part if n == 1 else replace(part, name=f"{part.name}-{n}"))
    return named


def chosen(flag: str, words: Sequence[str], known: list[Part]) -> list[Part]:
    """The parts that are named, by their kind or their own name, in the study's order. UserError with the nearest name and all kinds for another."""
    kinds = list(dict.fromkeys(part.kind for part in known))
    for word in words:
        if not any(word.casefold() in (part.kind.casefold(), part.name.casefold()) for part in known):
            near = _nearest(word, [*kinds, *(part.name for part in known)])
            one = next((part.name for part in known if part.name != part.kind), "")
            raise UserError(f"{flag} {word}: {near}there are {', '.join(kinds)}{f'; or one of them, such as {one}' if one else ''}")
    asked = {word.casefold() for word in words}
    return [part for part in known if asked & {part.kind.casefold(), part.name.casefold()}]


def with_columns(table: Table, words: Sequence[str], name: str) -> Table:
    """The table with these columns alone, in this order. Capitals and signs do not count: "p-welch-holm" is "p, Welch (Holm)"."""
    header = [_plain(title) for title in table.header]
    for word in words:
        if _plain(word) not in header:
            raise UserError(f"--columns {word}: {_nearest(_plain(word), header)}the table {name} has {', '.join(header)}")
    places = [header.index(_plain(word)) for word in words]
    return replace(table, header=[table.header[k] for k in places], rows=[[row[k] for k in places] for row in table.rows])


def _plain(title: str) -> str:
    return re.sub(r"[\W_]+", "-", title.casefold()).strip("-")


def _nearest(word: str, names: Iterable[str]) -> str:
    lower = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word.casefold(), lower, n=1, cutoff=0.5)
    return f"did you mean '{lower[near[0]]}'? " if near else ""


# ------------------------------------------------------------------------------------------------------------- layout


def fit(canvas: Canvas, width: float) -> bool:
    """Lay a figure of the page out for a paper, in place; whether its panels now lie below each other.

    Panels go into as many columns as stay legible, each row as high as it needs; legends take as many columns as there is room for, labels and titles are
    broken where they would run over, numbers on an axis are thinned where they would touch.
    """
    FigureCanvasAgg(canvas)  # measures type
    for ax in list(canvas.axes):
        if not ax.get_visible():
            ax.remove()
    _thinner(canvas)
    panels = list(canvas.axes)
    if len(panels) == 1:
        panels[0].set_title("", loc="left")  # the caption says it
    for ax in filter(_is_of_rows, panels):
        _break_names(ax, LONGEST * width)
    names = max((_inches(label)[0] for ax in panels if _is_of_rows(ax) for label in ax.get_yticklabels()), default=0.0)
    curves = [ax for ax in panels if not _is_of_rows(ax)]
    rows = [ax for ax in panels if _is_of_rows(ax)]
    legends = [_relaid(legend, canvas, width) for legend in list(canvas.legends)]
    below = bool(curves and rows)  # final scores under the curves, as wide as all of them
    room = max(1, math.floor(width / NARROWEST["curve"] if curves else (width - names) / NARROWEST["rows"]))
    if below and room > len(panels):  # or in one row with them
        below, curves, rows = False, panels, []
    beside = min(len(curves) or len(rows), room)
    lines = [curves[k : k + beside] for k in range(0, len(curves), beside)]
    lines += [[ax] for ax in rows] if below else [rows[k : k + beside] for k in range(0, len(rows), beside)]
    high = max((label.get_text().count("\n") + 1 for ax in panels if _is_of_rows(ax) for label in ax.get_yticklabels()), default=1)
    bodies = [max(_body(ax, width / len(line), high) for ax in line) for line in lines]
    labels = _labels_of_rows(panels)
    arounds = [max(_around(ax) for ax in line) for line in lines]
    n = len(lines) - len(rows) if below else len(lines)
    whole = [body + rest for body, rest in zip(bodies, arounds, strict=True)]
    parts_of = canvas.add_gridspec(2, 1, height_ratios=[sum(whole[:n]), sum(whole[n:])]) if below else canvas.add_gridspec(1, 1)
    upper = parts_of[0].subgridspec(n, beside, height_ratios=bodies[:n])
    lower = parts_of[1].subgridspec(len(rows), 1, height_ratios=bodies[n:]) if below else None  # its names take no room from what is above
    for row, line in enumerate(lines):
        for column, ax in enumerate(line):
            ax.set_subplotspec(lower[row - n, 0] if lower is not None and row >= n else upper[row, column])
            _label_left(ax, column == 0, labels.get(ax, ""))
    around = sum(arounds) + sum(legends) + (2 * LINE if canvas.get_supxlabel() else 0)
    canvas.set_layout_engine("constrained", w_pad=0.05)
    canvas.set_size_inches(width, sum(bodies) + around + 0.1)
    for ax in panels:
        if (legend := ax.get_legend()) is not None:
            _relaid(legend, ax, width / beside - 0.6)  # less what stands left of the frame
        if _is_of_rows(ax):
            _name_lines_above(ax)
        else:
            _clear_of_curves(ax, width / beside)
    canvas.draw_without_rendering()
    if more := _broken(canvas):
        canvas.set_size_inches(width, canvas.get_size_inches()[1] + more * LINE)
        canvas.draw_without_rendering()
    for ax in panels:
        _without_touching(ax)
    return len(lines) > 1  # so that "right" is not where a panel stands


def _inches(text: Text | Legend) -> tuple[float, float]:
    box, dots = text.get_window_extent(), text.get_figure(root=True).dpi  # type: ignore[union-attr]
    return box.width / dots, box.height / dots


def _is_of_rows(ax: Axes) -> bool:
    """Whether it has a row for each algorithm or pair: a scale of names, not of numbers."""
    return isinstance(ax.yaxis.get_major_locator(), FixedLocator)


def _break_names(ax: Axes, room: float) -> None:
    labels = ax.get_yticklabels()
    if any(_inches(label)[0] > room for label in labels):
        ax.set_yticks(ax.get_yticks(), [_broken_name(label, room) for label in labels])


def _broken_name(text: Text, room: float) -> str:
    """A name of at most `room` inches a line, broken after an underscore, a slash or a space."""
    lines: list[str] = []
    longest = max(map(len, text.get_text().split("\n")))
    for name in text.get_text().split("\n"):  # those of a pair stand below each other
        most = max(4, int(longest * room / max(_inches(text)[0], 1e-3)))
        lines.append("")
        for piece in re.findall(r"[^_/ ]*[_/ ]*", name):
            if lines[-1] and len(lines[-1] + piece) > most:
                lines.append("")
            lines[-1] += piece
    return "\n".join(lines)


def _thinner(canvas: Canvas) -> None:
    for artist in canvas.findobj():
        if isinstance(artist, Text):
            artist.set_fontsize(TYPE)
        elif isinstance(artist, Line2D):
            artist.set_linewidth(PEN * artist.get_linewidth())
            artist.set_markersize(PEN * artist.get_markersize())
            artist.set_markeredgewidth(PEN * artist.get_markeredgewidth())
        elif isinstance(artist, Patch):
            artist.set_linewidth(PEN * artist.get_linewidth())
        elif isinstance(artist, Collection):
            artist.set_linewidth([PEN * w for w in artist.get_linewidth()])  # type: ignore[arg-type, union-attr]
    for ax in canvas.axes:
        ax.tick_params(labelsize=TYPE, pad=2, width=0.5, length=2.5)
        for axis in (ax.xaxis, ax.yaxis):
            axis.labelpad = 2
            axis.get_offset_text().set_fontsize(TYPE)
        if ax.yaxis.get_tick_params().get("left") is False or _is_of_rows(ax):
            ax.tick_params(axis="y", length=0)
        ax.grid(linewidth=0.4)
        if _is_of_rows(ax):
            ax.grid(axis="y", visible=False)


def _relaid(legend: Legend, owner: Canvas | Axes, width: float) -> float:
    """The legend again, with as many columns as fit into `width` inches: its height."""
    handles, texts = [h for h in legend.legend_handles if h is not None], legend.get_texts()
    place: dict[str, Any] = {"loc": "outside upper left"} if isinstance(owner, Canvas) else {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0)}
    labels = [_broken_name(text, width - 0.45) if _inches(text)[0] > width - 0.45 else text.get_text() for text in texts]  # a line's sample beside it
    legend.remove()
    for columns in range(len(labels), 0, -1):
        made = owner.legend(handles, labels, ncols=columns, fontsize=TYPE, handlelength=1.8, handletextpad=0.5, columnspacing=1.1, labelspacing=0.25,
                            borderaxespad=0.2, borderpad=0.2, frameon=False, **place)  # fmt: skip
        if columns == 1 or _inches(made)[0] <= width - 0.05:
            break
        made.remove()
    return _inches(made)[1]


def _body(ax: Axes, width: float, high: int) -> float:
    """The height of a panel's frame in inches: a row for each name, of at most `high` lines of type; else by its width."""
    if _is_of_rows(ax):
        return (0.06 + LINE * high) * len(ax.get_yticks()) + 0.05
    return min(1.75, max(1.1, 0.55 * width))


def _around(ax: Axes) -> float:
    """The height of what stands above and below a panel's frame."""
    above = (ax.get_title(loc="left").count("\n") + 1) * LINE if ax.get_title(loc="left") else 0.0
    legend = ax.get_legend()
    above = max(above, _inches(legend)[1] if legend else 0.0)
    return above + LINE * (1 + bool(ax.get_xlabel())) + 0.15


def _labels_of_rows(panels: list[Axes]) -> dict[Axes, str]:
    """The words at the left of each panel, where they may stand at the first panel of its row alone."""
    first: dict[Any, str] = {}
    for ax in panels:
        spec = ax.get_subplotspec()
        if spec is not None and ax.get_ylabel():
            first.setdefault(spec.rowspan.start, ax.get_ylabel())
    any_row = next(iter(first.values()), "")
    return {ax: first.get(spec.rowspan.start, any_row) for ax in panels if (spec := ax.get_subplotspec()) is not None and not _is_of_rows(ax)}


def _label_left(ax: Axes, is_first: bool, label: str) -> None:
    shared = len(ax.get_shared_y_axes().get_siblings(ax)) > 1
    ax.set_ylabel(label if is_first else "")
    if shared:
        ax.tick_params(labelleft=is_first)


def _name_lines_above(ax: Axes) -> None:
    """Names of grey lines that stand upright among the rows go above the frame, in place of a title that the label below repeats."""
    upright = [text for text in ax.texts if isinstance(text, Annotation) and text.get_rotation() == 90]
    low, high = sorted(ax.get_xlim())
    for text in upright:
        if not low <= text.xy[0] <= high:  # its line is not seen either
            text.remove()
            continue
        text.set(rotation=0, ha="center", va="bottom")
        text.xy, text.xyann = (text.xy[0], 1.0), (0, 2)  # type: ignore[attr-defined]
    title = ax.get_title(loc="left")
    if upright and title and ax.get_xlabel().casefold().startswith(title.casefold().rstrip("s")):
        ax.set_title("", loc="left")


def _clear_of_curves(ax: Axes, width: float) -> None:
    """Names of grey lines among curves: on a light ground, and left to the caption where the panel is narrow."""
    for text in [text for text in ax.texts if isinstance(text, Annotation)]:
        if width < 2:
            text.remove()
        else:
            text.set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6})


def _broken(canvas: Canvas) -> int:
    """Break titles and labels that are longer than their panel: how many lines of type were added, at most, above or below any."""
    added, dots, width = 0, canvas.dpi, canvas.get_size_inches()[0]
    for ax in canvas.axes:
        left, low, right, high = (side / dots for side in ax.get_window_extent().extents)
        across, middle = right - left, (left + right) / 2
        alone = len(canvas.axes) == 1 or across > 0.55 * width  # in its row: what is written may reach beyond the frame
        added += _break(ax.xaxis.label, 2 * min(middle, width - middle) - 0.1 if alone else 1.05 * across, 0)
        added += _break(ax._left_title, width - left - 0.1 if alone else 1.05 * across, 0)  # type: ignore[attr-defined]
        _break(ax.yaxis.label, 1.1 * (high - low), 1)
    if canvas.get_supxlabel():
        text = canvas._supxlabel  # type: ignore[attr-defined]
        added += _break(text, width - 0.1, 0)
    return added


def _break(text: Text, room: float, side: int) -> int:
    """Break a text at its spaces into lines of at most `room` inches (side 0: across, 1: up); how many lines were added."""
    whole, length = text.get_text(), _inches(text)[side]
    if length <= room or " " not in whole:
        return 0
    wrapped = lambda characters: textwrap.wrap(whole, characters, break_long_words=False, break_on_hyphens=False)
    most = max(6, int(len(whole) * room / length))
    before, bracket, within = whole.partition(" (")
    if bracket and max(len(before), len(within) + 1) <= most:
        text.set_text(f"{before}\n({within}")
        return 1
    fewest = len(wrapped(most))
    even = next(characters for characters in range(1, most + 1) if len(wrapped(characters)) <= fewest)  # lines of like length
    text.set_text("\n".join(wrapped(even)))
    return fewest - 1


def _without_touching(ax: Axes) -> None:
    """Fewer numbers along the horizontal axis, until none touches the next."""
    axis = ax.xaxis
    if isinstance(axis.get_major_locator(), FixedLocator):
        return
    gap = 0.08 * ax.get_figure(root=True).dpi  # type: ignore[union-attr]
    for bins in (5, 4, 3, 2, 1):
        boxes = [label.get_window_extent() for label in labels_within(axis)]
        if all(one.x1 + gap <= other.x0 for one, other in itertools.pairwise(sorted(boxes, key=lambda box: box.x0))):
            return
        axis.set_major_locator(MaxNLocator(bins, steps=[1, 2, 2.5, 5, 10]))


def labels_within(axis: Axis) -> list[Text]:
    """The labels of the ticks that lie on an axis: matplotlib keeps one beyond either end, and does not draw it."""
    low, high = sorted(axis.get_view_interval())
    axis.get_ticklabels()  # brings the ticks up to date
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [tick.label1 for tick in ticks if tick.label1.get_visible() and tick.label1.get_text()]


def _placed(caption: str, is_stacked: bool) -> str:
    """The caption, which speaks of the page, where the figure now stands: "right" is "below" where panels are stacked, and a section is the report's."""
    if is_stacked:
        caption = re.sub(r"\b(left|right)(?=[:,])", lambda word: {"left": "above", "right": "below"}[word[1]], caption)
    return caption.replace("in the reproducibility section", "in the report's reproducibility section")


# ------------------------------------------------------------------------------------------------------------- files


def drawn(part: Part, form: str) -> bytes:
    """The figure as a file: PDF with its fonts within (TrueType), or SVG whose words are text."""
    assert part.canvas is not None
    title = printable(part.short)
    nothing: dict[str, dict[str, str | None]] = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Title": title},
        "svg": {"Date": None, "Creator": None, "Title": title, "Description": printable(part.alt)},
    }
    buffer = io.BytesIO()
    with matplotlib.rc_context({**STYLE, "pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": part.name}):
        part.canvas.savefig(buffer, format=form, metadata=nothing[form], facecolor="white")
    return buffer.getvalue()


def _opening(analysis: Analysis, asked: Asked) -> str:
    name = printable(re.sub(r"\s+", " ", f"{analysis.study.name}, study {analysis.study.hash or 'of runs from elsewhere'}"))
    package = "graphicx" if asked.figures == "pdf" else "svg"
    return f"% {name}. In the preamble: \\usepackage{{{package}}}. Figures have their final size and type of {TYPE:g} pt: include them unscaled.\n"


def _snippet(part: Part, asked: Asked) -> str:
    star = "*" if asked.width == "text" else ""
    include = f"\\includegraphics{{{part.name}.pdf}}" if asked.figures == "pdf" else f"\\includesvg{{{part.name}.svg}}"
    return (f"\n\\begin{{figure{star}}}\n\\centering\n{include}\n\\caption[{{{exports.tex(part.short)}}}]{{{exports.tex(part.caption)}}}\n"
            f"\\label{{fig:{part.name}}}\n\\end{{figure{star}}}\n")  # fmt: skip
