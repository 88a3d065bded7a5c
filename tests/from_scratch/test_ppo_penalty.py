"""PPO with an adaptive KL penalty: the divergence, the loss and β by hand, and what follows from the penalty in training."""

import math

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from from_scratch import PPO, PPOPenalty
from from_scratch.core.distributions import Bernoulli, Categorical, Gaussian
from from_scratch.policy_gradient.ppo_penalty import Penalised

pytestmark = pytest.mark.numerical
SMALL = {"n_steps": 32, "batch_size": 16, "n_epochs": 2, "device": "cpu"}


def weights(model):
    return torch.cat([value.flatten().double() for value in model.policy.state_dict().values()])


# ------------------------------------------------------------------------------------------------------------------- by hand
def test_the_divergence_of_a_fair_coin_from_one_that_falls_heads_once_in_four():
    fair, bent = Categorical(torch.zeros(1, 1, 2)), Categorical(torch.tensor([[[1 / 4, 3 / 4]]]).log())
    assert fair.kl(bent).item() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert bent.kl(fair).item() == pytest.approx(0.25 * math.log(1 / 2) + 0.75 * math.log(3 / 2))
    as_coin = Bernoulli(torch.zeros(1, 1, 1)).kl(Bernoulli(torch.tensor([[[math.log(1 / 3)]]])))
    assert as_coin.item() == pytest.approx(fair.kl(bent).item())


def test_the_divergence_of_two_normal_distributions():
    """ln σ'/σ + (σ² + (μ − μ')²) / 2σ'² − ½, summed over the components of an action."""
    one = Gaussian(torch.tensor([[[0.0, 3.0]]]), torch.zeros(1, 1, 2))
    two = Gaussian(torch.tensor([[[1.0, 3.0]]]), torch.full((1, 1, 2), math.log(2)))
    each = [math.log(2) + (1 + 1) / 8 - 0.5, math.log(2) + 1 / 8 - 0.5]
    assert one.kl(two).item() == pytest.approx(sum(each))


def batch(old, beta):
    """Two samples at observations of zeros, where a fresh policy has V = 0 and even odds; the one that played had the probabilities `old`."""
    numbers = torch.tensor(old).log().expand(1, 2, 2)
    return Penalised(
        obs=torch.zeros(1, 2, 4), action=torch.tensor([[0, 1]]), log_prob=torch.tensor([[math.log(old[0]), math.log(old[1])]]), v=torch.zeros(1, 2),
        advantage=torch.tensor([[1.0, 2.0]]), ret=torch.zeros(1, 2), pi=numbers.contiguous(), beta=torch.full((1, 2), beta),
    )  # fmt: skip


@pytest.mark.parametrize("beta", [0.0, 3.0])
def test_the_loss_by_hand(beta):
    model = PPOPenalty("MlpPolicy", "CartPole-v1", seeds=[0], normalize_advantage=False, vf_coef=0.0, **SMALL)
    loss, _ = model.loss(batch([0.25, 0.75], beta))
    kl = 0.25 * math.log(1 / 2) + 0.75 * math.log(3 / 2)  # KL(π_old ‖ π), and not the other way round
    assert loss.item() == pytest.approx(-((0.5 / 0.25 * 1 + 0.5 / 0.75 * 2) / 2 - beta * kl), abs=1e-6)


@pytest.mark.parametrize(("d", "beta"), [(0.0066, 1.0), (0.0067, 2.0), (0.01, 2.0), (0.0149, 2.0), (0.0151, 4.0)])
def test_beta_is_halved_below_two_thirds_of_the_target_and_doubled_above_three_halves(d, beta):
    model = PPOPenalty("MlpPolicy", "CartPole-v1", seeds=[0], target_kl=0.01, kl_coef=2.0, **SMALL)
    model.adapt(np.array([d]))
    assert model.beta.tolist() == [beta]


def test_each_seed_has_its_own_beta():
    model = PPOPenalty("MlpPolicy", "CartPole-v1", seeds=range(3), target_kl=0.01, **SMALL)
    model.adapt(np.array([0.001, 0.01, 0.1]))
    assert model.beta.tolist() == [0.5, 1, 2]
    assert [member.beta.tolist() for member in model] == [[0.5], [1], [2]]


# ------------------------------------------------------------------------------------------------------------------- in training
class Divergences(BaseCallback):
    """What was logged of the divergence and of β after each update."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def _on_rollout_start(self):
        self._on_step()
        if "train/kl" in self.logger.name_to_value:
            self.noted.append((self.logger.name_to_value["train/kl"], self.logger.name_to_value["train/kl_coef"]))

    def _on_step(self):
        return True


def test_the_divergence_logged_is_that_of_the_old_policy_from_the_new_one_over_the_rollout():
    model = PPOPenalty("MlpPolicy", "CartPole-v1", seed=1, **SMALL)
    before = PPOPenalty("MlpPolicy", "CartPole-v1", seed=1, **SMALL).policy
    model.learn(32, log_interval=None)
    obs = torch.as_tensor(model.rollout_buffer.observations.reshape(-1, 4))
    kl = torch.distributions.kl_divergence(before.get_distribution(obs).distribution, model.policy.get_distribution(obs).distribution).mean().item()
    assert kl > 1e-6
    assert model.logger.name_to_value["train/kl"] == pytest.approx(kl, rel=1e-3)


def test_a_large_penalty_holds_the_policy_back():
    free, held = (PPOPenalty("MlpPolicy", "CartPole-v1", seed=1, kl_coef=β, target_kl=None, **SMALL).learn(96, log_interval=None) for β in (0.0, 1000.0))
    assert held.logger.name_to_value["train/kl"] < 0.2 * free.logger.name_to_value["train/kl"]


def test_without_a_target_beta_stays_what_it_was():
    model = PPOPenalty("MlpPolicy", "CartPole-v1", seeds=range(2), target_kl=None, kl_coef=3.0, **SMALL).learn(96)
    assert model.beta.tolist() == [3, 3]


def test_without_penalty_it_is_ppo_that_never_clips():
    penalty = PPOPenalty("MlpPolicy", "CartPole-v1", seed=1, kl_coef=0.0, target_kl=None, **SMALL).learn(96)
    ppo = PPO("MlpPolicy", "CartPole-v1", seed=1, clip_range=1e9, **SMALL).learn(96)
    torch.testing.assert_close(weights(penalty), weights(ppo), atol=1e-6, rtol=0)


def test_target_kl_stops_no_update_early():
    model = PPOPenalty("MlpPolicy", "CartPole-v1", seed=1, target_kl=1e-9, **SMALL).learn(64)
    assert model._n_updates == 4  # two rollouts, two epochs each


def test_a_clip_range_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'clip_range'"):
        PPOPenalty("MlpPolicy", "CartPole-v1", clip_range=0.2)


def test_training_goes_on_from_a_file_with_the_beta_it_had(tmp_path):
    once = PPOPenalty("MlpPolicy", "CartPole-v1", seeds=[1], **SMALL).learn(128)
    half = PPOPenalty("MlpPolicy", "CartPole-v1", seeds=[1], **SMALL).learn(64)
    half.save(tmp_path / "half")
    loaded = PPOPenalty.load(tmp_path / "half")
    assert loaded.beta.tolist() == half.beta.tolist() != [1.0]
    assert once.beta.tolist() != half.beta.tolist()


class Doubled(BaseFeaturesExtractor):
    """A user's own, which takes the policy off the fast path."""

    def __init__(self, space):
        super().__init__(space, int(np.prod(space.shape)))

    def forward(self, obs):
        return obs.flatten(1) * 1.0


class Own(ActorCriticPolicy):
    """A user's policy with ways of its own."""

    def forward(self, obs, deterministic=False):
        return super().forward(obs, deterministic)


class Match(gym.Env):
    """One step; the reward says how near the action is to the target."""

    observation_space = spaces.Box(-1, 1, (2,))

    def __init__(self, action_space):
        self.action_space = action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action):
        return np.ones(2, np.float32), float(-np.abs(np.asarray(action, float) - 1).sum()), True, False, {}


SPACES = {
    "Discrete": spaces.Discrete(3), "MultiDiscrete": spaces.MultiDiscrete([2, 3]), "MultiBinary": spaces.MultiBinary(2), "Box": spaces.Box(-2, 2, (2,)),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPACES)
def test_networks_asked_one_by_one_and_a_users_own_policy_learn_the_same(kind):
    learnt = []
    for policy, more in (("MlpPolicy", {}), ("MlpPolicy", {"features_extractor_class": Doubled}), (Own, {})):
        model = PPOPenalty(policy, lambda: Match(SPACES[kind]), seeds=[2], policy_kwargs=more, **SMALL)
        learnt.append(weights(model.learn(64)))
    assert (learnt[0] - weights(PPOPenalty("MlpPolicy", lambda: Match(SPACES[kind]), seeds=[2], **SMALL))).abs().max() > 1e-3
    torch.testing.assert_close(learnt[1], learnt[0], atol=2e-5, rtol=0)
    torch.testing.assert_close(learnt[2], learnt[0], atol=2e-5, rtol=0)


def test_a_policy_with_state_dependent_exploration_is_penalised_too():
    model = PPOPenalty("MlpPolicy", "Pendulum-v1", seed=0, use_sde=True, **SMALL).learn(64)
    assert 0 < model.logger.name_to_value["train/kl"] < 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_cartpole_is_learnt_and_the_divergence_comes_to_its_target():
    noted = Divergences()
    model = PPOPenalty("MlpPolicy", "CartPole-v1", seed=0, n_envs=8, n_steps=128, batch_size=256, target_kl=0.01, device="cpu")
    model.learn(100_000, callback=noted)
    late = [d for d, _ in noted.noted[10:]]
    assert evaluate_policy(model, gym.make("CartPole-v1"), 10)[0] > 400
    assert 0.01 / 2 < np.median(late) < 0.01 * 2
