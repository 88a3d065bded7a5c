"""Proximal policy optimisation with a memory: PPO (Schulman et al. 2017, arXiv:1707.06347) whose π and V are behind LSTMs, as SB3-Contrib's RecurrentPPO.

for iteration = 1, 2, …:
    for actor = 1 … E:  run π_old for T steps, h_t = LSTM(o_t, h_{t−1}), h = 0 where an episode starts; compute advantages Â_1 … Â_T
    for K epochs of minibatches of M steps in their order:
        recompute h over each sequence, from the state that it was played with; optimise PPO's surrogate L
    θ_old ← θ
"""

from __future__ import annotations

from typing import ClassVar

import sb3_contrib
from gymnasium import spaces

from from_scratch.core.loops.recurrent import Recurrent
from from_scratch.policy_gradient.ppo import PPO


class RecurrentPPO(Recurrent, PPO):
    n_steps: int = 128  # T  steps per environment between updates
    batch_size: int | None = 128  # M  steps, in sequences; None for the whole rollout
    rollout_buffer_class: ClassVar[None] = None  # SB3-Contrib's does not offer them
    rollout_buffer_kwargs: ClassVar[dict] = {}

    supported_action_spaces = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


sb3_contrib.RecurrentPPO.register(RecurrentPPO)  # isinstance(model, sb3_contrib.RecurrentPPO) holds, as tools expect
