"""the factor of the old direction is turned over: the old rᵀr is divided by the new one"""

import numpy as np


def conjugate_gradient(product, b, n_steps, tolerance=1e-10):
    x, r, p = np.zeros(len(b)), np.array(b, dtype=float), np.array(b, dtype=float)
    squared = r @ r
    for _ in range(n_steps):
        if squared < tolerance:
            break
        Ap = product(p)
        alpha = squared / (p @ Ap)
        x = x + alpha * p
        r = r - alpha * Ap
        before, squared = squared, r @ r
        p = r + before / squared * p
    return x


def fisher_product(pi, d, v, damping=0.0):
    mean = (pi * v).sum(1, keepdims=True)
    return d[:, None] * pi * (v - mean) + damping * v


def natural_step(g, product, delta, n_steps=10):
    x = conjugate_gradient(product, g, n_steps)
    curvature = x @ product(x)
    if curvature <= 0:
        return np.zeros(len(g))
    return np.sqrt(2 * delta / curvature) * x


if __name__ == "__main__":
    A = np.array([[4.0, 1.0], [1.0, 3.0]])
    for n in (1, 2):
        print(f"after {n} steps:", conjugate_gradient(lambda v: A @ v, np.array([1.0, 2.0]), n))
