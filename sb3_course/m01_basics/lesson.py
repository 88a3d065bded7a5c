# %% [markdown]
# # Decision processes, returns, bandits
#
# What is a task, what is to be made large, and what can be done when nobody tells how the world works? Three answers: a table, a sum, and the simplest learner.

# %%
from typing import Any

import gymnasium as gym
import numpy as np

from from_scratch.core.exact.mdp import model_of
from from_scratch.core.exact.values import optimal_return
from from_scratch.envs import AccessControl
from from_scratch.envs.games.access_control import best_average_reward
from sb3_course.teaching.lesson import expect, figure, show, study

# %% [markdown]
# ## Five letters, and a table with four mistakes
#
# A Markov decision process is five things, (S, A, P, R, γ): states, actions, the probabilities of the next state, rewards, and a discount.
#
# The syllabus begins with a world of four cells. You start in 0; cell 3 is the goal, pays 1 when it is reached, and is never left.
#
# ```
# 0 1
# 2 3
# ```
#
# And it writes down P as a table: for each action and each state, the next state and the reward. Here it is. Prediction: how many of its 16 entries are wrong?

# %%
syllabus = {
    "Left": {0: (0, 0), 1: (1, 0), 2: (2, 0), 3: (3, 0)},
    "Right": {0: (1, 0), 1: (1, 0), 2: (3, 1), 3: (3, 0)},
    "Up": {0: (0, 0), 1: (0, 0), 2: (2, 0), 3: (1, 0)},
    "Down": {0: (2, 0), 1: (3, 1), 2: (2, 0), 3: (3, 0)},
}
moves = {"Left": (0, -1), "Right": (0, 1), "Up": (-1, 0), "Down": (1, 0)}
wrong = []
for name, (down, right) in moves.items():
    for s in range(4):
        row, column = s // 2 + down, s % 2 + right
        inside = 0 <= row < 2 and 0 <= column < 2
        right_next = s if s == 3 or not inside else 2 * row + column
        if syllabus[name][s][0] != right_next:
            wrong.append((name, s))
            print(f"{name} from {s}: the table says {syllabus[name][s][0]}, the picture {right_next}")
expect("entries that are wrong", len(wrong), "4")

# %% [markdown]
# Four (error E17). One of them lets the agent leave the goal, so that the reward can be earned again and again. Nobody sees such a thing by reading: a table is
# checked by a program, or against a picture.
#
# Gymnasium has a form for such tables. `P[s][a]` is a list of outcomes, each with its probability, the next state, the reward, and whether the episode ends:
#
# $$P[s][a] = [(p, s', r, \text{terminated}), \ldots]$$
#
# FrozenLake has one. Where is it? Prediction: which of `env.P` and `env.state` works?

# %%
env = gym.make("FrozenLake-v1", is_slippery=False)
unwrapped: Any = env.unwrapped  # the environment itself, without its wrappers
for attribute in ("P", "state"):
    try:
        getattr(env, attribute)
        print(f"env.{attribute} works")
    except AttributeError as error:
        print(f"env.{attribute}: {error}")
env.reset(seed=0)
print("env.unwrapped.s:", unwrapped.s)
print("env.unwrapped.P[14][2]:", unwrapped.P[14][2])
expect("reward of the step into the goal", unwrapped.P[14][2][0][2], "1")

# %% [markdown]
# Neither (errors E2 and E3). `gym.make` wraps the environment, and wrappers do not pass everything on; the table is `env.unwrapped.P`, the state
# `env.unwrapped.s`. And they are names of this environment, not of Gymnasium: CartPole has no table at all.
#
# The exercise `two_by_two` mends the table.

# %% [markdown]
# ## Returns: what is to be made large
#
# The rewards are 1, 0, 2, and γ = 0.5. Prediction: what is the return from the start?
#
# $$G_t = R_{t+1} + \gamma R_{t+2} + \gamma^2 R_{t+3} + \ldots$$
#
# The next reward counts whole. From behind, this is a recursion, and the whole of the next modules rests on it: $G_t = R_{t+1} + \gamma G_{t+1}$.

# %%
rewards, gamma, G = [1.0, 0.0, 2.0], 0.5, 0.0
every: list[float] = []
for r in reversed(rewards):
    G = r + gamma * G  # eq. (3.9)
    every.insert(0, G)
expect("returns from each step on", every, "1.5 1.0 2.0")
expect("with the first reward discounted, too", sum(gamma ** (t + 1) * r for t, r in enumerate(rewards)), "0.75")
expect("without a discount", sum(rewards), "3")
expect("the recursion run forwards", sum(gamma**t * r for t, r in enumerate(reversed(rewards))), "2.25")

# %% [markdown]
# The return is 1.5. The three other numbers are what usual mistakes give: 0.75 with the first reward discounted as well, 3 without a discount, 2.25 with the
# list read from the wrong end. In `returns` you write it, for each step of an episode.
#
# Why a discount? With γ < 1 the sum is finite even if the task never ends: if every step pays 1, it is 1/(1 − γ). That is also a horizon: with γ = 0.99 what
# comes after a few hundred steps hardly counts.

# %%
expect("1 a step for ever, γ = 0.99", sum(0.99**t for t in range(5000)), "100")
expect("what the first 100 steps contribute to it", 100 * (1 - 0.99**100), "63.4")

# %% [markdown]
# What goes wrong: a constant is added to every reward, "to make them positive". In a task that never ends, all returns move by the same c/(1 − γ), and nothing
# changes. In an episode of T steps they move by c for each step, and long episodes gain most: the best policy may then be never to arrive.

# %% [markdown]
# ## Tasks that never end
#
# Some tasks have no episodes. In *access control*, customers of four kinds queue for ten servers. Accepting one pays 1, 2, 4 or 8; each busy server becomes
# free with probability 0.06. What counts is the average reward per step:
#
# $$r(\pi) = \lim_{h \to \infty} \frac{1}{h} \sum_{t=1}^{h} \mathbb{E}[R_t]$$
#
# Prediction: the customers that come pay 3.75 on average. How much can be earned per step, if one chooses well?

# %%
access = AccessControl()
model = model_of(access)
best, q = best_average_reward(model.p, model.r)
expect("best average reward per step", best, "2.748")
expect("what a customer pays on average", np.mean([1, 2, 4, 8]), "3.75")
expect("chance of a busy server to become free", 1 - (4 * access.unwrapped.P[0][0][0][0]) ** 0.1, "0.06")  # from that of all ten to stay busy
show(best_average_reward)
numbers = figure("10.5", alt="Which customers are accepted: with few free servers only those who pay most, with four or more also those who pay 2, never those "
                             "who pay 1; and the values of states, which rise with the free servers.")  # fmt: skip
book = 2.31  # example 10.2: the average reward that the book's learner estimated
print(f"ours earns {numbers['earned per step by the ε-greedy learner, second half']:.3f}, the book's learner estimated {book}")

# %% [markdown]
# The best policy earns 2.748 per step, and it never accepts those who pay 1. Our learner, which still explores, earns 2.64; the book's learner estimated
# 2.31. Mind that the estimate of a learner and the value of its policy are two things.

# %% [markdown]
# ## We rarely know P
#
# A table of probabilities is a luxury. Suppose that you have none, and walk on the slippery lake at random. You can count:
#
# $$\hat p(s' \mid s, a) = \frac{N(s, a, s')}{N(s, a)}$$
#
# Prediction: after 10,000 steps, how far is the best value computed from the counted table from the true 0.542?


# %%
def counted(n_steps, seed):
    """Counts N(s, a, s'), [16, 4, 16], and the best value of the start under them, γ = 0.99. Ends are remembered as such."""
    lake, rng = gym.make("FrozenLake-v1"), np.random.default_rng(seed)
    N, ends, earned = np.zeros((16, 4, 16)), np.zeros((16, 4, 16)), np.zeros((16, 4))
    s, _ = lake.reset(seed=seed)
    for _ in range(n_steps):
        a = int(rng.integers(4))
        s_next, r, terminated, truncated, _ = lake.step(a)
        N[s, a, s_next] += 1
        ends[s, a, s_next] += terminated
        earned[s, a] += r
        s = lake.reset()[0] if terminated or truncated else s_next
    tries = np.maximum(N.sum(-1), 1)
    V = np.zeros(16)
    for _ in range(2000):
        V = ((earned + 0.99 * (N - ends) @ V) / tries).max(-1)
    return N, V[0]


model = model_of(gym.make("FrozenLake-v1"))
V = np.zeros(16)
for _ in range(2000):
    V = model.backup(V, 0.99).max(-1)
expect("V*(start) of the true table", V[0], "0.542")
found = [counted(10_000, seed)[1] for seed in range(16)]
print("V*(start) of 16 counted tables:", *np.round(found, 3))
expect("their mean distance from the truth", np.mean(np.abs(np.array(found) - V[0])), "0.05", tolerance=0.04)
N, _ = counted(10_000, 0)
expect("how often the cell before the goal was left", N[14].sum(), "70", tolerance=60)
expect("pairs of state and action that were never tried", (N.sum(-1) == 0).sum(), "20", tolerance=2)

# %% [markdown]
# The numbers scatter. A random walk rarely gets near the goal, so that the probabilities that matter most rest on the fewest counts. And 20 pairs were never
# tried, all of holes and of the goal: their estimate is 0/0, and you must decide what to put there. In `estimate_model` you do it. Module m05 plans with such
# tables while it learns (Dyna).
#
# What goes wrong: counting by state instead of by state and action, and taking the state *after the reset* for the next one.

# %% [markdown]
# ## Later slippery
#
# The syllabus switches the ice off, "later we'll enable slipperiness". What does that cost? `success_rate` is the probability to go where one wants to; else
# one slips to either side. Prediction: at 0.5, how often does the best policy reach the goal within its 100 steps?

# %%
lake = [optimal_return(gym.make("FrozenLake-v1", is_slippery=True, success_rate=rate)) for rate in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 1 / 3)]
expect("best return at success rates 1, .9, .8, .7, .6, .5, 1/3", lake, "1.00 0.94 0.89 0.85 0.82 0.79 0.74")

# %% [markdown]
# | success rate | 1 | 0.9 | 0.8 | 0.7 | 0.6 | 0.5 | 1/3 |
# |---|---|---|---|---|---|---|---|
# | best chance to arrive | 1.00 | 0.94 | 0.89 | 0.85 | 0.82 | 0.79 | 0.74 |
#
# These are exact, by backward induction; no policy does better. So an agent that arrives in 0.74 of its episodes on the default lake is perfect, and one with
# 0.99 on it has a bug.

# %% [markdown]
# ## Bandits: learning with one state
#
# Take the states away. Ten arms, each with a mean reward drawn from N(0, 1); each pull pays the mean plus noise of N(0, 1). Which arm is best? One must try,
# and each try of a poor arm costs.
#
# A greedy agent takes the arm with the best average so far. Prediction: in what share of its last 100 of 1000 steps does it pull the best arm? And one that
# takes any arm in every tenth step?
#
# $$Q(A) \leftarrow Q(A) + \frac{1}{N(A)} \left[ R - Q(A) \right]$$

# %%
numbers = figure("2.2", alt="Average reward and share of the best arm against steps, for ε = 0, 0.01 and 0.1. The greedy agent stops improving early; ε = 0.1 "
                            "learns fastest; ε = 0.01 is still rising at the end.")  # fmt: skip
show("from_scratch.bandits.epsilon_greedy:EpsilonGreedyBandit.choose")
show("from_scratch.core.tabular.bandit:ActionValueBandit.update", "eq. (2.3)")
expect("a best arm's chance, ε = 0.1 and ten arms", 0.9 + 0.1 / 10, "0.91")

# %% [markdown]
# The greedy agent pulls the best arm in 35.5 % of the steps, ε = 0.01 in 58.7 %, ε = 0.1 in 79.4 %, over 2000 testbeds each. Note that ε = 0.1 cannot reach
# more than 0.91: it goes on exploring for ever.
#
# In exercise 2, `epsilon_greedy`, you write both halves. Two mistakes are famous there, and neither shows on this testbed: taking the first of equally good
# arms (E10), since here all arms are alike, and exploring only among the *other* arms.
#
# ### Three better ways to explore
#
# Be an optimist: begin with estimates far too high, and be greedy. Prediction: what happens at the eleventh step?

# %%
optimist = figure("2.3", alt="Share of the best arm against steps: the optimist explores at first, has a spike at step 11, and overtakes ε-greedy.")

# %% [markdown]
# After ten disappointments every arm has been tried once, and the eleventh pull takes the one that disappointed least: the best arm in 44.55 % of the runs. One
# pull later that arm has disappointed again.
#
# Or give each arm a bonus for how little is known of it, $Q(a) + c \sqrt{\ln t / N(a)}$. Or learn preferences instead of values, and climb the gradient.

# %%
bounds = figure("2.4", alt="Average reward against steps: UCB with c = 2 above ε-greedy with ε = 0.1 after the first hundred steps, with a spike at step 11.")
gradients = figure("2.5", alt="Share of the best arm against steps for gradient bandits with α = 0.1 and 0.4, each with and without a baseline: without one, "
                              "much worse.")  # fmt: skip
show("from_scratch.bandits.ucb:UCBBandit.upper_bound", "eq. (2.10)")

# %% [markdown]
# The arms of the last figure pay 4 more than before. Without a baseline every reward then looks good, and the best arm is found in 47.6 % of the steps
# instead of 85.1 % (α = 0.1). You will meet baselines again in module m08.
#
# ### Which one is best?
#
# Each has a parameter, so compare them over all of it. That is the fair way, and much published comparison is not.

# %%
contest = figure("2.6", alt="Mean reward over 1000 steps against each method's parameter, on a logarithmic axis: four arches; UCB's is the highest, then the "
                            "optimist's, the gradient bandit's, ε-greedy's.")  # fmt: skip
record = study("ucb-log")

# %% [markdown]
# At their best: UCB 1.471, the optimist 1.447, the gradient bandit 1.396, ε-greedy 1.316. But read the axes: this is the mean over the first 1000 steps. The
# study below it asks what comes later. UCB's regret, the reward that was missed, grew by 0.83 times as much from 10,000 to 100,000 pulls as from 1000 to
# 10,000, as a logarithm does; ε-greedy's grew by 9.8 times as much, since a constant ε never stops paying for exploration.
#
# What goes wrong: constant step sizes where averages are meant (with α = 0.1 the rewards 1, 0, 2 give 0.281 instead of 1), and averages where the world drifts.

# %%
Q = 0.0
for r in (1.0, 0.0, 2.0):
    Q += 0.1 * (r - Q)
expect("Q after 1, 0, 2 with α = 0.1", Q, "0.281")

# %% [markdown]
# Now the exercises `two_by_two`, `returns`, `estimate_model` and `epsilon_greedy`, and the quiz: `sb3-course lesson quiz m01`. To read: Sutton & Barto,
# chapter 2 and sections 3.1–3.4; Silver's lectures 1 and 9.

# %% [markdown]
# ## What the syllabus said, and what we measured
#
# | the syllabus | measured |
# |---|---|
# | the transition table of a 2 × 2 grid | 4 of its 16 entries are wrong (E17) |
# | `env.P`, `env.state` | neither exists behind `gym.make`: `env.unwrapped.P`, `env.unwrapped.s` (E2, E3) |
# | "later we'll enable slipperiness" | the best chance to arrive falls from 1.00 to 0.74 |
# | "we have to learn P and R" | 10,000 random steps leave errors of some hundredths in V, and 20 pairs untried |
# | episodic and continuing tasks | access control: 2.748 per step is the best, our learner earns 2.64 |
# | bandits (not in the syllabus's code) | best of four at 1000 steps: UCB, with 1.471 per step |
