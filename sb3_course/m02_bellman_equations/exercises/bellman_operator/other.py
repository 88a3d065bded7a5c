"""The operators once more, by plain loops over the outcomes."""


def action_values(P, V, gamma):
    table = []
    for s in range(len(P)):
        row = []
        for a in range(len(P[s])):
            total = 0.0
            for p, s_next, reward, terminated in P[s][a]:
                future = 0.0 if terminated else gamma * float(V[s_next])
                total += p * (reward + future)
            row.append(total)
        table.append(row)
    return table


def expectation_backup(P, V, pi, gamma):
    return [sum(float(pi[s][a]) * q for a, q in enumerate(row)) for s, row in enumerate(action_values(P, V, gamma))]


def optimality_backup(P, V, gamma):
    return [max(row) for row in action_values(P, V, gamma)]
