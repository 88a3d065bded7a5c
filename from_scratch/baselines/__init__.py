"""What every study should beat.

An algorithm whose score is not above that of random actions has learnt nothing, and a normalised score needs a zero: one file, `random_agent.py`.
"""

from from_scratch.core.entry import Family, algorithm

_LEARNS_NOTHING = dict.fromkeys(("learns", "learns on", "seeds", "time limit"), "there is nothing to learn")
_DRAWS = {"deterministic": "it draws whether or not it is asked to be deterministic", "refuses actions": "it draws from any space"}
_LOOKS_AT_NOTHING = {"refuses observations": "it does not look at them"}

FAMILY = Family.of(
    "baselines",
    title="Baseline",
    about="What every study should beat.",
    shared={"policy": "RandomPolicy", "loop": "none"},
    algorithms=[
        algorithm("random", ".random_agent:RandomAgent", "Uniformly random actions", "–", cannot={**_LEARNS_NOTHING, **_DRAWS, **_LOOKS_AT_NOTHING}),
    ],
)
