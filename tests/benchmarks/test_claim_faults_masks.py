"""Planted faults of mask-scaling: masks that are not heeded, or penalties that teach as well, take the claim's verdict with them."""

import numpy as np

from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED
from tests.benchmarks.test_claim_faults_policy import verdicts

GRID = "from_scratch/InvalidActionGrid-v0"


def successes(masks=(10, 10, 10), penalties=(10, 10, 0)):
    """On how many of ten seeds the goal is reached in the end, with 4, 16 and 64 actions, as in the pilot."""
    cells = {}
    for arm, each in (("maskable_ppo", masks), ("ppo", penalties)):
        for task, n in zip((4, 16, 64), each, strict=True):
            cells[(arm, f"{GRID}~{task}", "measure/success_rate")] = ([16_000], 100.0 * (np.arange(10) < n)[None])
    cells[("ppo", f"{GRID}~4", "score")] = ([16_000], [1.0])
    return cells


def test_what_the_pilot_showed_is_reproduced():
    assert verdicts("mask-scaling", successes())[0] == REPRODUCED


def test_masks_that_nobody_heeds_fall_as_penalties_do():
    verdict, numbers = verdicts("mask-scaling", successes(masks=(10, 10, 0)))
    assert (verdict, numbers["flat"], numbers["gap"]) == (CONTRADICTED, CONTRADICTED, CONTRADICTED)


def test_penalties_that_teach_as_well_as_masks_contradict_it():
    verdict, numbers = verdicts("mask-scaling", successes(penalties=(10, 10, 10)))
    assert verdict != REPRODUCED
    assert numbers["falls"] == NOT_DISTINGUISHED and numbers["gap"] == CONTRADICTED
