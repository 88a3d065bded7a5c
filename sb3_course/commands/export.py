"""sb3-course export: a model as one file without a pickle, with what stands before it inside, equal to it where it was compared; or it is not written.

    export MODEL.zip --algo ppo --check-env CartPole-v1     a file of ours or of Stable-Baselines3's, with --vecnormalize and --frame-stack where it had them
    export --algo ppo --env CartPole-v1                     the latest training of `train`, with its normalisation
    export --study quickstart --algo ppo --env CartPole-v1  a run of a study: the median one, or that of --run-seed
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import IntegrityError, UserError
from benchmarks.running import launchers, models
from benchmarks.studies import environments, trust
from benchmarks.studies import study as studies
from from_scratch import registry
from from_scratch.core.entry import Entry
from sb3_course.commands import enjoy
from sb3_course.commands.train import folder_name

ENDINGS = {"onnx": ".onnx", "torchscript": ".pt", "pt2": ".pt2"}


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    if not args.algo:
        raise UserError("--algo is missing: which algorithm the model is of (a file of Stable-Baselines3's form does not say)")
    args.algo = studies.spelled(args.algo)
    if args.model is not None and args.study:
        raise UserError(f"{args.model} and --study {args.study}: give one of them")
    if args.model is None and not args.env:
        raise UserError("what is to be exported? Give MODEL.zip, or --env for a training or, with --study, for a run of a study")
    out = _out(args)
    with _of_file(args) if args.model is not None else _of_run(args) as (model, env):
        written = export(model, out, args, env)
    print(written)
    print("; ".join(f"{kind}: {', '.join(each['name'] for each in written.about[kind])}" for kind in ("inputs", "outputs")))
    where = args.check_env or args.env
    print(f"play it: from_scratch.deploy.load_policy({str(out)!r}), or sb3-course enjoy --exported {out}" + (f" --env {where}" if where else " --env …"))
    return 0


def export(model: Any, out: Path, args: argparse.Namespace, env: Any, **more: Any) -> Any:
    """`from_scratch.deploy.export`, whose errors are a user's."""
    from from_scratch.deploy import CannotExport, NotEqual
    from from_scratch.deploy import export as write
    from from_scratch.deploy.runtime import recorded

    observations = None
    try:
        if args.observations:
            observations = recorded(args.observations)[0]
        given = {"vec_normalize": args.vecnormalize, "frame_stack": args.frame_stack, "observations": observations, "n_observations": args.n_observations}
        return write(model, out, env=env, stochastic=args.stochastic, **given, **({} if args.opset is None else {"opset": args.opset}), **more)
    except CannotExport as error:
        raise UserError(f"{args.algo} cannot be exported: {error}") from None
    except NotEqual as error:
        raise IntegrityError(f"{out} was not written: what would be exported does not do what the model does. {error}") from None
    except (ValueError, ImportError, FileNotFoundError) as error:
        raise UserError(str(error)) from None


def _out(args: argparse.Namespace) -> Path:
    """The file to write, whose ending and --format agree."""
    from from_scratch.deploy.runtime import FORMATS

    if args.out is None:
        stem = Path(args.model).stem if args.model is not None else f"{folder_name(args.algo)}-{folder_name(args.env)}"
        return Path(stem + ENDINGS[args.format or "onnx"])
    out = Path(args.out)
    if out.is_dir():
        raise UserError(f"--out {out} is a folder: give the name of a file, such as {out / 'policy.onnx'}")
    if args.format and not out.suffix:
        out = out.with_suffix(ENDINGS[args.format])
    if out.suffix not in FORMATS or (args.format and FORMATS[out.suffix] != args.format):
        wanted = f"--format {args.format} ends in {ENDINGS[args.format]}" if args.format else f"there are {', '.join(FORMATS)}"
        raise UserError(f"--out {out}: {wanted}")
    return out


# ------------------------------------------------------------------------------------------------------------------------ from where
@contextlib.contextmanager
def _of_run(args: argparse.Namespace) -> Iterator[tuple[Any, Any]]:
    """What train saved, or a run of a study, with its environment, normalisation and frames."""
    args.env = studies.spelled(args.env)
    with opened(args) as (model, _, _):
        yield model, args.check_env


@contextlib.contextmanager
def opened(args: argparse.Namespace) -> Iterator[tuple[Any, Any, enjoy.Saved]]:
    """(model, its vector environment, what was saved) of a training or of a study's run."""
    from stable_baselines3.common.vec_env import DummyVecEnv

    with enjoy._of_study(args) if args.study else enjoy._of_training(args) as saved:
        raw, spec = saved.raw, dict(saved.spec)
        found = [*trust.of_wrappers(raw.get("env_wrapper")), *trust.of_arguments(args.env, spec.get("kwargs") or {})]
        trust.demand(found, f"playing {saved.path}", args.trust)
        venv = DummyVecEnv([lambda: environments.make_env(args.env, spec, raw.get("env_wrapper"))])
        with models.playing(args.algo, saved.path, raw, venv, saved.statistics, args.trust) as (model, wrapped):
            yield model, wrapped, saved


@contextlib.contextmanager
def _of_file(args: argparse.Namespace) -> Iterator[tuple[Any, Any]]:
    """A model's zip by itself."""
    path = Path(args.model)
    if path.is_dir():
        raise UserError(f"{path} is a folder: give the .zip in it, or without it --algo and --env (with -f where the trainings are, or --study)")
    if not path.is_file():
        raise UserError(f"{path}: there is no such file")
    if args.check_env:
        environments.check(studies.spelled(args.check_env))
    yield loaded(path, registry.find(args.algo), args.trust), args.check_env and _made(studies.spelled(args.check_env))


def loaded(path: Path, entry: Entry, trusted: bool) -> Any:
    """The model in a file. One of Stable-Baselines3's is read by its twin of ours, as data, unless it is trusted."""
    from from_scratch.core.files import UnsafeFileError

    ours = entry if entry.is_ours else next((each for each in registry.ENTRIES.values() if each.twin == entry.id), entry)
    if not ours.is_ours and not trusted:
        raise UserError(f"loading {entry.id} runs what its file says: with --trust, if its author is trusted")
    cls: Any = (entry if trusted else ours).load()
    trust_it = {"trust": trusted} if "trust" in inspect.signature(cls.load).parameters else {}
    try:
        return cls.load(path, device="cpu", **trust_it)
    except UnsafeFileError as error:
        raise UserError(f"{error} Here that is --trust") from None
    except (ValueError, KeyError, EOFError, RuntimeError, AttributeError, TypeError, AssertionError) as error:
        raise IntegrityError(f"{path} cannot be loaded as {entry.id}: {(str(error).strip() or type(error).__name__).splitlines()[0][:200]}") from None


def _made(env_id: str) -> Any:
    return lambda: environments.make_env(env_id, {})
