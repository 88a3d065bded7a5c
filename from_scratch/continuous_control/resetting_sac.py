"""SAC that begins anew from time to time (Nikishin et al. 2022, arXiv:2205.07802, "The Primacy Bias in Deep Reinforcement Learning").

    every reset_interval steps:
        draw θ, φ, θ' afresh, set α to its start, forget the optimisers' moments; keep the replay memory
    for each step: as SAC
    heavy priming, an experiment: before the first update, take priming_updates gradient steps on the few transitions that there are

An agent that overfits its first experience collects poor data ever after; what it has stored is still good, and new networks learn from it quickly.
With neither a reset nor priming it is SAC, to the bit. The paper resets the last layers of agents that see pixels; here, as in its SAC, everything is reset.
"""

from __future__ import annotations

from from_scratch.continuous_control.sac import SAC
from from_scratch.core.hyperparameters import check_range


class ResettingSAC(SAC):
    reset_interval: int | None = None  # steps between two resets of networks, temperature and optimisers; None: never
    priming_updates: int = 0  # gradient steps taken at once where learning starts, before the first update

    def check(self) -> None:
        super().check()
        check_range(self, "reset_interval", low=1, whole=True)
        check_range(self, "priming_updates", low=0, whole=True)
        self.steps_since_reset = 0

    def _on_step(self) -> None:
        super()._on_step()
        self.steps_since_reset += self.n_envs

    def iterate(self) -> None:
        if self.reset_interval is not None and self.steps_since_reset >= self.reset_interval:  # before a turn: nobody is left with untrained networks
            self.steps_since_reset %= self.reset_interval
            self.restart()
        super().iterate()

    def restart(self) -> None:
        """Let every seed's networks begin anew, with weights from its own stream. The modules stay the same ones, with whatever was done to them."""
        for policy, stream in zip(self._policies, self._rng.streams, strict=True):
            with stream.as_process():
                policy.load_state_dict(self.new_policy().state_dict())
        self.temperature.restart()
        for optimiser in self.optimisers():
            optimiser.restart()

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:
        if self.priming_updates > 0 and not self.updates.any():
            super().train(self.priming_updates, batch_size)
        super().train(gradient_steps, batch_size)
