# %% [markdown]
# # Deep value learning
#
# Q-learning with a network in place of the table is ten lines longer than Q-learning with a table. Most of the ten are there because the shorter program
# diverges. This lesson takes DQN apart: what each part is for, what papers have added, and what we found when we measured it.
#
# A puzzle to begin with. One program, one task (CartPole, 500 at best), 20,000 steps, ten runs which differ in their random seed alone. The worst run ends
# at a mean return of 67.5. Predict: where does the best one end?

# %%
import numpy as np
import torch
import torch.nn.functional as F

from from_scratch import C51, DQN, DoubleDQN
from from_scratch.core.atoms import projected
from from_scratch.value_based.dueling_dqn import DuelingNetwork
from from_scratch.value_based.naive_deep_q import DiagnosedDQN, DQNWithoutReplay, DQNWithoutTarget, NaiveDeepQ
from sb3_course.teaching.lesson import expect, show, study

torch.set_num_threads(1)

cells = study("quickstart")["groups"]["control"]["cells"]
ours, theirs = (np.array(cells[f"{name} / CartPole-v1"]["scores"])[:, -1] for name in ("dqn", "sb3/dqn"))
expect("worst, middle and best of ten seeds", [ours.min(), np.median(ours), ours.max()], "67.5 115.2 341.9", tolerance=0.06)
expect("largest difference between our runs and Stable-Baselines3's", np.abs(ours - theirs).max(), "0")
expect("runs that reach 475", (ours >= 475).sum(), "0")

# %% [markdown]
# It ends at 341.9, five times as high. So "I ran it, it learns" and "I ran it, it does not" are both what one run of a right program may show, and a wrong
# program may do as well as many right ones. Two things follow, and they are the thread of this lesson. Test the parts where the answer is known, before any
# benchmark. And judge a whole agent by many seeds. (Our runs and Stable-Baselines3's are the same to the last digit: same draws, same numbers.)
#
# ## DQN, line by line
#
# DQN plays ε-greedily, keeps its steps in a memory, and learns from random batches of them. Two networks: θ learns, and θ⁻, a copy that is renewed now and
# then, makes the targets.
#
# $$y = r + \gamma \max_{a'} Q(s', a'; \theta^-), \qquad y = r \text{ where the episode terminated}$$

# %%
show(DQN.loss)

# %% [markdown]
# The syllabus's script looks much like this. Read it with four questions. Does it make a difference between the end of an episode and a time limit? (It
# stores `done = terminated or truncated`, E13.) What is counted? (Its target network is renewed every ten *episodes*, and ε falls once an *episode*, E14.)
# What shapes meet in the loss? (It calls `squeeze()`, which turns a batch of one into a single number.) And can it be repeated? (It takes no seed.)
#
# Take the counting first. An episode of CartPole lasts 20 steps at the beginning and 500 at the end. Predict: by how much does the time between two
# renewals grow? And how random is the agent after 50,000 steps, if ε is multiplied by 0.995 an episode, when all episodes last 20 steps, and when they last
# 500?

# %%
expect("steps between two renewals, at first and at last", [10 * 20, 10 * 500], "200 5000")
expect("ε after 50,000 steps, episodes of 500 and of 20 steps", [0.995 ** (50_000 / 500), 0.995 ** (50_000 / 20)], "0.606 0.000")

# %% [markdown]
# Twenty-five times. The better the agent, the staler its targets, and the longer it goes on exploring: the schedule depends on the success. Count
# steps.
#
# ## The end, and the end of patience
#
# CartPole ends for two reasons. The pole falls: nothing follows, and the future is worth 0. Or 500 steps are over: we stopped looking, but the pole stands.
# A probe makes the difference plain. One state pays 1 a step, and every tenth step is cut by a time limit, γ = 0.9. What is the state worth? The right
# answer is $1 / (1 - \gamma)$, whatever the limit.

# %%


def learnt(targets):
    """Where a value ends that moves to the mean of its targets."""
    v = 0.0
    for _ in range(2000):
        v += 0.1 * (np.mean(targets(v)) - v)
    return v


gamma = 0.9
goes_on = lambda v: [1 + gamma * v] * 10
dies = lambda v: [1 + gamma * v] * 9 + [1]
expect("V, the cut bootstrapped, and the cut taken for death", [learnt(goes_on), learnt(dies)], "10.00 5.26")

# %% [markdown]
# 5.26 for 10. In CartPole `terminated or truncated` teaches that 500 steps of balance are death. How much does it cost on a real task? A study asked that,
# with PPO on a CartPole that is cut after 50 steps.

# %%
record = study("timelimit")
numbers = {number["name"]: number["point"] for number in record["numbers"]}
expect("values, in % of what the policy achieves", numbers["bias"], "-43.6")
expect("what is earned without the limit, wrong less right", numbers["return"], "5.1")

# %% [markdown]
# The values are 43.6 % too low, as the probe says. But the policy is not worse: the wrong agent earns 5.1 *more* when the limit is lifted. So no learning
# curve shows this error there, and the part of the study's claim that expects a worse policy is contradicted. The probe shows it at once.
#
# ## A memory, and a target that stands still
#
# Take the two remedies away, one after the other. If all rewards are 1 and γ = 0.99, no return can be larger than 100. Below, four agents play CartPole for
# 1500 steps, and the largest |Q| is noted. Predict: which of them go beyond 100?

# %%


def largest_value(agent, seed, **settings):
    model = agent("MlpPolicy", "CartPole-v1", seed=seed, learning_rate=1e-3, exploration_fraction=0.2, **settings).learn(1500)
    return float(model.max_abs_q[0])


memory = {"buffer_size": 2000, "learning_starts": 100}
arms = {
    "both": (DiagnosedDQN, {**memory, "target_update_interval": 100}),
    "no memory": (DQNWithoutReplay, {"target_update_interval": 100}),
    "no target network": (DQNWithoutTarget, memory),
    "neither": (NaiveDeepQ, {}),
}
found = {name: [largest_value(agent, seed, **settings) for seed in range(3)] for name, (agent, settings) in arms.items()}
for name, values in found.items():
    print(f"{name}: largest |Q| of three seeds " + ", ".join(f"{value:.3g}" for value in values))
expect("seeds of three that go beyond 100: both, no memory, no target network, neither", [sum(v > 100 for v in values) for values in found.values()], "0 0 3 3")

# %% [markdown]
# Without the target network the values leave all bounds: each update moves its own goal. The memory alone does not prevent it. What does that mean for the
# score? A study ran the four arms for longer, ten seeds each. Its claim, from the literature: each remedy helps, and the memory helps more.

# %%
record = study("replay-target")
arm = {name: np.mean(values) for number in record["numbers"] for name, values in number["arms"].items()}
stated = ("dqn_diagnosed", "dqn_without_replay", "dqn_without_target", "naive_deep_q")
expect("mean score over training: both, no memory, no target, neither", [arm[f"{name} on CartPole-v1"] for name in stated], "155.0 28.0 9.4 9.4")

# %% [markdown]
# Each does help: 155.0 with both, 28.0 without the memory, 9.4 without the target network. The order is the other way round: here it is the target network
# that matters more. "Contradicted", says the verdict, and means: on this task, with this loss, at this learning rate.
#
# The third remedy is easily overlooked. DQN's squared error is clipped: Huber's loss. An error of 10 pulls ten times as hard as an error of 1 in the
# squared loss, and no harder in Huber's.

# %%


def pull(loss, error):
    q = torch.zeros(1, requires_grad=True)
    loss(q, torch.tensor([float(error)])).backward()
    return -float(q.grad)


expect("pull of an error of 0.5, 1 and 10, half the squared error", [pull(lambda q, y: F.mse_loss(q, y) / 2, e) for e in (0.5, 1, 10)], "0.5 1 10")
expect("the same, Huber's loss", [pull(F.smooth_l1_loss, e) for e in (0.5, 1, 10)], "0.5 1 1")

# %% [markdown]
# ## Probes before benchmarks
#
# Most errors in such code raise nothing. The commonest: Q(s, a) has the shape [M], the target [M, 1], and PyTorch spreads both to a square [M, M], so that
# every prediction is drawn to every target. Two states, rewards −1 and 1, then the end: the values must become −1 and 1. Predict what the square learns.

# %%


def two_states(shape):
    q = torch.zeros(2, requires_grad=True)
    target = torch.tensor([-1.0, 1.0]).reshape(shape)
    optimiser = torch.optim.SGD([q], lr=0.5)
    for _ in range(200):
        optimiser.zero_grad()
        ((q - target) ** 2).mean().backward()
        optimiser.step()
    return q.tolist()


expect("values of the two states, target [M]", two_states((2,)), "-1.00 1.00")
expect("values of the two states, target [M, 1]", two_states((2, 1)), "0.00 0.00")

# %% [markdown]
# The mean, for all states alike. On CartPole, where every reward is 1, that looks like slow learning. A ladder of probes takes a minute and finds most of
# it:
#
# - one state, reward 1, then the end: V = 1. Is anything learnt?
# - two states, rewards −1 and 1: is the observation used?
# - two steps, reward at the end: V of the first is γ. Does it bootstrap, from the right state?
# - one state that is cut, not ended: V = 1 / (1 − γ). Are the two ends told apart?
# - one update beside a trusted implementation: the same weights.
#
# Exercise `dqn` is this ladder. Exercises `write_the_test` and `write_the_test_networks` turn it round: there you write the tests, and they have to find
# the faults in memories and networks of ours.
#
# ## Two estimates: Double DQN
#
# Ten actions are worth 0 each, and each estimate is off by noise N(0, 1). What does the best of them seem to be worth? And what does a *second*,
# independent estimate say of that action?

# %%
first, second = np.random.default_rng(0).normal(size=(2, 100_000, 10))
best = first.argmax(1)
rows = np.arange(len(first))
expect("the best of ten, by the table that chose it, and by the other", [first[rows, best].mean(), second[rows, best].mean()], "1.54 0.00", tolerance=0.02)

# %% [markdown]
# A maximum over noise is too large by 1.54, and bootstrapping hands that on from state to state. Double DQN lets one network choose and the other judge:

# %%
show(DoubleDQN.loss, "best")
show(DoubleDQN.loss, "eq. (4)")

# %% [markdown]
# What does it bring? On a task that was made for it, very much: an action that leads to many losing gambles looks good to Q-learning, and the more gambles
# there are the better.

# %%
record = study("maxbias-deep")
arm = {name: np.mean(values) for number in record["numbers"] for name, values in number["arms"].items()}
world = "from_scratch/MaximisationBias-v0~64"
expect(
    "% of choices of the losing action, 64 gambles: Q-learning, Double", [arm[f"{name} on {world}"] for name in ("q_learning", "double_q_learning")], "53.9 6.8"
)

# %% [markdown]
# And with networks, on CartPole?

# %%
record = study("ddqn-bias")
arm = {name: np.mean(values) for number in record["numbers"] for name, values in number["arms"].items()}
expect("value of the start above what is achieved, %: DQN, Double DQN", [arm["dqn on CartPole-v1"], arm["double_dqn on CartPole-v1"]], "7.8 5.5")

# %% [markdown]
# DQN's values are 7.8 % too high, Double DQN's 5.5 %. The difference, 2.3 points, has an interval that includes 0: twenty seeds do not distinguish them.
# Both are honest numbers. A remedy is worth what the illness is, and CartPole has two actions. Exercise: `double_target`.
#
# ## Two streams: dueling networks
#
# A dueling network computes V(s) and A(s, a) apart and joins them. Only their sum is ever seen, so one more condition is needed: the mean of A is taken
# away.

# %%
show(DuelingNetwork.outputs)

# %% [markdown]
# The point is what a single transition teaches. Raise Q(s, 0) a little: in a plain last layer the other actions stay where they are. Here V rises, and they
# rise along. By how much of what action 0 gains, with five actions, if each stream is one free number an action?

# %%
v, a = torch.zeros(1, requires_grad=True), torch.zeros(5, requires_grad=True)
join = lambda v, a: v + a - a.mean()
join(v, a)[0].backward()
moved = join(v.grad, a.grad)
expect("Q(s, 0) and Q(s, 1) after a step of size 1 on Q(s, 0)", moved[:2].tolist(), "1.8 0.8")

# %% [markdown]
# An action that was not taken moves by 0.8 where the one that was moves by 1.8. The paper's claim is that this helps the more, the more actions there are.
# Our study on its corridor, with 5 and with 20 actions:

# %%
record = study("dueling-actions")
numbers = {number["name"]: number["point"] for number in record["numbers"]}
expect("20 actions: error of the single stream over the dueling network's", numbers["twenty"], "1.8")
expect("doublings of that ratio from 5 to 20 actions, over training", numbers["growth"], "-2.6")

# %% [markdown]
# At 20 actions the single stream's error is 1.8 times as large, in an interval so wide that it says nothing; and from 5 to 20 actions the advantage
# *shrinks*. The claim is contradicted there. Ten seeds of a small task do not refute a paper on Atari; but "dueling helps with many actions" is no law.
# Exercise: `dueling_head`.
#
# ## What is replayed: priorities
#
# On a ledge of 12 states the right one of two actions goes on and the wrong one falls off. Only the end pays. Let a memory hold every sequence of 12 moves
# once. How many of its transitions are worth learning from?

# %%
expect("transitions in the memory, and those with a reward", [sum(2 ** (12 - t) for t in range(12)), 1], "8190 1")

# %% [markdown]
# One of 8190. Replay at random finds it once in so many draws, and then has to hand its value on, twelve times over. Prioritised replay draws a transition
# the more often, the larger its last error was, and takes the bias of that away by weights:
#
# $$P(i) = \frac{p_i^\alpha}{\sum_k p_k^\alpha}, \qquad p_i = |\delta_i| + \epsilon, \qquad w_i = \frac{(N P(i))^{-\beta}}{\max_j w_j}$$

# %%
record = study("per-cliffwalk")
numbers = {number["name"]: number["point"] for number in record["numbers"]}
expect("updates at random over updates by priority, 12 states", numbers["twelve"], "10.3")
expect("doublings of that ratio from 4 to 12 states", numbers["rising"], "2.2")

# %% [markdown]
# 10.3 times fewer updates, and the ratio doubles 2.2 times from 4 to 12 states: reproduced. Exercise: `prioritised`, whose last probe is a short ledge.
#
# ## More than a mean: distributions of returns
#
# C51 learns how likely each return is, on a grid of 51 atoms, and acts by the mean. After a step the atoms have moved, r + γz, and lie between the others:
# the probability is shared out between the two neighbours.

# %%
z = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0])
surely_four = torch.tensor([[0.0, 0.0, 0.0, 0.0, 1.0]])
shared = projected(surely_four, 0.5 + 0.5 * z[None, :], z, 1.0)
expect("surely 4, one step before, reward 0.5 and γ = 0.5, so 2.5", shared[0].tolist(), "0 0 0.5 0.5 0")
shared = projected(surely_four, 1 + 0.5 * z[None, :], z, 1.0)
expect("the same with reward 1, so exactly 3", shared[0].tolist(), "0 0 0 1 0")
show(C51.loss, "projected")

# %% [markdown]
# The second line is where algorithm 1 of the paper fails as it is printed: where a return falls on an atom, the lower and the upper neighbour are the same
# one, both shares are 0, and the probability is lost. Exercise: `c51_projection`.
#
# Does a distribution help, if only its mean is used? In a table it cannot, as long as no return is cut at the ends of the grid: the means of its
# updates are the updates of Q-learning. With a network it may.

# %%
record = study("c51-exact")
expect("largest difference of a value to Q-learning's: lake, cliff", [number["point"] for number in record["numbers"]], "0 0", tolerance=1e-6)
record = study("c51-small")
arm = {name: np.mean(values) for number in record["numbers"] for name, values in number["arms"].items()}
expect("mean score over training on CartPole~200: C51, DQN", [arm["c51~small on CartPole-v1~200"], arm["dqn~small on CartPole-v1~200"]], "178.3 71.8")

# %% [markdown]
# In a table the difference is 0. On CartPole with a limit of 200 steps, C51 scores 178.3 over its training, and DQN with the same settings 71.8.
#
# ## All together: n steps, and Rainbow
#
# A target may also look n steps ahead before it bootstraps. On Acrobot, where every step costs 1 until the end, three steps are much better than one:

# %%
record = study("nstep-sparse")
expect("mean score over training, n = 3 beyond n = 1", record["numbers"][0]["point"], "99.7")

# %% [markdown]
# Rainbow has six parts in one agent: these five, and noise in the weights in place of ε. And a study took them out one by one, on CartPole and on a small
# game, Catch. A loss of 1 would be the whole way from random to perfect. Predict: which part is missed most? Which not at all?

# %%
record = study("rainbow-drop")
arm = {name: np.mean(values) for number in record["numbers"] for name, values in number["arms"].items()}


def normalised(name):
    """0 for random play, 1 for the best, mean of the two tasks."""
    return np.mean([(arm[f"{name} on CartPole-v1"] - 22.12) / (500 - 22.12), (arm[f"{name} on from_scratch/Catch-v0"] + 0.6) / 1.6])


lost = {part: normalised("rainbow~all") - normalised(f"rainbow~no-{part}") for part in ("dueling", "distribution", "priorities", "n-steps", "double", "noise")}
expect("lost without dueling, distributions, priorities", [lost["dueling"], lost["distribution"], lost["priorities"]], "0.24 0.14 0.08", tolerance=0.006)
expect("lost without n steps, double, noise", [lost["n-steps"], lost["double"], lost["noise"]], "0.05 -0.01 -0.09", tolerance=0.006)

# %% [markdown]
# Without the two streams 0.24 is lost, without distributions 0.14, without double Q-learning nothing, and without noise the agent is *better* by 0.09. The
# claim from the paper names n steps, priorities and distributions as the important ones; here the dueling network, which the corridor did not favour, is
# missed most. The paper's own guess about double Q-learning: the atoms end at V_MAX, no value can be higher than that, and so there is
# less left to repair. Parts are not good or bad in themselves; what one is worth depends on the others.
#
# ## How many seeds
#
# Take 50 runs of *one* algorithm, and draw two groups of five from them. How often do their bands, mean ± one standard error, not touch?

# %%
record = study("seeds-lie")
numbers = {number["name"]: number["point"] for number in record["numbers"]}
expect("% of pairs whose bands do not touch, and that the test of our claims calls different", [numbers["bands"], numbers["test"]], "20.4 4.2")

# %% [markdown]
# In 20.4 % of the pairs: one comparison in five would have found a difference where there is none. A test that is made for it errs in 4.2 %. So a table of
# means of five seeds is weak evidence, and a claim such as "it solves CartPole" needs a number of seeds behind it and an interval.
#
# ## Atari, and what fits on a desk
#
# DQN became known on Atari. Its memory holds a million steps of 84 × 84 pixels, four frames each, and a run takes 50 million steps. How large is that
# memory, if observations and next observations are stored apart, a byte a pixel? And a small game's, of 10 × 10 cells and four channels, with 100,000
# steps?

# %%
expect("gigabytes: Atari, a small game", [2 * 84 * 84 * 4 * 1_000_000 / 1e9, 2 * 10 * 10 * 4 * 100_000 / 1e9], "56.4 0.08")

# %% [markdown]
# 56.4 GB against 0.08. MinAtar has five of the games in that size, with the same kinds of difficulty: a ball that moves, rewards that come late, many
# things at once. What is wrong in your program is wrong there, too, and you learn of it within minutes. Go to Atari when the small games work over ten
# seeds.
#
# ## What the syllabus said, and what we measured
#
# - "... this agent will learn to balance the pole!" How often, it does not say. Of ten seeds of a right DQN, after 20,000 steps, none reached 475; they end
#   between 67.5 and 341.9.
# - Its script stores `done = terminated or truncated` (E13). A state worth 10 is then worth 5.26 in the probe, and values are 43.6 % too low in the study.
#   The policy was not worse there.
# - It counts episodes (E14): targets are renewed every 200 steps at first and every 5000 at last, and ε depends on how long episodes are. Run over ten seeds
#   of 60,000 steps (study `claims-dqn`, at usual rates and sizes), six were at 475 at some time, and none in the end. With the same settings and clocks that
#   count steps seven end there.
# - It teaches replay and a target network as what mends divergence. Both do: 155.0 with them, 28.0 and 9.4 without the one or the other. The target network
#   matters more here.
# - It goes on to Double DQN, dueling and prioritised replay, and does not say what each is worth. On CartPole 7.8 % and 5.5 % are not distinguished; more
#   actions do not favour dueling in our corridor, and yet in Rainbow it is missed most; priorities need 10.3 times fewer updates on the ledge.
# - It asks for DQN "following Spinning Up or Silver" (E19). Spinning Up has no DQN: it has VPG, TRPO, PPO, DDPG, TD3 and SAC.
#
# Now the exercises: `dqn`, `write_the_test`, `write_the_test_networks`, `double_target`, `dueling_head`, `prioritised` and `c51_projection`. Then the
# hunts, the quiz, and the papers.
