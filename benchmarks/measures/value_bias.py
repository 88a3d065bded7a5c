"""Do action values say what the policy that is greedy on them achieves (as van Hasselt et al. 2016, arXiv:1509.06461, Figure 3, asks)?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks import UserError
from benchmarks.measures.measure import Measure
from benchmarks.running.evaluation import Lanes
from benchmarks.studies import environments, hyperparams

N_EPISODES = 5  # of each seed, at each checkpoint
NEGLIGIBLE = 1e-4  # discount of what comes after an episode is cut


class ValueBias(Measure):
    """max_a Q(s₀, a) less the discounted return Σ γ^t r_t of the greedy policy from s₀, over start states s₀; of networks that value discrete actions.

    The task's time limit does not count: the greedy policy plays on until it terminates, or until γ^t is negligible. So it is a policy's value that is
    predicted, not what a limit leaves of it.
    """

    model: Any

    def __init__(self, job: Any):
        super().__init__(job)
        run = job.runs[0]
        if hyperparams.normalize_arguments(run.hyperparams) is not None or run.hyperparams.get("frame_stack"):
            raise UserError(f"measure value_bias: {run.algo} on {run.env} normalises or stacks its observations, which it does not do")
        self.seeds = [[int(word >> 1) for word in np.random.SeedSequence(run.protocol["eval_seed"], spawn_key=(2, each.seed)).generate_state(N_EPISODES)]
                      for each in job.runs]  # fmt: skip

    def _on_training_start(self) -> None:
        run, gamma = self.job.runs[0], self.model.gamma
        if not 0 < gamma < 1:
            raise UserError(f"measure value_bias: gamma={gamma} discounts nothing away, so no episode could be cut; a discount below 1 is needed")
        self.horizon = math.ceil(math.log(NEGLIGIBLE) / math.log(gamma))
        spec = {**run.spec, "max_episode_steps": self.horizon}
        self.lanes = Lanes([lambda: environments.make_env(run.env, spec, run.hyperparams.get("env_wrapper"), monitor=False)] * sum(map(len, self.seeds)))

    def _on_training_end(self) -> None:
        self.lanes.close()

    def values(self) -> Sequence[dict[str, float]]:
        """value_predicted, value_achieved, their difference value_bias, and that in percent of what was achieved, value_bias_percent."""
        predicted, achieved = self._played()
        found = []
        for said, had in zip(predicted.mean(-1), achieved.mean(-1), strict=True):
            percent = 100 * (said - had) / abs(had) if had else math.nan
            found.append({"value_predicted": said, "value_achieved": had, "value_bias": said - had, "value_bias_percent": percent})
        return found

    def _played(self) -> tuple[np.ndarray, np.ndarray]:
        """Values predicted at the start and discounted returns, both [S, episodes]."""
        lanes = self.lanes
        lanes.play([seed for of_run in self.seeds for seed in of_run])
        predicted, actions = self.look(self._by_seed(lanes.reset()))
        achieved, discount = np.zeros(lanes.num_envs), 1.0
        while lanes.alive.any():
            obs, rewards, _, _ = lanes.step(actions.reshape(-1))
            achieved += discount * rewards  # 0 in lanes that have ended
            discount *= self.model.gamma
            _, actions = self.look(self._by_seed(obs))
        return predicted.astype(float), achieved.reshape(self.n_seeds, -1)

    def _by_seed(self, obs: Any) -> np.ndarray:
        """[S·episodes, ...] → [S, episodes, ...]."""
        return obs.reshape(self.n_seeds, -1, *obs.shape[1:])

    def look(self, obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the states obs [S, episodes, ...] are said to be worth, and the actions taken there, both [S, episodes]."""
        q = np.asarray(self.model.q.play(obs))
        return q.max(-1), q.argmax(-1)


class StateValueBias(ValueBias):
    """The same of actor-critics with discrete actions: V(s₀) less the discounted return of the policy itself, its actions drawn as it says."""

    def values(self) -> Sequence[dict[str, float]]:
        self.streams = [np.random.default_rng([of_run[0], self.model.num_timesteps]) for of_run in self.seeds]  # each seed's own, at each checkpoint
        return super().values()

    @torch.no_grad()
    def look(self, obs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, actions = [], []
        for policy, of_seed, stream in zip(self.model._policies, torch.as_tensor(obs), self.streams, strict=True):
            values.append(policy.predict_values(of_seed).squeeze(-1).numpy())
            sums = policy.get_distribution(of_seed).distribution.probs.numpy().cumsum(-1)  # [episodes, n_actions]
            actions.append((sums > stream.random(len(sums))[:, None] * sums[:, -1:]).argmax(-1))
        return np.array(values), np.array(actions)
