"""sb3-course enjoy: play a model that train (or the RL Zoo, of the same layout) has saved."""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from pathlib import Path

import yaml

from benchmarks import IntegrityError, UserError, environments, hyperparams, launchers
from from_scratch import registry
from sb3_course.commands.train import latest_id


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    entry = registry.find(args.algo)
    environments.check(args.env)
    root = Path(args.folder)
    n = args.exp_id or latest_id(root, args.algo, args.env)
    name = args.env.replace("/", "-")
    folder = root / args.algo / f"{name}_{n}"
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
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    torch.set_num_threads(1)
    config = yaml.safe_load((folder / name / "config.yml").read_text(encoding="utf-8")) if (folder / name / "config.yml").is_file() else {}
    saved = yaml.safe_load((folder / name / "args.yml").read_text(encoding="utf-8")) if (folder / name / "args.yml").is_file() else {}
    raw = dict(config)
    render_mode = None if args.no_render else "human"
    venv = DummyVecEnv([lambda: environments.make_env(args.env, saved.get("env_spec"), raw.get("env_wrapper"), render_mode)])
    statistics = folder / name / "vecnormalize.pkl"
    wrapped = environments.wrap(venv, None if statistics.is_file() else hyperparams.normalize_arguments(raw), None, training=False)
    if statistics.is_file():
        wrapped = VecNormalize.load(str(statistics), venv)
        wrapped.training = wrapped.norm_reward = False
    wrapped = environments.wrap(wrapped, None, raw.get("frame_stack"))
    cls: type[BaseAlgorithm] = entry.load()
    try:
        model = cls.load(path, env=wrapped, device="cpu")
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
        raise IntegrityError(f"{path} cannot be loaded as {args.algo}: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from None

    wrapped.seed(args.seed)
    obs = wrapped.reset()
    returns: list[float] = []
    total, length = 0.0, 0
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
    wrapped.close()
    if returns:
        print(f"{len(returns)} episodes: mean return {np.mean(returns):.2f} +/- {np.std(returns):.2f}")
    else:
        print(f"no episode ended within {args.n_timesteps} steps; return so far {total:.2f}")
    return 0
