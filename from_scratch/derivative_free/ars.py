"""Augmented random search (Mania, Guy & Recht 2018, arXiv:1803.07055, Algorithm 2).

    repeat:
        draw directions δ_1 … δ_N, each with entries from N(0, 1)
        play with θ + σ δ_k and with θ − σ δ_k, and collect their returns r(k, +) and r(k, −)
        keep the b directions with the largest max{r(k, +), r(k, −)}
        θ ← θ + α / (b σ_R) Σ_k (r(k, +) − r(k, −)) δ_k,  σ_R being the standard deviation of the 2b returns
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import sb3_contrib
import torch
from stable_baselines3.common.save_util import load_from_zip_file
from stable_baselines3.common.type_aliases import TensorDict
from stable_baselines3.common.utils import ConstantSchedule, FloatSchedule

from from_scratch.core.arguments import COUNT
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.loops.in_processes import InProcesses
from from_scratch.core.loops.population import Generation


class ARS(InProcesses):
    """V1 sees observations as they are, V2 normalised: VecNormalize(env, norm_reward=False) around the environment makes V2 of it. Where n_top is less than
    n_delta the paper writes V1-t and V2-t.

    With several environments (n_envs) a candidate's episodes are divided among them, as in SB3-Contrib.
    """

    n_delta: int = 8  # N  how many directions are tried, both ways, for each update
    n_top: int | None = None  # b  how many of them are used; None: all
    learning_rate: float | Callable[[float], float] = 0.02  # α
    delta_std: float | Callable[[float], float] = 0.05  # σ  how far candidates lie from the policy, or a function of the remaining part of training
    zero_policy: bool = True  # start with all weights at 0
    alive_bonus_offset: float = 0  # added to every step's reward: minus what the environment pays for staying alive
    n_eval_episodes: int = 1  # episodes that each candidate plays

    saved = ("weights", "n_params")

    def check(self) -> None:
        super().check()
        check_range(self, "n_delta", "n_top", **COUNT)
        check_range(self, "learning_rate", low=0)
        check_range(self, "delta_std", above=0)
        check_range(self, "alive_bonus_offset")
        if self.n_top is not None and self.n_top > self.n_delta:
            warnings.warn(f"n_top = {self.n_top} > n_delta = {self.n_delta}, setting n_top = n_delta", stacklevel=4)
        self.n_top = min(self.n_top or self.n_delta, self.n_delta)
        self.pop_size, self.delta_std_schedule = 2 * self.n_delta, FloatSchedule(self.delta_std)
        self.processes, self.old_count = None, 0  # of SB3-Contrib's workers: its files hold them

    def build(self) -> None:
        super().build()
        of_file = self.delta_std_schedule.value_schedule  # a file holds the schedule alone
        self.delta_std = of_file.val if isinstance(of_file, ConstantSchedule) else of_file
        self.n_params = len(self.weights_of_seed(0))
        self._show_weights()

    def _show_weights(self) -> None:
        """θ where SB3-Contrib keeps it, [D], of several seeds [S, D]. It is a copy: what counts is the policy's own."""
        each = [self.weights_of_seed(k) for k in range(self.n_seeds)]
        self.weights = each[0] if self.n_seeds == 1 else torch.stack(each)

    def rounds(self, n_candidates: int) -> tuple[np.ndarray, np.ndarray]:
        E = self.n_envs
        return np.arange(n_candidates)[:, None].repeat(E, 1), np.tile([(self.n_eval_episodes + e) // E for e in range(E)], (n_candidates, 1))

    def propose(self, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        theta, delta = self.weights_of_seed(k), self.normal(k, self.n_delta, self.n_params)
        step = delta * self.now(self.delta_std_schedule)
        return torch.cat([theta + step, theta - step]), delta

    def learn_from(self, k: int, tried: Generation) -> dict[str, float]:
        returns = torch.tensor(tried.returns + self.alive_bonus_offset * tried.lengths, dtype=torch.float32)
        plus, minus = returns[: self.n_delta], returns[self.n_delta :]
        top = torch.max(plus, minus).argsort(descending=True)[: self.n_top]
        plus, minus, delta = plus[top], minus[top], tried.noise[top]
        sigma_r, alpha = torch.cat([plus, minus]).std(), self.lr_schedule(tried.progress)
        step_size = alpha / (self.n_top * sigma_r + 1e-6)
        theta = self.weights_of_seed(k) + step_size * ((plus - minus) @ delta)
        self.set_weights_of_seed(k, theta)
        self._show_weights()
        return {
            "train/delta_std": self.delta_std_schedule(tried.progress), "train/learning_rate": alpha, "train/step_size": step_size.item(),
            "rollout/return_std": sigma_r.item(),
        }  # fmt: skip

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "delta_std"]  # delta_std_schedule is there

    def set_parameters(self, load_path_or_dict: str | TensorDict, exact_match: bool = True, device: torch.device | str = "auto") -> None:
        params: Any = load_path_or_dict if isinstance(load_path_or_dict, dict) else load_from_zip_file(load_path_or_dict, load_data=False, device=device)[1]
        former = {f"action_net.{name}": f"action_net.0.{name}" for name in ("weight", "bias")}  # in linear policies of SB3-Contrib before 1.7
        if "policy" in params:
            params = {**params, "policy": {former.get(name, name): value for name, value in params["policy"].items()}}
        super().set_parameters(params, exact_match, device)
        self._show_weights()


sb3_contrib.ARS.register(ARS)  # isinstance(model, sb3_contrib.ARS) holds, as tools expect
