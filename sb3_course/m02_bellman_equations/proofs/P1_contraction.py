# %% [markdown]
# # P1. Bellman operators contract
#
# What is shown here: each backup of all states brings any two value functions nearer to each other, by the factor γ at least. From that
# follow, in a few lines each, that there is exactly one V*, that value iteration finds it from anywhere, when one may stop, and that V* is
# what the best policy earns. Source: Puterman 1994, chapter 6; Sutton & Barto 2018, section 4.4, use it without a proof.
#
# What is assumed: finitely many states and actions, finite rewards, 0 ≤ γ < 1, and, for each state and action, p(s'|s, a) ≥ 0 with Σ
# p(s'|s, a) ≤ 1 (less than 1 where an episode may end). The distance of two value functions is their largest difference, $\|V - U\| =
# \max_s |V(s) - U(s)|$.
#
# $$(T^*V)(s) = \max_a [r(s, a) + \gamma \sum_{s'} p(s'|s, a) V(s')]$$
#
# $$(T^\pi V)(s) = \sum_a \pi(a|s) [r(s, a) + \gamma \sum_{s'} p(s'|s, a) V(s')]$$

# %%
import numpy as np

from from_scratch.core.exact.mdp import Model
from sb3_course.teaching.lesson import expect

gamma = 0.9


def distance(V, U):
    return np.abs(V - U).max()


def random_model(rng, n_states=5, n_actions=3):
    return Model(rng.dirichlet(np.ones(n_states), size=(n_states, n_actions)), rng.normal(size=(n_states, n_actions)), None)


# %% [markdown]
# ## 1. A maximum does not spread
#
# For any two lists of numbers, $|\max_a f(a) - \max_a g(a)| \le \max_a |f(a) - g(a)|$.
#
# Reason: let the first maximum be the larger one, reached at b (otherwise exchange f and g). Then max f − max g = f(b) − max g ≤ f(b) −
# g(b), because max g is at least g(b); and that is at most the largest |f − g|.
#
# ## 2. T* contracts: ‖T*V − T*U‖ ≤ γ ‖V − U‖
#
# For each state s:
#
# 1. $|(T^*V)(s) - (T^*U)(s)| \le \max_a |\gamma \sum_{s'} p(s'|s, a)\,[V(s') - U(s')]|$. Reason: step 1; the rewards are the same and
#    cancel.
# 2. $\le \gamma \max_a \sum_{s'} p(s'|s, a)\, |V(s') - U(s')|$. Reason: the triangle inequality, and p ≥ 0.
# 3. $\le \gamma \max_a \sum_{s'} p(s'|s, a)\, \|V - U\|$. Reason: no difference is larger than the largest.
# 4. $\le \gamma\, \|V - U\|$. Reason: the probabilities sum to at most 1.
#
# This holds for every s, so for the largest difference, too. For $T^\pi$ the same lines hold with a mean over actions in place of the
# maximum: a mean does not spread either.
#
# Numerically: 10,000 pairs, each in a random MDP of its own.

# %%
rng = np.random.default_rng(0)
ratios = []
for _ in range(10_000):
    model, V, U = random_model(rng), rng.normal(size=5), rng.normal(size=5)
    ratios.append(distance(model.backup(V, gamma).max(1), model.backup(U, gamma).max(1)) / distance(V, U))
print(f"the largest of 10,000 ratios: {max(ratios):.3f}")
expect("pairs that are farther apart than γ times before", sum(ratio > gamma + 1e-12 for ratio in ratios), "0")

shifted = V + 1.0
expect("the ratio of V and V + 1, of T*", distance(model.backup(V, gamma).max(1), model.backup(shifted, gamma).max(1)), "0.900000")

# %% [markdown]
# The last number says that γ cannot be improved: a constant that is added to V comes out as γ times that constant.
#
# ## 3. There is exactly one fixed point
#
# *Not two.* Let T*V = V and T*U = U. Then ‖V − U‖ = ‖T*V − T*U‖ ≤ γ ‖V − U‖. As γ < 1, this is possible only if ‖V − U‖ = 0.
#
# *At least one.* Begin anywhere with V₀ and let V₁ = T*V₀, V₂ = T*V₁, and so on. By section 2, used k times, ‖Vₖ₊₁ − Vₖ‖ ≤ γᵏ ‖V₁ − V₀‖.
# The steps to come shrink like a geometric series, so they sum to at most γᵏ/(1 − γ) ‖V₁ − V₀‖, which goes to 0: the Vₖ draw together (a
# Cauchy sequence), and in $\mathbb{R}^n$ such a sequence has a limit. Call it V*. T* is continuous, as it contracts, so T*V* = lim T*Vₖ =
# lim Vₖ₊₁ = V*.
#
# In the same way $T^\pi$ has exactly one fixed point. It is $V_\pi$, as $V_\pi$ solves the Bellman equation of π.

# %%
model = random_model(np.random.default_rng(1))
ends = []
for seed in range(5):
    V = 100 * np.random.default_rng(seed).normal(size=5)
    for _ in range(400):
        V = model.backup(V, gamma).max(1)
    ends.append(V)
expect("the largest difference of five limits, from five beginnings", max(distance(V, ends[0]) for V in ends), "0.000000")

# %% [markdown]
# ## 4. When to stop
#
# $$\|V_k - V^*\| \le \frac{\gamma}{1 - \gamma}\, \|V_k - V_{k-1}\|$$
#
# Reason: ‖Vₖ − V*‖ = ‖T*Vₖ₋₁ − T*V*‖ ≤ γ ‖Vₖ₋₁ − V*‖ ≤ γ (‖Vₖ₋₁ − Vₖ‖ + ‖Vₖ − V*‖), by section 2 and the triangle inequality. Bring the
# last term to the left and divide by 1 − γ > 0.
#
# So the last change is not the error: with γ = 0.99 the error may be 99 times as large.

# %%
best, V, worst = ends[0], np.zeros(5), 0.0
for _ in range(100):
    old, V = V, model.backup(V, gamma).max(1)
    worst = max(worst, distance(V, best) - gamma / (1 - gamma) * distance(V, old))
expect("by how much the bound was broken in 100 sweeps", max(worst, 0.0), "0.000000")

# One state that pays 1 for ever: V* = 1 / (1 − γ) = 10, and the bound is reached.
value = change = 0.0
for _ in range(20):
    value, change = 1 + gamma * value, 1 + gamma * value - value
expect("one state: error over last change", (10 - value) / change, "9.0000")
expect("γ / (1 − γ) at γ = 0.99", 0.99 / (1 - 0.99), "99.0")

# %% [markdown]
# ## 5. V* is what the best policy earns
#
# *Some policy earns it.* Let π take in each state an action at which the maximum of T*V* is reached. Then $T^\pi V^* = T^* V^* = V^*$. But
# the only fixed point of $T^\pi$ is $V_\pi$ (section 3), so $V_\pi = V^*$.
#
# *None earns more.* For every policy μ, $T^\mu V^* \le T^* V^* = V^*$ in each state, because a mean is not larger than a maximum. $T^\mu$
# is monotone (V ≤ U gives $T^\mu V \le T^\mu U$, as p ≥ 0 and γ ≥ 0), so using it again and again gives $V^* \ge T^\mu V^* \ge (T^\mu)^2
# V^* \ge \dots$, and that goes to $V_\mu$ (section 3). Hence $V_\mu \le V^*$.

# %%
greedy = np.eye(3)[model.backup(best, gamma).argmax(1)]
expect("the largest difference of V* and the value of its greedy policy", distance(model.solve(greedy, gamma), best), "0.000000")

draw = np.random.default_rng(2)
others = np.array([model.solve(draw.dirichlet(np.ones(3), size=5), gamma) for _ in range(1000)])
expect("random policies of 1000 that earn more than V* in some state", (others > best + 1e-9).any(1).sum(), "0")

# %% [markdown]
# ## What if an assumption is dropped
#
# Each of them was used once, and each is needed. In the exercise `sb3-course exercise start contraction_gap` the proof is told again with
# gaps, and you find what is missing by a counterexample: two fixed points, a backup that spreads, a distance in which it spreads, a stop
# that comes too early.
#
# What the syllabus said, and what we measured: it names the Bellman equations and uses "repeat until it converges". That the repetition
# converges, to one thing, and how far from it one is when it stops, is what this page adds: of 10,000 pairs none was farther apart
# afterwards than γ times before, and the bound of section 4 is reached exactly by one state that pays for ever.
