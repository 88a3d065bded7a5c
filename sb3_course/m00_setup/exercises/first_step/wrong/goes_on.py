"""the loop goes on behind the end of the episode: steps are taken in a hole or in the goal"""

import gymnasium as gym


def walk(actions):
    env = gym.make("FrozenLake-v1", is_slippery=False)
    observation, _ = env.reset(seed=0)
    cells, total = [int(observation)], 0.0
    for action in actions:
        observation, reward, _, _, _ = env.step(action)
        cells.append(int(observation))
        total += reward
    return cells, total


def picture(actions):
    env = gym.make("FrozenLake-v1", is_slippery=False, render_mode="ansi")
    env.reset(seed=0)
    for action in actions:
        env.step(action)
    return env.render()


if __name__ == "__main__":
    print(walk([1, 1, 2, 1, 2, 2]))
    print(picture([1, 1, 2]))
