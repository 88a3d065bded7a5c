"""Temporal-difference learning of afterstates by self-play (Sutton & Barto 2018, §1.5 and §6.8).

    V(x) ← ½ for every position x that a move can lead to: the probability that who moved wins, a draw counting half
    for each game, for each move:
        with probability ε take any legal move, otherwise one whose afterstate x has the greatest V
        V(x') ← V(x') + α [V(x) − V(x')],  where x' is the mover's afterstate before, unless this move or the reply to x' was exploratory
        if the game is over:
            V(x) ← its outcome for the mover
            V(x'') ← V(x'') + α [1 − V(x) − V(x'')],  where x'' is the other player's last afterstate, unless this move was exploratory

One table plays both sides: positions are seen by the player who moved. The game's rewards are 1, 0 and −1 for the mover's win, draw and defeat.
Exploratory moves do not result in any learning, as in the book. Here both players explore: were the other's random replies learnt from, a move that
loses only to the best reply would look good, and the player would go on losing to whoever finds it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from from_scratch.core.exact.mdp import name_of
from from_scratch.core.tabular.learner import TabularLearner, TabularPolicy, greedy

NONE = -1  # no such position: the player has not moved yet


class AfterstatePolicy(TabularPolicy):
    """Greedy on the values of the positions that its moves lead to."""

    def values_of_moves(self, s: np.ndarray) -> np.ndarray:
        """V of the afterstates, [M, n_actions]; −∞ where there is no such move."""
        after = self.afterstates.numpy().astype(np.int64)[s]
        return np.where(after >= 0, self.V.numpy()[after], -np.inf)

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        q = self.values_of_moves(self.index(observation.numpy()))
        noise = None if deterministic else torch.rand(q.shape, dtype=torch.float64).numpy()
        return torch.from_numpy(greedy(q, noise))


class AfterstateTD(TabularLearner):
    gamma: ClassVar[float] = 1.0
    initial_value = 0.5
    exploration_rate: float = 0.1  # ε

    policy_aliases = {"TabularPolicy": AfterstatePolicy}
    of_each_seed = ("last", "strayed")

    V: np.ndarray  # [S, n_states]
    afterstates: np.ndarray  # [S, n_states, n_actions]  x of each move, or −1

    def check(self) -> None:
        super().check()
        if not 0 <= self.exploration_rate <= 1:
            raise ValueError(f"exploration_rate={self.exploration_rate}: a probability lies between 0 and 1.")
        if self.env is not None:
            self._afterstates()

    def _afterstates(self) -> np.ndarray:
        env = self.env.get_attr("unwrapped", [0])[0]
        after, opponent = getattr(env, "afterstates", None), getattr(env, "opponent", None)
        if after is None or opponent is not None or after.shape != (self.n_states, self.n_actions):
            raise ValueError(
                f"AfterstateTD plays both sides of a game that names the position each move leads to (afterstates [n_states, n_actions]), as "
                f"from_scratch/TicTacToeSelfPlay-v0; {name_of(env)} does not."
            )
        return after

    def tables(self) -> dict[str, np.ndarray]:
        after = np.zeros((self.n_states, self.n_actions)) if self.env is None else self._afterstates()
        return {**self.with_counts(V=np.full(self.n_states, float(self.initial_value))), "afterstates": after}

    def begin(self) -> None:
        self.last = np.full((self.n_seeds, self.n_envs, 2), NONE)  # the afterstates of the last two moves, the latest first
        self.strayed = np.zeros((self.n_seeds, self.n_envs), bool)  # was the latest exploratory?

    def choose(self, s: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Moves in the positions s, and whether they are exploratory: [S, E] each."""
        i, ties = self.i[:, None], u[..., 1:]
        after = self.afterstates[i, s].astype(np.int64)
        q = np.where(after >= 0, self.V[i[..., None], after], -np.inf)
        explore = u[..., 0] < self.exploration_rate
        return np.where(explore, np.where(after >= 0, ties, -1.0).argmax(-1), greedy(q, ties)), explore

    def act(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        s = self.policy.index(obs.reshape(-1)).reshape(self.n_seeds, -1)
        if deterministic:
            return np.stack([greedy(policy.values_of_moves(row)) for policy, row in zip(self._policies, s, strict=True)])
        return self.choose(s, self._rng.uniform(s.shape[1], 1 + self.n_actions))[0]

    def iterate(self) -> None:
        a, explored = self.choose(self.state, self._rng.uniform(self.n_envs, 1 + self.n_actions))
        step = self.play(a)
        x = self.afterstates[self.i[:, None], step.s, a].astype(np.int64)
        for lane in range(self.n_envs):
            self.update(x[:, lane], step.r[:, lane], step.done[:, lane], explored[:, lane], self.last[:, lane], self.strayed[:, lane])
        self.last = np.where(step.done[..., None], NONE, np.stack([x, self.last[..., 0]], -1))
        self.strayed = explored & ~step.done

    def update(self, x: np.ndarray, r: np.ndarray, over: np.ndarray, explored: np.ndarray, last: np.ndarray, strayed: np.ndarray) -> None:
        """Learn from one move of every seed: its afterstate, reward, whether it ended the game, whether it was exploratory, all [S]; the afterstates
        of the two moves before [S, 2], and whether the latest of them was exploratory [S]."""
        self.V[self.i[over], x[over]] = (1 + r[over]) / 2
        self.towards(last[:, 1], self.V[self.i, x], ~explored & ~strayed)
        self.towards(last[:, 0], 1 - self.V[self.i, x], over & ~explored)

    def towards(self, x: np.ndarray, target: np.ndarray, where: np.ndarray) -> None:
        """V(x) ← V(x) + α [target − V(x)] for the seeds where it is to be, if there is such a position."""
        i = np.flatnonzero(where & (x != NONE))
        error = target[i] - self.V[i, x[i]]
        self.V[i, x[i]] += self.step_size(x[i], i=i) * error
        self.keep(error, i)
