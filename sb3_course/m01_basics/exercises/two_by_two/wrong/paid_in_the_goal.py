"""staying in the goal pays, too: 1 for every step in which the next state is the goal"""

LEFT, DOWN, RIGHT, UP = 0, 1, 2, 3

SYLLABUS = {
    "Left": {0: (0, 0), 1: (1, 0), 2: (2, 0), 3: (3, 0)},
    "Right": {0: (1, 0), 1: (1, 0), 2: (3, 1), 3: (3, 0)},
    "Up": {0: (0, 0), 1: (0, 0), 2: (2, 0), 3: (1, 0)},
    "Down": {0: (2, 0), 1: (3, 1), 2: (2, 0), 3: (3, 0)},
}


def table():
    s_next = {
        0: {LEFT: 0, DOWN: 2, RIGHT: 1, UP: 0},
        1: {LEFT: 0, DOWN: 3, RIGHT: 1, UP: 1},
        2: {LEFT: 2, DOWN: 2, RIGHT: 3, UP: 0},
        3: {LEFT: 3, DOWN: 3, RIGHT: 3, UP: 3},
    }
    return {s: {a: [(1.0, to, 1.0 if to == 3 else 0.0, to == 3)] for a, to in row.items()} for s, row in s_next.items()}


def mistakes(syllabus):
    P, actions = table(), {"Left": LEFT, "Down": DOWN, "Right": RIGHT, "Up": UP}
    return sorted((name, s) for name, row in syllabus.items() for s, entry in row.items() if tuple(entry) != P[s][actions[name]][0][1:3])


if __name__ == "__main__":
    print(mistakes(SYLLABUS))
