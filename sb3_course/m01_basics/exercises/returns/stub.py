"""Returns (Sutton & Barto 2018, sections 3.3 and 3.4).

The return from step t on is the sum of the rewards that follow, each discounted by how much later than the next one it comes:

    G_t = R_{t+1} + γ R_{t+2} + γ² R_{t+3} + …        (eq. 3.8)

A worked example: rewards 1, 0, 2 and γ = 0.5. G_0 = 1 + 0.5 · 0 + 0.25 · 2 = 1.5, G_1 = 0 + 0.5 · 2 = 1, G_2 = 2.
"""


def discounted_return(rewards, gamma):
    """G_0 of an episode whose rewards, in their order, are a list: R_1, R_2, … Of an empty list it is 0."""
    raise NotImplementedError("your turn: add up discounted rewards")


def all_returns(rewards, gamma):
    """G_t for every step t of the episode, a list as long as the rewards: [G_0, G_1, …].

    Ten thousand rewards must not take longer than a moment. So do not add up each return anew; there is a recursion, from the end:

        G_t = R_{t+1} + γ G_{t+1}        (eq. 3.9), and behind the last reward there is nothing
    """
    raise NotImplementedError("your turn: one pass over the rewards, from the end")


def forever(reward, gamma):
    """The return if the same reward is paid at every step and the task never ends; γ < 1 (eq. 3.10)."""
    raise NotImplementedError("your turn: the sum of a geometric series")


if __name__ == "__main__":  # not part of the exercise: something to look at while you work
    print(discounted_return([1.0, 0.0, 2.0], 0.5), all_returns([1.0, 0.0, 2.0], 0.5), forever(1.0, 0.99))
