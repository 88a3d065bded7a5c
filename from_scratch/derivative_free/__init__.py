"""Derivative-free policy search: whole policies are tried and compared by their returns, and no gradient is taken.

Weights are perturbed instead of actions, so nothing is assigned to single steps, and nothing but the return is asked of the environment. How far this goes,
even with linear policies, surprised the field. Read `ars.py` first, then `openai_es.py`.
"""

from from_scratch.core.entry import FOLLOWS, Family, algorithm

_NO_VALUES = {"time limit": "without a value function nothing stands for what a time limit cut off"}

FAMILY = Family.of(
    "derivative_free",
    title="Derivative-free policy search",
    about="Whole policies are tried and compared by their returns; no gradient is taken.",
    shared={"actions": ("Box", "Discrete"), "loop": "population", "cannot": _NO_VALUES},
    algorithms=[
        algorithm("ars", ".ars:ARS", "Augmented random search", "Mania et al. 2018", twin="contrib/ars",
                  deviations=(
                      "learn stops at its budget, inside a population if need be, and goes on from there next time; SB3-Contrib finishes the population.",
                      "Time counts steps of the environments; SB3-Contrib counts a step of several environments once for each that is still evaluated.",
                      "A callback that returns False stops training; SB3-Contrib goes on. Callbacks find each step in their locals.",
                      "A model that was loaded goes on from its weights; SB3-Contrib's starts again from 0.",
                      FOLLOWS[0],
                  )),
        algorithm("cem", ".cem:CEM", "Cross-entropy method, of policies", "Szita & Lőrincz 2006"),
        algorithm("openai_es", ".openai_es:OpenAIES", "Evolution strategies", "Salimans et al. 2017"),
    ],
)  # fmt: skip
