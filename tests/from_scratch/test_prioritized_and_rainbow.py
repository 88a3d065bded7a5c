"""Prioritised replay within DQN, and Rainbow: what their updates weigh, note and put back into the memory. Numbers of other libraries, and by hand."""

import copy
import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer

from from_scratch import C51, DQN, DoubleDQN, DuelingDQN, NoisyDQN, PrioritizedDQN, Rainbow
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import Rows
from tests.from_scratch.small import DICTS, IMAGES, Seen, of_parameters

pytestmark = pytest.mark.numerical

SMALL = {"learning_starts": 20, "buffer_size": 400, "batch_size": 16, "target_update_interval": 40, "train_freq": 1, "device": "cpu"}
DROPPED = {"double": False, "dueling": False, "prioritized": False, "n_steps": 1, "distributional": False, "noisy": False}


def golden(name):
    found = json.loads((Path(__file__).with_name("golden") / f"{name}.json").read_text(encoding="utf-8"))
    numbers = lambda at: {key: torch.tensor(value, dtype=torch.float64) if isinstance(value, list) else value for key, value in at.items()}
    return numbers(found["inputs"]), found["expected"]


def small(cls, env="CartPole-v1", steps=0, **kwargs):
    return cls("MlpPolicy", env, **{"policy_kwargs": {"net_arch": [16]}, **SMALL, **kwargs}).learn(steps)


# ----------------------------------------------------------------------------------------------------------------- prioritised replay
def test_the_loss_is_the_weighted_mean_of_dqn_s_and_each_sample_s_error_is_noted():
    given, expected = golden("q_targets")
    model, w = small(PrioritizedDQN, seed=0), torch.tensor([1.0, 0.5, 0.25, 0, 1, 0.125], dtype=torch.float64)
    model.q, model.q_target = lambda _: given["q"][None], lambda _: given["q_next_target"][None]
    loss, metrics = model.loss(Transition(0, given["action"][None, :, None], given["reward"][None], 1, given["discount"][None]), w[None])
    assert loss.item() == pytest.approx((w * torch.tensor(expected["huber_of_td_dqn"], dtype=torch.float64)).mean().item(), abs=1e-9)
    np.testing.assert_allclose(metrics["td_error"][0].abs(), np.abs(expected["td_dqn"]), atol=1e-9)


class Kept(PrioritizedDQN):
    """Keeps the errors of its last update."""

    def update(self, b):
        super().update(b)
        self.errors, self.at = self.noted["td_error"].numpy().copy(), self.memory.sampler.drawn.copy()


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_after_an_update_the_priorities_of_what_was_drawn_are_its_errors_plus_epsilon(seeds):
    model = small(Kept, steps=60, seeds=seeds, priority_eps=0.125)
    for buffer, errors, at in zip(model.replay_buffers, model.errors, model.at, strict=True):
        last = dict(zip(at.tolist(), np.abs(errors).astype(np.float64) + 0.125, strict=True))  # one that was drawn twice has one error
        for place, p in last.items():
            assert buffer.priorities.reshape(-1)[place] == pytest.approx(p, rel=1e-6)


def test_beta_rises_from_its_first_value_to_1():
    model = small(PrioritizedDQN, seed=0, initial_beta=0.2)
    assert model.memory.sampler.beta() == pytest.approx(0.2)
    model.learn(50)
    assert model.memory.sampler.beta() == 1


def test_with_an_alpha_of_0_all_weights_are_1():
    model = small(PrioritizedDQN, steps=60, seeds=[0], alpha=0.0)
    assert (model.memory.sampler.weight == 1).all() and model.memory.sampler.tree.total.item() == 60


def test_a_saved_memory_brings_its_priorities_back_and_a_copied_model_draws_as_the_first_would(tmp_path):
    model = small(PrioritizedDQN, steps=60, seeds=[0, 1])
    twin = copy.deepcopy(model)
    model.save_replay_buffer(tmp_path / "memory")
    other = small(PrioritizedDQN, seeds=[0, 1])
    other.load_replay_buffer(tmp_path / "memory.pkl")
    assert np.array_equal(other.memory.sampler.tree.nodes, model.memory.sampler.tree.nodes)
    mine, copied = (m.learn(40, reset_num_timesteps=False).memory.sampler.tree.nodes for m in (model, twin))
    assert np.array_equal(mine, copied) and torch.equal(of_parameters(model), of_parameters(twin))


def test_a_memory_of_plain_dqn_is_taken_over_with_a_priority_of_1_each_and_goes_back_to_sb3(tmp_path):
    small(DQN, steps=50, seed=0).save_replay_buffer(tmp_path / "memory")
    model = small(PrioritizedDQN, seed=0)
    model.load_replay_buffer(tmp_path / "memory.pkl")
    assert type(model.replay_buffer) is ReplayBuffer and model.memory.sampler.tree.total.item() == 50
    model.learn(30).save_replay_buffer(tmp_path / "mine")
    plain = small(DQN, seed=0)
    plain.load_replay_buffer(tmp_path / "mine.pkl")
    assert plain.memory.sample(8).obs.shape == (1, 8, 4)


class Counts(ReplayBuffer):
    def add(self, *args):
        self.adds = getattr(self, "adds", 0) + 1
        super().add(*args)


def test_a_user_s_buffer_is_written_by_its_own_add():
    model = small(PrioritizedDQN, steps=40, seed=0, replay_buffer_class=Counts)
    assert model.replay_buffer.adds == 40 and np.count_nonzero(model.replay_buffer.priorities) == 40


def test_it_learns_from_dict_observations():
    env = gym.wrappers.FilterObservation(gym.wrappers.TransformObservation(gym.make("CartPole-v1"), lambda o: {"at": o}, spaces.Dict(
        at=gym.make("CartPole-v1").observation_space)), ["at"])  # fmt: skip
    model = PrioritizedDQN("MultiInputPolicy", env, seed=0, **SMALL)
    before = of_parameters(model)
    assert not torch.equal(before, of_parameters(model.learn(40)))


# ------------------------------------------------------------------------------------------------------------------------------ Rainbow
def rainbow_on_golden(**kwargs):
    given, found = golden("rainbow_loss")
    logits = given["logits"].requires_grad_()
    model = small(Rainbow, n_atoms=5, v_min=-2.0, v_max=2.0, noisy=False, seed=0, **kwargs)
    model.q = lambda s: (given["online_next_logits"] if s else logits).flatten(-2)[None]
    model.q_target, model.z = lambda _: given["target_next_logits"].flatten(-2)[None], given["atoms"]
    reward, discount = (torch.tensor(found[name], dtype=torch.float64)[None] for name in ("n_step_reward", "discount"))
    loss, metrics = model.loss(Transition(0, given["action"].long()[None, :, None], reward, 1, discount), given["is_weight"][None])
    loss.sum().backward()
    return loss.item(), logits.grad, metrics["priority"][0].detach(), found


def test_rainbow_s_loss_gradient_and_priorities_are_those_of_another_library():
    loss, gradient, priority, found = rainbow_on_golden()
    assert loss == pytest.approx(found["loss_exact_log_softmax"], abs=1e-9)
    np.testing.assert_allclose(gradient, found["grad_logits"], atol=1e-6)  # it adds 1e-8 within its logarithm
    np.testing.assert_allclose(priority, found["kl_to_target"], atol=1e-9)


def test_without_the_double_part_its_loss_is_another_one():
    loss, _, _, found = rainbow_on_golden(double=False)
    assert abs(loss - found["loss_exact_log_softmax"]) > 0.01


def test_n_step_rewards_of_the_golden_batch_come_from_a_memory_in_which_they_were_played():
    """Each item is an episode of its own of up to three rewards: the third terminates after two, the fourth is cut after one."""
    given, found = golden("rainbow_loss")
    model = small(Rainbow, seeds=[0], gamma=given["gamma"], buffer_size=100)
    s, a = np.zeros((1, 4)), np.zeros(1, int)
    add = lambda r, done, cut: model.memory.add(s, s, a, np.array([r]), np.array([done]), [{"TimeLimit.truncated": cut}])
    first = []
    for rewards, steps, alive in zip(given["rewards"].tolist(), given["steps_used"].int().tolist(), given["not_terminated"].tolist(), strict=True):
        first.append(model.replay_buffer.pos)
        for i in range(steps):
            done = i == steps - 1
            add(rewards[i], done, done and bool(alive))
    b = model.memory.form.of(model.memory.storage, np.array([first]), np.zeros((1, 6), int), model.gamma)
    np.testing.assert_allclose(b.reward[0], found["n_step_reward"], atol=1e-6)
    np.testing.assert_allclose(b.discount[0], found["discount"], atol=1e-6)


ALONE = {  # the class, how it is called here, and there
    "none": (DQN, {}, {}), "double": (DoubleDQN, {"double": True}, {}), "dueling": (DuelingDQN, {"dueling": True}, {}),
    "prioritised": (PrioritizedDQN, {"prioritized": True}, {}), "n steps": (DQN, {"n_steps": 3}, {"n_steps": 3}),
    "distributional": (C51, {"distributional": True}, {}), "noisy": (NoisyDQN, {"noisy": True}, {}),
}  # fmt: skip


@pytest.mark.parametrize("part", ALONE)
def test_with_one_part_alone_it_is_the_class_that_has_this_part_and_with_none_dqn(part):
    """From the same weights to the same weights in 100 steps: the same network, the same draws, the same equation."""
    cls, with_part, of_class = ALONE[part]
    common = {"seeds": [0], "learning_rate": 1e-3, **({"alpha": 0.5} if part == "prioritised" else {})}
    rainbow, other = small(Rainbow, **{**DROPPED, **with_part, **common}), small(cls, **of_class, **common)
    for name in ("q_net", "q_net_target"):
        for mine, theirs in zip(*(getattr(model.policy, name).parameters() for model in (rainbow, other)), strict=True):
            theirs.data.copy_(mine.data)
    before = of_parameters(rainbow)
    torch.testing.assert_close(of_parameters(rainbow.learn(100)), of_parameters(other.learn(100)), atol=1e-6, rtol=0)
    assert not torch.equal(before, of_parameters(rainbow))


@pytest.mark.parametrize("without", [{}, *({name: value} for name, value in DROPPED.items())], ids=str)
def test_whatever_part_is_dropped_all_seeds_train_together_by_programs_that_give_autograd_s_gradient(without):
    model = small(Rainbow, steps=40, seeds=[1, 2], n_atoms=11, **without)
    rows, b = model.q.rows, model.memory.sample(16)
    w = torch.from_numpy(model.memory.sampler.weight) if model.prioritized else torch.ones_like(b.reward)
    data, equation = (b, w, *model.noise(1), *model.noise(1)), model.loss if model.distributional else model.value_loss
    loss, metrics = rows.differentiate(equation, *data)
    assert not isinstance(loss, torch.Tensor)
    rows.backward(loss)
    mine = rows.grad.clone()
    other, theirs = Rows.differentiate(rows, equation, *data)
    Rows.backward(rows, other)
    torch.testing.assert_close(mine, rows.grad, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(metrics["priority"], theirs["priority"].detach(), atol=1e-5, rtol=1e-4)
    assert mine.abs().max() > 0


def test_with_noise_it_is_greedy_and_without_it_explores_by_epsilon():
    assert small(Rainbow, steps=3, seed=0).exploration_rate == 0
    assert small(Rainbow, steps=3, seed=0, noisy=False).exploration_rate > 0


def test_its_policy_is_saved_and_loaded_by_itself_with_its_parts(tmp_path):
    model = small(Rainbow, steps=30, seed=0, n_atoms=7, dueling=False)
    model.policy.save(tmp_path / "policy")
    again, obs = type(model.policy).load(tmp_path / "policy"), torch.randn(6, 4)
    assert torch.equal(again.q_net(obs), model.policy.q_net(obs)) and torch.equal(again._predict(obs), model.policy._predict(obs))


@pytest.mark.parametrize(("policy", "space"), [("CnnPolicy", IMAGES), ("MultiInputPolicy", DICTS)])
def test_rainbow_learns_from_images_and_dicts_three_steps_ahead(policy, space):
    kwargs = {**SMALL, "batch_size": 4, "policy_kwargs": {"features_extractor_kwargs": {"features_dim": 8}} if policy == "CnnPolicy" else None}
    model = Rainbow(policy, Seen(space), seed=0, **kwargs)
    before = of_parameters(model)
    assert not torch.equal(before, of_parameters(model.learn(28)))
    assert 0 < model.memory.sample(64).discount.min() < 0.98 or (model.memory.sample(64).discount == 0).any()


class EveryOther(gym.Env):
    """One step that brings 1 every other time, and nothing else."""

    observation_space, action_space, t = spaces.Box(0, 1, (1,)), spaces.Discrete(2), 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.ones(1, np.float32), float(self.t % 2), True, False, {}


def test_rainbow_learns_how_returns_are_distributed():
    kwargs = {"n_atoms": 5, "v_min": -1.0, "v_max": 3.0, "learning_rate": 0.01, "buffer_size": 2000, "batch_size": 64}
    model = small(Rainbow, EveryOther, 500, seeds=[0], **kwargs)
    p = model.policy.q_net(torch.zeros(1, 1)).view(2, 5).softmax(-1)
    np.testing.assert_allclose(p.mean(0).detach(), [0, 0.5, 0.5, 0, 0], atol=0.12)
