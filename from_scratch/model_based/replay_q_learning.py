"""Q-learning from a memory that is full before learning begins, with four ways to choose what is replayed (Schaul, Quan, Antonoglou & Silver 2016,
arXiv:1511.05952, §3.1–3.3 and appendix B.1).

    carry out every sequence of H actions once, each until its episode terminates; keep all transitions in a memory
    loop:
        choose a transition j = (S, A, R, S') of the memory
        δ_j ← R + γ max_a Q(S', a) − Q(S, A)
        Q(S, A) ← Q(S, A) + η δ_j

    uniform       each j is as likely as any other
    greedy        j = argmax_k |δ_k|, the error when k was last replayed; what never was comes first                       §3.2
    prioritised   j with probability P(j) = p_j^α / Σ_k p_k^α,  p_j = |δ_j| + ε when j was last replayed                      (1)
    oracle        the j after whose update Q is nearest to Q*, in the mean over all states and actions                     §3.1

Nothing is played while it learns, so that the number of updates tells the choices apart and not what was found. The memory holds what random behaviour would
bring, as often; the oracle asks the model for Q*, which no learner knows, and shows how much there is to gain.

With one transition an update the paper's importance weights, which are relative to the largest of a batch, are all 1: there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from from_scratch.core.exact.values import optimal_action_values
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.replay.sum_tree import SumTrees
from from_scratch.core.tabular.learner import TabularLearner
from from_scratch.core.tabular.worlds import every_sequence
from from_scratch.model_based.updates import UpdatesOfQ

MOST = 2**20  # sequences


class ReplayQLearning(UpdatesOfQ, TabularLearner):
    learning_rate: float | Callable[[float], float] | Sequence[float] = 0.25  # η; a sequence has one for each seed
    learning_rate_decay: ClassVar[float] = 0.0
    initial_value: ClassVar[float] = 0.0
    initial_std: float = 0.1  # Q(s, a) before learning is drawn from N(0, initial_std²): errors that were all 0 would leave nothing to choose by
    horizon: int = 8  # H  actions in a sequence; there are n_actions^H of them

    of_each_seed = ("s", "a", "r", "s_next", "discount", "size")  # the memory, [S, N] each, N the most transitions of any seed; size [S]: its own

    def check(self) -> None:
        super().check()
        check_range(self, "initial_std", low=0)
        check_range(self, "horizon", low=1, whole=True)
        if self.env is not None and self.n_actions**self.horizon > MOST:
            longest = int(np.emath.logn(self.n_actions, MOST) + 1e-9)
            raise ValueError(f"horizon={self.horizon}: {self.n_actions}^{self.horizon} sequences of actions are too many; choose at most {longest}.")
        self.s = self.a = self.r = self.s_next = self.discount = np.zeros((self.n_seeds, 0))
        self.size = np.zeros(self.n_seeds, dtype=np.int64)

    def new_policy(self) -> Any:
        policy = super().new_policy()
        policy.Q.copy_(self.initial_std * torch.randn(policy.Q.shape, dtype=torch.float64))  # θ ~ N(0, 0.1)
        return policy

    def learnt_states(self, k: int = 0) -> np.ndarray:
        return np.isin(np.arange(self.n_states), self.s[k, : self.size[k]])

    def _setup_learn(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._setup_learn(*args, **kwargs)
        if not self.size.any():
            self.fill()
        self.prepare()
        return result

    def fill(self) -> None:
        """Fill the memory, once and for all."""
        self.s, self.a, self.r, self.s_next, goes_on, self.size = every_sequence(self.worlds, self.horizon, self._rng)
        self.discount = self.gamma * goes_on

    def prepare(self) -> None:
        """Make what is asked while learning, and not kept in files."""

    @property
    def is_there(self) -> np.ndarray:
        """Which places of the memory hold a transition, [S, N]."""
        return np.arange(self.s.shape[1]) < self.size[:, None]

    def iterate(self) -> None:
        self._follow_schedules()
        Q, i, j = self.Q, self.i, self.choice()
        s, a, r, s_next, discount = (field[i, j] for field in (self.s, self.a, self.r, self.s_next, self.discount))
        δ = r + discount * Q[i, s_next].max(-1) - Q[i, s, a]
        Q[i, s, a] += self.alpha * δ  # η: α is the priorities' exponent here
        self.keep(δ)
        self.learnt(j, δ)
        self.updates += 1
        self._n_updates = int(self.updates[0])
        self.count(s=s, a=a)

    def choice(self) -> np.ndarray:
        """Which transition is replayed now, [S]."""
        return (self._rng.uniform(1)[:, 0] * self.size).astype(np.int64)

    def learnt(self, j: np.ndarray, δ: np.ndarray) -> None:
        """The errors of the transitions j just before their update, [S] both."""


class GreedyReplayQLearning(ReplayQLearning):
    of_each_seed = (*ReplayQLearning.of_each_seed, "priority")

    priority: np.ndarray  # [S, N]  |δ_j|, ∞ for what was never replayed

    def check(self) -> None:
        super().check()
        self.priority = np.zeros((self.n_seeds, 0))

    def fill(self) -> None:
        super().fill()
        self.priority = np.where(self.is_there, np.inf, -1.0)

    def choice(self) -> np.ndarray:
        return self.priority.argmax(-1)

    def learnt(self, j: np.ndarray, δ: np.ndarray) -> None:
        self.priority[self.i, j] = np.abs(δ)


class PrioritizedReplayQLearning(GreedyReplayQLearning):
    """Proportional prioritisation. All transitions begin with the priority 1, as those that enter the paper's empty memory."""

    priority_exponent: float = 0.6  # α  how much priorities count: 0 draws all alike
    priority_eps: float = 1e-6  # ε  added to |δ|, so that every transition may be drawn again

    def check(self) -> None:
        super().check()
        check_range(self, "priority_exponent", low=0)
        check_range(self, "priority_eps", above=0)

    def fill(self) -> None:
        super().fill()
        self.priority = self.is_there.astype(np.float64)

    def prepare(self) -> None:
        self.tree = SumTrees(*self.s.shape)
        places = np.broadcast_to(np.arange(self.s.shape[1]), self.s.shape)
        self.tree.put(places, np.where(self.is_there, self.priority**self.priority_exponent, 0.0))

    def choice(self) -> np.ndarray:
        return self.tree.find(self._rng.uniform(1) * self.tree.total[:, None])[:, 0]  # P(j) = p_j^α / Σ_k p_k^α, eq. (1)

    def learnt(self, j: np.ndarray, δ: np.ndarray) -> None:
        self.priority[self.i, j] = p = np.abs(δ) + self.priority_eps  # p_j ← |δ_j| + ε, §3.3
        self.tree.put(j[:, None], p[:, None] ** self.priority_exponent)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "tree"]


class OracleReplayQLearning(ReplayQLearning):
    def prepare(self) -> None:
        self.right = np.stack([optimal_action_values(env, self.gamma) for env in self.first_envs()])  # Q*

    def choice(self) -> np.ndarray:
        i, s, a = self.i[:, None], self.s, self.a
        before = self.Q[i, s, a]
        after = before + np.reshape(self.alpha, (-1, 1)) * (self.r + self.discount * self.Q[i, self.s_next].max(-1) - before)
        gain = (before - self.right[i, s, a]) ** 2 - (after - self.right[i, s, a]) ** 2  # only Q(s, a) changes
        return np.where(self.is_there, gain, -np.inf).argmax(-1)

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "right"]
