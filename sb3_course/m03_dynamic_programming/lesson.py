# %% [markdown]
# # Dynamic programming
#
# If you know how the world works, you need not try it out: you can compute what to do. This lesson computes the best behaviour on three small worlds,
# and looks for the mistakes that one of them forgives and the others do not.
#
# A puzzle to begin with. On the slippery FrozenLake, with γ = 0.99, the best policy is worth 0.5420 from the start. More than one of its episodes in
# four does not reach the goal within the 100 steps of the time limit, and nobody can do much better. How can one be sure of that without playing a
# single episode?

# %%
import gymnasium as gym
import numpy as np

from from_scratch import LinearProgramming, PolicyEvaluation, PolicyIteration, ValueIteration
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import expected_return
from from_scratch.envs import GridWorld
from sb3_course.teaching.lesson import expect, figure, show

UNTIL_DONE = 10**9  # backups: planners end by themselves


def plan(planner, env, **hyperparameters):
    return planner("TabularPolicy", env, **hyperparameters).learn(UNTIL_DONE)


lake = gym.make("FrozenLake-v1")
best = plan(ValueIteration, lake, gamma=0.99)
expect("V*(start), slippery lake", best.values[0], "0.5420")

# %% [markdown]
# ## The model
#
# What planning needs is a table: for each state s and action a the outcomes, each with its probability, the next state, the reward, and whether the
# episode ends there. Gymnasium's toy texts have it as `P`. Two things are worth a look. The table belongs to the innermost environment, and wrappers
# do not pass it on: it is `env.unwrapped.P`. And the same next state may be listed twice, so that outcomes have to be added up.

# %%
for probability, s_next, reward, terminated in lake.unwrapped.P[14][2]:
    print(f"from state 14 to the right: probability {probability:.3f}, to state {s_next}, reward {reward}, terminated {terminated}")

# %% [markdown]
# The library turns the table into two arrays, p(s'|s, a) and the expected reward r(s, a). A terminal transition counts in r and leads nowhere in p.
# So V is 0 behind the end without any special case, and a backup is one line:

# %%
show("from_scratch.core.exact.mdp:Model.backup")

# %% [markdown]
# ## Evaluation
#
# What is a policy worth? Bellman's expectation equation says what must hold; policy evaluation makes it an assignment and repeats it until nothing
# changes.
#
# $$V(s) \leftarrow \sum_a \pi(a|s) \sum_{s', r} p(s', r | s, a) \, [r + \gamma V(s')]$$
#
# Predict before you run it: random moves on the lake *without* slipping. How often do they reach the goal?

# %%
dry = gym.make("FrozenLake-v1", is_slippery=False)
uniform = np.full((16, 4), 0.25)
expect("V(start) of random moves, lake without slipping", plan(PolicyEvaluation, dry, pi=uniform, gamma=0.99).values[0], "0.0124")

# %% [markdown]
# The formula has a π(a|s) in it: a policy is a matrix. The syllabus's code takes one action a state (E4), so it cannot say what random moves are
# worth. It also has no limit on the sweeps. With γ = 1 a policy that walks up for ever on the cliff loses 1 a step, without an end; so does the loop.
#
# There are two ways to sweep. With two arrays every backup reads the old values; in place it reads what the sweep has found so far. In place needs
# one array and, as a rule, fewer sweeps: on the book's grid of figure 4.1, to a change below 1e-4, it is 114 against 173.

# %%
corner = gym.make("from_scratch/CornerGrid-v0")
sweeps = [plan(PolicyEvaluation, corner, gamma=1.0, theta=1e-4, in_place=in_place).sweeps[0] for in_place in (True, False)]
expect("sweeps in place and by two arrays", sweeps, "114 173")
numbers = figure("4.1", alt="Five grids of 4 by 4 cells: the values of random moves after 1, 2, 3, 10 and infinitely many sweeps, falling from the corners.")

# %% [markdown]
# ## Where the end shows
#
# The commonest mistake in planning code is to unpack `terminated` and not to use it (E1). Then the value of the state *behind* the end is added. Here
# are both forms on three worlds. Which of them tells the difference?

# %%


def value_iteration(env, masked, gamma=0.99, theta=1e-6):
    """V by synchronous sweeps over the table, with the mask or without."""
    table = env.unwrapped.P
    n, m = len(table), len(table[0])
    p, r = np.zeros((n, m, n)), np.zeros((n, m))
    for s in range(n):
        for a in range(m):
            for probability, s_next, reward, terminated in table[s][a]:
                r[s, a] += probability * reward
                p[s, a, s_next] += 0 if terminated and masked else probability
    v = np.zeros(n)
    while True:
        old, v = v, (r + gamma * p @ v).max(-1)
        if np.abs(v - old).max() < theta:
            return env.unwrapped.initial_state_distrib @ v


worlds = {name: gym.make(name) for name in ("FrozenLake-v1", "CliffWalking-v1", "Taxi-v4")}
expect("with the mask: lake, cliff, taxi", [value_iteration(env, True) for env in worlds.values()], "0.5420 -12.248 6.327")
expect("without: lake, cliff, taxi", [value_iteration(env, False) for env in worlds.values()], "0.5420 -100.0 835.0")

# %% [markdown]
# On FrozenLake the two are equal, to every digit. Its holes and its goal lead to themselves with reward 0, so the value behind the end *is* 0. On the
# cliff the episode that should be over goes on losing 1 a step, which makes -100.0 of -12.248; the taxi earns its 20 again and again, which makes
# 835.0 of 6.327. So a test on FrozenLake cannot see this mistake. The same lake forgives another one: leaving the probabilities out. Its slips are
# equally likely, so a plain mean is right there, and wrong on a grid whose slips are not.

# %%
grid = GridWorld("4x3", slip=0.2, step_reward=-0.04)
expect("V*(start), 4 x 3 grid with slip 0.2, γ = 0.99", plan(ValueIteration, grid, gamma=0.99).values[8], "0.6599")

# %% [markdown]
# ## Policy iteration, and ties
#
# Evaluate the policy; in each state take the action that looks best; evaluate again. Each round is better or the last. It takes few rounds:

# %%
rounds = [int(plan(PolicyIteration, name, gamma=0.99).improvements[0]) for name in worlds]
expect("improvements: lake, cliff, taxi", rounds, "7 15 17")
show(PolicyIteration, "eq. (4.9)")

# %% [markdown]
# The book's box stops when no action changes. Two actions that are equally good may then take turns for ever (exercise 4.4 of the book, E5). Worse,
# without a discount every way around the holes is worth 1, and so is bumping into a wall, as long as the *next* step is a good one. Whoever takes the
# first of the best actions in each state bumps into the wall every time:

# %%
undiscounted = plan(ValueIteration, dry, gamma=1.0)
first_of_the_best = undiscounted.q_table.round(9).argmax(-1)
expect("V*(start), lake without slipping, γ = 1", undiscounted.values[0], "1")
expect("return of the first of the best actions", expected_return(dry, first_of_the_best), "0")
expect("return when an action must be better to replace another", expected_return(dry, undiscounted.predict(np.arange(16), deterministic=True)[0]), "1")

# %% [markdown]
# The value was right and the policy worthless. The library replaces an action only by one that is better by more than a tolerance. Your turn:
# exercise `ties`.
#
# ## Value iteration, and when to stop
#
# Evaluation need not finish before the policy is improved. Value iteration does both in one sweep: the mean over actions becomes a maximum.

# %%
show(ValueIteration.iterate, "eq. (4.10)")

# %% [markdown]
# A sweep brings V nearer to V* by the factor γ (proof P1). From that follows when one may stop: if the last sweep changed no value by more than Δ,
# then ‖V − V*‖ ≤ γ / (1 − γ) · Δ. With γ = 0.99 a change below 1e-4 leaves an error of up to 0.0099, a hundred times the change. On the lake it is
# 0.0028.

# %%
rough = plan(ValueIteration, lake, gamma=0.99, theta=1e-4)
expect("bound for Δ = 1e-4 at γ = 0.99", 0.99 / (1 - 0.99) * 1e-4, "0.0099")
expect("error of V when Δ < 1e-4", np.abs(rough.values - best.values).max(), "0.0028")
expect("sweeps to 1e-4 and to 1e-12", [rough.sweeps[0], best.sweeps[0]], "172 704")

# %% [markdown]
# Now the puzzle. V* was found without an episode, and no policy can have a larger value, because V* is the only solution of the optimality equation.
# What the policy earns in practice is less than one would think: 0.740 of the episodes end at the goal within the 100 steps of the time limit.

# %%
greedy = best.predict(np.arange(16), deterministic=True)[0]
expect("return of the best policy within 100 steps", expected_return(lake, greedy), "0.740")

# %% [markdown]
# ## Larger problems, and the same equations once more
#
# Jack's car rental has 441 states. Policy iteration needs five policies; the improvements change 318, 272, 79, 8 and 0 states.

# %%
numbers = figure("4.2", alt="Five maps of 21 by 21 cells, a policy each: how many cars are moved overnight for each number of cars at the two places.")
expect("states changed by the improvements", [numbers[f"states whose action improvement {k} changes"] for k in range(1, 6)], "318 272 79 8 0")

# %% [markdown]
# V* is also the smallest V that no backup raises. That is a linear programme, and a solver for linear programmes finds the same numbers without a
# sweep:

# %%
solved = plan(LinearProgramming, "CliffWalking-v1", gamma=0.99)
expect("V*(start) on the cliff, by linear programming", solved.values[36], "-12.248")
assert np.allclose(solved.values, plan(ValueIteration, "CliffWalking-v1", gamma=0.99).values)
assert model_of(worlds["CliffWalking-v1"]).n_states == 48

# %% [markdown]
# ## What the syllabus said, and what we measured
#
# - "Value iteration" is a heading without code in the second syllabus (E12). Here it is, and its value on the lake is 0.5420.
# - Its policy evaluation adds the value behind the end (E1). On its own example, FrozenLake, that changes nothing; on the cliff -12.248 becomes
#   -100.0.
# - It reads `env.P` (E2), which the wrappers of `gym.make` hide: an AttributeError. It is `env.unwrapped.P`.
# - It takes one action a state although the equation beside it has a π(a|s), and has no limit on the sweeps (E4).
# - Its policy iteration compares actions (E5). Without a discount the greedy policy of the right values earns 0.
#
# Now the exercises: `planners`, `ties` and `contraction`. Then the quiz, and chapter 4 of Sutton & Barto.
