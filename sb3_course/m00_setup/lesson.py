# %% [markdown]
# # Setup and self-check
#
# This first lesson gets you a working installation, a first episode, and a first distrust of a single number. It is a plain Python script: read it here, or run
# it with `python lesson.py`. Whenever it says `expect`, a number that the text states is computed again and compared.
#
# What you should know before you go on: vectors, matrices and eigenvectors; derivatives; expectations and conditional probabilities; how gradient descent
# walks; what a Markov chain is; Python with NumPy. The exercise `prerequisites` asks one question about each, so that you find out in 45 minutes what to
# repeat. Nothing here needs a GPU, an account, or the network.

# %% [markdown]
# ## An installation that answers
#
# Four ways to install, each with the versions in `constraints.txt`:
#
# ```sh
# make install                                # in a clone: makes .venv
# python -m venv .venv && .venv/bin/pip install -c constraints.txt -e .    # the same by hand
# conda env create -f environment.yml         # in conda; then conda activate sb3-course
# docker build -t sb3-course .                # in a container; how to run it stands at the head of the file Dockerfile
# ```
#
# Then ask it how it is:
#
# ```sh
# sb3-course doctor
# sb3-course exercise list first-seven
# ```
#
# `doctor` names each package, its version, and what to type if one is missing. Some environments need extras, which are not installed by default; a module
# that needs one says so in `sb3-course lesson list`.
#
# Why a virtual environment, and why fixed versions? Because the same seed gives the same run only with the same code below it. Prediction: somebody wants to
# repeat your run. Is the seed enough, or must they know the versions that this prints?

# %%
import math
import platform
import re
import warnings

import gymnasium as gym
import numpy as np

from sb3_course.teaching.lesson import expect, show

print("Python", platform.python_version(), "Gymnasium", gym.__version__, "NumPy", np.__version__)
expect("Gymnasium's major version", int(gym.__version__.split(".")[0]), "1")

# %% [markdown]
# They must know both. Keep this habit: a number without its seed, its versions and its number of runs is a rumour.

# %% [markdown]
# ## A first step, without a window
#
# FrozenLake is a lake of 16 cells. S is the start, G the goal, H a hole, F frozen. With `is_slippery=False` you go where you want to.
#
# Prediction: the action 2 means right. After one step to the right, in which cell are you, and what did you earn?

# %%
env = gym.make("FrozenLake-v1", is_slippery=False, render_mode="ansi")
observation, info = env.reset(seed=0)
observation, reward, terminated, truncated, info = env.step(2)


def picture(text):
    """The text picture, with the agent's cell in brackets instead of in red."""
    return re.sub("\x1b\\[41m(.)\x1b\\[0m", r"[\1]", text)


print(picture(env.render()))
print(observation, reward, terminated, truncated)
expect("the cell after one step to the right", observation, "1")
expect("what it paid", reward, "0")

# %% [markdown]
# Cells are numbered from 0, row by row. One step pays nothing; the goal alone pays 1.
#
# Four things to remember of these lines.
#
# - `reset` gives two things, the observation and a dictionary. `observation = env.reset()` is a frequent slip: the "state" is then a tuple.
# - `step` gives five things. Old texts have four, with one `done`.
# - `render_mode` is chosen when the environment is made. `"human"` opens a window, and fails where there is no screen: on a server, in a container, in a test.
#   `"ansi"` gives a text, `"rgb_array"` a picture as numbers. Both work everywhere, and a picture can be kept. (The syllabus has `"human"`: error E18.)
# - `pip install gymnasium` alone does not bring what draws FrozenLake. The extra is called `gymnasium[toy-text]`; ours has it.
#
# Where is the goal, in steps? Walk there.

# %%
observation, _ = env.reset(seed=0)
total, walked = 0.0, [observation]
for action in (1, 1, 2, 1, 2, 2):  # down, down, right, down, right, right
    observation, reward, terminated, truncated, _ = env.step(action)
    total += float(reward)
    walked.append(observation)
print(picture(env.render()))
expect("cells on the way", walked, "0 4 8 9 13 14 15")
expect("return of the walk", total, "1")
expect("terminated, truncated", [terminated, truncated], "1 0")

# %% [markdown]
# What goes wrong: forgetting to reset. An environment that has ended does not complain loudly; it may go on returning something. Never step behind the end.
#
# The exercise `first_step` is this section, written by you.

# %% [markdown]
# ## Two ways for an episode to be over
#
# An episode may end because of what happened: the pole fell, the goal was reached. That is `terminated`: nothing follows, the future is worth 0. Or it may be
# cut short because we stopped looking: a time limit. That is `truncated`: the pole still stands, and its future is worth a lot.
#
# Both end the loop. Only the first one may change a value. Much code mixes them up (error E13, module m07: a DQN that learns that balancing for 500 steps is
# death), so keep them apart from the first day.
#
# In Gymnasium the two come from two places: the environment says `terminated` (and `False` for the other), a wrapper around it says `truncated`.

# %%
show("gymnasium.wrappers.common:TimeLimit.step", "truncated = True")
show("gymnasium.envs.classic_control.cartpole:CartPoleEnv.step", "False, {}")
expect("CartPole-v1: steps until an episode is cut short", gym.spec("CartPole-v1").max_episode_steps, "500")
print(gym.make("CartPole-v1"))

# %% [markdown]
# The last line shows the onion: `TimeLimit` around `OrderEnforcing` around `PassiveEnvChecker` around the environment itself, which is `env.unwrapped`.

# %% [markdown]
# ## A random agent, and what one episode tells
#
# A puzzle. You write your first agent; it pushes the cart at random. Its first episode lasts 31 steps. The exercise says 22. Is your agent broken?
#
# Prediction: among 2000 random episodes, how many last 31 steps or more? One in a hundred? One in five?


# %%
def returns(policy, n, seed):
    """The returns of n episodes of CartPole-v1; policy draws an action from a generator."""
    env, rng = gym.make("CartPole-v1"), np.random.default_rng(seed)
    found = []
    for episode in range(n):
        env.reset(seed=seed if episode == 0 else None)
        total, over = 0.0, False
        while not over:
            _, reward, terminated, truncated, _ = env.step(policy(rng))
            total, over = total + float(reward), terminated or truncated
        found.append(total)
    return np.array(found)


found = returns(lambda rng: int(rng.integers(2)), 2000, seed=0)
expect("random agent, 2000 episodes: mean return", found.mean(), "22.1", tolerance=1.1)
expect("standard deviation", found.std(), "11.9", tolerance=1.6)
expect("shortest episode", found.min(), "8")
expect("share of episodes with 31 steps or more", (found >= 31).mean(), "0.17", tolerance=0.035)
expect("always left: mean return", returns(lambda rng: 0, 300, seed=0).mean(), "9.35", tolerance=0.2)

# %% [markdown]
# About one episode in six lasts 31 steps or more: the standard deviation of a return is 11.9, more than half of the mean. So nothing is broken, and nothing is
# shown either.
#
# The equation to remember is that of the standard error. The mean of n returns with standard deviation σ scatters around the true mean by $σ/\sqrt{n}$: with
# n = 100 that is 1.2, with n = 1000 it is 0.4. If you test a mean of 100 against 22.1 and leave room for ±2 only, you fail 9 % of all right agents; with four
# standard errors nearly none.

# %%
expect("standard error of the mean of 100 returns", 11.9 / np.sqrt(100), "1.2")
expect("standard error of the mean of 1000 returns", 11.9 / np.sqrt(1000), "0.4")
expect("right agents whose mean of 100 is off by more than 2, in percent", 100 * math.erfc(2 / 1.19 / math.sqrt(2)), "9")
means = found.reshape(20, 100).mean(1)
print("twenty means of 100 returns:", *means.round(1))
expect("of twenty means of 100, those between 17.3 and 26.9", ((means > 17.3) & (means < 26.9)).sum(), "20")

# %% [markdown]
# Now seeds. `env.reset(seed=0)` seeds the environment. It does not seed `env.action_space`, nor `np.random`. Prediction: two environments are reset with
# seed 0, and each samples 20 actions from its action space. Are they the same?

# %%
one, other = gym.make("CartPole-v1"), gym.make("CartPole-v1")
first, _ = one.reset(seed=0)
second, _ = other.reset(seed=0)
expect("same first observation", float((first == second).all()), "1")
alike = one.action_space.np_random.bit_generator.state == other.action_space.np_random.bit_generator.state
expect("same generators of actions after reset(seed=0)", float(alike), "0")
one.action_space.seed(0)
other.action_space.seed(0)
same = [int(one.action_space.sample()) for _ in range(20)] == [int(other.action_space.sample()) for _ in range(20)]
expect("same actions after both action spaces are seeded", float(same), "1")

# %% [markdown]
# Not before the action spaces are seeded: each has a generator of its own. What goes wrong: a program seeds one of its sources of chance and calls itself
# reproducible (error E11). In this course every function that draws takes a generator, `rng`, and uses no other.
#
# Exercise 1, `random_agent`, is this section, with a log: `sb3-course exercise start 1`.

# %% [markdown]
# ## Reading other people's code
#
# You will read more code than you write. Three habits make it quick.
#
# - *Ask Python where something is.* `python -c "import gymnasium; print(gymnasium.__file__)"`, then open the file. What is installed is the truth; a page on
#   the web may be about another version.
# - *Search for the word, then for who writes it.* `terminal_observation` appears in many of Stable-Baselines3's files; it is assigned in very few.
# - *Read the test first, if there is one.* It shows how the thing is meant to be used, and what can go wrong.
#
# Try it. Our exact planner must not add a value behind a terminal transition. Which line takes care of that? Search for `terminated`:

# %%
show("from_scratch.core.exact.mdp:model_of", "terminated")
show("from_scratch.core.exact.mdp:Model.backup")

# %% [markdown]
# The answer is one line in `model_of`: a terminal transition leads nowhere, so `p` has no entry for it, and `backup` needs no mask. Its reward does count.
# Remember the place: many of the errors in this course are about it.
#
# The exercise `read_the_code` asks five such questions about what is installed on your machine; an answer is a file and a line.
#
# Git and notebooks: `git log -S "terminal_observation" -- FILE` tells when a word came into a file and why. `sb3-course lesson notebook m00` makes a notebook
# of this lesson.

# %% [markdown]
# ## Old names and dead packages
#
# The syllabus, like many texts, mixes names of ten years. This table tells what they are called now.
#
# | you read | it is now |
# |---|---|
# | OpenAI Gym, `import gym` | Gymnasium, `import gymnasium as gym`; Gym is not maintained |
# | `obs = env.reset()`, `obs, r, done, info = env.step(a)` | two and five things |
# | `env.seed(0)` | `env.reset(seed=0)` |
# | FrozenLake-v0, Taxi-v3, CliffWalking-v0, LunarLander-v2 | FrozenLake-v1, Taxi-v4, CliffWalking-v1, LunarLander-v3 |
# | "CartPole is solved at 195" | that was CartPole-v0, of 200 steps; CartPole-v1 has 500, and its threshold is 475 |
# | D4RL | Minari |
# | "DQN, following Spinning Up" | Spinning Up has VPG, TRPO, PPO, DDPG, TD3 and SAC, and no DQN |
# | installing Spinning Up | it needs Python 3.6; read it, do not install it |
#
# An old name fails, and says so. An old threshold does not.

# %%
for name in ("FrozenLake-v0", "Taxi-v3", "CliffWalking-v0"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            gym.make(name)
            print(f"{name} still exists")
        except gym.error.Error as error:
            print(f"{name}: {error}")
expect("CartPole-v0: its threshold, its steps", [gym.spec("CartPole-v0").reward_threshold, gym.spec("CartPole-v0").max_episode_steps], "195 200")
expect("CartPole-v1: its threshold, its steps", [gym.spec("CartPole-v1").reward_threshold, gym.spec("CartPole-v1").max_episode_steps], "475 500")

# %% [markdown]
# What goes wrong: an agent that reaches 195 on CartPole-v1 is called a success. It balances for less than half of the time (error E19 is of this family: a name
# that means something else than one thinks).
#
# Now the quiz: `sb3-course lesson quiz m00`. Then exercise 1, if you have not done it. To read: Sutton & Barto, chapter 1, and "Basic usage" in Gymnasium's
# documentation.

# %% [markdown]
# ## What the syllabus said, and what we measured
#
# | the syllabus | measured |
# |---|---|
# | `gym.make("FrozenLake-v1", render_mode="human")` | needs a screen (E18); `"ansi"` prints the same lake anywhere |
# | `pip install gymnasium numpy matplotlib` | FrozenLake's pictures need the extra `toy-text` as well |
# | run a random agent on CartPole-v1, log its rewards | mean 22.1, standard deviation 11.9, never below 8; always left: 9.35 |
# | install Spinning Up's repository | it asks for Python 3.6; we read it beside ours instead |
# | "10 modules" | its table lists 0 to 9, its text goes on to 10: eleven |
# | OpenAI Gym | Gymnasium |
