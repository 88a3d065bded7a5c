"""Every claim at once, on invented runs: it is reproduced where its effect is planted, not where its arms are alike, and contradicted where it is reversed.

What a claim says of its runs is a system of linear inequalities in the means of its cells: each number lies at its place, each control holds. A world is a
solution of it, with a spread of its runs that is small beside what counts. So a claim that no runs could reproduce, or none contradict, is found out in time.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.optimize import linprog

from benchmarks.claims import claim as claims
from benchmarks.claims import verdict
from benchmarks.claims.claim import Claim, Metric, Number, cells_of
from benchmarks.claims.estimates import Effort
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, judge
from benchmarks.studies.study import seed_list

Key = tuple[str, str, Metric]  # the arm, the task, and what is taken of its runs
Row = Mapping[Key, float]

FAR = 3.0  # at most so many times the smallest effect that counts is planted; of shares, which end at 0 and 100 %, as much beyond it as can be
SPREAD = 0.02  # of what counts: that of the runs
CHEAP = Effort(divisions=2000, exact=2000)  # of a test by chance, whose smallest p is then 1 in 2001


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(verdict, "estimate_of", functools.partial(verdict.estimate_of, effort=CHEAP))


@dataclass(frozen=True)
class Invented:
    """Runs whose metrics are what they are said to be (in the place of benchmarks.claims.metrics.Results)."""

    seeds: list[int]
    runs: Mapping[Key, np.ndarray]

    def values(self, arm: str, env: str, metric: Metric) -> np.ndarray:
        return self.runs[arm, env, metric]


class World:
    """The means that a claim's cells may have. `numbers`: its numbers that are of arms, which functions of all runs are not."""

    def __init__(self, claim: Claim):
        self.claim = replace(claim, numbers=tuple(number for number in claim.numbers if number.statistic is None))
        self.numbers = self.claim.numbers
        self.keys: dict[Key, int] = {}
        self.limits: list[tuple[Row, float, float]] = []  # a row of coefficients: its product with the means, beside `slope` × t, is at least `least`
        for control in claim.controls:
            found = cells_of(claim, control.cell)
            mean = {(*cell, control.metric): 1 / len(found) for cell in found}
            if control.at_least is not None:
                self.at_least(mean, control.at_least + 1e-3 * abs(control.at_least))  # not at the edge, where rounding decides
            if control.at_most is not None:
                self.at_least(_times(mean, -1), -control.at_most + 1e-3 * abs(control.at_most))
        least = 0.01 if any(control.at_most is not None and control.at_most < 1 for control in claim.controls) else 1.0
        for number in self.numbers:
            for cell in verdict.coefficients_of(self.claim, number):
                self._place((*cell, number.metric))
            for word in number.ratio or ():
                self.at_least(self._mean(number, word), least)  # a ratio is of positive means

    def _place(self, key: Key) -> int:
        return self.keys.setdefault(key, len(self.keys))

    def _mean(self, number: Number, word: str) -> Row:
        found = cells_of(self.claim, word, number.envs)
        return {(*cell, number.metric): 1 / len(found) for cell in found}

    def at_least(self, row: Row, least: float, slope: float = 0.0) -> None:
        for key in row:
            self._place(key)
        self.limits.append((row, least, slope))

    def _of(self, number: Number, amount: float) -> tuple[Row, float]:
        """A row whose product with the means is above this where a number lies above `amount`."""
        if number.ratio is None:
            return {(*cell, number.metric): c for cell, c in verdict.coefficients_of(self.claim, number).items()}, amount
        above, below = (self._mean(number, word) for word in number.ratio)
        return {key: above.get(key, 0.0) - amount * below.get(key, 0.0) for key in {**above, **below}}, 0.0

    def put(self, number: Number, amount: float) -> None:
        """The number lies here."""
        row, value = self._of(number, amount)
        self.at_least(row, value)
        self.at_least(_times(row, -1), -value)

    def push(self, number: Number, towards: float) -> None:
        """The number lies t times as far from nothing as this, at most FAR times; a share t − 1 tenths beyond it; a ratio FAR times, or midway to 0."""
        nothing, sign = number.nothing, 1 if towards > number.nothing else -1
        if number.ratio is not None:
            self.put(number, nothing + FAR * (towards - nothing) if sign > 0 else (towards if towards > 0 else nothing) / 2)
            return
        row, _ = self._of(number, 0.0)
        if number.metric.is_share:
            tenth = abs(number.metric.scale) / 10
            self.at_least(_times(row, sign), sign * towards - tenth, -tenth)
            return
        self.at_least(_times(row, sign), sign * nothing, -abs(towards - nothing))
        self.at_least(_times(row, -sign), -(sign * nothing + FAR * abs(towards - nothing)))

    def means(self) -> dict[Key, float] | None:
        """The means of a world with the largest t; None where there is none."""
        rows = np.zeros((len(self.limits), len(self.keys) + 1))
        for i, (row, _, slope) in enumerate(self.limits):
            for key, c in row.items():
                rows[i, self.keys[key]] += c
            rows[i, -1] = slope
        bounds = [tuple(sorted((0.0, key[2].scale))) if key[2].is_share else (None, None) for key in self.keys]
        found = linprog([*np.zeros(len(self.keys)), -1.0], A_ub=-rows, b_ub=[-least for _, least, _ in self.limits], bounds=[*bounds, (0, 100)])
        return dict(zip(self.keys, found.x[:-1].tolist(), strict=True)) if found.success else None

    def outcome(self, means: Mapping[Key, float], seed: int = 0) -> verdict.Outcome:
        seeds = seed_list(self.claim.study_settings["seeds"])
        rng = np.random.default_rng(seed)
        runs = {key: self._runs(key, mean, rng.normal(size=len(seeds))) for key, mean in means.items()}
        return judge(self.claim, Invented(seeds, runs), seeds)  # type: ignore[arg-type]

    def _runs(self, key: Key, mean: float, noise: np.ndarray) -> np.ndarray:
        """Runs of exactly this mean; of a share, of the nearest that so many runs can have."""
        if key[2].is_share:
            return key[2].scale * (np.arange(len(noise)) < round(mean / key[2].scale * len(noise)))
        return mean + self._spread().get(key, 0.0) * (noise - noise.mean())

    @functools.cache  # noqa: B019  a world is gone with its test
    def _spread(self) -> dict[Key, float]:
        found: dict[Key, float] = {}
        for number in self.numbers:
            room = min(abs(edge - number.nothing) for edge in (number.within or (number.enough,)) if edge is not None)
            coefficients = verdict.coefficients_of(self.claim, number)
            for cell in coefficients:
                key = (*cell, number.metric)
                found[key] = min(found.get(key, np.inf), SPREAD * room / sum(map(abs, coefficients.values())))
        return found


def _times(row: Row, c: float) -> Row:
    return {key: c * value for key, value in row.items()}


def _world(name: str) -> World:
    return World(claims.find(name))


OF_ARMS = [name for name in claims.names() if _world(name).numbers]
EFFECTS = [name for name in OF_ARMS if not all(number.is_null for number in _world(name).numbers)]
NUMBERS = [(name, number.name) for name in OF_ARMS for number in _world(name).numbers]


# ------------------------------------------------------------------------------------------------------------- the effect is there


@pytest.mark.parametrize("name", OF_ARMS)
def test_a_claim_whose_effect_is_planted_is_reproduced(name):
    world = _world(name)
    for number in world.numbers:
        if number.enough is None:
            world.put(number, number.nothing)
        else:
            world.push(number, number.enough)
    means = world.means()
    assert means is not None, "its numbers and its controls exclude one another"
    outcome = world.outcome(means)
    assert outcome.verdict == REPRODUCED, [(judged.number.name, judged.verdict) for judged in outcome.numbers] + [outcome.why]


# ------------------------------------------------------------------------------------------------------------------ there is none


@pytest.mark.parametrize("name", EFFECTS)
def test_a_claim_whose_arms_are_alike_is_not_reproduced(name):
    world = World(replace(claims.find(name), controls=()))  # an arm that has to fail is not like one that has to learn
    for number in world.numbers:
        world.put(number, number.nothing)
    means = world.means()
    assert means is not None
    for judged in world.outcome(means).numbers:
        assert judged.verdict == (REPRODUCED if judged.number.is_null else NOT_DISTINGUISHED), judged.number.name


# --------------------------------------------------------------------------------------------------------------------- its opposite


def opposite(number: Number) -> float:
    """As far from nothing as what counts, on the other side: of a ratio as many times less as that is more."""
    assert number.enough is not None
    return number.nothing**2 / number.enough if number.ratio is not None else 2 * number.nothing - number.enough


BY_CONTROL_VOID = {("dt-luck", "gamble"), ("iql-stitch", "stitches")}  # on the other side a control fails before, and the claim is void instead


@pytest.mark.parametrize(("name", "of"), [each for each in NUMBERS if each not in BY_CONTROL_VOID])
def test_a_claim_one_of_whose_numbers_lies_on_the_other_side_is_contradicted(name, of):
    (number,) = (number for number in _world(name).numbers if number.name == of)
    for wrong in [edge for edge in number.within or (opposite(number),) if edge is not None]:
        world = _world(name)
        world.push(number, wrong)
        means = world.means()
        assert means is not None, "its controls keep it from ever being contradicted"
        assert world.outcome(means).verdict == CONTRADICTED, wrong


@pytest.mark.parametrize(("name", "of"), sorted(BY_CONTROL_VOID))
def test_a_claim_whose_control_is_half_of_it_can_never_be_contradicted_by_that_number(name, of):
    (number,) = (number for number in _world(name).numbers if number.name == of)
    world = _world(name)
    world.push(number, opposite(number))
    assert world.means() is None


# --------------------------------------------------------------------------------------------------------- arms differ in what they should


def settings(name: str) -> dict[str, dict[str, dict[str, object]]]:
    return claims.find(name).study().hyperparams


def test_rainbows_lack_one_part_each_and_nothing_else():
    arms = settings("rainbow-drop")
    whole = arms.pop("rainbow~all")
    off = {"no-n-steps": ("n_steps", 1), "no-priorities": ("prioritized", False), "no-distribution": ("distributional", False), "no-noise": ("noisy", False)}
    off |= {"no-dueling": ("dueling", False), "no-double": ("double", False)}
    assert arms == {f"rainbow~{arm}": {env: {**whole[env], part: value} for env in whole} for arm, (part, value) in off.items()}


def test_c51_has_dqns_settings_and_the_ends_of_its_atoms():
    arms = settings("c51-small")
    assert all({**arms["dqn~small"][env], "v_min": c51["v_min"], "v_max": c51["v_max"]} == c51 for env, c51 in arms["c51~small"].items())


def test_redq_has_the_settings_of_sac_with_as_many_updates_and_droq_those_of_redq():
    of_redq, of_droq = settings("redq-utd"), settings("droq-cost")
    assert of_redq["redq~10-updates"]["Pendulum-v1"] == {**of_redq["sac~10-updates"]["Pendulum-v1"], "policy_delay": 10}
    assert of_redq["sac~10-updates"]["Pendulum-v1"] == {**of_redq["sac~1-update"]["Pendulum-v1"], "gradient_steps": 10}
    assert of_droq["droq~10-updates"] == of_droq["redq~10-updates"]


@pytest.mark.parametrize("algo", ["ppo", "trpo"])
def test_without_the_details_everything_else_is_as_with_them(algo):
    arms = settings("code-level")
    details = {"normalize", "clip_range_vf", "policy_kwargs", "learning_rate", "max_grad_norm"}
    for env in ("CartPole-v1", "Pendulum-v1"):
        with_them, without = ({k: v for k, v in arms[f"{algo}~{which}"][env].items() if k not in details} for which in ("with", "without"))
        assert with_them == without
