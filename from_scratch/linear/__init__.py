"""Linear function approximation: v̂(s, w) = wᵀ x(s), for states too many for a table (Sutton & Barto 2018, chapters 9 to 12).

In the order of the book: prediction by gradients and by least squares, control with Sarsa, what becomes of it off the policy and how true gradients mend it
(GTD2, TDC, emphatic TD), and eligibility traces. Read `gradient_mc.py` and `semi_gradient_td.py` first, and `from_scratch/core/linear/features.py` for x(s).
"""

from from_scratch.core.entry import Family, algorithm

_ONE_EACH = {"n_envs": "its compiled turn plays one environment of each seed"}

FAMILY = Family.of(
    "linear",
    title="Linear function approximation",
    about="Values that are weights on features of the state, learnt by semi-gradients, by least squares and by true gradients.",
    shared={"policy": "LinearPolicy", "actions": ("Discrete",), "cannot": _ONE_EACH},
    algorithms=[
        algorithm("gradient_mc", ".gradient_mc:GradientMC", "Gradient Monte Carlo prediction", "Sutton & Barto 2018, §9.3", loop="episodes", predicts=True),
        algorithm("semi_gradient_td", ".semi_gradient_td:SemiGradientTD", "Semi-gradient TD(0)", "Sutton 1988", predicts=True),
        algorithm("n_step_semi_gradient_td", ".n_step_semi_gradient_td:NStepSemiGradientTD", "n-step semi-gradient TD", "Sutton & Barto 2018, §9.4",
                  predicts=True),
        algorithm("lstd", ".lstd:LSTD", "Least-squares TD", "Bradtke & Barto 1996", predicts=True),
        algorithm("semi_gradient_sarsa", ".semi_gradient_sarsa:SemiGradientSARSA", "Semi-gradient Sarsa", "Sutton & Barto 2018, §10.1"),
        algorithm("n_step_semi_gradient_sarsa", ".n_step_semi_gradient_sarsa:NStepSemiGradientSARSA",
                  "n-step semi-gradient Sarsa", "Sutton & Barto 2018, §10.2"),
        algorithm("differential_sarsa", ".differential_sarsa:DifferentialSARSA", "Differential Sarsa", "Sutton & Barto 2018, §10.3",
                  cannot={**_ONE_EACH, "time limit": "its values are relative to the mean reward of a task without end: there is no γ"}),
        algorithm("gtd2", ".gtd2:GTD2", "Gradient TD (GTD2)", "Sutton et al. 2009", predicts=True),
        algorithm("tdc", ".tdc:TDC", "TD with gradient correction (TDC)", "Sutton et al. 2009", predicts=True),
        algorithm("emphatic_td", ".emphatic_td:EmphaticTD", "Emphatic TD", "Sutton, Mahmood & White 2016", predicts=True),
        algorithm("linear_td_lambda", ".td_lambda:LinearTDLambda", "Semi-gradient TD(λ)", "Sutton 1988", predicts=True),
        algorithm("linear_true_online_td_lambda", ".true_online_td_lambda:LinearTrueOnlineTDLambda", "True online TD(λ), linear", "van Seijen & Sutton 2014",
                  predicts=True),
        algorithm("linear_sarsa_lambda", ".sarsa_lambda:LinearSARSALambda", "Sarsa(λ), linear", "Rummery 1995"),
        algorithm("true_online_sarsa_lambda", ".true_online_sarsa_lambda:TrueOnlineSARSALambda", "True online Sarsa(λ)", "van Seijen et al. 2016"),
        algorithm("linear_watkins_q_lambda", ".watkins_q_lambda:LinearWatkinsQLambda", "Watkins's Q(λ), linear", "Watkins 1989"),
    ],
)
