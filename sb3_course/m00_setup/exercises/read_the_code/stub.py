"""Read the code: five questions, each answered by a file and a line.

An answer is a pair: the file from its package's name on, and the number of the line, counted from 1 as editors do. A worked example. Where does Gymnasium's
FrozenLake fix that an episode on the lake begins in a cell S?

    return "gymnasium/envs/toy_text/frozen_lake.py", 252        (the number depends on the version)

Asked for is always the line that does it: neither the comment above it, nor the line `def …` of its function.
"""


def last_observation():
    """Stable-Baselines3's vectorised environments reset by themselves, so that the last observation of an episode would be lost.

    Where does DummyVecEnv keep it for those who need it?
    """
    raise NotImplementedError("your turn: find where the last observation is kept")


def behind_the_limit():
    """PPO and A2C of Stable-Baselines3 share how they collect steps. If an episode was only cut short by a time limit, the future still has a value.

    Where is this value added to the last reward?
    """
    raise NotImplementedError("your turn: find where the value behind a time limit is added")


def cut_short():
    """Where does Gymnasium's wrapper TimeLimit decide that a step was the last one?

    Asked for is the line that sets truncated.
    """
    raise NotImplementedError("your turn: find where truncated is set")


def backup():
    """Our library keeps a finite decision process as a Model, which has arrays p and r.

    Where does a Model compute r + γ Σ p(s') V(s') for all states and actions at once?
    """
    raise NotImplementedError("your turn: find the backup of all values")


def ties():
    """Our tabular methods take the action with the largest value. Where are equally good actions told apart by chance?"""
    raise NotImplementedError("your turn: find where ties are broken")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    for question in (last_observation, behind_the_limit, cut_short, backup, ties):
        print(question.__name__, *question())
