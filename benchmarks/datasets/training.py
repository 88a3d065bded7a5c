"""The models that a family's data sets are played by: trained once, kept beside the data sets, with what training saw until the medium one."""

from __future__ import annotations

import copy
import functools
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from benchmarks.datasets.recipes import Recipe, digest
from benchmarks.running.worker import weights_hash
from benchmarks.store.files import made_whole
from benchmarks.studies import hyperparams, provenance
from from_scratch.core.datasets import Dataset, Recorder, as_dataset
from from_scratch.registry import ENTRIES

Show = Callable[[str, int, int], None]  # what is done, how many steps of how many


@functools.cache
def source() -> dict[str, Any]:
    """The commit of the code of this process: what is changed or written while it runs is no part of it."""
    return provenance.source()


class Checkpoints(BaseCallback):
    """Scores the model every so many steps of training, and keeps it."""

    def __init__(self, every: int, score: Callable[[Any], float], show: Callable[[int], None]):
        super().__init__()
        self.every, self.score, self.show = every, score, show
        self.scores: dict[int, float] = {}  # by steps of training
        self.saved: dict[int, bytes] = {}

    def _on_step(self) -> bool:
        if self.num_timesteps % 1000 == 0:
            self.show(self.num_timesteps)
        if self.num_timesteps % self.every == 0:
            file = io.BytesIO()
            self.model.save(file)
            self.saved[self.num_timesteps] = file.getvalue()
            self.scores[self.num_timesteps] = self.score(self.model)
        return True


def picked(scores: dict[int, float], random: float, share: float) -> tuple[int, int]:
    """(medium, expert), in steps of training: the first checkpoint that scores random + share · (best − random), and the first of the best ones."""
    best = max(scores.values())
    wanted = min(random + share * (best - random), best)  # where training made things worse than random, any is as good
    return min(n for n, found in scores.items() if found >= wanted), min(n for n, found in scores.items() if found == best)


@dataclass(frozen=True)
class Models:
    """The trained ones, the replay memory of the medium one, and facts: when they were taken, their weights' hashes, the reference scores."""

    place: Path
    entry: Any
    facts: dict[str, Any]

    def load(self, which: str) -> Any:
        return self.entry.load().load(self.place / f"{which}.zip", device="cpu")

    def replay(self) -> Dataset:
        return as_dataset(self.place / "replay.npz")


def models(recipe: Recipe, root: Path, make: Callable[..., gym.Env], show: Show) -> Models:
    """Those of a recipe's family: from an earlier call, or trained now. Interrupted, they are trained anew; nothing half-done is kept."""
    said = recipe.training
    place = root / ".models" / f"{recipe.family}-{digest(said)[:12]}"
    entry = ENTRIES[said["algorithm"]]
    if not place.is_dir():
        with made_whole(place) as beside:
            _train(recipe, said, entry, beside, make, show)
    return Models(place, entry, json.loads((place / "facts.json").read_text(encoding="utf-8")))


def _train(recipe: Recipe, said: dict[str, Any], entry: Any, place: Path, make: Callable[..., gym.Env], show: Show) -> None:
    code, what, quiet = source(), f"training {entry.id} for {recipe.family}", lambda *told: None
    recorder = Recorder(make())
    arguments = hyperparams.constructor_arguments(copy.deepcopy(said["hyperparameters"]), recorder.action_space)  # SB3 adds to policy_kwargs
    model = entry.load()("MlpPolicy", recorder, seed=said["seed"], device="cpu", **arguments)
    kept = Checkpoints(said["checkpoints"], lambda model: score(make, model, said["picking"], quiet, "")["score"], lambda n: show(what, n, said["steps"]))
    model.learn(said["steps"], callback=kept, log_interval=None)
    scores = {"random": score(make, None, said["scores"], show, f"the random score of {recipe.family}")}
    taken, weights = dict(zip(("medium", "expert"), picked(kept.scores, scores["random"]["score"], said["medium"]), strict=True)), {}
    for which, n in taken.items():
        (place / f"{which}.zip").write_bytes(kept.saved[n])
        one = entry.load().load(place / f"{which}.zip", device="cpu")
        weights[which] = weights_hash(one)
        scores[which] = score(make, one, said["scores"], show, f"the {which} score of {recipe.family}")
    recorder.steps = recorder.steps[: taken["medium"]]
    recorder.dataset(f"{recipe.family}/medium-replay-v0").save(place / "replay.npz")
    facts = {"trained_for": taken, "weights": weights, "reference": scores, "checkpoints": kept.scores, "source": code}
    (place / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def score(make: Callable[..., gym.Env], model: Any, said: dict[str, int], show: Show, what: str) -> dict[str, Any]:
    """The mean return of whole episodes, each from its own seed: of a model's deterministic policy, or of uniformly random actions."""
    env, returns = make(), []
    for k in range(said["episodes"]):
        show(what, k, said["episodes"])
        obs, _ = env.reset(seed=said["seed"] + k)
        env.action_space.seed(said["seed"] + k)
        total, over = 0.0, False
        while not over:
            action = env.action_space.sample() if model is None else model.predict(obs, deterministic=True)[0]
            obs, reward, terminated, truncated, _ = env.step(action)
            total, over = total + float(reward), terminated or truncated
        returns.append(total)
    return {"score": float(np.mean(returns)), "sd": float(np.std(returns)), **said, "deterministic": model is not None}
