"""DQN's family, each changing one thing: the target, the network, what is learnt of a return, how one explores. Numbers of other libraries, and by hand."""

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from from_scratch import C51, DQN, DRQN, BootstrappedDQN, DoubleDQN, DuelingDQN, NoisyDQN, NStepDQN
from from_scratch.core.data import Transition
from from_scratch.core.lockstep import Rows
from from_scratch.value_based.c51 import expected, projected
from from_scratch.value_based.dueling_dqn import DuelingNetwork
from from_scratch.value_based.noisy_dqn import NoisyLinear, f
from tests.from_scratch.small import of_parameters

pytestmark = pytest.mark.numerical

SMALL = {"learning_starts": 20, "buffer_size": 400, "batch_size": 16, "target_update_interval": 40, "device": "cpu"}


def golden(name):
    """(inputs, expected) of another library's function; lists of numbers are tensors in double precision."""
    found = json.loads((Path(__file__).with_name("golden") / f"{name}.json").read_text(encoding="utf-8"))
    numbers = lambda at: {key: torch.tensor(value, dtype=torch.float64) if isinstance(value, list) else value for key, value in at.items()}
    return numbers(found["inputs"]), found["expected"]


def small(cls, env="CartPole-v1", steps=0, **kwargs):
    return cls("MlpPolicy", env, **{"policy_kwargs": {"net_arch": [16]}, **SMALL, **kwargs}).learn(steps)


# ---------------------------------------------------------------------------------------------------------------------- Double DQN
def the_double_loss(cls=DoubleDQN):
    """The loss on six transitions, and its gradient with respect to Q(s, ·; θ): s is 0 and s' is 1, and the networks are tables of numbers."""
    given, expected = golden("q_targets")
    q = given["q"].requires_grad_()
    model = small(cls, seed=0)
    model.q = lambda s: given["q_next_selector"][None] if s else q[None]
    model.q_target = lambda s: given["q_next_target"][None]
    loss, _ = model.loss(Transition(0, given["action"][None, :, None], given["reward"][None], 1, given["discount"][None]))
    loss.sum().backward()
    return loss.item(), q.grad, expected


def test_double_dqn_s_loss_and_gradient_are_those_of_another_library():
    loss, gradient, expected = the_double_loss()
    error = torch.tensor(expected["td_double"]).abs()
    assert loss == pytest.approx(torch.where(error < 1, error**2 / 2, error - 0.5).mean().item(), abs=1e-6)
    torch.testing.assert_close(gradient, torch.tensor(expected["grad_q_of_mean_huber_double"], dtype=torch.float64), atol=1e-9, rtol=0)


def test_dqn_s_target_is_another_one_on_the_same_transitions():
    loss, _, expected = the_double_loss(DQN)
    assert loss == pytest.approx(np.mean(expected["huber_of_td_dqn"]), abs=1e-9)


# --------------------------------------------------------------------------------------------------------------------- n-step returns
class Count(gym.Env):
    """Observes the number of the step; the rewards are given, and the episode terminates after step `end`."""

    observation_space, action_space = spaces.Box(0, 100, (1,)), spaces.Discrete(2)

    def __init__(self, rewards=(1.0,), end=None):
        self.rewards, self.end, self.t = rewards, end, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.array([self.t], np.float32), {}

    def step(self, action):
        reward = self.rewards[self.t % len(self.rewards)]
        self.t += 1
        return np.array([self.t], np.float32), reward, self.t == self.end, False, {}


def in_memory(cls, env, steps, **kwargs):
    """The batch of transitions that lie in the memory after some steps, one of each, in their order."""
    model = small(cls, lambda: env, steps, learning_starts=1000, train_freq=1, seeds=[0], **kwargs)
    b = model.memory.sample(500, model.gamma)
    first = np.unique(b.obs[0, :, 0].numpy(), return_index=True)[1]
    return Transition(*(x[0, first] for x in (b.obs, b.action, b.reward, b.next_obs, b.discount)))


@pytest.mark.parametrize(("cls", "kwargs", "name"), [(DQN, {}, "n1"), (NStepDQN, {"n_steps": 2}, "n2"), (NStepDQN, {}, "n3"), (NStepDQN, {"n_steps": 5}, "n5")])
def test_n_step_targets_are_those_of_another_library(cls, kwargs, name):
    """Seven rewards, the third of them the last of its episode; the end of the memory bootstraps from what was seen last."""
    given, expected = golden("nstep_returns")
    b = in_memory(cls, Count(given["r_t"].tolist(), end=3), 7, gamma=0.9, **kwargs)
    y = b.reward + b.discount * given["v_t"][b.next_obs[:, 0].long() - 1]
    torch.testing.assert_close(y, torch.tensor(expected[name], dtype=torch.float64), atol=1e-6, rtol=0)


def test_an_n_step_return_goes_on_behind_a_time_limit_with_as_many_discounts_as_rewards_and_ends_at_death():
    """γ = ½, all rewards 1, n = 3, and the episode's end after step 4: three, three, two rewards, and one."""
    cut, died = (in_memory(NStepDQN, env, 4, gamma=0.5) for env in (TimeLimit(Count(), 4), Count(end=4)))
    assert cut.reward.tolist() == died.reward.tolist() == [1.75, 1.75, 1.5, 1]
    assert cut.discount.tolist() == [1 / 8, 1 / 8, 1 / 4, 1 / 2]
    assert died.discount.tolist() == [1 / 8, 0, 0, 0]
    assert cut.next_obs[:, 0].tolist() == died.next_obs[:, 0].tolist() == [3, 4, 4, 4]


def test_no_n_step_return_crosses_the_head_of_the_ring():
    """A memory of 5 after 7 steps holds steps 5, 6, 2, 3, 4 in its rows: behind step 6 lies step 2."""
    b = in_memory(NStepDQN, Count(), 7, gamma=0.5, buffer_size=5)
    assert b.obs[:, 0].tolist() == [2, 3, 4, 5, 6] and b.next_obs[:, 0].tolist() == [5, 6, 7, 7, 7]
    assert b.discount.tolist() == [1 / 8, 1 / 8, 1 / 8, 1 / 4, 1 / 2]


def test_n_step_dqn_is_dqn_with_sb3_s_argument():
    assert torch.equal(of_parameters(small(NStepDQN, steps=80, seed=1)), of_parameters(small(DQN, steps=80, seed=1, n_steps=3)))


def test_a_loaded_n_step_model_gives_no_warning_about_its_own_memory(tmp_path, recwarn):
    small(NStepDQN, steps=30, seed=1).save(tmp_path / "model")
    assert NStepDQN.load(tmp_path / "model").replay_buffer.n_steps == 3
    assert not [w for w in recwarn if "is ignored" in str(w.message)]


# ------------------------------------------------------------------------------------------------------------------------ two streams
class Trunk(BaseFeaturesExtractor):
    """One layer that both streams share."""

    def __init__(self, space, n=8):
        super().__init__(space, n)
        self.layer = nn.Linear(space.shape[0], n)

    def forward(self, obs):
        return torch.relu(self.layer(obs))


def test_a_dueling_head_s_values_and_gradients_are_those_of_another_library():
    given, expected = golden("dueling")
    space = spaces.Box(-10, 10, (3,))
    network = DuelingNetwork(space, spaces.Discrete(2), Trunk(space), 8, net_arch=[])
    names = {"model.model.0": network.features_extractor.layer, "Q.model.0": network.advantage[0], "V.model.0": network.value[0]}
    for name, layer in names.items():
        layer.load_state_dict({"weight": given[f"{name}.W"], "bias": given[f"{name}.b"]})
    q = network(given["x"])
    q.gather(-1, given["action"].long()[:, None]).square().sum().backward()
    np.testing.assert_allclose(q.detach(), expected["q"], atol=1e-5)
    for name, layer in names.items():
        np.testing.assert_allclose(layer.weight.grad, expected["grad_of_sum_q2"][f"{name}.W"], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(layer.bias.grad, expected["grad_of_sum_q2"][f"{name}.b"], rtol=1e-5, atol=1e-5)


def test_v_is_the_mean_of_q_and_a_constant_added_to_all_advantages_changes_nothing():
    model, obs = small(DuelingDQN, steps=60, seed=0), torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    network = model.policy.q_net
    with torch.no_grad():
        before = network(obs)
        torch.testing.assert_close(before.mean(-1, keepdim=True), network.value(obs))
        network.advantage[-1].bias += 3
        torch.testing.assert_close(network(obs), before, atol=1e-5, rtol=0)


# ----------------------------------------------------------------------------------------------------------------------------- atoms
def test_c51_s_loss_and_gradient_are_those_of_another_library():
    given, found = golden("c51")
    logits = given["logits"].requires_grad_()
    model = small(C51, n_atoms=5, v_min=-2.0, v_max=2.0, seed=0)
    model.q, model.q_target, model.z = lambda _: logits.flatten(-2)[None], lambda _: given["next_logits"].flatten(-2)[None], given["atoms"]
    loss, _ = model.loss(Transition(None, given["action"][None, :, None], given["reward"][None], None, given["discount"][None]))
    loss.sum().backward()
    assert loss.item() == pytest.approx(np.mean(found["loss_per_item"]), abs=1e-10)
    np.testing.assert_allclose(logits.grad, found["grad_logits_of_mean"], atol=1e-10)


def test_c51_s_projection_keeps_all_mass_on_atoms_between_them_and_outside_the_support():
    """Rows 1, 3, 5 fall on atoms, where Algorithm 1 as printed loses them; row 2 lies below the support, and row 4 above."""
    given, found = golden("c51")
    z, best = given["atoms"], torch.tensor(found["next_action"])
    p = given["next_logits"][torch.arange(6), best].softmax(-1)
    assert expected(given["next_logits"].flatten(-2), z).argmax(-1).tolist() == best.tolist()
    m = projected(p, torch.tensor(found["target_atoms"], dtype=torch.float64).clamp(-2, 2), z, 1.0)
    np.testing.assert_allclose(m, found["projected"], atol=1e-10)
    np.testing.assert_allclose(m.sum(-1), found["projected_mass"], atol=1e-12)


def test_a_return_between_two_atoms_is_shared_out_by_its_distance():
    """z = 0, 1, 2 and a return of 0.25 for certain: three quarters to 0, one quarter to 1, and its mean is kept."""
    z = torch.tensor([0.0, 1.0, 2.0])
    assert projected(torch.tensor([[1.0, 0, 0]]), torch.tensor([[0.25, 0, 0]]), z, 1.0).tolist() == [[0.75, 0.25, 0]]


def test_the_program_of_c51_gives_autograd_s_gradient():
    model = small(C51, steps=60, seeds=[1, 2], n_atoms=11)
    rows, batch = model.q.rows, model.memory.sample(16, 0.99)
    loss, _ = rows.differentiate(model.loss, batch)
    rows.backward(loss)
    mine = rows.grad.clone()
    Rows.backward(rows, Rows.differentiate(rows, model.loss, batch)[0])
    torch.testing.assert_close(mine, rows.grad, atol=1e-6, rtol=1e-4)
    assert mine.abs().max() > 0


def test_c51_learns_how_returns_are_distributed():
    """The only step brings 1 every other time, and nothing else: half of the mass lies at each of two atoms, and their mean is ½."""

    class EveryOther(Count):
        def step(self, action):
            self.t += 1
            return np.array([1], np.float32), float(self.t % 2), True, False, {}

        def reset(self, *, seed=None, options=None):
            return np.array([0], np.float32), {}

    kwargs = {"n_atoms": 5, "v_min": -1.0, "v_max": 3.0, "learning_rate": 0.005, "train_freq": 1, "buffer_size": 2000, "batch_size": 64}
    model = small(C51, EveryOther, 800, seeds=[0], **kwargs)
    p = model.policy.q_net(torch.zeros(1, 1)).view(2, 5).softmax(-1)
    np.testing.assert_allclose(p[0].detach(), [0, 0.5, 0.5, 0, 0], atol=0.1)
    assert model.policy.q_net.values(torch.zeros(1, 1))[0, 0].item() == pytest.approx(0.5, abs=0.1)


REFUSED = [({"v_min": 5.0, "v_max": 5.0}, "v_min=5.0 is not below v_max=5.0"), ({"n_atoms": 1}, "n_atoms=1: give a whole number")]


@pytest.mark.parametrize(("ends", "said"), REFUSED)
def test_atoms_that_tell_no_returns_apart_are_refused(ends, said):
    with pytest.raises(ValueError, match=said):
        small(C51, **ends)


# ----------------------------------------------------------------------------------------------------------------------------- noise
def test_a_noisy_layer_s_outputs_and_gradients_are_those_of_another_library():
    given, found = golden("noisy_linear")
    layer = NoisyLinear(3, 4, 0.5).double()
    names = {"mu_W": layer.mu.weight, "mu_bias": layer.mu.bias, "sigma_W": layer.sigma.weight, "sigma_bias": layer.sigma.bias}
    for name, parameter in names.items():
        parameter.data = given[name].clone()
    y = layer(given["x"], f(torch.cat((given["eps_in"], given["eps_out"]))))
    y.square().sum().backward()
    np.testing.assert_allclose(y.detach(), found["y"], atol=1e-10)
    np.testing.assert_allclose(layer(given["x"]).detach(), found["y_eval_mean"], atol=1e-12)
    for name, parameter in names.items():
        np.testing.assert_allclose(parameter.grad, found["grad_of_sum_y2"][name], atol=1e-9, err_msg=name)


def test_noise_starts_at_sigma_0_by_the_root_of_the_inputs_for_weights_and_biases():
    layer, found = NoisyLinear(16, 4, 0.5), golden("noisy_linear")[1]["init_in16_out4_sigma0_0_5"]
    assert layer.sigma.weight.unique().tolist() == [found["tianshou_sigma_W"]]
    assert layer.sigma.bias.unique().tolist() == [found["tianshou_sigma_bias"]]
    assert layer.mu.weight.abs().max() <= 1 / 4 and layer.mu.bias.abs().max() <= 1 / 4


class Drawn(NoisyDQN):
    """Keeps the noise that its updates were given."""

    def minimise(self, equation, *data, by):
        self.__dict__.setdefault("seen", []).append(data[1:])
        return super().minimise(equation, *data, by=by)


def test_each_update_has_new_noise_one_draw_for_a_batch_and_another_for_the_target_network():
    seen = small(Drawn, steps=60, seeds=[0, 1], train_freq=1).seen
    assert len(seen) > 30 and all(noise.shape == other.shape == (2, 1, (4 + 16) + (16 + 2)) for noise, other in seen)
    draws = torch.cat([torch.cat(pair) for pair in seen]).flatten(1)
    assert len(draws.unique(dim=0)) == len(draws) == 4 * len(seen)  # no two of them, of any seed, are the same


def test_it_explores_by_noise_alone_and_acts_by_the_means_where_that_is_asked_for():
    model = small(NoisyDQN, steps=30, seeds=[0], n_envs=3, sigma_0=20.0)
    obs = np.repeat(np.random.default_rng(0).normal(size=(1, 1, 4)), 3, 1).astype(np.float32)
    best = model.policy.q_net(torch.from_numpy(obs[0])).argmax(-1).tolist()
    assert model.exploration_rate == 0
    assert {tuple(model.act(obs, deterministic=True)[0]) for _ in range(20)} == {tuple(best)}
    assert {action for _ in range(20) for action in model.act(obs)[0].tolist()} == {0, 1}
    assert any(len(set(model.act(obs)[0].tolist())) == 2 for _ in range(20))  # environments that see the same have noise of their own
    assert {int(model.predict(obs[0, 0], deterministic=False)[0]) for _ in range(40)} == {0, 1}


def test_where_sigma_is_0_its_loss_is_dqn_s():
    noisy = small(NoisyDQN, steps=60, seeds=[0], sigma_0=0.0)
    plain = small(DQN, seeds=[0])
    b = noisy.memory.sample(16, 0.99)
    for each, net in (("q_net", plain.policy.q_net), ("q_net_target", plain.policy.q_net_target)):
        own = getattr(noisy.policy, each)
        for layer, linear in zip((own.layer0, own.layer1), [x for x in net.q_net if isinstance(x, nn.Linear)], strict=True):
            layer.sigma.weight.data.zero_(), layer.sigma.bias.data.zero_()
            linear.weight.data.copy_(layer.mu.weight.data), linear.bias.data.copy_(layer.mu.bias.data)
    torch.testing.assert_close(noisy.loss(b, noisy.noise(1), noisy.noise(1))[0], plain.loss(b)[0])


def test_together_and_one_by_one_are_the_same_with_noise():
    fast, general = (small(NoisyDQN, steps=40, seeds=[0]) for _ in range(2))
    for net in (general.policy.q_net, general.policy.q_net_target):
        net.register_forward_hook(lambda *_: None)  # somebody looks at the module: it must be asked
    for model in (fast, general):
        model.learn(60, reset_num_timesteps=False)
    assert fast.q.is_stacked and not general.q.is_stacked
    torch.testing.assert_close(of_parameters(fast), of_parameters(general), atol=1e-5, rtol=0)


# --------------------------------------------------------------------------------------------- what those with other networks share
class Seen(Count):
    """Images, or a Dict of a vector and a number."""

    def __init__(self, space):
        super().__init__()
        self.observation_space = space
        space.seed(0)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), float(action), bool(self.np_random.random() < 0.1), False, {}


IMAGES, DICTS = spaces.Box(0, 255, (3, 36, 36), np.uint8), spaces.Dict(a=spaces.Box(-1, 1, (3,)), b=spaces.Discrete(4))


@pytest.mark.parametrize("cls", [DuelingDQN, C51, NoisyDQN, BootstrappedDQN, DRQN])
@pytest.mark.parametrize(("policy", "space"), [("CnnPolicy", IMAGES), ("MultiInputPolicy", DICTS)])
def test_images_and_dicts_are_learnt_from_and_saved(cls, policy, space, tmp_path):
    kwargs = {**SMALL, "batch_size": 4, "policy_kwargs": {"features_extractor_kwargs": {"features_dim": 8}} if policy == "CnnPolicy" else None}
    model = cls(policy, Seen(space), seed=0, **kwargs)
    before = of_parameters(model)
    model.learn(32).save(tmp_path / "model")
    assert not torch.equal(before, of_parameters(model))
    obs = Seen(space).reset()[0]
    assert cls.load(tmp_path / "model").predict(obs, deterministic=True)[0] == model.predict(obs, deterministic=True)[0]


@pytest.mark.parametrize("cls", [DuelingDQN, C51, NoisyDQN, BootstrappedDQN])
def test_a_policy_is_saved_and_loaded_by_itself_with_what_its_network_was_told(cls, tmp_path):
    model = small(cls, steps=40, seed=0, **({"n_atoms": 7, "v_max": 20.0} if cls is C51 else {}))
    model.policy.save(tmp_path / "policy")
    again, obs = type(model.policy).load(tmp_path / "policy"), torch.randn(6, 4)
    assert torch.equal(again.q_net(obs), model.policy.q_net(obs)) and torch.equal(again._predict(obs), model.policy._predict(obs))
