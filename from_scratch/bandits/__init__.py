"""Bandits: which of k arms to pull, in one state (Sutton & Barto 2018, chapter 2).

Nothing follows from an action but its reward, so what is left of reinforcement learning is exploration. ε-greedy tries arms by chance, optimism and upper
confidence bounds try what is uncertain, the gradient bandit learns preferences instead of values, Thompson sampling draws from what is believed. Read
`epsilon_greedy.py` first: `optimistic.py` and `ucb.py` change a line of it.
"""

from from_scratch.core.entry import Family, algorithm

FAMILY = Family.of(
    "bandits",
    title="Bandits",
    about="Which of k arms to pull, in one state.",
    shared={
        "policy": "TabularPolicy", "actions": ("Discrete",),
        "cannot": {"time limit": "nothing follows from an action, so an episode's end changes nothing, whatever its cause"},
    },
    algorithms=[
        algorithm("epsilon_greedy_bandit", ".epsilon_greedy:EpsilonGreedyBandit", "ε-greedy bandit", "Sutton & Barto 2018, §2.4"),
        algorithm("optimistic_bandit", ".optimistic:OptimisticBandit", "Bandit with optimistic initial values", "Sutton & Barto 2018, §2.6"),
        algorithm("ucb_bandit", ".ucb:UCBBandit", "Upper confidence bounds (UCB1)", "Auer et al. 2002"),
        algorithm("gradient_bandit", ".gradient:GradientBandit", "Gradient bandit", "Sutton & Barto 2018, §2.8"),
        algorithm("thompson_sampling", ".thompson_sampling:ThompsonSampling", "Thompson sampling (Beta–Bernoulli)", "Thompson 1933"),
        algorithm("gaussian_thompson_sampling", ".thompson_sampling:GaussianThompsonSampling", "Thompson sampling (Gaussian)", "Thompson 1933"),
    ],
)  # fmt: skip
