"""Learning from whole episodes: play n of them with the current policy, update, forget them.

Several environments play side by side, and end their episodes at different steps. Which episodes make up a batch must not depend on how
long they last: the first n to *finish* are the short ones, and a mean over them is biased. So a batch is the first n to *start*, and
waits for all of them. What the other lanes play meanwhile is thrown away, and all lanes start anew under the next policy.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
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
        obs, action, reward, terminated, truncated, t, counted = zip(*self.steps, strict=True)
        counted, reward = np.stack(counted), np.stack(reward).astype(np.float32)  # [T, E]
        discount = np.float32(gamma) * ~np.stack(terminated)  # 0 at termination
        decay = 1 - np.stack(truncated).astype(np.float32)  # 0 at a time limit: G_t = r + γ V there
        v_next = np.zeros_like(reward)  # read at time limits only: behind a counted episode's last step nothing counts
        if value is not None:
            for step, lane, last_obs in self.cut:
                v_next[step, lane] = value(last_obs)
        ret = lambda_return(reward, discount, v_next, decay)

        def of(x: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(x[counted][None], device=device)

        everything = {key: of(np.stack([o[key] for o in obs])) for key in obs[0]} if isinstance(obs[0], dict) else of(np.stack(obs))
        return Steps(everything, of(np.stack(action)), of(ret), of(np.stack(t)))


class Episodic(Algorithm):
    """Algorithms that learn from `episodes_per_update` whole episodes at a time.

    Seeds end their episodes at different steps, so they cannot train in lock-step. A budget that ends inside a batch pauses there: the
    episodes under way are kept, and `learn(..., reset_num_timesteps=False)` goes on as if it had never stopped.
    """

    episodes_per_update: int  # N, a hyper-parameter that each algorithm gives its default, as γ
    gamma: float

    lockstep = False
    supported_action_spaces = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)

    def check(self) -> None:
        if self.episodes_per_update < 1:
            raise ValueError(f"episodes_per_update={self.episodes_per_update}: an update needs at least one episode.")
        self.episodes: Episodes | None = None

    def _setup_learn(self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *args: Any, **kwargs: Any) -> Any:
        if reset_num_timesteps or self._last_obs is None:  # the environments are about to be reset
            self.episodes = None
        elif self.env is not None:  # load() seeded them for a reset that does not come; the next one, between two batches, must not begin anew
            self.env.unwrapped._reset_seeds()
        return super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *args, **kwargs)

    def _hand_over(self, model: Any, k: int) -> None:
        model.episodes = copy.deepcopy(self.episodes)

    def collect_episodes(self) -> bool:
        """Play until the batch is complete; False if the budget of `learn` ended before."""
        env, callback = self.env, self._callback
        if self.episodes is None or self.episodes.complete:
            if self.episodes is not None and self.episodes.t.any():  # other lanes are inside episodes of the old policy
                self._last_obs = env.reset()
            self.episodes = Episodes(self.episodes_per_update, env.num_envs)
        self.set_training_mode(False)
        callback.on_rollout_start()
        self.heed_rollout()

        while not self.episodes.complete and self.num_timesteps < self._total_timesteps:
            actions = self.act(self.by_seed(self._last_obs)).reshape(env.num_envs, *self.action_space.shape)
            new_obs, rewards, dones, infos = env.step(self.to_env(actions))
            self.num_timesteps += self.n_envs
            refuse_rewards(self, rewards)

            callback.update_locals(locals())
            if not callback.on_step():
                raise StopTraining
            self.heed()
            step = Step(new_obs, rewards, dones, infos)  # as the callback left them

            if dones.any() or any("episode" in info for info in infos):  # statistics, too, are of the batch alone
                counted = self.episodes.counted
                self._update_info_buffer([info if mine else {} for info, mine in zip(infos, counted, strict=True)], dones & counted)
            self.episodes.add(self._last_obs, actions, step)
            self._last_obs, self._last_episode_starts = new_obs, dones

        callback.on_rollout_end()
        self.heed()
        return self.episodes.complete

    def iterate(self) -> None:
        if not self.collect_episodes():
            return
        self._iteration += 1
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        self.train()
        if self._log_interval is not None and self._iteration % self._log_interval == 0:
            self.dump_logs(self._iteration)

    def train(self) -> None:
        """Update from the batch in `self.episodes`."""
        self.begin_training()
        self.update(self.episodes.as_steps(self.gamma, self._value_of, self.device))
        self.updates += 1
        self.end_training()

    _value_of: ClassVar[Callable[..., float] | None] = None  # what stands for the rewards behind a time limit, from the last observation; nothing without

    def update(self, steps: Steps) -> None:
        """Learn from all steps of a batch of episodes, every field [S, M, ...]."""
        raise NotImplementedError(f"{type(self).__name__} must say how it learns from episodes.")
