"""Prediction: what a given policy is worth, learnt from its own steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from from_scratch.core.addresses import saved
from from_scratch.core.tabular.learner import TabularLearner
from from_scratch.core.tabular.tables import TabularPolicy


@saved
class GivenPolicy(TabularPolicy):
    """One seed's tables, among them the policy that is followed: draws from it, or takes the likeliest action."""

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        probabilities = getattr(self, self.acts_on).numpy()[self.index(observation.numpy())]
        if deterministic:
            a = probabilities.argmax(-1)
        else:
            a = draw(probabilities, torch.rand(len(probabilities), dtype=torch.float64).numpy())  # from the process, as SB3's policies draw
        return torch.from_numpy(a + self.action_space.start)


def draw(probabilities: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The action for each number u [...] in [0, 1), of probabilities [..., n_actions]: never one of probability 0."""
    cumulated = probabilities.cumsum(-1)
    return (cumulated > u[..., None] * cumulated[..., -1:]).argmax(-1)


def refuse_models(name: str, given: Any) -> None:
    """ValueError if what is given as a policy is a model, or its `policy`."""
    if hasattr(given, "predict"):
        kind = type(given).__name__
        raise ValueError(f"{name} is a {kind}, not a policy's numbers: give {name}=model.q_table.argmax(-1), what it does in each state, or its probabilities.")


class TabularPrediction(TabularLearner):
    """Learns V(s) of a given policy π while following it."""

    pi: Any = None  # π(a|s) [n_states, n_actions], or its actions [n_states]; None takes every action equally often

    policy_aliases = {"TabularPolicy": GivenPolicy}
    acts_on = "probabilities"
    probabilities: np.ndarray  # [S, n_states, n_actions]  π(a|s), kept with the values so that a file has both

    def check(self) -> None:
        super().check()
        if self.env is not None:
            self.given_policy()

    def given_policy(self, name: str = "pi") -> np.ndarray:
        """The policy of that name as probabilities, [n_states, n_actions]. ValueError if it is none."""
        shape = (self.n_states, self.n_actions)
        if getattr(self, name) is None:
            return np.full(shape, 1 / self.n_actions)
        refuse_models(name, getattr(self, name))
        if callable(getattr(self, name)):
            raise ValueError(f"{name} is a function; a policy of tables is {list(shape)} probabilities, or [{shape[0]}] numbers of actions.")
        pi = np.asarray(getattr(self, name))
        if pi.shape == shape[:1] and pi.dtype.kind in "iu" and ((pi >= 0) & (pi < self.n_actions)).all():
            return np.eye(self.n_actions)[pi]
        if pi.shape != shape:
            raise ValueError(f"{name} has the shape {pi.shape}; a policy here is {list(shape)} probabilities, or [{shape[0]}] numbers of actions from 0.")
        if (pi < 0).any() or not np.allclose(pi.sum(-1), 1):
            s = int(((pi < 0).any(-1) | ~np.isclose(pi.sum(-1), 1)).argmax())
            raise ValueError(f"{name}[{s}] = {pi[s].tolist()} are not probabilities: they must not be negative, and sum to 1.")
        return pi.astype(np.float64)

    def tables(self) -> dict[str, np.ndarray]:
        return {**self.with_counts(V=np.full(self.n_states, float(self.initial_value))), "probabilities": self.given_policy()}

    def choose(self, s: np.ndarray) -> np.ndarray:
        """Actions [S, E] of π in the states [S, E], drawn from the seeds' streams."""
        return draw(self.probabilities[self.i[:, None], s], self._rng.uniform(s.shape[1]))

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        s = self.states(obs)
        return self.probabilities[self.i[:, None], s].argmax(-1) if deterministic else self.choose(s)
