# %% [markdown]
# # Policies, values, Bellman equations
#
# A policy says what to do. Its value says what that is worth. This lesson derives the equations that tie the two together, solves them, and
# compares the solution with what simulation estimates. They are the ground on which every later algorithm stands: planning solves them,
# learning solves them from samples.

# %%
import gymnasium as gym
import numpy as np

from from_scratch.core.exact.mdp import Model, model_of
from from_scratch.core.exact.values import optimal_values, policy_values
from from_scratch.envs import GridWorld, JumpGrid
from sb3_course.teaching.lesson import expect, figure, show

lake = gym.make("FrozenLake-v1", is_slippery=False)
LEFT, DOWN, RIGHT, UP = range(4)

# %% [markdown]
# ## A random policy that is not random
#
# A policy $\pi(a|s)$ gives the probability of each action in each state. Its value is the mean of what follows, later rewards discounted by
# γ:
#
# $$V_\pi(s) = E_\pi[R_1 + \gamma R_2 + \gamma^2 R_3 + \dots \mid S_0 = s]$$
#
# The second syllabus evaluates "a random policy" on FrozenLake without slipping, by playing and averaging. Its policy takes action 2 in
# every state, though, and the result is a table of zeros.
#
# *Predict: in which states is a policy that always goes right worth anything at all? And what should stand at the start if the policy
# really is random?*

# %%
gamma = 0.99
always_right = policy_values(lake, np.full(16, RIGHT), gamma)
print(always_right.reshape(4, 4).round(4))
uniform = np.full((16, 4), 0.25)
V = policy_values(lake, uniform, gamma)
print(V.reshape(4, 4).round(4))

expect("always right, V(start)", always_right[0], "0")
expect("always right, V of the last two cells before the goal", always_right[13:15], "0.99 1")
expect("each action with probability 1/4, V(start)", V[0], "0.0124")

# %% [markdown]
# Going right is worth something in two cells only, both in the bottom row, from which it leads to the goal. Playing from the start never
# gets there, so the table of zeros is what that policy earns: nothing was wrong but the word "random". The uniformly random policy is worth
# 0.0124 at the start. Small, but it is this number that a test can be made of; a table of zeros is also what a program gives that does
# nothing.
#
# Now by playing, as the syllabus does.

# %%


def returns(policy, n_episodes, rng):
    """The discounted return of each episode from the start, of a policy π(a|s)."""
    found = []
    for _ in range(n_episodes):
        s, _ = lake.reset()
        total, weight, is_over = 0.0, 1.0, False
        while not is_over:
            s, reward, terminated, truncated, _ = lake.step(int(rng.choice(4, p=policy[s])))
            total += weight * float(reward)
            weight *= gamma
            is_over = terminated or truncated
        found.append(total)
    return np.array(found)


lake.reset(seed=0)
played = returns(uniform, 5000, np.random.default_rng(0))
error = played.std() / np.sqrt(len(played))
print(f"mean of {len(played)} episodes: {played.mean():.4f}, standard error {error:.4f}; {np.count_nonzero(played)} of them reached the goal")

expect("mean of 5000 episodes", played.mean(), "0.0124", tolerance=0.006)
expect("its standard error", error, "0.0015", tolerance=0.0004)

# %% [markdown]
# One episode in seventy reaches the goal. After 5000 episodes the standard error is about 0.0015, an eighth of the value itself, and it
# shrinks with the square root of the number of episodes: one more digit costs a hundred times as many. Where the model is known, one can do
# better.

# %% [markdown]
# ## The Bellman equation of a policy
#
# The return of an episode is its first reward and, discounted, the return of the rest: $G_t = R_{t+1} + \gamma G_{t+1}$. Take the mean of
# both sides, given $S_t = s$. The mean of $G_t$ is $V_\pi(s)$. The mean of $G_{t+1}$, given where the step led, is $V_\pi(s')$, because
# what follows depends on $s'$ alone (the Markov property). What is left is the mean over actions and over what they lead to:
#
# $$V_\pi(s) = \sum_a \pi(a|s) \sum_{s', r} p(s', r \mid s, a)\,[r + \gamma V_\pi(s')]$$
#
# $$Q_\pi(s, a) = \sum_{s', r} p(s', r \mid s, a)\,[r + \gamma V_\pi(s')]$$
#
# These are equations (3.14) and (4.6) of the book. Behind a transition that ends the episode nothing follows, so there the bracket is $r$
# alone. The library keeps such transitions out of the matrix: then the line needs no "if".

# %%
show("from_scratch.core.exact.mdp:Model.backup")
show(model_of, "if not terminated")

model = model_of(lake)
Q = model.backup(V, gamma)
residual = np.abs((uniform * Q).sum(1) - V).max()
expect("the largest difference between the two sides, uniform policy", residual, "0.000000")

# %% [markdown]
# The right side, as a thing that makes a new V of an old one, is called the Bellman operator of the policy, written $T^\pi$. The equation
# says that $V_\pi$ is where it changes nothing. Write it: `sb3-course exercise start bellman_operator`.
#
# The book's own example is a grid with two cells from which every action jumps, for 10 and for 5 points. *Predict: is the cell that pays 10
# worth more than 10, or less?*

# %%
numbers = figure("3.2", alt="Five by five cells with the value of random moves in each; the highest, in the top row, is that of the cell that pays 10.")
jumps = JumpGrid()
random_moves = policy_values(jumps, np.full((25, 4), 0.25), 0.9)
expect("row 1 of the grid, random moves", random_moves[:5], "3.3 8.8 4.4 5.3 1.5")

# %% [markdown]
# Less: 8.8. The jump leads to the lower edge, where random moves bump into it, and each bump costs 1. The cell that pays 5 is worth more
# than 5, namely 5.3: it leads to the middle.

# %% [markdown]
# ## Solving instead of playing
#
# For a fixed policy the equations are linear. With $r_\pi(s) = \sum_a \pi(a|s)\, r(s, a)$ and $P_\pi(s, s') = \sum_a \pi(a|s)\, p(s'|s,
# a)$:
#
# $$V = r_\pi + \gamma P_\pi V \qquad\text{so}\qquad (I - \gamma P_\pi)\, V = r_\pi$$
#
# One call solves them, for all states at once and without an error of sampling.

# %%
show(Model.solve, "np.linalg.solve")

by_hand = np.linalg.solve(np.eye(16) - gamma * np.einsum("sa,sat->st", uniform, model.p), (uniform * model.r).sum(1))
expect("V(start) by the linear system", by_hand[0], "0.0124")

slippery = gym.make("FrozenLake-v1")
expect("… and on the lake that is slippery", policy_values(slippery, uniform, gamma)[0], "0.0124")

# %% [markdown]
# *Why is slippery ice no worse for this policy?* A slip replaces the chosen direction by one to its side, each equally likely. Over a
# uniformly random choice all four directions stay equally likely, so both lakes are the same to it. An environment can hide a difference
# from one policy that it shows to another.
#
# Write the linear system yourself: `sb3-course exercise start solve_linear`. What goes wrong there: transitions that end the episode are
# left in the matrix (E1), and what lies behind the end has a value.

# %% [markdown]
# ## Policies that never end
#
# With γ = 1 there is a catch. On the cliff "always up" never ends, and every step costs 1: its equations have no solution, and a loop that
# repeats the backup until nothing changes would run for ever (E4). The library says so instead.

# %%
cliff = gym.make("CliffWalking-v1")
try:
    policy_values(cliff, np.zeros(48, dtype=int), 1.0)
    refused = 0
except ValueError as problem:
    print(problem)
    refused = 1
expect("refused", refused, "1")
expect("cliff, uniform policy, V(start): γ = 1 and γ = 0.99", [policy_values(cliff, np.full((48, 4), 0.25), g)[36] for g in (1.0, 0.99)], "-65375.1 -1072.2")

# %% [markdown]
# The uniformly random policy does end, and its value is finite, even if it takes 65,375 points to say so. A discount hides the difference:
# with γ = 0.99 every policy has a value, and none is below −10,000, which is 100 lost at every step for ever.
#
# ## A policy may have to be random
#
# The syllabus's code knows deterministic policies only, one action for each state, though the equation that it prints has π(a|s). For
# planning that costs nothing: among the best policies there is always a deterministic one. It costs everything where the agent cannot tell
# states apart.
#
# In the short corridor (example 13.1) three cells look alike, and in the middle one left and right are exchanged. A policy is one number,
# the probability p of going right. *Predict: which p is the best, and what do p = 0 and p = 1 earn?*

# %%
leads_to = np.zeros((3, 2, 3))  # p(s'|s, a); actions: left, right
leads_to[0, 0, 0] = leads_to[0, 1, 1] = 1
leads_to[1, 0, 2] = leads_to[1, 1, 0] = 1  # exchanged
leads_to[2, 0, 1] = 1  # from here, right is the end
corridor_model = Model(leads_to, np.full((3, 2), -1.0), start=None)


def corridor(p_right):
    return corridor_model.solve(np.tile([1 - p_right, p_right], (3, 1)), 1.0)[0]


p = np.linspace(0.01, 0.99, 981)
values = np.array([corridor(each) for each in p])
best = p[values.argmax()]
expect("the best p, and its value", [best, values.max()], "0.586 -11.66")
expect("p = 0.5", corridor(0.5), "-12.0")
expect("p = 0.05", corridor(0.05), "-82.1")

# %% [markdown]
# The best policy goes right with probability 0.586 and earns −11.66. The deterministic ones never arrive. So π stays a matrix in this
# course, from the first exercise on.

# %% [markdown]
# ## The best: Bellman's optimality equations
#
# The best value of a state is that of its best action, whatever comes later being the best, too (3.19):
#
# $$V^*(s) = \max_a \sum_{s', r} p(s', r \mid s, a)\,[r + \gamma V^*(s')]$$
#
# The maximum stands outside the sum: the agent chooses its action, not where a slip leads. This equation is not linear any more, so no
# single solve does it; module 3 repeats it until it holds. That this must end, and in one place only, is proof P1 (`sb3-course lesson show
# P1`).
#
# *Predict: in the grid of the two jumps, how many best policies are there?*

# %%
numbers = figure("3.5", alt="The best value of each cell of the same grid, and the actions that reach it: in most cells there are two or four of them.")
best_values = optimal_values(jumps, 0.9)
best_q = model_of(jumps).backup(best_values, 0.9)
ties = (best_q > best_q.max(1, keepdims=True) - 1e-9).sum(1)
print("equally good actions in each cell:", *ties.reshape(5, 5), sep="\n  ")

expect("row 1 of V*", best_values[:5], "22.0 24.4 22.0 19.4 17.5")
expect("best deterministic policies", np.prod(ties), "262144")

# %% [markdown]
# One V*, and 262,144 deterministic policies that all have it. "The optimal policy" is a manner of speaking. It is V* that is unique, and it
# is V* that can be compared with a known number; whoever compares actions with a known table fails 262,143 right answers.

# %% [markdown]
# ## What a better policy gains
#
# Take the value of a policy, look one step ahead, and choose the best action in each state by that value. The result is never worse: the
# policy improvement theorem (4.2). How much better it is says the performance difference lemma (Kakade & Langford 2002): by the *old*
# policy's advantages, counted where the *new* one goes.
#
# $$J(\pi') - J(\pi) = \sum_s d_{\pi'}(s) \sum_a \pi'(a|s)\, A_\pi(s, a) \qquad A_\pi(s, a) = Q_\pi(s, a) - V_\pi(s)$$

# %%
grid = model_of(GridWorld("4x3", slip=0.2, step_reward=-0.04))
start = np.eye(12)[8]
old = np.full((12, 4), 0.25)
V_old = grid.solve(old, gamma)
Q_old = grid.backup(V_old, gamma)
new = np.eye(4)[Q_old.argmax(1)]
V_new = grid.solve(new, gamma)
visits = np.linalg.solve(np.eye(12) - gamma * np.einsum("sa,sat->st", new, grid.p).T, start)
gain = visits @ (new * (Q_old - V_old[:, None])).sum(1)

expect("moving at random, improved once, and the best: V(start)", [V_old[8], V_new[8], optimal_values(GridWorld("4x3", slip=0.2, step_reward=-0.04), gamma)[8]],
       "-1.2562 0.6341 0.6599")  # fmt: skip
expect("gain by the lemma, and as a difference", [gain, V_new[8] - V_old[8]], "1.8903 1.8903")
expect("states in which the improved policy is worse", (V_new < V_old - 1e-12).sum(), "0")

# %% [markdown]
# One improvement of a random policy goes from −1.2562 to 0.6341, most of the way to the best, 0.6599. The lemma has no error term; TRPO and
# PPO begin where one replaces the new policy's visits by the old one's, because those can be sampled. Proof P4 of module 8 is about the
# price. Here, the lemma itself: `sb3-course exercise start performance_difference`.

# %% [markdown]
# ## What the syllabus said, and what we measured
#
# - "Random policy": it is always-right, and all zeros on FrozenLake is what it earns. A random one is worth 0.0124 (E8).
# - Its estimate is called Monte Carlo, and averages over every visit of an episode. That is one of two ways; module 4 tells them apart. The
#   name `evaluate_policy` belongs to another function in Stable-Baselines3, one that plays episodes and gives a mean return.
# - The equation has π(a|s), the code a single action per state (E4). The short corridor needs the former: −11.66 at p = 0.586, and never
#   arriving otherwise.
# - "The optimal policy": there were 262,144 of them, with one V*.
# - Simulation where the model is known: after 5000 episodes a standard error of 0.0015 on a value of 0.0124. The linear system has it
#   exactly.
