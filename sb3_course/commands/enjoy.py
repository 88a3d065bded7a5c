"""sb3-course enjoy: play a model that train (or the RL Zoo, of the same layout) has saved, or a study's, in a window or into a film (--gif, --mp4).

Of a study it is the median run by final score that is played, as in the report's films, or that of --run-seed. Of tables on a grid the values and best
actions are printed, and drawn into the pictures.

The model is built anew from its class and the hyper-parameters beside it, and only its weights are read: nothing that the file brings is run. With
--trust a file that cannot be read so is unpickled, as Stable-Baselines3 does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import IntegrityError, UserError
from benchmarks.reproduction import archive
from benchmarks.running import launchers, models
from benchmarks.store import records
from benchmarks.store.plain import content, from_yaml, one_line
from benchmarks.store.readers import ZooLoader
from benchmarks.store.store import Store
from benchmarks.studies import environments, parts, trust
from benchmarks.studies import study as studies
from benchmarks.studies.plan import Run
from from_scratch import registry
from sb3_course import film
from sb3_course.commands.train import algorithm_folder, folder_name, latest_id

STEPS = 1000


@dataclass(frozen=True)
class Saved:
    """A model in a file, and what is needed to play it."""

    path: Path
    statistics: Path  # the folder, or the pickle, with those of its normalisation, if it has one
    raw: Mapping[str, Any]  # hyper-parameters in the Zoo's notation
    spec: Mapping[str, Any]  # of the environment: kwargs, max_episode_steps


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    if bool(args.algo) == bool(args.exported):
        raise UserError("enjoy needs --algo for a model, or --exported FILE for a policy that export wrote, and not both")
    args.algo, args.env = studies.spelled(args.algo or ""), studies.spelled(args.env)
    films = [Path(file) for file in (_ending(args.gif, ".gif"), _ending(args.mp4, ".mp4")) if file]
    with _of_export(args) if args.exported else _of_study(args) if args.study else _of_training(args) as saved:
        for film_path in films:
            film.check(film_path)
        if not args.no_render and not films and sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise UserError("no display to show the environment on: add --gif FILE to film it, or --no-render to print the returns only")
        return _play(args, saved, films)


@contextlib.contextmanager
def _of_training(args: argparse.Namespace) -> Iterator[Saved]:
    """What `train` saved."""
    if args.run_seed is not None:
        raise UserError(f"--run-seed {args.run_seed} is of a study: name it, as in --study quickstart")
    registry.find(args.algo)
    environments.check(args.env)
    root = Path(args.folder)
    n = args.exp_id or latest_id(root, args.algo, args.env)
    name = folder_name(args.env)
    folder = root / algorithm_folder(args.algo) / f"{name}_{n}"
    path, statistics = folder / ("best_model.zip" if args.load_best else f"{name}.zip"), folder / name
    if args.load_checkpoint or args.load_last_checkpoint:
        path, statistics = _checkpoint(folder, args)
    if not path.is_file():
        missing = f"no model at {path}" if n else f"no training of {args.algo} on {args.env} in {args.folder}"
        raise UserError(f"{missing}: sb3-course train --algo {args.algo} --env {args.env} -f {args.folder} makes one")
    raw, kept = (_settings(folder / name / file) for file in ("config.yml", "args.yml"))
    given = kept.get("env_spec")
    spec: dict[str, Any] = given if isinstance(given, dict) else {}
    if not isinstance(spec.get("kwargs") or {}, dict):
        raise IntegrityError(f"{folder / name / 'args.yml'}: the environment's arguments are no dictionary")
    of_best = args.load_best and (folder / models.PICKLED).is_file()  # trainings of the past kept those of the last model alone
    yield Saved(path, folder if of_best else statistics, raw, spec)


def _checkpoint(folder: Path, args: argparse.Namespace) -> tuple[Path, Path]:
    """(model, statistics of its normalisation) that were saved on the way, after as many steps as asked for, or the last of them."""
    if args.load_best or (args.load_checkpoint and args.load_last_checkpoint):
        raise UserError("--load-best, --load-checkpoint and --load-last-checkpoint: give one of them")
    known = sorted(int(found[1]) for path in folder.glob("rl_model_*_steps.zip") if (found := re.fullmatch(r"rl_model_(\d+)_steps\.zip", path.name)))
    if not known:
        raise UserError(f"{folder} has no checkpoints: sb3-course train … --save-freq N makes them")
    steps = args.load_checkpoint or known[-1]
    if steps not in known:
        raise UserError(f"--load-checkpoint {steps}: there is none after so many steps in {folder}: it has {', '.join(map(str, known))}")
    return folder / f"rl_model_{steps}_steps.zip", folder / f"rl_model_vecnormalize_{steps}_steps.pkl"


@contextlib.contextmanager
def _of_export(args: argparse.Namespace) -> Iterator[Saved]:
    """A policy by itself: all that it needs is in its file."""
    given = {"--study": args.study, "--load-best": args.load_best, "--load-checkpoint": args.load_checkpoint,
             "--load-last-checkpoint": args.load_last_checkpoint, "--run-seed": args.run_seed is not None, "--exp-id": args.exp_id}  # fmt: skip
    if any(given.values()):
        raise UserError(f"--exported {args.exported} is a file by itself: leave {next(name for name, there in given.items() if there)} out")
    environments.check(args.env)
    yield Saved(Path(args.exported), Path(args.exported).parent, {}, {})


@contextlib.contextmanager
def _playing(args: argparse.Namespace, saved: Saved, venv: Any) -> Iterator[tuple[Any, Any]]:
    """(who predicts, vector environment) to play with."""
    if not args.exported:
        with models.playing(args.algo, saved.path, saved.raw, venv, saved.statistics, args.trust) as (model, wrapped):
            yield model, wrapped
        return
    try:
        policy = policy_in(saved.path, args.env, venv, args.seed)
        if args.stochastic and not policy.about.get("distribution"):
            raise UserError(f"--stochastic: {saved.path} holds the deterministic policy alone: sb3-course export … --stochastic writes one to sample from")
        yield policy, venv
    finally:
        venv.close()


def policy_in(path: Path, env_id: str, env: Any, seed: int | None = None) -> Any:
    """The exported policy in a file, for an environment. UserError if there is none, or if the environment has other spaces."""
    from from_scratch.deploy import load_policy
    from from_scratch.deploy.exporting import spec_of

    try:
        policy = load_policy(path, seed)
    except (ValueError, ImportError, FileNotFoundError) as error:
        raise UserError(str(error)) from None
    for kind in ("observation_space", "action_space"):
        theirs, ours = spec_of(getattr(env, kind)), getattr(policy, kind)
        names = ("type", "n", "nvec", "start", "spaces", *(("low", "high") if kind == "action_space" else ()))
        if any(theirs.get(name) != ours.get(name) for name in names) or sorted(theirs.get("shape", ())) != sorted(ours.get("shape", ())):
            raise UserError(f"{path} is for another {kind.replace('_', ' ')} than that of {env_id}: {_told(ours)}, and {env_id} has {_told(theirs)}")
    return policy


def _told(space: dict[str, Any]) -> str:
    inside = space.get("spaces")
    what = space.get("n") or space.get("nvec") or (sorted(inside) if isinstance(inside, dict) else len(inside or ())) or tuple(space.get("shape", ()))
    bounds = f" from {space['low']} to {space['high']}" if "low" in space else ""
    return f"{space['type']} {what}{bounds}"


@contextlib.contextmanager
def _of_study(args: argparse.Namespace) -> Iterator[Saved]:
    """The run of a study, or of an archive of one, with this seed; without one the median run."""
    if args.load_best:
        raise UserError("--load-best: a study keeps the last model of a run, not the best")
    if args.load_checkpoint or args.load_last_checkpoint:
        flag = "--load-checkpoint" if args.load_checkpoint else "--load-last-checkpoint"
        raise UserError(f"{flag}: a study keeps the last model of a run, not those on the way")
    with archive.opened(args.study) as store:
        records.demand(store.study())  # a stranger may have written it
        if args.trust:
            parts.make_available(store.study())
        chosen = _chosen(store, args)
        registry.find(chosen.algo)
        environments.check(chosen.env)
        with store.folder(chosen.id) as folder:
            if not (folder / "model.zip").is_file():
                which = {True: "all models", "median": "the models of median runs", False: "no models"}.get(store.keeps_models, "not all models")
                raise UserError(f"{args.study} keeps {which}, and none of {chosen.algo} on {chosen.env} with seed {chosen.seed}")
            yield Saved(folder / "model.zip", folder, chosen.hyperparams, chosen.spec)


def _chosen(store: Store, args: argparse.Namespace) -> Run:
    runs = {run.seed: run for _, run in store.planned() if (run.algo, run.env) == (args.algo, args.env)}
    if not runs:
        pairs = dict.fromkeys(f"--algo {run.algo} --env {run.env}" for _, run in store.planned())
        raise UserError(f"{args.study} has no runs of {args.algo} on {args.env}: it has {', '.join(pairs)}")
    if args.run_seed is not None and args.run_seed not in runs:
        raise UserError(f"--run-seed {args.run_seed}: {args.algo} has the seeds {', '.join(map(str, runs))} in {args.study}")
    finished = {seed: run for seed, run in runs.items() if store.status(run)[0] == "finished"}
    if args.run_seed is not None and args.run_seed not in finished:
        raise UserError(f"{args.study}: {args.algo} on {args.env} with seed {args.run_seed} has not finished (sb3-course status {args.study})")
    if not finished:
        raise UserError(f"{args.study}: no run of {args.algo} on {args.env} has finished (sb3-course status {args.study})")
    final = {seed: float(store.table(run, "curve").sort_values("step")["score"].iloc[-1]) for seed, run in finished.items()}
    in_order = sorted(sorted(final), key=lambda seed: final[seed])
    seed = in_order[(len(in_order) - 1) // 2] if args.run_seed is None else args.run_seed
    is_median = f", the median of {len(final)} runs" if args.run_seed is None else ""
    print(f"{args.algo} on {args.env} of the study {args.study}: seed {seed}{is_median}, final score {final[seed]:.2f}")
    return finished[seed]


def _ending(file: str | None, ending: str) -> str | None:
    """The name of a film, which says of what kind it is."""
    return file if file is None or file.lower().endswith(ending) else f"{file}{ending}"


def _play(args: argparse.Namespace, saved: Saved, films: list[Path]) -> int:
    import numpy as np
    import torch
    from stable_baselines3.common.vec_env import DummyVecEnv

    from benchmarks.running.evaluation import masks_for, remembered

    torch.set_num_threads(1)
    raw, spec = saved.raw, dict(saved.spec)
    found = [*trust.of_wrappers(raw.get("env_wrapper")), *trust.of_arguments(args.env, spec.get("kwargs") or {})]
    trust.demand(found, f"playing {saved.path}", args.trust)
    wrappers, mode = raw.get("env_wrapper"), "rgb_array" if films else None if args.no_render else "human"
    try:
        shown = _shown(args.env, spec, wrappers, mode)
        venv = DummyVecEnv([lambda: shown])
    except UserError:
        raise
    except Exception as error:  # whatever an environment or wrapper says of arguments that it was not made for
        raise IntegrityError(f"{saved.path.parent}: {args.env} cannot be made with the arguments that are kept there: {one_line(str(error))[:200]}") from None
    returns: list[float] = []
    total, length, steps = 0.0, 0, STEPS if args.n_timesteps is None else args.n_timesteps
    with _playing(args, saved, venv) as (model, wrapped):
        _show_tables(model)
        if isinstance(shown, film.Drawn):
            shown.model = model
        elif isinstance(shown.env, film.Drawn):  # within the window
            shown.env.model = model
        wrapped.seed(args.seed)
        obs, state, done = wrapped.reset(), None, np.ones(1, dtype=bool)
        try:
            for _ in range(steps):
                action, state = model.predict(obs, deterministic=not args.stochastic, **remembered(state, done), **masks_for(model, wrapped))
                obs, reward, done, _ = wrapped.step(action)
                total, length = total + float(reward[0]), length + 1
                if done[0]:
                    returns.append(total)
                    print(f"episode {len(returns)}: return {total:.2f}, {length} steps")
                    total, length = 0.0, 0
                    if films and args.n_timesteps is None:
                        break
        except KeyboardInterrupt:
            pass
    frames = shown.frames[: -1 if returns and length == 0 else None] if films else []  # not the one of an episode that begins as the film ends
    for film_path in films:
        film.write(film_path, frames, shown.metadata.get("render_fps", 30))
        print(f"{film_path}: {len(frames)} frames, {film_path.stat().st_size / 1e6:.1f} MB")
    if returns:
        print(f"{len(returns)} episodes: mean return {np.mean(returns):.2f} +/- {np.std(returns):.2f}")
    else:
        print(f"no episode ended within {steps} steps; return so far {total:.2f}")
    return 0


def _shown(env_id: str, spec: dict[str, Any], wrappers: Any, mode: str | None) -> Any:
    """The environment, to be seen in this render mode: a grid's with what is learnt drawn into its pictures. UserError if it cannot be seen so."""
    import gymnasium as gym

    from from_scratch.core.tabular.grids import grid_of

    if mode is None:
        return environments.make_env(env_id, spec, wrappers)
    hidden = environments.make_env(env_id, spec, wrappers)
    modes = hidden.metadata.get("render_modes") or []
    is_grid = grid_of(hidden.unwrapped) is not None and "rgb_array" in modes
    hidden.close()
    if "rgb_array" not in modes and (mode == "rgb_array" or "human" not in modes):
        raise UserError(f"{env_id} draws no pictures (its render_modes are {', '.join(modes) or 'none'}): add --no-render to print the returns only")
    if mode == "rgb_array":
        return film.Drawn(environments.make_env(env_id, spec, wrappers, mode), filmed=True)
    if not is_grid:
        return environments.make_env(env_id, spec, wrappers, mode)
    return gym.wrappers.HumanRendering(film.Drawn(environments.make_env(env_id, spec, wrappers, "rgb_array")))


def _show_tables(model: Any) -> None:
    """Print what a table holds of a grid, as maps."""
    for show in (getattr(model, name, None) for name in ("values_grid", "arrows")):
        try:
            print(show() + "\n" if show else "", end="")
        except ValueError:  # its environment is no grid
            return


def _settings(path: Path) -> dict[str, Any]:
    """What train, or the Zoo, wrote beside a model: plain values; the Zoo's Python tags are read as the lists that they hold."""
    try:
        settings = from_yaml(content(path).decode(), str(path), ZooLoader)
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise IntegrityError(f"{path} is no text") from None
    return {str(key): value for key, value in settings.items()} if isinstance(settings, dict) else {}
