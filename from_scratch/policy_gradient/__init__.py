"""Policy gradients: the policy is what is learnt, by the gradient of its expected return (Sutton & Barto 2018, chapter 13).

REINFORCE weighs the log-probability of what was done by the return that followed, first in tables, then with networks (EpisodicREINFORCE, its first form, by
the return of the whole episode); a baseline takes noise away. A critic in the return's place makes it an actor-critic (A2C), and a clipped ratio, or a penalty
on how far the policy goes, lets the same data be used several times (PPO, PPOPenalty; MaskablePPO where only some actions are valid). Steps may also be
measured by how far the policy moves, not its weights: the natural gradient (NaturalPG), and with a check after the step TRPO. Where a model is given, both
gradients can be computed instead of sampled (ExactPolicyGradient, ExactNaturalPolicyGradient): what all the others are noisy estimates of. Read
`softmax_reinforce.py` and `reinforce.py` first, `a2c.py` before `ppo.py`, `natural_pg.py` and `core/natural_gradient.py` before `trpo.py`.
"""

from from_scratch.core.entry import ALL_ACTIONS, FOLLOWS, OF_PARTS, Family, Updates, algorithm

_BATCHED = (
    "Values, log-probabilities and bootstraps are computed in one batched pass after the rollout, and updates of plain MLPs run in NumPy, which round "
    "differently: weights stay within 1e-6 of SB3's over some hundred steps, but are not equal to the bit."
)
_MAGNIFIED = (
    "From the same batch the policy's step has SB3-Contrib's bits. From the same seed the batches differ by rounding, which the inverse of the Fisher matrix "
    "magnifies: with the default damping weights may be some 1e-6 apart after an update or two, and conjugate gradients stop an iteration sooner or later."
)
_OF_CRITIC = Updates(times=("n_critic_updates", 10), every=("batch_size", 128))
_NO_VALUES = {"time limit": "without a value function nothing stands for what a time limit cut off"}
_ALIKE = {"seeds": "its gradient is computed, and nothing is drawn"}

FAMILY = Family.of(
    "policy_gradient",
    title="Policy gradients",
    about="The policy itself is what is learnt, by the gradient of its expected return; critics make that gradient less noisy.",
    shared={"actions": ALL_ACTIONS, "loop": "on_policy"},
    algorithms=[
        algorithm("exact_policy_gradient", ".exact_policy_gradient:ExactPolicyGradient", "Policy gradient from a model", "Sutton et al. 2000",
                  policy="TabularPolicy", actions=("Discrete",), loop="planning", unit="backups", cannot=_ALIKE),
        algorithm("exact_natural_policy_gradient", ".exact_natural_policy_gradient:ExactNaturalPolicyGradient", "Natural policy gradient from a model",
                  "Kakade 2002", policy="TabularPolicy", actions=("Discrete",), loop="planning", unit="backups", cannot=_ALIKE),
        algorithm("softmax_reinforce", ".softmax_reinforce:SoftmaxREINFORCE", "REINFORCE of tables", "Williams 1992",
                  policy="TabularPolicy", actions=("Discrete",), loop="episodes", cannot=_NO_VALUES),
        algorithm("softmax_reinforce_baseline", ".softmax_reinforce_baseline:SoftmaxREINFORCEBaseline",
                  "REINFORCE with baseline, of tables", "Sutton & Barto 2018, §13.4", policy="TabularPolicy", actions=("Discrete",), loop="episodes"),
        algorithm("reinforce", ".reinforce:REINFORCE", "REINFORCE", "Williams 1992", loop="episodes", updates=Updates(times=1, every=64),
                  cannot=_NO_VALUES),
        algorithm("episodic_reinforce", ".episodic_reinforce:EpisodicREINFORCE", "REINFORCE of whole returns", "Williams 1992, §5",
                  loop="episodes", updates=Updates(times=1, every=64), cannot=_NO_VALUES),
        algorithm("reinforce_baseline", ".reinforce_baseline:REINFORCEBaseline", "REINFORCE with a learned baseline", "Sutton & Barto 2018, §13.4",
                  loop="episodes", updates=Updates(times=1, every=64)),
        algorithm("actor_critic", ".actor_critic:ActorCritic", "Actor-critic, one-step and with traces", "Sutton & Barto 2018, §13.5",
                  loop="stepwise", updates=Updates(times=1, every=1), cannot={"n_envs": "it learns once a step, from one stream of experience"}),
        algorithm("a2c", ".a2c:A2C", "Advantage actor-critic", "Mnih et al. 2016", actions=(*ALL_ACTIONS, *OF_PARTS),
                  twin="sb3/a2c", updates=Updates(times=1, every=64), deviations=(_BATCHED, *FOLLOWS)),
        algorithm("a3c", ".a3c:A3C", "Asynchronous advantage actor-critic", "Mnih et al. 2016",
                  lockstep=False, updates=Updates(times=1, every=5)),
        algorithm("impala", ".impala:IMPALA", "Actor-learner with V-trace", "Espeholt et al. 2018", updates=Updates(times=1, every=160)),
        algorithm("ppo", ".ppo:PPO", "Proximal policy optimisation (clip)", "Schulman et al. 2017", actions=(*ALL_ACTIONS, *OF_PARTS),
                  twin="sb3/ppo", updates=Updates(times=("n_epochs", 10), every=("batch_size", 64)), deviations=(_BATCHED, *FOLLOWS)),
        algorithm("ppo_penalty", ".ppo_penalty:PPOPenalty", "Proximal policy optimisation (adaptive KL penalty)", "Schulman et al. 2017, §4",
                  actions=(*ALL_ACTIONS, *OF_PARTS), updates=Updates(times=("n_epochs", 10), every=("batch_size", 64))),
        algorithm("maskable_ppo", ".maskable_ppo:MaskablePPO", "PPO with invalid actions masked", "Huang & Ontañón 2022",
                  twin="contrib/maskable_ppo", actions=ALL_ACTIONS[1:], needs="action_masks", updates=Updates(times=("n_epochs", 10), every=("batch_size", 64)),
                  deviations=(_BATCHED, *FOLLOWS)),
        algorithm("natural_pg", ".natural_pg:NaturalPG", "Natural policy gradient", "Kakade 2002", updates=_OF_CRITIC),
        algorithm("trpo", ".trpo:TRPO", "Trust region policy optimisation", "Schulman et al. 2015",
                  twin="contrib/trpo", updates=_OF_CRITIC, deviations=(_BATCHED, _MAGNIFIED, *FOLLOWS)),
        algorithm("recurrent_ppo", ".recurrent_ppo:RecurrentPPO", "PPO with recurrent networks (LSTM)", "Schulman et al. 2017; Hausknecht & Stone 2015",
                  policy="MlpLstmPolicy", remembers=True, twin="contrib/recurrent_ppo", updates=Updates(times=("n_epochs", 10), every=("batch_size", 128)),
                  deviations=FOLLOWS),
    ],
)
