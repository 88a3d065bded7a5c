"""What the gradient, the returns and the update must give.

The corridor's curve is no test of a gradient: a form that drifts towards π(right) = ½ comes near the optimum, 0.586, faster than the right one.
"""

import math

import numpy as np

from sb3_course.teaching.checks import Mistake, array, measured, number, probe, seeded

SEEDS, EPISODES, MOST = 20, 300, 1000
START = np.log([0.95, 0.05])  # preferences for left and right
THETA = np.array([0.3, -0.7, 1.2])


def softmax(theta):
    e = np.exp(theta - np.max(theta))
    return e / e.sum()


def finite_differences(theta, h=1e-5):
    """d ln π(a) / d θ(b), [a, b]."""
    change = np.eye(len(theta)) * h
    return np.stack([(np.log(softmax(theta + change[b])) - np.log(softmax(theta - change[b]))) / (2 * h) for b in range(len(theta))], axis=1)


def by_the_book(theta, w, actions, rewards, alpha, alpha_w, gamma, baseline):
    """θ and w by eq. (13.11), returns summed anew at each step."""
    for t, a in enumerate(actions):
        delta = sum(gamma**k * r for k, r in enumerate(rewards[t:])) - w * baseline
        theta = theta + alpha * gamma**t * delta * (np.eye(len(theta))[a] - softmax(theta))
        w += alpha_w * delta * baseline
    return {"θ": theta, "w": w}


def updated(answer, theta, w, *args):
    """theta and w that update gives."""
    found = answer.update(np.array(theta), w, *args)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"it gives {type(found).__name__}{f' of {len(found)}' if isinstance(found, tuple | list) else ''}, should be theta, w")
    return array(found[0], (len(theta),), "theta"), number(found[1], "w")


def play(p, draws):
    """Actions [T] of an episode in the corridor; p is π(right)."""
    place, actions = 0, list[int]()
    while place < 3 and len(actions) < MOST:
        a = next(draws) < p
        actions.append(int(a))
        place = max(0, place + (1 if a != (place == 1) else -1))
    return actions


def endless(rng):
    while True:
        yield from rng.random(10_000).tolist()


def in_the_corridor(answer, alpha, alpha_w, baseline):
    """The mean return of its episodes 201 to 300, of the median seed; and that seed's π(right) at the end, about.

    Not the mean of the seeds: of 500, four without a baseline and one with it had lost the way, and stood at the limit of 1000 steps.
    """
    returns, right = [], []
    for seed in range(SEEDS):
        draws, theta, w, lengths = endless(np.random.default_rng(seeded(seed))), START, 0.0, []
        for _ in range(EPISODES):
            actions = play(1 / (1 + math.exp(min(theta[0] - theta[1], 700))), draws)
            lengths.append(len(actions))
            theta, w = updated(answer, theta, w, np.array(actions), -np.ones(len(actions)), alpha, alpha_w, 1.0, baseline)
        returns.append(-np.mean(lengths[-100:]))
        right.append(softmax(theta)[1])
    return measured(np.median(returns), of=np.median(right))


# -------------------------------------------------------------------------------------------------------------- gradient


@probe("grad_log_pi", "θ = 0 0, action 1: ∇ ln π", expected=[-0.5, 0.5])
def half(answer):
    return array(answer.grad_log_pi(np.zeros(2), 1), (2,), "∇ ln π")


@probe("grad_log_pi", "θ = 0.3 -0.7 1.2, each action: ∇ ln π by finite differences", expected=lambda: finite_differences(THETA), tolerance=1e-6)
def differences(answer):
    return np.stack([array(answer.grad_log_pi(THETA.copy(), a), (3,), "∇ ln π") for a in range(3)])


@probe("grad_log_pi", "θ = 0.3 -0.7 1.2: the mean of ∇ ln π over the policy's actions", expected=[0.0, 0.0, 0.0])
def mean_of_scores(answer):
    return softmax(THETA) @ np.stack([array(answer.grad_log_pi(THETA.copy(), a), (3,), "∇ ln π") for a in range(3)])


# --------------------------------------------------------------------------------------------------------------- returns


@probe("reward_to_go", "rewards -1 -1 -1, γ = 1: G", expected=[-3.0, -2.0, -1.0])
def three_steps(answer):
    return array(answer.reward_to_go(np.array([-1.0, -1.0, -1.0]), 1.0), (3,), "G")


@probe("reward_to_go", "rewards 1 0 2, γ = 0.5: G", expected=[1.5, 1.0, 2.0])
def discounted(answer):
    return array(answer.reward_to_go(np.array([1.0, 0.0, 2.0]), 0.5), (3,), "G")


@probe("reward_to_go", "rewards 1 0 2 as whole numbers, γ = 0.5: G", expected=[1.5, 1.0, 2.0])
def whole_rewards(answer):
    return array(answer.reward_to_go(np.array([1, 0, 2]), 0.5), (3,), "G")


# --------------------------------------------------------------------------------------------------------------- updates


@probe("update", "one step, action 1, reward 1, θ = 0 0, w = 0, α = 0.5, α^w = 0.25:", expected={"θ": [-0.25, 0.25], "w": 0.25})
def one_step(answer):
    theta, w = updated(answer, [0.0, 0.0], 0.0, np.array([1]), np.array([1.0]), 0.5, 0.25, 1.0, True)
    return {"θ": theta, "w": w}


@probe("update", "one step without a baseline, action 1, reward 1, θ = 0 0, w = 3, α = 0.5:", expected={"θ": [-0.25, 0.25], "w": 3.0})
def one_step_alone(answer):
    theta, w = updated(answer, [0.0, 0.0], 3.0, np.array([1]), np.array([1.0]), 0.5, 0.25, 1.0, False)
    return {"θ": theta, "w": w}


THREE = (np.array([1, 0, 1]), np.array([-1.0, -1.0, -1.0]), 0.1, 0.25)  # actions, rewards, α, α^w


@probe("update", "actions 1 0 1, rewards -1 -1 -1, γ = 1, α = 0.1, α^w = 0.25, from θ = ln 0.95, ln 0.05 and w = 0:",
       expected=lambda: by_the_book(START, 0.0, *THREE, 1.0, True))  # fmt: skip
def whole_episode(answer):
    theta, w = updated(answer, START, 0.0, *THREE, 1.0, True)
    return {"θ": theta, "w": w}


@probe("update", "actions 1 0 1, rewards -1 -1 -1, γ = 0.5, α = 0.1, no baseline, from θ = ln 0.95, ln 0.05:",
       expected=lambda: by_the_book(START, 0.0, *THREE, 0.5, False))  # fmt: skip
def with_discount(answer):
    theta, w = updated(answer, START, 0.0, *THREE, 0.5, False)
    return {"θ": theta, "w": w}


@probe("update", "corridor, median of 20 seeds, without a baseline, α = 2⁻¹³: mean return of its episodes 201 to 300",
       expected=-20.0, tolerance=3.0, twice=False)  # fmt: skip
def without_baseline(answer):
    return in_the_corridor(answer, 2**-13, 0.0, False)


@probe("update", "corridor, median of 20 seeds, with a baseline, α = 2⁻⁹, α^w = 2⁻⁶ (the best is -11.657): mean return of its episodes 201 to 300",
       expected=-12.0, tolerance=1.2, twice=False)  # fmt: skip
def with_baseline(answer):
    return in_the_corridor(answer, 2**-9, 2**-6, True)
