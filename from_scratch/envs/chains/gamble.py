"""A gamble for those who are asked for a return (after Paster, McIlraith & Ba 2022, arXiv:2205.15967, and Brandfonbrener et al. 2022, arXiv:2206.01079)."""

from __future__ import annotations

from from_scratch.envs.chains.finite import FiniteMDP

SAFE, GAMBLE = 0, 1


class TwoStateGamble(FiniteMDP):
    """In state 0 one takes 0.6 for safe, or gambles: half the time there is nothing and the episode ends, half the time one comes to state 1, where any action
    pays 1 and ends it.

    Only the gamble ever returns 1, but it is worth γ/2, so safe is best for every γ ≤ 1: E[return] is 0.6 against 0.5. Who imitates the steps of recorded
    episodes with a high return imitates luck.
    """

    def __init__(self, safe: float = 0.6, luck: float = 0.5, render_mode: str | None = None):
        if not 0 < luck < 1:
            raise ValueError(f"luck={luck}: the chance of a gamble lies between 0 and 1.")
        choice = [[(1.0, 0, safe, True)], [(luck, 1, 0.0, False), (1 - luck, 0, 0.0, True)]]
        super().__init__([choice, [[(1.0, 1, 1.0, True)]] * 2], desc=["SG"], render_mode=render_mode)
