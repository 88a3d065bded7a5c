"""Monte Carlo control with an ε-soft policy (Sutton & Barto 2018, section 5.4), and Blackjack.

Without a model V does not say what to do. So one learns Q(s, a), the mean return behind taking a in s, and plays by it: mostly the best action, and with the
probability ε any action, all alike. A policy that takes every action now and then is called soft.

    π(a|s) = ε / n_actions for every action, and 1 − ε more for the best one; if several are best, they share the 1 − ε evenly
    Q(s, a) ← Q(s, a) + (G − Q(s, a)) / N(s, a)        at the first visit of the pair (s, a) in the episode

A worked example: Q(s, ·) = (0.5, 0.2), ε = 0.1: the probabilities are 0.95 and 0.05. Two equal values: 0.5 and 0.5.
"""

import numpy as np


def probabilities(q, epsilon):
    """π(·|s) [n_actions], from the values q [n_actions] of a state."""
    raise NotImplementedError("your turn: make a soft policy")


def update(Q, N, episode, gamma=1.0):
    """Learn from an episode, [(s, a, r), …], of which r is what action a in state s paid at once.

    Changes the arrays Q and N [n_states, n_actions] and returns nothing. N counts the returns of each pair. Only the first visit of a pair counts.
    """
    raise NotImplementedError("your turn: move Q towards returns")


def learn(env, n_states, n_actions, episodes, epsilon, rng):
    """Q [n_states, n_actions] after so many episodes, played with the soft policy of what Q was at the time. Q and N begin at 0, and γ is 1.

    s, _ = env.reset() begins an episode, and s_next, r, terminated, truncated, _ = env.step(a) plays a step. rng.choice(n_actions, p=…) or
    rng.random() draws.
    """
    raise NotImplementedError("your turn: play and learn")


class Blackjack:
    """The book's game (example 5.1), used like an environment of Gymnasium. Actions: 0 stick, 1 hit.

    States are numbers: 22 · sum + 2 · dealer's card + usable ace.
    """

    def __init__(self, seed):
        self.rng, self.cards = np.random.default_rng(seed), []

    def card(self):
        if not self.cards:
            self.cards = np.minimum(self.rng.integers(1, 14, 1000), 10).tolist()
        return self.cards.pop()

    def more(self, hand):
        """(sum, usable ace) with one more card."""
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


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. Stick or hit, without an ace and with one
    Q = learn(Blackjack(0), 704, 2, 50_000, 0.1, np.random.default_rng(1))
    for ace in (0, 1):
        print("with a usable ace" if ace else "without an ace")
        for total in range(21, 11, -1):
            print(total, " ".join("stick" if Q[22 * total + 2 * card + ace].argmax() == 0 else "hit  " for card in range(1, 11)))
