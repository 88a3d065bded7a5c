"""Users' own policies, features extractors, buffers and optimizers train as they do in Stable-Baselines3."""

from functools import partial

import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import DictRolloutBuffer, ReplayBuffer, RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.policies import ActorCriticPolicy, ContinuousCritic
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from stable_baselines3.sac.policies import Actor as SACActor
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import Actor as TD3Actor
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

import from_scratch as ours
from benchmarks.parity.envs import AnySpaces
from from_scratch.core.lockstep.selfcheck import follows_torch

pytestmark = pytest.mark.numerical

VECTOR, UNIT = spaces.Box(-np.inf, np.inf, (4,), np.float32), spaces.Box(-1, 1, (2,), np.float32)
OFF = {"learning_starts": 20, "buffer_size": 200, "batch_size": 16}


def distance(a, b):
    a, b = (getattr(model.policy, "_orig_mod", model.policy).state_dict() for model in (a, b))
    return max((a[name].double() - b[name].double()).abs().max().item() for name in b)


def rounding():
    """How far the same run may be: not a bit, where this machine's torch computes as we do."""
    return 0.0 if follows_torch() else 1e-6


def both(name, policy, action, steps=96, n_envs=2, observation=VECTOR, **more):
    """The same run in both libraries."""
    kwargs = {"PPO": {"batch_size": 16}, "A2C": {}}.get(name, OFF)
    trained = []
    for library in (ours, sb3):
        env = make_vec_env(partial(AnySpaces, observation, action), n_envs)
        trained.append(getattr(library, name)(policy, env, seed=1, device="cpu", **{**kwargs, **more}).learn(steps))
    assert distance(trained[1], getattr(sb3, name)(policy, env, seed=1, device="cpu", **{**kwargs, **more})) > 1e-5  # it did learn
    return trained


# --------------------------------------------------------------------------------------------------------------------- policies
class Tower(nn.Module):
    """The body of the documentation's example of a custom policy: what a policy needs of an mlp_extractor."""

    latent_dim_pi = latent_dim_vf = 16

    def __init__(self, features_dim):
        super().__init__()
        self.pi = nn.Sequential(nn.Linear(features_dim, 16), nn.ReLU())
        self.vf = nn.Sequential(nn.Linear(features_dim, 16), nn.Tanh())

    def forward(self, features):
        return self.pi(features), self.vf(features)

    def forward_actor(self, features):
        return self.pi(features)

    def forward_critic(self, features):
        return self.vf(features)


class OwnBody(ActorCriticPolicy):
    def _build_mlp_extractor(self):
        self.mlp_extractor = Tower(self.features_dim)


class Optimist(ActorCriticPolicy):
    """Its values are one more than its critic's, wherever a value is asked for."""

    calls = {"forward": 0, "evaluate_actions": 0, "predict_values": 0}

    def forward(self, obs, deterministic=False):
        self.calls["forward"] += 1
        actions, values, log_prob = super().forward(obs, deterministic)
        return actions, values + 1, log_prob

    def evaluate_actions(self, obs, actions):
        self.calls["evaluate_actions"] += 1
        values, log_prob, entropy = super().evaluate_actions(obs, actions)
        return values + 1, log_prob, entropy

    def predict_values(self, obs):
        self.calls["predict_values"] += 1
        return super().predict_values(obs) + 1


class NoEntropy(ActorCriticPolicy):
    """A policy whose entropy has no closed form."""

    def evaluate_actions(self, obs, actions):
        values, log_prob, _ = super().evaluate_actions(obs, actions)
        return values, log_prob, None


@pytest.mark.parametrize("name", ["PPO", "A2C"])
@pytest.mark.parametrize("policy", [OwnBody, Optimist, NoEntropy])
@pytest.mark.parametrize("action", [spaces.Discrete(3), UNIT], ids=["discrete", "box"])
def test_an_actor_critic_policy_of_a_users_own_trains_as_in_sb3(name, policy, action):
    mine, theirs = both(name, policy, action, n_steps=16, ent_coef=0.01)
    assert distance(mine, theirs) < 1e-6


def test_an_overridden_forward_gives_the_values_of_the_rollout():
    seen = []

    class Look(BaseCallback):
        def _on_step(self):
            seen.append(self.locals["values"].clone())
            return True

        def _on_rollout_end(self):
            np.testing.assert_array_equal(self.model.rollout_buffer.values.ravel(), torch.cat(seen).ravel().numpy())

    Optimist.calls.update(dict.fromkeys(Optimist.calls, 0))
    ours.PPO(Optimist, "CartPole-v1", n_steps=32, batch_size=16, n_epochs=2, seed=0).learn(32, callback=Look())
    assert Optimist.calls["forward"] == 32 and Optimist.calls["evaluate_actions"] == 4 and Optimist.calls["predict_values"] >= 1


class RepeatingQ(DQNPolicy):
    """Acts by an own rule: the second best action."""

    def _predict(self, obs, deterministic=True):
        return self.q_net(obs).argsort(1)[:, -2]


class OwnQNetwork(QNetwork):
    def forward(self, obs):
        return 2 * super().forward(obs)


class OwnQPolicy(DQNPolicy):
    def make_q_net(self):
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return OwnQNetwork(**arguments).to(self.device)


class HalvingActor(TD3Actor):
    def forward(self, obs):
        return 0.5 * super().forward(obs)


class OwnTD3(TD3Policy):
    def make_actor(self, features_extractor=None):
        return HalvingActor(**self._update_features_extractor(self.actor_kwargs, features_extractor)).to(self.device)


class OwnCritic(ContinuousCritic):
    def forward(self, obs, actions):
        return tuple(q - 1 for q in super().forward(obs, actions))


class OwnCriticSAC(SACPolicy):
    def make_critic(self, features_extractor=None):
        return OwnCritic(**self._update_features_extractor(self.critic_kwargs, features_extractor)).to(self.device)


class ShiftedActor(SACActor):
    def action_log_prob(self, obs):
        action, log_prob = super().action_log_prob(obs)
        return action, log_prob + 1


class OwnActorSAC(SACPolicy):
    def make_actor(self, features_extractor=None):
        return ShiftedActor(**self._update_features_extractor(self.actor_kwargs, features_extractor)).to(self.device)


class CautiousSAC(SACPolicy):
    """Acts half as strongly as its actor says."""

    def _predict(self, observation, deterministic=False):
        return 0.5 * super()._predict(observation, deterministic)


@pytest.mark.parametrize(
    ("name", "policy", "action"),
    [
        ("DQN", RepeatingQ, spaces.Discrete(3)), ("DQN", OwnQPolicy, spaces.Discrete(3)), ("TD3", OwnTD3, UNIT), ("DDPG", OwnTD3, UNIT),
        ("SAC", OwnCriticSAC, UNIT), ("SAC", OwnActorSAC, UNIT), ("SAC", CautiousSAC, UNIT),
    ],
)  # fmt: skip
def test_an_off_policy_policy_of_a_users_own_trains_as_in_sb3(name, policy, action):
    more = {"exploration_fraction": 0.3, "train_freq": 2} if name == "DQN" else {}
    mine, theirs = both(name, policy, action, policy_kwargs={"net_arch": [16]}, **more)
    assert distance(mine, theirs) <= rounding()


@pytest.mark.parametrize(("name", "policy", "action"), [("SAC", OwnActorSAC, UNIT), ("DQN", RepeatingQ, spaces.Discrete(3)), ("PPO", Optimist, UNIT)])
def test_users_policies_train_in_a_stack_as_alone(name, policy, action):
    kwargs = {"n_steps": 16, "batch_size": 16} if name == "PPO" else {**OFF, "policy_kwargs": {"net_arch": [16]}}

    def train(seeds):
        return getattr(ours, name)(policy, partial(AnySpaces, VECTOR, action), seeds=seeds, n_envs=2, **kwargs).learn(64)

    stack = train([1, 2])
    assert distance(stack.member(1), train([2])) == 0.0
    assert distance(stack.member(0), stack.member(1)) > 1e-3


# ---------------------------------------------------------------------------------------------------------------------- buffers
class OwnRollouts(RolloutBuffer):
    """Advantages are halved, and minibatches come in order: everything through its own methods."""

    def compute_returns_and_advantage(self, last_values, dones):
        super().compute_returns_and_advantage(last_values, dones)
        self.advantages /= 2

    def add(self, obs, action, reward, episode_start, value, log_prob):
        super().add(obs, action, reward + 1, episode_start, value, log_prob)

    def get(self, batch_size=None):
        np.random.rand()  # draws of its own
        yield from super().get(batch_size)


class OwnDictRollouts(DictRolloutBuffer):
    def compute_returns_and_advantage(self, last_values, dones):
        super().compute_returns_and_advantage(last_values, dones)
        self.advantages /= 2


@pytest.mark.parametrize("name", ["PPO", "A2C"])
@pytest.mark.parametrize("action", [spaces.Discrete(3), UNIT, spaces.MultiDiscrete([2, 3])], ids=["discrete", "box", "multi-discrete"])
def test_a_rollout_buffer_of_a_users_own_is_filled_and_read_by_its_methods(name, action):
    mine, theirs = both(name, "MlpPolicy", action, n_steps=16, rollout_buffer_class=OwnRollouts)
    assert distance(mine, theirs) < 1e-6
    plain, _ = both(name, "MlpPolicy", action, n_steps=16)
    assert distance(mine, plain) > 1e-3


def test_a_dict_rollout_buffer_of_a_users_own():
    space = spaces.Dict({"a": VECTOR, "b": spaces.Discrete(3)})
    mine, theirs = both("PPO", "MultiInputPolicy", spaces.Discrete(2), observation=space, n_steps=16, rollout_buffer_class=OwnDictRollouts)
    assert distance(mine, theirs) < 1e-6


def test_a_users_rollout_buffer_keeps_one_seed():
    with pytest.raises(ValueError, match="OwnRollouts keeps one seed's rollout"):
        ours.PPO("MlpPolicy", "CartPole-v1", seeds=[1, 2], rollout_buffer_class=OwnRollouts)
    mine, process = (ours.A2C("MlpPolicy", "CartPole-v1", **seeding, rollout_buffer_class=OwnRollouts).learn(64) for seeding in ({"seeds": [1]}, {"seed": 1}))
    assert distance(mine, process) == 0.0


class LatestReplay(ReplayBuffer):
    """Draws from the last 30 transitions alone, and doubles rewards."""

    def add(self, obs, next_obs, action, reward, done, infos):
        super().add(obs, next_obs, action, 2 * reward, done, infos)

    def sample(self, batch_size, env=None):
        newest = self.size()
        return self._get_samples(np.random.randint(max(0, newest - 30), newest, batch_size), env)


@pytest.mark.parametrize(("name", "action"), [("DQN", spaces.Discrete(3)), ("TD3", UNIT), ("DDPG", UNIT), ("SAC", UNIT)])
def test_a_replay_buffer_of_a_users_own_is_filled_and_drawn_from_by_its_methods(name, action):
    mine, theirs = both(name, "MlpPolicy", action, replay_buffer_class=LatestReplay, policy_kwargs={"net_arch": [16]})
    assert distance(mine, theirs) <= rounding()


# ------------------------------------------------------------------------------------------------------------------- th.compile
@pytest.mark.parametrize("name", ["PPO", "DQN", "SAC"])
def test_a_compiled_policy_trains_and_survives_saving(name, tmp_path):
    kwargs = {"n_steps": 16, "batch_size": 16, "n_epochs": 1} if name == "PPO" else OFF
    model = getattr(ours, name)("MlpPolicy", "Pendulum-v1" if name == "SAC" else "CartPole-v1", seed=0, device="cpu", **kwargs)
    model.policy = torch.compile(model.policy, backend="eager")
    model.learn(48)
    model.save(tmp_path / "model")
    obs = model.get_env().reset()
    action, _ = model.predict(obs, deterministic=True)
    for library in (ours, sb3):
        np.testing.assert_array_equal(getattr(library, name).load(tmp_path / "model").predict(obs, deterministic=True)[0], action)


def test_an_actor_whose_extractor_counts_what_it_sees_sees_it_as_often_as_in_sb3():
    class Counting(FlattenExtractor):
        def __init__(self, space):
            super().__init__(space)
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, obs):
            self.seen += self.training
            return super().forward(obs)

    small = {"learning_starts": 20, "batch_size": 8, "policy_kwargs": {"features_extractor_class": Counting}}
    mine, theirs = (library.SAC("MlpPolicy", "Pendulum-v1", seed=0, device="cpu", **small).learn(40) for library in (ours, sb3))
    counts = [model.actor.features_extractor.seen.item() for model in (mine, theirs)]
    assert counts[0] == counts[1] > 0
