"""the eigenvector is not divided by its sum: eig gives vectors of length 1, perhaps with a minus"""

import numpy as np


def stationary(P):
    values, vectors = np.linalg.eig(np.asarray(P).T)  # μ P = μ: a left eigenvector, which is a right one of the transpose
    mu = np.real(vectors[:, np.argmin(np.abs(values - 1))])
    return mu


def descend(x, rate, steps):
    for _ in range(steps):
        x = x - rate * 2 * x
    return x


def score(logits, a):
    e = np.exp(np.asarray(logits) - np.max(logits))
    pi = e / e.sum()
    return np.eye(len(pi))[a] - pi


def log(values, file):
    print("step,value", file=file)
    for step, value in enumerate(values, start=1):
        print(f"{step},{value}", file=file)


def plot(values, axes):
    axes.plot(range(1, len(values) + 1), values)
    axes.set_xlabel("step")
    axes.set_ylabel("time [s]")


if __name__ == "__main__":
    print("stationary:", stationary(np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])))
    print("ten steps from 1:", descend(1.0, 0.1, 10))
