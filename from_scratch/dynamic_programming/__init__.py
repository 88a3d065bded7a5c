"""Dynamic programming: optimal values and policies of a known model (Sutton & Barto 2018, chapter 4; Puterman 1994).

Bellman's equations become assignments, repeated until they hold. Evaluation and improvement take turns (policy iteration), are merged into one sweep (value
iteration) or into something between (modified policy iteration); the other files choose the order in which states are backed up, and the last solves the same
equations as a linear programme. Read `policy_evaluation.py` first; what all of them share is in `planner.py`.
"""

from from_scratch.core.entry import Family, algorithm

_ALIKE = {"seeds": "planning draws no random numbers"}

FAMILY = Family.of(
    "dynamic_programming",
    title="Dynamic programming",
    about="Optimal behaviour computed from a known model, by sweeps of Bellman's equations over all states.",
    shared={"policy": "TabularPolicy", "actions": ("Discrete",), "loop": "planning", "unit": "backups", "cannot": _ALIKE},
    algorithms=[
        algorithm("policy_evaluation", ".policy_evaluation:PolicyEvaluation", "Policy evaluation", "Sutton & Barto 2018, §4.1", predicts=True),
        algorithm("policy_iteration", ".policy_iteration:PolicyIteration", "Policy iteration", "Sutton & Barto 2018, §4.3"),
        algorithm("value_iteration", ".value_iteration:ValueIteration", "Value iteration", "Sutton & Barto 2018, §4.4"),
        algorithm("gauss_seidel_value_iteration", ".gauss_seidel_value_iteration:GaussSeidelValueIteration",
                  "Gauss–Seidel value iteration", "Sutton & Barto 2018, §4.4"),
        algorithm("asynchronous_value_iteration", ".asynchronous_value_iteration:AsynchronousValueIteration",
                  "Asynchronous value iteration", "Sutton & Barto 2018, §4.5", cannot={}),
        algorithm("modified_policy_iteration", ".modified_policy_iteration:ModifiedPolicyIteration", "Modified policy iteration", "Puterman & Shin 1978"),
        algorithm("prioritised_value_iteration", ".prioritised_value_iteration:PrioritisedValueIteration",
                  "Prioritised value iteration", "Moore & Atkeson 1993; Wingate & Seppi 2005"),
        algorithm("linear_programming", ".linear_programming:LinearProgramming", "Linear programming", "d'Epenoux 1963; Puterman 1994, §6.9",
                  cannot={**_ALIKE, "learns on": "its first step solves the programme"}),
    ],
)
