"""A planted fault flips the verdict on early overtraining and its cure: judged on runs in which what is claimed is not so."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.claims import claim as claims
from benchmarks.claims.metrics import Results
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID, judge

CLAIM = claims.find("primacy")
SEEDS = list(CLAIM.study_settings["seeds"])
PLAIN, PRIMED, RESET = "sac", "resetting_sac~primed", "resetting_sac~primed-and-reset"


def verdict(plain, primed, reset):
    """What the claim says of invented returns at the end of training, one a seed of each arm, and what its numbers say."""
    cells = {PLAIN: plain, PRIMED: primed, RESET: reset}
    rows = [{"algo": arm, "env": "Pendulum-v1", "seed": seed, "step": 12000, "score": value, "episode_length": 200.0, "seconds": 0.0}
            for arm, returns in cells.items() for seed, value in zip(SEEDS, returns, strict=True)]  # fmt: skip
    nothing = pd.DataFrame(columns=["algo", "env", "seed", "step", "key", "value"])
    outcome = judge(CLAIM, Results(SEEDS, pd.DataFrame(rows), nothing), SEEDS)
    return outcome.verdict, {judged.number.name: judged.verdict for judged in outcome.numbers}


@pytest.fixture
def draws():
    """learnt(): returns of agents that swing up, one for each seed; stuck(share): of agents of which this share never does."""
    rng = np.random.default_rng(0)
    learnt = lambda: rng.normal(-150, 10, len(SEEDS))
    stuck = lambda share: np.where(np.arange(len(SEEDS)) < round(share * len(SEEDS)), rng.normal(-1550, 30, len(SEEDS)), learnt())
    return learnt, stuck


def test_overtraining_that_stays_and_resets_that_cure_it_are_reproduced(draws):
    learnt, stuck = draws
    assert verdict(learnt(), stuck(0.8), learnt()) == (REPRODUCED, {"lost": REPRODUCED, "cured": REPRODUCED})


def test_updates_that_do_no_harm_are_not_distinguished(draws):
    """The fault: priming_updates is ignored, and all three arms are SAC."""
    learnt, _ = draws
    assert verdict(learnt(), learnt(), learnt()) == (NOT_DISTINGUISHED, {"lost": NOT_DISTINGUISHED, "cured": REPRODUCED})


def test_resets_that_never_come_contradict(draws):
    """The fault: reset_interval is ignored, and both primed arms are stuck."""
    learnt, stuck = draws
    overall, numbers = verdict(learnt(), stuck(0.8), stuck(0.8))
    assert overall == CONTRADICTED and numbers == {"lost": REPRODUCED, "cured": CONTRADICTED}


def test_a_reset_at_the_very_end_contradicts(draws):
    """The fault: what is judged was reset just before, so that nothing had been learnt again."""
    learnt, stuck = draws
    assert verdict(learnt(), stuck(0.8), np.full(len(SEEDS), -1200.0) + learnt())[1]["cured"] == CONTRADICTED


def test_priming_that_helps_contradicts(draws):
    """The fault: the arms are exchanged."""
    learnt, stuck = draws
    assert verdict(stuck(0.15), learnt(), learnt())[1]["lost"] != REPRODUCED


def test_an_agent_that_learns_in_no_arm_is_void(draws):
    """The fault: SAC itself does not learn, so that being as good as it says nothing."""
    _, stuck = draws
    assert verdict(stuck(1), stuck(1), stuck(1))[0] == VOID
