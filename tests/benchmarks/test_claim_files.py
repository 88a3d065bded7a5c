"""Files of claims: each one that there is can be read, run and paid for; what is wrong in one is said in one clear line."""

import copy
import functools
import re

import pytest

from benchmarks import UserError
from benchmarks.claims import claim as claims
from benchmarks.claims.claim import TIERS, BadClaim, cells_of, claim_of
from benchmarks.claims.record import QUICK_SEEDS
from benchmarks.claims.statistics import STATISTICS
from benchmarks.configs import CONFIGS
from benchmarks.store.plain import from_yaml
from benchmarks.studies.study import seed_list
from from_scratch import registry
from tests.some import some

FASTEST = 50_000  # steps of an environment a second: no learner here is faster, all seeds together
FEWEST_SEEDS = 10
EXAMPLE = from_yaml((CONFIGS / "claim" / "gae-lambda.yaml").read_text(encoding="utf-8"), "gae-lambda.yaml")
study_of = functools.cache(lambda name: claims.find(name).study())
every_claim = pytest.mark.parametrize("name", claims.names())


# ------------------------------------------------------------------------------------------------------- those that there are


@every_claim
def test_a_claim_says_in_which_paper_and_where_in_it_it_stands(name):
    paper = claims.find(name).paper
    assert re.search(r"(19|20)\d\d", paper["cite"]), "its year"
    assert paper["url"].startswith("https://") and paper["place"] and paper["title"]


@every_claim
def test_a_number_of_a_paper_that_is_called_verified_says_where_it_was_looked_up(name):
    assert all(item.get("source") for item in claims.find(name).quoted if item["verified"])


@pytest.mark.parametrize("name", some(claims.names()))
def test_a_claims_study_can_be_composed_with_every_arm_and_task(name):
    claim = claims.find(name)
    study = study_of(name)
    assert [algo for group in study.groups for algo in group["algos"]] == [algo for group in claim.study_settings["groups"] for algo in group["algos"]]
    assert study.claim == {"name": name, "hash": claim.hash}


@pytest.mark.parametrize("name", some(claims.names()))
def test_the_seeds_of_a_verdict_are_not_those_of_its_pilot_nor_of_quick_looks(name):
    claim = claims.find(name)
    seeds = set(study_of(name).seeds)
    assert not seeds & set(seed_list(claim.pilot["seeds"]) if claim.pilot.get("seeds") else ()) and not seeds & set(QUICK_SEEDS)


@every_claim
def test_a_claim_has_enough_seeds_for_its_tests_unless_it_is_exact(name):
    claim = claims.find(name)
    assert claim.badge == "exact" or len(study_of(name).seeds) >= FEWEST_SEEDS


@every_claim
def test_a_claim_can_be_paid_for(name):
    claim = claims.find(name)
    study = study_of(name)
    runs = [(algo, env) for group in study.groups for algo in group["algos"] for env in group["envs"] if registry.find(algo).unit == "steps"]
    steps = sum(study.budget[env][algo] for algo, env in runs) * len(study.seeds)
    assert steps / FASTEST / 60 <= TIERS[claim.tier]


@every_claim
def test_what_a_claim_compares_it_has(name):
    claim = claims.find(name)
    for number in claim.numbers:
        assert number.statistic in STATISTICS if number.statistic else all(cells_of(claim, cell, number.envs) for cell in number.cells)


@every_claim
def test_a_difference_of_arms_is_0_where_they_are_equal(name):
    """Coefficients that do not sum to 0 are allowed, as in "no worse than 0.9 times": but then what is called nothing is no difference."""
    claim = claims.find(name)
    for number in claim.numbers:
        if number.contrast and len(number.contrast) > 1 and number.nothing == 0:
            assert sum(number.contrast.values()) == pytest.approx(0), number.name


@every_claim
def test_a_reader_is_told_what_a_claims_words_are(name):
    claim = claims.find(name)
    assert all(len(words) > 10 and words.strip() == words for words in (claim.statement, claim.falsifier, *(number.says for number in claim.numbers)))


# ------------------------------------------------------------------------------------------------------------ broken claims

NAMES = ", ".join(algo for group in EXAMPLE["study"]["groups"] for algo in group["algos"])
BROKEN = [  # where, what is put there (None: taken away), what is said
    ("row", None, "claim broken: no row"),
    ("study", None, "claim broken: no study"),
    ("badge", "similar", "claim broken: badge=similar: one of same task, analogue, exact"),
    ("tier", "XL", "claim broken: tier=XL: one of S, M, L"),
    ("paper.url", None, "claim broken: paper: no url"),
    ("paper.place", "", "claim broken: paper: no place"),
    ("statment", "x", "claim broken has no 'statment': did you mean statement?"),
    ("numbers", {}, "claim broken: it stands on no number"),
    ("numbers.over-td", "gain", "claim broken: number over-td: gain: give says, metric, nothing, …"),
    ("numbers.over-td.enogh", 1, "claim broken: number over-td has no 'enogh': did you mean enough?"),
    ("numbers.over-td.nothing", None, "claim broken: number over-td: no nothing"),
    ("numbers.over-td.enough", None, "claim broken: number over-td: either enough, from where on an effect counts, or within, where a null lies"),
    ("numbers.over-td.within", [-1, 1], "claim broken: number over-td: either enough, from where on an effect counts, or within, where a null lies"),
    ("numbers.over-td.enough", 0, "claim broken: number over-td: enough is nothing (0): an effect that counts lies on one side of it"),
    ("numbers.over-td.ratio", ["a", "b"], "claim broken: number over-td: one of contrast, ratio and statistic"),
    ("numbers.over-td.contrast", {"ppo~lambda2": 1, "ppo~lambda0": -1}, f"claim broken: over-td: 'ppo~lambda2' is no arm of its study, which has {NAMES}"),
    ("numbers.over-td.metric", {"take": "area", "treshold": 1}, "claim broken: number over-td: metric has no 'treshold': did you mean threshold?"),
    ("numbers.over-td.metric", {"take": "average"}, "claim broken: number over-td: take=average: one of last, first, mean, max, min, sum, area, steps"),
    ("numbers.over-td.metric", {"take": "steps"}, "claim broken: number over-td: steps need a threshold"),
    ("numbers.over-td.metric", 5, "claim broken: number over-td: metric 5: a key, or {of, take, threshold, below, scale}"),
    ("controls.0.cell", "dqn", f"claim broken: λ = 0.95 learns: 'dqn' is no arm of its study, which has {NAMES}"),
    ("controls.0.at_least", None, "claim broken: control 1: at_least or at_most"),
    ("controls.0.at_lest", 3, "claim broken: control 1 has no 'at_lest': did you mean at_least?"),
    ("quoted.0.verified", None, "claim broken: quoted: give what, value and verified (true with the source where it was looked up), not "),
]  # fmt: skip
OF_WRONG_KIND = [
    ("paper", "Schulman 2016", "claim broken: paper=Schulman 2016: settings by name"),
    ("pilot", [], "claim broken: pilot=[]: settings by name"),
    ("paired", "yes", "claim broken: paired=yes: true or false"),
    ("statement", "", "claim broken: statement=: words"),
    ("tier", {}, "claim broken: tier={}: words"),
    ("study.groups", {}, "claim broken: study: groups={}: a list of groups, each with algos and envs"),
    ("study.groups.0.envs", "CartPole-v1", "claim broken: study: a group: envs=CartPole-v1: a list of names"),
    ("numbers", "many", "claim broken: numbers=many: settings by name"),
    ("numbers.over-td.contrast", {"ppo~lambda0.95": 0}, "claim broken: number over-td: contrast={'ppo~lambda0.95': 0}: a number but 0 for each arm"),
    ("numbers.over-td.enough", float("nan"), "claim broken: number over-td: enough=nan: a number"),
    ("numbers.over-td.enough", True, "claim broken: number over-td: enough=True: a number"),
    ("numbers.over-td.envs", "CartPole-v1", "claim broken: number over-td: envs=CartPole-v1: a list of names"),
    ("numbers.over-td.metric", {"of": "score", "take": "steps", "threshold": "many"}, "claim broken: number over-td: metric: threshold=many: a number"),
    ("numbers.over-td.metric", {"of": "score", "scale": 0}, "claim broken: number over-td: metric: scale=0: a number but 0"),
    ("controls.0.cell", 5, "claim broken: control 1: cell=5: words"),
    ("controls.0.at_least", "much", "claim broken: control 1: at_least=much: a number"),
]  # fmt: skip
BAD_NULLS = [
    (["low", "high"], "claim broken: number over-td: within=['low', 'high']: two bounds, of which one may be null"),
    ([1, 2], "claim broken: number over-td: nothing=0 does not lie within (1, 2)"),
    ([None, None], "claim broken: number over-td: within=[None, None]: two bounds, of which one may be null"),
    (3, "claim broken: number over-td: within=3: two bounds, of which one may be null"),
]


def with_change(place, value):
    said = copy.deepcopy(EXAMPLE)
    *parents, last = [int(word) if word.isdigit() else word for word in place.split(".")]
    at = said
    for word in parents:
        at = at[word]
    if value is None:
        at.pop(last)
    else:
        at[last] = value
    return said


def complaint(said):
    with pytest.raises(BadClaim) as caught:
        claim_of("broken", said)
    return str(caught.value)


@pytest.mark.parametrize(("place", "value", "line"), BROKEN, ids=[f"{place}-{k}" for k, (place, *_) in enumerate(BROKEN)])
def test_what_is_wrong_in_a_claim_is_said_in_one_line_that_names_the_place(place, value, line):
    found = complaint(with_change(place, value))
    assert found.startswith(line) and "\n" not in found


@pytest.mark.parametrize(("place", "value", "line"), OF_WRONG_KIND, ids=[f"{place}-{k}" for k, (place, *_) in enumerate(OF_WRONG_KIND)])
def test_a_value_of_the_wrong_kind_is_refused_before_anything_runs(place, value, line):
    assert complaint(with_change(place, value)) == line


def test_a_statistic_that_there_is_not_is_refused_before_anything_runs():
    said = with_change("numbers.over-td.contrast", None)
    said["numbers"]["over-td"]["statistic"] = "growht"
    assert complaint(said).startswith("claim broken: number over-td: statistic=growht: one of growth, ")


@pytest.mark.parametrize(("within", "line"), BAD_NULLS)
def test_a_null_says_where_it_has_to_lie(within, line):
    said = with_change("numbers.over-td.enough", None)
    said["numbers"]["over-td"]["within"] = within
    assert complaint(said) == line


@pytest.mark.parametrize("said", [None, [], "a claim"])
def test_a_file_that_holds_no_claim_is_none(said):
    assert complaint(said) == "claim broken: its file holds no claim"


def test_a_verdict_on_seeds_of_the_pilot_is_refused():
    with pytest.raises(UserError, match=r"claim broken: seeds 100–101 were used to try it out: its verdict needs others"):
        claim_of("broken", with_change("pilot", {"seeds": [0, 100, 101], "note": "n"})).study()


def test_an_unknown_claim_gets_the_nearest_name():
    with pytest.raises(UserError, match=r"unknown claim 'gae-lamda': did you mean 'gae-lambda'\?"):
        claims.find("gae-lamda")


def test_every_word_of_a_claim_is_in_its_hash():
    assert claim_of("a", EXAMPLE).hash == claim_of("b", copy.deepcopy(EXAMPLE)).hash != claim_of("a", with_change("numbers.over-td.enough", 21)).hash


def test_a_claim_cannot_be_called_exact_after_its_runs():
    """Its runs that are all alike would then be no sample, and its verdict another."""
    assert claim_of("a", with_change("badge", "exact")).hash != claim_of("a", with_change("badge", "analogue")).hash
    assert claim_of("a", with_change("badge", "same task")).hash == claim_of("a", with_change("badge", "analogue")).hash
