"""A is blamed on the advantages: those of the new policy sum to 0 under it, in every state, and say nothing of a gain"""

FIRST, SECOND = [1.0, 0.0], [0.0, 1.0]  # as a row of p: to the first state, to the second; as a row of a policy: action 0, action 1
STAYS_OR_MOVES = [[FIRST, SECOND], [SECOND, SECOND]]  # in the first state action 0 stays and 1 moves; nobody leaves the second


def missing():
    return {"A": "g", "B": "c", "C": "d", "D": "f"}


def broken_promise():
    # To move pays 2 at once. What the new policy does in the second state costs 1 a step there, and the old one is rarely there.
    return STAYS_OR_MOVES, [[0.0, 2.0], [0.0, -1.0]], FIRST, [SECOND, SECOND], [[0.97, 0.03], FIRST]


def unvisited_state():
    return STAYS_OR_MOVES, [[0.0, 0.0], [0.0, -1.0]], FIRST, [SECOND, SECOND], [FIRST, FIRST]


def error_adds_up():
    # Action 1 costs 0.15 a step more; the estimates of both are off by 0.1, in different directions.
    return [[FIRST, FIRST], [SECOND, SECOND]], [[0.0, -0.15], [0.0, 0.0]], FIRST, [[-0.1, -0.05], [0.0, 0.0]], [FIRST, FIRST]


def hidden_step():
    # Hardly a step in the first state, and a whole one in the second, which the old policy never sees.
    return STAYS_OR_MOVES, [[0.0, 0.0], [0.0, -1.0]], FIRST, [[0.999, 0.001], SECOND], [FIRST, FIRST]
