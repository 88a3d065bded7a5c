"""DQN that chooses among valid actions alone (Mnih et al. 2015, Algorithm 1; masks as in Huang & Ontañón 2022, arXiv:2006.14171).

    for each step, m(s) being the actions that the environment says are valid in s:
        with probability ε take a random one of m(s), otherwise argmax over a ∈ m(s) of Q(s, a; θ)
        store (s, a, r, s', m(s')) in the memory D
        draw a minibatch from D; y = r + γ max over a' ∈ m(s') of Q(s', a'; θ⁻), or r if the episode terminated at s'
        go on as in DQN

A target that looked at invalid actions would learn from values that no experience ever corrects. The same is had of any other member of the family by
`Maskable` in front of it: class MaskableDoubleDQN(Maskable, DoubleDQN). It is a class, and nothing that DQN does by itself, because SB3's DQN takes no notice
of masks. Where the environment has no `action_masks()`, it is DQN to the bit.
"""

from __future__ import annotations

from from_scratch.core.loops.maskable import Maskable as Maskable
from from_scratch.value_based.dqn import DQN


class MaskableDQN(Maskable, DQN):
    """Masks come from the environment's `action_masks()`; who asks `predict` gives it `action_masks`."""
