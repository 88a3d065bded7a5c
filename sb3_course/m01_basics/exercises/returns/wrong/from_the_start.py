"""each return is discounted from the start of the episode, instead of from its own step: γ^t G_t

All but the first come out too small.
"""


def discounted_return(rewards, gamma):
    return sum(gamma**t * reward for t, reward in enumerate(rewards))  # eq. (3.8)


def all_returns(rewards, gamma):
    found, G = [0.0] * len(rewards), 0.0
    for t in reversed(range(len(rewards))):
        G = rewards[t] + gamma * G  # eq. (3.9)
        found[t] = gamma**t * G
    return found


def forever(reward, gamma):
    return reward / (1 - gamma)  # eq. (3.10)


if __name__ == "__main__":
    print(discounted_return([1.0, 0.0, 2.0], 0.5), all_returns([1.0, 0.0, 2.0], 0.5), forever(1.0, 0.99))
