# %% [markdown]
# # P4. The performance difference lemma
#
# What is shown here: exactly how much a new policy gains over an old one, what of it can be estimated from the old one's data, how wrong that is at most, and
# what TRPO makes of it. Sources: Kakade & Langford 2002, `lemma 6.1`; Schulman et al. 2015 (TRPO), theorem 1; Achiam et al. 2017, arXiv:1705.10528, corollary
# 1.
#
# What is assumed: finitely many states and actions, finite rewards, one model for both policies, and 0 ≤ γ < 1. (Sections 1 and 2 hold with γ = 1, too, if
# under both policies every episode ends.)
#
# Two policies, π the old one and π' the new one. $A_\pi(s, a) = Q_\pi(s, a) - V_\pi(s)$ is how much better a is in s than what π does there, and $d_\pi(s) =
# \sum_t \gamma^t \Pr(S_t = s)$ is how often, discounted, π is in s.

# %%
import numpy as np

from from_scratch.core.exact.gradients import advantages, objective, performance_difference, weights
from from_scratch.core.exact.mdp import Model
from sb3_course.teaching.lesson import expect, show

gamma = 0.9


def random_pair(rng, n_states=4, n_actions=3):
    """A model and two policies, old and new."""
    model = Model(rng.dirichlet(np.ones(n_states), size=(n_states, n_actions)), rng.normal(size=(n_states, n_actions)), rng.dirichlet(np.ones(n_states)))
    return model, *rng.dirichlet(np.ones(n_actions), size=(2, n_states))


# %% [markdown]
# ## 1. The lemma
#
# $$J(\pi') - J(\pi) = \sum_s d_{\pi'}(s) \sum_a \pi'(a|s)\, A_\pi(s, a)$$
#
# Write $r_{\pi}$ and $P_{\pi}$ for reward and transitions under a policy, V and V' for the two value functions, and $g(s) = \sum_a \pi'(a|s)\, A_\pi(s, a)$:
# what one gains in s by doing once what π' does, and then what π does.
#
# 1. $g = r_{\pi'} + \gamma P_{\pi'} V - V$. Reason: $A_\pi = r + \gamma \sum p V - V$, averaged over the actions of π'.
# 2. $V' = r_{\pi'} + \gamma P_{\pi'} V'$. Reason: Bellman's equation of π'.
# 3. $V' - V = g + \gamma P_{\pi'} (V' - V)$. Reason: subtract 1 from 2 and sort.
# 4. $V' - V = \sum_t \gamma^t P_{\pi'}^t g$. Reason: 3 is a Bellman equation with g as its reward, and has one solution.
# 5. The lemma. Reason: multiply 4 by the start from the left; $\text{start} \cdot \sum_t \gamma^t P_{\pi'}^t$ is $d_{\pi'}$.
#
# The advantages are the old policy's, the visits the new one's. Nothing was approximated, and π' may be as far from π as it likes. On 1000 random MDPs:

# %%
show("from_scratch.core.exact.gradients:performance_difference")
rng = np.random.default_rng(0)
pairs = [random_pair(rng) for _ in range(1000)]
gains = np.array([objective(model, new, gamma) - objective(model, old, gamma) for model, old, new in pairs])
by_the_lemma = np.array([performance_difference(model, new, old, gamma) for model, old, new in pairs])
expect("the farthest that lemma and difference are apart", np.abs(gains - by_the_lemma).max(), "0.0000000000")

# %% [markdown]
# Two consequences at once. If g ≥ 0 in every state, then no state is worth less: the policy improvement theorem. And if π' moves a little away from π, then
# the lemma's first order is $\sum_s d_\pi(s) \sum_a d\pi(a|s)\, A_\pi(s, a)$: the policy gradient theorem (P3).
#
# ## 2. What the old policy's data can say
#
# To use the lemma one would have to know where π' goes *before* it has gone there. So take the old visits for the new ones:
#
# $$L(\pi') = J(\pi) + \sum_s d_\pi(s) \sum_a \pi'(a|s)\, A_\pi(s, a)$$
#
# That can be sampled by π: the sum over actions is the mean of $\frac{\pi'(a|s)}{\pi(a|s)} A_\pi(s, a)$ over its own actions, the ratio that stands in TRPO's
# and PPO's objective. L(π) = J(π), and at π' = π both have the same gradient, as the last paragraph of section 1 says. So a step along it is right *if it is
# small*. How often is a big one wrong? In each of the 1000 random MDPs go all the way from one random policy to another, and compare the sign of what L
# promises with that of what J does.


# %%
def surrogate_gain(model, old, new):
    return weights(model, old, gamma) @ (new * advantages(model, old, gamma)).sum(1)


promised = np.array([surrogate_gain(model, old, new) for model, old, new in pairs])
wrong_sign = np.mean(np.sign(promised) != np.sign(gains))
expect("random pairs for which L promises a gain and J falls, or the other way round, in %", 100 * wrong_sign, "4.5", tolerance=0.05)
relative = np.median(np.abs(promised - gains) / np.abs(gains))
expect("the median error of what L promises, in % of the true gain", 100 * relative, "16.7", tolerance=0.05)

# %% [markdown]
# ## 3. How wrong L can be
#
# Let TV(s) = ½ Σ_a |π'(a|s) − π(a|s)|, the share of decisions in s that are changed, and ε = max |A_π|.
#
# 1. $J(\pi') - L(\pi') = \sum_s [d_{\pi'}(s) - d_\pi(s)]\, g(s)$. Reason: the lemma less the definition of L.
# 2. $|g(s)| \le 2\, TV(s)\, \varepsilon$. Reason: $\sum_a \pi(a|s) A_\pi(s, a) = 0$, so $g = \sum_a (\pi' - \pi) A_\pi$.
# 3. $d_{\pi'} - d_\pi = \gamma (I - \gamma P_{\pi'}^T)^{-1} (P_{\pi'} - P_\pi)^T d_\pi$. Reason: $d = \text{start} + \gamma P^T d$ for both; subtract.
# 4. $\sum_s |d_{\pi'} - d_\pi| \le \frac{\gamma}{1 - \gamma} \sum_s d_\pi(s)\, 2\, TV(s)$. Reason: $P^T$ makes no sum of absolute values larger, so the
#    inverse makes it at most 1/(1 − γ) times as large; and a changed decision moves at most all of its probability, twice counted.
# 5. $|J(\pi') - L(\pi')| \le \max_s |g(s)|\, \frac{2\gamma}{1 - \gamma} \sum_s d_\pi(s)\, TV(s)$. Reason: 4 in 1. (Achiam et al.)
# 6. $|J(\pi') - L(\pi')| \le \frac{4\gamma\varepsilon}{(1 - \gamma)^2} \max_s TV(s)^2$. Reason: 2 in 5, and Σ d = 1/(1 − γ). (TRPO's theorem 1; as TV² ≤ KL,
#    by Pinsker's inequality, the divergence may stand there, too.)
#
# So the error is of the *second* order in how far the policy goes, and the gain of the first. That is what makes small steps safe. In 6 the largest divergence
# counts, that of states which π never visits, too.


# %%
def bounds(model, old, new):
    """Right sides of 5 and of 6."""
    tv, A = 0.5 * np.abs(new - old).sum(1), advantages(model, old, gamma)
    g = (new * A).sum(1)
    fifth = np.abs(g).max() * 2 * gamma / (1 - gamma) * weights(model, old, gamma) @ tv
    return fifth, 4 * gamma * np.abs(A).max() / (1 - gamma) ** 2 * tv.max() ** 2


fifth, sixth = np.array([bounds(*pair) for pair in pairs]).T
error = np.abs(gains - promised)
expect("pairs of 1000 for which bound 5 is broken, and bound 6", [(error > fifth + 1e-9).sum(), (error > sixth + 1e-9).sum()], "0 0")
print(f"medians: error {np.median(error):.3f}, bound 5 {np.median(fifth):.1f}, bound 6 {np.median(sixth):.1f}")
expect("how many times the error bound 6 is, median", np.median(sixth / error), "802", tolerance=1)

halves = []
for model, old, new in pairs[:200]:
    errors = []
    for share in (0.02, 0.01):
        mixed = (1 - share) * old + share * new
        errors.append(abs(objective(model, mixed, gamma) - objective(model, old, gamma) - surrogate_gain(model, old, mixed)))
    halves.append(errors[0] / errors[1])
expect("half the step, so many times less error", np.median(halves), "4.0", tolerance=0.1)

# %% [markdown]
# ## 4. What TRPO makes of it
#
# By 6, J(π') ≥ L(π') − C max TV². Who makes the right side as large as possible at every step can never get worse: monotone improvement, the paper's algorithm
# 1. But the bound is far from the error, 802 times as large in the median pair, and so it allows tiny steps only. How tiny? Go from π a share α of the way to
# the policy that is best for L. What the bound guarantees is largest at some α; compare the gain there with what going all the way would have given.

# %%
safe, safe_gain, whole_gain = [], [], []
for model, old, _ in pairs[:200]:
    A = advantages(model, old, gamma)
    greedy = np.eye(3)[A.argmax(1)]
    slope = surrogate_gain(model, old, greedy)
    _, curvature = bounds(model, old, greedy)  # at α it is α² times this
    safe.append(min(1.0, slope / (2 * curvature)))
    mixed = (1 - safe[-1]) * old + safe[-1] * greedy
    safe_gain.append(objective(model, mixed, gamma) - objective(model, old, gamma))
    whole_gain.append(objective(model, greedy, gamma) - objective(model, old, gamma))
expect("the share of the way that the bound allows, median, in %", 100 * np.median(safe), "0.79", tolerance=0.01)
expect("its gain in % of that of the whole way, median", 100 * np.median(np.array(safe_gain) / whole_gain), "0.84", tolerance=0.01)
expect("times of 200 that a step of that share made J smaller", sum(gain < 0 for gain in safe_gain), "0")

# %% [markdown]
# Safe, and hopelessly slow: 0.79 % of the way. So TRPO keeps the idea and drops the constant: the largest L within mean KL ≤ δ, and a line search that tries
# it. Three things are given up with that. The mean over visited states stands for the maximum over all; δ is chosen by experience; and L itself is estimated.
# PPO gives up a fourth: the ratio is clipped, and nothing says how far the policy really goes. What is left is no guarantee, but a unit: measure a step by how
# far the *policy* moves.
#
# ## What if an assumption is dropped
#
# In the exercise `sb3-course exercise start performance_difference_gap` you find four statements, each with something missing: whose visits, in which states,
# how often an error counts, which divergence.
#
# What the syllabus said, and what we measured: it lists TRPO and PPO after one another, as names. What they have in common is this page: the lemma holds to
# ten decimals, what can be estimated of it is wrong to the second order, and a bound that never fails allows 0.79 % of the way.
