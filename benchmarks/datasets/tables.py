"""Data sets of tables: policies whose probabilities, and so values, are known exactly."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from benchmarks.datasets.recipes import Recipe
from from_scratch.core.datasets import Dataset, Recorder
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import expected_return, optimal_action_values, optimal_return, optimal_values, policy_values

TIE = 1e-9


def probabilities(env: gym.Env, policy: Any) -> np.ndarray:
    """π(a|s) [n_states, n_actions] of what a recipe says of a policy."""
    n = model_of(env).n_actions
    if policy == "uniform":
        return np.full((model_of(env).n_states, n), 1 / n)
    q = optimal_action_values(env, policy["gamma"])
    best = (q >= q.max(1, keepdims=True) - TIE).argmax(1)  # the first of equally good ones
    return policy["epsilon"] / n + (1 - policy["epsilon"]) * np.eye(n)[best]


def play(recipe: Recipe, make: Any) -> Dataset:
    """Whole episodes of the recipe's policy or of its demonstrators."""
    rng = np.random.default_rng(recipe.own["seed"])
    if "demonstrators" in recipe.own:
        return _demonstrations(recipe, make, rng)
    env = Recorder(make())
    pi = probabilities(env.unwrapped, recipe.own["policy"]).cumsum(1)
    obs, _ = env.reset(seed=recipe.own["seed"])
    for k in range(recipe.own["episodes"]):
        if k:
            obs, _ = env.reset()
        over = False
        while not over:
            obs, _, terminated, truncated, _ = env.step(int(np.searchsorted(pi[obs], rng.random() * pi[obs, -1], side="right")))
            over = terminated or truncated
    return env.dataset(recipe.name)


def _demonstrations(recipe: Recipe, make: Any, rng: np.random.Generator) -> Dataset:
    played = []
    for k, said in enumerate(recipe.own["demonstrators"]):
        env = Recorder(make(starts=said["starts"]))
        grid: Any = env.unwrapped
        ways = _ways(grid, said["to"])
        crossing = grid.letters.index("+")
        obs, _ = env.reset(seed=recipe.own["seed"] + k)
        for episode in range(said["episodes"]):
            if episode:
                obs, _ = env.reset()
            over = False
            while not over:
                is_random = rng.random() < recipe.own["noise"] and obs != crossing
                obs, _, terminated, truncated, _ = env.step(int(rng.integers(4)) if is_random else ways[obs])
                over = terminated or truncated
        played.append(env.dataset(recipe.name))
    whole = sum(played[1:], played[0])
    return Dataset(**{**{part: getattr(whole, part) for part in whole.__dataclass_fields__}, "name": recipe.name})


def _ways(grid: Any, to: str) -> list[int]:
    """The first step of the shortest way from each cell to the cell of this letter."""
    n, goal = len(grid.letters), grid.letters.index(to)
    far = np.full(n, np.inf)
    far[goal] = 0
    after = np.array([[grid.move(s, way)[0] for way in range(4)] for s in range(n)])
    closed = np.array([letter == "#" or letter in grid.terminal for letter in grid.letters])
    for _ in range(n):
        far = np.where(closed, np.where(np.arange(n) == goal, 0, np.inf), far[after].min(1) + 1)
    return far[after].argmin(1).tolist()


def exact(env: gym.Env, recipe: Recipe) -> dict[str, Any]:
    """What of a table's data set is known without sampling, for the manifest: the policy, its values, the optimum, and the reference scores."""
    table, gamma = env.unwrapped, recipe.of_family["gamma"]
    uniform = probabilities(table, "uniform")
    known: dict[str, Any] = {
        "gamma": gamma, "optimal_values": optimal_values(table, gamma).tolist(),
        "reference": {"random": {"score": expected_return(env, uniform), "exact": True}, "expert": {"score": optimal_return(env), "exact": True}},
    }  # fmt: skip
    if "policy" in recipe.own:
        pi = probabilities(table, recipe.own["policy"])
        known |= {"probabilities": pi.tolist(), "values": policy_values(table, pi, gamma).tolist(), "expected_return": expected_return(env, pi)}
    return known
