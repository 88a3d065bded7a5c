"""sb3-course power: how many seeds a question needs."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks import IncompleteData, UserError
from benchmarks.stats import ALPHA, attainable, power
from benchmarks.store import records


def run(args: argparse.Namespace) -> int:
    """A table for each comparison: what n seeds a side would find, and would show to be equivalent."""
    sizes = _sizes(args.seeds)
    if not 0 < args.power < 1:
        raise UserError(f"--power {args.power}: give a share between 0 and 1, such as 0.8")
    if args.reps < 100:
        raise UserError(f"--reps {args.reps}: at least 100 simulated studies are needed to tell a power of 80 % from one of 60 %")
    if (args.study is None) == (args.sd is None):
        raise UserError("give either a study (sb3-course power quickstart --effect 0.1) or a spread (sb3-course power --sd 0.2 --effect 0.1), and not both")
    if args.effect is not None and (args.effect == 0 or not math.isfinite(args.effect)):
        raise UserError(f"--effect {args.effect:g}: give the difference that should be found, which is not 0")
    if args.margin is not None and not 0 < args.margin < math.inf:
        raise UserError(f"--margin {args.margin:g}: a margin is the largest difference that would still count as none; give a positive number")
    if args.comparisons is not None and args.comparisons < 1:
        raise UserError(f"--comparisons {args.comparisons}: there is at least one, the one that is asked about")
    cases = _of_spread(args) if args.study is None else _of_study(args)
    document = []
    for case in cases:
        if "refused" in case:
            print(f"{case['name']}: {case['refused']}\n")
            document.append(case)
            continue
        draws = case.pop("draws")
        curve = power.power_curve(*draws, effect=case["effect"], margin=case["margin"], sizes=sizes, sd=case["sd"], reps=args.reps, seed=args.seed,
                                  power=args.power, comparisons=case["comparisons"], paired=case["paired"], batch=case["batch"],
                                  bounds=case.get("bounds"))
        _print(case, curve, args.power)
        document.append(case | {"reps": args.reps, "seed": args.seed, "power": args.power, "curve": [asdict(point) for point in curve]})
    if args.json:
        Path(args.json).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


def _sizes(text: str) -> list[int]:
    try:
        sizes = sorted({int(word) for word in text.split(",")})
    except ValueError:
        sizes = [0]
    if sizes[0] < 2:
        raise UserError(f"--seeds {text}: write numbers of seeds of at least 2 with commas, as in --seeds 5,10,20")
    return sizes


def _of_spread(args: argparse.Namespace) -> list[dict[str, Any]]:
    if args.effect is None:
        raise UserError("--sd without --effect: how large is the difference to be found, in the scores' unit?")
    try:
        draw = power.of_spread(args.sd, failing=args.failing, depth=args.failed_at)
    except ValueError as error:
        raise UserError(str(error)) from None
    failing = f", {100 * args.failing:g} % of them failing, {args.failed_at:g} sd lower" if args.failing else ""
    sd = args.sd * (1 + args.failing * (1 - args.failing) * args.failed_at**2) ** 0.5
    name = f"normal scores with sd {args.sd:g}{failing}"
    of = {"comparisons": args.comparisons or 1, "paired": False, "batch": None}
    return [{"name": name, "unit": "score", "effect": args.effect, "margin": args.margin, "sd": sd, **of, "draws": (draw, draw)}]


def _of_study(args: argparse.Namespace) -> list[dict[str, Any]]:
    from benchmarks.evidence.analysis import analyse
    from benchmarks.evidence.records import Sides, Statistics
    from benchmarks.stats import BadScores
    from benchmarks.store.store import open_study

    store = open_study(args.study)
    study = store.study()
    records.demand(study)
    study = replace(study, statistics={**(study.statistics or {}), "reps": 100})  # only scores are taken from the analysis here
    paired, batch = Statistics.of(study).paired, (study.sequential or {}).get("batch")
    cases: list[dict[str, Any]] = []
    for group in analyse(study, store.runs(), store.curves(), allow_partial=True).groups:
        tables = len(group.comparisons) * (1 if group.is_aggregated else len(group.envs))  # the comparisons that Holm corrects together
        for pair in group.comparisons:
            envs = [group.envs] if group.is_aggregated else [[env] for env in group.envs]
            for tasks in envs:
                sides = Sides.of(group, pair.x, pair.y, paired)
                assert isinstance(sides, Sides)  # else there were no comparison
                x, y = (side.of([group.envs.index(env) for env in tasks]) for side in (sides.x, sides.y))
                verdict = pair.overall if pair.overall is not None else pair.tasks[tasks[0]]
                margin = args.margin if args.margin is not None else verdict.margin
                effect = args.effect if args.effect is not None else margin
                on = tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks"
                case = {"name": f"{group.name}: {pair.x} against {pair.y} on {on}", "unit": group.unit, "effect": effect, "margin": margin,
                        "comparisons": args.comparisons or tables, "paired": paired, "batch": batch,
                        "bounds": None if verdict.shape is None else verdict.shape.bounds}
                if effect is None:
                    raise UserError(f"{case['name']}: no reference scores, so no margin; say what difference should be found with --effect")
                try:
                    *draws, sd = power.of_study(x, y, paired=paired)
                except BadScores as error:
                    cases.append(case | {"refused": str(error)})
                else:
                    cases.append(case | {"sd": sd, "runs": len(x[0]), "draws": tuple(draws)})
    if not cases:
        raise IncompleteData(f"{store.path} has no comparison with finished runs on both sides")
    return cases


def _print(case: dict[str, Any], curve: list[power.PowerAt], asked: float) -> None:
    from rich.table import Table

    from sb3_course.commands.compare import show

    margin = case["margin"]
    how = [f"one of {case['comparisons']} comparisons (Holm's first step)"] if case["comparisons"] > 1 else []
    how += ["paired by seed"] if case["paired"] else []
    how += [f"sequential, {case['batch']} seeds a batch; seeds a side: at most"] if case["batch"] else []
    table = Table(title=f"{case['name']} ({case['unit']}){''.join(f', {words}' for words in how)}", title_justify="left")
    columns = ("seeds a side", f"finds a difference of {case['effect']:g}", "shows equivalence" + (f" within ±{margin:g}" if margin else ""),
               f"smallest difference found with {100 * asked:g} % power")
    for column in (*columns, *(["seeds used on average"] if case["batch"] else [])):
        table.add_column(column, justify="right")
    for point in curve:
        same = "–" if point.equivalent is None else f"{100 * point.equivalent:.0f} %"
        table.add_row(str(point.n), f"{100 * point.finds:.0f} %", same, f"{point.detectable:.3g}", *([f"{point.used:.3g}"] if case["batch"] else []))
    show(table)
    too_few = "" if case["batch"] else attainable.said(curve[0].n, curve[0].n, case["comparisons"], paired=case["paired"])
    advice = f"{_advice(curve, case, asked)}{f' {too_few}.' if too_few else ''}"
    print(f"{advice} Standard error of a share: at most {100 * curve[0].error:.1f} %; tests at {100 * ALPHA:g} % of the table.\n")


def _advice(curve: list[power.PowerAt], case: dict[str, Any], asked: float) -> str:
    def needed(n: int | None, what: str) -> str:
        return f"{n} seeds a side {what}" if n is not None else f"more than {curve[-1].n} seeds a side would be needed to {what.removeprefix('would ')}"

    lines = [needed(power.enough(curve, lambda p: p.finds, asked), f"would find a difference of {case['effect']:g} with {100 * asked:g} % power")]
    if case["margin"] is not None:
        n = power.enough(curve, lambda p: p.equivalent, asked)
        lines.append(needed(n, f"would show two equal algorithms to be equivalent within ±{case['margin']:g} with {100 * asked:g} % power"))
    return ". ".join(line[0].upper() + line[1:] for line in lines) + "."
