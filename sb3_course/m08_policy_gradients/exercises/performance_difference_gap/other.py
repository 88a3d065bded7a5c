"""Other counterexamples, in arrays: the first state is where all go who do not take action 0 in the second."""

import numpy as np

SECOND_TO_FIRST = np.array([[[0.0, 1.0], [0.5, 0.5]], [[0.0, 1.0], [1.0, 0.0]]])
HERE = np.array([0.0, 1.0])


def missing():
    return dict(A="a", B="c", C="d", D="f")


def broken_promise():
    r = np.array([[0.0, -3.0], [0.0, 5.0]])  # a visit to the first state pays on the way, and then one sits there
    p = SECOND_TO_FIRST.copy()
    p[0, 1] = (1.0, 0.0)
    return p, r, HERE, np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [0.9, 0.1]])


def unvisited_state():
    r = np.array([[1.0, -2.0], [0.0, 0.5]])
    return SECOND_TO_FIRST, r, HERE, np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])


def error_adds_up():
    p = np.full((2, 2, 2), 0.5)
    r = np.array([[1.0, 1.1], [1.1, 1.0]])
    best = np.array([[0.0, 1.0], [1.0, 0.0]])
    A = r - 1.1
    return p, r, HERE, A + np.array([[0.06, -0.06], [-0.06, 0.06]]), best


def hidden_step():
    r = np.array([[0.0, -2.0], [0.0, 0.0]])
    return SECOND_TO_FIRST, r, HERE, np.array([[0.3, 0.7], [0.998, 0.002]]), np.array([[1.0, 0.0], [1.0, 0.0]])
