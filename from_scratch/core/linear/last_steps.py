"""The last n steps of every seed's episode, for returns that are known only later."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np


class LastSteps:
    """A mixin for Linear classes whose update keeps n steps in a ring: that of time t of the episode lies in place t mod n."""

    n_steps: int  # n, a hyper-parameter that each class gives its default
    kept: ClassVar[tuple[str, ...]] = ("r", "discount")  # numbers of a step, beside its features

    def new_memory(self: Any) -> dict[str, np.ndarray]:
        S, n, k = self.n_seeds, self.n_steps, self.x.k
        numbers = {name: np.zeros((S, n)) for name in self.kept}
        return {"index": np.zeros((S, n, k), np.int64), "value": np.zeros((S, n, k)), **numbers, "time": np.zeros(S)}
