"""Both once more: Monte Carlo forwards, with the sum of what is still to come; lists in place of arrays."""


def returns(rewards, gamma):
    """G from each step on."""
    found = [0.0]
    for r in reversed(rewards):
        found.append(r + gamma * found[-1])
    return found[:0:-1]


def mc(episodes, n_states, alpha, gamma=1.0, start=0.5):
    values, counts = [float(start)] * n_states, [0] * n_states
    for episode in episodes:
        seen = set()
        for (s, *_), g in zip(episode, returns([step[1] for step in episode], gamma)):
            if s in seen:
                continue
            seen.add(s)
            counts[s] += 1
            rate = alpha or 1 / counts[s]
            values[s] = (1 - rate) * values[s] + rate * g
    return values


def td0(episodes, n_states, alpha, gamma=1.0, start=0.5):
    values = {s: float(start) for s in range(n_states)}
    for episode in episodes:
        for s, r, s_next, terminated in episode:
            target = r if terminated else r + gamma * values[s_next]
            values[s] = (1 - alpha) * values[s] + alpha * target
    return [values[s] for s in range(n_states)]
