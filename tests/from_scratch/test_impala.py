"""IMPALA: V-trace against numbers of others, a policy lag that is what it says, and actors that play what the learner would."""

import json
import multiprocessing
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from from_scratch import A2C, IMPALA
from from_scratch.core.data import Sample
from from_scratch.core.returns import vtrace
from tests.from_scratch.workers import Broken, killer

pytestmark = pytest.mark.numerical
GIVEN = {"n_envs": 4, "n_steps": 5, "device": "cpu", "policy_kwargs": {"net_arch": [8]}}


def impala(**more):
    return IMPALA("MlpPolicy", "CartPole-v1", **{"seeds": [1], **GIVEN, **more})


def weights(model, k=0):
    return torch.cat([p.detach().flatten() for p in model._policies[k].parameters()])


# ------------------------------------------------------------------------------------------------------------------------------- V-trace
@pytest.mark.parametrize(("case", "more", "decay"), [("default", {}, 1.0), ("clip2", {"clip_rho": 2.0}, 1.0), ("lam0_9", {}, 0.9)])
def test_v_trace_has_the_numbers_of_rlax(case, more, decay):
    file = json.loads((Path(__file__).with_name("golden") / "vtrace.json").read_text(encoding="utf-8"))
    x, expected = {name: np.array(value) for name, value in file["inputs"].items()}, file["expected"][case]
    target, advantage = vtrace(x["reward"], x["discount"], x["v_tm1"], x["v_t"], np.full(7, decay), np.exp(x["log_rho"]), **more)
    np.testing.assert_allclose(target - x["v_tm1"], expected["errors"], rtol=1e-6)
    if decay == 1:  # rlax mixes V into the advantage's target where λ < 1, and the paper does not
        np.testing.assert_allclose(advantage, expected["pg_advantage"], rtol=1e-6)


def test_without_lag_it_is_a2c():
    a2c = A2C("MlpPolicy", "CartPole-v1", seeds=[1], **GIVEN, ent_coef=0.01).learn(400, log_interval=None)
    torch.testing.assert_close(weights(impala().learn(400, log_interval=None)), weights(a2c), rtol=0, atol=1e-6)


# ------------------------------------------------------------------------------------------------------------------------------ the lag
def played_with(model, steps=200):
    """The weights that each rollout was played with, and those that learnt from it."""
    found = []

    def look(*_):
        with model.behaving():
            played = weights(model).clone()
        found.append((played, weights(model).clone()))
        return True

    model.learn(steps, callback=look, log_interval=None)
    return found[:: model.n_steps]


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_what_plays_is_as_many_updates_old_as_was_asked(lag):
    rollouts = played_with(impala(policy_lag=lag))
    learnt = [theta for _, theta in rollouts]
    assert len(rollouts) == 10 and not torch.equal(learnt[0], learnt[1])
    for i, (played, _) in enumerate(rollouts):
        assert torch.equal(played, learnt[max(i - lag, 0)]), i


def test_the_weights_of_a_step_are_the_ratio_of_the_two_policies():
    model = impala(policy_lag=3)
    seen, steps = [], {}

    def look_back(*args):
        B = model.rollout_buffer
        steps.update(observations=B.observations.reshape(20, 4).copy(), actions=B.actions.reshape(20).copy())
        seen.append(args)
        return IMPALA.look_back(model, *args)

    model.look_back = look_back
    model.learn(60, log_interval=None)  # three rollouts: at the third π has had two updates, and μ none
    assert np.array_equal(seen[0][-1], np.ones((5, 4)))
    mu = IMPALA("MlpPolicy", "CartPole-v1", seeds=[1], **GIVEN).policy
    pi = impala(policy_lag=3).learn(40, log_interval=None).policy
    obs, actions = torch.from_numpy(steps["observations"]), torch.from_numpy(steps["actions"])
    with torch.no_grad():
        by_hand = torch.exp(pi.evaluate_actions(obs, actions)[1] - mu.evaluate_actions(obs, actions)[1])
    np.testing.assert_allclose(seen[2][-1].ravel(), by_hand, rtol=1e-5)
    assert not np.array_equal(seen[2][-1], np.ones((5, 4)))


@pytest.mark.parametrize("correction", ["none", "epsilon"])
def test_without_a_correction_what_was_played_counts_as_ones_own(correction):
    model = impala(policy_lag=2, correction=correction)
    r, ratio = np.ones((2, 1), np.float32), np.full((2, 1), 0.5, np.float32)
    target, advantage = model.look_back(r, np.full_like(r, 0.5), 0 * r, 0 * r, ratio)
    assert target.ravel().tolist() == [1.5, 1.0] == advantage.ravel().tolist()
    corrected, _ = impala(policy_lag=2).look_back(r, np.full_like(r, 0.5), 0 * r, 0 * r, ratio)
    assert corrected.ravel().tolist() == [0.5 * (1 + 0.5 * 0.5), 0.5]


def test_epsilon_keeps_the_gradient_of_an_action_that_pi_would_hardly_take_small():
    """log(π + ε) has the derivative π/(π + ε) of log π: nothing, where π is far below ε."""
    sample = Sample(*(torch.zeros(1, 2, 4), torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 2), torch.ones(1, 2), torch.zeros(1, 2)))
    gradients = {}
    for correction in ("none", "epsilon"):
        model = impala(correction=correction, ent_coef=0.0)
        model.policy.action_net.bias.data.copy_(torch.tensor([-30.0, 0.0]))
        loss, _ = model.actor_critic.rows.differentiate(model.loss, sample)
        model.actor_critic.rows.backward(loss)
        gradients[correction] = np.abs(model.actor_critic.rows.gradients()).max()
    assert gradients["none"] == pytest.approx(1) and gradients["epsilon"] < 1e-5


def test_a_seed_in_a_stack_lags_as_it_does_alone():
    stack, alone = (impala(seeds=seeds, policy_lag=2).learn(200, log_interval=None) for seeds in ([1, 2], [2]))
    assert torch.equal(weights(stack, 1), weights(alone))


def test_modules_that_are_asked_one_by_one_lag_too():
    together, asked = impala(policy_lag=2), impala(policy_lag=2)
    asked.policy.value_net.register_forward_hook(lambda *_: None)
    for model in (together, asked):
        model.learn(200, log_interval=None)
    torch.testing.assert_close(weights(together), weights(asked), rtol=0, atol=1e-5)


# ------------------------------------------------------------------------------------------------------------------------------- actors
@pytest.mark.parametrize("lag", [0, 2])
def test_one_actor_plays_to_the_bit_what_the_learner_would(lag):
    assert torch.equal(*(weights(impala(policy_lag=lag, actors=n).learn(200, log_interval=None)) for n in (0, 1)))


def test_several_actors_draw_by_seeds_of_their_own_which_the_model_notes_and_the_run_can_be_repeated(tmp_path):
    models = [impala(policy_lag=1, actors=2).learn(200, log_interval=None) for _ in range(2)]
    assert torch.equal(*map(weights, models)) and not torch.equal(weights(models[0]), weights(impala(policy_lag=1).learn(200, log_interval=None)))
    assert len(set(models[0].actor_seeds)) == 2 and models[0].actor_seeds[0] == 1
    models[0].save(tmp_path / "model")
    loaded = IMPALA.load(tmp_path / "model", device="cpu")
    assert (loaded.actor_seeds, loaded.actors, loaded.num_timesteps) == (models[0].actor_seeds, 2, 200)


def test_it_goes_on_with_actors_that_draw_by_new_seeds():
    model = impala(actors=1).learn(40, log_interval=None)
    model.learn(40, log_interval=None, reset_num_timesteps=False)
    assert model.num_timesteps == 80 and len(set(model.actor_seeds)) == 2


def test_an_actor_that_is_killed_is_replaced_and_it_is_said():
    model = impala(actors=2, policy_lag=1)
    with pytest.warns(RuntimeWarning, match=r"Actor \d of IMPALA \(process \d+\) ended by signal 9: another one begins anew"):
        model.learn(400, callback=killer(at=30), log_interval=None)
    assert model.num_timesteps == 400 and len(model.actor_seeds) == 3 and not multiprocessing.active_children()


def test_an_actor_that_fails_ends_training_with_what_it_said():
    model = IMPALA("MlpPolicy", lambda: Broken(at=17), seeds=[1], **{**GIVEN, "actors": 2})
    with pytest.raises(RuntimeError, match=r"(?s)Actor \d of IMPALA failed.*ValueError: the motor is broken"):
        model.learn(400, log_interval=None)
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("ctrl_c")
def test_no_actor_is_left_when_training_is_interrupted():
    model, was = impala(actors=2), []

    def interrupt(*_):
        was.append(len(multiprocessing.active_children()))
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        model.learn(400, callback=interrupt, log_interval=None)
    assert was[0] == 2 and not multiprocessing.active_children()
    model.predict(np.zeros(4, np.float32))


def test_what_actors_cannot_do_is_refused():
    with pytest.raises(ValueError, match="actors=3 cannot share 4 environments equally"):
        impala(actors=3)
    with pytest.raises(ValueError, match="actors=2 play for one seed, and there are 2"):
        impala(actors=2, seeds=[1, 2])
    with pytest.raises(ValueError, match=r"correction='half': choose one of 'vtrace', 'epsilon', 'none'"):
        impala(correction="half")
    with pytest.raises(ValueError, match="policy_lag=-1: give a whole number from 0 on"):
        impala(policy_lag=-1)


def test_ray_s_actors_play_what_processes_play():
    pytest.importorskip("ray", reason="Ray is not installed")
    assert torch.equal(*(weights(impala(policy_lag=1, actors=2, actors_on=where).learn(80, log_interval=None)) for where in ("processes", "ray")))


def test_without_ray_its_actors_are_refused_with_the_way_out(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ModuleNotFoundError, match='actors_on="ray" needs Ray: pip install ray'):
        impala(actors=2, actors_on="ray").learn(80, log_interval=None)


@pytest.mark.slow
def test_with_v_trace_it_learns_from_a_policy_eight_updates_old():
    model = IMPALA("MlpPolicy", "CartPole-v1", seeds=range(3), n_envs=8, policy_lag=8, device="cpu").learn(100_000, log_interval=None)
    returns = [np.mean([episode["r"] for episode in buffer]) for buffer in model.ep_info_buffers]
    assert np.mean(returns) > 150, returns
