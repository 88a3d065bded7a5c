"""Actors that play in processes of their own, for a learner that goes on meanwhile (Espeholt et al. 2018, figure 1).

Each has some of the environments and gets, with every order, the weights to play T steps with. The learner sends k + 1 orders before it waits for the
first answer, and one more after every update: so what it learns from was played with weights that are k updates old, however the processes are scheduled.

To the learner's loop the answers are a vector environment: it is stepped through what was played, and the loop is the same.
"""

from __future__ import annotations

import copy
import importlib
import warnings
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from from_scratch.core.data import tree_map
from from_scratch.core.loops.workers import REPLACED_AT_MOST, Worker, WorkerKilled, base_seed, begin_anew, from_bytes, lanes_of, new_seed, to_bytes
from from_scratch.core.rng import Rng


@dataclass
class Trajectory:
    """T steps of some lanes, e of them, as one actor played them."""

    first_obs: Any  # [e, ...]
    actions: list[np.ndarray]  # T of [e, ...]
    answers: list[tuple]  # T times what VecEnv.step returned
    log_prob: np.ndarray  # log μ(a|s), [T, e]


def played(model: Any, weights: np.ndarray, steps: int) -> Trajectory:
    """One order: play so many steps with these weights, [1, D]."""
    model.actor_critic.rows.set_weights(weights)
    first_obs, seen, chosen, answers = model._last_obs, [], [], []
    for _ in range(steps):
        actions = model.act(model.by_seed(model._last_obs))[0]
        seen.append(model._last_obs)
        chosen.append(actions)
        answers.append(model.env.step(model.to_env(actions)))
        model._last_obs = answers[-1][0]
    obs = {key: np.stack([x[key] for x in seen]) for key in first_obs} if isinstance(first_obs, dict) else np.stack(seen)
    flat = lambda x: x.reshape(1, -1, *x.shape[2:])
    _, log_prob = model.actor_critic.evaluate_numpy(tree_map(flat, obs), flat(np.stack(chosen)))
    return Trajectory(first_obs, chosen, answers, log_prob.reshape(steps, -1))


def _work(conn: Any, model: Any, steps: int, seed: int | None) -> None:
    """An actor's life: an answer for each order."""
    if seed is not None:
        begin_anew(model, seed)
    while True:
        conn.send(played(model, conn.recv(), steps))


class Process:
    """An actor in a process of this machine."""

    def __init__(self, name: str, given: bytes):
        self.worker = Worker(name, _from_bytes, (given,))
        self.order, self.answer, self.stop = self.worker.send, self.worker.receive, self.worker.stop


def _from_bytes(conn: Any, given: bytes) -> None:
    _work(conn, *from_bytes(given))


class OfRay:
    """An actor of Ray's, on whatever machine Ray finds."""

    def __init__(self, name: str, given: bytes):
        try:
            ray: Any = importlib.import_module("ray")
        except ModuleNotFoundError:
            raise ModuleNotFoundError('actors_on="ray" needs Ray: pip install ray; or actors_on="processes".') from None
        if not ray.is_initialized():
            ray.init(include_dashboard=False, log_to_driver=False)
        self.ray, self.name = ray, name
        self.answers: deque[Any] = deque()
        self.actor: Any = ray.remote(num_cpus=1)(_Playing).remote(given)

    def order(self, weights: np.ndarray) -> None:
        self.answers.append(self.actor.play.remote(weights))

    def answer(self) -> Trajectory:
        try:
            return self.ray.get(self.answers.popleft())
        except self.ray.exceptions.RayActorError:
            raise WorkerKilled(f"{self.name} of Ray's is gone") from None

    def stop(self) -> None:
        self.ray.kill(self.actor)


class _Playing:
    """What lives in one of Ray's actors."""

    def __init__(self, given: bytes):
        self.model, self.steps, seed = from_bytes(given)
        if seed is not None:
            begin_anew(self.model, seed)

    def play(self, weights: np.ndarray) -> Trajectory:
        return played(self.model, np.array(weights), self.steps)


WHERE: dict[str, Any] = {"processes": Process, "ray": OfRay}


class Actors(VecEnv):
    """n actors, each with its share of the model's environments: stepping it is going through what they played."""

    def __init__(self, model: Any, n: int, where: str, past: list[np.ndarray]):
        """past: the weights of the first orders, the oldest first; as many orders are always under way."""
        self.model, self.where = model, WHERE[where]
        super().__init__(model.env.num_envs, model.env.observation_space, model.env.action_space)
        size, self.base = model.env.num_envs // n, base_seed(model)
        self.lanes = [slice(a * size, (a + 1) * size) for a in range(n)]
        self.orders = [deque(past) for _ in range(n)]  # those without an answer yet
        self.reset_infos, self.n_replaced = model.env.reset_infos, 0
        self.actors: list[Any] = []
        try:
            for a in range(n):
                self.actors.append(self._start(a, self._seed()))
        except BaseException:
            self.close()
            raise

    def _seed(self) -> int | None:
        """A new one for an actor, noted in the model. The first of all goes on with the model's own numbers and environments: None."""
        known = self.model.actor_seeds
        known.append(new_seed(self.base, len(known)) if known else self.base)
        return known[-1] if len(known) > 1 else None

    def _start(self, a: int, seed: int | None) -> Any:
        """Actor a: a copy of the model with its lanes."""
        twin = copy.copy(self.model)
        twin.env = lanes_of(self.model, self.lanes[a], f"actors={len(self.lanes)}")
        twin._last_obs = tree_map(lambda x: x[self.lanes[a]], self.model._last_obs)
        twin._rng = Rng([stream.copy() for stream in self.model._rng.streams])  # private, where the model draws from its process's
        twin.n_envs, twin.past = twin.env.num_envs, deque()
        given = to_bytes((twin, self.model.n_steps, seed))
        actor = self.where(f"Actor {a} of {type(self.model).__name__}", given)
        for weights in self.orders[a]:
            actor.order(weights)
        return actor

    def order(self, weights: np.ndarray) -> None:
        """Let every actor play on with these weights when it has done what it was told before."""
        for a, actor in enumerate(self.actors):
            self.orders[a].append(weights)
            try:
                actor.order(weights)
            except WorkerKilled as death:
                self._replace(a, death)

    def _replace(self, a: int, death: WorkerKilled) -> None:
        self.n_replaced += 1
        if self.n_replaced > REPLACED_AT_MOST:
            raise RuntimeError(f"{death}, the {self.n_replaced}th that was lost in this training: something kills them.") from None
        warnings.warn(f"{death}: another one begins anew in its environments.", RuntimeWarning, stacklevel=2)
        self.actors[a].stop()
        self.actors[a] = self._start(a, self._seed())

    def fetch(self) -> None:
        """Wait for the next answer of every actor, and stand where they began."""
        self.t, self.parts = 0, [self._answer(a) for a in range(len(self.actors))]
        self.log_prob = np.concatenate([part.log_prob for part in self.parts], 1)  # [T, E]
        self.model._last_obs = self._join([part.first_obs for part in self.parts])

    def _answer(self, a: int) -> Trajectory:
        while True:
            try:
                answer = self.actors[a].answer()
            except WorkerKilled as death:
                self._replace(a, death)
                self.model._last_episode_starts[self.lanes[a]] = True
                continue
            self.orders[a].popleft()
            return answer

    def actions(self) -> np.ndarray:
        """What was done in the next step, [1, E, ...]."""
        return np.concatenate([part.actions[self.t] for part in self.parts])[None]

    def step_async(self, actions: np.ndarray) -> None:
        """It was done already."""

    def step_wait(self) -> tuple:
        obs, rewards, dones, infos = zip(*(part.answers[self.t] for part in self.parts), strict=True)
        self.t += 1
        return self._join(list(obs)), np.concatenate(rewards), np.concatenate(dones), [info for part in infos for info in part]

    @staticmethod
    def _join(parts: list[Any]) -> Any:
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if isinstance(parts[0], dict) else np.concatenate(parts)

    def close(self) -> None:
        for actor in self.actors:
            actor.stop()
        self.actors = []

    def reset(self) -> Any:
        raise NotImplementedError("Actors begin where their environments are.")

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return self.model.env.get_attr(attr_name, indices)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError("The environments are in other processes: set attributes before learn().")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        raise NotImplementedError("The environments are in other processes: call their methods before learn().")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return self.model.env.env_is_wrapped(wrapper_class, indices)
