"""REINFORCE with and without baseline: the exact gradient on a small MDP, the short corridor of the book, SB3's surface."""

import itertools
import pickle

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback, EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import Logger, configure
from stable_baselines3.common.vec_env import VecNormalize
from torch import nn

import from_scratch as ours
from from_scratch.core.data import Step
from from_scratch.core.loops.episodes import Episodes
from from_scratch.core.networks.own import ActorBaselinePolicy, ActorPolicy
from from_scratch.envs.chains.short_corridor import BEST_P_RIGHT, BEST_VALUE, start_value
from tests.some import some

pytestmark = pytest.mark.numerical

NAMES = ["REINFORCE", "REINFORCEBaseline"]


def weights(model):
    return torch.cat([value.flatten().double() for value in model.policy.state_dict().values()])


def make(name, env="CartPole-v1", **kwargs):
    return getattr(ours, name)("MlpPolicy", env, **kwargs)


def record(lanes_of_episodes, n=None):
    """A batch from what each lane played, [(obs, action, reward), …] per episode; the last field of an episode may say "cut at obs"."""
    lanes = [[(*step, i == len(steps) - 1, last) for steps, last in lane for i, step in enumerate(steps)] for lane in lanes_of_episodes]
    episodes = Episodes(sum(map(len, lanes_of_episodes)) if n is None else n, len(lanes))
    for steps in zip(*lanes, strict=True):
        obs, action, reward, done, last = zip(*steps)
        infos = [{"TimeLimit.truncated": d and x is not None, "terminal_observation": x} if d else {} for d, x in zip(done, last)]
        episodes.add(np.array(obs), np.array(action), Step(None, np.array(reward, np.float32), np.array(done), infos))
    return episodes


def gradient(model, episodes):
    """What one update adds to the actor's parameters per unit of learning rate."""
    model.episodes = episodes
    model.train()
    return -model.pi.rows.grad[0].clone()


def frozen(name, env, **kwargs):
    """A model whose updates compute gradients and move nothing."""
    policy_kwargs = {"net_arch": [4], "optimizer_class": torch.optim.SGD, **kwargs.pop("policy_kwargs", {})}
    extra = {"baseline_learning_rate": 0.0} if name == "REINFORCEBaseline" else {}
    model = make(name, env if isinstance(env, str) else lambda: env, seeds=[0], learning_rate=0.0, policy_kwargs=policy_kwargs, **extra, **kwargs)
    model.set_logger(Logger(None, []))
    return model


# ---------------------------------------------------------------------------------------------------------- the exact gradient
class TwoStates(gym.Env):
    """From either state each action leads to state 0 or 1; action 1 in state 1 ends the episode, and so does the third step."""

    observation_space, action_space = spaces.Discrete(2), spaces.Discrete(2)
    to_1 = np.array([[0.3, 0.8], [0.6, 0.0]])  # P(s' = 1 | s, a)
    reward = np.array([[1.0, -2.0], [0.5, 3.0]])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    @classmethod
    def trajectories(cls):
        """(probability of the environment's part, [(s, a, r), …]) of every trajectory."""

        def go(s, steps, p):
            for a in (0, 1):
                more = [*steps, (s, a, cls.reward[s, a])]
                if len(more) == 3 or (s, a) == (1, 1):
                    yield p, more
                else:
                    yield from go(1, more, p * cls.to_1[s, a])
                    yield from go(0, more, p * (1 - cls.to_1[s, a]))

        return list(go(0, [], 1.0))


def probabilities(model, trajectories):
    """P(τ) under the policy, with a graph to the actor's leaves."""
    log_pi = model.pi(torch.arange(2)[None]).log_probs[0]
    return torch.stack([p * torch.exp(sum(log_pi[s, a] for s, a, _ in steps)) for p, steps in trajectories])


def exact_gradient(model, trajectories, gamma):
    returns = torch.tensor([sum(gamma**t * r for t, (_, _, r) in enumerate(steps)) for _, steps in trajectories], dtype=torch.float32)
    rows = model.pi.rows
    rows.backward((probabilities(model, trajectories) * returns).sum()[None])
    return rows.grad[0].clone()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("gamma", "gamma_power"), [(1.0, False), (0.8, True)])
def test_the_mean_gradient_over_all_trajectories_is_the_gradient_of_the_expected_return(name, gamma, gamma_power):
    model, trajectories = frozen(name, TwoStates(), gamma=gamma, gamma_power=gamma_power, episodes_per_update=1), TwoStates.trajectories()
    p = probabilities(model, trajectories).detach()
    assert p.sum() == pytest.approx(1, abs=1e-6)
    mean = sum(p_i * gradient(model, record([[(steps, None)]])) for p_i, (_, steps) in zip(p, trajectories, strict=True))
    exact = exact_gradient(model, trajectories, gamma)
    assert exact.norm() > 0.1
    torch.testing.assert_close(mean, exact, atol=1e-5, rtol=1e-4)


def test_so_it_is_for_batches_of_two_episodes_but_not_for_a_mean_over_steps():
    model, trajectories = frozen("REINFORCE", TwoStates(), gamma=1.0, episodes_per_update=2), TwoStates.trajectories()
    p = probabilities(model, trajectories).detach()
    mean, mean_over_steps = 0, 0
    for (p_i, (_, a)), (p_j, (_, b)) in itertools.product(zip(p, trajectories, strict=True), repeat=2):
        g = gradient(model, record([[(a, None), (b, None)]]))
        mean = mean + p_i * p_j * g
        mean_over_steps = mean_over_steps + p_i * p_j * g * 2 / (len(a) + len(b))
    exact = exact_gradient(model, trajectories, gamma=1.0)
    torch.testing.assert_close(mean, exact, atol=1e-5, rtol=1e-4)
    assert torch.cosine_similarity(mean_over_steps, exact, dim=0) < 0.999  # not even its direction


def test_without_the_factor_gamma_power_t_the_gradient_is_another_one():
    model, trajectories = frozen("REINFORCE", TwoStates(), gamma=0.5, episodes_per_update=1), TwoStates.trajectories()
    p = probabilities(model, trajectories).detach()
    mean = sum(p_i * gradient(model, record([[(steps, None)]])) for p_i, (_, steps) in zip(p, trajectories, strict=True))
    assert (mean - exact_gradient(model, trajectories, gamma=0.5)).norm() > 0.05


def test_one_update_by_hand():
    """Two actions at even odds, one state: ∇ ln π(a) is (½, −½) for the chosen action's bias and the other's."""
    model = frozen("REINFORCE", "from_scratch/ShortCorridor-v0", gamma=0.5, episodes_per_update=1, policy_kwargs={"net_arch": []})
    with torch.no_grad():
        model.policy.actor.layers[0].weight.zero_()
    gradient(model, record([[([(0, 1, 2.0), (0, 0, 4.0)], None)]]))  # G = 2 + .5·4 = 4, and 4
    np.testing.assert_allclose(model.policy.actor.layers[0].bias.grad, [0.5 * 4 - 0.5 * 4, 0], atol=1e-6)
    gradient(model, record([[([(0, 1, 2.0), (0, 0, 8.0)], None)]]))  # G = 6 and 8
    np.testing.assert_allclose(-model.policy.actor.layers[0].bias.grad, [-0.5 * 6 + 0.5 * 8, 0.5 * 6 - 0.5 * 8], atol=1e-6)


BY_HAND = {  # what a return of 3 for this one action adds to the biases of the last layer, from logits, or a mean, of 0
    "MultiDiscrete": (spaces.MultiDiscrete([2, 3]), [1, 0], 3 * np.array([-1 / 2, 1 / 2, 2 / 3, -1 / 3, -1 / 3])),  # 1 − π of what was chosen, −π of the rest
    "MultiBinary": (spaces.MultiBinary(3), [1, 0, 1], 3 * np.array([1 / 2, -1 / 2, 1 / 2])),  # a − p
    "Box": (spaces.Box(-4, 4, (2,)), [2.0, -1.0], 3 * np.array([2.0, -1.0])),  # (a − μ) / σ², σ = 1
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_one_update_of_other_actions_by_hand(kind):
    space, action, expected = BY_HAND[kind]
    model = frozen("REINFORCE", Match(space, action), episodes_per_update=1, policy_kwargs={"net_arch": []})
    with torch.no_grad():
        model.policy.actor.layers[0].weight.zero_()
    gradient(model, record([[([(np.ones(2, np.float32), action, 3.0)], None)]]))
    np.testing.assert_allclose(-model.policy.actor.layers[0].bias.grad, expected, atol=1e-6)
    if kind == "Box":  # ∂ ln π / ∂ ln σ = (a − μ)² / σ² − 1
        np.testing.assert_allclose(-model.policy.actor.log_std.grad, 3 * np.array([4 - 1, 1 - 1]), atol=1e-6)


# ------------------------------------------------------------------------------------------------------ returns of whole episodes
@pytest.mark.parametrize("gamma", [1.0, 0.8])
def test_whole_returns_have_the_same_mean_gradient_and_more_variance(gamma):
    whole, to_go = (frozen(name, TwoStates(), gamma=gamma, episodes_per_update=1, **more)
                    for name, more in (("EpisodicREINFORCE", {}), ("REINFORCE", {"gamma_power": True})))  # fmt: skip
    trajectories = TwoStates.trajectories()
    p = probabilities(whole, trajectories).detach()
    mean, variance = {}, {}
    for model in (whole, to_go):
        gradients = torch.stack([gradient(model, record([[(steps, None)]])) for _, steps in trajectories])
        mean[model] = (p[:, None] * gradients).sum(0)
        variance[model] = (p[:, None] * (gradients - mean[model]) ** 2).sum().item()
    torch.testing.assert_close(mean[whole], exact_gradient(whole, trajectories, gamma), atol=1e-5, rtol=1e-4)
    assert variance[whole] > 1.1 * variance[to_go]


def test_every_step_of_an_episode_knows_the_return_of_the_whole_and_of_no_other_episode():
    steps = record([[([(0, 0, 1.0), (0, 0, 2.0)], None), ([(0, 0, 10.0)], None)], [([(0, 0, 4.0)] * 3, None)]]).as_steps(gamma=0.5)
    np.testing.assert_array_equal(steps.whole, [[2, 7, 2, 7, 10, 7]])  # the two lanes in turn: 1 + ½·2 and 10, and 4 + 2 + 1
    np.testing.assert_array_equal(steps.ret, [[2, 7, 2, 6, 10, 4]])


def test_the_gradient_of_whole_returns_by_hand():
    model = frozen("EpisodicREINFORCE", "from_scratch/ShortCorridor-v0", gamma=0.5, episodes_per_update=1, policy_kwargs={"net_arch": []})
    with torch.no_grad():
        model.policy.actor.layers[0].weight.zero_()
    gradient(model, record([[([(0, 1, 2.0), (0, 1, 8.0)], None)]]))  # 2 + ½·8 = 6, twice
    np.testing.assert_allclose(-model.policy.actor.layers[0].bias.grad, [-0.5 * 12, 0.5 * 12], atol=1e-6)


def test_the_baseline_of_before_its_update_is_subtracted():
    """And not the one that has seen these returns, which would know the action's luck."""
    batch = lambda: record([[([(0, 1, 2.0), (1, 1, 5.0)], None)]])
    still = frozen("REINFORCEBaseline", TwoStates(), episodes_per_update=1)
    fast = frozen("REINFORCEBaseline", TwoStates(), episodes_per_update=1)
    fast.baseline_schedule = lambda _: 0.1
    v = fast.values(torch.tensor([[0, 1]])).clone()
    assert torch.equal(gradient(fast, batch()), gradient(still, batch()))
    moved = fast.values(torch.tensor([[0, 1]])) - v
    assert moved.abs().min() > 0.1
    assert not torch.equal(gradient(fast, batch()), gradient(still, batch()))  # the next update uses it


def test_neither_network_moves_the_other():
    model = make("REINFORCEBaseline", seed=0, learning_rate=0.0).learn(300)
    fresh = make("REINFORCEBaseline", seed=0)
    for name, p in fresh.policy.named_parameters():
        assert torch.equal(p, dict(model.policy.named_parameters())[name]) == name.startswith("actor.")
    model = make("REINFORCEBaseline", seed=0, baseline_learning_rate=0.0).learn(300)
    for name, p in fresh.policy.named_parameters():
        assert torch.equal(p, dict(model.policy.named_parameters())[name]) == name.startswith("baseline.")


def test_entropy_regularisation_evens_the_odds():
    model = make("REINFORCE", NoReward(), seed=0, ent_coef=1.0, learning_rate=0.05)
    with torch.no_grad():
        model.policy.actor.layers[-1].bias[1] = 3.0
    model.learn(1000)
    bias = model.policy.actor(torch.zeros(1, 2)).detach()[0]
    assert (bias[1] - bias[0]).abs() < 0.5


class NoReward(gym.Env):
    """Five steps of nothing."""

    observation_space, action_space = spaces.Box(-1, 1, (2,)), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 5
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.left -= 1
        return np.zeros(2, np.float32), 0.0, self.left == 0, False, {}


# ------------------------------------------------------------------------------------------------------------------- episodes
def test_returns_are_of_the_rest_of_the_episode_and_of_no_other():
    steps = record([[([(0, 0, 1.0), (0, 0, 2.0)], None), ([(0, 0, 10.0)], None)]]).as_steps(gamma=0.5)
    np.testing.assert_array_equal(steps.ret, [[2, 2, 10]])
    np.testing.assert_array_equal(steps.t, [[0, 1, 0]])


def test_where_a_time_limit_struck_the_value_of_the_last_observation_stands_for_the_rest():
    cut = lambda: record([[([(0, 0, 1.0), (0, 0, 2.0)], 1), ([(0, 0, 10.0)], None)]])
    np.testing.assert_array_equal(cut().as_steps(0.5, value=lambda obs: {1: 8.0}[obs]).ret, [[1 + 0.5 * 6, 2 + 0.5 * 8, 10]])
    np.testing.assert_array_equal(cut().as_steps(0.5).ret, [[2, 2, 10]])  # REINFORCE: as it is


def test_the_baseline_class_asks_its_baseline_and_the_plain_class_does_not():
    model = frozen("REINFORCEBaseline", TwoStates(), gamma=0.5, episodes_per_update=1)
    v = model.values(torch.tensor([[0, 1]]))[0]
    asked = gradient(model, record([[([(0, 1, 2.0)], 1)]]))
    told = gradient(model, record([[([(0, 1, 2.0 + 0.5 * v[1].item())], None)]]))
    torch.testing.assert_close(asked, told)
    model = frozen("REINFORCE", TwoStates(), gamma=0.5, episodes_per_update=1)
    assert torch.equal(gradient(model, record([[([(0, 1, 2.0)], 1)]])), gradient(model, record([[([(0, 1, 2.0)], None)]])))


def test_the_first_episodes_to_start_make_the_batch_whoever_finishes_first():
    long, short = [(0, 0, 1.0)] * 4, [(0, 0, 7.0)]
    episodes = record([[(long, None)], [(short, None)] * 4], n=2)
    assert episodes.complete
    steps = episodes.as_steps(gamma=1.0)
    assert sorted(steps.ret[0].tolist()) == [1, 2, 3, 4, 7]  # the second lane's other three short episodes are left out
    episodes = record([[(long, None)], [(short, None)] * 4], n=3)
    assert sorted(episodes.as_steps(gamma=1.0).ret[0].tolist()) == [1, 2, 3, 4, 7, 7]


class ShortOrLong(gym.Env):
    """Lasts one step or nine, at even odds, with a reward of 1 for each. The observation counts the steps."""

    observation_space, action_space = spaces.Box(0, 9, (1,)), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.length = 0, int(self.np_random.choice([1, 9]))
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.t += 1
        return np.full(1, self.t, np.float32), 1.0, self.t == self.length, False, {}


def test_every_episode_of_a_batch_was_played_from_its_start_with_the_policy_of_now():
    """Lanes that were inside an episode when the policy changed start anew."""
    batches = []

    class Watched(ours.REINFORCE):
        def train(self):
            batches.append(self.episodes.as_steps(1.0))

    Watched("MlpPolicy", lambda: ShortOrLong(), n_envs=3, episodes_per_update=4, seed=0).learn(600)
    assert len(batches) > 10
    for steps in batches:
        np.testing.assert_array_equal(steps.obs[..., 0], steps.t)
        assert (steps.t == 0).sum() == 4


def test_several_environments_do_not_favour_short_episodes():
    lengths = []

    class Lengths(ours.REINFORCE):
        def train(self):
            lengths.append(self.episodes.as_steps(1.0).t.numel() / self.episodes_per_update)

    model = Lengths("MlpPolicy", lambda: ShortOrLong(), n_envs=4, episodes_per_update=6, seed=0).learn(12_000)
    assert len(lengths) > 100
    assert np.mean(lengths) == pytest.approx(5, abs=0.5)  # 4 standard errors
    assert np.mean([episode["l"] for episode in model.ep_info_buffer]) == pytest.approx(5, abs=1.6)


def test_a_budget_that_ends_inside_a_batch_pauses_there_and_makes_no_update():
    model = make("REINFORCE", seed=0, episodes_per_update=1000).learn(200)
    assert model.num_timesteps == 200 and model._n_updates == 0
    fresh = make("REINFORCE", seed=0)
    assert torch.equal(weights(model), weights(fresh))


@pytest.mark.parametrize("name", NAMES)
def test_learning_in_two_goes_equals_learning_in_one(name):
    once = make(name, seeds=[1], n_envs=2).learn(601)
    twice = make(name, seeds=[1], n_envs=2).learn(251).learn(350, reset_num_timesteps=False)
    assert once._n_updates > 1
    assert torch.equal(weights(once), weights(twice))
    assert once.num_timesteps == twice.num_timesteps == 602


def test_after_the_environments_were_reset_the_interrupted_batch_is_dropped():
    model = make("REINFORCE", seeds=[1], episodes_per_update=1000).learn(50)
    assert len(model.episodes.steps) == 50
    model.learn(30)
    assert len(model.episodes.steps) == 30


# ---------------------------------------------------------------------------------------------------------------- many seeds
def test_each_seed_of_a_stack_learns_when_its_own_batch_is_complete():
    noted = []

    class Noting(ours.REINFORCE):
        def update(self, steps):
            noted.append((self.num_timesteps, self.learner, steps.t.numel(), int((steps.t == 0).sum())))

    Noting("MlpPolicy", lambda: ShortOrLong(), seeds=range(3), episodes_per_update=4).learn(200)
    for k in range(3):
        mine = [(at, length, starts) for at, who, length, starts in noted if who == k]
        assert [starts for *_, starts in mine] == [4] * len(mine)
        assert [at for at, *_ in mine] == list(np.cumsum([length for _, length, _ in mine]))  # its batches lie one behind the other, without a gap
    assert len({tuple(at for at, who, *_ in noted if who == k) for k in range(3)}) == 3


def test_a_stack_logs_the_loss_of_every_seed_under_its_own_name(tmp_path):
    model = make("REINFORCEBaseline", seeds=[4, 9])
    model.set_logger(configure(str(tmp_path), ["csv"]))
    model.learn(800)
    alone = make("REINFORCEBaseline", seeds=[9])
    alone.set_logger(configure(str(tmp_path / "alone"), ["csv"]))
    alone.learn(800)
    model.logger.close(), alone.logger.close()
    both, one = (pd.read_csv(folder / "progress.csv") for folder in (tmp_path, tmp_path / "alone"))
    assert len(both) > 1 and both["train/loss@4"].notna().all()
    assert set(both["train/value_loss@9"]) <= set(one["train/value_loss"])


# ------------------------------------------------------------------------------------------------------------------- learning
class Match(gym.Env):
    """One step; the reward says how near the action is to the target."""

    observation_space = spaces.Box(-1, 1, (2,))

    def __init__(self, action_space, target):
        self.action_space, self.target = action_space, np.array(target)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.ones(2, np.float32), {}

    def step(self, action):
        return np.ones(2, np.float32), -float(np.abs(action - self.target).sum()), True, False, {}


ACTIONS = {
    "Discrete": (spaces.Discrete(3), 1),
    "MultiDiscrete": (spaces.MultiDiscrete([2, 3]), [0, 2]),
    "MultiBinary": (spaces.MultiBinary(3), [1, 0, 1]),
    "Box": (spaces.Box(-4, 4, (2,)), [1.0, -1.0]),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", some(ACTIONS))
def test_every_kind_of_action_is_learnt(name, kind):
    space, target = ACTIONS[kind]
    model = make(name, lambda: Match(space, target), seed=0, n_envs=2, episodes_per_update=20, learning_rate=0.02).learn(4000)
    action, _ = model.predict(np.ones(2, np.float32), deterministic=True)
    assert space.contains(action.astype(space.dtype)) if kind != "Discrete" else action.shape == ()
    np.testing.assert_allclose(action, target, atol=0.25 if kind == "Box" else 0)
    sampled, _ = model.predict(np.ones((7, 2), np.float32))
    assert sampled.shape == (7, *space.shape)


class Corridor(BaseCallback):
    """Notes the return of each episode, and stops after n of them."""

    def __init__(self, n):
        super().__init__()
        self.n, self.returns = n, []

    def _on_step(self):
        self.returns += [info["episode"]["r"] for info in self.locals["infos"] if "episode" in info]
        return len(self.returns) < self.n


def walk_the_corridor(name, seed, n, **kwargs):
    """The book's experiment: softmax in two preferences, SGD after every episode, p(right) = 0.05 at first. Returns of n episodes, p at last.

    Our preferences are a weight plus a bias of the same constant feature, so they move twice as far as the book's: α here is half its α.
    """
    policy_kwargs = {"net_arch": [], "optimizer_class": torch.optim.SGD}
    model = make(name, "from_scratch/ShortCorridor-v0", seeds=[seed], gamma=1.0, episodes_per_update=1, policy_kwargs=policy_kwargs, **kwargs)
    with torch.no_grad():
        model.policy.actor.layers[0].weight.zero_()
        model.policy.actor.layers[0].bias[1] = np.log(0.05 / 0.95)
    noted = Corridor(n)
    model.learn(10_000_000, callback=noted, log_interval=None)
    p = model.policy.actor(torch.zeros(1, dtype=torch.long)).softmax(-1)[0, 1].item()
    return noted.returns, p


WITH_BASELINE = {"learning_rate": 2**-10, "baseline_learning_rate": 0.1, "baseline_steps": 1}


def test_the_short_corridor_is_what_the_book_says():
    assert round(BEST_VALUE, 3) == -11.657 and round(BEST_P_RIGHT, 4) == 0.5858
    assert start_value(0.05) == pytest.approx(-82.1, abs=0.05) and start_value(0.95) == pytest.approx(-44.2, abs=0.05)  # Example 13.1's ε-greedy
    assert max(start_value(p) for p in np.linspace(0.01, 0.99, 981)) == pytest.approx(BEST_VALUE, abs=1e-3)


def test_the_environment_pays_what_the_formula_says():
    env = gym.make("from_scratch/ShortCorridor-v0")
    rng, returns = np.random.default_rng(0), []
    for _ in range(1000):
        env.reset()
        total, done = 0.0, False
        while not done:
            _, reward, terminated, truncated, _ = env.step(int(rng.random() < 0.6))
            total, done = total + reward, terminated or truncated
        returns.append(total)
    assert np.mean(returns) == pytest.approx(start_value(0.6), abs=4 * np.std(returns) / np.sqrt(1000))


def test_with_a_baseline_the_short_corridor_is_walked_at_its_best_after_150_episodes():
    runs = [walk_the_corridor("REINFORCEBaseline", seed, 300, **WITH_BASELINE) for seed in (0, 1)]
    late = np.mean([returns[150:] for returns, _ in runs])
    assert np.mean([returns[:10] for returns, _ in runs]) < -30
    assert late == pytest.approx(BEST_VALUE, abs=1.5)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_figures_13_1_and_13_2_of_the_book():
    """α^θ = 2^−13 without baseline (−12.3 after 900 episodes over 100 runs), 2^−9 with one (−12.0 from episode 200)."""
    plain, better = ([walk_the_corridor(name, seed, 1000, **kwargs) for seed in range(10)] for name, kwargs in
                     (("REINFORCE", {"learning_rate": 2**-14}), ("REINFORCEBaseline", WITH_BASELINE)))  # fmt: skip
    curve = np.mean([returns for returns, _ in plain], axis=0)
    assert curve[:10].mean() < -60
    assert curve[90:110].mean() == pytest.approx(-32, abs=8)
    assert curve[900:].mean() == pytest.approx(-12.3, abs=0.8)
    assert [0.3 < p < 0.8 for _, p in plain] == [True] * 10
    faster = np.mean([returns for returns, _ in better], axis=0)
    assert faster[200:].mean() == pytest.approx(-12.0, abs=0.6)
    assert faster[90:200].mean() > curve[90:200].mean() + 5


def test_a_baseline_takes_most_of_the_gradients_variance():
    """On the short corridor at p = ½, where returns are −12 and worse: of 200 gradients each, from the same policy."""
    spread = {}
    for name in NAMES:
        model = make(name, "from_scratch/ShortCorridor-v0", seeds=[0], gamma=1.0, episodes_per_update=1, learning_rate=0.0, policy_kwargs={"net_arch": []})
        seen = []
        improve = model.improve_policy

        def noting(*args, improve=improve, model=model, seen=seen):
            improve(*args)
            seen.append(model.pi.rows.grad[0].clone())

        model.improve_policy = noting
        model.learn(10_000_000, callback=Corridor(300), log_interval=None)
        gradients = torch.stack(seen[99:])  # after 99 episodes the baseline knows the returns
        spread[name] = gradients.var(0).sum().item()
    assert spread["REINFORCEBaseline"] < 0.5 * spread["REINFORCE"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "budget", "enough"), [("REINFORCE", 150_000, 250), ("REINFORCEBaseline", 100_000, 450)])
def test_cartpole_is_learnt_on_five_seeds(name, budget, enough):
    scores = []
    for seed in range(5):
        model = make(name, seeds=[seed]).learn(budget)
        scores.append(evaluate_policy(model, make_vec_env("CartPole-v1", seed=100), n_eval_episodes=10)[0])
    assert min(scores) > 150 and np.mean(scores) > enough, scores


# ------------------------------------------------------------------------------------------------------------- seeds and files
@pytest.mark.parametrize("name", NAMES)
def test_parameters_can_be_read_and_set_optimizers_included(name):
    model, other = make(name, seed=0).learn(500), make(name, seed=1)
    parameters = model.get_parameters()
    expected = {"policy", "policy.optimizer"} | ({"policy.baseline_optimizer"} if name == "REINFORCEBaseline" else set())
    assert set(parameters) == expected
    other.set_parameters(parameters)
    assert torch.equal(weights(model), weights(other))
    before = weights(other).clone()
    other.learn(500)
    assert not torch.equal(weights(other), before)
    assert all(optimiser.rows.is_bound() and optimiser.is_bound() for optimiser in other.optimisers())


# -------------------------------------------------------------------------------------------------------------- SB3's surface
@pytest.mark.parametrize("name", NAMES)
def test_sb3s_callbacks_logger_and_evaluation_work(name, tmp_path):
    model = make(name, seed=0)
    assert isinstance(model, BaseAlgorithm)
    model.set_logger(configure(str(tmp_path), ["csv"]))
    evaluation = EvalCallback(make_vec_env("CartPole-v1"), eval_freq=100, n_eval_episodes=2, best_model_save_path=tmp_path, log_path=tmp_path, verbose=0)
    model.learn(600, callback=[evaluation, CheckpointCallback(100, tmp_path)])
    model.logger.close()
    header = set((tmp_path / "progress.csv").read_text().splitlines()[0].split(","))
    expected = {"train/policy_gradient_loss", "train/entropy_loss", "train/loss", "train/learning_rate", "train/n_updates", "rollout/ep_rew_mean",
                "rollout/ep_len_mean", "time/iterations", "time/fps", "time/time_elapsed", "time/total_timesteps"}  # fmt: skip
    if name == "REINFORCEBaseline":
        expected |= {"train/value_loss", "train/explained_variance"}
    assert expected <= header
    assert (tmp_path / "best_model.zip").exists()
    checkpoint = type(model).load(tmp_path / "rl_model_200_steps", env=make_vec_env("CartPole-v1"))
    checkpoint.learn(100)
    assert 1 <= evaluate_policy(model, make_vec_env("CartPole-v1"), n_eval_episodes=2)[0] <= 500


@pytest.mark.parametrize("name", NAMES)
def test_vecnormalize_goes_along_and_statistics_are_updated(name, tmp_path):
    env = VecNormalize(make_vec_env("Pendulum-v1", 2), gamma=0.9)
    model = make(name, env, seed=0, gamma=0.9, episodes_per_update=2).learn(1000)
    assert model._n_updates > 0 and env.obs_rms.count > 900
    model.save(tmp_path / "model")
    loaded = type(model).load(tmp_path / "model", env=env)
    obs = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])


@pytest.mark.parametrize("name", NAMES)
def test_learning_rates_may_be_schedules(name):
    extra = {"baseline_learning_rate": lambda left: 0.5 * left} if name == "REINFORCEBaseline" else {}
    model = make(name, seed=0, learning_rate=lambda left: 0.1 * left, episodes_per_update=1, **extra).learn(400)
    assert 0 <= model.policy.optimizer.param_groups[0]["lr"] < 0.03
    if extra:
        assert model.policy.baseline_optimizer.param_groups[0]["lr"] == pytest.approx(5 * model.policy.optimizer.param_groups[0]["lr"])


@pytest.mark.parametrize(
    ("kwargs", "error", "words"),
    [
        ({"episodes_per_update": 0}, ValueError, "episodes_per_update=0: an update needs at least one episode"),
        ({"normalize_returns": True, "episodes_per_update": 1}, ValueError, "would normalise within one episode"),
        ({"n_steps": 5}, TypeError, "unexpected keyword argument 'n_steps'"),
    ],
)
def test_bad_input_gets_one_clear_line(kwargs, error, words):
    with pytest.raises(error, match=words):
        make("REINFORCE", **kwargs)


# ------------------------------------------------------------------------------------------------------------------- policies
@pytest.mark.parametrize("policy_class", [ActorPolicy, ActorBaselinePolicy])
@pytest.mark.parametrize("kind", ACTIONS)
def test_a_policy_predicts_and_survives_pickling_and_its_own_file(policy_class, kind, tmp_path):
    space = ACTIONS[kind][0]
    policy = policy_class(spaces.Box(-1, 1, (2,)), space, lambda _: 1e-3, net_arch=[8], activation_fn=nn.ReLU, optimizer_kwargs={"eps": 1e-5})
    policy.save(tmp_path / "policy")
    obs = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    for other in (pickle.loads(pickle.dumps(policy)), policy_class.load(tmp_path / "policy")):
        np.testing.assert_array_equal(policy.predict(obs, deterministic=True)[0], other.predict(obs, deterministic=True)[0])
        assert other.optimizer.defaults["eps"] == 1e-5
    assert policy.predict(obs[0])[0].shape == space.shape


def test_a_policys_samples_follow_its_probabilities():
    policy = ActorPolicy(spaces.Discrete(1), spaces.Discrete(2), lambda _: 1e-3, net_arch=[])
    with torch.no_grad():
        policy.actor.layers[0].weight.zero_()
        policy.actor.layers[0].bias.copy_(torch.tensor([0.0, np.log(4)]))
    torch.manual_seed(0)
    assert policy.predict(np.zeros(5000, int))[0].mean() == pytest.approx(0.8, abs=0.03)
    assert (policy.predict(np.zeros(50, int), deterministic=True)[0] == 1).all()


class OwnTanh(nn.Tanh):
    """An activation that the stack does not know."""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1"])
def test_the_path_through_the_modules_trains_like_the_stacked_one(name, env):
    kwargs = {"seeds": [0], "n_envs": 2, "episodes_per_update": 2}
    stacked, modular = (make(name, env, policy_kwargs={"activation_fn": kind}, **kwargs) for kind in (nn.Tanh, OwnTanh))
    assert stacked.pi.is_stacked and not modular.pi.is_stacked
    steps = 900 if env == "Pendulum-v1" else 300
    torch.testing.assert_close(weights(stacked.learn(steps)), weights(modular.learn(steps)), atol=2e-5, rtol=0)
    assert stacked._n_updates > 0
