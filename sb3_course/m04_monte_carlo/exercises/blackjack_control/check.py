"""A soft policy, means of pairs, and a loop that notes the right states; then Blackjack, whose exact returns are known.

Blackjack forgives much: no state comes back in a game, and γ is 1. So the parts are tried on episodes made by hand first.
"""

import numpy as np

from from_scratch.core.exact.values import expected_return
from from_scratch.envs import BlackjackTable
from sb3_course.teaching.checks import array, measured, probe, rng, seeded

PAIRS = [(0, 0, 1.0), (0, 1, 2.0), (1, 0, 0.0), (0, 0, 4.0)]  # at γ = 0.5 the returns are 2.5, 3, 2, 4; at γ = 1: 7, 6, 4, 4
SECOND = [(0, 1, 4.0)]


class Script:
    """An environment that plays its episodes in turn, whatever is done: steps (reward, next state, how), how being "on", "end" or "cut"."""

    def __init__(self, *episodes):
        self.episodes, self.k = episodes, -1

    def reset(self, seed=None, options=None):
        self.k, self.t = (self.k + 1) % len(self.episodes), 0
        return 0, {}

    def step(self, action):
        reward, s_next, how = self.episodes[self.k][self.t]
        self.t += 1
        return s_next, reward, how == "end", how == "cut", {}


class Two:
    """One state and two actions: 0 pays 1, 1 pays 0, and the episode ends. It counts what is done."""

    def __init__(self):
        self.counts = np.zeros(2)

    def reset(self, seed=None, options=None):
        return 0, {}

    def step(self, action):
        self.counts[action] += 1
        return 0, float(action == 0), True, False, {}


class Blackjack:
    """The stub's."""

    def __init__(self, seed):
        self.rng, self.cards = np.random.default_rng(seed), []

    def card(self):
        if not self.cards:
            self.cards = np.minimum(self.rng.integers(1, 14, 1000), 10).tolist()
        return self.cards.pop()

    def more(self, hand):
        card = self.card()
        total, has_ace = hand[0] - 10 * hand[1] + card, hand[1] or card == 1
        return (total + 10, 1) if has_ace and total + 10 <= 21 else (total, 0)

    def state(self):
        return 22 * self.hand[0] + 2 * self.shown + self.hand[1]

    def reset(self, seed=None, options=None):
        self.hand = self.more(self.more((0, 0)))
        self.dealer = self.more((0, 0))
        self.shown = 1 if self.dealer[1] else self.dealer[0]
        self.natural = self.hand[0] == 21
        return self.state(), {}

    def step(self, action):
        if action == 1:
            self.hand, self.natural = self.more(self.hand), False
            bust = self.hand[0] > 21
            return self.state(), -1.0 if bust else 0.0, bust, False, {}
        dealer, n_cards = self.dealer, 1
        while dealer[0] < 17:
            dealer, n_cards = self.more(dealer), n_cards + 1
        has = dealer[0] if dealer[0] <= 21 else 0
        reward = float(np.sign(self.hand[0] - has))
        if self.natural and not (has == 21 and n_cards == 2):
            reward = 1.0
        return self.state(), reward, True, False, {}


# --------------------------------------------------------------------------------------------------------------- a soft policy


@probe("probabilities", "values 0.5 and 0.2, ε = 0.1: π", expected=[0.95, 0.05], tolerance=1e-12)
def one_best(answer):
    return array(answer.probabilities(np.array([0.5, 0.2]), 0.1), (2,), "π")


@probe("probabilities", "values 1, 3, 3, 0, ε = 0.2: π", expected=[0.05, 0.45, 0.45, 0.05], tolerance=1e-12)
def two_best(answer):
    return array(answer.probabilities(np.array([1.0, 3.0, 3.0, 0.0]), 0.2), (4,), "π")


# ------------------------------------------------------------------------------------------------------------- means of pairs


def updated(answer, gamma, *episodes):
    """Q and N of two states and two actions, [2, 2, 2]."""
    Q, N = np.zeros((2, 2)), np.zeros((2, 2))
    for episode in episodes:
        answer.update(Q, N, episode, gamma)
    return np.stack([Q, N])


@probe("update", "the pair (0, 0) pays 1, then (0, 1) pays 2, (1, 0) pays 0, (0, 0) pays 4, γ = 1: the array of Q and N", tolerance=1e-12,
       expected=[[[7.0, 6.0], [4.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]])  # fmt: skip
def four_steps(answer):
    return updated(answer, 1.0, PAIRS)


@probe("update", "the same with γ = 0.5, and a game in which (0, 1) pays 4: the array of Q and N", tolerance=1e-12,
       expected=[[[2.5, 3.5], [2.0, 0.0]], [[1.0, 2.0], [1.0, 0.0]]])  # fmt: skip
def two_games(answer):
    return updated(answer, 0.5, PAIRS, SECOND)


# ------------------------------------------------------------------------------------------------------------------- the loop


@probe("learn", "one action, states 0, 1, 0 pay 1, 2, 4, then an episode that is cut after a step that pays 3: Q", expected=[[5.0], [6.0], [0.0]])
def by_hand(answer):
    env = Script([(1.0, 1, "on"), (2.0, 0, "on"), (4.0, 2, "end")], [(3.0, 1, "cut")])
    return array(answer.learn(env, 3, 1, 2, 0.1, rng(0)), (3, 1), "Q")


@probe("learn", "two actions, one pays 1 and the other 0, ε = 0.2, 2000 episodes: how often the poor one is played", expected=0.1, tolerance=0.035)
def how_often_each(answer):
    env = Two()
    answer.learn(env, 1, 2, 2000, 0.2, rng(seeded(0)))
    return env.counts[1] / 2000


def exact_return(answer, episodes):
    """The exact return of the best actions of Q."""
    Q = array(answer.learn(Blackjack(seeded(0)), 704, 2, episodes, 0.1, rng(1)), (704, 2), "Q")
    value = expected_return(BlackjackTable(), BlackjackTable.with_naturals(Q.argmax(1)))
    return measured(value, of=value)


@probe("learn", "10,000 games of Blackjack, ε = 0.1: exact return of the best actions", between=(-0.14, -0.05), twice=False)
def ten_thousand_games(answer):
    return exact_return(answer, 10_000)


@probe("learn", "500,000 games of Blackjack, ε = 0.1: exact return of the best actions", between=(-0.060, 0.0), slow=True, twice=False)
def half_a_million_games(answer):
    return exact_return(answer, 500_000)
