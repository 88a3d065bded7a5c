"""What every study should beat.

An algorithm whose score is not above that of random actions has learnt nothing, and a normalised score needs a zero: one file, `random_agent.py`.
"""

from from_scratch.core.entry import Family, algorithm

FAMILY = Family.of(
    "baselines",
    title="Baseline",
    about="What every study should beat.",
    shared={"policy": "RandomPolicy", "loop": "none"},
    algorithms=[
        algorithm("random", ".random_agent:RandomAgent", "Uniformly random actions", "–"),
    ],
)
