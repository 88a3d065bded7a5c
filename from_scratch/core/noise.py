"""Coloured action noise (Eberhard et al. 2023, "Pink noise is all you need", ICLR), whose steps hang together: between white noise and a random walk."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from stable_baselines3.common.noise import ActionNoise


def coloured(beta: ArrayLike, real: np.ndarray, imaginary: np.ndarray, T: int) -> np.ndarray:
    """Sequences [..., T] whose power falls as 1/f^β, every number N(0, 1), of normal numbers [..., T//2 + 1] (Timmer & König 1995).

        s_k = f_k^(−β/2),  f_k = k/T, and f_0 = 1/T;  ε = irfft(s_k (real_k + i imaginary_k)) / σ

    beta broadcasts against [...]. Mean and highest frequency of an even T have no imaginary part and a real one with the variance of both.
    The numbers of Felix Patzelt's colorednoise, which the paper uses, up to σ: there it leaves the mean out, so that pink noise of 1,000 steps is 4 % larger.
    """
    f = np.maximum(np.arange(T // 2 + 1), 1) / T
    s = f ** (-np.asarray(beta, np.float64)[..., None] / 2)
    alone = np.zeros(len(f), bool)  # frequencies with one part
    alone[0], alone[-1] = True, T % 2 == 0 or T == 1
    power = np.where(alone, 2.0, 4.0) * s**2  # of irfft's result times T
    x = np.where(alone, np.sqrt(2.0) * s * real, s * (real + 1j * imaginary))
    return np.fft.irfft(x, n=T) * T / np.sqrt(power.sum(-1, keepdims=True))


class ColoredActionNoise(ActionNoise):
    """SB3's action noise with colour: β = 0 is white, 1 pink, 2 red (a random walk). Anew for every episode, or after seq_len steps without an end.

    sigma is the standard deviation of every action's noise, in the shape of an action; beta one number or one for each. seq_len, in steps, is best the
    episodes' limit: the longest period that the noise has. It draws from the process's NumPy generator as SB3's noises do, which is the seed's own stream
    wherever a model asks it. Names and meaning of the arguments are those of the authors' package, pink-noise-rl.
    """

    def __init__(self, beta: ArrayLike, sigma: ArrayLike, seq_len: int, dtype: DTypeLike = np.float32):
        super().__init__()
        self.beta, self.sigma = np.asarray(beta, np.float64), np.asarray(sigma, np.float64)
        self.seq_len, self.dtype = int(seq_len), np.dtype(dtype)
        if self.seq_len < 1 or self.seq_len != seq_len:
            raise ValueError(f"seq_len={seq_len}: give how many steps a sequence of noise has, a whole number from 1 on, best the episodes' limit.")
        if self.beta.shape not in ((), self.sigma.shape):
            raise ValueError(f"beta has shape {self.beta.shape} and sigma {self.sigma.shape}: give one β, or one for each action.")
        if not (np.isfinite(self.beta).all() and np.isfinite(self.sigma).all() and (self.sigma >= 0).all()):
            raise ValueError(f"beta={self.beta}, sigma={self.sigma}: give finite numbers, sigma from 0 on.")
        self.sequence, self.step = np.empty((0, *self.sigma.shape)), 0

    def __call__(self) -> np.ndarray:
        """The noise of the next step, in the shape of sigma."""
        if self.step == len(self.sequence):
            real, imaginary = np.random.mtrand._rand.normal(size=(2, *self.sigma.shape, self.seq_len // 2 + 1))
            of_unit_variance = coloured(self.beta, real, imaginary, self.seq_len)
            self.sequence, self.step = np.moveaxis(of_unit_variance, -1, 0) * self.sigma, 0
        self.step += 1
        return self.sequence[self.step - 1].astype(self.dtype)

    def reset(self) -> None:
        """An episode ended: the next step begins a new sequence."""
        self.sequence, self.step = self.sequence[:0], 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}(beta={self.beta}, sigma={self.sigma}, seq_len={self.seq_len})"


class PinkActionNoise(ColoredActionNoise):
    """Coloured noise with β = 1, which the paper recommends as the default for continuous control."""

    def __init__(self, sigma: ArrayLike, seq_len: int, dtype: DTypeLike = np.float32):
        super().__init__(1.0, sigma, seq_len, dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sigma={self.sigma}, seq_len={self.seq_len})"
