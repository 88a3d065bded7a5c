"""Monte Carlo methods: values as averages of the returns of whole episodes (Sutton & Barto 2018, chapter 5).

No model is needed and no estimate stands on another. Prediction comes first, then control, which must go on exploring: by its starts, or by a soft policy. The
last files learn about one policy from the episodes of another, by importance sampling. Read `prediction.py` first.
"""

from from_scratch.core.entry import Family, algorithm

FAMILY = Family.of(
    "monte_carlo",
    title="Monte Carlo",
    about="Values as averages of the returns of whole episodes, without a model and without bootstrapping.",
    shared={"policy": "TabularPolicy", "actions": ("Discrete",), "loop": "episodes"},
    algorithms=[
        algorithm("mc_prediction", ".prediction:MCPrediction", "First-visit Monte Carlo prediction", "Sutton & Barto 2018, §5.1", predicts=True),
        algorithm("every_visit_mc_prediction", ".prediction:EveryVisitMCPrediction", "Every-visit Monte Carlo prediction", "Singh & Sutton 1996",
                  predicts=True),
        algorithm("mc_exploring_starts", ".exploring_starts:MCExploringStarts", "Monte Carlo control with exploring starts", "Sutton & Barto 2018, §5.3"),
        algorithm("mc_control", ".control:MCControl", "Monte Carlo control (ε-soft, on-policy)", "Sutton & Barto 2018, §5.4"),
        algorithm("ordinary_off_policy_mc_prediction", ".off_policy_prediction:OrdinaryOffPolicyMCPrediction",
                  "Off-policy Monte Carlo prediction (ordinary importance sampling)", "Sutton & Barto 2018, §5.5", predicts=True),
        algorithm("off_policy_mc_prediction", ".off_policy_prediction:OffPolicyMCPrediction",
                  "Off-policy Monte Carlo prediction (weighted importance sampling)", "Sutton & Barto 2018, §5.6", predicts=True),
        algorithm("per_decision_off_policy_mc_prediction", ".off_policy_prediction:PerDecisionOffPolicyMCPrediction",
                  "Off-policy Monte Carlo prediction (per-decision importance sampling)", "Precup et al. 2000", predicts=True),
        algorithm("off_policy_mc_control", ".off_policy_control:OffPolicyMCControl", "Off-policy Monte Carlo control", "Sutton & Barto 2018, §5.7"),
    ],
)
