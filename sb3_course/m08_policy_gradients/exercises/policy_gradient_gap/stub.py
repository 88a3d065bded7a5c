"""P3 with gaps: what each step of the proof needs. Read it first: sb3-course lesson show P3

The policy has one parameter, θ. It takes action 1 with probability p = 1 / (1 + e^−θ), and action 0 otherwise. So

    d ln π(1) / dθ = 1 − p        d ln π(0) / dθ = −p        dπ(1) / dθ = p (1 − p) = −dπ(0) / dθ

Each statement below is false as it stands, because its proof uses an assumption that it does not make.

    A  "From the return a baseline may be subtracted: the mean of (G − b) ∇ ln π is the mean of G ∇ ln π."
       Σ_a π(a) b ∇ ln π(a) = b Σ_a ∇π(a) = b ∇1 = 0.

    B  "The mean of Σ_t G_t ∇ ln π(A_t) is ∇J, J being the discounted return of an episode and G_t = R_t + γ R_(t+1) + …"
       ∇J = Σ_t E[q(S_t, A_t) ∇ ln π(A_t)], and q(s, a) is the mean of G_t from s and a on.

    C  "Whoever plays: the mean of G ∇ ln π(A) over many episodes is ∇J."
       ∇J = Σ_a ∇π(a) q(a) = Σ_a π(a) q(a) ∇ ln π(a), the mean of G ∇ ln π(A).

    D  "Whatever is rewarded: the mean of G ∇ ln π(A) over episodes of one step is ∇J."
       J = Σ_a π(a) r(a), so ∇J = Σ_a ∇π(a) r(a) = Σ_a π(a) r(a) ∇ ln π(a).

A worked example: θ = 0, so p = ½, one step with the rewards r = [1, 3]. J = 2. The mean of G ∇ ln π is ½ · 1 · (−½) + ½ · 3 · ½ = ½, and dJ/dθ is
p (1 − p) (3 − 1) = ½.
"""

ASSUMPTIONS = {
    "a": "the baseline is the value function of the policy",
    "b": "step t counts with γ^t",
    "c": "the rewards do not depend on θ",
    "d": "the baseline does not depend on the action",
    "e": "each action is taken equally often",
    "f": "the policy is a softmax",
    "g": "the episodes are played by the policy π itself",
}


def missing():
    """Which of the ASSUMPTIONS each statement lacks: {"A": "?", "B": "?", "C": "?", "D": "?"}, with letters for the question marks."""
    raise NotImplementedError("your turn: name what is missing")


def biased_baseline():
    """Against A: θ, r [2] and b [2], reward and baseline of action 0 and of action 1, in episodes of one step.

    The means of (r(A) − b(A)) ∇ ln π(A) and of r(A) ∇ ln π(A) differ by more than 0.1.
    """
    raise NotImplementedError("your turn: a baseline with a bias")


def downhill():
    """Against B: θ and r [2, 2], r[t][a] being the reward of action a in step t = 0, 1, in episodes of two steps with γ = ½.

    What B calls ∇J and the true dJ/dθ have different signs, and both are farther than 0.01 from 0.
    """
    raise NotImplementedError("your turn: a direction that leads downhill")


def samples_of_another():
    """Against C: θ, r [2] and q, the probability with which somebody else takes action 1, in episodes of one step.

    The mean of r(A) ∇ ln π(A), A being the other's action, and dJ/dθ of π have different signs, and both are farther than 0.01 from 0.
    """
    raise NotImplementedError("your turn: samples of somebody else")


def moving_reward():
    """Against D: θ and a function reward(theta, a), in episodes of one step.

    The mean of r(A) ∇ ln π(A) and dJ/dθ differ by more than 0.1. J is the mean of reward(theta, A); the check takes its derivative by differences.
    """
    raise NotImplementedError("your turn: a reward that moves with the policy")
