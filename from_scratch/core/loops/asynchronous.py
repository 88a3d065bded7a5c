"""Asynchronous workers on shared weights (Mnih et al. 2016): each plays and learns by itself, in a process of its own, and nobody waits for anybody.

What is shared is one block of memory: the weights θ and whatever statistics the optimizer keeps of them. A worker copies θ when its rollout begins, and
computes a gradient there. To apply it, it reads θ and the statistics as they are now, lets the optimizer step, and adds the differences. There is no lock.

The parent plays nothing. It hears what was played, tells callbacks and the logger, and has the newest weights whenever it does.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from from_scratch.core.algorithm import StopTraining
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.on_policy import AtOnce
from from_scratch.core.loops.workers import REPLACED_AT_MOST, Worker, WorkerKilled, base_seed, begin_anew, context, from_bytes, lanes_of, new_seed, to_bytes
from from_scratch.core.networks.moved import begin_statistics, how_many, pairs
from from_scratch.core.rng import Rng

ROLLOUTS = 8  # of a worker that are told of together
STEP = ("actions", "clipped_actions", "new_obs", "rewards", "dones", "infos")  # what is told of each of their steps


class Shared:
    """One model's tensors in memory that processes share, and how many steps each worker has played."""

    def __init__(self, numbers: Any, counts: Any, model: Any):
        self.counts = np.frombuffer(counts, np.int64)
        found = pairs(model.actor_critic, model.policy, torch.from_numpy(np.frombuffer(numbers, numbers._type_)))
        self.mine, self.ours = map(list, zip(*found, strict=True))
        self.known = [torch.empty_like(x) for x in self.mine]  # of `ours`, when this process read it last

    @classmethod
    def of(cls, model: Any, n_workers: int) -> tuple[Shared, tuple[Any, Any]]:
        """Memory for this model, with what is in it now; and what a worker needs to find it."""
        policy = model.policy
        begin_statistics(policy)
        kind = "d" if any(p.dtype == torch.float64 for p in policy.parameters()) else "f"
        where = context().RawArray(kind, how_many(policy)), context().RawArray("q", n_workers + 1)
        shared = cls(*where, model)
        torch._foreach_copy_(shared.ours, shared.mine)
        shared.read()
        return shared, where

    def read(self) -> None:
        torch._foreach_copy_(self.mine, self.ours)
        torch._foreach_copy_(self.known, self.mine)

    def add(self) -> None:
        """Add what has changed in this process since it read."""
        torch._foreach_add_(self.ours, torch._foreach_sub(self.mine, self.known))
        torch._foreach_copy_(self.known, self.mine)

    @property
    def steps(self) -> int:
        return int(self.counts[:-1].sum())

    @property
    def over(self) -> bool:
        return bool(self.counts[-1])

    def end(self) -> None:
        """Tell the workers to leave after the rollout that they are in."""
        self.counts[-1] = 1


class SharedOptimiser:
    """A worker's: steps from what all have learnt until now, and adds its step to that."""

    def __init__(self, optimiser: Any, shared: Shared):
        self.optimiser, self.shared = optimiser, shared

    def __getattr__(self, name: str) -> Any:
        return getattr(self.optimiser, name)

    def step(self, active: np.ndarray) -> None:
        self.shared.read()
        self.optimiser.step(active)
        self.shared.add()


class Reporter(BaseCallback):
    """Notes every step of a worker, for its parent."""

    needs_no_values = True

    def _init_callback(self) -> None:
        self.told: list[dict[str, Any]] = []

    def _on_step(self) -> bool:
        self.told.append({name: self.locals[name] for name in STEP})
        return True


@dataclass
class Report:
    """What a worker tells of some rollouts: its steps, what it logged last, and how many they were."""

    steps: list[dict[str, Any]]
    logged: dict[str, Any]
    rollouts: int


def _work(conn: Any, given: bytes, place: int, numbers: Any, counts: Any) -> None:
    """A worker's life: Reports, and None when it is over."""
    model, seed, start, total = from_bytes(given)
    if seed is not None:
        begin_anew(model, seed)
    shared, reporter = Shared(numbers, counts, model), Reporter()
    reporter.init_callback(model)
    model.set_logger(Logger(None, []))
    model.actor_critic.optimiser = SharedOptimiser(model.actor_critic.optimiser, shared)
    rollouts = 0
    while start + shared.steps < total and not shared.over:
        shared.read()
        model.collect_rollouts(model.env, reporter, model.rollout_buffer, model.n_steps)
        shared.counts[place] += model.n_steps * model.n_envs
        model._update_current_progress_remaining(start + shared.steps, total)
        model.train()
        rollouts += 1
        if rollouts == ROLLOUTS:
            conn.send(Report(reporter.told, dict(model.logger.name_to_value), rollouts))
            reporter.told, rollouts = [], 0
    if rollouts:
        conn.send(Report(reporter.told, dict(model.logger.name_to_value), rollouts))
    conn.send(None)


class Crew:
    """The workers of one model while it learns."""

    def __init__(self, model: Any):
        if model.device.type != "cpu":
            raise ValueError(f"n_workers={model.n_workers} share memory of the CPU, and the model is on {model.device}. Give device='cpu', or n_workers=1.")
        self.model, self.base, self.n_replaced = model, base_seed(model), 0
        lanes_of(model, slice(0, model.env.num_envs), f"n_workers={model.n_workers}")  # refuses what no other process can play
        self.shared, self.where = Shared.of(model, model.n_workers)
        self.heard = [0] * model.n_workers  # steps that each has told of
        self.workers: dict[int, Worker] = {}  # those that have not said that they are done
        try:
            for place in range(model.n_workers):
                self.workers[place] = self._start(place)
        except BaseException:
            self.stop()
            raise

    def _start(self, place: int) -> Worker:
        """A copy of the model. The first of all goes on with its numbers and environments; others begin anew by seeds that the model notes."""
        model, known = self.model, self.model.worker_seeds
        known.append(new_seed(self.base, len(known)) if known else self.base)
        seed = known[-1] if len(known) > 1 else None
        twin = copy.copy(model)
        twin._rng = Rng([stream.copy() for stream in model._rng.streams])  # private, where the model draws from its process's
        twin.worker_seeds = []
        given = to_bytes((twin, seed, model._num_timesteps_at_start, model._total_timesteps))
        return Worker(f"Worker {place} of {type(model).__name__}", _work, (given, place), self.where)

    def hear(self) -> Report | None:
        """The next report, of whoever has one; None if there was another end than that. The model has the newest weights then."""
        ready = connection.wait([worker.conn for worker in self.workers.values()])
        place = next(place for place, worker in self.workers.items() if worker.conn is ready[0])
        try:
            report = self.workers[place].receive()
        except WorkerKilled as death:
            self._replace(place, death)
            return None
        if report is None:
            self.workers.pop(place).stop()
            return None
        self.heard[place] += len(report.steps) * self.model.n_envs
        self.shared.read()
        return report

    def _replace(self, place: int, death: WorkerKilled) -> None:
        self.n_replaced += 1
        if self.n_replaced > REPLACED_AT_MOST:
            raise RuntimeError(f"{death}, the {self.n_replaced}th that was lost in this training: something kills them.") from None
        warnings.warn(f"{death}: another one begins anew in its place.", RuntimeWarning, stacklevel=2)
        self.workers.pop(place).stop()
        self.shared.counts[place] = self.heard[place]  # what nobody heard of does not count
        self.workers[place] = self._start(place)

    def write(self) -> None:
        """Let the workers have what callbacks have done to the model's weights since it read them."""
        if not all(map(torch.equal, self.shared.known, self.shared.mine)):
            self.shared.add()

    def drain(self) -> None:
        """Let everyone end the rollout that it is in."""
        self.shared.end()
        while self.workers:
            self.hear()

    def stop(self) -> None:
        for worker in self.workers.values():
            worker.stop()
        self.workers = {}


class Asynchronous(AtOnce):
    """`n_workers` processes that learn side by side; one learns in the model's own process, and is deterministic. `num_timesteps` counts the steps of all.

    With several, each learn() begins with new episodes; callbacks are told of steps when they are over, and see the weights of all.
    """

    n_workers: int  # a hyper-parameter that each algorithm gives its default

    lockstep = False
    device_by_default = "cpu"
    crew: ClassVar[Crew | None] = None  # while several learn
    not_copied = (*AtOnce.not_copied, "crew")

    def check(self) -> None:
        super().check()
        check_range(self, "n_workers", low=1, whole=True)
        self.worker_seeds: list[int] = []  # of all workers that were ever started

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "crew"]

    def why_not_exact(self) -> str | None:
        if self.n_workers > 1:
            return f"n_workers={self.n_workers} processes learn side by side, in an order that no file holds"
        return super().why_not_exact()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        if self.n_workers == 1 or self.num_timesteps >= self._total_timesteps:
            yield
            return
        self.crew = crew = Crew(self)  # type: ignore[misc]
        try:
            yield
        except StopTraining:
            crew.drain()
            self.num_timesteps = self._num_timesteps_at_start + crew.shared.steps
            raise
        finally:
            crew.stop()
            crew.shared.read()
            del self.crew
            self._last_obs = None  # the workers have left their environments

    def iterate(self) -> None:
        if self.crew is None:
            super().iterate()
            return
        self._tell_of(self.crew.hear())
        while self.num_timesteps >= self._total_timesteps and self.crew.workers:  # all have stopped playing, and some have yet to tell
            self._tell_of(self.crew.hear())

    def _tell_of(self, report: Report | None) -> None:
        """Let callbacks and the logger know."""
        if report is None:
            return
        env, callback, rollout_buffer, n_rollout_steps = self.env, self._callback, self.rollout_buffer, self.n_steps
        callback.on_rollout_start()
        for step in report.steps:
            actions, clipped_actions, new_obs, rewards, dones, infos = (step[name] for name in STEP)
            self.num_timesteps += self.n_envs
            callback.update_locals(locals())
            if not callback.on_step():
                raise StopTraining
            self._update_info_buffer(infos, dones)
        callback.on_rollout_end()
        self.crew.write()  # type: ignore[union-attr]
        self.updates += report.rollouts
        self._n_updates = int(self.updates.max())
        before, self._iteration = self._iteration, self._iteration + report.rollouts
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        if self._log_interval is not None and self._iteration // self._log_interval > before // self._log_interval:
            self.dump_logs(self._iteration)
        for key, value in report.logged.items():
            self.logger.record(key, value)
        self.record("train/n_updates", self.updates, exclude="tensorboard")
