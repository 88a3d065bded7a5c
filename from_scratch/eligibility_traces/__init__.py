"""Eligibility traces: what a step teaches is passed back to the states before it (Sutton & Barto 2018, chapter 12).

All n-step returns are averaged with weights that fall by λ: λ = 0 is TD(0), λ = 1 Monte Carlo. Seen forwards that needs the whole episode
(`offline_lambda_return.py`, to be read first); seen backwards a trace per state is enough, and TD(λ) does nearly the same at every step. True online TD(λ)
does exactly the same. Here in tables; `from_scratch/linear` has the same on features.
"""

from from_scratch.core.entry import Family, algorithm

FAMILY = Family.of(
    "eligibility_traces",
    title="Eligibility traces",
    about="What a step teaches is passed back to the states before it, weighted by how long ago they were visited.",
    shared={"policy": "TabularPolicy", "actions": ("Discrete",)},
    algorithms=[
        algorithm("offline_lambda_return", ".offline_lambda_return:OfflineLambdaReturn", "Off-line λ-return, prediction", "Sutton & Barto 2018, §12.1",
                  loop="episodes", predicts=True),
        algorithm("td_lambda", ".td_lambda:TDLambda", "TD(λ), prediction", "Sutton 1988", predicts=True),
        algorithm("true_online_td_lambda", ".true_online_td_lambda:TrueOnlineTDLambda", "True online TD(λ), prediction", "van Seijen & Sutton 2014",
                  predicts=True),
        algorithm("sarsa_lambda", ".sarsa_lambda:SARSALambda", "SARSA(λ)", "Rummery & Niranjan 1994"),
        algorithm("watkins_q_lambda", ".watkins_q_lambda:WatkinsQLambda", "Watkins's Q(λ)", "Watkins 1989"),
    ],
)
