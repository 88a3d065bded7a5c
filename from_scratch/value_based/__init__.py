"""Deep value learning: Q-learning with a neural network (Mnih et al. 2015).

A replay memory and a target network made it work. `dqn.py` is the algorithm. Files beside it each change one thing: the target (`double_dqn.py`,
`n_step_dqn.py`), what is replayed (`prioritized_dqn.py`), the network (`dueling_dqn.py`, `drqn.py`), what is learnt of a return (`c51.py`, `qrdqn.py`), and
how one explores (`noisy_dqn.py`, `bootstrapped_dqn.py`). `rainbow.py` has six of them at once; with `maskable_dqn.py` there are invalid actions.
`naive_deep_q.py` takes memory and target network away again, one by one and both, and measures what happens (van Hasselt et al. 2018). `pqn.py` does without
them, and does not diverge: many environments and layer normalisation take their place; `stream_q.py` does with one environment and every step used once.
"""

from from_scratch.core.entry import FOLLOWS, NO_NAN_REFUSED, Family, Updates, algorithm

AS_DQN = Updates(times=("gradient_steps", 1), every=("train_freq", 4))

FAMILY = Family.of(
    "value_based",
    title="Deep value learning",
    about="Q-learning with a neural network, and which of its parts keep it from diverging.",
    shared={"actions": ("Discrete",), "loop": "replay", "cannot": NO_NAN_REFUSED},
    algorithms=[
        algorithm("dqn", ".dqn:DQN", "Deep Q-network", "Mnih et al. 2015",
                  twin="sb3/dqn", updates=AS_DQN, deviations=FOLLOWS),
        algorithm("double_dqn", ".double_dqn:DoubleDQN", "Double DQN", "van Hasselt et al. 2016", updates=AS_DQN, tuned_as="dqn"),
        algorithm("n_step_dqn", ".n_step_dqn:NStepDQN", "DQN with n-step returns", "Hessel et al. 2018", updates=AS_DQN, tuned_as="dqn"),
        algorithm("prioritized_dqn", ".prioritized_dqn:PrioritizedDQN", "DQN with prioritised replay", "Schaul et al. 2016", updates=AS_DQN),
        algorithm("dueling_dqn", ".dueling_dqn:DuelingDQN", "Dueling DQN", "Wang et al. 2016", updates=AS_DQN, tuned_as="dqn"),
        algorithm("maskable_dqn", ".maskable_dqn:MaskableDQN", "DQN with invalid actions masked", "Huang & Ontañón 2022", updates=AS_DQN, tuned_as="dqn"),
        algorithm("c51", ".c51:C51", "C51, categorical DQN", "Bellemare et al. 2017", updates=AS_DQN),
        algorithm("noisy_dqn", ".noisy_dqn:NoisyDQN", "NoisyNet-DQN", "Fortunato et al. 2018", updates=AS_DQN),
        algorithm("bootstrapped_dqn", ".bootstrapped_dqn:BootstrappedDQN", "Bootstrapped DQN with randomised priors", "Osband et al. 2016", updates=AS_DQN),
        algorithm("drqn", ".drqn:DRQN", "Deep recurrent Q-learning", "Hausknecht & Stone 2015", updates=AS_DQN, remembers=True),
        algorithm("rainbow", ".rainbow:Rainbow", "Rainbow", "Hessel et al. 2018", updates=AS_DQN),
        algorithm("dqn_diagnosed", ".naive_deep_q:DiagnosedDQN", "DQN with divergence diagnostics", "van Hasselt et al. 2018",
                  updates=Updates(times=1, every=1)),
        algorithm("dqn_without_target", ".naive_deep_q:DQNWithoutTarget", "DQN without target network", "van Hasselt et al. 2018",
                  updates=Updates(times=1, every=1)),
        algorithm("dqn_without_replay", ".naive_deep_q:DQNWithoutReplay", "DQN without replay", "van Hasselt et al. 2018", updates=Updates(times=1, every=1)),
        algorithm("naive_deep_q", ".naive_deep_q:NaiveDeepQ", "Deep Q-learning without replay and target network", "Sutton & Barto 2018, §11.3",
                  updates=Updates(times=1, every=1)),
        algorithm("qrdqn", ".qrdqn:QRDQN", "Quantile regression DQN", "Dabney et al. 2018",
                  twin="contrib/qrdqn", updates=Updates(times=("gradient_steps", 1), every=("train_freq", 4)), deviations=FOLLOWS),
        algorithm("stream_q", ".stream_q:StreamQ", "Stream Q(λ)", "Elsayed et al. 2024", loop="stepwise",
                  updates=Updates(times=1, every=1), cannot={**NO_NAN_REFUSED, "n_envs": "it learns once a step, from one stream of experience"}),
        algorithm("pqn", ".pqn:PQN", "PQN, parallelised Q-network", "Gallici et al. 2025", loop="rollouts",
                  updates=Updates(times=("n_epochs", 4), every=("batch_size", 128))),
    ],
)
