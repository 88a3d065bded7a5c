"""The claims on decision transformers: what is measured, by hand, and planted faults that take the verdict with them. Runs are made up after the pilots'."""

from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest

from benchmarks import UserError
from benchmarks.claims.verdict import CONTRADICTED, NOT_DISTINGUISHED, REPRODUCED, VOID
from benchmarks.measures import asked_return
from benchmarks.measures.asked_return import EPISODES, INSIDE, AskedReturn, compared
from from_scratch import BC, DecisionTransformer
from tests.benchmarks.test_claim_faults_policy import around, verdicts

CART, GAMBLE = "CartPole-v1~medium-replay", "from_scratch/TwoStateGamble-v0~uniform"


# ------------------------------------------------------------------------------------------------------------------ what is measured
def test_what_is_delivered_as_asked_agrees_and_has_no_error():
    asked = np.array([10.0, 20.0, 30.0, 40.0, 55.0])
    assert compared(asked, np.array([10.0, 20.0, 30.0, 40.0, 40.0])) == {"rank_agreement": 1.0, "inside_error": 0.0, "beyond": 100.0}


def test_ranks_errors_and_what_lies_beyond_by_hand():
    """Ranks 1 2 3 4 against 2 1 3 4: ρ = 1 − 6 · 2/(4 · 15) = 0.8. Errors 15 + 5 + 5 + 5 of 30: 25 % on average. From 10: 35 − 10 over 45 − 10."""
    found = compared(np.array([10.0, 20.0, 30.0, 40.0, 55.0]), np.array([25.0, 15.0, 35.0, 45.0, 35.0]))
    assert found == pytest.approx({"rank_agreement": 0.8, "inside_error": 25.0, "beyond": 100 * 25 / 35})


def test_who_always_does_the_same_agrees_with_nothing():
    assert compared(np.array([10.0, 20.0, 30.0, 45.0]), np.full(4, 9.0))["rank_agreement"] == 0.0


def measuring(model, seeds):
    run = lambda seed: SimpleNamespace(algo="x", env="CartPole-v1", spec={}, hyperparams={}, seed=seed, protocol={"eval_seed": 0})
    measure = AskedReturn(SimpleNamespace(runs=[run(seed) for seed in seeds]))
    measure.model = model
    measure._on_training_start()
    return measure


def pushes(n=30):
    """Recorded episodes of one step each, with returns 1 … n."""
    return {
        "observations": np.zeros((n, 4), np.float32), "next_observations": np.zeros((n, 4), np.float32), "actions": np.arange(n) % 2,
        "rewards": np.arange(1, n + 1, dtype=np.float32), "terminations": np.ones(n, bool), "truncations": np.zeros(n, bool),
    }  # fmt: skip


def small(seeds, **kwargs):
    sizes = {"context_length": 3, "embedding_dim": 8, "n_layers": 1, "batch_size": 8}
    return DecisionTransformer("MlpPolicy", "CartPole-v1", dataset=pushes(), seeds=seeds, device="cpu", **sizes, **kwargs).learn(3)


class Obeys:
    """Keeps cart-pole's pole up as long as it is asked to, by leaning against its fall, and then lets it fall."""

    def __init__(self):
        self.data = SimpleNamespace(returns=np.linspace(20, 60, 41))

    def predict(self, obs, state=None, episode_start=None, deterministic=False, reward=None, target_return=None):
        left = target_return if state is None else state - reward
        against = obs[:, 2] + 0.3 * obs[:, 3] > 0
        return np.where(left > 9, against, 1).astype(int), left


def test_who_delivers_what_is_asked_for_is_seen_to():
    found = measuring(Obeys(), [0]).values()[0]
    assert found["rank_agreement"] > 0.97 and found["inside_error"] < 15 and found["beyond"] > 110


def test_returns_are_asked_for_from_a_tenth_to_the_best_and_half_the_way_beyond():
    measure = measuring(Obeys(), [0])
    np.testing.assert_allclose(measure.asked, [*np.linspace(24, 60, INSIDE), 78])
    assert len(measure.lanes) == (INSIDE + 1) * EPISODES


def test_a_seed_of_a_stack_is_measured_as_it_is_alone(monkeypatch):
    monkeypatch.setattr(asked_return, "EPISODES", 2)
    stack = small([3, 4])
    together = measuring(stack, [0, 1]).values()
    assert together == [measuring(stack.member(k), [k]).values()[0] for k in range(2)]


def test_who_cannot_be_asked_is_refused():
    with pytest.raises(UserError, match="takes no target_return"):
        measuring(BC("MlpPolicy", gym.make("CartPole-v1"), device="cpu"), [0])


# ------------------------------------------------------------------------------------------------------------------ dt-conditioning
def conditioned(agreement=0.98, blind=0.0, beyond=112.0):
    cells = {}
    for k, (arm, mean, spread) in enumerate((("decision_transformer", agreement, 0.015), ("decision_transformer~blind", blind, 0.3))):
        cells[arm, CART, "measure/rank_agreement"] = ([800], around(mean, spread, 10, seed=k))
        cells[arm, CART, "measure/beyond"] = ([800], around(beyond, 8, 10, seed=k))
        cells[arm, CART, "score"] = ([800], around(120, 5, 10, seed=k))
    return cells


def test_returns_that_follow_what_is_asked_for_are_said_to():
    assert verdicts("dt-conditioning", conditioned())[0] == REPRODUCED


def test_a_transformer_that_ignores_what_it_is_asked_for_is_no_better_than_a_blind_one():
    verdict, numbers = verdicts("dt-conditioning", conditioned(agreement=0.05))
    assert verdict != REPRODUCED and numbers["rises"] == NOT_DISTINGUISHED and numbers["inside"] == CONTRADICTED


def test_a_control_that_follows_what_it_cannot_see_makes_the_claim_void():
    assert verdicts("dt-conditioning", conditioned(blind=0.9))[0] == VOID


def test_returns_that_go_on_rising_beyond_the_data_speak_against_it():
    verdict, numbers = verdicts("dt-conditioning", conditioned(beyond=150.0))
    assert verdict != REPRODUCED and numbers["beyond"] == CONTRADICTED


# -------------------------------------------------------------------------------------------------------------------------- dt-luck
def choices(asked=100, sure=0, cloned=100, conservative=0):
    """Percent of states in which runs choose wrongly: 100 where they gamble."""
    means = {"decision_transformer": asked, "decision_transformer~sure": sure, "filtered_bc": cloned, "discrete_cql": conservative}
    return {(arm, GAMBLE, key): ([200], [value]) for arm, mean in means.items() for key, value in (("measure/wrong_states", mean), ("score", 0.55))}


def test_a_transformer_that_gambles_where_q_learning_does_not_is_told_from_it():
    assert verdicts("dt-luck", choices())[0] == REPRODUCED


def test_a_transformer_that_weighs_its_chances_takes_the_claim_with_it():
    verdict, numbers = verdicts("dt-luck", choices(asked=0))
    assert verdict != REPRODUCED and set(numbers.values()) <= {NOT_DISTINGUISHED, CONTRADICTED}


def test_where_q_learning_gambles_too_there_is_no_verdict():
    assert verdicts("dt-luck", choices(conservative=100))[0] == VOID
