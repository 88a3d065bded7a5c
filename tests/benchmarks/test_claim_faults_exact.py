"""A planted fault flips the verdict: claims whose tasks are tables, judged on runs in which what they claim is not so."""

import numpy as np

from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID
from tests.benchmarks.test_claim_faults_value import _draws, _verdict

# ------------------------------------------------------------------------------------------------------------------ per-cliffwalk
UNIFORM, GREEDY, PRIORITISED, ORACLE = (f"{before}replay_q_learning" for before in ("", "greedy_", "prioritized_", "oracle_"))
NEEDED = {UNIFORM: (470, 115000), GREEDY: (120, 8600), PRIORITISED: (150, 10400), ORACLE: (100, 670)}  # updates with 4 and with 12 states, as in the pilot


def _replays(**of_arms):
    normal, cells = _draws("per-cliffwalk"), {}
    for arm, updates in {**NEEDED, **of_arms}.items():
        for n, typical in zip((4, 12), updates, strict=True):
            found = typical * np.exp(normal(0, 0.2))
            values = {"measure/updates_to_exact": found, "measure/log2_updates_to_exact": np.log2(found), "measure/is_exact": np.ones(len(found))}
            cells[arm, f"from_scratch/BlindCliffwalk-v0~{n}"] = values
    return cells


def test_replays_as_in_the_pilot_reproduce_the_claim():
    assert _verdict("per-cliffwalk", _replays())[0] == REPRODUCED


def test_priorities_that_are_not_used_are_found_out():
    verdict, numbers = _verdict("per-cliffwalk", _replays(**{PRIORITISED: NEEDED[UNIFORM]}))
    assert verdict == NOT_DISTINGUISHED
    assert numbers == {"twelve": NOT_DISTINGUISHED, "rising": NOT_DISTINGUISHED, "greedy": REPRODUCED, "oracle": REPRODUCED}


def test_priorities_that_help_no_more_on_a_longer_ledge_are_found_out():
    verdict, numbers = _verdict("per-cliffwalk", _replays(**{PRIORITISED: (470 / 11, 115000 / 11)}))
    assert (numbers["twelve"], numbers["rising"]) == (REPRODUCED, NOT_DISTINGUISHED) and verdict == NOT_DISTINGUISHED


def test_runs_that_never_come_to_the_right_values_are_no_evidence():
    cells = _replays()
    cells[UNIFORM, "from_scratch/BlindCliffwalk-v0~12"]["measure/is_exact"][::4] = 0
    assert _verdict("per-cliffwalk", cells)[0] == VOID


# -------------------------------------------------------------------------------------------------------------------- npg-plateau
PLAIN, TENFOLD, NATURAL = "exact_policy_gradient", "exact_policy_gradient~tenfold", "exact_natural_policy_gradient"
CAME_TO_IT = {PLAIN: 153, TENFOLD: 15, NATURAL: 2}  # the checkpoint of invented runs at which the average reward is 1.9, of 160


def _climbs(least=1.2, last=2.0, **of_arms):
    cells = {}
    for arm, at in {**CAME_TO_IT, **of_arms}.items():
        reward = np.where(np.arange(160) < at - 1, 1.0, last)
        share = np.where(np.arange(160) < at - 1, least, 100.0)
        cells[arm, "from_scratch/TwoLoops-v0"] = {"measure/objective": np.tile(reward, (10, 1)), "measure/last_share": np.tile(share, (10, 1))}
    return cells


def test_climbs_as_in_the_pilot_reproduce_the_claim():
    assert _verdict("npg-plateau", _climbs())[0] == REPRODUCED


def test_a_natural_gradient_that_is_the_plain_one_is_found_out():
    verdict, numbers = _verdict("npg-plateau", _climbs(**{NATURAL: CAME_TO_IT[PLAIN]}))
    assert numbers["slower"] == NOT_DISTINGUISHED and numbers["longer-steps"] == verdict == CONTRADICTED


def test_a_plain_gradient_that_never_turns_away_is_found_out():
    assert _verdict("npg-plateau", _climbs(least=25))[1] == {"slower": REPRODUCED, "longer-steps": REPRODUCED, "away": CONTRADICTED}


def test_gradients_that_do_not_come_to_the_best_reward_are_no_evidence():
    assert _verdict("npg-plateau", _climbs(last=1.5))[0] == VOID


# -------------------------------------------------------------------------------------------------------------------- convergence
ONE_OVER_N, SLOWER, CONSTANT = "q_learning~one_over_n", "q_learning~slower", "q_learning~constant"
DISTANCES = {(ONE_OVER_N, ""): 0.33, (SLOWER, ""): 0.061, (CONSTANT, ""): 0.22, (SLOWER, "-short"): 0.116, (CONSTANT, "-short"): 0.25}  # as in the pilot


def _distances(**of_arms):
    """of_arms: arm -> its distances after all and after a third of the steps."""
    normal, cells = _draws("convergence"), {}
    for (arm, task), typical in DISTANCES.items():
        at = of_arms.get(arm, (typical, typical))["-short" in task]
        cells[arm, f"from_scratch/GridWorld-v0~4x3{task}"] = {"measure/q_gap": at * np.exp(normal(0, 0.3))}
    return cells


def test_distances_as_in_the_pilot_reproduce_the_claim():
    assert _verdict("convergence", _distances())[0] == REPRODUCED


def test_step_sizes_that_do_not_fall_are_found_out():
    assert _verdict("convergence", _distances(**{SLOWER: (0.22, 0.25)}))[0] == VOID


def test_a_constant_step_size_that_converges_is_found_out():
    assert _verdict("convergence", _distances(**{CONSTANT: (0.061, 0.116)}))[1]["constant-stays"] == CONTRADICTED
