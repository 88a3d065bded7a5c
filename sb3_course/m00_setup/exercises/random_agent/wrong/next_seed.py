"""each reset has a seed of its own, seed + 1, seed + 2, …: the second episode with seed 7 begins as the first with seed 8 (E11)

Two runs with neighbouring seeds then share most of their episodes' starts, and are not independent. Give a seed at the first reset only.
"""

import gymnasium as gym
import numpy as np


def returns(n, seed, file=None):
    env, rng = gym.make("CartPole-v1"), np.random.default_rng(seed)
    found = []
    if file:
        print("episode,return,length", file=file)
    for episode in range(n):
        env.reset(seed=seed + episode)
        total, length, over = 0.0, 0, False
        while not over:
            action = int(rng.integers(2))
            _, reward, terminated, truncated, _ = env.step(action)
            total, length, over = total + reward, length + 1, terminated or truncated
        found.append(total)
        if file:
            print(f"{episode + 1},{total},{length}", file=file)
    env.close()
    return found


if __name__ == "__main__":
    found = np.array(returns(100, seed=0))
    print(f"mean {found.mean():.1f}, standard deviation {found.std():.1f}, least {found.min():g}, largest {found.max():g}")
