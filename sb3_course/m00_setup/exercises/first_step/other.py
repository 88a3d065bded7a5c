"""A first step once more, with an iterator and a with block."""

import gymnasium


def walk(actions):
    left = iter(actions)
    with gymnasium.make("FrozenLake-v1", is_slippery=False) as env:
        cells, total, over = [env.reset()[0]], 0, False
        while not over and (action := next(left, None)) is not None:
            cell, reward, *ends, _info = env.step(action)
            cells += [cell]
            total, over = total + reward, any(ends)
    return cells, total


def picture(actions):
    with gymnasium.make("FrozenLake-v1", is_slippery=False, render_mode="ansi") as env:
        env.reset(seed=1)
        text = env.render()
        for action in actions:
            env.step(action)
            text = env.render()
        return text
