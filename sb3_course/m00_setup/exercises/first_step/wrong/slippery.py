"""the ice is slippery: `is_slippery=False` is missing, and its default is True"""

import gymnasium as gym


def walk(actions):
    env = gym.make("FrozenLake-v1")
    observation, _ = env.reset(seed=0)
    cells, total = [int(observation)], 0.0
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        cells.append(int(observation))
        total += reward
        if terminated or truncated:
            break
    return cells, total


def picture(actions):
    env = gym.make("FrozenLake-v1", render_mode="ansi")
    env.reset(seed=0)
    for action in actions:
        env.step(action)
    return env.render()


if __name__ == "__main__":
    print(walk([1, 1, 2, 1, 2, 2]))
    print(picture([1, 1, 2]))
