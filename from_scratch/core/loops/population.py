"""Learning from a population: propose weights for a policy, let each set of them play whole episodes, and let the returns say where to go.

    repeat:
        propose P candidates, sets of weights [D]                                                           (`propose`)
        each plays n_eval_episodes episodes, and does always the same where it sees the same: its return is the sum of their rewards
        change the policy's weights by what the returns say                                                 (`learn_from`)

Episodes are played in rounds: in a round every lane of a seed plays one candidate until it has its episodes, then all begin anew. Seeds do not wait for one
another: one that has its returns learns and goes on with its next candidates while the others are still playing theirs.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.vec_env import VecMonitor, is_vecenv_wrapped

from from_scratch.core.addresses import saved
from from_scratch.core.algorithm import Algorithm, StopTraining
from from_scratch.core.arguments import COUNT
from from_scratch.core.finite import refuse_nan_observations, refuse_rewards
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.networks.players import DETERMINISTIC_ALIASES, AskedPlayers, PlainPlayers, set_weights, weights_of


@saved
class Generation:
    """The candidates of one seed, and what their episodes have brought so far.

    In round j lane e plays candidate who[j, e] for episodes[j, e] episodes, and what comes behind these counts for nothing.
    """

    def __init__(self, candidates: torch.Tensor, noise: Any, progress: float, who: np.ndarray, episodes: np.ndarray):
        self.candidates, self.noise, self.progress = candidates, noise, progress  # [P, D]; what they were made of; the part of training that was left
        self.who, self.episodes = who, episodes  # [rounds, E]
        self.returns, self.lengths = np.zeros(len(candidates)), np.zeros(len(candidates), int)  # [P], sums over a candidate's episodes
        self.n_finished = 0  # episodes
        self.round = -1  # before the first
        self.next_round()

    def next_round(self) -> None:
        self.round += 1
        self.left = self.episodes[self.round].copy() if not self.complete else np.zeros(self.who.shape[1], int)  # [E]
        self.r, self.t = np.zeros(len(self.left)), np.zeros(len(self.left), int)  # [E], of the episodes under way

    @property
    def complete(self) -> bool:
        return self.round == len(self.who)

    def candidate(self, e: int) -> torch.Tensor:
        """The weights that lane e plays with, [D]."""
        return self.candidates[self.who[self.round, e]]

    def count(self, rewards: np.ndarray, dones: np.ndarray, infos: list[dict], monitored: bool) -> list[dict]:
        """One step of the seed's lanes, [E]: the episodes that it ended, as Monitor would tell them."""
        self.r += rewards
        self.t += 1
        ended = []
        for e in dones.nonzero()[0].tolist():
            if self.left[e] and ("episode" in infos[e] or not monitored):  # Atari's wrappers call the loss of a life the end
                whole = infos[e].get("episode") if monitored else {"r": self.r[e], "l": self.t[e]}
                i = self.who[self.round, e]
                self.returns[i] += whole["r"]
                self.lengths[i] += whole["l"]
                self.left[e] -= 1
                ended.append({"r": whole["r"], "l": whole["l"]})
            self.r[e], self.t[e] = 0, 0
        return ended


class Population(Algorithm):
    """Algorithms that compare whole policies by their returns.

    A budget that ends between two populations' ends pauses there: what was played is kept, and `learn(..., reset_num_timesteps=False)` goes on as if it had
    never stopped.
    """

    n_eval_episodes: int  # a hyper-parameter that each algorithm gives its default, as the next
    zero_policy: bool

    supported_action_spaces = (spaces.Box, spaces.Discrete)
    policy_aliases = DETERMINISTIC_ALIASES
    device_by_default = "cpu"  # one observation at a time is no work for a GPU

    # --------------------------------------------------------------------------------------------------------------- for the subclass
    def propose(self, k: int) -> tuple[torch.Tensor, Any]:
        """The k-th seed's next candidates [P, D], drawn from its stream, and what `learn_from` wants to know of them."""
        raise NotImplementedError(f"{type(self).__name__} must say which weights to try.")

    def learn_from(self, k: int, tried: Generation) -> dict[str, float]:
        """Change the k-th seed's policy, and say what is to be logged, by SB3's keys."""
        raise NotImplementedError(f"{type(self).__name__} must say what it learns from returns.")

    def rounds(self, n_candidates: int) -> tuple[np.ndarray, np.ndarray]:
        """Who plays where, and how many episodes, [rounds, E] each: here every lane has a candidate of its own."""
        E = self.n_envs
        who = np.arange(-(-n_candidates // E) * E).reshape(-1, E)
        return np.minimum(who, n_candidates - 1), np.where(who < n_candidates, self.n_eval_episodes, 0)

    def weights_of_seed(self, k: int) -> torch.Tensor:
        """θ [D], as the k-th seed's policy has it."""
        return weights_of(self._policies[k]).cpu()

    def set_weights_of_seed(self, k: int, theta: torch.Tensor) -> None:
        set_weights(self._policies[k], theta)

    def normal(self, k: int, *shape: int) -> torch.Tensor:
        """N(0, 1) of the k-th seed's stream."""
        return torch.empty(shape).normal_(0, 1, generator=self._rng.streams[k].torch)

    # ------------------------------------------------------------------------------------------------------------------------ the loop
    def check(self) -> None:
        check_range(self, "n_eval_episodes", **COUNT)
        if self.env is not None and isinstance(self.observation_space, spaces.Dict | spaces.Tuple):
            raise ValueError(f"{type(self).__name__} cannot see the observation space {self.observation_space}. Wrap the environment in FlattenObservation.")
        self.generations: dict[int, Generation] = {}  # by seed: those under way

    def new_policy(self) -> BasePolicy:
        policy = self.policy_class(self.observation_space, self.action_space, **self.policy_kwargs)
        if self.zero_policy:
            set_weights(policy, torch.zeros_like(weights_of(policy)))
        return policy

    def build(self) -> None:
        self.players: Any = None
        self.monitored = False
        self._told: dict[str, np.ndarray] = {}  # [S] each, what the last updates had to say

    def serve(self) -> None:
        super().serve()
        if self.env is None:
            return
        reason = PlainPlayers.why_not(self._policies)
        if reason is not None:
            self._tell(f"{type(self._policies[0]).__name__} takes the general path (AskedPlayers: {reason}).")
        self.players = (PlainPlayers if reason is None else AskedPlayers)(self._policies, self.n_lanes)
        for k in self.generations:
            self._give_weights(k)

    def _give_weights(self, k: int) -> None:
        for e in range(self.n_envs):
            self.players.give(k * self.n_envs + e, self.generations[k].candidate(e))

    def _setup_learn(self, total_timesteps: int, callback: Any = None, reset_num_timesteps: bool = True, *args: Any, **kwargs: Any) -> Any:
        if reset_num_timesteps or self._last_obs is None:  # the environments are about to be reset
            self.generations = {}
        elif self.env is not None:  # load() seeded them for a reset that does not come; the next one, between two rounds, must not begin anew
            for venv in getattr(self.env, "venvs", [self.env]):
                venv.unwrapped._reset_seeds()
        result = super()._setup_learn(total_timesteps, callback, reset_num_timesteps, *args, **kwargs)
        if self.players is None or self.players.n_lanes != self.n_lanes:  # the model had no environment, or another number of them
            self.serve()
        first = getattr(self.env, "venvs", [self.env])[0]
        self.monitored = is_vecenv_wrapped(first, VecMonitor) or first.env_is_wrapped(Monitor)[0]
        return result

    def iterate(self) -> None:
        """Play until a seed has the returns of all its candidates, and let it learn."""
        self._update_current_progress_remaining(self.num_timesteps, self._total_timesteps)
        beginning = [k for k in range(self.n_seeds) if k not in self.generations]
        for k in beginning:
            candidates, noise = self.propose(k)
            self.generations[k] = Generation(candidates, noise, self._current_progress_remaining, *self.rounds(len(candidates)))
        self._callback.on_rollout_start()
        self.heed_rollout()
        for k in beginning:
            self._begin_round(k)
        self.play()
        self._callback.on_rollout_end()
        self.heed()
        for k in [k for k in range(self.n_seeds) if self.generations[k].complete]:
            self._learn(k)

    def _begin_round(self, k: int) -> None:
        self._give_weights(k)
        self.begin_again(k)

    def play(self) -> None:
        """Step all lanes until a seed's candidates have all been played, or the budget of `learn` ends."""
        env, callback, E = self.env, self._callback, self.n_envs
        generations = [self.generations[k] for k in range(self.n_seeds)]
        while self.num_timesteps < self._total_timesteps and not any(generation.complete for generation in generations):
            refuse_nan_observations(self, self._last_obs)
            actions = self.players.play(self._last_obs)
            new_obs, rewards, dones, infos = env.step(actions)
            self.num_timesteps += E
            refuse_rewards(self, rewards)

            callback.update_locals(locals())
            if not callback.on_step():
                raise StopTraining
            self.heed()

            self._last_obs, self._last_episode_starts = new_obs, dones
            any_done = dones.any()
            for k, generation in enumerate(generations):
                if not any_done and self.monitored:
                    continue  # Monitor adds up the rewards
                lanes = slice(k * E, (k + 1) * E)
                self._note_episodes(k, generation, generation.count(rewards[lanes], dones[lanes], infos[lanes], self.monitored))
                if not generation.left.any():
                    generation.next_round()
                    if not generation.complete:
                        self._begin_round(k)

    def _note_episodes(self, k: int, generation: Generation, ended: list[dict]) -> None:
        """What is logged of returns is the mean over one population, as in SB3-Contrib."""
        if ended and not generation.n_finished:
            self.ep_info_buffers[k] = [] if self.n_seeds == 1 else deque()  # type: ignore[call-overload]
            if self.n_seeds == 1:
                self.ep_info_buffer = self.ep_info_buffers[0]
        generation.n_finished += len(ended)
        self.ep_info_buffers[k].extend(ended)

    def _learn(self, k: int) -> None:
        for key, value in self.learn_from(k, self.generations.pop(k)).items():
            self._told.setdefault(key, np.zeros(self.n_seeds))[k] = value
        before = self.updates.copy()
        self.updates[k] += 1
        self._n_updates = int(self.updates.max())
        for key, values in self._told.items():
            self.record(key, values)
        self.record("train/iterations", before, exclude="tensorboard")
        least = int(self.updates.min())  # of a stack the slowest seed's
        if self._log_interval is not None and least > before.min() and least % self._log_interval == 0:
            self.dump_logs()

    # ------------------------------------------------------------------------------------------------------------------ members and files
    def _hand_over(self, model: Any, k: int) -> None:
        model.generations = {0: copy.deepcopy(self.generations[k])} if k in self.generations else {}

    def save(self, path: Any, exclude: Iterable[str] | None = None, include: Iterable[str] | None = None, *, exact: bool = False) -> None:
        if self.n_seeds > 1:
            self.updates_of_seeds = self.updates.copy()  # they differ, which _n_updates does not tell
        super().save(path, exclude, include, exact=exact)
        self.__dict__.pop("updates_of_seeds", None)

    @classmethod
    def load(cls, *args: Any, **kwargs: Any) -> Self:
        model = super().load(*args, **kwargs)
        model.updates = model.__dict__.pop("updates_of_seeds", model.updates)
        return model

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), *([] if self.generations else ["generations"])]
