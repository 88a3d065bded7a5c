"""Temporal differences: an estimate is moved towards a reward and the next estimate (Sutton & Barto 2018, chapters 6 and 7).

    V(S) ← V(S) + α [R + γ V(S') − V(S)]

It learns from every step and needs no model; what stands for the next estimate tells the methods of control apart (Sarsa, Q-learning, Expected Sarsa, Double
Q-learning). With n steps between the two estimates it reaches towards Monte Carlo. Read `td0.py`, `sarsa.py` and `q_learning.py` first.
"""

from from_scratch.core.entry import Family, algorithm

FAMILY = Family.of(
    "temporal_difference",
    title="Temporal differences",
    about="An estimate is moved towards a reward and the next estimate, after every step, in a table.",
    shared={"policy": "TabularPolicy", "actions": ("Discrete",)},
    algorithms=[
        algorithm("td0", ".td0:TD0", "TD(0), prediction", "Sutton 1988", predicts=True),
        algorithm("sarsa", ".sarsa:SARSA", "SARSA", "Rummery & Niranjan 1994"),
        algorithm("q_learning", ".q_learning:QLearning", "Q-learning", "Watkins & Dayan 1992"),
        algorithm("expected_sarsa", ".expected_sarsa:ExpectedSARSA", "Expected SARSA", "van Seijen et al. 2009"),
        algorithm("double_q_learning", ".double_q_learning:DoubleQLearning", "Double Q-learning", "van Hasselt 2010"),
        algorithm("afterstate_td", ".afterstate_td:AfterstateTD", "TD learning of afterstates by self-play", "Sutton & Barto 2018, §1.5",
                  cannot={"time limit": "it learns who wins, and games end by themselves"}),
        algorithm("categorical_td", ".categorical_td:CategoricalTD", "Categorical TD, prediction", "Rowland et al. 2018", predicts=True),
        algorithm("quantile_td", ".quantile_td:QuantileTD", "Quantile TD, prediction", "Dabney et al. 2018", predicts=True),
        algorithm("categorical_q_learning", ".categorical_q_learning:CategoricalQLearning", "Categorical Q-learning", "Bellemare et al. 2017"),
        algorithm("batch_td", ".batch_td:BatchTD", "Batch TD(0), prediction", "Sutton & Barto 2018, §6.3", predicts=True),
        algorithm("batch_mc", ".batch_mc:BatchMC", "Batch Monte Carlo, prediction", "Sutton & Barto 2018, §6.3", loop="episodes", predicts=True,
                  cannot={"time limit": "it learns from whole returns, and leaves out an episode that was cut short"}),
        algorithm("n_step_td", ".n_step_td:NStepTD", "n-step TD, prediction", "Sutton & Barto 2018, §7.1", predicts=True),
        algorithm("n_step_sarsa", ".n_step_sarsa:NStepSARSA", "n-step SARSA", "Sutton & Barto 2018, §7.2"),
        algorithm("off_policy_n_step_sarsa", ".off_policy_n_step_sarsa:OffPolicyNStepSARSA", "Off-policy n-step SARSA", "Sutton & Barto 2018, §7.3"),
        algorithm("tree_backup", ".tree_backup:TreeBackup", "n-step tree backup", "Precup et al. 2000"),
        algorithm("q_sigma", ".q_sigma:QSigma", "n-step Q(σ)", "De Asis et al. 2018"),
    ],
)
