"""One setting, trained with several seeds and scored as it goes: what a trial costs and how well it does.

It is trained and scored by what trains and scores a study's runs (benchmarks.running.worker), so a score here is a score there. Seeds of a class that trains in
lock-step go together; else one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import unwrap_vec_normalize

from benchmarks.running import worker
from benchmarks.running.evaluation import Evaluator, episode_seeds
from benchmarks.studies import hyperparams
from benchmarks.studies.plan import Job, Run
from benchmarks.tuning.scores import iqm
from from_scratch import registry

Stop = Callable[[int, float], bool]  # told the number of an evaluation and the score then: whether to stop


class Diverged(Exception):
    """A score is no number any more."""


@dataclass
class Outcome:
    """What came of a trial. curve: checkpoint → the score of each seed, in the order of the seeds; of one that was ended early, as far as it came."""

    curve: dict[int, list[float]] = field(default_factory=dict)
    pruned_at: int | None = None  # the step at which it was ended early
    steps: int = 0  # of training, all seeds together
    eval_steps: int = 0  # of evaluation, all seeds together
    seconds: float = 0.0  # of a processor


class _Watched(worker.Checkpoints):
    """Scores as a study's runs are scored, and stops when it is told to."""

    asked: Callable[[int, list[float]], bool]
    stopped = False

    def _score(self, steps: list[int]) -> None:
        super()._score(steps)
        scores = [curve[-1].score for curve in self.curves]
        if not np.isfinite(scores).all():
            raise Diverged(f"a score is not finite at step {self.num_timesteps:,}: {', '.join(f'{score:g}' for score in scores)}")
        self.stopped = self.asked(steps[-1], scores)

    def _on_step(self) -> bool:
        return super()._on_step() and not self.stopped

    def finish(self) -> None:
        if not self.stopped:
            super().finish()


def train(runs: Sequence[Run], outcome: Outcome, stop: Stop = lambda number, score: False) -> None:
    """Train these runs, which differ in their seeds alone, and put into `outcome` what comes of it, also if an exception ends it. stop is asked after every
    evaluation but the last whether the trial is to be ended.

    Of seeds in lock-step it is told the IQM over seeds. Of seeds one after the other it is told each seed's score, evaluations numbered on from seed to seed:
    what was told of other trials at the same number is of the same seed.
    """
    torch.set_num_threads(1)
    begun = time.process_time()
    together = registry.find(runs[0].algo).lockstep
    groups = [tuple(runs)] if together else [(run,) for run in runs]
    points = runs[0].checkpoints
    for k, group in enumerate(groups):
        def asked(step: int, scores: list[float], k: int = k) -> bool:
            outcome.curve.setdefault(step, []).extend(scores)
            number = k * len(points) + points.index(step) + 1
            ended = stop(number, iqm(scores)) if number < len(groups) * len(points) else False
            outcome.pruned_at = step if ended else None
            return ended

        try:
            _train_group(Job(group), asked, outcome)
        finally:
            outcome.seconds = time.process_time() - begun
        if outcome.pruned_at is not None:
            break


def _train_group(job: Job, asked: Callable[[int, list[float]], bool], outcome: Outcome) -> None:
    first = job.runs[0]
    _, model, venvs = worker.begun_or_built(job, None)
    setup = {"normalize": hyperparams.normalize_arguments(first.hyperparams), "frame_stack": first.hyperparams.get("frame_stack"),
             "env_wrapper": first.hyperparams.get("env_wrapper")}  # fmt: skip
    episodes = [episode_seeds(first.protocol["eval_seed"], run.seed, first.protocol["eval_episodes"]) for run in job.runs]
    evaluator = Evaluator(first.env, first.spec, setup, episodes, first.protocol["deterministic"])
    writer = worker.LatestValues()
    model.set_logger(Logger(folder=None, output_formats=[writer]))
    callback = _Watched(job, evaluator, [unwrap_vec_normalize(venv) for venv in venvs], writer, lambda message: None)
    callback.asked = asked
    try:
        model.learn(first.steps, callback=callback)
        callback.finish()
    finally:
        outcome.steps += int(model.num_timesteps) * len(job.runs)
        outcome.eval_steps += sum(row[-1] for rows in callback.episodes for row in rows)
        evaluator.close()
        for venv in venvs:
            venv.close()
