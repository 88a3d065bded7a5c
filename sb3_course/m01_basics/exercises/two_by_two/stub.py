"""A grid of two by two cells, as a table (Sutton & Barto 2018, section 3.1).

    0 1        An agent starts in 0. It moves to the left, downwards, to the right or upwards; where there is no cell it stays where it is.
    2 3        Cell 3 is the goal: reaching it pays 1 and ends the episode. Nothing else pays anything, and the goal is never left.

A worked example: from cell 0, moving to the right leads to cell 1, pays 0 and does not end the episode:

    P[0][RIGHT] == [(1.0, 1, 0.0, False)]        a list of outcomes (probability, s_next, reward, terminated); here there is always one
"""

LEFT, DOWN, RIGHT, UP = 0, 1, 2, 3  # as FrozenLake has it

# The table of the syllabus: for each action and each state the next state and the reward. Some of it is wrong.
SYLLABUS = {
    "Left": {0: (0, 0), 1: (1, 0), 2: (2, 0), 3: (3, 0)},
    "Right": {0: (1, 0), 1: (1, 0), 2: (3, 1), 3: (3, 0)},
    "Up": {0: (0, 0), 1: (0, 0), 2: (2, 0), 3: (1, 0)},
    "Down": {0: (2, 0), 1: (3, 1), 2: (2, 0), 3: (3, 0)},
}


def table():
    """P, a dict or a list: P[s][a] = [(1.0, s_next, reward, terminated)] for the states 0 to 3 and the actions LEFT, DOWN, RIGHT, UP.

    In the goal every action stays in the goal, pays 0, and is terminated.
    """
    raise NotImplementedError("your turn: the grid as a table")


def mistakes(syllabus):
    """The entries of a table like SYLLABUS whose next state or reward is not that of your table: a sorted list of pairs (name of the action, state)."""
    raise NotImplementedError("your turn: compare the two tables")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print(mistakes(SYLLABUS))
