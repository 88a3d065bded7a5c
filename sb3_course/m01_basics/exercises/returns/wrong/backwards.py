"""the list is read from the wrong end: the last reward counts whole and the first one least

The recursion runs from the last reward to the first. Run from the first to the last, it sums up the past.
"""


def discounted_return(rewards, gamma):
    return sum(gamma**t * reward for t, reward in enumerate(reversed(rewards)))  # eq. (3.8)


def all_returns(rewards, gamma):
    found, G = [0.0] * len(rewards), 0.0
    for t in range(len(rewards)):
        G = rewards[t] + gamma * G  # eq. (3.9)
        found[t] = G
    return found


def forever(reward, gamma):
    return reward / (1 - gamma)  # eq. (3.10)


if __name__ == "__main__":
    print(discounted_return([1.0, 0.0, 2.0], 0.5), all_returns([1.0, 0.0, 2.0], 0.5), forever(1.0, 0.99))
