"""P4 with gaps: what each step of the proof needs. Read it first: sb3-course lesson show P4

γ = 0.9 everywhere. J(π) is the discounted return from the start, A_π(s, a) = Q_π(s, a) − V_π(s), d_π(s) the discounted number of visits of s, and

    L = Σ_s d_π(s) Σ_a π'(a|s) A_π(s, a)        what the old policy's data promise of the new one, π'

Each statement below is false as it stands, because its proof uses an assumption that it does not make.

    A  "J(π') − J(π) = L. So if L > 0, the new policy is better."
       V' − V = g + γ P' (V' − V) with g(s) = Σ_a π'(a|s) A_π(s, a), so J(π') − J(π) is g, summed over the visits.

    B  "If Σ_a π'(a|s) A_π(s, a) ≥ 0 in every state that π visits, then J(π') ≥ J(π)."
       J(π') − J(π) is a sum over visits; no term of it is negative.

    C  "If an estimate of A_π is nowhere wrong by more than 0.1, the policy that always takes the action with the largest estimate loses at most 0.2 against π."
       The action taken has an estimate of at least that of the best action, which is at least 0 − 0.1. So its true advantage is at least −0.2.

    D  "|J(π') − J(π) − L| ≤ 4 γ ε / (1 − γ)² TV², where ε = max |A_π|, and TV the mean over the visits of π of TV(s) = ½ Σ_a |π'(a|s) − π(a|s)|."
       Both the sum |d_π' − d_π| and max |g| are at most a constant times TV.

A model of two states and two actions is two arrays: p [2, 2, 2], p[s][a][s'] the probability to go on in s', rows that sum to 1, or less where the episode
may end; and r [2, 2], r[s][a] the reward. Policies are [2, 2], π[s][a], with rows that sum to 1. Lists will do.

A worked example: p[s][a] = (0, 0) everywhere (each step ends the episode), r = [[0, 1], [0, 1]], start = [1, 0]. The old policy takes action 0 always, the
new one action 1. V = 0, A = r, d_π = (1, 0); L = 1, and J(π') − J(π) = 1. In episodes of one step there is no counterexample to A: nobody gets anywhere else.
"""

ASSUMPTIONS = {
    "a": "the visits are those of the new policy",
    "b": "the new policy is deterministic",
    "c": "it holds in every state that the new policy visits",
    "d": "an error counts at each visit, so up to 1 / (1 − γ) times",
    "e": "the rewards are not negative",
    "f": "TV is the largest over all states",
    "g": "the advantages are those of the new policy",
}


def missing():
    """Which of the ASSUMPTIONS each statement lacks: {"A": "?", "B": "?", "C": "?", "D": "?"}, with letters for the question marks."""
    raise NotImplementedError("your turn: name what is missing")


def broken_promise():
    """Against A: p, r, start, new, old. L is more than 0.1, and J(new) − J(old) less than −0.1; and old visits both states, d_old ≥ 0.1."""
    raise NotImplementedError("your turn: a promise that is not kept")


def unvisited_state():
    """Against B: p, r, start, new, old. In every state that old visits Σ_a new(a|s) A_old(s, a) is not below 0, and J(new) − J(old) is less than −0.1."""
    raise NotImplementedError("your turn: a state that was never visited")


def error_adds_up():
    """Against C: p, r, start, estimate, old. estimate [2, 2] is A_old, wrong by 0.1 at most, and whoever always takes the action with the largest estimate
    loses more than 0.5 against old. (The first of equals is taken.)"""
    raise NotImplementedError("your turn: an error that adds up")


def hidden_step():
    """Against D: p, r, start, new, old. |J(new) − J(old) − L| is more than twice the right side of D, and some more than 0.01."""
    raise NotImplementedError("your turn: a mean that hides a large step")
