"""Thompson sampling (Thompson 1933, Biometrika 25:285; Russo et al. 2018, arXiv:1707.02038, Algorithms 2 and 3).

    loop:
        draw θ(a) from what is believed of the value of each arm a
        A ← argmax_a θ(a);  R ← bandit(A)
        belief of A ← belief of A given R

For rewards of 0 and 1 the belief is a Beta distribution, for normal ones a normal distribution: either stays of its kind.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, ndtri

from from_scratch.core.tabular.bandit import Bandit


class ThompsonSampling(Bandit):
    """Rewards between 0 and 1; the belief of an arm is Beta(successes, failures). A reward between the two counts as a part of each."""

    prior_successes: float = 1.0  # α₀
    prior_failures: float = 1.0  # β₀

    successes: np.ndarray  # [S, 1, k]  α
    failures: np.ndarray  # [S, 1, k]  β

    def check(self) -> None:
        super().check()
        for name in ("prior_successes", "prior_failures"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)}: a Beta distribution needs more than 0; 1 and 1 is the uniform one.")

    def tables(self) -> dict[str, np.ndarray]:
        arms = np.ones((1, self.n_actions))
        α, β = self.prior_successes * arms, self.prior_failures * arms
        return {"Q": α / (α + β), "successes": α, "failures": β}  # Q: the beliefs' means

    @property
    def n_draws(self) -> int:
        return self.n_actions

    def choose(self, u: np.ndarray) -> np.ndarray:
        return self.quantile(u).argmax(-1)

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """θ(a) [S, E, k]: the beliefs' quantiles at u. At random numbers u these are draws from them."""
        return betaincinv(self.successes, self.failures, u)

    def update(self, a: np.ndarray, r: np.ndarray) -> np.ndarray:
        if ((r < 0) | (r > 1)).any():
            raise ValueError(f"{type(self).__name__} needs rewards between 0 and 1, but got {r[(r < 0) | (r > 1)][0]:g}. For others: GaussianThompsonSampling.")
        i, error = self.i, r - self.Q[self.i, 0, a]
        self.successes[i, 0, a] += r
        self.failures[i, 0, a] += 1 - r
        self.Q[i, 0, a] = self.successes[i, 0, a] / (self.successes[i, 0, a] + self.failures[i, 0, a])
        return error


class GaussianThompsonSampling(Bandit):
    """Rewards N(θ(a), noise²) with a known noise; the belief of an arm is N(Q, 1 / precision)."""

    prior_mean: float = 0.0  # μ₀
    prior_std: float = 1.0  # σ₀
    noise_std: float = 1.0  # σ  of the rewards

    precision: np.ndarray  # [S, 1, k]  1 / variance

    def check(self) -> None:
        super().check()
        for name in ("prior_std", "noise_std"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)}: a standard deviation is more than 0.")

    def tables(self) -> dict[str, np.ndarray]:
        arms = np.ones((1, self.n_actions))
        return {"Q": self.prior_mean * arms, "precision": arms / self.prior_std**2}

    @property
    def n_draws(self) -> int:
        return self.n_actions

    def choose(self, u: np.ndarray) -> np.ndarray:
        return self.quantile(u).argmax(-1)

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """θ(a) [S, E, k]: the beliefs' quantiles at u. At random numbers u these are draws from them."""
        return self.Q + ndtri(u) / np.sqrt(self.precision)

    def update(self, a: np.ndarray, r: np.ndarray) -> np.ndarray:
        i, error = self.i, r - self.Q[self.i, 0, a]
        self.precision[i, 0, a] += 1 / self.noise_std**2
        self.Q[i, 0, a] += error / (self.noise_std**2 * self.precision[i, 0, a])
        return error
