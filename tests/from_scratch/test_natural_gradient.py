"""The natural gradient: products with the Fisher matrix, conjugate gradients, the line search, and the two classes that step by them."""

import io
import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib import TRPO as TRPOofContrib
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

from from_scratch import TRPO, NaturalPG
from from_scratch.core.data import Sample
from from_scratch.core.natural_gradient import Weights, conjugate_gradients, divergence, fisher, line_search, longest_step, pi_of

GOLDEN = Path(__file__).with_name("golden")
SMALL = {"n_steps": 32, "batch_size": 16, "n_critic_updates": 2, "device": "cpu"}


class Nothing(gym.Env):
    """Spaces alone."""

    def __init__(self, n_obs, action_space):
        self.observation_space, self.action_space = spaces.Box(-np.inf, np.inf, (n_obs,), np.float32), action_space


def golden(name):
    numbers = json.loads((GOLDEN / f"{name}.json").read_text())
    return numbers["inputs"], numbers["expected"]


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(np.asarray(a.detach() if isinstance(a, torch.Tensor) else a), b, rtol=tolerance, atol=tolerance)


# ------------------------------------------------------------------------------------------------------------------------ the kit
A = torch.tensor([[4.0, 1.0], [1.0, 3.0]])


def test_conjugate_gradients_solve_a_system_of_two_in_two_iterations():
    x = conjugate_gradients(lambda v: A @ v, torch.tensor([1.0, 2.0]), torch.zeros(2), steps=2)
    close(x, [1 / 11, 7 / 11], 1e-6)  # 4/11 + 7/11 = 1 and 1/11 + 21/11 = 2


def test_the_first_iteration_is_the_steepest_descent():
    x = conjugate_gradients(lambda v: A @ v, torch.tensor([1.0, 2.0]), torch.zeros(2), steps=1)
    close(x, [5 / 20, 10 / 20], 1e-6)  # α = bᵀb / bᵀA b = 5 / 20


def test_conjugate_gradients_stop_where_they_stand_on_the_solution():
    asked = []
    x = conjugate_gradients(lambda v: asked.append(v) or A @ v, torch.tensor([1.0, 2.0]), torch.tensor([1 / 11, 7 / 11]), steps=9)
    close(x, [1 / 11, 7 / 11], 1e-7)
    assert len(asked) == 1  # for the residual


def test_the_longest_step_makes_the_quadratic_divergence_delta():
    step = longest_step(lambda v: A @ v, torch.tensor([1.0, 0.0]), delta=0.02)
    close(0.5 * step @ A @ step, 0.02, 1e-7)
    close(step, [0.1, 0.0], 1e-7)  # √(2 · 0.02 / 4)


def test_without_a_slope_there_is_no_step():
    assert longest_step(lambda v: 0 * v, torch.ones(2), delta=0.1).tolist() == [0, 0]


def test_the_line_search_takes_the_longest_step_that_is_good():
    weights = Weights([nn.Parameter(torch.zeros(2))])
    moved = line_search(weights, torch.tensor([8.0, 0.0]), lambda: bool(weights.get()[0] < 3), shrinking=0.5, tries=4)
    assert moved and weights.get().tolist() == [2, 0]  # 8, 4, 2


def test_the_line_search_goes_back_to_where_it_was_if_no_step_is_good():
    weights = Weights([nn.Parameter(torch.tensor([1.0, 2.0]))])
    assert not line_search(weights, torch.ones(2), lambda: False, shrinking=0.5, tries=3)
    assert weights.get().tolist() == [1, 2]


def test_the_weights_are_written_where_they_are():
    p = nn.Parameter(torch.zeros(2))
    address = p.data_ptr()
    Weights([p]).set(torch.tensor([3.0, 4.0]))
    assert p.tolist() == [3, 4] and p.data_ptr() == address


def test_only_weights_that_a_number_depends_on_belong_to_it():
    used, unused, frozen = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(4), requires_grad=False)
    weights, slope = Weights.that_move((used * 2).sum() + frozen.sum(), [used, unused, frozen])
    assert weights.parameters == [used] and slope.tolist() == [2, 2]


def test_the_hessian_of_kl_is_the_fisher_matrix_of_a_coin():
    """π(1) = σ(θ): F = σ(1 − σ), which is 3/16 where π(1) = ¾; the Hessian of (θ − θ₀)²-like terms alone, no slope, at θ₀."""
    θ = nn.Parameter(torch.tensor([np.log(3.0)], dtype=torch.float64))
    p = torch.sigmoid(θ)
    q = p.detach()
    weights, slope = Weights.that_move((p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum(), [θ])
    close(fisher(slope, weights)(torch.ones(1, dtype=torch.float64)), [3 / 16], 1e-12)
    close(fisher(slope, weights, damping=0.5)(torch.ones(1, dtype=torch.float64)), [3 / 16 + 0.5], 1e-12)


def test_the_divergence_is_of_the_new_policy_from_the_old_one():
    """N(1, 1) from N(0, 2): ½ (¼ + ¼ − 1 − ln ¼) = 0.4431; the other way it is ½ (4 + 1 − 1 − ln 4) = 1.3069."""
    policy = ActorCriticPolicy(spaces.Box(-1, 1, (1,)), spaces.Box(-1, 1, (2,)), lambda _: 0.1, net_arch=[])
    obs = torch.zeros(1, 1)
    with torch.no_grad():
        policy.log_std.fill_(np.log(2.0))
        old = pi_of(policy, obs)
        policy.log_std.fill_(0.0), policy.action_net.bias.fill_(1.0)
        new = pi_of(policy, obs)
    close(divergence(new, old), [[0.44315, 0.44315]], 1e-4)
    close(divergence(old, new), [[1.30685, 1.30685]], 1e-4)


# ----------------------------------------------------------------------------------------------------------------- golden numbers
def trpo_of_golden(inputs, **more):
    model = TRPO(
        "MlpPolicy", Nothing(3, spaces.Box(-9, 9, (2,))), n_steps=8, batch_size=4, n_critic_updates=2, device="cpu", seed=0,
        policy_kwargs={"net_arch": [8]}, **{name: inputs[name] for name in ("target_kl", "cg_damping", "cg_max_steps")}, **more,
    )  # fmt: skip
    model.policy.load_state_dict({name: torch.tensor(value) for name, value in inputs["policy"].items()})
    return model


def rollout_of_golden(inputs, expected):
    """[S = 1, M = 8]"""
    ours = {"obs": "obs", "action": "action", "advantage": "advantage", "ret": "returns"}
    fields = {name: torch.tensor(inputs[theirs])[None] for name, theirs in ours.items()}
    return Sample(**fields, log_prob=torch.tensor(expected["old_log_prob"])[None], v=torch.zeros(1, 8))


def test_gradient_fisher_product_and_step_are_those_of_sb3_contrib():
    inputs, expected = golden("trpo_continuous")
    policy = trpo_of_golden(inputs).policy.double()
    obs, action = (torch.tensor(inputs[name], dtype=torch.float64) for name in ("obs", "action"))
    advantage = torch.tensor(inputs["advantage"], dtype=torch.float64)
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    mean = policy.action_net(policy.mlp_extractor.policy_net(obs))  # SB3's preprocessing would round to single precision
    old, pi = (DiagGaussianDistribution(2).proba_distribution(*parameters) for parameters in ((mean.detach(), policy.log_std.detach()), (mean, policy.log_std)))
    close(pi.log_prob(action), expected["old_log_prob"], 1e-10)
    kl, objective = divergence(pi, old).mean(), (advantage * torch.exp(pi.log_prob(action) - old.log_prob(action))).mean()
    weights, slope = Weights.that_move(kl, [p for name, p in policy.named_parameters() if "value" not in name])
    g, F = weights.gradient(objective), fisher(slope, weights, inputs["cg_damping"])
    close(g, expected["flat_gradient"], 1e-9)
    close(F(torch.tensor(inputs["test_vector"], dtype=torch.float64)), expected["hessian_vector_product_of_test_vector"], 1e-9)
    x = conjugate_gradients(F, g, torch.zeros_like(g), inputs["cg_max_steps"])
    close(x, expected["cg_solution"], 1e-3)
    close(x @ F(x), expected["xHx"], 1e-3)


def test_an_update_ends_where_that_of_sb3_contrib_does():
    inputs, expected = golden("trpo_continuous")
    model = trpo_of_golden(inputs)
    rollout = rollout_of_golden(inputs, expected)
    model.minibatches = lambda samples, size=None: [samples] if size is None else samples.split(size)  # in order, as when the numbers were made
    model.adopt(), model.prepare_training()
    model.update(rollout)
    for name, value in model.policy.state_dict().items():
        close(value, expected["parameters_after_train_float32"][name], 1e-5 if "value" in name else 1e-3)
    means = {name: torch.stack(values).mean() for name, values in model._metrics.items()}
    close(means["kl_divergence_loss"], expected["kl_after"], 1e-3)
    close(means["policy_objective"], expected["surrogate_after"], 1e-3)
    close(means["value_loss"], expected["value_loss"], 1e-5)
    assert means["is_line_search_success"] == 1


def test_the_direction_of_the_natural_policy_gradient_is_that_of_tianshou():
    inputs, expected = golden("npg")
    model = NaturalPG(
        "MlpPolicy", Nothing(3, spaces.Discrete(3)), n_steps=8, batch_size=8, device="cpu", seed=0, policy_kwargs={"net_arch": [8]},
        normalize_advantage=False, cg_damping=inputs["damping"], cg_max_steps=inputs["cg_steps"],
    )  # fmt: skip
    layers = (model.policy.mlp_extractor.policy_net[0], model.policy.action_net)
    for i, layer in zip((0, 2), layers, strict=True):
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(inputs["actor"][f"{i}.weight"])), layer.bias.copy_(torch.tensor(inputs["actor"][f"{i}.bias"]))
    before = Weights([p for layer in layers for p in (layer.weight, layer.bias)]).get()
    zeros = torch.zeros(8)
    model.improve(0, Sample(torch.tensor(inputs["obs"]), torch.tensor(inputs["action"]), zeros, zeros, torch.tensor(inputs["advantage"]), zeros))
    step = Weights([p for layer in layers for p in (layer.weight, layer.bias)]).get() - before
    direction = torch.tensor(expected["natural_direction"])
    close(step / step.norm(), (direction / direction.norm()).numpy(), 1e-3)


# --------------------------------------------------------------------------------------------------------------------- the classes
def test_a_step_of_the_natural_policy_gradient_goes_as_far_as_delta():
    """But for the damping, which takes a little: without any, conjugate gradients find no F⁻¹g where F is nearly singular, and end where last bits lead."""
    model = NaturalPG("MlpPolicy", "CartPole-v1", seed=0, **{**SMALL, "n_steps": 256}, target_kl=1e-4, cg_damping=1e-3).learn(256)
    assert model.logger.name_to_value["train/kl_divergence_loss"] == pytest.approx(1e-4, rel=0.1)


def test_the_line_search_keeps_the_divergence_below_delta_where_a_natural_step_goes_beyond_it():
    def divergences(cls, **more):
        seen = []

        class Seen(cls):
            def improve(self, k, b):
                seen.append(super().improve(k, b)["kl_divergence_loss"])
                return {"kl_divergence_loss": seen[-1]}

        Seen("MlpPolicy", "CartPole-v1", seed=0, **{**SMALL, "n_steps": 128}, target_kl=0.5, cg_damping=1e-3, **more).learn(512)
        return seen

    assert max(divergences(NaturalPG)) > 0.5 > max(divergences(TRPO))


def test_every_seed_of_a_stack_has_its_own_step_and_its_own_line_search():
    stack = TRPO("MlpPolicy", "CartPole-v1", seeds=range(3), **SMALL, target_kl=0.5, cg_damping=1e-3, line_search_max_iter=2).learn(256)
    for k, seed in enumerate(stack.seeds):
        alone = TRPO("MlpPolicy", "CartPole-v1", seeds=[seed], **SMALL, target_kl=0.5, cg_damping=1e-3, line_search_max_iter=2).learn(256)
        for name, value in alone.policy.state_dict().items():
            assert torch.equal(value, stack.policies[k].state_dict()[name]), (seed, name)


def test_the_optimizer_moves_nothing_of_the_policy_and_keeps_no_state_of_it():
    model = TRPO("MlpPolicy", "CartPole-v1", seed=0, **SMALL).learn(64)
    of_policy = [p for name, p in model.policy.named_parameters() if "value" not in name]
    assert len(of_policy) == 6 and not any(p in model.policy.optimizer.state for p in of_policy)
    assert all(p in model.policy.optimizer.state for name, p in model.policy.named_parameters() if "value" in name)


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.AdamW], ids=["of all seeds", "torch's own"])
def test_a_policy_whose_line_search_fails_stays_as_it_was_while_the_value_function_learns(optimizer):
    kwargs = {"optimizer_class": optimizer, "optimizer_kwargs": {"weight_decay": 0.0 if optimizer is torch.optim.Adam else 0.5}}
    model = TRPO("MlpPolicy", "CartPole-v1", seed=0, **SMALL, target_kl=0.0, policy_kwargs=kwargs)
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(64)
    assert {name for name, value in model.policy.state_dict().items() if torch.equal(value, before[name])} == {name for name in before if "value" not in name}


def test_a_shared_features_extractor_is_moved_by_the_policy_alone():
    class Layer(BaseFeaturesExtractor):
        def __init__(self, space):
            super().__init__(space, 4)
            self.layer = nn.Linear(4, 4)

        def forward(self, obs):
            return self.layer(obs)

    model = TRPO("MlpPolicy", "CartPole-v1", seed=0, **SMALL, target_kl=0.0, policy_kwargs={"features_extractor_class": Layer})
    before = model.policy.features_extractor.layer.weight.clone()
    model.learn(64)
    assert torch.equal(model.policy.features_extractor.layer.weight, before)


def saved(model):
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    return file


@pytest.mark.parametrize(("of", "to"), [(TRPO, TRPOofContrib), (TRPOofContrib, TRPO)], ids=["ours to contrib", "contrib to ours"])
def test_files_go_on_in_the_other_library_as_they_would_in_their_own(of, to):
    model = of("MlpPolicy", "CartPole-v1", seed=0, **SMALL, cg_damping=1.0).learn(64)
    ends = []
    for cls in (of, to):
        other = cls.load(saved(model), env="CartPole-v1" if cls is TRPO else gym.make("CartPole-v1"), device="cpu")
        other.set_random_seed(3)
        ends.append(other.learn(64).policy.state_dict())
    assert all(torch.allclose(ends[0][name], ends[1][name], rtol=0, atol=1e-6) for name in ends[0])


def test_a_loaded_file_of_contrib_trains_by_the_pass_over_all_rows():
    model = TRPO.load(saved(TRPOofContrib("MlpPolicy", "CartPole-v1", seed=0, **SMALL).learn(64)), env="CartPole-v1", device="cpu").learn(64)
    assert model.actor_critic.optimiser.in_rows and model.actor_critic.optimiser.is_as_seen()


def test_one_of_so_many_samples_must_leave_two():
    with pytest.raises(ValueError, match=r"^sub_sampling_factor=20 leaves the policy less than 2 of the 32 samples of a rollout \(n_steps=32 × n_envs=1\)"):
        TRPO("MlpPolicy", "CartPole-v1", **SMALL, sub_sampling_factor=20)


def test_sub_sampling_thins_what_the_policy_learns_from():
    seen = []

    class Seen(TRPO):
        def improve(self, k, b):
            seen.append(b.advantage.shape)
            return super().improve(k, b)

    Seen("MlpPolicy", "CartPole-v1", **SMALL, sub_sampling_factor=3).learn(32)
    assert seen == [(11,)]  # of 32: the first, the fourth, …


# ------------------------------------------------------------------------------------------------- the model belongs to its user
def freeze_value(model):
    for p in model.policy.mlp_extractor.value_net.parameters():
        p.requires_grad_(False)


def hook(model):
    model.policy.action_net.register_forward_hook(lambda module, given, out: 0.5 * out)


def exchange(model):
    model.policy.mlp_extractor.policy_net[1] = nn.Softplus()


def exchange_optimizer(model):
    model.policy.optimizer = torch.optim.SGD(model.policy.parameters(), lr=1e-3)


@pytest.mark.parametrize("alter", [freeze_value, hook, exchange, exchange_optimizer], ids=lambda alter: alter.__name__)
def test_what_a_user_does_to_the_model_has_the_effect_that_it_has_in_sb3_contrib(alter):
    ends = []
    for cls, change in ((TRPO, alter), (TRPOofContrib, alter), (TRPO, lambda model: None)):
        model = cls("MlpPolicy", "CartPole-v1", seed=0, **SMALL, cg_damping=1.0)
        change(model)
        ends.append(torch.cat([p.detach().flatten() for p in model.learn(64).policy.parameters()]))
    assert (ends[0] - ends[1]).abs().max() < 1e-6 < (ends[0] - ends[2]).abs().max()


def test_a_frozen_layer_of_the_policy_stays():
    """SB3-Contrib raises a RuntimeError there: it asks for the gradient of every parameter."""
    model = TRPO("MlpPolicy", "CartPole-v1", seed=0, **SMALL)
    for p in model.policy.mlp_extractor.policy_net[0].parameters():
        p.requires_grad_(False)
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(32)
    frozen = {name for name, value in model.policy.state_dict().items() if torch.equal(value, before[name])}
    assert frozen == {"mlp_extractor.policy_net.0.weight", "mlp_extractor.policy_net.0.bias"}


def test_a_critic_that_is_never_fitted_stays_as_it_was_and_the_policy_is_sb3_contrib_s():
    alike = {**SMALL, "n_critic_updates": 0, "cg_damping": 1.0, "seed": 1}
    theirs = TRPOofContrib("MlpPolicy", "CartPole-v1", **alike).learn(64).policy.state_dict()
    untrained = TRPO("MlpPolicy", "CartPole-v1", **alike).policy.state_dict()
    for name, weights in TRPO("MlpPolicy", "CartPole-v1", **alike).learn(64).policy.state_dict().items():
        torch.testing.assert_close(weights, theirs[name], atol=1e-6, rtol=0)
        assert torch.equal(weights, untrained[name]) == ("value" in name), name
