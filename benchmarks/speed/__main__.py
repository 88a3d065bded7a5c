"""`python -m benchmarks.speed [case …]`: ours beside Stable-Baselines3, interleaved, one thread each."""

from __future__ import annotations

import os
import sys

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # NumPy and torch read these when they are imported
    os.environ[name] = "1"

import argparse  # noqa: E402
import json  # noqa: E402
from dataclasses import asdict  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import torch  # noqa: E402

from benchmarks import HarnessError, UserError  # noqa: E402
from benchmarks.speed import cases, commands, measure, tables  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
SCHEMA = 1  # of the JSON; another number when a key changes its meaning


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description="Time ours beside Stable-Baselines3: interleaved rounds in one process, one thread each.",
        epilog=f"cases:\n{tables.case_list(cases.CASES)}", formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    top.add_argument("case", nargs="*", help="all, if none is named")
    top.add_argument("--rounds", type=int, metavar="N", help="default 5, with --quick 2")
    top.add_argument("--quick", action="store_true", help="shorter runs, fewer rounds and stacks: to look, not to publish")
    top.add_argument("--seeds", metavar="N,…", help=f"how many seeds train together (default {_listed(cases.SEEDS)}; --quick {_listed(cases.QUICK_SEEDS)})")
    top.add_argument("--without", metavar="PART,…", default="", help=f"leave out some of: {', '.join(measure.PARTS)}")
    top.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    top.add_argument("--markdown", action="store_true", help="print tables")
    top.add_argument("--write-docs", action="store_true", help=f"put the tables into docs/{PAGE.name}")
    top.add_argument("--growth", type=Path, metavar="FILE", help="instead: time by length of run and number of seeds (1, 10, 100), drawn to an SVG or PNG")
    top.add_argument("--commands", action="store_true", help=f"instead: how long {' and '.join(commands.LISTS)} of sb3-course take")
    return top


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _seeds(given: str | None, default: tuple[int, ...]) -> tuple[int, ...]:
    if given is None:
        return default
    try:
        seeds = tuple(sorted({int(word) for word in given.split(",")}))
    except ValueError:
        seeds = (0,)
    if seeds[0] < 1:
        raise UserError(f"--seeds {given}: write numbers of seeds with commas, as in --seeds 1,10")
    return seeds


def _parts(without: str) -> tuple[str, ...]:
    words = [word for word in without.split(",") if word]
    for word in words:
        if word not in measure.PARTS:
            raise UserError(f"--without {word}: there are {', '.join(measure.PARTS)}")
    return tuple(part for part in measure.PARTS if part not in words)


def _write(path: Path | None, document: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def run(arguments: list[str] | None = None) -> None:
    args = parser().parse_args(arguments)
    chosen = {name: cases.find(name) for name in args.case or (cases.CASES if not args.growth else ["ppo-cartpole"])}
    rounds = args.rounds if args.rounds is not None else 2 if args.quick else 5
    if rounds < 1:
        raise UserError(f"--rounds {rounds}: at least one")
    if args.commands:
        print(commands.table(rounds))
        return
    if args.write_docs and args.growth:
        raise UserError("--growth draws a figure and --write-docs writes tables: give one of them")
    for path in (args.json, args.growth):
        if path is not None and not path.parent.is_dir():
            raise UserError(f"{path}: there is no directory {path.parent}")
    parts, seeds = _parts(args.without), _seeds(args.seeds, (1, 10, 100) if args.growth else cases.QUICK_SEEDS if args.quick else cases.SEEDS)
    if args.write_docs:
        tables.renewed(PAGE.read_text(encoding="utf-8"), "")  # better told now than after the measuring

    torch.set_num_threads(1)
    document: dict[str, Any] = {"schema": SCHEMA, "machine": measure.machine(), "rounds": rounds, "quick": args.quick}
    document |= {"skipped": {}, "cases": {}, "growth": {}}
    results: dict[str, measure.Result] = {}
    growths: dict[str, measure.Growth] = {}
    for name, case in chosen.items():
        reason = case.missing()
        if reason:
            document["skipped"][name] = reason
            print(f"{name}: skipped. {reason}", file=sys.stderr)
            continue
        steps = case.quick_steps if args.quick else case.steps
        if args.growth:
            growths[name] = measure.measure_growth(name, case, rounds, steps, seeds)
            print(tables.growth_text(name, growths[name]), flush=True)
        else:
            results[name] = measure.measure(name, case, rounds, seeds, steps, parts)
            if not args.markdown:
                print(tables.text(name, results[name]), flush=True)
        document["cases"] = {key: result.as_json() for key, result in results.items()}
        document["growth"] = {key: asdict(growth) for key, growth in growths.items()}
        _write(args.json, document)  # after each case: what is measured is kept
    _write(args.json, document)
    if growths:
        tables.growth_figure(growths, rounds, args.growth)
    if args.markdown:
        print(tables.markdown(document, results))
    if args.write_docs and not results:
        raise UserError("nothing was measured, so docs/speed.md stays as it is")
    if args.write_docs:
        PAGE.write_text(tables.renewed(PAGE.read_text(encoding="utf-8"), tables.markdown(document, results)), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    try:
        run(arguments)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
