"""V-trace (Espeholt et al. 2018, arXiv:1802.01561, eq. 1).

A rollout of T steps, played by the policy μ:

    reward [T]      v [T] = V(s_t)      v_next [T] = V(s'_t), of the state to which step t led, in the same episode
    ratio [T] = π(a_t|s_t) / μ(a_t|s_t)
    terminated, truncated [T]      whether the episode ended here, or was cut here by a time limit

Behind a termination nothing follows. Behind a cut there was more to come, worth V(s'), but the next step of the rollout belongs to another episode.

A worked example: γ = 0.5, rewards 1 1, V = 0 everywhere, ratios 2 and 0.5, ρ̄ = c̄ = 1; the second step terminates. So ρ = c = (1, 0.5).
Backwards: δ_1 = 0.5 · 1 = 0.5, and v_1 = 0.5; δ_0 = 1 · 1 = 1, and v_0 = 1 + 0.5 · 1 · 0.5 = 1.25.
Advantages: ρ_1 · 1 = 0.5 at the second step, ρ_0 · (1 + 0.5 · v_1) = 1.25 at the first.
"""

import numpy as np


def targets(reward, v, v_next, ratio, terminated, truncated, gamma, rho_bar=1.0, c_bar=1.0):
    """v_t [T], what V(s_t) should become.

        ρ_t = min(ρ̄, ratio_t)        c_t = min(c̄, ratio_t)
        δ_t = ρ_t (r_t + γ V(s'_t) − V(s_t))                             where the episode terminated, ρ_t (r_t − V(s_t))
        v_t = V(s_t) + δ_t + γ c_t (v_(t+1) − V(s_(t+1)))                the last term only where the episode went on to step t + 1

    At the last step of the rollout there is no last term either: nothing is known of what came later.
    """
    raise NotImplementedError("your turn: the targets of V")


def advantages(reward, v, v_next, vs, ratio, terminated, truncated, gamma, rho_bar=1.0):
    """The advantages [T] by which ∇ ln π(a_t|s_t) is weighted; vs [T] are the targets v_t.

        ρ_t (r_t + γ v_(t+1) − V(s_t))

    In the place of v_(t+1): V(s'_t) where the episode was cut, and at the last step of the rollout; 0 where the episode terminated.
    """
    raise NotImplementedError("your turn: the advantages")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print("the worked example:", targets(np.ones(2), np.zeros(2), np.zeros(2), np.array([2, 0.5]), np.array([False, True]), np.array([False, False]), 0.5))
