"""The natural gradient of a softmax over a table, from a model (Kakade 2002, "A natural policy gradient", NIPS 14; Agarwal, Kakade, Lee & Mahajan 2021,
arXiv:1908.00261).

    loop:
        evaluate π: its advantages A
        θ ← θ + α F⁻¹ ∇J,   which for this policy is   θ(s, a) ← θ(s, a) + α A(s, a)

The Fisher matrix F weighs states by d(s), as the gradient does, so d(s) π(a|s) falls out: a state is improved however rarely the policy is
there. F is singular, since a constant added to a state's preferences leaves its policy as it is; F⁻¹ is one of its inverses, and A differs from the
pseudo-inverse's answer by such a constant alone. Agarwal et al. weigh states in F by (1 − γ) d(s): their step size η is our α (1 − γ).
"""

from __future__ import annotations

import numpy as np

from from_scratch.core.exact.gradients import advantages
from from_scratch.core.exact.mdp import Model
from from_scratch.policy_gradient.exact_policy_gradient import ExactPolicyGradient


class ExactNaturalPolicyGradient(ExactPolicyGradient):
    def direction(self, model: Model, pi: np.ndarray) -> np.ndarray:
        return advantages(model, pi, self.gamma)
