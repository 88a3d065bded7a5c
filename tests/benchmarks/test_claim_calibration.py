"""Worlds in which the truth of a claim's numbers is known, made from its runs; and how often verdicts in them are false."""

import csv

import numpy as np
import pandas as pd
import pytest

from benchmarks import UserError
from benchmarks.claims import calibration, estimates, verdict
from benchmarks.claims import claim as claims
from benchmarks.claims.calibration import LEAST, NO_EFFECT, TRUTHS, Library, blocks, joined, measure, target_of
from benchmarks.claims.estimates import Effort
from benchmarks.claims.metrics import Results

CART, ACRO = "CartPole-v1", "Acrobot-v1"
FAST = Effort(divisions=200, exact=200, is_hurried=True)
GAIN = {"says": "gain", "metric": "score", "contrast": {"dqn": 1, "dqn~b": -1}, "nothing": 0, "enough": 3}
OTHER = GAIN | {"contrast": {"dqn": 1, "dqn~c": -1}}
THREE = GAIN | {"contrast": {"dqn": 1, "dqn~b": -0.5, "dqn~c": -0.5}}
INTERACTION = GAIN | {"contrast": {f"dqn on {CART}": 1, f"dqn~b on {CART}": -1, f"dqn on {ACRO}": -1, f"dqn~b on {ACRO}": 1}}
HARDER = GAIN | {"contrast": {f"dqn on {CART}": 1, f"dqn on {ACRO}": -1}}
SHARE = GAIN | {"metric": {"of": "score", "threshold": 15, "scale": 100}, "enough": 20}
ALONE = GAIN | {"contrast": {"dqn": 2}, "nothing": 30, "enough": 40}
SOLVED = SHARE | {"contrast": {"dqn": 1}, "nothing": 50, "enough": 75}
RATIO = {"says": "times", "metric": "score", "ratio": ["dqn", "dqn~b"], "nothing": 1, "enough": 1.5}
NULL = {"says": "none", "metric": "score", "contrast": {"dqn": 1, "dqn~b": -1}, "nothing": 0, "within": [-4, 2]}
PART = GAIN | {"contrast": {"dqn": 1, "dqn~b": -0.9}}


def a_claim(paired=False, envs=(CART,), **numbers):
    said = {
        "row": 1, "title": "t", "family": "value based", "paper": {"cite": "c", "title": "t", "url": "u", "place": "p"}, "statement": "s", "tier": "S",
        "badge": "analogue", "differs": "d", "falsifier": "f", "pilot": {"seeds": [], "note": ""}, "paired": paired, "numbers": numbers, "controls": [],
        "study": {"seeds": [100], "groups": [{"name": "g", "algos": ["dqn", "dqn~b", "dqn~c"], "envs": list(envs)}]},
    }  # fmt: skip
    return claims.claim_of("invented", said)


def the_runs(n=10, envs=(CART,), seed=0):
    """Arms that lie far apart, and on the second task 100 higher."""
    rng = np.random.default_rng(seed)
    means = {"dqn": 20, "dqn~b": 14, "dqn~c": 8}
    rows = [(arm, env, s, 1000, m + 100 * (env == ACRO) + rng.normal()) for arm, m in means.items() for env in envs for s in range(n)]
    return Results(list(range(n)), pd.DataFrame(rows, columns=["algo", "env", "seed", "step", "score"]), pd.DataFrame())


def worlds(number, truth=NO_EFFECT, paired=False, envs=(CART,), repetitions=400):
    """The runs of a number's cells in many worlds, [(cell -> runs)]."""
    claim = a_claim(paired, envs, number=number)
    library = Library.of(claim, the_runs(envs=envs))
    (one,) = claim.numbers
    for k in range(repetitions):
        rng = np.random.default_rng(k)
        yield library.moved(one, library.values["number"], [e.drawn(10, rng) for e in library.exchanges], target_of(one, truth), rng)


# ------------------------------------------------------------------------------------------------------------------- worlds


def test_runs_that_are_compared_by_seed_change_arms_within_their_seed():
    runs = the_runs()
    own = {seed: sorted(rows.score) for seed, rows in runs.curves[runs.curves.algo != "dqn~c"].groupby("seed")}
    for world in worlds(GAIN, paired=True, repetitions=5):
        assert [sorted(pair) for pair in zip(*world.values(), strict=True)] == [own[seed] for seed in range(10)]


def test_other_runs_change_places_with_all_of_their_task():
    runs = the_runs(envs=(CART, ACRO))
    for world in worlds(INTERACTION, envs=(CART, ACRO), repetitions=5):
        for env in (CART, ACRO):
            own = runs.curves[(runs.curves.env == env) & (runs.curves.algo != "dqn~c")].score
            assert sorted(np.concatenate([v for cell, v in world.items() if cell[1] == env])) == sorted(own)


def test_a_contrast_between_tasks_exchanges_the_tasks():
    one = a_claim(envs=(CART, ACRO), number=HARDER)
    assert blocks(one, one.numbers[0]) == [(("dqn", CART), ("dqn", ACRO))]


def test_a_contrast_that_is_not_0_between_equal_arms_exchanges_nothing():
    one = a_claim(number=PART)
    assert blocks(one, one.numbers[0]) == []


def test_groups_that_share_an_arm_are_exchanged_together():
    assert joined([("a", "b"), ("c", "d"), ("e", "a")]) == [("c", "d"), ("a", "b", "e")]
    assert joined([("a", "b"), ("c", "d"), ("e", "a"), ("d", "b")]) == [("c", "d", "a", "b", "e")]


def test_a_run_takes_all_its_metrics_along():
    claim = a_claim(gain=GAIN, share=SHARE | {"metric": {"of": "score", "threshold": 17}})
    library = Library.of(claim, the_runs())
    places = [e.drawn(10, np.random.default_rng(0)) for e in library.exchanges]
    gain, share = (library.moved(one, library.values[one.name], places, 0.0, np.random.default_rng(0)) for one in claim.numbers)
    assert all(((gain[cell] >= 17) == share[cell]).all() for cell in gain)


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("number", "within"), [(GAIN, 0.3), (THREE, 0.3), (NULL, 0.3), (ALONE, 0.3), (PART, 0.3), (SHARE, 3.0), (SOLVED, 3.0)])
def test_on_average_a_number_is_what_it_should_be(number, within, paired, truth):
    one = a_claim(paired, number=number)
    points = [verdict.estimate_of(one, one.numbers[0], world, FAST).point for world in worlds(number, truth, paired)]
    assert np.mean(points) == pytest.approx(target_of(one.numbers[0], truth), abs=within)


@pytest.mark.parametrize("truth", TRUTHS)
def test_on_average_one_side_of_a_ratio_is_as_many_times_the_other_as_it_should_be(truth):
    means = np.mean([[world["dqn", CART].mean(), world["dqn~b", CART].mean()] for world in worlds(RATIO, truth)], axis=0)
    assert means[0] / means[1] == pytest.approx(1 if truth == NO_EFFECT else 1.5, abs=0.02)


def test_a_null_lies_at_its_nearer_edge_in_every_world():
    one = a_claim(number=NULL).numbers[0]
    assert [target_of(one, truth) for truth in TRUTHS] == [2, 2]


# --------------------------------------------------------------------------------------------------------------- verdicts


def test_a_hurried_verdict_is_the_whole_ones():
    claim, runs = a_claim(gain=GAIN | {"enough": 0.5}, other=OTHER | {"enough": 0.5}, null=NULL), the_runs(6)
    library = Library.of(claim, runs)
    hurried, whole = (list(library.verdicts(LEAST, 60, 0, Effort(divisions=1000, exact=1000, is_hurried=quick))) for quick in (True, False))
    assert hurried == whole and len({each for _, single in whole for each in single}) > 2


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("number", [GAIN, THREE, NULL, SHARE, RATIO, SOLVED], ids=["gain", "three", "null", "share", "ratio", "solved"])
def test_at_most_5_percent_of_verdicts_say_reproduced(number, truth):
    row = measure(a_claim(number=number), the_runs(), truth, 150, 0, FAST)
    assert row["repetitions"] == 150 and row["low"] <= 0.05


def test_the_runs_themselves_are_reproduced_so_that_it_is_their_exchange_that_counts():
    assert verdict.judge(a_claim(gain=GAIN), the_runs(), range(10)).verdict == verdict.REPRODUCED


def test_intervals_that_are_too_narrow_are_found_out(monkeypatch):
    right = estimates.interval
    monkeypatch.setattr(estimates, "interval", lambda cells, confidence: tuple((np.array(right(cells, confidence)) + cells.point) / 2))
    assert measure(a_claim(null=NULL), the_runs(), NO_EFFECT, 200, 0, FAST)["low"] > 0.05


def test_a_number_that_cannot_be_moved_is_left_out_and_counted():
    row = measure(a_claim(gain=GAIN, share=SOLVED | {"contrast": {"dqn": 1, "dqn~b": -0.9}}), the_runs(), NO_EFFECT, 20, 0, FAST)
    assert (row["numbers"], row["left_out"], row["repetitions"]) == (1, 1, 20)


def test_a_claim_that_has_only_such_numbers_has_no_share():
    row = measure(a_claim(share=SOLVED | {"contrast": {"dqn": 1, "dqn~b": -0.9}}), the_runs(), NO_EFFECT, 20, 0, FAST)
    assert (row["left_out"], row["repetitions"], row["reproduced"]) == (1, 0, None)


# ---------------------------------------------------------------------------------------------------------------- on disk


def test_the_same_command_writes_the_same_files(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "stored", lambda folder: [(claims.find("gae-lambda"), gae_runs())])
    written = []
    for name in ("one", "two"):
        assert calibration.main([str(tmp_path), "--repetitions", "20", "--divisions", "100", "--out", str(tmp_path / name)]) == 0
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert written[0] == written[1] and set(written[0]) == {"claims.csv", "claims.md", "claims.svg", "claims.json"}
    rows = list(csv.DictReader(written[0]["claims.csv"].decode().splitlines()))
    assert [(row["claim"], row["truth"], row["repetitions"]) for row in rows] == [("gae-lambda", truth, "20") for truth in TRUTHS]


def gae_runs():
    rng = np.random.default_rng(0)
    rows = [(arm, CART, s, step, rng.normal(200, 30)) for arm in claims.find("gae-lambda").arms for s in range(10) for step in (1000, 2000)]
    return Results(list(range(10)), pd.DataFrame(rows, columns=["algo", "env", "seed", "step", "score"]), pd.DataFrame())


def test_more_than_5_percent_are_an_exit_code(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "stored", lambda folder: [(claims.find("gae-lambda"), gae_runs())])
    monkeypatch.setattr(verdict, "of_all", lambda verdicts: verdict.REPRODUCED)
    assert calibration.main([str(tmp_path), "--repetitions", "20", "--out", str(tmp_path)]) == 1


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(UserError, match="there are no stored runs of claims to calibrate with"):
        calibration.main([str(tmp_path), "--out", str(tmp_path)])
