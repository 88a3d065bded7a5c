"""What x, F v and the step must be: by hand, beside np.linalg, and by the divergence that a step really makes."""

import numpy as np

from sb3_course.teaching.checks import array, measured, probe

A = np.array([[4.0, 1.0], [1.0, 3.0]])
# Two states, two actions.
PI, D, V = np.array([[0.5, 0.5], [0.8, 0.2]]), np.array([0.25, 0.75]), np.array([[1.0, 0.0], [1.0, -1.0]])


class times:
    """v ↦ A v, which counts how often it is asked."""

    def __init__(self, A):
        self.A, self.__name__, self.count = np.array(A, dtype=float), f"lambda v: np.array({np.array(A).tolist()}) @ v", 0

    def __call__(self, v):
        self.count += 1
        return self.A @ v


def spread(n):
    """A symmetric, positive definite matrix [n, n] with eigenvalues 1, 2, … n: always the same numbers."""
    Q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(n, n)))
    return Q @ np.diag(np.arange(1.0, n + 1)) @ Q.T


def fisher(pi, d):
    """F [S·A, S·A] of a table, written down."""
    F = np.zeros((pi.size, pi.size))
    for s, p in enumerate(pi):
        k = slice(s * len(p), (s + 1) * len(p))
        F[k, k] = d[s] * (np.diag(p) - np.outer(p, p))
    return F


# --------------------------------------------------------------------------------------------------- conjugate gradients


@probe("conjugate_gradient", "A = ((4, 1), (1, 3)), b = (1, 2), one step: x", expected=[0.25, 0.5], tolerance=1e-7)
def one_step(answer):
    return array(answer.conjugate_gradient(times(A), np.array([1.0, 2.0]), 1), (2,), "x")


@probe("conjugate_gradient", "A = ((4, 1), (1, 3)), b = (1, 2), two steps: x", expected=[1 / 11, 7 / 11], tolerance=1e-7)
def two_steps(answer):
    return array(answer.conjugate_gradient(times(A), np.array([1.0, 2.0]), 2), (2,), "x")


@probe("conjugate_gradient", "A = ((4, 1), (1, 3)), b = (0, 0): x", expected=[0.0, 0.0], tolerance=1e-7)
def zero(answer):
    return array(answer.conjugate_gradient(times(A), np.zeros(2), 5), (2,), "x")


@probe("conjugate_gradient", "A [5, 5] with eigenvalues 1 to 5, b = (1, 1, 1, 1, 1), 3 steps: |b - A x| beside the least that 3 steps can do, as A⁻¹ sees it",
       expected=1.0, tolerance=1e-6)  # fmt: skip
def best_in_its_space(answer):
    """x is the best of all in the space that b, A b, A A b span."""
    M, b = spread(5), np.ones(5)
    x = array(answer.conjugate_gradient(times(M), b.copy(), 3), (5,), "x")
    K = np.stack([b, M @ b, M @ M @ b], axis=1)
    best = K @ np.linalg.solve(K.T @ M @ K, K.T @ b)
    length = lambda x: np.sqrt((b - M @ x) @ np.linalg.solve(M, b - M @ x))
    return measured(length(x) / length(best), of=x)


@probe("conjugate_gradient", "A [6, 6] with eigenvalues 1 to 6, b = (1, …, 1), 6 steps: x", tolerance=1e-5,
       expected=lambda: np.linalg.solve(spread(6), np.ones(6)))  # fmt: skip
def six_steps(answer):
    return array(answer.conjugate_gradient(times(spread(6)), np.ones(6), 6), (6,), "x")


@probe("conjugate_gradient", "A = diag(1, 1, 1, 4, 4, 4), two different eigenvalues, at most 20 steps: how often a product was asked for", expected=2)
def few_eigenvalues(answer):
    product = times(np.diag([1.0, 1, 1, 4, 4, 4]))
    x = array(answer.conjugate_gradient(product, np.ones(6), 20), (6,), "x")
    return measured(product.count, of=x)


@probe("conjugate_gradient", "b after the call, which was (1, 2)", expected=[1.0, 2.0])
def left_alone(answer):
    b = np.array([1.0, 2.0])
    answer.conjugate_gradient(times(A), b, 2)
    return b


# ------------------------------------------------------------------------------------------------------------------- F v


@probe("fisher_product", "one state, π = 0.5 0.5, v = 1 0: F v", expected=[[0.25, -0.25]])
def one_state(answer):
    return array(answer.fisher_product(np.array([[0.5, 0.5]]), np.ones(1), np.array([[1.0, 0.0]])), (1, 2), "F v")


@probe("fisher_product", "two states, d = 0.25 0.75, π = 0.5 0.5 and 0.8 0.2, v = 1 0 and 1 -1: F v",
       expected=[[0.0625, -0.0625], [0.75 * 0.8 * 0.4, -0.75 * 0.2 * 1.6]])  # fmt: skip
def two_states(answer):
    return array(answer.fisher_product(PI.copy(), D.copy(), V.copy()), (2, 2), "F v")


@probe("fisher_product", "the same with damping 0.1: F v + 0.1 v", expected=[[0.1625, -0.0625], [0.75 * 0.8 * 0.4 + 0.1, -0.75 * 0.2 * 1.6 - 0.1]])
def damped(answer):
    return array(answer.fisher_product(PI.copy(), D.copy(), V.copy(), 0.1), (2, 2), "F v")


@probe("fisher_product", "all preferences of a state raised alike, which changes no policy: F v", expected=[[0.0, 0.0], [0.0, 0.0]])
def nothing_changes(answer):
    return array(answer.fisher_product(PI.copy(), D.copy(), np.array([[1.0, 1.0], [3.0, 3.0]])), (2, 2), "F v")


# -------------------------------------------------------------------------------------------------------------- the step


@probe("natural_step", "F = diag(1, 4), g = (1, 1), δ = 0.1: the step", expected=[0.4, 0.1], tolerance=1e-6)
def by_hand(answer):
    return array(answer.natural_step(np.array([1.0, 1.0]), times(np.diag([1.0, 4.0])), 0.1), (2,), "the step")


@probe("natural_step", "F = diag(1, 4), g = (0, 0): the step", expected=[0.0, 0.0])
def no_slope(answer):
    return array(answer.natural_step(np.zeros(2), times(np.diag([1.0, 4.0])), 0.1), (2,), "the step")


@probe("natural_step", "F = diag(1, 4), g = (1, 1), δ = 0.1, one step of conjugate gradients: the step", expected=[0.2, 0.2], tolerance=1e-6)
def after_one_step(answer):
    """One step leads along g itself, and ½ · 0.2² · (1 + 4) is 0.1."""
    return array(answer.natural_step(np.array([1.0, 1.0]), times(np.diag([1.0, 4.0])), 0.1, 1), (2,), "the step")


@probe("natural_step", "π = 0.5 0.5 and 0.8 0.2, δ = 1e-6: the mean divergence KL(π_old ‖ π) of the step, over δ", expected=1.0, tolerance=0.01)
def divergence(answer):
    """Advantages 1 0 and 0 2; g is the gradient of the mean reward, and both states have preferences ln π."""
    reward = np.array([[1.0, 0.0], [0.0, 2.0]])
    g = D[:, None] * PI * (reward - (PI * reward).sum(1, keepdims=True))
    step = array(answer.natural_step(g.ravel(), times(fisher(PI, D)), 1e-6), (4,), "the step")
    new = PI * np.exp(step.reshape(2, 2))
    new /= new.sum(1, keepdims=True)
    return measured(D @ (PI * np.log(PI / new)).sum(1) / 1e-6, of=step / np.sqrt(1e-6))
