"""What a new policy gains: the performance difference lemma (Kakade & Langford 2002, lemma 6.1).

    J(π') − J(π) = Σ_s d_π'(s) Σ_a π'(a|s) A_π(s, a)

J(π) = Σ_s start(s) V_π(s) is what the policy π earns, A_π(s, a) = Q_π(s, a) − V_π(s) how much better a is than what π does in s, and

    d_π'(s) = Σ_t γ^t Pr(S_t = s)        under the new policy π', S_0 drawn from start

the discounted number of its visits. (The paper divides d by its sum, 1 / (1 − γ) where no episode ends, and puts that factor in front.)

A model is two arrays here: p [n_states, n_actions, n_states], the probability to go on in s', whose rows sum to less than 1 where an episode may end;
and r [n_states, n_actions], the expected reward.

A worked example: one state, two actions, p = [[[0], [0]]] (every step ends the episode), r = [[1, 3]]. The old policy takes each action half of the time:
V = 2, A = [−1, 1]. The new one always takes the second: d = 1, so it gains 1 · 1 = 1; and indeed it earns 3 instead of 2.
"""

import numpy as np


def advantages(p, r, pi, gamma):
    """A_π [n_states, n_actions] of the policy π(a|s) [n_states, n_actions]. Its mean under π is 0 in every state."""
    raise NotImplementedError("your turn: the advantages of a policy")


def visits(p, start, pi, gamma):
    """d_π [n_states]: Σ_t γ^t Pr(S_t = s) under the policy, from start [n_states].

    d(s') = start(s') + γ Σ_s d(s) Σ_a π(a|s) p(s'|s, a)        what flows into s'
    """
    raise NotImplementedError("your turn: the discounted visits of a policy")


def performance_difference(p, r, start, new, old, gamma):
    """J(new) − J(old), a number, by the lemma: from the advantages of one and the visits of the other."""
    raise NotImplementedError("your turn: the lemma's sum")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print(performance_difference(np.zeros((1, 2, 1)), np.array([[1.0, 3.0]]), np.ones(1), np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]]), 0.9))
