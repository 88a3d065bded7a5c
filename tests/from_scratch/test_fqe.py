"""FQE: what a given policy is worth. Numbers of another library, and small worlds whose values are known."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from from_scratch import BC, FQE
from from_scratch.core.loops.evaluates import Evaluated
from tests.from_scratch.test_weighted_regression import FORCES, THREE, a_model, assert_gradient, batch, differentiated, golden, steps, take

pytestmark = pytest.mark.numerical


def test_the_loss_and_its_gradient_are_those_of_another_library():
    given, expected = golden("fqe")
    model = a_model(FQE, gamma=given["gamma"])
    take(model.policy.critic.q_networks[0], given["q"])
    take(model.policy.critic_target.q_networks[0], given["target_q"])
    b = batch(given)
    loss, parameters = differentiated(model.loss, model.q, Evaluated(**vars(b), next_action=torch.tensor(expected["next_action"])[None].float()))
    assert loss == pytest.approx(expected["loss"], abs=1e-5)
    assert_gradient(parameters, "qf0", expected["grad_q"])


# ------------------------------------------------------------------------------------------------------------ worlds that are known
POINT = spaces.Box(-1, 1, (1,), np.float32)


def ring(n=60):
    """Two states, −1 and 1. Action 0 stays, 1 goes to the other; a step from 1 is worth 1. Episodes are cut after 6 steps, and never end."""
    rng = np.random.default_rng(0)
    s, parts = -1.0, []
    for i in range(n):
        a = int(rng.integers(2))
        s_next = -s if a else s
        parts.append(([s], a, float(s == 1), [s_next], False, i % 6 == 5))
        s = -1.0 if i % 6 == 5 else s_next
    names = ("observations", "actions", "rewards", "next_observations", "terminations", "truncations")
    data = {name: np.array(x) for name, x in zip(names, zip(*parts, strict=True), strict=True)}
    return {name: x.astype(np.float32) if "observations" in name else x for name, x in data.items()}


def evaluated(policy, **more):
    model = a_model(FQE, spaces.Discrete(2), POINT, dataset=ring(), policy_to_evaluate=policy, gamma=0.5, learning_rate=0.01, batch_size=32, seed=None,
                    **{"seeds": [0], "target_update_interval": 20, **more})  # fmt: skip
    return model.learn(600)


def stay(obs):
    return np.zeros(len(obs), int)


def test_a_policy_that_stays_is_worth_what_it_gets_where_it_is():
    """γ = ½: 0 for ever from −1, and 1 + ½ + … = 2 from 1, though the data's episodes are cut."""
    assert evaluated(stay).values(np.array([[-1.0], [1.0]], np.float32))[0] == pytest.approx([0, 2], abs=0.05)


def test_another_policy_is_worth_something_else_on_the_same_data():
    """It goes to 1 and stays there: 0 + ½ · 2 from −1, and 2 from 1."""
    assert evaluated(lambda obs: (obs[:, 0] < 0).astype(int)).values(np.array([[-1.0], [1.0]], np.float32))[0] == pytest.approx([1, 2], abs=0.05)


def test_without_a_policy_random_actions_are_evaluated_and_each_is_drawn_anew():
    """Half of the time it is in 1, wherever it began: ½ γ/(1 − γ) behind the first reward."""
    model = evaluated(None)
    assert model.values(np.array([[-1.0], [1.0]], np.float32))[0] == pytest.approx([0.5, 1.5], abs=0.1)
    assert len({model.memory.drawn(np.zeros((1, 8), int)).tobytes() for _ in range(5)}) > 1


class Draws:
    """Asked to be deterministic it stays; else it changes with probability ½, from the process's stream."""

    def predict(self, obs, state=None, episode_start=None, deterministic=False):
        return (stay(obs) if deterministic else torch.randint(2, (len(obs),)).numpy()), state


def test_a_policy_is_evaluated_as_it_draws_where_that_is_asked_for():
    both = [evaluated(Draws(), deterministic=deterministic).values(np.array([[1.0]], np.float32)).item() for deterministic in (True, False)]
    assert both == pytest.approx([2, 1.5], abs=0.1)


def test_every_seed_draws_the_policy_s_actions_from_its_own_stream():
    together = evaluated(Draws(), deterministic=False, seeds=[3, 5])
    for k, seed in enumerate([3, 5]):
        alone = evaluated(Draws(), deterministic=False, seeds=[seed])
        assert torch.equal(together.policies[k].critic.qf0[0].weight, alone.policy.critic.qf0[0].weight)


# ------------------------------------------------------------------------------------------------------------------------- estimates
def test_the_estimate_is_the_mean_over_the_states_in_which_episodes_begin():
    model = a_model(FQE, THREE, dataset=steps(THREE, n=40), policy_to_evaluate=stay)
    v = model.values(model.data.observations[model.data.starts])[0]
    value, low, high, n = model.estimate()
    assert n == 40 and value[0] == pytest.approx(v.mean()) and low[0] < value[0] < high[0]
    assert high[0] - low[0] == pytest.approx(2 * 1.96 * v.std() / np.sqrt(40), rel=0.15)  # what the central limit theorem says of it


def test_the_estimate_of_episodes_that_begin_alike_has_no_width():
    model = a_model(FQE, THREE, dataset=steps(THREE), policy_to_evaluate=stay)
    value, low, high, _ = model.estimate(np.zeros((5, 3), np.float32))
    assert low[0] == pytest.approx(value[0]) and high[0] == pytest.approx(value[0])


# ------------------------------------------------------------------------------------------------------------------ policies and files
def test_a_model_of_another_scale_is_evaluated_at_its_own_actions():
    """Bounds of ±4: a policy that says 2 is asked for, and the critic is given ½."""
    wide = spaces.Box(-4, 4, (1,), np.float32)
    model = a_model(FQE, wide, dataset=steps(wide), policy_to_evaluate=lambda obs: np.full((len(obs), 1), 2.0, np.float32))
    model.bind_memory()
    assert np.unique(model.memory.next_action).tolist() == [0.5]


def test_it_predicts_what_the_evaluated_model_predicts():
    other = a_model(BC, FORCES, dataset=steps(FORCES)).learn(5)
    model = a_model(FQE, FORCES, dataset=steps(FORCES), policy_to_evaluate=other).learn(5)
    obs = np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(model.predict(obs, deterministic=True)[0], other.predict(obs, deterministic=True)[0])


def test_a_file_leaves_the_policy_out_and_says_so(tmp_path):
    model = a_model(FQE, THREE, dataset=steps(THREE), policy_to_evaluate=Draws()).learn(5)
    model.save(tmp_path / "fqe")
    again = FQE.load(tmp_path / "fqe", policy_to_evaluate=Draws())
    obs = np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(again.values(obs), model.values(obs))
    with pytest.raises(ValueError, match="what a Draws is worth, which no file of it holds"):
        FQE.load(tmp_path / "fqe").values(obs)


@pytest.mark.parametrize(
    ("policy", "said"),
    [(3, "is of type int: give a model"), (a_model(BC, FORCES), "has the action_space"), (a_model(BC, THREE, seed=None, seeds=2), "the models of 2 seeds")],
    ids=["number", "space", "stack"],
)
def test_what_is_no_policy_of_these_spaces_is_refused(policy, said):
    with pytest.raises(ValueError, match=said):
        a_model(FQE, THREE, policy_to_evaluate=policy)
