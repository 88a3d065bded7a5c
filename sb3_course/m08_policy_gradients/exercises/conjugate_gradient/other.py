"""The same with directions that are made orthogonal one by one, as A sees them; and F from its definition, state by state."""

import numpy as np


def conjugate_gradient(product, b, n_steps, tolerance=1e-10):
    b = np.asarray(b, dtype=float)
    x, Ax, used = 0 * b, 0 * b, list[tuple[np.ndarray, np.ndarray]]()
    while len(used) < n_steps:
        residual = b - Ax
        if np.sum(residual**2) < tolerance:
            return x
        direction = residual.copy()
        for p, Ap in used:
            direction -= (residual @ Ap) / (p @ Ap) * p
        image = np.asarray(product(direction))
        length = (direction @ residual) / (direction @ image)
        x, Ax = x + length * direction, Ax + length * image
        used.append((direction, image))
    return x


def fisher_product(pi, d, v, damping=0.0):
    found = np.zeros_like(v)
    for s in range(len(d)):
        found[s] = d[s] * (np.diag(pi[s]) - np.outer(pi[s], pi[s])) @ v[s] + damping * v[s]
    return found


def natural_step(g, product, delta, n_steps=10):
    x = conjugate_gradient(product, g, n_steps)
    half = 0.5 * np.dot(x, product(x))
    return x * (delta / half) ** 0.5 if half > 0 else 0 * x
