"""What SB3's users reach for at a model, for a stack of seeds: its episodes, its normalisers, its files, its logs, and evaluation of each seed."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import pickle
import re
import warnings
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback, EvalCallback, EventCallback, ProgressBarCallback
from stable_baselines3.common.logger import HumanOutputFormat, KVWriter, TensorBoardOutputFormat
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.save_util import open_path
from stable_baselines3.common.utils import check_for_correct_spaces
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from from_scratch.core.addresses import saved
from from_scratch.core.callbacks import is_users
from from_scratch.core.files import load_pickle
from from_scratch.core.masks import told
from from_scratch.core.vec_env import LockstepVecEnv, Recipe, is_recipe, make_vec_envs, normalizers


class OfAllSeeds(Sequence):
    """The seeds' buffers, one behind the other, as SB3's `ep_info_buffer`: its mean is that of all seeds, each with its last `stats_window_size` episodes."""

    def __init__(self, buffers: Sequence[deque]):
        self.buffers = buffers

    @property
    def maxlen(self) -> int:
        return sum(buffer.maxlen or 0 for buffer in self.buffers)

    def __len__(self) -> int:
        return sum(map(len, self.buffers))

    def __iter__(self) -> Iterator[Any]:
        for buffer in self.buffers:
            yield from buffer

    def __getitem__(self, i: Any) -> Any:
        return list(self)[i]


@saved
class Normalizers(Sequence):
    """A stack's VecNormalize, one a seed. `save` and `load` keep all in one file; `[k]` is the k-th seed's, with SB3's methods."""

    def __init__(self, each: Sequence[VecNormalize]):
        self.each = list(each)

    def __len__(self) -> int:
        return len(self.each)

    def __getitem__(self, k: Any) -> Any:
        return self.each[k]

    def save(self, path: str | pathlib.Path) -> None:
        """Write statistics and settings of all, as a pickle; CheckpointCallback(save_vecnormalize=True) calls it."""
        with open(path, "wb") as file:
            pickle.dump(self, file)

    def load(self, path: str | pathlib.Path, trust: bool = False) -> None:
        """Take the statistics from a file that `save` wrote. It is read as data, unless its author is trusted to run code (docs/loading.md)."""
        found = load_pickle(path, trust)
        if not isinstance(found, Normalizers):
            raise ValueError(f"{path} holds a {type(found).__name__}, not the normalisers of a stack. For one seed's: model.get_vec_normalize_env()[k].")
        self.take(found.each)

    def take(self, others: Sequence[VecNormalize]) -> None:
        """Copy the statistics of others, seed by seed; how to normalise stays as it is."""
        if len(others) != len(self):
            raise ValueError(f"These are the normalisers of {len(others)} seeds, and this stack has {len(self)}.")
        for mine, other in zip(self.each, others, strict=True):
            for name in ("obs_rms", "ret_rms"):
                if hasattr(other, name):
                    setattr(mine, name, copy.deepcopy(getattr(other, name)))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name != "each" and hasattr(VecNormalize, name):
            raise AttributeError(f"A stack has a VecNormalize for each of its {len(self)} seeds: ask one, as in model.get_vec_normalize_env()[k].{name}.")
        raise AttributeError(f"Normalizers has no attribute {name!r}.")


class Note:
    """What a stack's file says to a program that reads it as one model's: it warns when it is unpickled, with nothing but Python's own library."""

    def __init__(self, text: str):
        self.text = text

    def __reduce__(self) -> tuple:
        return warnings.warn, (self.text,)


def told_by(path: Any) -> dict[str, Any]:
    """The plain values that a saved model's file holds: its seeds, if it is a stack's, and n_envs. Nothing for what is no such file: load() says that."""
    if not isinstance(path, str | pathlib.Path) and not hasattr(path, "seek"):
        return {}
    file = open_path(path, "r", verbose=0, suffix="zip")
    try:
        with zipfile.ZipFile(file) as archive:
            return {name: value for name, value in json.loads(archive.read("data")).items() if not isinstance(value, dict)}
    except (zipfile.BadZipFile, KeyError, ValueError):
        return {}
    finally:
        if isinstance(path, str | pathlib.Path):
            file.close()
        else:
            file.seek(0)


# ------------------------------------------------------------------------------------------------------------------------------- callbacks
def all_callbacks(callback: Any) -> Iterator[BaseCallback]:
    """A callback, or those of a list, and all inside of them."""
    if isinstance(callback, list | tuple):
        for each in callback:
            yield from all_callbacks(each)
    elif isinstance(callback, BaseCallback):
        yield callback
        attributes = vars(callback)
        yield from all_callbacks([*attributes.get("callbacks", []), attributes.get("callback"), attributes.get("callback_on_new_best")])


def refuse_callbacks_for_one(callback: Any, n_seeds: int) -> None:
    """SB3's EvalCallback scores one model, in an environment whose normaliser it could not keep in step with those of a stack."""
    for each in all_callbacks(callback):
        if isinstance(each, EvalCallback) and not isinstance(each, StackEvalCallback):
            raise ValueError(
                f"{type(each).__name__} evaluates one model, and this one trains {n_seeds} seeds: use StackEvalCallback, from from_scratch.callbacks, "
                "with an id or a function that makes one seed's environment."
            )


class StackProgressBar(ProgressBarCallback):
    """SB3's counts the steps of all lanes; `total_timesteps` are those of each seed."""

    def _on_step(self) -> bool:
        self.pbar.update(min(self.model.n_envs, self.pbar.total - self.pbar.n))
        return True


def count_per_seed(callback: BaseCallback) -> None:
    """Let SB3's progress bars count the steps of a seed."""
    for each in all_callbacks(callback):
        if type(each) is ProgressBarCallback:
            each.__class__ = StackProgressBar


# ------------------------------------------------------------------------------------------------------------------------------------ logs
class OfSeeds:
    """What a logger's output makes of `key@seed`."""

    seeds: list[int]

    def means(self, values: dict[str, Any], excluded: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, list]]:
        """Values and exclusions with one mean over seeds under each key; and the values of each key, [S]."""
        each: dict[str, dict[int, Any]] = {}
        for key, value in values.items():
            found = re.fullmatch(r"(.+)@(-?\d+)", key)
            if found and int(found[2]) in self.seeds and isinstance(value, int | float | np.number):
                each.setdefault(found[1], {})[int(found[2])] = value
        whole = {key: [of[seed] for seed in self.seeds] for key, of in each.items() if len(of) == len(self.seeds) and key not in values}
        among = {f"{key}@{seed}" for key in whole for seed in self.seeds}
        shown = {key: value for key, value in values.items() if key not in among}
        means = {key: float(np.mean(of)) for key, of in whole.items()}
        kept = {key: excluded[key] for key in shown} | {key: excluded[f"{key}@{self.seeds[0]}"] for key in whole}
        return shown | means, kept, whole


class PrintsMeans(OfSeeds, HumanOutputFormat):
    """Prints the mean over seeds."""

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        values, excluded, _ = self.means(key_values, key_excluded)
        super().write(values, excluded, step)


class TensorBoardOfSeeds(OfSeeds, TensorBoardOutputFormat):
    """The mean over seeds in the run's own folder; each seed, and the mean ± one standard deviation, as runs in folders below, under the same tags."""

    others: dict[str, TensorBoardOutputFormat]

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        values, excluded, whole = self.means(key_values, key_excluded)
        super().write(values, excluded, step)
        runs: dict[str, dict[str, float]] = {f"seed_{seed}": {key: of[k] for key, of in whole.items()} for k, seed in enumerate(self.seeds)}
        runs["band_low"] = {key: float(np.mean(of) - np.std(of, ddof=1)) for key, of in whole.items()}
        runs["band_high"] = {key: float(np.mean(of) + np.std(of, ddof=1)) for key, of in whole.items()}
        for name, numbers in runs.items():
            if name not in self.others:
                self.others[name] = TensorBoardOutputFormat(os.path.join(self.writer.get_logdir(), name))
            self.others[name].write(numbers, {key: excluded[key] for key in numbers}, step)

    def close(self) -> None:
        for other in self.others.values():
            other.close()
        super().close()


def show_means(outputs: list[KVWriter], seeds: list[int]) -> None:
    """Let SB3's outputs of a stack's log print means, and write a run for each seed."""
    for output in outputs:
        if type(output) is HumanOutputFormat:
            output.__class__ = PrintsMeans
        elif type(output) is TensorBoardOutputFormat:
            output.__class__ = TensorBoardOfSeeds
            output.others = {}  # type: ignore[attr-defined]
        output.seeds = seeds  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------------------------------------------ evaluation
class Episodes(NamedTuple):
    """What one seed did in its evaluation episodes, [n] each; `successes` is empty where the environment tells none."""

    returns: list[float]
    lengths: list[int]
    successes: list[bool]


def evaluate_each(model: Any, env: VecEnv, n_eval_episodes: int = 10, deterministic: bool = True) -> list[Episodes]:
    """SB3's `evaluate_policy` for every seed of a stack at once: n_eval_episodes of each, in its own lanes of env, S·E in the order of the seeds.

    Returns and lengths are Monitor's where the environments have one, else those that env gives. Where they say which actions are valid, and the model
    takes that, it is told.
    """
    n_lanes, per_seed = env.num_envs, env.num_envs // model.n_seeds
    monitored = env.env_is_wrapped(Monitor)[0]
    found = [Episodes([], [], []) for _ in range(model.n_seeds)]
    counts, targets = np.zeros(n_lanes, int), np.array([(n_eval_episodes + lane % per_seed) // per_seed for lane in range(n_lanes)])
    returns, lengths, starts = np.zeros(n_lanes), np.zeros(n_lanes, int), np.ones(n_lanes, bool)
    observations, states = env.reset(), None
    while (counts < targets).any():
        actions, states = model.predict(observations, state=states, episode_start=starts, deterministic=deterministic, **told(model, env))
        observations, rewards, starts, infos = env.step(actions)
        returns, lengths = returns + rewards, lengths + 1
        for lane in np.flatnonzero(starts & (counts < targets)):
            info, of_seed = infos[lane], found[lane // per_seed]
            if info.get("is_success") is not None:
                of_seed.successes.append(info["is_success"])
            if "episode" in info or not monitored:  # Atari's wrappers call the loss of a life the end
                whole = info.get("episode", {"r": float(returns[lane]), "l": int(lengths[lane])})
                of_seed.returns.append(whole["r"])
                of_seed.lengths.append(whole["l"])
                counts[lane] += 1
            returns[lane], lengths[lane] = 0, 0
    return found


def iqm(scores: Any) -> float:
    """The interquartile mean: without a quarter of the scores at either end (rounded down)."""
    ordered = np.sort(np.asarray(scores, dtype=float))
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


SCORES: dict[str, Callable[[Any], float]] = {"mean": lambda scores: float(np.mean(scores)), "iqm": iqm}


class StackEvalCallback(EvalCallback):
    """SB3's EvalCallback for every seed of a stack: a score, a curve and a best model each, and one number for all.

    eval_env is an id, or a function that makes an environment or a vector of them, for each seed, which may ask for `seed` and `index`; each is seeded with
    its seed. Training that normalises (VecNormalize) needs a function that does, too: statistics are those of training, rewards are not normalised.

    Every `eval_freq` steps of the environments each seed plays n_eval_episodes. Then there are

    - `scores` [S], the seeds' mean returns; `last_mean_reward`, what `score` makes of them: "mean", "iqm" or a function; `best_mean_reward`, the best so far
      (Optuna's and SB3's own callbacks read these two); `best_scores` [S], each seed's best so far, and `best_seed`, whose is the best of all;
    - in `log_path/seed_3/evaluations.npz` what SB3 would write there: timesteps [T], results [T, n_eval_episodes], ep_lengths, and successes if there are any;
    - in `best_model_save_path/seed_3/` its best model, best_model.zip, which plain SB3 loads, and its normaliser at that time, vecnormalize.pkl.

    callback_on_new_best is called when `best_mean_reward` grew, callback_after_eval every time. Works for a model of one seed, too.
    """

    def __init__(
        self,
        eval_env: Recipe,
        callback_on_new_best: BaseCallback | None = None,
        callback_after_eval: BaseCallback | None = None,
        n_eval_episodes: int = 5,
        eval_freq: int = 10000,
        log_path: str | os.PathLike | None = None,
        best_model_save_path: str | os.PathLike | None = None,
        deterministic: bool = True,
        verbose: int = 1,
        score: str | Callable[[np.ndarray], float] = "mean",
    ):
        if not is_recipe(eval_env):
            raise ValueError(f"Each seed is evaluated in an environment of its own: give an id or a function that makes one, not {type(eval_env).__name__}.")
        if not callable(score) and score not in SCORES:
            raise ValueError(f"score={score!r}: give one of {', '.join(map(repr, SCORES))}, or a function of the seeds' scores [S].")
        EventCallback.__init__(self, callback_after_eval, verbose=verbose)
        self.callback_on_new_best = callback_on_new_best
        if callback_on_new_best is not None:
            callback_on_new_best.parent = self
        self.recipe, self.score = eval_env, score if callable(score) else SCORES[score]
        self.n_eval_episodes, self.eval_freq, self.deterministic = n_eval_episodes, eval_freq, deterministic
        self.log_path, self.best_model_save_path = log_path, best_model_save_path  # type: ignore[assignment]
        self.best_mean_reward = self.last_mean_reward = -np.inf
        self.seeds: list[int | None] = []
        self.evaluations_timesteps: list[int] = []
        self.evaluations: list[list[Episodes]] = []  # [T][S]

    @property
    def needs_no_values(self) -> bool:
        """It looks at no step, unless a user's callback inside of it does."""
        return type(self) is StackEvalCallback and not (is_users(self.callback) or is_users(self.callback_on_new_best))

    @property
    def best_seed(self) -> int | None:
        """The seed whose best score so far is the highest."""
        if not self.evaluations:
            raise ValueError(f"There is no best seed before the first evaluation, which comes after {self.eval_freq} steps of the environments.")
        return self.seeds[int(np.argmax(self.best_scores))]

    def _init_callback(self) -> None:
        model: Any = self.model
        seeds = model.seeds or [model.seed]
        if self.seeds != seeds:
            if self.seeds:
                raise ValueError(f"This StackEvalCallback has the scores of the seeds {self.seeds}; make another for {seeds}.")
            env: Any = make_vec_envs(self.recipe, seeds, 1, model._wrap_env)
            check_for_correct_spaces(env, model.observation_space, model.action_space)
            self._look_at_normalizers(normalizers(model.env), normalizers(env))
            if isinstance(env, LockstepVecEnv):
                env.seed_each(seeds)
            elif seeds[0] is not None:
                env.seed(seeds[0])
            self.eval_env, self.seeds = env, list(seeds)
            self.scores = self.best_scores = np.full(len(seeds), -np.inf)
        if self.callback_on_new_best is not None:
            self.callback_on_new_best.init_callback(self.model)

    @staticmethod
    def _look_at_normalizers(training: list, evaluating: list) -> None:
        if all(training) and not all(evaluating):
            raise ValueError("Training normalises (VecNormalize) and evaluation would not: let eval_env be a function that returns VecNormalize(…), too.")
        for normalizer in filter(None, evaluating):
            normalizer.training = normalizer.norm_reward = False

    def get_state(self) -> dict[str, Any]:
        """What it has seen, as plain data: a checkpoint holds it, and `set_state` puts it back."""
        counted = {name: getattr(self, name) for name in ("n_calls", "evaluations_timesteps", "scores", "best_scores", "last_mean_reward", "best_mean_reward")}
        return {"counted": counted, "evaluations": [[tuple(each) for each in of_seeds] for of_seeds in self.evaluations]}

    def set_state(self, state: dict[str, Any]) -> None:
        vars(self).update(state["counted"])
        self.evaluations = [[Episodes(*each) for each in of_seeds] for of_seeds in state["evaluations"]]

    def _folder(self, path: Any, seed: int | None) -> pathlib.Path:
        folder = pathlib.Path(path) / f"seed_{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _on_step(self) -> bool:
        if self.eval_freq <= 0 or self.n_calls % self.eval_freq:
            return True
        model: Any = self.model
        of_training = normalizers(model.env)
        if all(of_training):
            Normalizers(normalizers(self.eval_env)).take(of_training)
        found = evaluate_each(model, self.eval_env, self.n_eval_episodes, self.deterministic)
        self.evaluations.append(found)
        self.evaluations_timesteps.append(self.num_timesteps)
        self.scores = np.array([np.mean(each.returns) for each in found])
        self.last_mean_reward = float(self.score(self.scores))
        for k, seed in enumerate(self.seeds):
            if self.log_path is not None:
                self._write_curve(k, self._folder(self.log_path, seed) / "evaluations")
            if self.best_model_save_path is not None and self.scores[k] > self.best_scores[k]:
                folder = self._folder(self.best_model_save_path, seed)
                (model.member(k) if model.n_seeds > 1 else model).save(folder / "best_model")
                if of_training[k] is not None:
                    of_training[k].save(str(folder / "vecnormalize.pkl"))
        self.best_scores = np.maximum(self.best_scores, self.scores)
        self._log(found)
        return self._call_others()

    def _write_curve(self, k: int, path: pathlib.Path) -> None:
        mine = [each[k] for each in self.evaluations]
        more: dict[str, Any] = {"successes": [each.successes for each in mine]} if mine[-1].successes else {}
        np.savez(path, timesteps=self.evaluations_timesteps, results=[each.returns for each in mine], ep_lengths=[each.lengths for each in mine], **more)

    def _log(self, found: list[Episodes]) -> None:
        model: Any = self.model
        if self.verbose >= 1:
            each = ", ".join(f"{seed}: {score:.2f}" for seed, score in zip(self.seeds, self.scores, strict=True))
            print(f"Eval num_timesteps={self.num_timesteps}, score={self.last_mean_reward:.2f}, episode_reward by seed {each}")
        model.record("eval/mean_reward", self.scores)
        model.record("eval/mean_ep_length", [np.mean(each.lengths) for each in found])
        if all(each.successes for each in found):
            model.record("eval/success_rate", [np.mean(each.successes) for each in found])
        self.logger.record("eval/score", self.last_mean_reward)
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(self.num_timesteps)

    def _call_others(self) -> bool:
        go_on = True
        if self.last_mean_reward > self.best_mean_reward:
            self.best_mean_reward = self.last_mean_reward
            if self.callback_on_new_best is not None:
                go_on = self.callback_on_new_best.on_step()
        if self.callback is not None:
            go_on = go_on and self._on_event()
        return go_on
