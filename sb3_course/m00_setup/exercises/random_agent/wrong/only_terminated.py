"""the loop waits for `terminated` alone: an episode that is cut short goes on behind its time limit

A random agent never comes as far as 500 steps, so it does not show; a good one does, and its episodes would have no end.
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
            _, reward, terminated, _, _ = env.step(action)
            total, length, over = total + reward, length + 1, terminated
        found.append(total)
        if file:
            print(f"{episode + 1},{total},{length}", file=file)
    env.close()
    return found


if __name__ == "__main__":
    found = np.array(returns(100, seed=0))
    print(f"mean {found.mean():.1f}, standard deviation {found.std():.1f}, least {found.min():g}, largest {found.max():g}")
