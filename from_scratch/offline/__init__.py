"""Offline learning: from a data set that somebody recorded, without playing.

Nothing that is learnt here can be tried out. A critic that thinks too much of an action that the data do not hold is never put right, so all but the first
of these classes are ways not to ask it: stay with the data's actions, or be careful about others. Read `offline_td3.py` first, which fails, then
`td3_bc.py`, its smallest remedy.
"""

from from_scratch.core.entry import Family, Updates, algorithm

FAMILY = Family.of(
    "offline",
    title="Offline learning",
    about="From data sets that were recorded before, without playing.",
    shared={"actions": ("Box",), "loop": "dataset", "unit": "updates", "updates": Updates(times=1, every=1), "together": 5},
    algorithms=[
        algorithm("bc", ".bc:BC", "Behaviour cloning", "Pomerleau 1991", actions=("Box", "Discrete")),
        algorithm("filtered_bc", ".filtered_bc:FilteredBC", "Behaviour cloning of the best episodes", "Chen, Lu et al. 2021", actions=("Box", "Discrete")),
        algorithm("offline_td3", ".offline_td3:OfflineTD3", "TD3 on a data set", "Fujimoto et al. 2019"),
        algorithm("bcq", ".bcq:BCQ", "Batch-constrained Q-learning", "Fujimoto et al. 2019"),
        algorithm("discrete_bcq", ".discrete_bcq:DiscreteBCQ", "Batch-constrained Q-learning for discrete actions", "Fujimoto, Conti et al. 2019",
                  actions=("Discrete",)),
        algorithm("td3_bc", ".td3_bc:TD3BC", "TD3 with behaviour cloning", "Fujimoto & Gu 2021"),
        algorithm("brac", ".brac:BRAC", "Behaviour-regularised actor-critic", "Wu et al. 2019"),
        algorithm("rebrac", ".rebrac:ReBRAC", "Behaviour-regularised actor-critic, revisited", "Tarasov et al. 2023"),
        algorithm("awac", ".awac:AWAC", "Advantage-weighted actor-critic", "Nair et al. 2020", actions=("Box", "Discrete")),
        algorithm("iql", ".iql:ImplicitQLearning", "Implicit Q-learning", "Kostrikov et al. 2022", actions=("Box", "Discrete")),
        algorithm("discrete_cql", ".discrete_cql:DiscreteCQL", "Conservative Q-learning for discrete actions", "Kumar et al. 2020", actions=("Discrete",)),
        algorithm("cql", ".cql:CQL", "Conservative Q-learning", "Kumar et al. 2020"),
        algorithm("edac", ".edac:EDAC", "Ensemble-diversified actor-critic", "An et al. 2021"),
        algorithm("decision_transformer", ".decision_transformer:DecisionTransformer", "Decision transformer", "Chen, Lu et al. 2021",
                  actions=("Box", "Discrete"), remembers=True),
    ],
)  # fmt: skip
