# %% [markdown]
# # Monte Carlo
#
# Without a model there is nothing to compute from, but one can try. A Monte Carlo method plays whole episodes and takes means of what they paid. This
# lesson shows which visits of a state count, what a time limit does to a mean, and how the episodes of one policy can tell the value of another.
#
# A puzzle to begin with. A machine pays 1 a step, and after each step it breaks down with probability 0.1. What is it worth to own one? The code that
# the syllabus calls first-visit Monte Carlo answers: 1.0, however many machines it watches. What does it do?

# %%
import numpy as np

from from_scratch import EveryVisitMCPrediction, MCPrediction
from from_scratch.envs import RandomWalk
from sb3_course.teaching.lesson import expect, figure, show

# %% [markdown]
# ## Which visit counts
#
# The return from a step is all that is paid from there on, $G_t = r_{t+1} + \gamma r_{t+2} + \dots$ One walks back from the end of the episode and adds
# up: $G \leftarrow r + \gamma G$. A state that occurs several times has several returns. First-visit Monte Carlo takes the earliest one.
#
# Below are three ways, on the same 20,000 machines. They differ in one line, the one that decides whether a visit counts. Predict what each gives.

# %%
rng = np.random.default_rng(0)
machines = [["s"] * steps for steps in rng.geometric(0.1, 20_000)]  # the states of each episode; every step pays 1


def mean_return(episodes, counts, gamma=1.0):
    """The mean of the returns that count."""
    returns = []
    for states in episodes:
        G, visited = 0.0, set[str]()
        for t in reversed(range(len(states))):
            G = 1.0 + gamma * G
            if counts(states, t, visited):
                returns.append(G)
            visited.add(states[t])
    return np.mean(returns)


def first(states, t, visited):
    return states[t] not in states[:t]


def every(states, t, visited):
    return True


def syllabus(states, t, visited):
    return states[t] not in visited  # filled from the end of the episode


expect("first visits", mean_return(machines, first), "10.0", tolerance=0.3)
expect("every visit", mean_return(machines, every), "10.0", tolerance=0.6)
expect("as the syllabus has it", mean_return(machines, syllabus), "1.0")

# %% [markdown]
# The value is 10: a machine lives 1/0.1 steps, in the mean. First visits and all visits agree on it. The syllabus's line keeps the *last* visit (E6): it
# fills the set while it walks back, so the visit that it meets first is the one nearest to the end. From there exactly one payment is left.
#
# Why did nobody notice? On the example on which it is usually taught, the random walk, γ is 1 and one reward is paid at the end. Then all returns of an
# episode are equal, and it does not matter which is taken:

# %%
walk = RandomWalk(5)
steps = np.random.default_rng(1)


def one_walk():
    s, states = 3, []
    while 0 < s < 6:
        states.append(s)
        s += 1 if steps.random() < 0.5 else -1
    return states, float(s == 6)


def rms(counts, n_runs=100, n_episodes=100, alpha=0.02):
    """RMS error over the five states after so many episodes, mean of the runs; V begins at 0.5."""
    errors = []
    for _ in range(n_runs):
        V = np.full(7, 0.5)
        for _ in range(n_episodes):
            states, G = one_walk()
            visited: set[int] = set()
            for t in reversed(range(len(states))):
                if counts(states, t, visited):
                    V[states[t]] += alpha * (G - V[states[t]])
                visited.add(states[t])
        errors.append(np.sqrt(np.mean((V - walk.values)[1:6] ** 2)))
    return np.mean(errors)


steps = np.random.default_rng(1)
by_first = rms(first)
steps = np.random.default_rng(1)
expect("difference of the errors by first and by last visits, random walk", rms(syllabus) - by_first, "0.000")
expect("error by first visits", by_first, "0.077", tolerance=0.008)

# %% [markdown]
# The library decides by a table of the steps at which each state occurs for the first time, and the rest is one line:

# %%
show(MCPrediction.update, "eq. (6.1)")
show(EveryVisitMCPrediction.counts)

# %% [markdown]
# Are first visits better? Their mean has no bias. The mean of all visits has one, which fades, and it uses more data. Take both if you cannot decide:
# exercise `first_visit` and exercise `mc_and_td` try them on problems whose answer is known.
#
# ## Means without lists, and episodes that were cut
#
# The syllabus keeps all returns of a state in a list and takes their mean each time (E7). That costs as much as all that was seen before, at every
# episode. A mean can be carried along instead: $V \leftarrow V + \frac{1}{n} (G - V)$. The numbers are the same.

# %%
V = 0.0
returns = [float(len(states)) for states in machines[:1000]]
for n, G in enumerate(returns, start=1):
    V += (G - V) / n
expect("carried along, less the mean of the list", V - np.mean(returns), "0.000")

# %% [markdown]
# The second half of E7 is worse, since it gives wrong numbers. Somebody watches each machine for ten steps at most, and takes what was paid by then for
# the return. What is a machine worth now? A time limit is not an end: the machine goes on, only nobody looks.

# %%
watched = np.mean([min(len(states), 10) for states in machines])
expect("mean of what was paid within ten steps", watched, "6.5", tolerance=0.12)
expect("exactly", (1 - 0.9**10) / 0.1, "6.513")

# %% [markdown]
# A third of the value is gone. Monte Carlo has no cure: the rest of the return was never seen. Leave the episodes that were cut out, and long lives are
# missing, which is worse. What helps is an estimate of what would have followed, and that is the next module's idea.
#
# ## Control
#
# To act well one needs values of actions: Q(s, a) is the mean return of episodes in which a was taken in s. Then the policy is improved where it was
# played, and played again. Two things can go wrong. An action that is never taken has no mean, so every action must have a chance: by starts from all
# pairs (exploring starts), or by a policy that is soft. And the pair that gets the return is (s, a), not s alone.
#
# Blackjack is the book's example. Its cards are dealt with known chances, so that the optimum can be computed and the learner compared with it:

# %%
numbers = figure("5.2", alt="Two maps of the optimal policy, with and without a usable ace: stick above a line, hit below it; and the optimal values.")
expect("mean return of the optimal policy", numbers["mean return of the optimal policy"], "-0.0431")
expect("states in which 5,000,000 episodes end with another action", numbers["states of the 200 in which it differs from the optimum"], "0")

# %% [markdown]
# The best player loses 0.0431 a game. Sticking at 20 and 21 only, the policy of figure 5.1, loses eight times as much:

# %%
numbers = figure("5.1", alt="Values of the policy that sticks at 20 and 21, over the dealer's card and the player's sum: low everywhere but at 20 and 21.")
expect("mean return of sticking at 20 and 21 only", numbers["mean return of the policy"], "-0.350")

# %% [markdown]
# ## The episodes of another policy
#
# Often one policy plays and another is to be valued. A return of the player's episodes then counts more, or less, by how much more often the other
# policy would have played so: by the ratio $\rho = \prod \pi(a|s) / b(a|s)$ over the steps from t on.
#
# - *ordinary*: the mean of ρ G. It has no bias; its variance can be infinite.
# - *weighted*: Σ ρ G / Σ ρ. It has a bias, which fades; no weight is more than 1 of the whole.
#
# Five episodes of one step by hand. The player tosses a coin between two actions; the policy to be valued always takes the first, so ρ is 2 or 0.

# %%
rho, paid = np.array([2, 0, 2, 0, 2]), np.array([1, 5, 3, 7, 2])
expect("ordinary and weighted", [np.mean(rho * paid), np.sum(rho * paid) / np.sum(rho)], "2.4 2.0")

# %% [markdown]
# The first action's returns were 1, 3 and 2, and their mean is 2.0. The ordinary estimate divides by five, as if each action had come up as often as it
# should have; here one came up three times, and the estimate is 2.4. In a state of blackjack this looks so, over 100 runs:

# %%
numbers = figure("5.3", alt="Squared error against episodes, on a logarithmic axis: weighted sampling begins far below ordinary sampling; later they meet.")
expect("squared error over the first 100 episodes, weighted and ordinary",
       [numbers[f"{name}: squared error, mean over the first 100 episodes"] for name in ("weighted", "ordinary")], "0.24 0.45")  # fmt: skip

# %% [markdown]
# Weighted wins early. There is worse than a large error. In the next figure the true value is 1, and the ordinary estimate of ten runs lies between
# 0.742 and 1.171 after a million episodes, because ρ has no finite variance: a rare episode moves everything.

# %%
numbers = figure("5.4", alt="Ten runs of ordinary importance sampling over a million episodes: each falls slowly and jumps up now and then; none settles at 1.")
expect("lowest and highest of ten runs", [numbers["ordinary: lowest of the ten"], numbers["ordinary: highest of the ten"]], "0.742 1.171")
show("from_scratch.monte_carlo.off_policy_prediction:OffPolicyMCPrediction.update", "eqs. (5.7), (5.8)")

# %% [markdown]
# ## What the syllabus said, and what we measured
#
# - "First-visit Monte Carlo": its code keeps last visits. A machine worth 10 is 1.0 to it (E6). The random walk does not show it.
# - Lists of returns and `np.mean`: the same numbers as a mean that is carried along, at a cost that grows with all that was seen. Episodes that a time
#   limit cut are taken as whole: 6.5 for 10 (E7).
# - "Monte Carlo works for episodic tasks but not for infinite ones" (E20): what it needs is a return. With a discount, the return of a task without an
#   end can be cut off where γ has made the rest small, at an error that is known: after k steps at most γ^k r_max / (1 − γ).

# %%
expect("what is cut off after 500 steps at most, γ = 0.99, rewards up to 1", 0.99**500 / (1 - 0.99), "0.66")
