"""How wrong estimates of a policy's value are that were made from another one's episodes (Voloshin et al. 2021, arXiv:1911.06854)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measures.measure import Measure
from benchmarks.studies import environments
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import expected_return, time_limit
from from_scratch.core.importance import Episodes, ordinary, per_decision, weighted, weighted_per_decision

EPISODES, DATA_SETS = 5000, 20
FAVOURED = 0.75  # how likely the evaluated policy takes its favourite action; the one that records takes all alike
IMPORTANCE = {"ordinary": ordinary, "per_decision": per_decision, "weighted": weighted, "weighted_per_decision": weighted_per_decision}


class World(NamedTuple):
    """A table, from state 0, to a limit of H steps: what may follow s, a, all alike likely, [n_states, n_actions, K], and the rewards for it."""

    s_next: np.ndarray
    reward: np.ndarray
    H: int


class EvaluationErrors(Measure):
    """log10_ordinary, log10_weighted, log10_per_decision, log10_weighted_per_decision, log10_fitted: the logarithm of the root mean square error of
    each estimate of a policy's undiscounted value, over 20 data sets of 5000 episodes; log10_over_fitted: the first less the last of them.

    mean_weight: of an episode, which is 1 but for chance. The world is RandomMDP, drawn by the run's seed as is the policy; the learner is not looked at.
    The fitted estimate is Q evaluation in a table: as many sweeps as there are steps, each the mean over the data of r + V(s').
    """

    def values(self) -> Sequence[dict[str, float]]:
        return [errors(*self.task(run)) for run in self.job.runs]

    @staticmethod
    def task(run: Any) -> tuple[World, np.ndarray, float, int]:
        env = environments.make_env(run.env, run.spec, monitor=False)
        own: Any = type(env.unwrapped)(**{**(run.spec.get("kwargs") or {}), "task_seed": run.seed})
        going_on = [[[outcome for outcome in own.P[s][a] if not outcome[3]] for a in range(len(own.P[s]))] for s in range(len(own.P))]
        s_next, reward = (np.array([[[outcome[k] for outcome in outcomes] for outcomes in of_state] for of_state in going_on]) for k in (1, 2))
        n_states, n_actions = s_next.shape[:2]
        favourites = np.random.default_rng([run.seed, 7]).integers(n_actions, size=n_states)
        pi = np.full((n_states, n_actions), (1 - FAVOURED) / (n_actions - 1))
        pi[np.arange(n_states), favourites] = FAVOURED
        H = time_limit(env)
        assert H is not None and model_of(own).start is not None
        return World(s_next, reward, H), pi, expected_return(own, pi, H), run.seed


def errors(world: World, pi: np.ndarray, exact: float, seed: int, data_sets: int = DATA_SETS, episodes: int = EPISODES) -> dict[str, float]:
    """What the measure says of a world."""
    stream, found, weights = np.random.default_rng([seed, world.H]), [], []
    for _ in range(data_sets):
        s, a, r, s_next = record(world, episodes, stream)
        some = Episodes(pi[s, a], np.full(s.shape, 1 / pi.shape[1]), r)
        found.append([*(estimate(some) for estimate in IMPORTANCE.values()), fitted(s, a, r, s_next, pi)])
        weights.append(some.weights[:, -1].mean())
    log10 = np.log10(np.maximum(np.sqrt(((np.array(found) - exact) ** 2).mean(0)), 1e-16))  # no error is none to single out
    said = {f"log10_{name}": float(x) for name, x in zip([*IMPORTANCE, "fitted"], log10, strict=True)}
    return {**said, "log10_over_fitted": float(log10[0] - log10[-1]), "mean_weight": float(np.mean(weights))}


def record(world: World, n: int, stream: np.random.Generator) -> tuple[np.ndarray, ...]:
    """(s, a, r, s') of n episodes of random actions, [n, H]."""
    n_actions, K = world.s_next.shape[1:]
    a, k = stream.integers(n_actions, size=(world.H, n)), stream.integers(K, size=(world.H, n))
    s = np.zeros((world.H + 1, n), int)
    for t in range(world.H):
        s[t + 1] = world.s_next[s[t], a[t], k[t]]
    return s[:-1].T, a.T, world.reward[s[:-1], a, k].T, s[1:].T


def fitted(s: np.ndarray, a: np.ndarray, r: np.ndarray, s_next: np.ndarray, pi: np.ndarray) -> float:
    """V_0(0) by H sweeps Q_h(s, a) ← mean of r + Σ_a' π(a'|s') Q_h+1(s', a') over the data's steps from (s, a); 0 where there are none."""
    n_states, n_actions = pi.shape
    pair = (s * n_actions + a).ravel()
    together = np.bincount(pair * n_states + s_next.ravel(), minlength=n_states * n_actions * n_states).reshape(-1, n_states)
    times = np.maximum(together.sum(1), 1)
    mean_r, p = np.bincount(pair, r.ravel(), minlength=n_states * n_actions) / times, together / times[:, None]
    v = np.zeros(n_states)
    for _ in range(s.shape[1]):
        v = (pi * (mean_r + p @ v).reshape(pi.shape)).sum(1)
    return float(v[0])
