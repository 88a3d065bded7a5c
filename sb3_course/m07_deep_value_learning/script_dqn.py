"""DQN as the syllabus's script has it: the errors E13 and E14, to be run over seeds (study `claims-dqn`).

    y = r + γ max_a' Q(s', a'; θ⁻), or r if the episode ended at s', by a fall or by the time limit      E13
    descend on (y − Q(s, a; θ))², the error not clipped                                                  E14
    every 10 episodes: θ⁻ ← θ; after each episode ε ← max(ε_min, 0.995 ε)                                E14

What the memory and the optimiser do are settings of the library's DQN; the study's file has them.
"""

from __future__ import annotations

import torch

from from_scratch import DQN
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import per_seed


class SquaredDQN(DQN):
    """DQN with the squared error, as the paper's equation has it before it clips: all else counts steps."""

    @per_seed
    def loss(self, b: Transition) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:  # every field [S, M, ...]
        with torch.no_grad():
            y = b.reward + b.discount * self.q_target(b.next_obs).amax(-1)
        q = self.q(b.obs).gather(-1, b.action.long()).squeeze(-1)
        loss = (y - q).square().mean(-1)
        return loss, {"loss": loss}


class ScriptDQN(SquaredDQN):
    """Targets and ε are counted in episodes. One seed at a time: seeds do not end their episodes together."""

    target_update_episodes: int = 10
    epsilon_decay: float = 0.995  # ε is multiplied by it after each episode

    entry = {"title": "DQN as the syllabus's script has it", "lockstep": False}
    saved = ("_episodes_seen",)

    def build(self) -> None:
        super().build()
        self._episodes_seen = 0

    def _on_step(self) -> None:
        self.exploration_rate = max(self.exploration_final_eps, self.exploration_initial_eps * self.epsilon_decay**self._episode_num)
        self.logger.record("rollout/exploration_rate", self.exploration_rate)
        if self._episode_num // self.target_update_episodes > self._episodes_seen // self.target_update_episodes:
            self.prepare_training()
            self.q_target.track(self.q, 1.0)  # θ⁻ ← θ
        self._episodes_seen = self._episode_num
