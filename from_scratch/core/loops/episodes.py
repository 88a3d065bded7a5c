"""Learning from whole episodes: play n of them with the current policy, update, forget them.

Several environments play side by side, and end their episodes at different steps. Which episodes make up a batch must not depend on how
long they last: the first n to *finish* are the short ones, and a mean over them is biased. So a batch is the first n to *start*, and
waits for all of them. What the other lanes play meanwhile is thrown away, and all lanes start anew under the next policy.

Seeds complete their batches at different steps. All of them play side by side; each learns when its own batch is complete, while the others' go on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium import spaces

from from_scratch.core.addresses import saved
from from_scratch.core.algorithm import Algorithm, StopTraining
from from_scratch.core.data import Observation, Step, tree_map
from from_scratch.core.finite import refuse_rewards
from from_scratch.core.returns import lambda_return


@dataclass
class Steps:
    """All steps of a batch of episodes, one after another. Every field is [S, M, ...]."""

    obs: Observation  # S_t
    action: torch.Tensor  # A_t
    ret: torch.Tensor  # G_t, the discounted rewards from step t on
    t: torch.Tensor  # steps since the episode's start
    whole: torch.Tensor  # G_0, the discounted rewards of the whole episode


@saved
class Episodes:
    """The first `n` episodes that start in E lanes, recorded until the last of them has ended."""

    def __init__(self, n: int, lanes: int):
        self.n, self.started = n, min(n, lanes)
        self.counted = np.arange(lanes) < n  # [E] is what the lane plays now one of the n?
        self.t = np.zeros(lanes, int)  # [E] steps since the episode's start
        self.steps: list[tuple] = []  # obs, action, reward, terminated, truncated, t, counted; [E, ...] each
        self.cut: list[tuple[int, int, Any]] = []  # where a time limit struck a counted episode: step, lane, its last observation

    @property
    def complete(self) -> bool:
        return not self.counted.any()

    def add(self, obs: Any, action: np.ndarray, step: Step) -> None:
        """One step of every lane, from observations obs."""
        self.cut += [(len(self.steps), lane, step.infos[lane]["terminal_observation"]) for lane in np.flatnonzero(step.truncated & self.counted)]
        self.steps.append((tree_map(np.array, obs), action, step.r.copy(), step.terminated, step.truncated, self.t.copy(), self.counted.copy()))
        self.t = np.where(step.done, 0, self.t + 1)
        for lane in np.flatnonzero(step.done & self.counted):
            self.counted[lane] = self.started < self.n
            self.started += int(self.counted[lane])

    def as_steps(self, gamma: float, value: Callable[[Any], float] | None = None, device: Any = "cpu") -> Steps:
        """The steps of the n episodes with their returns. Where a time limit struck, value(last observation) stands for what would
        have followed; without a `value`, nothing does."""
        obs, action, reward, terminated, truncated, passed, counted = zip(*self.steps, strict=True)
        counted, reward, t = np.stack(counted), np.stack(reward).astype(np.float32), np.stack(passed)  # [T, E]
        discount = np.float32(gamma) * ~np.stack(terminated)  # 0 at termination
        decay = 1 - np.stack(truncated).astype(np.float32)  # 0 at a time limit: G_t = r + γ V there
        v_next = np.zeros_like(reward)  # read at time limits only: behind a counted episode's last step nothing counts
        if value is not None:
            for step, lane, last_obs in self.cut:
                v_next[step, lane] = value(last_obs)
        ret = lambda_return(reward, discount, v_next, decay)
        starts = np.maximum.accumulate(np.where(t == 0, np.arange(len(t))[:, None], 0))  # [T, E] when the episode of each step began

        def of(x: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(x[counted][None], device=device)

        everything = {key: of(np.stack([o[key] for o in obs])) for key in obs[0]} if isinstance(obs[0], dict) else of(np.stack(obs))
        return Steps(everything, of(np.stack(action)), of(ret), of(t), of(np.take_along_axis(ret, starts, 0)))


class Episodic(Algorithm):
    """Algorithms that learn from `episodes_per_update` whole episodes at a time, each seed from its own.

    A budget that ends inside a batch pauses there: the episodes under way are kept, and `learn(..., reset_num_timesteps=False)` goes on as if it
    had never stopped.
    """

    of_one_learn = (*Algorithm.of_one_learn, "_learnt_from")

    episodes_per_update: int  # N, a hyper-parameter that each algorithm gives its default, as γ
    gamma: float

    supported_action_spaces = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)

    def check(self) -> None:
        if self.episodes_per_update < 1:
            raise ValueError(f"episodes_per_update={self.episodes_per_update}: an update needs at least one episode.")
        self.episodes: Episodes | list[Episodes] | None = None  # the batch under way; of a stack each seed's

    @property
    def batches(self) -> list[Episodes]:
        """The batch under way of every seed."""
        return [] if self.episodes is None else [self.episodes] if self.n_seeds == 1 else self.episodes  # type: ignore[list-item,return-value]

    def lanes_of(self, k: int) -> slice:
        return slice(k * self.n_envs, (k + 1) * self.n_envs)

    def _setup_learn(self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *args: Any, **kwargs: Any) -> Any:
        if reset_num_timesteps or self._last_obs is None:  # the environments are about to be reset
            self.episodes = None
        elif self.env is not None:  # load() seeded them for a reset that does not come; the next one, between two batches, must not begin anew
            for venv in getattr(self.env, "venvs", [self.env]):
                venv.unwrapped._reset_seeds()
        self._learnt_from = np.zeros(self.n_seeds, int)  # batches since learn() began
        return super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *args, **kwargs)

    def _hand_over(self, model: Any, k: int) -> None:
        model.episodes = copy.deepcopy(self.batches[k]) if self.batches else None

    def _begin_batches(self) -> None:
        """A new batch for every seed that has learnt from its last one."""
        new = lambda: Episodes(self.episodes_per_update, self.n_envs)
        batches = self.batches or [new() for _ in range(self.n_seeds)]
        for k in [k for k, batch in enumerate(batches) if batch.complete]:
            if batches[k].t.any():  # other lanes are inside episodes of the old policy
                self.begin_again(k)
            batches[k] = new()
        self.episodes = batches if self.n_seeds > 1 else batches[0]

    def collect_episodes(self) -> bool:
        """Play until a seed's batch is complete; False if the budget of `learn` ended before."""
        env, callback = self.env, self._callback
        self._begin_batches()
        self.set_training_mode(False)
        callback.on_rollout_start()
        self.heed_rollout()

        batches = self.batches
        while self.num_timesteps < self._total_timesteps and not any(batch.complete for batch in batches):
            actions = self.act(self.by_seed(self._last_obs)).reshape(env.num_envs, *self.action_space.shape)
            new_obs, rewards, dones, infos = env.step(self.to_env(actions))
            self.num_timesteps += self.n_envs
            refuse_rewards(self, rewards)

            callback.update_locals(locals())
            if not callback.on_step():
                raise StopTraining
            self.heed()

            if dones.any() or any("episode" in info for info in infos):  # statistics, too, are of the batch alone
                counted = np.concatenate([batch.counted for batch in batches])
                self._update_info_buffer([info if mine else {} for info, mine in zip(infos, counted, strict=True)], dones & counted)
            for k, batch in enumerate(batches):
                mine = self.lanes_of(k)
                step = Step(tree_map(lambda x, mine=mine: x[mine], new_obs), rewards[mine], dones[mine], infos[mine])  # as the callback left them
                batch.add(tree_map(lambda x, mine=mine: x[mine], self._last_obs), actions[mine], step)
            self._last_obs, self._last_episode_starts = new_obs, dones

        callback.on_rollout_end()
        self.heed()
        return any(batch.complete for batch in batches)

    def iterate(self) -> None:
        if not self.collect_episodes():
            return
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        self._learnt_from += [batch.complete for batch in self.batches]
        self.train()
        if self._learnt_from.min() > self._iteration:  # all seeds have learnt once more
            self._iteration += 1
            if self._log_interval is not None and self._iteration % self._log_interval == 0:
                self.dump_logs(self._iteration)

    def train(self) -> None:
        """Update every seed whose batch of episodes is complete, one after another: batches differ in length."""
        self.begin_training()
        for k, batch in enumerate(self.batches):
            if not batch.complete:
                continue
            with self._alone(k):
                self.update(batch.as_steps(self.gamma, self._value_of, self.device))
                self.updates[k] += 1
                self.record_metrics()
        self._n_updates = int(self.updates.max())
        self.record("train/n_updates", self.updates, exclude="tensorboard")

    @contextmanager
    def _alone(self, k: int) -> Iterator[None]:
        """Within, networks are seed k's and no other's, it alone is updated, and what is recorded is its own."""
        self.active[:] = np.arange(self.n_seeds) == k
        with ExitStack() as stack:
            for net in self.nets.values():
                stack.enter_context(net.alone(k))
            self.learner = k
            try:
                yield
            finally:
                self.learner, self.active[:] = None, True

    learner: ClassVar[int | None] = None  # the seed that learns just now

    def record(self, key: str, values: Any, exclude: str | None = None) -> None:
        if self.learner is None or self.n_seeds == 1:
            super().record(key, values, exclude)
        else:
            self.logger.record(f"{key}@{self.seeds[self.learner]}", np.asarray(values).item(), exclude=exclude)

    _value_of: ClassVar[Callable[..., float] | None] = None  # what stands for the rewards behind a time limit, from the last observation; nothing without

    def update(self, steps: Steps) -> None:
        """Learn from all steps of one seed's batch of episodes, every field [1, M, ...]."""
        raise NotImplementedError(f"{type(self).__name__} must say how it learns from episodes.")
