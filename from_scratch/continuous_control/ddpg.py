"""Deep deterministic policy gradient (Lillicrap et al. 2016, arXiv:1509.02971, Algorithm 1).

    for each step:
        act with exploration noise, a = μ(s) + ε; store (s, a, r, s'); draw a minibatch
        y = r + γ Q'(s', μ'(s')); descend on (y − Q(s, a))²; ascend on Q(s, μ(s))
        θ' ← τ θ + (1 − τ) θ' for actor and critic

As in SB3 it is TD3 without TD3's three tricks: one critic, no delay, no noise on the target's action.
"""

from __future__ import annotations

from typing import ClassVar

import stable_baselines3

from from_scratch.continuous_control.td3 import TD3


class DDPG(TD3):
    policy_delay: ClassVar[int] = 1
    target_policy_noise: ClassVar[float] = 0.1  # drawn as in TD3 …
    target_noise_clip: ClassVar[float] = 0.0  # … and clipped to nothing
    stats_window_size: ClassVar[int] = 100  # SB3's DDPG does not offer it

    def check(self) -> None:
        super().check()
        self.policy_kwargs.setdefault("n_critics", 1)


stable_baselines3.DDPG.register(DDPG)  # isinstance(model, stable_baselines3.DDPG) holds, as tools expect
