"""The same by the standard library, and by a search."""

import math
import random


def boltzmann(q, beta):
    top = max(q)
    weights = [math.exp(beta * (value - top)) for value in q]
    return sum(weight * value for weight, value in zip(weights, q)) / sum(weights)


def expansion(f, x, y):
    return math.fabs(f(x) - f(y)) / max(math.fabs(a - b) for a, b in zip(x, y))


def pair(beta):
    draw = random.Random(0)
    best = ([0.0, 0.0], [1.0, 0.0])
    for _ in range(3000):
        x = [draw.uniform(0, 5) / beta, 0.0]
        y = [value + draw.uniform(-0.3, 0.3) / beta for value in x]
        best = max(best, (x, y), key=lambda two: expansion(lambda q: boltzmann(q, beta), *two))
    return best
