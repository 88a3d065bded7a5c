"""P2 with gaps: what the convergence of Q-learning needs. Read it first: sb3-course lesson show P2

Each statement below is false as it stands, because its proof uses a condition that it does not make. γ < 1 and bounded rewards are given in all of them.

    A  "If the step sizes fall to 0, Q-learning finds Q*."
       The noise W becomes 0, since each new piece of it is multiplied by a step size that goes to 0. What is left is Y, and Y goes to γD.

    B  "If the step sizes add up without end, Q-learning finds Q*."
       The start is forgotten: Y goes to γD. And the noise has the mean 0, so that W is 0 in the long run.

    C  "An agent that always takes the best action so far, with ties broken at random, finds Q*, if its step sizes are 1/n."
       The n-th update of an entry has the step size 1/n. These add up without end, and their squares do not. So all entries converge.

    D  "If states share entries, their entry converges to what all of them are worth, if its step sizes are 1/n."
       Each step is a backup with noise of mean 0. The steps add up without end, their squares do not, and each entry is updated without end.

Tables are as in the other exercises, P[s][a] = [(probability, s_next, reward, terminated), ...]. An episode begins in state 0.
"""

CONDITIONS = {
    "a": "every entry is updated without end",
    "b": "the step sizes of each entry add up without end",
    "c": "the squares of the step sizes of each entry have a finite sum",
    "d": "the policy becomes greedy in the end",
    "e": "each state and action has an entry of its own",
    "f": "all entries begin at 0",
    "g": "the rewards are positive",
}


def missing():
    """Which of the CONDITIONS each statement lacks: {"A": "?", "B": "?", "C": "?", "D": "?"}, with letters for the question marks."""
    raise NotImplementedError("your turn: name what is missing")


def never_arrives():
    """Against A: alpha, a function. alpha(n) is the step size of the n-th update, n = 1, 2, …, more than 0, less than 1, and falls to 0.

    One entry whose target is always 1 begins at 0, and never comes nearer to 1 than 0.1, however often it is updated.
    """
    raise NotImplementedError("your turn: step sizes that fall too fast")


def never_settles():
    """Against B: alpha, a function, with alpha(n) more than 0 and at most 1. Its sum is infinite.

    One entry whose target is +1 or −1, each as likely, has a standard deviation of 0.1 or more in the long run: n = 1e100 stands for it.
    """
    raise NotImplementedError("your turn: step sizes that do not fall")


def never_tried():
    """Against C: P, a table. With γ = 0.9 and a table Q of zeros, the agent of C misses Q* by 0.5 or more, in some action of state 0, in a fifth of its runs or
    more. A run has 100 episodes of at most 20 steps."""
    raise NotImplementedError("your turn: an action that looks worse than it is")


def shared_entries():
    """Against D: P, groups. groups[s] is the number of the entries that state s uses, 0, 1, …: at least two states share theirs.

    With γ = 0.9, and all actions taken at random, Q of some state's entry misses Q*(s, a) by 0.2 or more after 5000 steps.
    """
    raise NotImplementedError("your turn: two states that should not share")
