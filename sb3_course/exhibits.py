# %% [markdown]
# # Errors on show
#
# Twenty errors of the two syllabi that this course was made from, E1 to E20. Each is shown as what it says, what its run gives, and what repairs it.
#
# The scripts of the syllabi are not part of this project. What stands here is the erroneous form as the list of their errors describes it, cut down to
# the lines that err; the names in backticks are theirs. Every number is computed here, and fails the run if it is off.

# %%
import gymnasium as gym
import numpy as np

from from_scratch import ValueIteration
from from_scratch.core.exact.values import expected_return
from sb3_course.teaching.lesson import expect, show

gym.logger.min_level = 50  # some errors warn on their way
dry = gym.make("FrozenLake-v1", is_slippery=False)  # FrozenLake without slipping


def tables(env, masked):
    """p(s'|s, a) and r(s, a) of an environment with a table P; the end leads nowhere if masked."""
    P = env.unwrapped.P
    p, r = np.zeros((len(P), len(P[0]), len(P))), np.zeros((len(P), len(P[0])))
    for s in P:
        for a in P[s]:
            for probability, s_next, reward, done in P[s][a]:
                r[s, a] += probability * reward
                p[s, a, s_next] += probability * (not (done and masked))
    return p, r


# %% [markdown]
# ## E1. The end of an episode is planned through
#
# `done` is unpacked and not used, in policy evaluation and in policy iteration:
#
# ```python
# for prob, next_state, reward, done in env.P[state][action]:
#     v += prob * (reward + gamma * V[next_state])
# ```

# %%


def best_value(name, masked, gamma=0.99):
    """V*(start), by value iteration with that line or with the repaired one."""
    env = gym.make(name)
    p, r = tables(env, masked)
    V = np.zeros(len(p))
    while (change := np.abs((new := (r + gamma * p @ V).max(-1)) - V).max()) > 1e-6:
        V = new
    assert change <= 1e-6
    return env.unwrapped.initial_state_distrib @ new


worlds = ("FrozenLake-v1", "CliffWalking-v1", "CliffWalkingSlippery-v1", "Taxi-v4")
expect("as it stands: lake, cliff, slippery cliff, taxi", [best_value(name, False) for name in worlds], "0.5420 -100.0 -100.0 835.0")
expect("repaired", [best_value(name, True) for name in worlds], "0.5420 -12.248 -46.353 6.327")

# %% [markdown]
# Repair: `reward + gamma * (not done) * V[next_state]`. On FrozenLake, on which it is taught, the error costs nothing; on Taxi 835.0 stands for 6.327.
#
# ## E2. The table is looked for on the wrapper
#
# `env.P` of an environment that `gym.make` gave:

# %%
try:
    print(dry.P)
except AttributeError as error:
    print("AttributeError:", error)
expect("states in env.unwrapped.P", len(dry.unwrapped.P), "16")

# %% [markdown]
# Repair: `env.unwrapped.P`. Wrappers do not pass it on since Gymnasium 1.0.
#
# ## E3. So is the state
#
# `env.state`, to see where the agent is:

# %%
dry.reset(seed=0)
try:
    print(dry.state)
except AttributeError as error:
    print("AttributeError:", error)
expect("env.unwrapped.s at the start", dry.unwrapped.s, "0")

# %% [markdown]
# Repair: `env.unwrapped.s`; it is FrozenLake's own name. The observation that `reset` and `step` return says the same.
#
# ## E4. One action a state, and no limit on the sweeps
#
# The equation above the code has π(a|s) in it; the code takes `policy[state]`, one action. And it sweeps until nothing changes:
#
# ```python
# while True:
#     ...
#     if delta < theta:
#         break
# ```
#
# On the cliff, with γ = 1 and a policy that always walks up, each sweep takes 1 from every value, for ever:

# %%
p, r = tables(gym.make("CliffWalking-v1"), masked=True)
V = np.zeros(48)
for _ in range(1000):
    old, V = V, (r + p @ V)[:, 0]
expect("the change in the thousandth sweep", np.abs(V - old).max(), "1")
expect("V(start) by then", V[36], "-1000")

p, r = tables(dry, masked=True)
uniform = np.linalg.solve(np.eye(16) - 0.99 * p.mean(1), r.mean(1))
expect("what one action a state cannot say: V(start) of random moves on the lake", uniform[0], "0.0124")

# %% [markdown]
# Repair: a matrix π(a|s), and `max_sweeps`; or solve the linear equations.
#
# ## E5. Policy iteration that compares actions
#
# "Stable" is when no action has changed. Where two actions are equally good that may never be so. And where γ = 1, the first of the best may lead nowhere:

# %%
best = ValueIteration("TabularPolicy", dry, gamma=1.0).learn(10**9)
expect("V*(start), γ = 1", best.values[0], "1")
expect("return of the first of the best actions", expected_return(dry, best.q_table.argmax(-1)), "0")
expect("return if an action is only replaced by a better one", expected_return(dry, best.predict(np.arange(16), deterministic=True)[0]), "1")

rng = np.random.default_rng(0)
equal, actions, changes = np.ones((20, 2)), np.zeros(20, dtype=int), 0  # Q of 20 states with two actions that are the same
for _ in range(100):
    new = (equal * rng.random(equal.shape)).argmax(-1)  # one of the best, by lot
    changes += bool((new != actions).any())
    actions = new
expect("rounds of 100 in which some action changed, with ties drawn by lot", changes, "100")

# %% [markdown]
# Repair: replace an action only if the new value is larger than the old one by more than a tolerance.
#
# ## E6. First visits that are last visits
#
# `mc_prediction` walks back through the episode and keeps a set of the states that it has met:
#
# ```python
# visited = set()
# for state, reward in reversed(episode):
#     G = reward + gamma * G
#     if state not in visited:
#         visited.add(state)
#         returns[state].append(G)
# ```
#
# The first that is met on the way back is the last visit. A machine that pays 1 a step and breaks down with probability 0.1 is worth 10:

# %%
lives = np.random.default_rng(0).geometric(0.1, 20_000)  # steps of each episode; all in one state
expect("as it stands: the return from the last visit", np.ones(20_000).mean(), "1.000")
expect("repaired: from the first", lives.mean(), "10.0", tolerance=0.3)

# %% [markdown]
# Repair: `if state not in states[:t]`.
#
# ## E7. Means of lists, and episodes that were cut
#
# `V[s] = np.mean(returns[s])`, after every episode: the time for n episodes grows as n². And an episode that a time limit cut is taken for a whole one:

# %%
expect("numbers added up for 1000 episodes, if each time the whole list is", sum(range(1, 1001)), "500500")
expect("the machine, watched for ten steps at most", np.minimum(lives, 10).mean(), "6.5", tolerance=0.12)

# %% [markdown]
# Repair: V ← V + (G − V) / n, and no return of a cut episode without an estimate of what would have followed.
#
# ## E8. A random policy that is not random
#
# `evaluate_policy` is shown on a "random policy". It always goes right:

# %%
right = np.linalg.solve(np.eye(16) - 0.99 * p[:, 2], r[:, 2])
expect("V(start) of always going right on the lake", right[0], "0")
expect("of random moves", uniform[0], "0.0124")

# %% [markdown]
# Repair: π(a|s) = ¼. (The name is that of a function of Stable-Baselines3, which does something else.)
#
# ## E9. The end of an episode is learnt through
#
# ```python
# Q[state, action] += alpha * (reward + gamma * np.max(Q[next_state]) - Q[state, action])
# ```
#
# This relies on Q being 0 behind the end. In Blackjack, `stick` shows the same cards again. Here the player has 20 and the dealer shows a 10; he sticks a
# thousand times, with α = ½ and γ = 1:

# %%
game = gym.make("Blackjack-v1").unwrapped
game.reset(seed=0)
rewards = []
for _ in range(4000):
    game.player, game.dealer = [10, 10], [10, game.dealer[0]]
    game.dealer[1] = int(game.np_random.choice([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10]))
    rewards.append(game.step(0)[1])
Q = 0.0
for reward in rewards[:1000]:
    Q += 0.5 * (reward + Q - Q)
expect("as it stands: Q(20, stick) after a thousand", Q, "218", tolerance=60)
expect("repaired: the mean of the rewards", np.mean(rewards), "0.435", tolerance=0.06)

# %% [markdown]
# Repair: `gamma * (not terminated) * np.max(Q[next_state])`. No more than 1 can be won.
#
# ## E10. The first of equal actions
#
# `np.argmax(Q[state])` on a table of zeros is action 0, "left", every time. Only the ε of the time does anything else happen. Ten seeds on the lake without
# slipping, 4000 steps each:

# %%
from from_scratch import QLearning  # noqa: E402


class FirstOfEquals(QLearning):
    def choose(self, s, u):
        in_order = np.broadcast_to(np.linspace(1, 0, self.n_actions), u[..., 2:].shape)
        return super().choose(s, np.concatenate([u[..., :2], in_order], -1))


def solved(learner):
    """How many of ten seeds reach the goal, greedily."""
    epsilon = {"exploration_initial_eps": 0.1, "exploration_final_eps": 0.1}
    model = learner("TabularPolicy", lambda: gym.make("FrozenLake-v1", is_slippery=False), seeds=range(10), learning_rate=0.8, gamma=0.95, **epsilon)
    model.learn(4000)
    return sum(expected_return(dry, model.member(k).predict(np.arange(16), deterministic=True)[0]) for k in range(10))


expect("as it stands: seeds of ten that reach the goal", solved(FirstOfEquals), "0")
expect("repaired", solved(QLearning), "10")

# %% [markdown]
# Repair: draw among the best, `rng.choice(np.flatnonzero(Q[s] == Q[s].max()))`.
#
# ## E11. Constant steps, and two sources of chance
#
# α and ε stay what they are, so Q goes on to move. A coin that pays 0 or 1 is worth 0.5; the error after 400 tosses, over 200 runs:

# %%
tosses = np.random.default_rng(0).integers(0, 2, size=(200, 400))
V = np.zeros(200)
for toss in tosses.T:
    V += 0.5 * (toss - V)
expect("as it stands: with a constant α of 0.5", np.sqrt(((V - 0.5) ** 2).mean()), "0.29", tolerance=0.03)
expect("repaired: with 1/n", np.sqrt(((tosses.mean(1) - 0.5) ** 2).mean()), "0.025", tolerance=0.005)

# %% [markdown]
# And `np.random` decides whether to explore, `env.action_space.sample()` what: two generators, of which `np.random.seed` seeds one.

# %%
drawn = set()
for _ in range(20):
    np.random.seed(0)
    drawn.add((np.random.random(), gym.make("Taxi-v4").action_space.sample()))
expect("runs of 20 with the same np.random.seed(0): different first draws of np.random", len({chance for chance, _ in drawn}), "1")
print("are the actions drawn different, too?", len(drawn) > 1)

# %% [markdown]
# Repair: steps of 1/n or n^−0.8, ε that falls, and one generator that is handed on.
#
# ## E12. Headings without code
#
# Value iteration, Sarsa and actor-critic are listed, and no code follows. Here the lines are:

# %%
show("from_scratch.dynamic_programming.value_iteration:ValueIteration", "eq. (4.10)")
show("from_scratch.temporal_difference.sarsa:SARSA.update")
show("from_scratch.policy_gradient.actor_critic:ActorCritic.update")

# %% [markdown]
# ## E13. A time limit learnt as a death
#
# `done = terminated or truncated` is stored, and used as the mask. Take a world that pays 1 a step for ever, γ = 0.9, watched in episodes of ten steps:

# %%
V_done = V_terminated = 0.0
for _ in range(2000):  # one state; each tenth step is the last of an episode
    V_done = np.mean([1 + 0.9 * V_done * (step != 9) for step in range(10)])
    V_terminated = 1 + 0.9 * V_terminated
expect("as it stands", V_done, "5.26")
expect("repaired", V_terminated, "10.00")

# %% [markdown]
# Repair: store `terminated`, and the true last observation (`infos["terminal_observation"]` in Stable-Baselines3).
#
# ## E14. DQN's clock runs on episodes
#
# The target network is copied every 10 episodes, and ε falls once an episode. An episode of CartPole has some 20 steps at first and 500 in the end:

# %%
expect("steps between two copies: at first, in the end", [10 * 20, 10 * 500], "200 5000")
expect("by which factor the target grows older as the agent gets better", 500 / 20, "25")
expect("axes left of a batch of one by .squeeze(), of a batch of two", [np.zeros((1, 1)).squeeze().ndim, np.zeros((2, 1)).squeeze().ndim], "0 1")

# %% [markdown]
# Repair: schedules that count environment steps; Huber's loss and a limit on the gradient; `.squeeze(-1)`; a memory in arrays, because `random.sample` of a
# `deque` takes longer the fuller it is; evaluation apart from training.
#
# ## E15. Whitening within one episode
#
# ```python
# returns = (returns - returns.mean()) / (returns.std() + 1e-9)
# ```

# %%


def whitened(returns):
    """With torch's deviation, which divides by n − 1."""
    returns = np.array(returns, dtype=float)
    with np.errstate(all="ignore"):
        deviation = np.sqrt(((returns - returns.mean()) ** 2).sum() / np.float64(len(returns) - 1))
        return (returns - returns.mean()) / (deviation + 1e-9)


expect("numbers that are not NaN after an episode of one step", np.isfinite(whitened([1.0])).sum(), "0")
expect("weights of an episode with returns 20, 10", whitened([20, 10]), "0.707 -0.707")
expect("weights of one with returns 2, 1", whitened([2, 1]), "0.707 -0.707")

# %% [markdown]
# A good episode counts as much as a bad one, and a short one ends the run. Repair: a batch of episodes, and a baseline that is learnt.
#
# ## E16. A test loop that tests little
#
# The loop calls `model.predict(obs)`, which draws from the policy where nothing else is said, and does not reset the environment when an episode is over:

# %%
import inspect  # noqa: E402

from from_scratch import PPO  # noqa: E402

expect("is predict deterministic by default? (1: yes)", inspect.signature(PPO.predict).parameters["deterministic"].default, "0")
pole = gym.make("CartPole-v1").unwrapped
pole.reset(seed=0)
expect("200 steps to the right without a reset: the rewards add up to", sum(pole.step(1)[1] for _ in range(200)), "8")

# %% [markdown]
# After the first fall nothing is paid any more, however long one looks. Repair: `deterministic=True`, a reset after each episode, `env.close()`; and more than
# 10,000 steps of training.
#
# ## E17. Four wrong entries in sixteen
#
# The 2 × 2 grid: cells 0 1 above 2 3, the goal is 3. Its table, without the rewards:

# %%
syllabus = {"Left": [0, 1, 2, 3], "Right": [1, 1, 3, 3], "Up": [0, 0, 2, 1], "Down": [2, 3, 2, 3]}
picture = {"Left": [0, 0, 2, 3], "Right": [1, 1, 3, 3], "Up": [0, 1, 0, 3], "Down": [2, 3, 2, 3]}
wrong = [(name, s) for name in picture for s in range(4) if syllabus[name][s] != picture[name][s]]
for name, s in wrong:
    print(f"{name} from {s} leads to {syllabus[name][s]}, should be {picture[name][s]}")
expect("entries that are wrong", len(wrong), "4")

# %% [markdown]
# Repair: a table that a test compares with the picture.
#
# ## E18. A window, where there may be none
#
# `render_mode="human"` opens a window, and fails on a server. And `pip install gymnasium` alone brings neither the pictures of the toy texts nor Box2D,
# MuJoCo or Atari. This works everywhere:

# %%
lake = gym.make("FrozenLake-v1", render_mode="ansi")
lake.reset(seed=0)
text = lake.render()
print(text)
expect("fields on the map", sum(text.count(letter) for letter in "SFHG"), "16")

# %% [markdown]
# Repair: `render_mode="ansi"` or `"rgb_array"`, and `pip install "gymnasium[toy-text]"`.
#
# ## E19. Old names
#
# "Gym" is Gymnasium now; D4RL's data sets are kept by Minari; "DQN following Spinning Up" cannot be: it has no DQN. "10 modules" are numbered from 0 to 10.

# %%
old = ("FrozenLake-v0", "Taxi-v3", "CliffWalking-v0", "LunarLander-v2")
gone = 0
for name in old:
    try:
        gym.spec(name)
    except gym.error.Error as error:
        gone += 1
        print(f"{name}: {error}")
expect("names of four that are gone", gone, "4")
expect("modules from 0 to 10", len(range(0, 11)), "11")

# %% [markdown]
# ## E20. Slogans
#
# "MC works for episodic tasks but not infinite ones." What Monte Carlo needs is a return. With γ = 0.9 a world that pays 1 a step for ever has one, and whoever
# stops after a hundred steps has nearly all of it:

# %%
expect("return of the first hundred steps, of 10", sum(0.9**t for t in range(100)), "9.9997")

# %% [markdown]
# "DDPG/TD3 for robotics" and SAC as the best are slogans, too: what was measured stands in the ledger of claims.
