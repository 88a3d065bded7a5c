"""sb3-course report and archive: the report of a study, of two studies side by side, of runs that others made; what a paper takes from it; and a study as one
file."""

from __future__ import annotations

import argparse
import contextlib
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import UserError
from benchmarks.reproduction import archive
from benchmarks.store.store import Store, open_study
from benchmarks.studies import parts
from sb3_course.commands.compare import list_troubles, render, show


def report(args: argparse.Namespace) -> int:
    sources = {"--from-zoo": args.from_zoo, "--from-sb3": args.from_sb3, "--from-csv": args.from_csv, "--from-wandb": args.from_wandb,
               "--from-marl-eval": args.from_marl_eval}
    given = [flag for flag, value in sources.items() if value]
    if len(given) > 1 or (given and args.study):
        raise UserError(f"{' and '.join([*given, *([f'the study {args.study}'] if args.study else [])])}: a report is of one of them")
    if args.marl_eval and (given or args.against or (args.study and archive.is_archive(args.study))):
        raise UserError(f"--marl-eval {args.marl_eval}: it writes a study that is a folder or a name under studies/, without --against or --from-...")
    _refuse_without_its_flag(args)
    if args.figures or args.tables:
        return _for_a_paper(args)
    if given:
        return _foreign(args)
    if args.study and archive.is_archive(args.study):
        return _of_archive(args)
    store = open_study(args.study or "quickstart")
    if args.trust:
        parts.make_available(store.study())
    if args.against:
        return _against(args, store)
    if args.marl_eval:
        _write_marl_eval(store, Path(args.marl_eval))
    list_troubles(store, store.runs())
    return render(store, args.allow_partial, _options(args), _play(args))


def _write_marl_eval(store: Store, path: Path) -> None:
    from benchmarks.store import marl_eval

    for note in marl_eval.write(path, store.study(), store.runs(), store.curves()):
        print(f"Note: {note}.")
    print(f"marl-eval's JSON: {path}")


def _of_archive(args: argparse.Namespace) -> int:
    """The report of a study in an archive, into --out (by default a folder beside the archive, named as it is)."""
    from benchmarks.report.page import render_store

    directory = Path(args.out) if args.out else Path(args.study).with_name(f"{_stem(args.study)}-report")
    with archive.opened(args.study) as store:
        if args.against:
            args.out = str(directory)
            return _against(args, store)
        list_troubles(store, store.runs())
        if args.trust:
            parts.make_available(store.study())
        rendered = render_store(store, directory, allow_partial=args.allow_partial, options=_options(args), play=_play(args))
    show(rendered.summary)
    print(f"Report: {rendered.path}")
    return 0


def _play(args: argparse.Namespace) -> Any:
    """With --trust, films that the study does not hold are made from its models; without, a report reads and plays nothing."""
    from benchmarks.report import films

    return functools.partial(films.make, trusted=True) if args.trust else None


def _options(args: argparse.Namespace):
    from benchmarks.report.page import Options

    return Options(pdf=args.pdf, parquet=args.parquet, animations=not args.no_animations)


def _against(args: argparse.Namespace, store: Store) -> int:
    from benchmarks.report import against

    with archive.opened(args.against) as other:
        path = against.render(other, store, Path(args.out) if args.out else store.path / "report", allow_partial=args.allow_partial)
    print(f"{store.path} against {args.against}: {path}")
    return 0


def _refuse_without_its_flag(args: argparse.Namespace) -> None:
    for flag, given, needs, there in (("--only", args.only, "--figures", args.figures), ("--columns", args.columns, "--tables", args.tables)):
        if given and not there:
            raise UserError(f"{flag} {given}: it chooses among what {needs} writes, so give {needs} too")
    if args.figures or args.tables:
        ask, page = "--figures" if args.figures else "--tables", {"--pdf": args.pdf, "--parquet": args.parquet, "--against": args.against}
        if others := [flag for flag, is_on in page.items() if is_on]:
            raise UserError(f"{ask} writes what a paper takes, and no report: give {' and '.join(others)} in a command of its own")


def _for_a_paper(args: argparse.Namespace) -> int:
    """Figures and tables alone, into --out (by default figures/NAME: a study's own folder holds only what a verification looks at)."""
    from benchmarks import IncompleteData
    from benchmarks.evidence.records import IncompleteStudy
    from benchmarks.report import paper

    words = {flag: tuple(filter(None, (word.strip() for word in (getattr(args, flag) or "").split(",")))) for flag in ("only", "tables", "columns")}
    for flag, found in words.items():
        if getattr(args, flag) is not None and not found:
            raise UserError(f"--{flag} '{getattr(args, flag)}': give names, such as {'IQM' if flag == 'columns' else 'comparisons'}")
    asked = paper.Asked(figures=args.figures or "", width=args.width, **words)
    try:
        with _opened(args) as (store, name):
            written = paper.write(store, Path(args.out or Path("figures") / name), asked, allow_partial=args.allow_partial)
    except IncompleteStudy as error:
        raise IncompleteData(str(error)) from None
    for path in written:
        print(path)
    return 0


@contextlib.contextmanager
def _opened(args: argparse.Namespace) -> Iterator[tuple[Any, str]]:
    """What the words name, a study, an archive or runs that other programs made, and a name for its folder."""
    if args.from_zoo or args.from_sb3 or args.from_csv or args.from_wandb or args.from_marl_eval:
        runs = _runs_of_others(args)
        for note in runs.notes:
            print(f"Note: {note}.", file=sys.stderr)
        yield runs, runs.study().name
    elif args.study and archive.is_archive(args.study):
        with archive.opened(args.study) as store:
            yield store, _stem(args.study)
    else:
        store = open_study(args.study or "quickstart")
        list_troubles(store, store.runs())
        yield store, store.path.resolve().name


def _stem(name: str) -> str:
    """An archive's name without its suffix."""
    name = Path(name).name
    for suffix in archive.SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _foreign(args: argparse.Namespace) -> int:
    from benchmarks.report.page import render_store

    runs = _runs_of_others(args)
    directory = Path(args.out or Path("reports") / runs.study().name)
    rendered = render_store(runs, directory, allow_partial=args.allow_partial, options=_options(args))
    show(rendered.summary)
    for note in runs.notes:
        print(f"Note: {note}.")
    print(f"Report: {rendered.path}")
    return 0


def _runs_of_others(args: argparse.Namespace) -> Any:
    from benchmarks.store import readers

    options = readers.Reading(scores=args.scores, points=args.points, window=args.window, name=args.name, reps=args.reps, normalise=args.normalise)
    if args.from_zoo:
        return readers.from_zoo(Path(args.from_zoo), options)
    if args.from_sb3:
        return readers.from_sb3(args.from_sb3, options)
    if args.from_marl_eval:
        metric = dict(_pair("--column", word) for word in args.column).get("score")
        return readers.from_marl_eval([Path(name) for name in args.from_marl_eval], options, metric)
    columns, known = (dict(_pair(flag, word) for word in words) for flag, words in (("--column", args.column), ("--known", args.known)))
    if args.from_wandb:
        return readers.from_wandb(args.from_wandb, options, columns, args.run_names, known)
    return readers.from_csv([Path(name) for name in args.from_csv], options, columns, args.run_names, known)


def _pair(flag: str, word: str) -> tuple[str, str]:
    meaning, _, value = word.partition("=")
    if not value:
        raise UserError(f"{flag} {word}: say what means what, such as --column step=frames or --known env=CartPole-v1")
    return meaning, value


def pack(args: argparse.Namespace) -> int:
    store = open_study(args.study)
    target = Path(args.file or f"{store.path.resolve().name}.tar.gz")
    hashes = archive.pack(store, target, models=not args.no_models)
    print(f"{target}: {len(hashes)} files, {target.stat().st_size / 1e6:.1f} MB; sb3-course reproduce {target} --level 2 verifies it")
    return 0
