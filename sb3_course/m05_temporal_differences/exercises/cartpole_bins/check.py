"""What inner_edges, cell and learn must give: single numbers, episodes by hand, and, slowly, balance."""

import gymnasium as gym
import numpy as np
from gymnasium.envs.classic_control import CartPoleEnv

from sb3_course.teaching.checks import Mistake, array, given, measured, number, probe, rng, seeded

BINS, NEVER = (1, 1, 6, 12), "lambda k: 0.0"
EPISODES, ALPHA, GAMMA, EPSILON = 600, 0.1, 0.99, "lambda k: max(0.02, 1 - k / 200)"


class Scripted(gym.Env):
    """Plays its episodes in turn, whatever is done: each a list of (angle, r, how), with how = "on", "end" or "cut"; it begins upright, at angle 0.01."""

    def __init__(self, *episodes, n_actions=1):
        self.episodes, self.k, self.played = episodes, -1, []
        self.observation_space, self.action_space = gym.spaces.Box(-10.0, 10.0, (4,)), gym.spaces.Discrete(n_actions)

    def reset(self, *, seed=None, options=None):
        self.k, self.t = (self.k + 1) % len(self.episodes), 0
        return seen(0.01), {}

    def step(self, action):
        self.played.append(int(action))
        angle, r, how = self.episodes[self.k][self.t]
        self.t += 1
        return seen(angle), r(action) if callable(r) else r, how == "end", how == "cut", {}


class CartPole(gym.Env):
    """CartPole-v1 without its wrappers, and so faster."""

    def __init__(self, seed, limit=500):
        self.pole, self.limit = CartPoleEnv(), limit
        self.observation_space, self.action_space = self.pole.observation_space, self.pole.action_space
        self.pole.reset(seed=seed)

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return self.pole.reset()

    def step(self, action):
        self.t += 1
        observation, r, terminated, _, info = self.pole.step(action)
        return observation, r, terminated, self.t >= self.limit, info


def seen(angle):
    return np.array([0.0, 0.0, angle, 0.0])


def four(found, bins):
    """What inner_edges gives: four arrays."""
    if not isinstance(found, tuple | list) or len(found) != 4:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be a list of four arrays")
    return [array(edges, (n - 1,), f"edges of {name}") for edges, n, name in zip(found, bins, ("the position", "the speed", "the angle", "the angle's speed"))]


def learnt(found, n_cells, n_actions, n_episodes):
    """What learn gives: Q and lengths."""
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be Q, lengths")
    return array(found[0], (n_cells, n_actions), "Q"), array(found[1], (n_episodes,), "lengths")


# ----------------------------------------------------------------------------------------------------------------- edges


@probe("inner_edges", "bins (2, 3, 4, 5): how many edges each number has", expected=[1.0, 2.0, 3.0, 4.0])
def how_many(answer):
    edges = answer.inner_edges((2, 3, 4, 5))
    if not isinstance(edges, tuple | list) or len(edges) != 4:
        return four(edges, (2, 3, 4, 5))
    return [float(np.size(of_one)) for of_one in edges]


@probe("inner_edges", "bins (2, 3, 4, 5): the edges of the angle", expected=[-0.10475, 0.0, 0.10475], tolerance=1e-6)
def of_the_angle(answer):
    return four(answer.inner_edges((2, 3, 4, 5)), (2, 3, 4, 5))[2]


@probe("inner_edges", "bins (2, 3, 4, 5): the edges of position, speed and angle's speed", expected=[0.0, -1.0, 1.0, -1.2, -0.4, 0.4, 1.2], tolerance=1e-6)
def of_the_others(answer):
    edges = four(answer.inner_edges((2, 3, 4, 5)), (2, 3, 4, 5))
    return np.concatenate([edges[0], edges[1], edges[3]])


# ----------------------------------------------------------------------------------------------------------------- cells

EDGES = [np.array([0.0]), np.array([-1.0, 1.0]), np.array([0.0]), np.array([0.0])]  # bins (2, 3, 2, 2)


def number_of(answer, *observation):
    found = answer.cell(np.array(observation), EDGES)
    if number(found, "it") != int(found):
        raise Mistake(f"it is {found}, should be a whole number")
    return float(found)


@probe("cell", "2, 3, 2 and 2 bins, in the bins (1, 2, 0, 1): the cell", expected=21.0)
def digits(answer):
    return number_of(answer, 0.5, 2.0, -0.5, 0.5)


@probe("cell", "2, 3, 2 and 2 bins, the first and the last cell", expected=[0.0, 23.0])
def ends(answer):
    return [number_of(answer, -9.0, -9.0, -9.0, -9.0), number_of(answer, 9.0, 9.0, 9.0, 9.0)]


@probe("cell", "2, 3, 2 and 2 bins, one observation in each: how many cells have a number of their own", expected=24.0)
def all_cells(answer):
    return float(len({number_of(answer, x, v, angle, w) for x in (-0.5, 0.5) for v in (-2.0, 0.5, 2.0) for angle in (-0.5, 0.5) for w in (-0.5, 0.5)}))


@probe("cell", "2, 3, 2 and 2 bins, on the edges 0, 1, 0 and 0: the cell", expected=23.0)
def on_the_edge(answer):
    return number_of(answer, 0.0, 1.0, 0.0, 0.0)


# -------------------------------------------------------------------------------------------------------------- learning


@probe("learn", "bins (1, 1, 2, 1), rewards 1 and 1, then the pole falls beyond the end, two episodes, α = γ = 0.5: Q", expected=[0.0, 1.03125], tolerance=1e-9)
def falls(answer):
    """All of it in the upper bin: 0.5, 0.75, then 0.75 + 0.5 · (1 + 0.5 · 0.75 − 0.75) = 1.0625, and 1.03125, since nothing follows the fall."""
    env = Scripted([(0.1, 1.0, "on"), (0.3, 1.0, "end")])
    Q, _ = learnt(answer.learn(env, (1, 1, 2, 1), 2, 0.5, 0.5, given(NEVER), rng(0)), 2, 1, 2)
    return Q[:, 0]


@probe("learn", "bins (1, 1, 2, 1), reward 1, time is up after one step, twice, α = γ = 0.5: Q", expected=[0.0, 0.875], tolerance=1e-9)
def cut(answer):
    env = Scripted([(0.1, 1.0, "cut")])
    return learnt(answer.learn(env, (1, 1, 2, 1), 2, 0.5, 0.5, given(NEVER), rng(0)), 2, 1, 2)[0][:, 0]


@probe("learn", "episodes of 3 and 1 steps in turn, four of them: their lengths", expected=[3.0, 1.0, 3.0, 1.0])
def lengths(answer):
    env = Scripted([(0.1, 1.0, "on"), (-0.1, 1.0, "on"), (0.1, 1.0, "cut")], [(0.3, 1.0, "end")])
    return learnt(answer.learn(env, (1, 1, 2, 1), 4, 0.5, 0.5, given(NEVER), rng(0)), 2, 1, 4)[1]


@probe("learn", "action 1 pays 1, epsilon(k) is 1 for k < 800, then 0.2: share of action 1 in the last 800 episodes", expected=0.9, tolerance=0.045)
def listens(answer):
    env = Scripted([(0.3, float, "end")], n_actions=2)
    Q, _ = learnt(answer.learn(env, (1, 1, 2, 1), 1600, 0.5, 0.5, given("lambda k: 1.0 if k < 800 else 0.2"), rng(0)), 2, 2, 1600)
    return measured(float(np.mean(env.played[-800:])), of=Q)


@probe("learn", "CartPole-v1, 5 seeds: how many balance for 195 steps in the mean of the last 100 episodes", between=(3.0, 5.0), slow=True, twice=False)
def balance(answer):
    found = []
    for seed in range(5):
        settings = EPISODES, ALPHA, GAMMA, given(EPSILON), rng(seed)
        _, steps = learnt(answer.learn(CartPole(seeded(seed)), BINS, *settings), int(np.prod(BINS)), 2, EPISODES)
        found.append(steps[-100:].mean())
    return measured(float(np.sum(np.array(found) >= 195)), of=np.array(found))
