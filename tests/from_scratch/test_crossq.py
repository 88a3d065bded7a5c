"""CrossQ: batch renormalisation by hand and beside SB3-Contrib's module, what is normalised by what, and files that go both ways."""

import inspect

import gymnasium as gym
import numpy as np
import pytest
import sb3_contrib
import torch
from sb3_contrib.common.torch_layers import BatchRenorm1d
from sb3_contrib.crossq.policies import CrossQPolicy
from stable_baselines3.common.torch_layers import CombinedExtractor
from torch import nn

import from_scratch as ours
from from_scratch.core.lockstep import Layers, Rows, eager

SMALL = {"learning_starts": 20, "batch_size": 16, "buffer_size": 300, "policy_kwargs": {"net_arch": [16], "renorm_warmup_steps": 8}, "device": "cpu"}


def of_one_feature(eps, warm, **running):
    """A network that is one renormalisation of one feature, after as many updates as it warms up for, or one more."""
    layer = BatchRenorm1d(1, eps=eps, warmup_steps=0)
    layer.steps.fill_(int(warm))
    for name, value in running.items():
        getattr(layer, name).fill_(value)
    network = nn.Sequential(layer)
    return Layers(Rows([network]), [network]), layer


def column(*numbers):
    return torch.tensor(numbers).reshape(1, -1, 1)


# ------------------------------------------------------------------------------------------------------------ the normalisation
def test_while_it_warms_up_the_batch_s_own_mean_and_variance_count():
    """Of 1 and 3 the mean is 2 and the variance (Bessel) 2; with ε = 2 both are 1/√(2 + 2) from 0."""
    layers, _ = of_one_feature(eps=2.0, warm=False, ra_mean=7.0)
    torch.testing.assert_close(layers(column(1.0, 3.0), True), column(-0.5, 0.5))


def test_then_the_running_ones_do_as_far_as_r_and_d_let_them():
    """σ_B = √(2 + 2) = 2 and σ = √(14 + 2) = 4, so r = ½ and d = (2 − 0)/4 = ½; centre 2 − d √2 / r = 2 − √2, variance 2/r² = 8: y = (x − 2 + √2)/√10."""
    layers, _ = of_one_feature(eps=2.0, warm=True, ra_mean=0.0, ra_var=14.0)
    torch.testing.assert_close(layers(column(1.0, 3.0), True), (column(1.0, 3.0) - 2 + 2**0.5) / 10**0.5)


def test_r_and_d_are_clipped_to_3_and_5():
    """σ = √(0.01 + 0) = 0.1, σ_B = √2: r would be 14, d would be 20. Then y = (x − 2 + 5 √2 / 3)/(√2 / 3)."""
    layers, _ = of_one_feature(eps=0.0, warm=True, ra_mean=0.0, ra_var=0.01)
    torch.testing.assert_close(layers(column(1.0, 3.0), True), (column(1.0, 3.0) - 2 + 5 * 2**0.5 / 3) / (2**0.5 / 3))


def test_to_play_the_running_ones_alone_count():
    layers, _ = of_one_feature(eps=0.0, warm=True, ra_mean=1.0, ra_var=4.0)
    for x in (column(3.0), column(3.0).numpy()):
        assert layers(x)[0, 0, 0].item() == 1.0


def test_running_statistics_follow_what_was_seen_last_when_they_are_told_to():
    layers, module = of_one_feature(eps=0.0, warm=False, ra_mean=0.0, ra_var=1.0)
    layers(column(1.0, 3.0), True)
    assert (module.ra_mean.item(), module.ra_var.item(), module.steps.item()) == (0.0, 1.0, 0)
    layers.renew()
    assert (module.ra_mean.item(), module.ra_var.item(), module.steps.item()) == pytest.approx((0.02, 1.01, 1))


# ---------------------------------------------------------------------------------------------------------------- the algorithm
def model_of(library=ours, **more):
    return library.CrossQ("MlpPolicy", "Pendulum-v1", **{**SMALL, **more})


def statistics(policy):
    return {name: value.clone() for name, value in policy.named_buffers()}


@pytest.mark.parametrize("warm", [False, True])
def test_programs_tensors_and_modules_give_the_same_gradients_and_statistics(warm):
    """Three ways of one update: NumPy's calls, tensors on a tape, and SB3-Contrib's modules, where a hook has to be heard."""
    found = []
    for way in ("program", "tape", "modules"):
        model = model_of(seeds=[3], policy_delay=1, policy_kwargs={"net_arch": [16], "renorm_warmup_steps": 2 if warm else 1000})
        if way == "modules":
            for network in (model.actor, model.critic):
                network.register_forward_hook(lambda *_: None)
        with eager(way == "tape"):
            model.learn(26)
        assert model.nets["critic"].is_stacked == (way != "modules")
        found.append({**dict(model.policy.named_parameters()), **statistics(model.policy)})
    for other in found[1:]:
        for name, value in found[0].items():
            torch.testing.assert_close(other[name], value, rtol=0, atol=2e-6, msg=name)


def test_both_halves_of_the_joint_pass_are_normalised_together():
    """Q(s, a) alone, normalised by its own statistics, is another number than in the company of (s', a')."""
    model = model_of(seeds=[3]).learn(30)
    b = model.memory.sample(16, 0.99)
    together = model.q(torch.cat((b.obs, b.next_obs + 5), 1), torch.cat((b.action, b.action), 1), of_batch=True)[..., :16]
    alone = model.q(b.obs, b.action, of_batch=True)
    assert (together - alone).abs().max() > 1e-3


def test_critics_renew_once_an_update_and_the_actor_once_every_d_of_them_and_playing_renews_nothing():
    model = model_of(seeds=[3], policy_delay=3).learn(20 + 7)
    assert model.critic.qf0[0].steps.item() == 7 and model.actor.latent_pi[0].steps.item() == 2
    before = statistics(model.policy)
    model.predict(np.zeros(3, np.float32))
    model.learning_starts = 1000
    model.learn(10, reset_num_timesteps=False)
    assert all(torch.equal(value, before[name]) for name, value in statistics(model.policy).items())


def test_an_action_to_play_does_not_depend_on_the_company_that_it_is_asked_in():
    model = model_of(seeds=[3]).learn(40)
    obs = np.random.RandomState(0).randn(5, 3).astype(np.float32)
    np.testing.assert_allclose(model.predict(obs, deterministic=True)[0][0], model.predict(obs[0], deterministic=True)[0], rtol=1e-5)


def test_a_seed_in_the_stack_equals_the_seed_alone_statistics_included():
    alone, stack = model_of(seeds=[3], n_envs=2).learn(60), model_of(seeds=[1, 3, 5], n_envs=2).learn(60)
    for mine, other in zip(alone.policy.state_dict().values(), stack.member(1).policy.state_dict().values(), strict=True):
        assert torch.equal(mine, other)


def test_the_signature_is_that_of_sb3_contrib_with_our_keywords_at_the_end():
    mine, theirs = (list(inspect.signature(library.CrossQ).parameters.values()) for library in (ours, sb3_contrib))
    assert [(p.name, p.default) for p in mine[: len(theirs)]] == [(p.name, p.default) for p in theirs]
    assert [p.name for p in mine[len(theirs) :]] == ["seeds", "n_envs"]


def test_files_go_both_ways_and_training_goes_on_alike(tmp_path):
    for writer, reader in ((ours, sb3_contrib), (sb3_contrib, ours)):
        model = model_of(writer, seed=3).learn(60)
        model.save(tmp_path / "model.zip")
        model.save_replay_buffer(tmp_path / "memory.pkl")
        states = []
        for library in (writer, reader):
            loaded = library.CrossQ.load(tmp_path / "model.zip", env=gym.make("Pendulum-v1"), device="cpu")
            assert isinstance(loaded, sb3_contrib.CrossQ) and type(loaded.policy) is sb3_contrib.CrossQ.policy_aliases["MlpPolicy"]
            loaded.load_replay_buffer(tmp_path / "memory.pkl")
            loaded.set_random_seed(5)
            loaded.learn(40, reset_num_timesteps=False)
            states.append(torch.cat([p.detach().flatten().float() for p in loaded.policy.state_dict().values()]))
        torch.testing.assert_close(*states, rtol=0, atol=1e-6)


class Pair(gym.Env):
    """Observations of two parts; the reward is the action."""

    observation_space = gym.spaces.Dict({"a": gym.spaces.Box(-1, 1, (2,)), "b": gym.spaces.Box(-1, 1, (1,))})
    action_space = gym.spaces.Box(-1, 1, (1,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return {name: self.np_random.uniform(-1, 1, space.shape).astype(np.float32) for name, space in self.observation_space.items()}, {}

    def step(self, action):
        return self.reset()[0], float(action[0]), True, False, {}


def test_dict_observations_are_learnt_from_which_sb3_contrib_cannot():
    kwargs = {"net_arch": [16], "features_extractor_class": CombinedExtractor}
    more = {**SMALL, "policy_kwargs": kwargs, "gamma": 0.5}
    model = ours.CrossQ(CrossQPolicy, Pair, seeds=[3], learning_rate=3e-3, ent_coef=0.01, **more).learn(200)
    assert model.predict(Pair().reset(seed=1)[0], deterministic=True)[0].item() > 0.5
    with pytest.raises(TypeError):
        sb3_contrib.CrossQ(CrossQPolicy, Pair(), **more).learn(30)


def frozen(model):
    model.critic.qf0[1].weight.requires_grad_(False)


def another_activation(model):
    model.actor.latent_pi[2] = nn.Tanh()


def no_momentum(model):
    model.critic.qf0[0].momentum = 0.0


@pytest.mark.parametrize("alter", [frozen, another_activation, no_momentum])
def test_what_a_user_alters_holds_as_it_does_in_sb3_contrib(alter):
    states = []
    for library in (ours, sb3_contrib):
        model = model_of(library, seed=3)
        alter(model)
        model.learn(50)
        states.append(torch.cat([p.detach().flatten().float() for p in model.policy.state_dict().values()]))
    torch.testing.assert_close(*states, rtol=0, atol=1e-6)
