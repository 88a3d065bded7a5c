"""Deep value learning: Q-learning with a neural network (Mnih et al. 2015).

A replay memory and a target network made it work. `dqn.py` is the algorithm; `naive_deep_q.py` takes the two away again, one by one and both, and
measures what happens (van Hasselt et al. 2018). `qrdqn.py` learns the distribution of returns instead of its mean.
"""

from from_scratch.core.entry import FOLLOWS, NO_NAN_REFUSED, Family, Updates, algorithm

FAMILY = Family.of(
    "value_based",
    title="Deep value learning",
    about="Q-learning with a neural network, and which of its parts keep it from diverging.",
    shared={"actions": ("Discrete",), "loop": "replay", "cannot": NO_NAN_REFUSED},
    algorithms=[
        algorithm("dqn", ".dqn:DQN", "Deep Q-network", "Mnih et al. 2015",
                  twin="sb3/dqn", updates=Updates(times=("gradient_steps", 1), every=("train_freq", 4)), deviations=FOLLOWS),
        algorithm("dqn_diagnosed", ".naive_deep_q:DiagnosedDQN", "DQN with divergence diagnostics", "van Hasselt et al. 2018",
                  updates=Updates(times=1, every=1)),
        algorithm("dqn_without_target", ".naive_deep_q:DQNWithoutTarget", "DQN without target network", "van Hasselt et al. 2018",
                  updates=Updates(times=1, every=1)),
        algorithm("dqn_without_replay", ".naive_deep_q:DQNWithoutReplay", "DQN without replay", "van Hasselt et al. 2018", updates=Updates(times=1, every=1)),
        algorithm("naive_deep_q", ".naive_deep_q:NaiveDeepQ", "Deep Q-learning without replay and target network", "Sutton & Barto 2018, §11.3",
                  updates=Updates(times=1, every=1)),
        algorithm("qrdqn", ".qrdqn:QRDQN", "Quantile regression DQN", "Dabney et al. 2018",
                  twin="contrib/qrdqn", updates=Updates(times=("gradient_steps", 1), every=("train_freq", 4)), deviations=FOLLOWS),
    ],
)
