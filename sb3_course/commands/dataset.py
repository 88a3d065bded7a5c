"""sb3-course dataset: recorded steps to learn from: those that are here, their cards, ours made again, and checked."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import IncompleteData, IntegrityError, UserError, first_line
from benchmarks.running import launchers
from benchmarks.store.files import write_whole
from benchmarks.store.plain import one_line
from from_scratch.core.datasets import BadDataset, as_dataset, places

MARKS = {"pass": "pass", "unverified": "NOT VERIFIED", "fail": "FAIL"}


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    try:
        return {"list": _list, "show": _show, "make": _make, "check": _check}[args.action](args)
    except BadDataset as error:
        raise UserError(first_line(error)) from None


def _list(args: argparse.Namespace) -> int:
    from benchmarks.datasets.recipes import recipes

    here, known = places.names(), recipes()
    print("Ours")
    width = max(map(len, [*known, *here]))
    for name, recipe in known.items():
        where = "comes with the library" if name in here and here[name].parent == places.PACKED else f"here, in {here[name]}" if name in here else "to be made"
        print(f"  {name:{width}}  {where}; {recipe.env}, {recipe.of_family['about']}")
    others = {name: path for name, path in here.items() if name not in known}
    if others:
        print("\nOthers")
        print("\n".join(f"  {one_line(name):{width}}  {path}" for name, path in others.items()))
    print(f"\nMade ones are kept in {places.cache()} (SB3_COURSE_DATASETS), Minari's are looked for in {places.minaris()} (MINARI_DATASETS_PATH).")
    return 0


def _show(args: argparse.Namespace) -> int:
    from benchmarks.datasets import card

    out = Path(args.out) if args.out else None
    if out and out.suffix not in (".svg", ".png"):
        raise UserError(f"--out {out}: a picture is a .svg or a .png file")
    data = as_dataset(args.name)
    print(one_line(data.name))
    rows = card.rows(data)
    width = max(len(what) for what, _ in rows)
    print("\n".join(f"  {what:{width}}  {one_line(words)}" for what, words in rows))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, card.as_svg(data) if out.suffix == ".svg" else card.as_png(data))
        print(f"The picture of its returns: {out}")
    return 0


def _make(args: argparse.Namespace) -> int:
    from benchmarks.datasets import making, recipes, training

    training.source()  # before anything is written
    root = Path(args.out) if args.out else places.cache()
    chosen = recipes.chosen(args.names)
    for k, recipe in enumerate(chosen, start=1):
        begin, path = time.perf_counter(), making.place_of(recipe, root, args.pack)
        there = path.exists() or (not args.out and recipe.name in places.names())
        with Progress() as show:
            path = path if there and path.exists() else places.find(recipe.name) if there else making.make(recipe, root, args.pack, show)
        took = "was there" if there else f"made in {time.perf_counter() - begin:.0f} s"
        print(f"{k}/{len(chosen)} {recipe.name} {took}: {path}", flush=True)
    return 0


def _check(args: argparse.Namespace) -> int:
    from benchmarks.datasets import checking

    with Progress() as show:
        try:
            findings = checking.check(args.name, args.level, show)
        except BadDataset as error:
            if "they are not what was recorded" not in str(error):
                raise
            findings = [checking.Finding(1, "steps", "fail", first_line(error))]
    for finding in findings:
        print(f"{finding.level}  {finding.what}: {MARKS[finding.state]}, {one_line(finding.said)}")
    states = {finding.state for finding in findings}
    if "fail" in states:
        return IntegrityError.exit_code
    return IncompleteData.exit_code if "unverified" in states else 0


class Progress:
    """A bar on a terminal, and nothing elsewhere."""

    def __enter__(self) -> Progress:
        self.bar: Any = None
        self.what = ""
        return self

    def __call__(self, what: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if what != self.what:
            self.__exit__()
            self.what, self.bar = what, tqdm(desc=what, total=total, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False)
        self.bar.n = done
        self.bar.refresh()

    def __exit__(self, *error: Any) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
