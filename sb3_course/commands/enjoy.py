"""sb3-course enjoy: play a model that train (or the RL Zoo, of the same layout) has saved.

The model is built anew from its class and the hyper-parameters beside it, and only its weights are read: nothing that the file brings is run. With
--trust a file that cannot be read so is unpickled, as Stable-Baselines3 does.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import IntegrityError, UserError
from benchmarks.running import launchers, models
from benchmarks.store.plain import content, from_yaml, one_line
from benchmarks.store.readers import ZooLoader
from benchmarks.studies import environments, trust
from benchmarks.studies import study as studies
from from_scratch import registry
from sb3_course.commands.train import algorithm_folder, folder_name, latest_id


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    args.algo, args.env = studies.spelled(args.algo), studies.spelled(args.env)
    entry = registry.find(args.algo)
    environments.check(args.env)
    root = Path(args.folder)
    n = args.exp_id or latest_id(root, args.algo, args.env)
    name = folder_name(args.env)
    folder = root / algorithm_folder(args.algo) / f"{name}_{n}"
    path = folder / ("best_model.zip" if args.load_best else f"{name}.zip")
    if not path.is_file():
        missing = f"no model at {path}" if n else f"no training of {args.algo} on {args.env} in {args.folder}"
        raise UserError(f"{missing}: sb3-course train --algo {args.algo} --env {args.env} -f {args.folder} makes one")
    if not args.no_render and sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UserError("no display to show the environment on: add --no-render to print the returns only")
    return _play(args, entry, folder, path, name)


def _play(args: argparse.Namespace, entry: registry.Entry, folder: Path, path: Path, name: str) -> int:
    import numpy as np
    import torch
    from stable_baselines3.common.vec_env import DummyVecEnv

    torch.set_num_threads(1)
    raw, saved = (_settings(folder / name / file) for file in ("config.yml", "args.yml"))
    given = saved.get("env_spec")
    spec: dict[str, Any] = given if isinstance(given, dict) else {}
    if not isinstance(spec.get("kwargs") or {}, dict):
        raise IntegrityError(f"{folder / name / 'args.yml'}: the environment's arguments are no dictionary")
    found = [*trust.of_wrappers(raw.get("env_wrapper")), *trust.of_arguments(args.env, spec.get("kwargs") or {})]
    trust.demand(found, f"playing {path}", args.trust)
    render_mode = None if args.no_render else "human"
    try:
        venv = DummyVecEnv([lambda: environments.make_env(args.env, spec, raw.get("env_wrapper"), render_mode)])
    except UserError:
        raise
    except Exception as error:  # whatever an environment or wrapper says of arguments that it was not made for
        raise IntegrityError(f"{folder}: {args.env} cannot be made with the arguments that are kept there: {one_line(str(error))[:200]}") from None
    returns: list[float] = []
    total, length = 0.0, 0
    with models.playing(entry.id, path, raw, venv, folder / name, args.trust) as (model, wrapped):
        wrapped.seed(args.seed)
        obs = wrapped.reset()
        try:
            for _ in range(args.n_timesteps):
                action, _ = model.predict(obs, deterministic=not args.stochastic)
                obs, reward, done, _ = wrapped.step(action)
                total, length = total + float(reward[0]), length + 1
                if done[0]:
                    returns.append(total)
                    print(f"episode {len(returns)}: return {total:.2f}, {length} steps")
                    total, length = 0.0, 0
        except KeyboardInterrupt:
            pass
    if returns:
        print(f"{len(returns)} episodes: mean return {np.mean(returns):.2f} +/- {np.std(returns):.2f}")
    else:
        print(f"no episode ended within {args.n_timesteps} steps; return so far {total:.2f}")
    return 0


def _settings(path: Path) -> dict[str, Any]:
    """What train, or the Zoo, wrote beside a model: plain values; the Zoo's Python tags are read as the lists that they hold."""
    try:
        settings = from_yaml(content(path).decode(), str(path), ZooLoader)
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise IntegrityError(f"{path} is no text") from None
    return {str(key): value for key, value in settings.items()} if isinstance(settings, dict) else {}
