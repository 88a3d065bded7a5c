"""A planted fault flips the verdict: claims about learning from data sets, judged on runs in which what they claim is not so."""

import numpy as np
import pytest

from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID
from tests.benchmarks.test_claim_faults_value import _draws, _verdict

# ---------------------------------------------------------------------------------------------------------------------- is-horizon
HORIZONS = (5, 10, 20, 40, 80)


def _errors(ordinary=0.65, fitted=0.16, at_first=0.2, weight=1.0):
    """Slopes of log10 of the error for each doubling of the length, as in the pilot."""
    normal, cells = _draws("is-horizon"), {}
    for i, H in enumerate(HORIZONS):
        of_is, of_fitted = -1 + ordinary * i + normal(0, 0.1), -1 - at_first + fitted * i + normal(0, 0.05)
        cells["random", f"from_scratch/RandomMDP-v0~h{H}"] = {
            "measure/log10_ordinary": of_is, "measure/log10_fitted": of_fitted, "measure/log10_over_fitted": of_is - of_fitted,
            "measure/mean_weight": weight + normal(0, 0.005),
        }  # fmt: skip
    return cells


def test_errors_as_in_the_pilot_reproduce_the_claim():
    assert _verdict("is-horizon", _errors())[0] == REPRODUCED


def test_weights_that_are_left_out_are_found_out():
    """Then both errors grow alike: the mean return of another policy's episodes is wrong from the first step on."""
    verdict, numbers = _verdict("is-horizon", _errors(ordinary=0.16, at_first=0.0))
    assert verdict == NOT_DISTINGUISHED and numbers["steeper"] == NOT_DISTINGUISHED


def test_q_that_is_fitted_wrongly_is_found_out():
    assert _verdict("is-horizon", _errors(ordinary=0.5, fitted=0.7, at_first=-0.5))[0] == CONTRADICTED


@pytest.mark.parametrize("fault", [{"weight": 0.8}, {"at_first": 1.5}])
def test_estimates_that_are_wrong_in_short_episodes_are_no_evidence(fault):
    assert _verdict("is-horizon", _errors(**fault))[0] == VOID


# ---------------------------------------------------------------------------------------------------------------------- iql-stitch
MAZE = "from_scratch/StitchingMaze-v0~stitching"


def _maze(**of_arms):
    """How many of the seeds reach the goal; the others take the prize."""
    shares = {"iql~tau0.5": 0, "iql~tau0.7": 5, "iql~tau0.9": 10, "bc": 0, **of_arms}
    return {(arm, MAZE): {"score": np.where(np.arange(10) < n, 1.0, 0.3)} for arm, n in shares.items()}


def test_shares_as_in_the_pilot_reproduce_the_claim_of_stitching():
    assert _verdict("iql-stitch", _maze())[0] == REPRODUCED


def test_an_expectile_that_is_ignored_is_found_out():
    assert _verdict("iql-stitch", _maze(**{"iql~tau0.5": 10}))[0] == NOT_DISTINGUISHED
    assert _verdict("iql-stitch", _maze(**{"iql~tau0.9": 0}))[0] == VOID


def test_a_maze_that_is_reached_by_imitation_is_no_evidence():
    assert _verdict("iql-stitch", _maze(bc=3))[0] == VOID
