"""every later reward is discounted by γ once, instead of once for each step that it is away"""


def discounted_return(rewards, gamma):
    return sum(reward if t == 0 else gamma * reward for t, reward in enumerate(rewards))  # eq. (3.8)


def all_returns(rewards, gamma):
    found, rest = [0.0] * len(rewards), 0.0
    for t in reversed(range(len(rewards))):
        found[t] = rewards[t] + gamma * rest
        rest += rewards[t]
    return found


def forever(reward, gamma):
    return reward + gamma * reward  # eq. (3.10)


if __name__ == "__main__":
    print(discounted_return([1.0, 0.0, 2.0], 0.5), all_returns([1.0, 0.0, 2.0], 0.5), forever(1.0, 0.99))
