"""Blackjack (Sutton & Barto 2018, Example 5.1), played with Gymnasium's cards or from its exact table.

    from_scratch/Blackjack-v0        Gymnasium's Blackjack-v1, its observations (sum, dealer's card, usable ace) numbered by FlattenTuple
    from_scratch/BlackjackTable-v0   the same game as a table `P`, exact, for planners and for thousands of lanes

Actions: 0 stick, 1 hit. Cards come from an infinite deck; the dealer sticks on 17 or more. With `sab` the rules are the book's: a natural (an ace
and a ten at once) wins unless the dealer has one too. Without, a natural is a 21 like any other, or pays 1.5 with `natural`.

The game is not Markov in Gymnasium's observations: 21 with a usable ace may be a natural or not. In the table naturals are states of their own,
704 + the dealer's card − 1, behind the 704 of Gymnasium's observations.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import gymnasium as gym
import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP, Outcome
from from_scratch.envs.wrappers.flatten import FlattenTuple

STICK, HIT = 0, 1
SHAPE = (32, 11, 2)  # player's sum, dealer's card, usable ace
CARDS = {card: (4 if card == 10 else 1) / 13 for card in range(1, 11)}  # 10: ten, jack, queen, king
N_OBSERVATIONS = int(np.prod(SHAPE))
HANDS = [(total, ace) for ace in (0, 1) for total in range(12 if ace else 4, 22)]  # from which there is a choice


def blackjack(**kwargs: Any) -> gym.Env:
    """Gymnasium's Blackjack with numbered observations; arguments are Blackjack-v1's: sab, natural, render_mode."""
    return FlattenTuple(gym.make("Blackjack-v1", **kwargs))


def number(total: int, card: int, usable_ace: int, natural: bool = False) -> int:
    """The state of a sum against a dealer's card."""
    return N_OBSERVATIONS + card - 1 if natural else int(np.ravel_multi_index((total, card, usable_ace), SHAPE))


def drawn(total: int, ace: int, card: int) -> tuple[int, int]:
    """(sum, usable ace) after one more card. An ace counts 11 where that does not bust."""
    low, has_ace = total - 10 * ace + card, bool(ace) or card == 1
    return (low + 10, 1) if has_ace and low + 10 <= 21 else (low, 0)


@cache
def dealer(total: int, ace: int) -> dict[int, float]:
    """How a dealer who has this ends: {17 … 21: probability}, 0 for a bust."""
    if total >= 17:
        return {total if total <= 21 else 0: 1.0}
    ends: dict[int, float] = {}
    for card, p in CARDS.items():
        for end, q in dealer(*drawn(total, ace, card)).items():
            ends[end] = ends.get(end, 0.0) + p * q
    return ends


def stick(total: int, card: int, natural: bool, sab: bool, pays_more: bool) -> list[tuple[float, float]]:
    """(probability, reward) of sticking: the dealer turns the second card over and plays."""
    chances: dict[float, float] = {}
    for hidden, p in CARDS.items():
        dealer_s_natural = sorted((card, hidden)) == [1, 10]
        for end, q in dealer(*drawn(*drawn(0, 0, card), hidden)).items():
            reward = float(np.sign(total - end))
            if natural and sab and not dealer_s_natural:
                reward = 1.0
            elif natural and not sab and pays_more and reward == 1.0:
                reward = 1.5
            chances[reward] = chances.get(reward, 0.0) + p * q
    return [(p, reward) for reward, p in sorted(chances.items())]


class BlackjackTable(FiniteMDP):
    """714 states, of which 290 can be met with a choice; the others end at once and pay nothing.

    Episodes begin with cards that are "dealt"; with start="exploring" in any of the 290, all as likely; or always in one of them,
    start=(sum, dealer's card, usable ace).
    """

    def __init__(self, sab: bool = True, natural: bool = False, start: str | tuple[int, int, int] = "dealt", render_mode: str | None = None):
        self.sab, self.natural = sab, natural
        P: list[list[list[Outcome]]] = [[[(1.0, s, 0.0, True)] for _ in (STICK, HIT)] for s in range(N_OBSERVATIONS + 10)]
        for card in CARDS:
            for total, ace in HANDS:
                self._fill(P, number(total, card, ace), total, card, ace, False)
            self._fill(P, number(21, card, 1, natural=True), 21, card, 1, True)
        super().__init__(P, self._start(start), render_mode=render_mode)

    def _fill(self, P: list, s: int, total: int, card: int, ace: int, is_natural: bool) -> None:
        P[s][STICK] = [(p, s, reward, True) for p, reward in stick(total, card, is_natural, self.sab, self.natural)]
        P[s][HIT] = []
        for another, p in CARDS.items():
            new_total, new_ace = drawn(total, ace, another)
            bust = new_total > 21
            P[s][HIT].append((p, number(new_total, card, new_ace), -1.0 if bust else 0.0, bust))

    @staticmethod
    def _start(given: str | tuple[int, int, int]) -> np.ndarray:
        start = np.zeros(N_OBSERVATIONS + 10)
        if given == "exploring":
            start[[number(total, card, ace) for total, ace in HANDS for card in CARDS]] = 1 / 290
            start[N_OBSERVATIONS:] = 1 / 290
            return start
        if given != "dealt":
            if isinstance(given, str) or (given[0], given[2]) not in HANDS or given[1] not in CARDS:
                raise ValueError(f'start={given!r}: "dealt", "exploring", or (sum of 4 … 21, dealer\'s card 1 … 10, usable ace 0 or 1), with an ace from 12.')
            start[number(*given)] = 1
            return start
        for card, p in CARDS.items():
            for one, q in CARDS.items():
                for two, r in CARDS.items():
                    total, ace = drawn(*drawn(0, 0, one), two)
                    start[number(total, card, ace, natural=total == 21)] += p * q * r
        return start

    @staticmethod
    def with_naturals(policy: np.ndarray) -> np.ndarray:
        """A policy [704, ...] of Gymnasium's observations as one of the table's states [714, ...]: naturals are 21 with a usable ace."""
        return np.concatenate([policy, policy[[number(21, card, 1) for card in CARDS]]])


def threshold_policy(stick_from: int) -> np.ndarray:
    """π(a|s) [714, 2] that sticks on this sum and above, and hits below."""
    sums = np.append(np.arange(N_OBSERVATIONS) // (SHAPE[1] * SHAPE[2]), np.full(10, 21))
    return np.eye(2)[np.where(sums >= stick_from, STICK, HIT)]
