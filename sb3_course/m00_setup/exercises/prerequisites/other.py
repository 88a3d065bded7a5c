"""What you need to know, in other ways: linear equations, a closed form, probabilities one by one, the csv module."""

import csv
import math

import numpy as np


def stationary(P):
    n = len(P)
    equations = np.vstack([np.transpose(P) - np.eye(n), np.ones(n)])  # the last one: the sum is 1
    return np.linalg.lstsq(equations, np.append(np.zeros(n), 1.0), rcond=None)[0]


def descend(x, rate, steps):
    return x * (1 - 2 * rate) ** steps


def score(logits, a):
    largest = max(logits)
    weights = [math.exp(logit - largest) for logit in logits]
    return [(b == a) - weight / sum(weights) for b, weight in enumerate(weights)]


def log(values, file):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["step", "value"])
    writer.writerows([k + 1, float(value)] for k, value in enumerate(values))


def plot(values, axes):
    steps = np.arange(len(values)) + 1
    axes.plot(steps, values, marker="o")
    axes.set(xlabel="step", ylabel="wall time [s]", title="time of each step")
