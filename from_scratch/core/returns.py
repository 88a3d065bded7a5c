"""Returns and advantages: one recursion for every way an episode can end.

Time is the first axis; anything may follow (environments, seeds). Two fields say how a step ended: `discount` is γ, and 0
where the episode terminated; `decay` is λ, and 0 where it was cut short, so that the estimate bootstraps from v_next there.
NumPy arrays and torch tensors both work.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from from_scratch.core.lockstep.kernels import kernel

Array = Any  # np.ndarray or torch.Tensor


@kernel()
def _discounted_sum(x: np.ndarray, discount: np.ndarray, y: np.ndarray, last: np.ndarray) -> None:
    """y_t = x_t + discount_t y_{t+1}, with y_T = last; x, discount and y are [T, N], last is [N]."""
    for t in range(len(x) - 1, -1, -1):
        for i in range(x.shape[1]):
            last[i] = y[t, i] = x[t, i] + discount[t, i] * last[i]


@kernel(error_model="numpy", fastmath={"reassoc", "nsz"})
def _explained_variance(v: np.ndarray, g: np.ndarray, y: np.ndarray) -> None:
    """y = 1 − Var(g − v) / Var(g) over the last axis, [N, n]; nan where g does not vary."""
    for i in range(len(v)):
        mean, mean_away = 0.0, 0.0
        for j in range(v.shape[1]):
            mean += g[i, j]
            mean_away += g[i, j] - v[i, j]
        mean, mean_away = mean / v.shape[1], mean_away / v.shape[1]
        variance, away = 0.0, 0.0
        for j in range(v.shape[1]):
            variance += (g[i, j] - mean) ** 2
            away += (g[i, j] - v[i, j] - mean_away) ** 2
        y[i] = np.nan if variance == 0 else 1 - away / variance


def _empty_like(x: Array) -> Array:
    return torch.empty_like(x) if isinstance(x, torch.Tensor) else np.empty_like(x, order="C")


def discounted_sum(x: Array, discount: Array, last: Array = 0.0) -> Array:
    """y_t = x_t + discount_t y_{t+1}, with y_T = last. The return G_t where x is the reward; every estimate below is one.

    x, discount and the result are [T, ...], last is [...].
    """
    y, T = _empty_like(x), len(x)
    if isinstance(x, np.ndarray) and T and x.dtype == np.asarray(discount).dtype and np.shape(discount) == x.shape:
        _discounted_sum(x.reshape(T, -1), discount.reshape(T, -1), y.reshape(T, -1), np.full(x.shape[1:], last, x.dtype).reshape(-1))
        return y
    for t in range(T - 1, -1, -1):
        y[t] = last = x[t] + discount[t] * last
    return y


def gae(reward: Array, discount: Array, v: Array, v_next: Array, decay: Array) -> Array:
    """Generalised advantage estimates (Schulman et al. 2016, arXiv:1506.02438, eq. 16).

        δ_t = r_t + discount_t V(s'_t) − V(s_t)        Â_t = δ_t + discount_t decay_t Â_{t+1}

    All arguments and the result are [T, ...].
    """
    delta = reward + discount * v_next - v
    return discounted_sum(delta, discount * decay)


def lambda_return(reward: Array, discount: Array, v_next: Array, decay: Array) -> Array:
    """λ-returns (Sutton & Barto 2018, eq. 12.2 in its recursive form), bootstrapped from v_next after the last step.

        G_t = r_t + discount_t ((1 − decay_t) V(s'_t) + decay_t G_{t+1})

    All arguments and the result are [T, ...].
    """
    return discounted_sum(reward + discount * (1 - decay) * v_next, discount * decay, last=v_next[-1])


def n_step_return(reward: Array, discount: Array, v_next: Array, n: int) -> Array:
    """n-step returns (Sutton & Barto 2018, eq. 7.1), shorter at the end of the data.

        G_t = r_t + discount_t r_{t+1} + … + (discount_t … discount_{t+n−1}) V(s'_{t+n−1})

    All arrays and the result are [T, ...]. Where discount is 0 nothing behind that step counts.
    """
    if n < 1:
        raise ValueError(f"n={n}: an n-step return needs at least one reward.")
    T, g = len(reward), _empty_like(reward)
    for t in range(T):
        end = min(t + n, T) - 1
        total = v_next[end]
        for k in range(end, t - 1, -1):
            total = reward[k] + discount[k] * total
        g[t] = total
    return g


def vtrace(
    reward: Array, discount: Array, v: Array, v_next: Array, decay: Array, ratio: Array, clip_rho: float = 1.0, clip_c: float = 1.0
) -> tuple[Array, Array]:
    """V-trace targets and policy-gradient advantages (Espeholt et al. 2018, arXiv:1802.01561, eq. 1 and remark 2).

        ρ_t = min(ρ̄, ratio_t)    c_t = decay_t min(c̄, ratio_t)    δ_t = ρ_t (r_t + discount_t V(s'_t) − V(s_t))
        v_t − V(s_t) = δ_t + discount_t c_t (v_{t+1} − V(s_{t+1}))
        advantage_t = ρ_t (r_t + discount_t v_{t+1} − V(s_t))

    ratio is π(a|s) / μ(a|s), target over behaviour. All arrays are [T, ...]. After the last step, and where an episode was cut
    short (decay 0), v_{t+1} is v_next itself.
    """
    rho, c = ratio.clip(max=clip_rho), decay * ratio.clip(max=clip_c)
    delta = rho * (reward + discount * v_next - v)
    correction = discounted_sum(delta, discount * c)
    target_next = v_next * 1
    target_next[:-1] += (decay[:-1] != 0) * correction[1:]
    return v + correction, rho * (reward + discount * target_next - v)


def explained_variance(v: np.ndarray, g: np.ndarray) -> np.ndarray:
    """1 − Var(g − v) / Var(g) over the last axis: how much of the returns g [S, N] the values v foretell, [S]; nan where g does not vary."""
    explained = np.empty(len(v))
    _explained_variance(v, g, explained)
    return explained
