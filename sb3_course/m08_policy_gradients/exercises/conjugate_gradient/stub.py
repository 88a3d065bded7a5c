"""Conjugate gradients, and the step of TRPO (Hestenes & Stiefel 1952; Schulman et al. 2015, arXiv:1502.05477, appendix C).

To solve A x = b for a symmetric, positive definite A [D, D] of which only products A v can be had: go downhill on ½ xᵀA x − bᵀx, and never twice in the same
direction, as A sees it. After D steps, often after far fewer, x is there.

A worked example: A = ((4, 1), (1, 3)), b = (1, 2), from x = 0. The residual r = b − A x is (1, 2), and so is the first direction p. A p = (6, 7), so
α = rᵀr / pᵀA p = 5 / 20 = 0.25. After one step x = (0.25, 0.5), after two (1/11, 7/11), which is the solution.
"""

import numpy as np


def conjugate_gradient(product, b, n_steps, tolerance=1e-10):
    """x [D] with A x ≈ b after at most n_steps steps from x = 0. product(v) is A v, [D]; b [D] is left as it is.

        r ← b,  p ← b
        repeat, and stop when rᵀr < tolerance (test it before each step, the first one, too: b may be 0):
            α ← rᵀr / pᵀA p
            x ← x + α p
            r' ← r − α A p
            p ← r' + (r'ᵀr' / rᵀr) p,  r ← r'

    One product for each step: a product costs as much as a few gradients.
    """
    raise NotImplementedError("your turn: solve A x = b")


def fisher_product(pi, d, v, damping=0.0):
    """F v + damping · v, [S, A], of a table of preferences, one softmax policy π(·|s) in each state, without writing F down.

    pi [S, A] = π(a|s); d [S], how often each state comes, sums to 1; v [S, A], a direction in which the preferences may change.

        (F v)(s, a) = d(s) π(a|s) (v(s, a) − Σ_b π(b|s) v(s, b))

    For one state with π = (½, ½) and v = (1, 0): F v = (¼, −¼).
    """
    raise NotImplementedError("your turn: F times v")


def natural_step(g, product, delta, n_steps=10):
    """The step β x [D] along x ≈ F⁻¹ g, which n_steps of conjugate gradients give, so long that ½ (βx)ᵀF (βx) = delta.

    product(v) is F v. Where there is no slope, g = 0, the step is 0, too.
    """
    raise NotImplementedError("your turn: how far to go")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    A = np.array([[4.0, 1.0], [1.0, 3.0]])
    for n in (1, 2):
        print(f"after {n} steps:", conjugate_gradient(lambda v: A @ v, np.array([1.0, 2.0]), n))
