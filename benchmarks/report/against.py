"""Two studies side by side: what they share (an algorithm on a task), whether the scores differ, and how the protocols do.

The same machinery serves `sb3-course report A --against B` and the fourth level of `sb3-course reproduce`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib

from benchmarks import UserError, stats
from benchmarks.evidence import judgements
from benchmarks.evidence.analysis import analyse
from benchmarks.evidence.records import Analysis, Cell
from benchmarks.report import page, style
from benchmarks.report.figures import NARROW, WIDE, Sheet, whisker
from benchmarks.report.style import PALETTE, Figure, Table, bracket, count, decimals, number, p_value, percent, with_interval
from benchmarks.report.verdicts import BADGES, conclusion
from benchmarks.store import records
from benchmarks.store.files import write_whole
from benchmarks.store.store import Store
from benchmarks.studies.study import Study

CHANGES = ("budget", "hyperparams", "envs", "protocol", "normalise")  # of a study: what makes scores another thing


@dataclass(frozen=True)
class Pair:
    """One algorithm in both studies, over the tasks that share a unit, or on one task. Differences are the second study's minus the first's."""

    algo: str
    envs: list[str]
    unit: str
    n: tuple[str, str]  # runs there and here, such as "10 runs"
    test: stats.Equivalence
    same: int  # of the seeds that both have on all these tasks: how many score the same at every checkpoint, and end with the same weights if known
    shared: int
    same_weights: int  # how many end with the same weights, whatever they score

    @property
    def sentence(self) -> str:
        return f"difference {with_interval(self.test.difference, sign=True)}, {self.unit}. {conclusion(self.test)}"


def pairs(first: Analysis, second: Analysis) -> list[Pair]:
    """Every algorithm of both studies: over the tasks of a group where its scores are normalised, and task by task; p-values after Holm within each kind."""
    found = []
    others = {key: cell for group in second.groups for key, cell in group.cells.items()}
    options = {"reps": first.statistics.reps, "seed": first.statistics.seed, "confidence": first.statistics.confidence}
    for group in first.groups:
        for algo in dict.fromkeys(a for a, _ in group.cells):
            envs = [e for e in group.envs if (algo, e) in group.cells and (algo, e) in others]
            cells = [(group.cells[algo, e], others[algo, e]) for e in envs]
            if len(envs) > 1 and group.is_aggregated:
                scores = [stats.BySeed([group.scales[e](pair[side].final) for e, pair in zip(envs, cells, strict=True)], [pair[side].seeds for pair in cells])
                          for side in (1, 0)]
                test = stats.equivalence(scores[0], scores[1], first.statistics.margin, bounds=(0.0, 1.0), **options)  # type: ignore[arg-type]
                found.append(_pair(algo, envs, "normalised score", cells, test))
            for env, (before, after) in zip(envs, cells, strict=True):
                span = group.scales[env].span
                margin = first.statistics.margin * abs(span) if span else None
                test = stats.equivalence(after.final, before.final, margin, method="welch", confidence=first.statistics.confidence)
                found.append(_pair(algo, [env], "mean return", [(before, after)], test))
    if not found:
        raise UserError("the two studies share no algorithm on any task: there is nothing to compare")
    corrected = dict[int, float]()
    for many in (True, False):
        table = [k for k, pair in enumerate(found) if (len(pair.envs) > 1) == many]
        corrected |= dict(zip(table, stats.holm([found[k].test.test.p for k in table]), strict=True))
    return [dataclasses.replace(pair, test=pair.test.adjusted(float(corrected[k]))) for k, pair in enumerate(found)]


def _pair(algo: str, envs: list[str], unit: str, cells: list[tuple[Cell, Cell]], test: stats.Equivalence) -> Pair:
    same = shared = same_weights = 0
    for before, after in cells:
        a, b = ({seed: (w, s) for seed, w, s in zip(c.seeds, c.weights, c.scores, strict=True)} for c in (before, after))
        both = a.keys() & b.keys()
        shared += len(both)
        same_weights += sum(a[k][0] is not None and a[k][0] == b[k][0] for k in both)
        same += sum((a[k][0] == b[k][0] or None in (a[k][0], b[k][0])) and a[k][1].tolist() == b[k][1].tolist() for k in both)
    runs = tuple(f"{min(ns)}" if len(set(ns)) == 1 else f"{min(ns)}–{max(ns)}" for ns in ([c[side].n for c in cells] for side in (0, 1)))
    return Pair(algo, envs, unit, (runs[0], runs[1]), test, same, shared, same_weights)


def changes(first: Study, second: Study) -> list[str]:
    """What the two studies ask differently of what they share, in words."""
    found = []
    for key in CHANGES:
        a, b = (dict(_leaves(getattr(study, key) or {}, key)) for study in (first, second))
        found += [f"{place}: {a[place]} there, {b[place]} here" for place in sorted(a.keys() & b.keys()) if a[place] != b[place]]
        if key == "hyperparams":
            pairs_of = [{(algo, env) for algo, envs in (getattr(study, key) or {}).items() for env in envs} for study in (first, second)]
            both = {f"{key}.{algo}.{env}." for algo, env in pairs_of[0] & pairs_of[1]}
            found += [f"{place}: {side.get(place)} {where} only" for side, where, other in ((a, "there", b), (b, "here", a))
                      for place in sorted(side.keys() - other.keys()) if any(place.startswith(start) for start in both)]
    return found


def _leaves(value: Any, place: str):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{place}.{key}")
    else:
        yield place, value


# ------------------------------------------------------------------------------------------------------------------ page


def render(first: Store, second: Store, directory: Path, *, allow_partial: bool = False, now: datetime | None = None) -> Path:
    """Write against.html and against.json: the first study against the second, with the first one's margin and scales."""
    studies = [store.study() for store in (first, second)]
    for study in studies:
        records.demand(study)
    there, here = (analyse(study, store.runs(), store.curves(), allow_partial=allow_partial) for study, store in zip(studies, (first, second), strict=True))
    found = pairs(there, here)
    names = _names(first.path, second.path)
    text = page.environment().get_template("against.html").render(
        style=page.stylesheet(),
        names=names,
        studies=studies,
        partial=[*there.missing, *here.missing],
        statistics=there.statistics,
        date=f"{(now or datetime.now(UTC)):%Y-%m-%d %H:%M UTC}",
        lines=[{"badge": BADGES[p.test.tier], "text": f"{p.algo} on {', '.join(p.envs)}: {p.sentence}"} for p in found if _is_headline(p, found)],
        figure_=_figure(found, names, there),
        narrow=_figure(found, names, there, NARROW).svg,
        changes=changes(*studies),
        hashes=[study.hash or None for study in studies],
    )
    directory.mkdir(parents=True, exist_ok=True)
    numbers = {"first": names[0], "second": names[1], "hashes": [study.hash or None for study in studies],
               "pairs": [{**dataclasses.asdict(p), "tier": p.test.tier} for p in found], "changes": changes(*studies)}
    write_whole(directory / "against.json", page.as_json(numbers))
    write_whole(directory / "against.html", text)
    return directory / "against.html"


def _is_headline(pair: Pair, found: list[Pair]) -> bool:
    """Over all tasks where that could be computed, else task by task."""
    return len(pair.envs) > 1 or not any(p.algo == pair.algo and len(p.envs) > 1 and pair.envs[0] in p.envs for p in found)


def _names(first: Path, second: Path) -> tuple[str, str]:
    a, b = first.resolve(), second.resolve()
    return (a.name, b.name) if a.name != b.name else (f"{a.parent.name}/{a.name}", f"{b.parent.name}/{b.name}")


def _figure(found: list[Pair], names: tuple[str, str], analysis: Analysis, sheet: Sheet = WIDE) -> Figure:
    """The differences in units of the margin (so that tasks of any scale stand side by side); without one, of the half-width of the 90 % interval."""
    with matplotlib.rc_context(style.STYLE):
        canvas = sheet.canvas(0.9 + 0.3 * len(found))
        ax = canvas.subplots()
        if any(p.test.margin for p in found):
            ax.axvspan(-1, 1, color="#009E73", alpha=0.12, linewidth=0)
        for row, pair in enumerate(found):
            unit = pair.test.margin or _half(pair.test.narrow)
            scaled = [stats.Interval(i.point / unit, i.low / unit, i.high / unit, i.n, i.confidence) for i in (pair.test.difference, pair.test.narrow)]
            whisker(ax, row, scaled[0], PALETTE[0 if len(pair.envs) > 1 else 7], inner=scaled[1])
        ax.axvline(0, color=style.INK, linewidth=1, linestyle=":")
        ax.set_yticks(range(len(found)), [sheet.name(_label(p)) for p in found])
        ax.set_ylim(len(found) - 0.5, -0.5)
        ax.grid(axis="y", visible=False)
        some = [p for p in found if not p.test.margin]
        words = f"in margins of equivalence{' (without a margin: see the caption)' if some else ''}"
        canvas.supxlabel(sheet.label(f"{names[1]} − {names[0]}, {words}"), fontsize=9)
        svg = sheet.svg(canvas, "against", alt := f"Differences of {names[1]} from {names[0]}, in margins: " + "; ".join(
            f"{p.algo} on {', '.join(p.envs)} {with_interval(p.test.difference, sign=True)}" for p in found) + ".")
    how = analysis.statistics
    caption = (f"Scores of {names[1]} minus those of {names[0]}, divided by the margin: inside the shaded band is equivalent. "
               f"{'Those with a star have no margin and are divided by the half-width of their 90 % interval; no equivalence can be claimed. ' if some else ''}"
               f"Thin: {percent(how.confidence)} interval; thick: 90\u00a0% interval. "
               f"Over several tasks the difference of IQMs (expanded bootstrap intervals, {count(how.reps)} repetitions, seed {how.seed}); "
               "on one task the difference of means (Welch). Tests of a difference by permutation and by t, corrected by Holm over the pairs of "
               "each kind; claims of equivalence are not corrected.")  # fmt: skip
    header = ["algorithm", "tasks", "runs", "difference", "90 % interval", "margin", "p (Holm)", "verdict", "same run at the same seed"]
    rows = []
    for p in found:
        digits = decimals(p.test.difference.point, p.test.margin or 0.0)
        margin = f"±{number(p.test.margin, digits)}" if p.test.margin else "–"
        rows.append([p.algo, ", ".join(p.envs), f"{p.n[0]} / {p.n[1]}", with_interval(p.test.difference, digits, sign=True), bracket(p.test.narrow, digits),
                     margin, p_value(p.test.p), p.test.meaning, f"{p.same} of {p.shared}"])
    sentences = [_caution(p, how.confidence) for p in found]
    warning = ". ".join(dict.fromkeys(s for s in sentences if s))
    return Figure("against", "Differences", svg, alt, caption, Table(header, rows), f"Caution. {warning}." if warning else "")


def _label(pair: Pair) -> str:
    where = pair.envs[0] if len(pair.envs) == 1 else f"{len(pair.envs)} tasks"
    return f"{pair.algo}, {where}{'' if pair.test.margin else ' *'}"


def _half(narrow: stats.Interval) -> float:
    return float((narrow.high - narrow.low) / 2) if narrow.is_claimed and narrow.high > narrow.low else 1.0


def _caution(pair: Pair, confidence: float) -> str:
    many = len(pair.envs) > 1
    kinds = [(kind, len(pair.envs)) for kind in (("difference", "difference_90") if many else ("welch", "welch_90"))]
    return judgements.cautions(kinds, pair.test.difference.n, confidence)
