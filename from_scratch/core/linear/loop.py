"""The turn of a linear method as one compiled loop over many steps of one seed: the numbers of `step` in control.py and prediction.py, to the bit.

It runs where nothing has to look at each step: without a callback, on an environment whose lanes are arrays and say how they move
(`world()` of a `vectorised` block), with features that are a table (Discrete observations) or tiles.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from numba import njit
from stable_baselines3.common.callbacks import ConvertCallback

from from_scratch.core.linear.features import TileCoding, tiles

AT_ONCE = 2_000_000  # random numbers that are drawn ahead


class World(NamedTuple):
    """How the lanes of a block move, as compiled functions of its arrays. `draw` is the lane's generator, or what reads ahead in it."""

    data: Any  # a NamedTuple of the block's arrays
    begin: Callable  # (data, lane, generator): begin an episode
    advance: Callable  # (data, lane, action, generator) -> (reward, terminated)
    observe: Callable  # (data, lane, point [d]): what the lane sees, as features take it
    d: int  # how many numbers that is


class Lookup(NamedTuple):
    """The features of every state."""

    index: np.ndarray  # [n_states, k]
    value: np.ndarray  # [n_states, k]


@njit(cache=True)
def look_up(table: Lookup, point: np.ndarray, index: np.ndarray, value: np.ndarray) -> None:
    s = int(point[0, 0])
    index[0, :], value[0, :] = table.index[s], table.value[s]


@njit(cache=True)
def tile(grid: Any, point: np.ndarray, index: np.ndarray, value: np.ndarray) -> None:
    tiles(grid, point, index)
    value[0, :] = 1.0


@njit(cache=True)
def q_of(w: np.ndarray, n: int, index: np.ndarray, value: np.ndarray, q: np.ndarray) -> None:
    """q [n_actions] ← q̂(s, ·)"""
    for a in range(len(q)):
        total = 0.0
        for j in range(len(index)):
            total += w[a * n + index[j]] * value[j]
        q[a] = total


@njit(cache=True)
def best_of(q: np.ndarray, noise: np.ndarray) -> int:
    """argmax_a q; among equals the one with the most noise."""
    best = 0
    for a in range(1, len(q)):
        if q[a] > q[best] or (q[a] == q[best] and noise[a] > noise[best]):
            best = a
    return best


@njit(cache=True)
def first_above(cumulated: np.ndarray, u: float) -> int:
    a = 0
    while a < len(cumulated) - 1 and cumulated[a] <= u:
        a += 1
    return a


class Stretch(NamedTuple):
    """What a run of K steps of one seed is given, beside the class's own arrays."""

    u: np.ndarray  # [K, …]  random numbers of each step
    alpha: np.ndarray  # [K]
    eps: np.ndarray  # [K]
    b: np.ndarray  # [n_states, n_actions]  the behaviour policy, cumulated …
    rho: np.ndarray  # [n_states, n_actions]  … and π / b


class Report(NamedTuple):
    """What it gives back."""

    when: np.ndarray  # [K]  the steps at which episodes ended, …
    returns: np.ndarray  # [K]  … their returns …
    lengths: np.ndarray  # [K]  … and lengths
    error: np.ndarray  # [S]  Σ|δ|
    action: np.ndarray  # [S]  A, in control
    done: np.ndarray  # [S]  did the last step end an episode?


class History(NamedTuple):
    """w of every seed after certain of its episodes."""

    at: np.ndarray  # [H]  which: 1 is the first
    w: np.ndarray  # [S, H, n]  NaN until then
    count: np.ndarray  # [S]  episodes that have ended


@njit(cache=True)
def remember(history: History, i: int, w: np.ndarray) -> None:
    """Called where an episode of seed i has ended."""
    history.count[i] += 1
    h = np.searchsorted(history.at, history.count[i])
    if h < len(history.at) and history.at[h] == history.count[i]:
        history.w[i, h] = w


@functools.cache
def loop_of(update: Callable, begin: Callable, advance: Callable, observe: Callable, encode: Callable, chooses: bool, off_policy: bool) -> Callable:
    @njit(error_model="numpy")
    def loop(m, i, data, draw, elapsed, returned, limit, features, n, k, d, n_actions, gamma, given, out, history):  # type: ignore[no-untyped-def]
        point = np.zeros((1, d))
        index, value, index_next, value_next = np.zeros((1, k), np.int64), np.zeros((1, k)), np.zeros((1, k), np.int64), np.zeros((1, k))
        q = np.zeros(n_actions)
        episodes, a, ended = 0, out.action[i], False
        observe(data, i, point[0])
        encode(features, point, index, value)
        if chooses:
            index += a * n
        for t in range(len(given.alpha)):
            u, rho = given.u[t], 1.0
            if not chooses:
                s = int(point[0, 0])
                a = first_above(given.b[s], u[0])
                rho = given.rho[s, a]
            reward, terminated = advance(data, i, a, draw)
            elapsed[i] += 1
            returned[i] += reward
            ended = terminated or elapsed[i] >= limit
            observe(data, i, point[0])
            encode(features, point, index_next, value_next)
            if chooses:
                q_of(m.w[i], n, index_next[0], value_next[0], q)
                best = best_of(q, u[2:])
                a = int(u[1] * n_actions) if u[0] < given.eps[t] else best
                ahead = a
                if off_policy and q[a] != q[best]:
                    ahead, rho = best, 0.0
                index_next += ahead * n
            m.alpha[i] = given.alpha[t]
            discount = 0.0 if terminated else gamma
            r = np.float64(np.float32(reward))
            out.error[i] += abs(update(m, i, (index[0], value[0]), r, (index_next[0], value_next[0]), discount, ended, rho))
            if chooses:
                index_next += (a - ahead) * n
            if ended:
                remember(history, i, m.w[i])
                out.when[episodes], out.returns[episodes], out.lengths[episodes] = t, returned[i], elapsed[i]
                episodes += 1
                elapsed[i], returned[i] = 0, 0.0
                begin(data, i, draw)
                observe(data, i, point[0])
                encode(features, point, index_next, value_next)
                if chooses:
                    q_of(m.w[i], n, index_next[0], value_next[0], q)
                    a = int(u[1] * n_actions) if u[0] < given.eps[t] else best_of(q, u[2:])
                    index_next += a * n
            index, index_next = index_next, index
            value, value_next = value_next, value
        out.action[i], out.done[i] = a, ended
        return episodes

    return loop


# ---------------------------------------------------------------------------------------------------------------- from the model
def _parts(model: Any, block: Any) -> tuple[Callable, Any] | None:
    """How observations of these lanes become features, and with which numbers; None if there is no compiled way."""
    if not hasattr(block, "world") or block.num_envs != model.n_seeds:
        return None
    if isinstance(model.observation_space, spaces.Discrete):
        if not model.chooses and (callable(model.pi) or callable(model.behaviour)):
            return None
        return look_up, Lookup(*model.x.sparse(np.arange(model.observation_space.n) + model.observation_space.start))
    if isinstance(model.x, TileCoding) and model.chooses:
        return tile, model.x.tilings
    return None


def _watched(model: Any) -> bool:
    """Does somebody want to see every step?"""
    return not (type(model._callback) is ConvertCallback and model._callback.callback is None)


def steps_for(model: Any) -> int:
    """How many steps the compiled loop can take now: 0 if it cannot, or if so few are not worth compiling it."""
    left, block = model._total_timesteps - model.num_timesteps, getattr(model.env, "block", model.env)
    if _watched(model):
        return 0
    if model._loop is None or model._loop[1] is not block:
        if left < model.compile_from or (parts := _parts(model, block)) is None:
            return 0
        (encode, features), world = parts, block.world()
        loop = loop_of(model.update, world.begin, world.advance, world.observe, encode, model.chooses, model.off_policy)
        model._loop = loop, block, features, world.d, model.policy_tables()
    return min(left, model.stretch, max(1, AT_ONCE // (model.n_seeds * (2 + model.n_actions))))


def _of_each_step(schedule: Callable, constant: bool, progress: np.ndarray) -> np.ndarray:
    """A schedule's values [K] at each step; [K, S] where it has one for each seed."""
    return np.array([schedule(float(progress[0]))] * len(progress) if constant else [schedule(float(left)) for left in progress])


def run(model: Any, steps: int) -> None:
    """Take `steps` steps of every seed."""
    loop, block, features, d, (b, rho) = model._loop
    data, n_seeds = block.world().data, model.n_seeds
    model.reserve(steps)
    progress = 1.0 - (model.num_timesteps + 1.0 + np.arange(steps)) / model._total_timesteps
    alpha = _of_each_step(model.lr_schedule, not callable(model.learning_rate), progress)
    alpha = np.broadcast_to(alpha if alpha.ndim == 2 else alpha[:, None], (steps, n_seeds))
    eps, width = np.zeros(steps), 1
    if model.chooses:
        fixed = model.exploration_initial_eps == model.exploration_final_eps
        eps, width = _of_each_step(model.exploration_schedule, fixed, progress), 2 + model.n_actions
    u = model._rng.uniforms(steps, width)
    action = model.action.astype(np.int64) if model.chooses else np.zeros(n_seeds, np.int64)
    error, done = np.zeros(n_seeds), np.zeros(n_seeds, bool)
    ended = []
    for i in range(n_seeds):
        given = Stretch(np.ascontiguousarray(u[:, i]), np.ascontiguousarray(alpha[:, i]), eps, b, rho)
        out = Report(np.zeros(steps, np.int64), np.zeros(steps), np.zeros(steps, np.int64), error, action, done)
        episodes = loop(
            model.m, i, data, block.streams[i], block.elapsed, block.returns, float(block.time_limit), features,
            model.x.n, model.x.k, d, model.n_actions, model.gamma, given, out, model.history,
        )  # fmt: skip
        ended += [(int(out.when[e]), i, float(out.returns[e]), int(out.lengths[e])) for e in range(episodes)]
    if model.chooses:
        model.action = action
    model.num_timesteps += steps
    model._last_obs, model._last_episode_starts = block.observe(), done
    model._update_current_progress_remaining(model.num_timesteps, model._total_timesteps)
    model._follow_schedules()
    model._abs_error += error
    model._n_errors += steps
    model.episodes_ended(sorted(ended))
