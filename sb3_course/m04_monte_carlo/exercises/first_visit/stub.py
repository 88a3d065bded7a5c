"""First-visit Monte Carlo (Sutton & Barto 2018, section 5.1).

An episode is two lists of the same length: the states s_0, s_1, … in which a step began, and the rewards r_1, r_2, … that these steps paid.

The return of step t is all that was paid from there on, each further step discounted once more:

    G_t = r_{t+1} + γ r_{t+2} + γ² r_{t+3} + …        so that  G_t = r_{t+1} + γ G_{t+1}

V(s) is the mean of the returns of s, one from each episode in which s occurs: that of its first visit.

A worked example, γ = 0.5: states A, B, A and rewards 1, 2, 4. The returns are 3, 4, 4. A is visited at steps 0 and 2 and the first one counts: its return is 3.
B's return is 4.
"""

import numpy as np


def returns(rewards, gamma):
    """G_0, G_1, …, as an array [T], from the rewards [T] of an episode."""
    raise NotImplementedError("your turn: add up what was paid from each step on")


def first_visits(states):
    """The steps, in rising order, at which a state occurs for the first time in this episode: a list of whole numbers. Of A, B, A it is [0, 1]."""
    raise NotImplementedError("your turn: find the first visits")


def predict(episodes, n_states, gamma=1.0):
    """V [n_states] and N [n_states]: the mean return of each state's first visits, and how many there were. Both are 0 where a state never occurs.

    episodes is a list of (states, rewards). Do not keep the returns: after the n-th return G of a state its mean is V + (G − V) / n.
    """
    raise NotImplementedError("your turn: carry the means along")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work. The machine is worth 10
    rng = np.random.default_rng(0)
    machines = [([0] * steps, [1.0] * steps) for steps in rng.geometric(0.1, 4000)]  # pays 1 a step, breaks down with probability 0.1
    print(predict(machines, 1))
