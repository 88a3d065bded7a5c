# %% [markdown]
# # P3. The policy gradient theorem
#
# What is shown here: how the return that a policy expects changes with the policy's parameters, in a form that can be sampled by playing. Then: where the
# factor γᵗ comes from, why almost everybody drops it, and what is followed instead. Sources: Williams 1992; Sutton, McAllester, Singh & Mansour 2000, theorem
# 1; Sutton & Barto 2018, section 13.2. On the dropped factor: Nota & Thomas 2020, arXiv:1906.07073.
#
# What is assumed: finitely many states and actions, finite rewards; the start, p(s'|s, a) and r(s, a) do not depend on θ; π(a|s) is differentiable in θ, and
# positive; and sums over time are finite: either 0 ≤ γ < 1, or γ = 1 and from every state the episode ends at some time with probability 1.
#
# $$J(\theta) = E\left[\sum_t \gamma^t R_{t+1}\right] = \sum_s \text{start}(s)\, V_\pi(s)$$

# %%
import numpy as np

from from_scratch.core.exact.gradients import advantages, objective, policy_gradient, weights
from from_scratch.core.exact.mdp import Model
from sb3_course.teaching.lesson import expect, show

rng = np.random.default_rng(0)
tiny = Model(0.8 * rng.dirichlet(np.ones(3), size=(3, 2)), rng.normal(size=(3, 2)), np.array([1.0, 0.0, 0.0]))  # each step ends the episode with 0.2
theta = rng.normal(size=(3, 2))
gamma = 0.9


def softmax(theta):
    e = np.exp(theta - theta.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def differences(f, theta, h=1e-5):
    """∂f/∂θ [*shape of f, *shape of θ] by central differences."""
    found = np.zeros(np.shape(f(theta)) + theta.shape)
    for i in np.ndindex(theta.shape):
        step = np.zeros(theta.shape)
        step[i] = h
        found[(..., *i)] = (np.asarray(f(theta + step)) - f(theta - step)) / (2 * h)
    return found


# %% [markdown]
# ## 1. The gradient of V obeys a Bellman equation of its own
#
# 1. $V(s) = \sum_a \pi(a|s)\, Q(s, a)$. Reason: the definition of V and Q.
# 2. $\nabla V(s) = \sum_a \nabla\pi(a|s)\, Q(s, a) + \sum_a \pi(a|s)\, \nabla Q(s, a)$. Reason: the product rule.
# 3. $\nabla Q(s, a) = \gamma \sum_{s'} p(s'|s, a)\, \nabla V(s')$. Reason: $Q = r + \gamma \sum p V$, and neither r nor p depends on θ.
# 4. $\nabla V = b + \gamma P_\pi \nabla V$ with $b(s) = \sum_a \nabla\pi(a|s)\, Q(s, a)$. Reason: 3 put into 2.
#
# That is a Bellman equation, with b in the place of the reward: what is "earned" in s is the change of the decision in s alone. It has one solution:
#
# $$\nabla V = (I - \gamma P_\pi)^{-1} b = \sum_t \gamma^t P_\pi^t b$$
#
# Reason: the sum converges, as γ < 1 or every episode ends.
#
# ## 2. The theorem
#
# $$\nabla J = \sum_s d(s) \sum_a \nabla\pi(a|s)\, Q(s, a), \qquad d(s) = \sum_t \gamma^t\, \Pr(S_t = s)$$
#
# Reason: multiply the solution by the start from the left; $\text{start} \cdot P_\pi^t$ is where one is after t steps. So γᵗ comes from the solution of a
# Bellman equation: a decision at time t changes rewards that J counts with γᵗ or less. And nothing asks how the visits d change with θ, though they do change:
# that is the point of the theorem.
#
# For a softmax with one preference for each state and action it is d(s) π(a|s) A(s, a), with A = Q − V. It is compared with differences of the exact J.

# %%
show("from_scratch.core.exact.gradients:policy_gradient")
for discount in (gamma, 1.0):
    by_differences = differences(lambda t, discount=discount: objective(tiny, softmax(t), discount), theta)
    apart = np.abs(policy_gradient(tiny, softmax(theta), discount) - by_differences).max()
    expect(f"γ = {discount}: the farthest that theorem and differences are apart", apart, "0.00000000")
exact = policy_gradient(tiny, softmax(theta), gamma)

# %% [markdown]
# With γ = 1 (the episodic form) d(s) is how often s is visited in an episode. The book writes μ(s), the *share* of the visits, and "proportional": Σ d is the
# mean length of an episode.
#
# ## 3. What can be sampled
#
# 1. $\nabla\pi(a|s) = \pi(a|s)\, \nabla \ln \pi(a|s)$. Reason: the chain rule; it needs π(a|s) > 0.
# 2. $\nabla J = \sum_t \gamma^t\, E[\, Q(S_t, A_t)\, \nabla\ln\pi(A_t|S_t)\,]$. Reason: 1 in the theorem; $\Pr(S_t = s)\, \pi(a|s)$ is how likely s and a are
#    at time t *if π itself plays*.
# 3. $\nabla J = E\left[\sum_t \gamma^t\, G_t\, \nabla\ln\pi(A_t|S_t)\right]$. Reason: Q(s, a) is the mean of G from s and a on.
# 4. $E[\, b(S_t)\, \nabla\ln\pi(A_t|S_t)\,] = 0$ for each b that does not depend on the action. Reason: given s, it is $b(s) \sum_a \nabla\pi(a|s) = b(s)\,
#    \nabla 1$.
# 5. So V(S_t) may be subtracted from G_t. For the same reason rewards *before* t may be left out: given the past they are a number that does not depend on A_t.
#
# Three ways to sample the same vector, then: with returns of whole episodes, with returns from t on, with a baseline. Here are 20,000 episodes. What is off is
# counted in standard errors, and the variances are compared.


# %%
def play(model, pi, n, rng):
    """s, a, r and whether the episode was still on, [T, n] each."""
    steps, on, s = [], np.ones(n, bool), rng.choice(model.n_states, size=n, p=model.start)
    while on.any():
        a = (rng.random(n)[:, None] > pi[s].cumsum(1)).sum(1).clip(max=model.n_actions - 1)
        steps.append((s, a, model.r[s, a] * on, on))
        s_next = (rng.random(n)[:, None] > model.p[s, a].cumsum(1)).sum(1)
        on = on & (s_next < model.n_states)
        s = np.where(on, s_next, 0)
    return (np.array(part) for part in zip(*steps))


pi, V = softmax(theta), tiny.solve(softmax(theta), gamma)
s, a, r, on = play(tiny, pi, 20_000, np.random.default_rng(1))
discounts = gamma ** np.arange(len(r))[:, None]
to_go = np.cumsum((discounts * r)[::-1], axis=0)[::-1] / discounts  # G_t
score = np.eye(2)[a][:, :, None, :] * np.eye(3)[s][..., None] - np.eye(3)[s][..., None] * pi[s][:, :, None, :]  # ∇ ln π(a|s), [T, n, 3, 2]
score = score * on[..., None, None]
samples = {
    "whole returns": np.einsum("n,tnsa->nsa", (discounts * r).sum(0), score),
    "returns from t on": np.einsum("tn,tnsa->nsa", discounts * to_go, score),
    "with V as a baseline": np.einsum("tn,tnsa->nsa", discounts * (to_go - V[s]), score),
}
spread = {}
for name, each in samples.items():
    off = np.abs(each.mean(0) - exact) / (each.std(0) / np.sqrt(len(each)))
    expect(f"{name}: farthest from the exact gradient, in standard errors, of six numbers", off.max(), "2", tolerance=2)
    spread[name] = each.var(0).sum()
print("variances:", ", ".join(f"{name} {value:.2f}" for name, value in spread.items()))
expect("variance, whole returns over returns from t on", spread["whole returns"] / spread["returns from t on"], "3.3", tolerance=0.5)
expect("variance, returns from t on over those with a baseline", spread["returns from t on"] / spread["with V as a baseline"], "2.4", tolerance=0.4)

# %% [markdown]
# ## 4. Who drops γᵗ, and what they follow then
#
# Almost every program weighs all steps alike, with $\sum_t G_t\, \nabla\ln\pi$, and G_t still discounted. Our REINFORCE does so, too, unless
# `gamma_power=True`; PPO, A2C and TRPO have no such switch, here or in Stable-Baselines3. Why? With γᵗ an episode of 500 steps would teach next to nothing
# about its second half, though the agent shall act well there, too.
#
# What is followed is then $\sum_s d_1(s)\, \pi(a|s)\, A(s, a)$, with undiscounted visits d₁ and discounted advantages A. That is not ∇J. It is not the gradient
# of *anything*: of a gradient, the matrix of second derivatives is symmetric, and here it is not.


# %%
def dropped(theta):
    pi = softmax(theta)
    return (weights(tiny, pi, 1.0)[:, None] * pi * advantages(tiny, pi, gamma)).ravel()


def asymmetry(direction):
    matrix = differences(direction, theta).reshape(6, 6)
    return np.abs(matrix - matrix.T).max() / np.abs(matrix).max()


expect("asymmetry of the second derivatives, with γᵗ", asymmetry(lambda t: policy_gradient(tiny, softmax(t), gamma).ravel()), "0.00", tolerance=1e-4)
expect("without γᵗ", asymmetry(dropped), "0.0825", tolerance=1e-3)

# %% [markdown]
# Can it lead the wrong way? Where each state has preferences of its own, as above, no: it weighs states otherwise, and within a state the direction is the
# same. Where states share parameters it can. Two steps, one after the other, which look alike; p is the probability of action 1 in both. Action 1 pays 1 in
# the first step and costs 1.5 in the second, action 0 pays nothing; γ = 0.5. So J = p (1 − 0.5 · 1.5) = 0.25 p, and the best policy is p = 1. Without γᵗ the
# direction is that of p (1 − 1.5), and leads to p = 0, where nothing is earned.

# %%
pay, discount = np.array([1.0, -1.5]), 0.5
expect("∂J/∂p, and what is followed without γᵗ", [pay[0] + discount * pay[1], pay.sum()], "0.25 -0.5")

# %% [markdown]
# ## What if an assumption is dropped
#
# Each was used once: that r does not depend on θ in section 1, that π itself plays and that b does not depend on the action in section 3, γᵗ in section 2. In
# the exercise `sb3-course exercise start policy_gradient_gap` each is left out of one statement, and you find which, and a counterexample.
#
# What the syllabus said, and what we measured: it asks for REINFORCE with "baseline subtraction, variance reduction". Of 20,000 episodes of a tiny MDP, the
# mean of all three forms is the exact gradient within its noise. Returns from t on have about 3.3 times less variance than whole ones, and a baseline 2.4
# times less again.
