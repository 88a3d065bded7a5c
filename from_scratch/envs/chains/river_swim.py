"""RiverSwim (Strehl & Littman 2008), with the numbers of Osband, Russo & Van Roy 2013 (arXiv:1306.0940)."""

from __future__ import annotations

from from_scratch.envs.chains.finite import FiniteMDP, Outcome

LEFT, RIGHT = 0, 1


class RiverSwim(FiniteMDP):
    """A chain of `n` states swum from its left end. Left, with the current, always works; right works sometimes and may even lose a place:

        right from      the left end       between      the right end
        one back                            0.05            0.4
        stays               0.4             0.6             0.6   and is paid 1
        one on              0.6             0.35

    Left at the left end is paid 0.005: who does not explore for long never learns of the other reward. It never ends;
    `from_scratch/RiverSwim-v0` is cut after 20 steps, as in the paper's experiments.
    """

    def __init__(self, n: int = 6, render_mode: str | None = None):
        if n < 2:
            raise ValueError(f"n={n}: a river has two ends.")
        last = n - 1

        def right(s: int) -> list[Outcome]:
            if s == 0:
                return [(0.4, 0, 0.0, False), (0.6, 1, 0.0, False)]
            if s == last:
                return [(0.4, last - 1, 0.0, False), (0.6, last, 1.0, False)]
            return [(0.05, s - 1, 0.0, False), (0.6, s, 0.0, False), (0.35, s + 1, 0.0, False)]

        left = [[(1.0, max(s - 1, 0), 0.005 if s == 0 else 0.0, False)] for s in range(n)]
        super().__init__([[left[s], right(s)] for s in range(n)], render_mode=render_mode)
