"""Distributions of returns as quantiles: the loss that QRDQN and TQC share, against other libraries' numbers and by hand."""

import inspect
import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import sb3_contrib
import torch

import from_scratch as ours
from from_scratch.core.lockstep import Program, Unknown
from from_scratch.core.quantiles import quantile_huber
from from_scratch.value_based.qrdqn import of_action

pytestmark = pytest.mark.numerical

GOLDEN = json.loads((Path(__file__).parent / "golden" / "quantile_huber.json").read_text())
GIVEN, EXPECTED = ({name: torch.tensor(value, dtype=torch.float32) for name, value in GOLDEN[part].items()} for part in ("inputs", "expected"))


def with_tensors(equation, theta, *data):
    """Its loss and the gradient of theta, by autograd."""
    theta = theta.clone().requires_grad_()
    loss = equation(theta, *data)
    loss.sum().backward()
    return loss.detach(), theta.grad


def as_a_program(equation, theta, *data):
    """The same by the calls that an update repeats, after they were made for other numbers."""
    found = []

    def of_leaf(theta, *data):
        return equation(theta.program.leaf(theta.value, lambda g: found.append(g.wide(theta.shape).value)), *data), {}

    program = Program(of_leaf, [torch.zeros_like(theta), *map(torch.zeros_like, data)])
    program.differentiate()
    program.run([theta, *data])
    program.differentiate()
    return torch.from_numpy(program.loss.value), torch.from_numpy(found[0])


WAYS = pytest.mark.parametrize("differentiated", [with_tensors, as_a_program])


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


# ---------------------------------------------------------------------------------------------------------------- others' numbers
@WAYS
def test_loss_and_gradient_are_those_of_rlax_with_other_numbers_of_quantiles_and_of_targets(differentiated):
    theta, a, y = GIVEN["quantiles"][None], GIVEN["action"].long()[None, :, None], EXPECTED["target_quantiles"][None]  # [1, 6, 4, 3], [1, 6, 1], [1, 6, 3]
    loss, gradient = differentiated(lambda theta, a, y: quantile_huber(of_action(theta, a), y).sum(-1).mean(-1), theta, a, y)
    close(loss[0], EXPECTED["loss_kappa1"])
    close(gradient[0], EXPECTED["grad_quantiles_of_mean"])


def test_each_item_s_loss_is_rlax_s():
    close(quantile_huber(EXPECTED["chosen_quantiles"], EXPECTED["target_quantiles"]).sum(-1), EXPECTED["loss_per_item_kappa1"])


def test_the_action_is_that_of_the_largest_mean_and_its_quantiles_are_the_targets():
    a = GIVEN["next_quantiles_selector"].transpose(-1, -2).mean(-1).argmax(-1, keepdim=True)[None]
    assert a.flatten().tolist() == EXPECTED["next_action"].tolist()
    y = GIVEN["reward"].unsqueeze(-1) + GIVEN["discount"].unsqueeze(-1) * of_action(GIVEN["next_quantiles_target"][None], a)[0]
    close(y, EXPECTED["target_quantiles"])


# ------------------------------------------------------------------------------------------------------------------------ by hand
@WAYS
def test_a_target_above_counts_by_tau_and_one_below_by_one_minus_tau(differentiated):
    theta, y = torch.zeros(1, 2), torch.tensor([[0.5]])  # τ = ¼ and ¾
    assert differentiated(quantile_huber, theta, y)[0].tolist() == [[0.25 * 0.125, 0.75 * 0.125]]  # L(½) = ⅛
    assert differentiated(quantile_huber, theta, -y)[0].tolist() == [[0.75 * 0.125, 0.25 * 0.125]]


@WAYS
def test_far_errors_count_linearly_and_their_gradient_is_clipped(differentiated):
    loss, gradient = differentiated(quantile_huber, torch.zeros(1, 1), torch.tensor([[3.0]]))  # τ = ½
    assert (loss.item(), gradient.item()) == (0.5 * 2.5, -0.5)


@WAYS
def test_targets_are_averaged(differentiated):
    loss, gradient = differentiated(quantile_huber, torch.zeros(1, 1), torch.tensor([[0.5, -1.0]]))
    assert loss.item() == (0.5 * 0.125 + 0.5 * 0.5) / 2
    assert gradient.item() == (-0.5 * 0.5 + 0.5 * 1.0) / 2


@WAYS
def test_targets_broadcast_over_critics(differentiated):
    theta, y = torch.randn(2, 3, 4, 5), torch.randn(2, 1, 4, 40)  # [S, C, M, N], [S, 1, M, K]
    loss, gradient = differentiated(quantile_huber, theta, y)
    for c in range(3):
        expected = with_tensors(quantile_huber, theta[:, c], y[:, 0])
        close(loss[:, c], expected[0])
        close(gradient[:, c], expected[1])


@WAYS
def test_the_quantiles_of_a_known_distribution_are_where_the_loss_is_flat(differentiated):
    """With targets 0 … 99, far apart: pinball's gradient is 0 where τ of them lie below (up to Huber's rounding of one target)."""
    theta, y = torch.tensor([[12.5, 37.5, 62.5, 87.5]]), torch.arange(100.0)[None]
    assert differentiated(quantile_huber, theta, y)[1].abs().max() < 0.01
    assert differentiated(quantile_huber, theta + 10, y)[1].min() > 0.05


@WAYS
def test_nan_is_not_lost(differentiated):
    loss, _ = differentiated(quantile_huber, torch.zeros(1, 2), torch.tensor([[0.5, float("nan")]]))
    assert loss.isnan().all()


@WAYS
@pytest.mark.parametrize("N", [1, 7, 25, 200])
def test_many_targets_lose_no_digits(differentiated, N):
    generator = torch.Generator().manual_seed(0)
    theta, y = (torch.randn(3, n, generator=generator) for n in (N, 200))
    for found, expected in zip(differentiated(quantile_huber, theta, y), with_tensors(quantile_huber, theta.double(), y.double()), strict=True):
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=3e-7)


def test_targets_that_want_a_gradient_are_refused():
    with pytest.raises(ValueError, match="no_grad"):
        as_a_program(lambda theta: quantile_huber(theta, theta), torch.zeros(1, 2))


# ---------------------------------------------------------------------------------------------------------------- Arrays' new ways
@pytest.mark.parametrize("dims", [(-1, -2), (1, 2), (0, 2)])
def test_a_transposed_array_s_gradient_is_autograd_s(dims):
    x, w = torch.randn(2, 3, 4), torch.randn(2, 3, 4).transpose(*dims).contiguous()
    equation = lambda x, w: (x.transpose(*dims) * w).sum(-1).sum(-1)
    for found, expected in zip(as_a_program(equation, x, w), with_tensors(equation, x, w), strict=True):
        close(found, expected)


def test_a_sorted_array_is_torch_s_and_a_constant():
    x, y = torch.randn(2, 3, 7), torch.randn(2, 3, 7)
    equation = lambda x, y: (x * y.sort(-1).values[..., :4].mean(-1, keepdim=True)).sum(-1)
    for found, expected in zip(as_a_program(equation, x, y), with_tensors(equation, x, y), strict=True):
        close(found, expected)
    with pytest.raises(Unknown, match="the gradient of sort"):
        as_a_program(lambda x: x.sort(-1).values.sum(-1), x)


# ----------------------------------------------------------------------------------------------------------------------- the classes
class Coin(gym.Env):
    """One state, one action, and a reward of 0 or 1 by a fair coin, which ends the episode."""

    observation_space, action_space = gym.spaces.Box(0, 1, (1,), np.float32), gym.spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.ones(1, np.float32), {}

    def step(self, action):
        return np.ones(1, np.float32), float(self.np_random.random() < 0.5), True, False, {}


def test_qrdqn_learns_the_distribution_and_not_its_mean_alone():
    """Within 1 of all targets Huber's loss is a square, so that θ_i is where τ_i (1 − θ) = (1 − τ_i) θ: at τ_i itself."""
    fast = {"learning_rate": 0.01, "learning_starts": 64, "batch_size": 64, "train_freq": 1, "policy_kwargs": {"net_arch": [16], "n_quantiles": 4}}
    model = ours.QRDQN("MlpPolicy", Coin, seeds=[0], device="cpu", **fast).learn(800)
    theta = model.policy.quantile_net(torch.ones(1, 1)).flatten().tolist()
    assert theta == pytest.approx([1 / 8, 3 / 8, 5 / 8, 7 / 8], abs=0.06)


class Nothing(Coin):
    """The same with continuous actions, which do nothing, and a reward that is 0 most of the time and 1 else."""

    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)

    def step(self, action):
        return np.ones(1, np.float32), float(self.np_random.random() < 0.25), True, False, {}


def test_tqc_s_target_is_what_is_left_of_the_pooled_quantiles():
    """Of 2 critics with 3 quantiles each, 1 of each dropped, the 4 smallest of all 6 are left, whichever critic they are of."""
    model = ours.TQC("MlpPolicy", Nothing, seeds=[0], device="cpu", gamma=0.5, ent_coef=0.0, learning_starts=4, batch_size=8, top_quantiles_to_drop_per_net=1,
                     policy_kwargs={"net_arch": [4], "n_quantiles": 3}).learn(20)  # fmt: skip
    pooled = []
    with torch.no_grad():
        for k, net in enumerate(model.critic_target.q_networks):  # nets that put out their biases alone
            for p in net.parameters():
                p.zero_()
            net[-1].bias.copy_(torch.tensor([[9.0, 1.0, 2.0], [8.0, 7.0, 3.0]])[k])
            pooled += net[-1].bias.tolist()
    b = model.memory.sample(1)
    b.reward[:], b.discount[:] = 1.0, 0.5
    y = 1 + 0.5 * torch.tensor(sorted(pooled)[:4])
    expected = quantile_huber(model.q(b.obs, b.action).detach(), y[None, None, None]).mean()
    loss, _ = model.critic_loss(b, model._rng.noise(1, 1), torch.zeros(1))
    close(loss.detach()[0], expected)


def test_tqc_that_drops_everything_is_refused():
    words = "top_quantiles_to_drop_per_net=3 leaves nothing of 3 quantiles: give at most 2, or policy_kwargs with a larger n_quantiles"
    with pytest.raises(ValueError, match=words):
        ours.TQC("MlpPolicy", Nothing, top_quantiles_to_drop_per_net=3, policy_kwargs={"n_quantiles": 3}, buffer_size=10, device="cpu")


@pytest.mark.parametrize("name", ["QRDQN", "TQC"])
def test_the_signature_is_that_of_sb3_contrib_with_our_keywords_at_the_end(name):
    mine, theirs = (list(inspect.signature(getattr(library, name)).parameters.values()) for library in (ours, sb3_contrib))
    assert [(p.name, p.default) for p in mine[: len(theirs)]] == [(p.name, p.default) for p in theirs]
    assert [(p.name, p.kind) for p in mine[len(theirs) :]] == [("seeds", inspect.Parameter.KEYWORD_ONLY), ("n_envs", inspect.Parameter.KEYWORD_ONLY)]


@pytest.mark.parametrize("name", ["QRDQN", "TQC"])
def test_files_go_both_ways_and_training_goes_on_alike(name, tmp_path):
    env = "CartPole-v1" if name == "QRDQN" else "Pendulum-v1"
    small = {"learning_starts": 20, "batch_size": 16, "buffer_size": 300, "policy_kwargs": {"net_arch": [16], "n_quantiles": 6}, "device": "cpu"}
    for writer, reader in ((ours, sb3_contrib), (sb3_contrib, ours)):
        model = getattr(writer, name)("MlpPolicy", env, seed=3, **small).learn(60)
        model.save(tmp_path / "model.zip")
        model.save_replay_buffer(tmp_path / "memory.pkl")
        weights = []
        for library in (writer, reader):
            loaded = getattr(library, name).load(tmp_path / "model.zip", env=gym.make(env), device="cpu")
            assert isinstance(loaded, getattr(sb3_contrib, name))
            assert type(loaded.policy) is sb3_contrib.__dict__[name].policy_aliases["MlpPolicy"]
            loaded.load_replay_buffer(tmp_path / "memory.pkl")
            loaded.set_random_seed(5)
            loaded.learn(40, reset_num_timesteps=False)
            weights.append(torch.cat([p.detach().flatten() for p in loaded.policy.parameters()]))
        torch.testing.assert_close(*weights, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["QRDQN", "TQC"])
def test_a_seed_in_the_stack_equals_the_seed_alone(name):
    def trained(seeds):
        small = {"learning_starts": 20, "batch_size": 16, "policy_kwargs": {"net_arch": [16], "n_quantiles": 6}, "n_envs": 2}
        return getattr(ours, name)("MlpPolicy", Coin if name == "QRDQN" else Nothing, seeds=seeds, device="cpu", **small).learn(120)

    alone, stack = trained([3]), trained([1, 3, 5])
    for mine, other in zip(alone.policy.parameters(), stack.member(1).policy.parameters(), strict=True):
        assert torch.equal(mine, other)
