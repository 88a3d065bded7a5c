"""Off-policy continuous control: actors that follow the gradient of a critic, learnt from a replay memory.

The greedy action of DQN is a maximum over numbers that cannot be listed; here a network learns it. DDPG is the idea, TD3 mends its overestimation with two
critics, smoothed targets and a slower actor, SAC adds the policy's entropy to the reward, TQC's critics learn distributions of returns, and CrossQ's are
normalised, which spares it the target networks. REDQ and DroQ make many updates a step pay. Read `td3.py` first: `ddpg.py` is what differs from it, the
others what differs from `sac.py`. `discrete_sac.py` shows what becomes of SAC where the actions can be listed after all.
"""

from from_scratch.core.entry import FOLLOWS, NO_NAN_REFUSED, Family, Updates, algorithm

_UPDATES = Updates(times=("gradient_steps", 1), every=("train_freq", 1))
_SEEN_LATE = dict.fromkeys(("nan reward", "nan observation"), "as in SB3, it is refused where a loss is NaN, which is after the critic's step")

FAMILY = Family.of(
    "continuous_control",
    title="Off-policy continuous control",
    about="Actor-critics that learn continuous actions from a replay memory.",
    shared={
        "actions": ("Box",), "loop": "replay", "updates": _UPDATES, "together": 5, "deviations": FOLLOWS, "cannot": NO_NAN_REFUSED,
    },
    algorithms=[
        algorithm("ddpg", ".ddpg:DDPG", "Deep deterministic policy gradient", "Lillicrap et al. 2016", twin="sb3/ddpg"),
        algorithm("td3", ".td3:TD3", "Twin delayed DDPG", "Fujimoto et al. 2018", twin="sb3/td3"),
        algorithm("sac", ".sac:SAC", "Soft actor-critic", "Haarnoja et al. 2018", twin="sb3/sac", cannot=_SEEN_LATE),
        algorithm("discrete_sac", ".discrete_sac:DiscreteSAC", "Soft actor-critic for discrete actions", "Christodoulou 2019", actions=("Discrete",),
                  deviations=(), cannot=_SEEN_LATE),
        algorithm("resetting_sac", ".resetting_sac:ResettingSAC", "Soft actor-critic with resets", "Nikishin et al. 2022", deviations=(), cannot=_SEEN_LATE),
        algorithm("redq", ".redq:REDQ", "Randomised ensembled double Q-learning", "Chen et al. 2021", deviations=(), cannot=_SEEN_LATE,
                  updates=Updates(times=("gradient_steps", 20), every=("train_freq", 1))),
        algorithm("droq", ".droq:DroQ", "Dropout Q-functions", "Hiraoka et al. 2022", deviations=(), cannot=_SEEN_LATE,
                  updates=Updates(times=("gradient_steps", 20), every=("train_freq", 1))),
        algorithm("tqc", ".tqc:TQC", "Truncated quantile critics", "Kuznetsov et al. 2020", twin="contrib/tqc", cannot=_SEEN_LATE,
                  deviations=(*FOLLOWS, "A file holds target_entropy as a plain number, where SB3-Contrib's holds one of NumPy's.")),
        algorithm("crossq", ".crossq:CrossQ", "CrossQ, batch normalisation without target networks", "Bhatt et al. 2024",
                  twin="contrib/crossq", cannot=_SEEN_LATE,
                  deviations=(*FOLLOWS, "Dict observations are learnt from, with a features extractor that takes them; SB3-Contrib's fails there.")),
    ],
)  # fmt: skip
