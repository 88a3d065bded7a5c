# %% [markdown]
# # Starter: value iteration and Q-learning
#
# The first six cells of code need NumPy and Gymnasium, and nothing of this project: a grid world as a table, value iteration in ten lines,
# Q-learning in fifteen. Then come the library's classes, with the same numbers. Everything runs in less than a minute, and the outputs
# below are compared with a fresh run by a test.
#
# ## 1. A world is a table
#
# An environment whose model is known has a table `P[s][a] = [(probability, next state, reward, terminated), ...]`. This is the world of 4 ×
# 3 cells of Russell & Norvig: G pays 1 and X costs 1, both end the episode; each step costs 0.04; with probability 0.2 one slips to one
# side or the other.

# %%
import gymnasium as gym
import numpy as np

MAP = ["...G", ".#.X", "S..."]
MOVES = [(-1, 0), (1, 0), (0, -1), (0, 1)]  # up, down, left, right
SIDES = [(2, 3), (2, 3), (0, 1), (0, 1)]  # where one may slip


def moved(s, a):
    row, column = s // 4 + MOVES[a][0], s % 4 + MOVES[a][1]
    is_free = 0 <= row < 3 and 0 <= column < 4 and MAP[row][column] != "#"
    return 4 * row + column if is_free else s


def outcome(probability, s_next):
    letter = MAP[s_next // 4][s_next % 4]
    return probability, s_next, -0.04 + {"G": 1.0, "X": -1.0}.get(letter, 0.0), letter in "GX"


grid = {s: {a: [outcome(0.8, moved(s, a)), *(outcome(0.1, moved(s, side)) for side in SIDES[a])] for a in range(4)} for s in range(12)}
for s in (3, 5, 7):  # behind the ends, and in the wall, there is nothing
    grid[s] = {a: [(1.0, s, 0.0, True)] for a in range(4)}
lake = gym.make("FrozenLake-v1").unwrapped.P  # `unwrapped`: gym.make puts wrappers around it, and they do not pass P on
print("from the start of the grid, up:", grid[8][0])
print("from the start of the lake, left:", lake[0][0])

# %% [markdown]
# ## 2. Value iteration
#
# The best value of a state is that of its best action: V(s) ← max over a of Σ p [r + γ V(s')], until nothing changes (Sutton & Barto,
# section 4.4). Behind a transition that ends the episode nothing follows, so there V(s') does not count. That is the `* (not terminated)`.
# On FrozenLake it makes no difference, on most other tables it does.

# %%
GAMMA = 0.99


def action_values(P, V):
    return np.array([[sum(p * (r + GAMMA * V[s_next] * (not terminated)) for p, s_next, r, terminated in P[s][a]) for a in P[s]] for s in P])


def value_iteration(P):
    V, sweeps, change = np.zeros(len(P)), 0, 1.0
    while change > 1e-10:
        new = action_values(P, V).max(axis=1)
        V, sweeps, change = new, sweeps + 1, np.abs(new - V).max()
    return V, sweeps


V_grid, n = value_iteration(grid)
print(f"the grid, after {n} sweeps: V*(start) = {V_grid[8]:.4f}")
print(V_grid.reshape(3, 4).round(3))
assert round(V_grid[8], 4) == 0.6599

# %% [markdown]
# The same function, another table: the frozen lake, on which two of three steps go astray. Its best policy is worth 0.542 at the start.

# %%
V_lake, n = value_iteration(lake)
best = action_values(lake, V_lake).argmax(axis=1)
print(f"the lake, after {n} sweeps: V*(start) = {V_lake[0]:.4f}")
print(V_lake.reshape(4, 4).round(3))
print("the best actions (0 left, 1 down, 2 right, 3 up):", *best.reshape(4, 4), sep="\n  ")
assert round(V_lake[0], 4) == 0.5420

# %% [markdown]
# ## 3. Q-learning
#
# Without the table one must play. Q-learning corrects its estimate after each step (Sutton & Barto, section 6.5): Q(s, a) ← Q(s, a) + α [r
# + γ max Q(s', ·) − Q(s, a)]. Here it is as in the second syllabus: the greedy action by `np.argmax`, and no `not terminated`. The syllabus
# says of it: "it will learn to reach the goal!"
#
# *Predict: on the lake that is not slippery, in how many of ten runs does the greedy policy reach the goal after 500 episodes?*

# %%
ice = gym.make("FrozenLake-v1", is_slippery=False).unwrapped.P


def play(P, s, a, rng):
    outcomes = P[s][a]
    k = int(np.searchsorted(np.cumsum([p for p, *_ in outcomes]), rng.random())) if len(outcomes) > 1 else 0
    return outcomes[k][1:]


def q_learning(P, start, choose, target, episodes, seed, alpha=0.1, epsilon=0.1):
    rng, Q = np.random.default_rng(seed), np.zeros((len(P), 4))
    for _ in range(episodes):
        s, terminated, steps = start, False, 0
        while not terminated and steps < 100:
            a = int(rng.integers(4)) if rng.random() < epsilon else choose(Q[s], rng)
            s_next, r, terminated = play(P, s, a, rng)
            Q[s, a] += alpha * (target(r, Q[s_next], terminated) - Q[s, a])
            s, steps = s_next, steps + 1
    return Q


def reaches_the_goal(Q):
    s = 0
    for _ in range(100):
        s, r, terminated = play(ice, s, int(Q[s].argmax()), None)
        if terminated:
            return r == 1
    return False


def first_of_equals(q, rng):
    return int(np.argmax(q))


def without_end(r, q_next, terminated):
    return r + GAMMA * q_next.max()


found = [reaches_the_goal(q_learning(ice, 0, first_of_equals, without_end, 500, seed)) for seed in range(10)]
print(f"goal reached by the greedy policy: {sum(found)} of 10 runs")
assert sum(found) == 0

# %% [markdown]
# In none. At the beginning all values are 0, `np.argmax` of four zeros is 0, and 0 is "left": the agent walks against the wall until ε
# makes it do something else, and six lucky moves in a row do not come. Nothing was learnt because nothing was found.
#
# ## 4. Two lines changed
#
# Of equally good actions take one at random, and let nothing follow behind the end.

# %%


def any_of_equals(q, rng):
    return int(rng.choice(np.flatnonzero(q == q.max())))


def with_end(r, q_next, terminated):
    return r + GAMMA * q_next.max() * (not terminated)


found = [reaches_the_goal(q_learning(ice, 0, any_of_equals, with_end, 500, seed)) for seed in range(10)]
print(f"goal reached by the greedy policy: {sum(found)} of 10 runs")
assert sum(found) == 10

# %% [markdown]
# In all ten. It was the first of the two lines that did it here: on this lake nothing is earned behind the end, and the second one changes
# nothing. It does where something is: try it on `gym.make("CliffWalking-v1").unwrapped.P`.
#
# And the grid of section 1, from samples alone. Its corner on the lower right is hardly ever visited, as it lies behind X: there the
# estimate is poor, and nobody who plays well will notice.

# %%
Q_grid = q_learning(grid, 8, any_of_equals, with_end, 3000, seed=0, alpha=0.05)
print("max Q after 3000 episodes, beside V* in section 2:")
print(Q_grid.max(axis=1).reshape(3, 4).round(3))

# %% [markdown]
# ## 5. The library
#
# The same with the classes of `from_scratch`. A planner reads the table by itself and counts its time in backups, one for each state of a
# sweep.

# %%
from from_scratch import QLearning, ValueIteration
from from_scratch.core.exact.values import expected_return
from from_scratch.envs import GridWorld

planner = ValueIteration("TabularPolicy", GridWorld("4x3", slip=0.2, step_reward=-0.04), gamma=0.99).learn(10**6)
print(f"the grid: V*(start) = {planner.V[0, 8]:.4f}; nowhere off from the ten lines above by 1e-9: {np.allclose(planner.V[0], V_grid, atol=1e-9)}")
planner = ValueIteration("TabularPolicy", "FrozenLake-v1", gamma=0.99).learn(10**6)
print(f"the lake: V*(start) = {planner.V[0, 0]:.4f}")
success = expected_return(gym.make("FrozenLake-v1"), planner.pi[0].argmax(-1))
print(f"its policy reaches the goal within 100 steps with probability {success:.3f}")
assert round(success, 3) == 0.740

# %% [markdown]
# Ten seeds of Q-learning are trained in one process; each is what it would be alone.

# %%
model = QLearning("TabularPolicy", lambda: gym.make("FrozenLake-v1", is_slippery=False), seeds=range(10), gamma=0.99, learning_rate=0.1,
                  exploration_initial_eps=0.1, exploration_final_eps=0.1)  # fmt: skip
model.learn(20_000)
found = [reaches_the_goal(Q) for Q in model.Q]
print(f"goal reached by the greedy policy: {sum(found)} of 10 seeds, after 20,000 steps each")
assert sum(found) == 10

# %% [markdown]
# V* of the lake as a picture; the table with the same numbers stands in section 2. Holes and the goal have no value of their own, as an
# episode ends there.

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(4.2, 3.6), layout="constrained")
picture = axes.imshow(V_lake.reshape(4, 4), cmap="viridis", vmin=0.0, vmax=1.0)
letters = "".join(row.decode() for row in gym.make("FrozenLake-v1").unwrapped.desc.ravel())
for s, letter in enumerate(letters):
    text = {"H": "hole", "G": "goal"}.get(letter, f"{V_lake[s]:.2f}\n{'←↓→↑'[best[s]]}")
    axes.text(s % 4, s // 4, text, ha="center", va="center", color="white" if V_lake[s] < 0.6 else "black")
axes.set(title="V* of FrozenLake-v1, γ = 0.99", xticks=[], yticks=[])
figure.colorbar(picture, label="best expected discounted return")
plt.show()

# %% [markdown]
# ## What next
#
# `sb3-course exercise list first-seven` names seven exercises; the third writes the planners, the fifth Q-learning at a cliff, each with a
# check that knows the usual mistakes. `sb3-course lesson show m02` derives the equation of section 2, and `sb3-course exercise start tab-2`
# is the bug of section 3, to be found in another agent.
