"""Bootstrapped DQN (Osband et al. 2016, arXiv:1602.04621, Algorithm 1) with randomised prior functions (Osband et al. 2018, arXiv:1806.03335).

    Q_k(s, a) = f_k(s, a; θ) + β p_k(s, a)  for k = 1 … K:  p_k is a random network that stays as it is
    for each episode:
        draw a head k, and act by it until the end: argmax_a Q_k(s, a)
        for each step:
            draw a mask m_1 … m_K, each 1 with probability p; store (s, a, r, s', m)
            draw a minibatch; y_k = r + γ max_a' Q_k(s', a'; θ⁻), or r if the episode terminated at s'
            descend on Σ_k m_k (y_k − Q_k(s, a; θ))², the error clipped as in DQN

A head that believes in a reward far away goes there for a whole episode. Data alone do not make heads differ where no reward was seen, priors do.
Heads share the features extractor: for images layers of convolution, as in 2016; for vectors nothing, so that they are an ensemble, as in 2018. Targets are
those of 2018 (in 2016 Double DQN's); the loss is a mean over heads, which gives common features the 1/K of 2016. There is no ε-greedy.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy

from from_scratch.core.data import Transition
from from_scratch.core.hyperparameters import check_range
from from_scratch.core.lockstep import per_seed
from from_scratch.core.networks.heads import HEADS_ALIASES, vote
from from_scratch.value_based.dqn import DQN


class BootstrappedDQN(DQN):
    n_heads: int = 10  # K  value functions
    mask_prob: float = 0.5  # p  how likely a head learns from a step
    prior_scale: float = 3.0  # β  how much a head's fixed random function counts; 0: there are none
    exploration_fraction: ClassVar[float] = 0.1
    exploration_initial_eps: ClassVar[float] = 0.0  # the heads explore
    exploration_final_eps: ClassVar[float] = 0.0
    max_grad_norm: ClassVar[None] = None

    policy_aliases: ClassVar[dict[str, type]] = HEADS_ALIASES

    def check(self) -> None:
        super().check()
        check_range(self, "n_heads", low=1, whole=True)
        check_range(self, "mask_prob", above=0, high=1)
        check_range(self, "prior_scale", low=0)
        self.head = np.zeros((self.n_seeds, self.n_envs if self.env is not None else 1), int)  # who acts now, [S, E]

    def new_policy(self) -> BasePolicy:
        heads = {"n_heads": self.n_heads, "prior_scale": self.prior_scale}
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **{**self.policy_kwargs, **heads})

    @property
    def n_actions(self) -> int:
        return int(self.action_space.n)  # type: ignore[attr-defined]

    def kept_actions(self) -> spaces.Space:
        return spaces.MultiDiscrete([self.n_actions, *[2] * self.n_heads])  # a ‖ m: the mask is stored beside the action

    def choose(self, obs: np.ndarray, deterministic: bool = False) -> np.ndarray:
        best = self.best(self.q.play(obs))  # [S, E, K]
        if deterministic:
            return vote(torch.from_numpy(best), self.n_actions).numpy()
        return np.take_along_axis(best, self.head[..., None], -1)[..., 0]

    def asked(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        return super().asked(obs, True) if deterministic else self.choose(obs)  # a policy asked by itself knows of no episode

    def _store_transition(self, replay_buffer: Any, buffer_action: np.ndarray, new_obs: Any, reward: np.ndarray, dones: np.ndarray, infos: list[dict]) -> None:
        S, E, K = self.n_seeds, self.n_envs, self.n_heads
        masks = self._rng.bernoulli(np.full((S, E, K), self.mask_prob, np.float32)).astype(int)
        with_masks = np.concatenate([buffer_action.reshape(S * E, 1), masks.reshape(S * E, K)], 1)
        super()._store_transition(replay_buffer, with_masks, new_obs, reward, dones, infos)
        self.head = np.where(dones.reshape(S, E), self._rng.randint(K, E), self.head)  # a new episode, a new head

    @per_seed
    def loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        a, m = b.action[..., :1].long(), b.action[..., 1:].float()
        with torch.no_grad():
            y = b.reward[..., None] + b.discount[..., None] * self.valid(self.q_target(b.next_obs), b).amax(-1)  # [S, M, K]
        q = self.q(b.obs).gather(-1, a.unsqueeze(2).expand(-1, -1, self.n_heads, -1)).squeeze(-1)
        loss = (m * F.smooth_l1_loss(q, y, reduction="none")).mean(-1).mean(-1)  # eq. (3) of 2016, over all heads
        return loss, {"loss": loss}

    def _hand_over(self, model: Any, k: int) -> None:
        super()._hand_over(model, k)
        model.head = self.head[k : k + 1].copy()
