"""the environment is seeded and what draws the actions is not (E11)

`env.reset(seed=…)` does not seed `env.action_space`: that has a generator of its own, as np.random has.
"""

import gymnasium as gym
import numpy as np


def returns(n, seed, file=None):
    env = gym.make("CartPole-v1")
    found = []
    if file:
        print("episode,return,length", file=file)
    for episode in range(n):
        env.reset(seed=seed if episode == 0 else None)  # seeded once: the later episodes go on with the same generator
        total, length, over = 0.0, 0, False
        while not over:
            action = env.action_space.sample()
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
