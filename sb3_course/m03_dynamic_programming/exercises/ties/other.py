"""The same with lists, loops and a flag."""

import numpy as np


def improve(q, actions, tolerance=1e-9):
    chosen = []
    for values, present in zip(q, actions):
        values = list(values)
        best = max(values)
        chosen.append(values.index(best) if best - values[present] > tolerance else int(present))
    return chosen


def plan(env, most=20):
    table = env.unwrapped.P
    states, actions = range(len(table)), [0] * len(table)

    def value(s, a, v):
        return sum(p * (r + (0 if terminated else v[s_next])) for p, s_next, r, terminated in table[s][a])

    changed, rounds = True, 0
    while changed and rounds < most:
        v, rounds = [0.0] * len(table), rounds + 1
        for _ in range(30):
            for s in states:
                v[s] = value(s, actions[s], v)
        new = improve([[value(s, a, v) for a in range(len(table[s]))] for s in states], actions)
        changed, actions = new != actions, new
    return np.array(actions)
