"""sb3-course report and archive: the report of a study, of two studies side by side, of runs that others made; and a study as one file."""

from __future__ import annotations

import argparse
import functools
from pathlib import Path
from typing import Any

from benchmarks import UserError
from benchmarks.reproduction import archive
from benchmarks.store.store import Store, open_study
from benchmarks.studies import parts
from sb3_course.commands.compare import list_troubles, render, show


def report(args: argparse.Namespace) -> int:
    sources = {"--from-zoo": args.from_zoo, "--from-sb3": args.from_sb3, "--from-csv": args.from_csv, "--from-marl-eval": args.from_marl_eval}
    given = [flag for flag, value in sources.items() if value]
    if len(given) > 1 or (given and args.study):
        raise UserError(f"{' and '.join([*given, *([f'the study {args.study}'] if args.study else [])])}: a report is of one of them")
    if args.marl_eval and (given or args.against or (args.study and archive.is_archive(args.study))):
        raise UserError(f"--marl-eval {args.marl_eval}: it writes a study that is a folder or a name under studies/, without --against or --from-...")
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

    name = Path(args.study).name
    for suffix in archive.SUFFIXES:
        name = name.removesuffix(suffix)
    directory = Path(args.out) if args.out else Path(args.study).with_name(f"{name}-report")
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


def _foreign(args: argparse.Namespace) -> int:
    from benchmarks.report.page import render_store
    from benchmarks.store import readers

    options = readers.Reading(scores=args.scores, points=args.points, window=args.window, name=args.name, reps=args.reps, normalise=args.normalise)
    if args.from_zoo:
        runs = readers.from_zoo(Path(args.from_zoo), options)
    elif args.from_sb3:
        runs = readers.from_sb3(args.from_sb3, options)
    elif args.from_marl_eval:
        metric = dict(_pair("--column", word) for word in args.column).get("score")
        runs = readers.from_marl_eval([Path(name) for name in args.from_marl_eval], options, metric)
    else:
        columns, known = (dict(_pair(flag, word) for word in words) for flag, words in (("--column", args.column), ("--known", args.known)))
        runs = readers.from_csv([Path(name) for name in args.from_csv], options, columns, args.run_names, known)
    directory = Path(args.out or Path("reports") / runs.study().name)
    rendered = render_store(runs, directory, allow_partial=args.allow_partial, options=_options(args))
    show(rendered.summary)
    for note in runs.notes:
        print(f"Note: {note}.")
    print(f"Report: {rendered.path}")
    return 0


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
