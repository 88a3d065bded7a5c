"""sb3-course train: one model, saved where the RL Zoo would save it.

    FOLDER/ALGO/ENV_ID/  ENV.zip  best_model.zip  evaluations.npz  command.txt  ENV/{config.yml, args.yml, vecnormalize.pkl, vecnormalize.npz}

Every model has its own statistics of normalisation: vecnormalize.pkl beside best_model.zip, rl_model_vecnormalize_N_steps.pkl beside rl_model_N_steps.zip, and
those in ENV/ for the last. With --save-replay-buffer each has its replay memory, too.
With --checkpoint-freq there is a checkpoint.zip until the training has come to its end, and --resume goes on from it as if nothing had happened.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import yaml

from benchmarks import UserError
from benchmarks.running import launchers, models
from benchmarks.store.plain import MEGABYTE, content, from_yaml
from benchmarks.studies import environments, hyperparams, recorded, trust
from benchmarks.studies import study as studies
from benchmarks.tracking.tracker import trackers
from from_scratch import registry
from sb3_course import tracked

CHECKPOINT = "checkpoint.zip"
NOT_SETTINGS = ("module", "function", "verb", "typed", "resume", "exp_id", "trust", "track")
OF_TODAY = ("log_folder", "progress", "verbose", "track")  # what may differ when a training goes on


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    for flag, value in (("-n", args.n_timesteps), ("--n-envs", args.n_envs), ("--eval-episodes", args.eval_episodes)):
        if value is not None and value < 1:
            raise UserError(f"{flag} {value}: give a whole number of at least 1")
    trackers(args.track)  # a word that means none is a mistake, before anything is trained
    if args.seed < 0:
        raise UserError(f"--seed {args.seed}: a seed is 0 or more")
    if (args.env is None) == (args.dataset is None):
        raise UserError("train needs --env, or for those who learn from data --dataset, and not both")
    args.env = args.env or recorded.task_of(args.dataset)
    args.typed = f"--algo {args.algo} --env {args.env}"
    args.algo, args.env = studies.spelled(args.algo), studies.spelled(args.env)
    entry = registry.find(args.algo)
    if (args.checkpoint_freq > 0 or args.resume) and not entry.is_ours:  # whose load would also run what a checkpoint says
        raise UserError(f"--{'resume' if args.resume else 'checkpoint-freq'}: {args.algo} is Stable-Baselines3's, which cannot go on exactly; use --save-freq")
    if args.resume and (folder := _begun(args)) is not None:
        return _go_on(args, entry, folder)
    datasets = [args.dataset] if args.dataset else []
    study = studies.adhoc([args.algo], [] if datasets else [args.env], seeds=1, steps=args.n_timesteps, datasets=datasets)
    found, of_env = _settings_of(args)
    raw: dict[str, Any] = {**(found or study.hyperparams[args.algo][args.env]), **hyperparams.parse_pairs(args.hyperparams)}
    steps = args.n_timesteps or raw.pop("n_timesteps", study.budget[args.env][args.algo])
    raw.pop("n_timesteps", None)
    if args.n_envs:
        raw["n_envs"] = args.n_envs
    spec = study.envs[args.env]
    spec.update({key: value for key, value in of_env.items() if key != "kwargs"})
    spec["kwargs"] = {**(spec["kwargs"] or {}), **of_env.get("kwargs", {}), **hyperparams.parse_pairs(args.env_kwargs)}
    studies.check_pair(args.algo, args.env, raw, spec)
    return _train(args, entry, raw, spec, int(steps))


def _settings_of(args: argparse.Namespace) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """(the settings that a file or a trial of tuning has, instead of this project's own; {kwargs, max_episode_steps} of its environment)."""
    if args.conf and args.study:
        raise UserError("-conf and --study: settings come from one of them")
    if (args.study is None) != (args.trial_id is None):
        raise UserError("--study DIR and --trial-id N go together: a folder of tuning, and one of its trials (sb3-course tune --show DIR)")
    if args.conf is None and args.study is None:
        return None, {}
    from benchmarks.tuning import best, tuning

    if args.conf:
        found, of_env = best.of_file(Path(args.conf), args.algo, args.env)
    else:
        folder = Path(args.study)
        asked = tuning.read(folder)
        if (asked.algo, environments.base(asked.env)) != (args.algo, environments.base(args.env)):
            raise UserError(f"--study {folder} tuned {asked.algo} on {asked.env}, not {args.algo} on {args.env}")
        found, of_env = best.of_trial(folder, args.trial_id), {key: asked.spec[key] for key in best.ENV if asked.spec.get(key) is not None}
    foreign = [*trust.of_wrappers(found.get("env_wrapper")), *trust.of_arguments(args.env, of_env.get("kwargs", {}))]  # the file may be a stranger's
    trust.demand(foreign, str(args.conf or args.study), args.trust)
    return found, of_env


def _begun(args: argparse.Namespace) -> Path | None:
    """The folder of the training that --resume means; None where there is none yet."""
    root, name = Path(args.log_folder), folder_name(args.env)
    n = args.exp_id or latest_id(root, args.algo, args.env)
    folder = root / algorithm_folder(args.algo) / f"{name}_{n}"
    if args.exp_id and not folder.is_dir():
        raise UserError(f"--exp-id {args.exp_id}: there is no training in {folder}")
    return folder if n else None


def _go_on(args: argparse.Namespace, entry: registry.Entry, folder: Path) -> int:
    """Finish the training in a folder by the settings that it was begun with. UserError if others are asked for."""
    from sb3_course.cli import parser

    name = folder_name(args.env)
    if (folder / f"{name}.zip").exists() and not (folder / CHECKPOINT).exists():
        print(f"Nothing to resume: the training in {folder} has finished. Without --resume another one begins.")
        return 0
    try:
        raw, kept = (from_yaml(content(folder / name / file, MEGABYTE).decode(), file) for file in ("config.yml", "args.yml"))
        spec, steps = kept.pop("env_spec"), raw.pop("n_timesteps")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{folder} does not say how its training was begun ({type(error).__name__}: {error})") from None
    usual = vars(parser().parse_args(["train", "--algo", args.algo, "--env", args.env]))
    for key, value in _plain(args).items():
        if key not in OF_TODAY and value not in (usual.get(key), kept.get(key)):
            raise UserError(f"--{key.replace('_', '-')} {value}: the training in {folder} was begun with {kept.get(key)}, and goes on with that. Leave it out")
    begun = argparse.Namespace(**{**kept, **{key: getattr(args, key) for key in (*OF_TODAY, "algo", "env", "typed", "trust")}})
    for part in folder.glob(f".{CHECKPOINT}.*.part"):  # of a process that was killed while it wrote
        part.unlink()
    return _train(begun, entry, raw, spec, int(steps), folder)


def folder_name(env: str) -> str:
    """An environment's id as the name of a folder."""
    return env.replace("/", "-").replace(":", "-")


def algorithm_folder(algo: str) -> str:
    """An algorithm's id as a folder; sb3/ppo is one in another."""
    return algo.replace(":", "-")


def new_folder(root: Path, algo: str, env: str) -> Path:
    """FOLDER/ALGO/ENV_ID with the first ID that is free, made now."""
    n = latest_id(root, algo, env)
    while True:
        n += 1
        folder = root / algorithm_folder(algo) / f"{folder_name(env)}_{n}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:  # another training took it at the same moment
            continue


def latest_id(root: Path, algo: str, env: str) -> int:
    """The highest ID among the trainings of this algorithm on this environment; 0 where there is none."""
    name, place = folder_name(env), root / algorithm_folder(algo)
    folders = list(place.iterdir()) if place.is_dir() else []
    ids = [path.name.removeprefix(f"{name}_") for path in folders if path.name.startswith(f"{name}_") and path.is_dir()]
    return max((int(number) for number in ids if number.isdigit()), default=0)


def _train(args: argparse.Namespace, entry: registry.Entry, raw: dict[str, Any], spec: dict[str, Any], steps: int, begun: Path | None = None) -> int:
    """Train as the arguments say; from the checkpoint, if there is one, in a folder in which it was begun."""
    import torch
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import unwrap_vec_normalize

    from from_scratch.callbacks import CheckpointCallback, EvalCallback, ExactCheckpointCallback
    from from_scratch.core.files import UnsafeFileError

    torch.set_num_threads(1)
    cls: Any = entry.load()
    n_envs, normalize = raw.get("n_envs", 1), hyperparams.normalize_arguments(raw)

    def make(n: int, training: bool):
        venv = make_vec_env(lambda: environments.make_env(args.env, spec, raw.get("env_wrapper")), n_envs=n)
        return environments.wrap(venv, normalize, raw.get("frame_stack"), training)

    venv = make(n_envs, training=True)
    arguments, of_no_file = hyperparams.constructor_arguments(raw, venv.action_space), {}
    if entry.loop == "dataset":
        of_no_file["dataset"] = arguments["dataset"] = recorded.given(spec, args.env)
    if args.tensorboard_log:
        arguments["tensorboard_log"] = str(Path(args.tensorboard_log) / args.env)
    name = folder_name(args.env)
    folder = begun or new_folder(Path(args.log_folder), args.algo, args.env)
    config, checkpoint = folder / name, folder / CHECKPOINT
    if begun is None:
        config.mkdir()
        (config / "config.yml").write_text(yaml.safe_dump({"n_timesteps": steps, **raw}, sort_keys=False), encoding="utf-8")
        (config / "args.yml").write_text(yaml.safe_dump({**_plain(args), "env_spec": spec}, sort_keys=False), encoding="utf-8")
        (folder / "command.txt").write_text(shlex.join(["sb3-course", *tracked.without_track(sys.argv[1:])]) + "\n", encoding="utf-8")
    elif not checkpoint.exists():
        print(f"No checkpoint in {folder}: its training begins again")

    callbacks: list[BaseCallback] = []
    scoring = make(1, training=False)
    scoring.seed(args.seed + n_envs)  # beside the training environments' seeds
    if args.eval_freq > 0:
        callbacks.append(EvalCallback(scoring, n_eval_episodes=args.eval_episodes, eval_freq=max(args.eval_freq // n_envs, 1),
                                      best_model_save_path=str(folder), log_path=str(folder), verbose=args.verbose,
                                      save_replay_buffer=args.save_replay_buffer))
    if args.save_freq > 0:
        callbacks.append(CheckpointCallback(max(args.save_freq // n_envs, 1), str(folder), save_replay_buffer=args.save_replay_buffer))

    tracking = _tracking(args, raw, spec, steps, config)
    if tracking is not None:
        callbacks.append(tracking)
    if args.checkpoint_freq > 0:
        callbacks.append(ExactCheckpointCallback(checkpoint, args.checkpoint_freq))
    going_on = begun is not None and checkpoint.exists()
    if going_on:
        try:
            model = cls.load(checkpoint, env=venv, device="cpu", verbose=args.verbose, trust=args.trust, **of_no_file)
        except UnsafeFileError as error:
            raise UserError(f"{error} Here that is --trust") from None
        at, because = model.resumptions[-1]
        print(f"Going on from step {at:,} of {steps:,}" + (f", not exactly: {because}" if because else ""))
    else:
        model = cls(raw.get("policy", entry.policy), venv, seed=args.seed, verbose=args.verbose, device="cpu", **arguments)
    begin = time.perf_counter()
    try:
        if going_on:
            model.resume(callback=callbacks, progress_bar=args.progress)
        else:
            model.learn(steps, callback=callbacks or None, progress_bar=args.progress)
        checkpoint.unlink(missing_ok=True)
    except KeyboardInterrupt:
        print("interrupted: saving what there is", file=sys.stderr)
    finally:
        if tracking is not None:  # whose run has ended already, if the training has
            tracking.finish("interrupted")
    seconds = time.perf_counter() - begin
    model.save(folder / f"{name}.zip")
    if args.save_replay_buffer and getattr(model, "replay_buffer", None) is not None:
        model.save_replay_buffer(config / "replay_buffer.pkl")
    normalizer = unwrap_vec_normalize(venv)
    if normalizer is not None:
        models.save_normaliser(normalizer, config)
        own = unwrap_vec_normalize(scoring)
        assert own is not None
        own.obs_rms = normalizer.obs_rms
    mean, std = evaluate_policy(model, scoring, n_eval_episodes=args.eval_episodes, warn=False)
    unit = {"backups": "state backups", "updates": "gradient steps"}.get(entry.unit, "steps")
    print(f"{args.algo} on {args.env}, seed {args.seed}: return {mean:.2f} +/- {std:.2f} over {args.eval_episodes} episodes, "
          f"after {model.num_timesteps:,} {unit} in {seconds:.1f} s with evaluations")
    print(f"Saved in {folder}; watch it with: sb3-course enjoy {args.typed} -f {args.log_folder}")
    return 0


def _tracking(args: argparse.Namespace, raw: dict[str, Any], spec: dict[str, Any], steps: int, config: Path) -> Any:
    """The callback that tells the trackers asked for; None where there are none. The run's id lies beside its settings, so that --resume goes on with it."""
    if not args.track:
        return None
    from benchmarks.tracking.live import TrackingCallback

    known = config / "track.txt"
    identity = content(known, MEGABYTE).decode().strip() if known.is_file() else ""
    identity = identity if re.fullmatch(r"[0-9a-f]{32}", identity) else uuid.uuid4().hex
    known.write_text(identity + "\n", encoding="utf-8")
    settings = {"algo": args.algo, "env": args.env, "seed": args.seed, "steps": steps, "hyperparams": raw, "environment": spec}
    return TrackingCallback(args.track, config=settings, name=f"{args.algo}-{config.parent.name}".replace("/", "_"), id=identity, warn=tracked.warn)


def _plain(args: argparse.Namespace) -> dict[str, Any]:
    return {key: value for key, value in vars(args).items() if key not in NOT_SETTINGS}
