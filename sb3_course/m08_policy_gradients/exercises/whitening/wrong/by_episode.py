"""each episode counts as much as each other in the mean and in the deviation, however many steps it has"""


def whiten(episodes):
    mean = sum(returns.mean() for returns in episodes) / len(episodes)
    square = sum(((returns - mean) ** 2).mean() for returns in episodes) / len(episodes)
    return [(returns - mean) / (square**0.5 + 1e-9) for returns in episodes]


def loss(log_probs, weights):
    return -sum((w * log_prob).sum() for w, log_prob in zip(weights, log_probs)) / len(log_probs)
