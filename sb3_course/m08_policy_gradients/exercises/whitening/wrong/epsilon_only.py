"""each episode is scaled by itself, with a small number added to the deviation: the deviation of one step is NaN, and NaN plus something is NaN

And where it is no NaN, a good episode weighs what a bad one does.
"""


def whiten(episodes):
    return [(returns - returns.mean()) / (returns.std() + 1e-9) for returns in episodes]


def loss(log_probs, weights):
    return -sum((w * log_prob).sum() for w, log_prob in zip(weights, log_probs)) / len(log_probs)
