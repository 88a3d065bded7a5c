"""DQN with n-step returns (Watkins 1989; Sutton & Barto 2018, §7.1; Hessel et al. 2018, arXiv:1710.02298, eq. 1).

    for each step:
        as in DQN, but a transition looks n steps ahead:
        R = r_1 + γ r_2 + … + γ^(n−1) r_n,  s' the state after the n-th reward
        y = R + γⁿ max_a' Q(s', a'; θ⁻)

Where the episode terminated after m ≤ n rewards, y is what they add up to; where a time limit cut it there, or the memory has no later step yet, it is
bootstrapped with γ^m. A reward reaches n states at once. The price: the actions between were those of an older, exploring policy, and no correction
is made for that, as in Rainbow and the other agents that use it.
"""

from __future__ import annotations

from from_scratch.value_based.dqn import DQN


class NStepDQN(DQN):
    n_steps: int = 3  # n
