"""`python -m benchmarks.claims.calibration`: how often the library of claims says "reproduced" where there is nothing to reproduce.

The stored runs of each claim are made into worlds in which the truth is known, and are judged as the claim was: by its own numbers, tests and Holm.

    no effect              the runs change arms at random: within their seed where seeds are compared, else among all; of a contrast over several tasks
                           within each task, if the arms' coefficients sum to 0 there. A run takes all its metrics along, so the numbers of a claim stay
                           as alike as they are. One arm against a constant: its runs are drawn again, about that constant
    the least that counts  the same, and one arm moved until the effect is exactly the smallest that counts: still no more than 5 % may say so

A null is in both worlds at the nearer edge of where it has to lie. Shares are drawn anew where they have to move. Controls are taken to hold. A number that
cannot be moved so, or is no contrast of arms, is left out, and the claim judged by its others, which can only make "reproduced" more frequent.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from benchmarks import IntegrityError, UserError
from benchmarks.claims import claim as claims
from benchmarks.claims import record, verdict
from benchmarks.claims.claim import Claim, Number, cells_of
from benchmarks.claims.estimates import Effort, Estimate, wilson
from benchmarks.claims.metrics import Results
from benchmarks.claims.verdict import ALPHA, REPRODUCED, VERDICTS, Runs
from benchmarks.store.files import write_whole
from benchmarks.store.store import Store

NO_EFFECT, LEAST = "no effect", "the least that counts"
TRUTHS = (NO_EFFECT, LEAST)
FEWEST_SEEDS = 2  # to exchange anything
Cell = tuple[str, str]
World = Callable[[np.random.Generator], Runs]  # the runs of a number's cells, made anew
Row = dict[str, Any]


# ------------------------------------------------------------------------------------------------------------------ worlds


@dataclass(frozen=True)
class Exchange:
    """Cells whose runs may change places, and where each run of each comes from: [cells, seeds], counted cell by cell."""

    cells: tuple[Cell, ...]
    is_paired: bool

    def drawn(self, n: int, rng: np.random.Generator) -> np.ndarray:
        places = np.arange(len(self.cells) * n).reshape(len(self.cells), n)
        return rng.permuted(places, axis=0) if self.is_paired else rng.permutation(places.ravel()).reshape(places.shape)


def blocks(claim: Claim, number: Number) -> list[tuple[Cell, ...]]:
    """The cells of a number that are alike where there is no effect: of each task, or all of them; none of a number that is not 0 between equal arms."""
    coefficients = verdict.coefficients_of(claim, number)
    if number.ratio is not None:
        signs: dict[Cell, float] = {}
        for word, sign in zip(number.ratio, (1.0, -1.0), strict=True):
            found = cells_of(claim, word, number.envs)
            signs |= {cell: signs.get(cell, 0.0) + sign / len(found) for cell in found}
        coefficients = signs
    by_task = [tuple(cell for cell in coefficients if cell[1] == env) for env in dict.fromkeys(env for _, env in coefficients)]
    for groups in (by_task, [tuple(coefficients)]):
        if all(abs(sum(coefficients[cell] for cell in group)) < 1e-9 for group in groups):
            return groups
    return []


def joined(groups: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """Groups that share a cell as one: what is exchangeable with the same is exchangeable."""
    found: list[tuple[Cell, ...]] = []
    for group in groups:
        apart = [other for other in found if not set(other) & set(group)]
        together = [cell for other in found if set(other) & set(group) for cell in other]
        found = [*apart, tuple(dict.fromkeys([*together, *group]))]
    return found


def target_of(number: Number, truth: str) -> float:
    """Where a number truly lies in a world: of a null, the edge of its interval that is nearer."""
    if number.within is not None:
        return min((bound for bound in number.within if bound is not None), key=lambda bound: abs(bound - number.nothing))
    assert number.enough is not None
    return number.nothing if truth == NO_EFFECT else number.enough


@dataclass(frozen=True)
class Library:
    """A claim with the runs that its worlds are made of, each metric read once."""

    claim: Claim
    exchanges: tuple[Exchange, ...]
    values: Mapping[str, Runs]  # number -> of all cells that its runs may come from
    n: int

    @staticmethod
    def of(claim: Claim, results: Results) -> Library:
        """IntegrityError where a run has no number."""
        kept = [number for number in claim.numbers if number.statistic is None]
        groups = {number.name: blocks(claim, number) for number in kept}
        together = joined([group for of_number in groups.values() for group in of_number])
        values = {}
        for number in kept:
            cells = [*verdict.coefficients_of(claim, number), *(cell for group in together if set(group) & set(sum(groups[number.name], ())) for cell in group)]
            values[number.name] = {cell: results.values(*cell, number.metric) for cell in dict.fromkeys(cells)}
            if not all(np.isfinite(runs).all() for runs in values[number.name].values()):
                raise IntegrityError(f"{number.name}: runs without a finite value")
        return Library(replace(claim, numbers=tuple(kept)), tuple(Exchange(group, claim.paired) for group in together), values, len(results.seeds))

    def can_be(self, number: Number, truth: str) -> bool:
        """Whether there is a world in which a number truly lies where it should."""
        target, rng = target_of(number, truth), np.random.default_rng(0)
        return self.moved(number, self.values[number.name], [e.drawn(self.n, rng) for e in self.exchanges], target, rng) is not None

    def moved(self, number: Number, values: Runs, places: Sequence[np.ndarray], target: float, rng: np.random.Generator) -> Runs | None:
        """The runs of a number's cells in a world in which it truly is `target`; None if they cannot be."""
        coefficients = verdict.coefficients_of(self.claim, number)
        if not blocks(self.claim, number):
            return self._redrawn(number, {cell: values[cell] for cell in coefficients}, coefficients, target, rng)
        if number.ratio is not None:
            if number.nothing <= 0 or target <= 0:
                return None
            times = dict.fromkeys(cells_of(self.claim, number.ratio[0], number.envs), 1 / number.nothing)  # until both sides are alike
            runs = self._exchanged({cell: v * times.get(cell, 1.0) for cell, v in values.items()}, places)
            return {cell: runs[cell] * (target if cell in times else 1.0) for cell in coefficients}
        runs = self._exchanged(values, places)
        if target == 0:
            return {cell: runs[cell] for cell in coefficients}
        if number.metric.is_share:
            return self._shares_apart(number, values, coefficients, target, rng)
        first = max(coefficients, key=lambda cell: abs(coefficients[cell]))
        return {cell: runs[cell] + (target / coefficients[first] if cell == first else 0.0) for cell in coefficients}

    def _exchanged(self, values: Runs, places: Sequence[np.ndarray]) -> dict[Cell, np.ndarray]:
        found = dict(values)
        for exchange, place in zip(self.exchanges, places, strict=True):
            if all(cell in values for cell in exchange.cells):
                pool = np.concatenate([values[cell] for cell in exchange.cells])
                found |= dict(zip(exchange.cells, pool[place], strict=True))
        return found

    def _shares_apart(
        self, number: Number, values: Runs, coefficients: Mapping[Cell, float], target: float, rng: np.random.Generator
    ) -> dict[Cell, np.ndarray] | None:
        """Of two arms: drawn with shares that lie `target` apart, about the one that they have together."""
        if len(coefficients) != 2:
            return None
        scale = number.metric.scale
        (one, c), (other, _) = coefficients.items()
        apart = target / (c * scale)
        if abs(apart) > 1:
            return None
        middle = np.clip(np.mean([values[one] != 0, values[other] != 0]), abs(apart) / 2, 1 - abs(apart) / 2)
        return {cell: scale * (rng.random(self.n) < middle + side * apart / 2) for cell, side in ((one, 1), (other, -1))}

    def _redrawn(
        self, number: Number, values: dict[Cell, np.ndarray], coefficients: Mapping[Cell, float], target: float, rng: np.random.Generator
    ) -> dict[Cell, np.ndarray] | None:
        """One arm against a constant, or a contrast that is not 0 between equal arms: its runs drawn again, with replacement, and moved to `target`."""
        if number.ratio is not None or (number.metric.is_share and len(coefficients) > 1):
            return None
        if number.metric.is_share:
            (cell, c), scale = next(iter(coefficients.items())), number.metric.scale
            share = target / (c * scale)
            return {cell: scale * (rng.random(self.n) < share)} if 0 <= share <= 1 else None
        point = sum(c * float(values[cell].mean()) for cell, c in coefficients.items())
        first = max(coefficients, key=lambda cell: abs(coefficients[cell]))
        together = rng.integers(0, self.n, self.n)
        drawn = {cell: v[together if self.claim.paired else rng.integers(0, self.n, self.n)] for cell, v in values.items()}
        drawn[first] = drawn[first] + (target - point) / coefficients[first]
        return drawn

    def verdicts(self, truth: str, repetitions: int, seed: int, effort: Effort) -> Iterator[tuple[str, list[str]]]:
        """The verdict on the claim, and those on its numbers, in each world."""
        claim = self.among(truth)
        targets = [target_of(number, truth) for number in claim.numbers]
        for repetition in range(repetitions):
            rng = np.random.default_rng([seed, crc32(f"{claim.name} {truth}".encode()), repetition])
            places = [exchange.drawn(self.n, rng) for exchange in self.exchanges]
            found: list[Estimate] = []
            for number, target in zip(claim.numbers, targets, strict=True):
                runs = self.moved(number, self.values[number.name], places, target, rng)
                assert runs is not None
                found.append(verdict.estimate_of(claim, number, runs, effort))
            single = [said for _, said in verdict.judged(claim, found)]
            yield (verdict.VOID if verdict.VOID in single else verdict.of_all(single)), single

    def among(self, truth: str) -> Claim:
        """The claim with those of its numbers that can be moved."""
        return replace(self.claim, numbers=tuple(number for number in self.claim.numbers if self.can_be(number, truth)))


# --------------------------------------------------------------------------------------------------------------- measuring


def measure(claim: Claim, results: Results, truth: str, repetitions: int, seed: int, effort: Effort) -> Row:
    """How often a claim's verdict, and the number that does so most often, says "reproduced" in worlds of this truth."""
    row: Row = {"claim": claim.name, "truth": truth, "seeds": len(results.seeds), "numbers": 0, "left_out": len(claim.numbers), "repetitions": 0}
    row |= dict.fromkeys(("reproduced", "low", "high", "weaker", "not_distinguished", "contradicted", "void", "number", "number_reproduced"))
    if len(results.seeds) < FEWEST_SEEDS:
        return row
    try:
        library = Library.of(claim, results)
    except IntegrityError as error:
        print(f"{claim.name}: left out: {error}", file=sys.stderr)
        return row
    numbers = library.among(truth).numbers
    row |= {"numbers": len(numbers), "left_out": len(claim.numbers) - len(numbers)}
    if not numbers:
        return row
    counts, single = dict.fromkeys(VERDICTS, 0), np.zeros(len(numbers))
    for whole, each in library.verdicts(truth, repetitions, seed, effort):
        counts[whole] += 1
        single += [said == REPRODUCED for said in each]
    low, high = wilson(counts[REPRODUCED], repetitions, 0.95)
    row |= {"repetitions": repetitions, "low": round(low, 5), "high": round(high, 5)}
    row |= {said.replace(" ", "_"): round(count / repetitions, 5) for said, count in counts.items()}
    return row | {"number": numbers[int(single.argmax())].name, "number_reproduced": round(float(single.max()) / repetitions, 5)}


def overall(rows: Sequence[Row], truth: str) -> Row:
    """All verdicts of a truth together."""
    counted = [row for row in rows if row["truth"] == truth and row["repetitions"]]
    total = sum(row["repetitions"] for row in counted)
    if not total:
        raise UserError("there are no stored runs of claims to calibrate with")
    yes = sum(round(row["reproduced"] * row["repetitions"]) for row in counted)
    low, high = wilson(yes, total, 0.95)
    return {"truth": truth, "claims": len(counted), "verdicts": total, "reproduced": yes / total, "low": low, "high": high}


def stored(folder: Path) -> list[tuple[Claim, Results]]:
    """The claims whose runs lie in a folder, NAME/ each. UserError where those runs were made for another version of the claim."""
    found = []
    for name in claims.names():
        store = Store(folder / name)
        if store.exists():
            claim, said = claims.find(name), (store.study().claim or {}).get("hash")
            if said != claim.hash:
                raise UserError(f"claim {name} was changed since the runs in {store.path} were made: run it again, or take that folder away")
            found.append((claim, record.results_of(store)))
    return found


# ----------------------------------------------------------------------------------------------------------------- writing


def as_csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def page(rows: Sequence[Row], how: Row) -> str:
    """The table for a reader."""
    percent = lambda value: "–" if value is None else f"{100 * value:.1f}"
    head = []
    for truth in TRUTHS:
        found = overall(rows, truth)
        head.append(f"- **{truth}**: {percent(found['reproduced'])} % of {found['verdicts']:,} verdicts on {found['claims']} claims say *reproduced* "
                    f"(95 % interval {percent(found['low'])}–{percent(found['high'])} %)")  # fmt: skip
    lines = ["| claim | seeds | truth | reproduced [%] | weaker | contradicted | its number that is reproduced most often [%] | numbers left out |",
             "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
    for row in rows:
        most = f"{row['number']} {percent(row['number_reproduced'])}" if row["repetitions"] else "–"
        lines.append(f"| {row['claim']} | {row['seeds']} | {row['truth']} | {percent(row['reproduced'])} | {percent(row['weaker'])} | "
                     f"{percent(row['contradicted'])} | {most} | {row['left_out']} |")  # fmt: skip
    return f"""# Calibration of the claims

How often a claim would be called *reproduced* if there were nothing to reproduce: its stored runs, exchanged between its arms at random
({how["repetitions"]:,} times for each claim and truth), judged as the claim itself is. At most 5 % may.

{chr(10).join(head)}

*{NO_EFFECT}*: all arms are the same. *{LEAST}*: the effect is exactly the smallest that counts, which is not beyond it; a null lies at the edge of its
margin in both. Numbers that cannot be moved there are left out, and the claim is judged by its others; one all of whose numbers are left out has no row
of shares. Permutation tests take {how["divisions"]:,} divisions here, and are left out where the t test alone finds nothing.

![Calibration of the claims](claims.svg)

Made by `{how["command"]}`.

{chr(10).join(lines)}
"""


def picture(rows: Sequence[Row]) -> str:
    """The share of verdicts that say "reproduced", claim by claim."""
    import matplotlib

    from benchmarks.report.style import FAINT, INK, PALETTE, STYLE, new_canvas, svg

    counted = [row for row in rows if row["repetitions"]]
    names = list(dict.fromkeys(row["claim"] for row in counted))
    with matplotlib.rc_context(STYLE):
        canvas = new_canvas(7.0, 1.8 + 0.26 * len(names))
        axes: Any = canvas.subplots(1, 2, sharex=True, sharey=True)
        for ax, truth, colour in zip(axes, TRUTHS, PALETTE, strict=False):
            ax.axvline(100 * ALPHA, color=FAINT, linewidth=1.2, linestyle="--")
            for row in (row for row in counted if row["truth"] == truth):
                y = names.index(row["claim"])
                ax.plot([100 * row["low"], 100 * row["high"]], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt")
                ax.plot([100 * row["reproduced"]], [y], "o", color=colour, markersize=5)
                ax.plot([100 * row["number_reproduced"]], [y], "o", color=colour, markersize=6, markerfacecolor="none", markeredgewidth=1.1)
            ax.set(title=f"Truth: {truth}", xlabel="verdicts “reproduced” [%]")
            ax.grid(axis="y", visible=False)
        axes[0].set_xlim(-0.3, max(7.0, axes[0].get_xlim()[1]))
        axes[0].set_yticks(range(len(names)), names, color=INK)
        axes[0].set_ylim(len(names) - 0.5, -0.5)
        repetitions = max(row["repetitions"] for row in counted)
        canvas.suptitle(f"Filled: the claim, with a 95 % interval; hollow: its number that is reproduced most often.\n{repetitions:,} worlds each; "
                        "dashed: the 5 % that are allowed", fontsize=8, color=INK)  # fmt: skip
        drawn = svg(canvas, "claims-calibration", alt="How often each claim is called reproduced where there is nothing to reproduce")
        return drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def main(arguments: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m benchmarks.claims.calibration", description="How often claims are called reproduced where nothing is.")
    top.add_argument("folder", type=Path, help="of the claims' runs, as sb3-course claim --out has them")
    top.add_argument("--repetitions", type=int, default=2000, metavar="N", help="worlds per claim and truth (default 2000)")
    top.add_argument("--divisions", type=int, default=2000, metavar="N", help="of each permutation test (default 2000; a verdict takes 50,000)")
    top.add_argument("--seed", type=int, default=0)
    top.add_argument("--out", type=Path, default=Path("results/calibration"), metavar="DIR", help="for claims.csv, claims.md, claims.svg and claims.json")
    args = top.parse_args(arguments)
    if min(args.repetitions, args.divisions) < 1:
        top.error("--repetitions and --divisions must be at least 1")
    effort = Effort(divisions=args.divisions, exact=args.divisions, is_hurried=True)
    rows, begin = [], time.monotonic()
    for claim, results in stored(args.folder):
        rows += [measure(claim, results, truth, args.repetitions, args.seed, effort) for truth in TRUTHS]
        print(f"{claim.name}: {rows[-2]['reproduced']}, {rows[-1]['reproduced']} ({time.monotonic() - begin:.0f} s)", file=sys.stderr, flush=True)
    if not any(row["repetitions"] for row in rows):
        raise UserError(f"{args.folder}: there are no stored runs of claims to calibrate with")
    command = f"python -m benchmarks.claims.calibration {args.folder} --repetitions {args.repetitions} --divisions {args.divisions} --seed {args.seed}"
    how = {"command": command, "repetitions": args.repetitions, "divisions": args.divisions, "seed": args.seed,
           "claims": {row["claim"]: claims.find(row["claim"]).hash for row in rows}}  # fmt: skip
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in (("csv", as_csv(rows)), ("md", page(rows, how)), ("svg", picture(rows)), ("json", json.dumps(how, indent=1) + "\n")):
        write_whole(args.out / f"claims.{name}", text)
    print(args.out / "claims.md")
    return int(any(overall(rows, truth)["low"] > ALPHA for truth in TRUTHS))


if __name__ == "__main__":
    sys.exit(main())
