"""the first reward is discounted, too: γ to the power t + 1 instead of t

With rewards 1, 0, 2 and γ = 0.5 it gives 0.75.
"""


def discounted_return(rewards, gamma):
    return sum(gamma ** (t + 1) * reward for t, reward in enumerate(rewards))  # eq. (3.8)


def all_returns(rewards, gamma):
    found, G = [0.0] * len(rewards), 0.0
    for t in reversed(range(len(rewards))):
        G = gamma * (rewards[t] + G)  # eq. (3.9)
        found[t] = G
    return found


def forever(reward, gamma):
    return gamma * reward / (1 - gamma)  # eq. (3.10)


if __name__ == "__main__":
    print(discounted_return([1.0, 0.0, 2.0], 0.5), all_returns([1.0, 0.0, 2.0], 0.5), forever(1.0, 0.99))
