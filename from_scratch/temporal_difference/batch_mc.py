"""Batch Monte Carlo, constant-α MC with batch updating (Sutton & Barto 2018, §6.3).

    after each episode:
        repeat: for all states s at once, over every time t so far at which S_t = s:
                V(s) ← V(s) + α mean [G_t − V(s)]
        until no value changes by θ or more

It converges to the mean of the returns after all visits to s: the estimate with the least squared error on what was seen, which is
not the one with the least error on what comes. An episode that was cut short has no return and is left out.
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.tabular.segments import Remembering
from from_scratch.temporal_difference.batch_td import BatchTD


class BatchMC(Remembering, BatchTD):
    def iterate(self) -> None:
        for steps in self.segments(self.play(self.choose(self.state))):
            g, complete = np.zeros(len(steps.i)), steps.discount[-1] == 0
            for k, (s, _, r, discount, _) in zip(reversed(range(len(steps.s))), steps.backwards(), strict=True):
                g = r + discount * g
                m = complete & (steps.first <= k)
                self.visits[steps.i[m], s[m]] += 1
                self.rewards[steps.i[m], s[m]] += g[m]  # what a visit earns, and nothing follows
            self.learn_batch(steps.i)
