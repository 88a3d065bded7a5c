"""Generalised advantage estimates (Schulman et al. 2016, arXiv:1506.02438, eq. 16).

A rollout is T steps, one after another, in an environment that begins a new episode by itself. Of each step t it holds:

    reward [T]                     v [T] = V(s_t), of the state in which the action was taken
    terminated, truncated [T]      whether the episode ended here, or was cut here by a time limit; at most one of the two is True

Behind a termination nothing follows: the future is worth 0. Behind a cut there was more to come, worth V of the last state of the cut episode. With both,
the next step of the rollout belongs to another episode.

A worked example: γ = 0.5, λ = 1, rewards 1 1, V = 0 everywhere, the second step terminates. δ = (1, 1), so Â_1 = 1 and Â_0 = 1 + 0.5 · 1 · 1 = 1.5.
"""

import numpy as np


def next_values(v, v_final, v_last, terminated, truncated):
    """V(s'_t) [T], s'_t being the state to which step t led, in the same episode.

    v [T]: V(s_t). v_final [T]: where an episode ended or was cut at step t, V of its very last state; elsewhere it means nothing.
    v_last: a number, V of the state in which the next rollout will begin. It is the successor of step T − 1, unless the episode was over there.

    With T = 3, v = (1, 2, 3), v_final = (0, 7, 0), v_last = 4, and a cut at step 1: V(s') = (2, 7, 4).
    Not 3 at step 1: that is V of the first state of a new episode.
    """
    raise NotImplementedError("your turn: V of the next states")


def gae(reward, v, v_next, terminated, truncated, gamma, lam):
    """Â [T].

        δ_t = r_t + γ V(s'_t) − V(s_t)        where the episode terminated, r_t − V(s_t)
        Â_t = δ_t + γ λ Â_(t+1)               where step t was the last of its episode, terminated or cut, δ_t alone

    reward, v = V(s_t), v_next = V(s'_t), terminated, truncated: all [T]. Â behind the last step of the rollout counts as 0.
    """
    raise NotImplementedError("your turn: the advantages")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    no, yes = False, True
    print("two episodes of two steps, reward 1, V = 0:", gae(np.ones(4), np.zeros(4), np.zeros(4), np.array([no, yes, no, yes]), np.array([no] * 4), 0.9, 1.0))
