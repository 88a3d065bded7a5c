"""What you need to know: linear algebra, derivatives, expectations, and two tools.

A worked example of the first: a chain that stays in state 0 with probability 0.5, and goes from 1 to 0 with probability 1, has P = [[0.5, 0.5], [1, 0]]. In the
long run it is in state 0 for two thirds of the time: μ = (2/3, 1/3), since 2/3 · 0.5 + 1/3 · 1 = 2/3.
"""

import numpy as np


def stationary(P):
    """The distribution μ [n] of a Markov chain with P[s, s'] = p(s'|s) that does not change from one step to the next:

        μ P = μ,  Σ_s μ(s) = 1

    P is irreducible: there is exactly one.
    """
    raise NotImplementedError("your turn: where the chain is in the long run")


def descend(x, rate, steps):
    """Where gradient descent on f(x) = x² stands after some steps:  x ← x − rate · f'(x)."""
    raise NotImplementedError("your turn: walk downhill")


def score(logits, a):
    """The gradient with respect to the logits [n] of ln π(a), with π = softmax(logits), π(b) = exp(logits[b]) / Σ_c exp(logits[c]). [n]

    It is what policy gradients are made of. Its mean under π is 0.
    """
    raise NotImplementedError("your turn: differentiate a logarithm")


def log(values, file):
    """Write the values into a text file that is open for writing: a heading, then a line for each, counted from 1.

    step,value
    1,0.5
    2,0.25
    """
    raise NotImplementedError("your turn: a line for each value")


def plot(values, axes):
    """Draw the values, times in seconds, against the steps 1, 2, … as one line on matplotlib's axes, and label both axes.

    A label says what is drawn and in which unit, the unit in square brackets: "time [s]". A step is a count and needs none: "step".
    """
    raise NotImplementedError("your turn: a line, and two labels")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print("stationary:", stationary(np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])))
    print("ten steps from 1:", descend(1.0, 0.1, 10))
