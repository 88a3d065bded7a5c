# %% [markdown]
# # Function approximation and stability
#
# A table has a number for every state. A car has more states than a table has room for, and what it learns in one of them should help it in the next
# one. So a value becomes a formula with few weights. This lesson says what such a formula can learn, and shows how learning can run away from an
# answer that the formula could give exactly.
#
# A puzzle to begin with. Seven states, and no reward anywhere: all values are 0. There are eight weights, and w = 0 gives all values exactly. Each
# sweep of dynamic programming moves the weights a little towards the next state's value, and after 1000 sweeps the error is 581, a hundred times that
# of the beginning. How can it be?

# %%
import warnings

import numpy as np
import torch

from from_scratch import DiagnosedDQN, DQNWithoutReplay, DQNWithoutTarget, NaiveDeepQ
from from_scratch.core.exact.linear import LinearSystem
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.linear.features import StateAggregation, TileCoding
from from_scratch.envs import Baird, LongWalk, WToTwoW
from sb3_course.teaching.lesson import expect, figure, show, study

baird = Baird()
off_policy = LinearSystem(model_of(baird), baird.features, baird.pi, baird.gamma, baird.behaviour)


def sweeps(step, w, n):
    for _ in range(n):
        w = step(w)
    return w


runaway = sweeps(lambda w: off_policy.td_step(w, 0.01), baird.first_weights, 1000)
expect("error before, and after 1000 sweeps", [off_policy.value_error(w) for w in (baird.first_weights, runaway)], "5.3 581")

# %% [markdown]
# ## Features
#
# A *feature* is a number that says something about a state; x(s) is the list of all of them, and a value is their weighted sum,
# $\hat v(s, w) = w \cdot x(s)$. The simplest features are groups. Of 1000 states in a row, the first hundred share one weight, the next hundred
# another, and so on. A group has one value, so the best that ten groups can do is a staircase:

# %%
show(StateAggregation.active)
numbers = figure("9.1", alt="Values of 1000 states: a straight line from −1 to 1, nearly, and a staircase of ten steps that follows it; below it the visits.")
expect("error of the best staircase", numbers["√VE of the best 10 groups"], "0.0544")

# %% [markdown]
# The error is √VE, the root of the mean squared error, where states count by how often they are visited. That weight matters. The middle of the walk is
# visited far more often than its ends, and the staircase is best where most steps are taken.
#
# Smooth values need smooth features. Waves of rising frequency (the Fourier basis) learn this walk better than powers of the state (polynomials). After
# 5000 episodes with six features each the errors are 0.058 and 0.166:

# %%
numbers = figure("9.5", alt="Error against episodes: three curves of the Fourier basis fall below 0.1, three of polynomials stay above it.")
expect("Fourier and polynomials of order 5", [numbers[f"{name}, order 5, episode 5000"] for name in ("Fourier", "Polynomial")], "0.058 0.166")

# %% [markdown]
# How wide should a feature be? The wider it is, the further it spreads what is learnt in one point. Below, a square wave is learnt with as many features of
# three widths. Predict which of them ends best.

# %%
numbers = figure(
    "9.8", alt="A square wave learnt by narrow, medium and broad features after 10, 40, 160, 640, 2560 and 10240 examples: broad at first, alike at last."
)
late = [numbers[f"RMS error after 10240 examples, {width}"] for width in ("narrow", "medium", "broad")]
expect("error after 10,240 examples: narrow, medium, broad", late, "0.110 0.120 0.074")

# %% [markdown]
# After 10,240 examples all three have drawn the square wave, to errors of 0.110, 0.120 and 0.074. Width decides how learning begins, and much less where
# it ends.
#
# *Tile coding* is made for that. A tiling is a grid; several of them lie over one another, each displaced a little. Near points share most of their tiles, so
# they learn from each other, and no two points far apart share any. A point has as many active features as there are tilings, and a step of α moves each
# weight by α divided by their number.

# %%
coder = TileCoding(LongWalk(1000).observation_space, n_tilings=4, n_tiles=5)
shared = [int((coder.active(np.array([[500.0]])) == coder.active(np.array([[s]]))).sum()) for s in (500.0, 560.0, 700.0, 999.0)]
expect("tiles that state 500 shares with 500, 560, 700, 999", shared, "4 3 0 0")

# %% [markdown]
# Fifty tilings can fit the walk to 0.002, one of them only to 0.108. Do they learn better, too? With a constant step size they do not: 0.126 against
# 0.121 after 5000 episodes. The noise of the returns is what is left, and it does not fall unless the step size does. With a falling one it is 0.055
# against 0.126.

# %%
numbers = figure(
    "9.10", alt="Error against episodes with one tiling and with fifty: alike at a constant step size; with a falling one fifty tilings are far better."
)
for kind, stated in (("constant", "0.121 0.126"), ("falling", "0.126 0.055")):
    expect(f"one tiling and fifty, {kind} α", [numbers[f"{name}, {kind} α, episode 5000"] for name in ("1 tiling", "50 tilings")], stated)
expect("the best that they can do", [numbers["best that 1 tiling can do"], numbers["best that 50 tilings can do"]], "0.108 0.002")

# %% [markdown]
# Your turn: exercise `tile_coder`.
#
# ## Gradient and semi-gradient
#
# Move the weights towards a return along the gradient of the value, which for linear features is x(s):
#
# $$w \leftarrow w + \alpha \, [G_t - \hat v(S_t, w)] \, x(S_t)$$
#
# That is gradient Monte Carlo. It is stochastic gradient descent on the squared error, and it leads to the best staircase. TD does not wait for the
# return. It puts $r + \gamma \hat v(S_{t+1}, w)$ in its place:

# %%
show("from_scratch.linear.gradient_mc:update", "eq. (9.7)")
show("from_scratch.linear.semi_gradient_td:update")

# %% [markdown]
# w stands in the target, too, but is not differentiated there. So this is no gradient of anything: it is called *semi-gradient*. Where does it lead? To
# the weights at which its mean move is 0. On the walk of 1000 states, predict: to the same staircase?

# %%
walk, uniform = model_of(LongWalk(1000, 100)), np.full((1000, 2), 0.5)
on_walk = LinearSystem(walk, np.repeat(np.eye(10), 100, axis=0), uniform, 1.0)
expect("first weight: least error, TD fixed point", [on_walk.best[0], on_walk.td_fixed_point[0]], "-0.830 -0.693")
expect("√VE: least error, TD fixed point", [on_walk.value_error(on_walk.best), on_walk.value_error(on_walk.td_fixed_point)], "0.0544 0.1167")

# %% [markdown]
# It does not. The TD fixed point has twice the error, 0.1167 for 0.0544. Its staircase is too flat: -0.693 at the left end instead of -0.830, because
# a target that is a value of the next group is pulled towards the middle. The price buys something: TD learns from each step, and with less noise. On
# the walk, n-step methods between the two are best early:

# %%
numbers = figure(
    "9.2", alt="The staircase of the TD fixed point, flatter than the true values; and error against step size for n from 1 to 512: n = 4 is lowest."
)
expect("least error over 10 episodes, n = 1, 4, 64", [numbers[f"least error, n = {n}, α = {alpha}"] for n, alpha in ((1, 0.8), (4, 0.5), (64, 0.06))],
       "0.349 0.291 0.431")  # fmt: skip

# %% [markdown]
# Two more mistakes are common here. Differentiating the target as well gives the *residual gradient*. It is safe, and it leads elsewhere: to -0.479.
# And forgetting that states count by their visits gives -0.818.

# %%
change = on_walk.X - on_walk.p @ on_walk.X
residual = np.linalg.solve(change.T * on_walk.mu @ change, change.T * on_walk.mu @ on_walk.r)
unweighted = np.linalg.solve(on_walk.X.T @ change, on_walk.X.T @ on_walk.r)
expect("first weight: residual gradient, all states alike", [residual[0], unweighted[0]], "-0.479 -0.818")

# %% [markdown]
# Your turn: exercise `semi_gradient_td`.
#
# ## Control: the mountain car
#
# For control the features are those of a state and an action: one copy of the tiles for each action. Sarsa needs one line, again.

# %%
show("from_scratch.linear.semi_gradient_sarsa:update", "eq. (10.1)")
numbers = figure(
    "10.1", alt="Five surfaces over position and velocity: cost-to-go after 428 steps and after 12, 104, 1000, 9000 episodes, rising to about 117."
)

# %% [markdown]
# The car's motor is too weak for the hill: it must swing back first. Each step costs 1, there is no limit on the steps, and values begin at 0. That is
# too good to be true for every action, so the car tries them all without any ε. With eight tilings it learns quickly at a step size of 0.5/8: episode
# 50 takes 162 steps, and episodes 400 to 500 take 117 in the mean.

# %%
numbers = figure("10.2", alt="Steps per episode on a logarithmic axis over 500 episodes, for three step sizes: the largest falls fastest and ends lowest.")
expect("steps at α = 0.5/8: episode 50, episodes 400–500", [numbers[f"α = 0.5/8, episode{name}"] for name in (" 50", "s 400–500")], "162 117")

# %% [markdown]
# Traces help as they did with tables. Over the first 50 episodes Sarsa(λ) takes 188 steps at λ = 0.92, and 230 at λ = 0. And they are a matter of
# detail: with features that are 0 or 1, traces that are replaced need 258 steps and traces that accumulate need 327, each at its best step size.

# %%
numbers = figure("12.10", alt="Steps per episode over the first 50 episodes against step size, a curve for each λ: λ = 0.92 to 0.98 are lowest.")
expect("λ = 0 and λ = 0.92", [numbers["λ = 0, α = 1.4/8"], numbers["λ = 0.92, α = 0.8/8"]], "230 188")
numbers = figure(
    "12.11", alt="Reward per episode against step size for five kinds of traces: true online, replacing and dutch are best, accumulating is the poorest."
)
expect("replacing and accumulating traces", [numbers[f"least steps, {kind}, at α = {alpha}/8"] for kind, alpha in (("replacing", 1.4), ("accumulating", 0.35))],
       "258 327")  # fmt: skip

# %% [markdown]
# ## The deadly triad
#
# Back to the puzzle, in a smaller form. Two states with one weight: the first has the value w, the second 2w. The first leads to the second. There are no
# rewards, so w should be 0. Say w = 10. The first state's value is 10, and its next state's is 20: so the step moves w up. Then the next state's value
# has gone up as well, by twice as much. If only this step is learnt from, over and over, w grows without an end (for γ above ½).
#
# In the book's version, the second state stays where it is and ends with probability 0.1, and both count alike. Dynamic programming that fits w as well
# as it can in each sweep multiplies it by 1.12 each time:

# %%
two = model_of(WToTwoW(0.1))
w = np.ones(1)
for _ in range(20):
    w = np.linalg.lstsq(WToTwoW.features, two.p[:, 0] @ (WToTwoW.features @ w), rcond=None)[0]
expect("w after 20 sweeps that each fit as well as can be", w, "9.65")
expect("1.12 to the power of 20", 1.12**20, "9.65")

# %% [markdown]
# So it is not the step size, and not noise. Three things together do it, and Sutton & Barto call them the deadly triad:
#
# 1. *function approximation*: states share weights, so that a step in one state changes others;
# 2. *bootstrapping*: targets contain values that are being learnt;
# 3. *off-policy learning*: states are not learnt from as often as the policy that is valued visits them.
#
# Baird's counterexample has all three. Its seven states are learnt from equally often, although the policy that is valued is in one of them all the
# time. Take each leg away in turn. Predict which removals help.

# %%
numbers = figure("11.2", alt="Eight weights over 1000 steps, sampled and in expectation: the last one grows to more than 300, six to more than 100.")
expect("w₁ … w₆, w₇ and w₈ after 1000 sweeps", runaway[[0, 6, 7]], "114.4 6.9 335.0")

on_policy = LinearSystem(model_of(baird), baird.features, baird.behaviour, baird.gamma)  # values b, by b's own steps
table = LinearSystem(model_of(baird), np.eye(7), baird.pi, baird.gamma, baird.behaviour)
errors = {
    "a table": table.value_error(sweeps(lambda w: table.td_step(w, 7.0), baird.features @ baird.first_weights, 1000)),  # α/7 = 1: whole backups
    # v itself, which is 0, is the target:
    "returns": off_policy.value_error(sweeps(lambda w: w - 0.01 * (off_policy.X.T * off_policy.mu) @ (off_policy.X @ w), baird.first_weights, 1000)),
    "on-policy": on_policy.value_error(sweeps(lambda w: on_policy.td_step(w, 0.01), baird.first_weights, 1000)),
}
expect("error after 1000 sweeps without one leg: a table, returns, on-policy", list(errors.values()), "0.001 0.138 1.577")

# %% [markdown]
# Every removal helps. With a table the error is 0.001. With returns as targets it is 0.138. On-policy, where b is valued by its own steps, it is 1.577
# and falling, from 5.3 at the beginning. All three legs together give 581. Here every pair of legs is harmless, so code that works may be one step from
# code that does not.
#
# Your turn: exercise `baird`.
#
# ## Gradient and emphatic TD
#
# There are cures that keep all three legs. TDC and GTD2 descend on the projected Bellman error √PBE, with a second set of weights that estimates part of
# the gradient:

# %%
show("from_scratch.linear.tdc:update", "§11.7")
numbers = figure("11.5", alt="Weights of TDC and GTD2 on Baird's counterexample: the projected error falls to nothing, the value error settles near 2.")
expect("TDC after 1000 updates: √PBE and √VE", [numbers["TDC, √PBE after 1000"], numbers["TDC, √VE after 1000"]], "0.007 1.94")

# %% [markdown]
# The projected error falls to 0.007; the value error stays at 1.94. An error that one can descend on need not be the one that one cares about.
#
# Emphatic TD keeps the semi-gradient step and changes how much each state counts, so that it is on-policy in effect. In the mean it solves the
# counterexample. Predict whether you could use it here:

# %%
numbers = figure(
    "11.6", alt="Left, in expectation: the weights swing once and settle, the error falls to 0. Right, ten sampled runs: errors grow by powers of ten."
)
expect("√VE in the mean after 500 updates", numbers["√VE after 500 updates"], "0.000")

# %% [markdown]
# In the mean the error is 0.000 after 500 updates. In one of ten single runs it reaches six digits, because a product of ratios that are 7 or 0 has a variance
# without a bound. A method that is right in expectation may still be of no use.
#
# ## A neural network on the mountain car
#
# Deep Q-learning has all three legs: a network, targets with a maximum in them, and steps that another policy took. Two remedies are usual, and the next
# module builds both: a memory of past steps, from which batches are drawn (replay), and a copy of the network that stands still and gives the
# targets. Four arms, then: with both, with one of them, with none. They share all other settings. Without a memory there is one step to learn from.
#
# Rewards are −1, and γ is 0.99, so no return is beyond 100 in size. What does each network say at most, in 3000 steps?

# %%
warnings.filterwarnings("ignore")
torch.set_num_threads(1)  # small networks: more threads only wait for each other


def trained(algorithm, **more):
    """Three networks after 3000 steps. Of each, max_abs_q is the largest |Q| that it has said in a state that it visited."""
    model = algorithm(
        "MlpPolicy", "MountainCar-v0", seeds=range(3), learning_rate=1e-3, gamma=0.99, exploration_fraction=0.2, exploration_final_eps=0.05, **more
    )
    model.learn(3000)
    lengths.append(np.mean([episode["l"] for buffer in model.ep_info_buffers for episode in buffer]))
    return model


lengths: list[float] = []  # the mean length of an episode, of each arm
memory, copy = {"batch_size": 32, "learning_starts": 1000}, {"target_update_interval": 500}
neither = trained(NaiveDeepQ)
expect("neither", neither.max_abs_q, "132 132 132", tolerance=20)
expect("memory alone", trained(DQNWithoutTarget, **memory).max_abs_q, "98 98 98", tolerance=6)
expect("target network alone", trained(DQNWithoutReplay, **copy).max_abs_q, "8 8 8", tolerance=3)
expect("both", trained(DiagnosedDQN, **memory, **copy).max_abs_q, "4.5 4.5 4.5", tolerance=1)
expect("steps of an episode, mean of each arm", lengths, "200 200 200 200", tolerance=5)
expect("neither, 6000 steps later", neither.learn(6000, reset_num_timesteps=False).max_abs_q, "132 132 132", tolerance=20)

# %% [markdown]
# With neither, all three networks say about 130: more than any return can be. That is called *soft divergence*. It needs no knowledge of the true values
# to be seen, only the bound $r_{max} / (1 - \gamma)$. One line in a training log would have told. The values do not grow for ever: 6000 steps later the
# largest is about the same. The network is wrong, and stays within sight of what is right.
#
# Read the other rows with care. Hardly a car arrives in these 3000 steps: nearly every episode goes on to the limit of 200. Then a value near −100 is
# right: it is what −1 a step is worth for ever. The network with a memory alone has learnt that much. The two with a target network say far less, and not
# because they know better: their targets stood still, and have been copied six times. A target network takes no leg of the triad away. It slows the
# feedback, so that each target is fitted before it moves. That is its use, and its price.
#
# How much of that holds in general? A study tried it on CartPole and Acrobot, with ten seeds in each arm:

# %%
record = study("deadly-triad")
by_name = {number["name"]: number for number in record["numbers"]}
expect("points more runs beyond the bound without a target network, and 95 % interval", [by_name["target"][key] for key in ("point", "low", "high")],
       "10 -10.9 30.8")  # fmt: skip
expect("with 1-step returns more than with 10-step returns", [by_name["returns"][key] for key in ("point", "low", "high")], "-50 -63.9 -26.0")

# %% [markdown]
# It contradicts half of what was claimed. Without a target network ten points more of the runs went beyond the bound, with an interval from -10.9 to
# 30.8: too little to tell. And longer returns, which bootstrap less, did not help there. They did harm on Acrobot, where every run with 10-step returns
# went beyond the bound and none with 1-step returns did. Longer returns in a memory are off-policy in ten actions instead of one, and nothing corrects
# for that: a likely reason is that one leg was made shorter and another one longer.
#
# Your turn: exercise `divergence_monitor`.
#
# ## What the syllabus said, and what we measured
#
# - "Small neural network Q(s, a) on MountainCar; observe divergence": without memory and target network three networks of three say more than 100, the
#   largest that a return can be. What is seen are values that cannot be, not values that grow for ever.
# - "Mitigation: replay buffer, target network": with both, values stay small, and at first they are too small. In the study on two other tasks a target
#   network beside the memory made no difference that ten seeds could show.
# - "Why naive bootstrapping with function approximation diverges": it takes the third leg as well. On-policy, the same features and the same
#   bootstrapping settle.
#
# Now the exercises: `tile_coder`, `semi_gradient_td`, `baird` and `divergence_monitor`. Then the quiz, and chapters 9 to 11 of Sutton & Barto.
