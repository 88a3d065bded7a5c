"""A monitor for values that run away (van Hasselt et al. 2018, arXiv:1812.02648).

Rewards are at most r_max in size. Then no return is larger in size than

    r_max + γ r_max + γ² r_max + … = r_max / (1 − γ)

and a network that says more than that says what cannot be. One need not know the true values to see it. Van Hasselt et al. call it soft divergence.

A worked example: r_max = 1, γ = 0.5, so no return is beyond 2. A network whose values in three visited states are (0, 1), (1.5, −2.5) and (1, 1) has said
something impossible at step 1: |−2.5| > 2. It does not matter that it has come to its senses at step 2.
"""

import numpy as np


def bound(r_max, gamma):
    """The largest size of a return, a number: r_max / (1 − γ), and infinity (np.inf) with γ = 1."""
    raise NotImplementedError("your turn: how large can a return be?")


def first_alarm(q, target, r_max, gamma):
    """The first step at which the network says what cannot be, a whole number; −1 if there is none.

    q [T, n_actions] holds the values of all actions in the state visited at each step, as the network said them. Any one of them that is larger in size than
    the bound is an alarm, and so is one that is no finite number (NaN or infinite).
    target [T] holds what the network was trained towards at each step, r + γ max_a Q(s', a). It is logged beside q in many programs; is it of use here?
    """
    raise NotImplementedError("your turn: find the first impossible value")


def shares(arms, r_max, gamma):
    """For each arm of a study the share of its runs in which there is an alarm: {name: number from 0 to 1}.

    arms is {name: [(q, target), (q, target), …]}, with a pair for each run. Runs may differ in length.
    """
    raise NotImplementedError("your turn: count the runs with an alarm")


if __name__ == "__main__":  # not part of the exercise: a look at a network without memory and target network, on MountainCar. It takes some seconds
    from from_scratch import NaiveDeepQ

    model = NaiveDeepQ("MlpPolicy", "MountainCar-v0", seed=0, learning_rate=1e-3, gamma=0.99, exploration_fraction=0.2, exploration_final_eps=0.05)
    said = []

    def look(local, _):
        said.append(model.q.play(model.by_seed(model._last_obs))[0, 0])
        return True

    model.learn(1000, callback=look)
    q = np.array(said, dtype=float)
    print("bound:", bound(1.0, 0.99), " largest value said:", abs(q).max().round(1), " first alarm at step", first_alarm(q, q.max(-1), 1.0, 0.99))
