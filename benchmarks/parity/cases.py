"""The cases in which ours and its twin are compared: every feature that Stable-Baselines3 documents for its six classes, and SB3-Contrib for its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.wrappers import ActionMasker
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise, VectorizedActionNoise
from stable_baselines3.common.preprocessing import get_flattened_obs_dim
from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize
from torch import nn

from benchmarks.parity.compare import Case
from benchmarks.parity.envs import AnySpaces, MaskedSpaces
from from_scratch.envs.wrappers.goals import PointGoal

Env = Callable[[], Any]
VECTOR = spaces.Box(-np.inf, np.inf, (4,), np.float32)
IMAGE = spaces.Box(0, 255, (1, 36, 36), np.uint8)
DICT = spaces.Dict({"vector": VECTOR, "picture": IMAGE, "room": spaces.Discrete(3)})
MATRIX, DOUBLE = spaces.Box(-1, 1, (2, 2), np.float32), spaces.Box(-1, 1, (2,), np.float64)
UNIT, WIDE = spaces.Box(-1, 1, (2,), np.float32), spaces.Box(np.array([-2, 0, 10], np.float32), np.array([2, 1, 20], np.float32))
TWO = spaces.Discrete(2)
OBSERVATIONS = {  # beside vectors
    "discrete": spaces.Discrete(5),
    "multi-discrete": spaces.MultiDiscrete([3, 4]),
    "multi-binary": spaces.MultiBinary(4),
    "matrix": spaces.Box(-1, 1, (2, 3), np.float32),
    "double-precision": spaces.Box(-1, 1, (5,), np.float64),
    "bytes": spaces.Box(0, 255, (6,), np.uint8),
}


class Squeeze(BaseFeaturesExtractor):
    """A user's features extractor: one layer and a squashing."""

    def __init__(self, observation_space: spaces.Space, features_dim: int = 8):
        super().__init__(observation_space, features_dim)
        self.layer = nn.Linear(get_flattened_obs_dim(observation_space), features_dim)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.layer(observations.flatten(1)))


def vec(env: Any, n: int = 1, normalize: dict | None = None, stack: int = 0) -> Env:
    """A factory of vector environments."""

    def make() -> Any:
        venv: Any = make_vec_env(env, n)
        venv = VecFrameStack(venv, stack) if stack else venv
        return venv if normalize is None else VecNormalize(venv, **normalize)

    return make


def made_of(observation: spaces.Space, action: spaces.Space, n: int = 1, **more: Any) -> Env:
    return vec(partial(AnySpaces, observation, action), n, **more)


def _images(action: spaces.Space, hyperparameters: dict, steps: int) -> dict[str, Case]:
    """Images and Dicts: the general path through SB3's own modules."""
    last = spaces.Box(0, 255, (36, 36, 3), np.uint8)
    small = {**hyperparameters, "policy_kwargs": {**hyperparameters.get("policy_kwargs", {}), "net_arch": [16]}}
    raw = {**small, "learning_rate": 1e-6, "policy_kwargs": {**small["policy_kwargs"], "normalize_images": False}}  # pixels up to 255: small steps
    return {
        "image": Case(made_of(IMAGE, action), small, "CnnPolicy", steps, heavy=True),
        "image-channels-last": Case(made_of(last, action, 2), small, "CnnPolicy", steps, heavy=True),
        "image-stacked-not-scaled": Case(made_of(IMAGE, action, stack=2), raw, "CnnPolicy", steps, heavy=True),
        "dict": Case(made_of(DICT, action), small, "MultiInputPolicy", steps),
        "dict-3-envs-normalised": Case(
            made_of(DICT, action, 3, normalize={"norm_obs_keys": ["vector"]}), small, "MultiInputPolicy", steps
        ),
    }  # fmt: skip


def _on_policy(base: dict[str, Any]) -> dict[str, Case]:
    def case(env: Env, policy: str = "MlpPolicy", **hyperparameters: Any) -> Case:
        return Case(env, {**base, **hyperparameters}, policy)

    cartpole, pendulum = vec("CartPole-v1"), vec("Pendulum-v1")
    return {
        "discrete": case(cartpole),
        "env-id": case(lambda: "CartPole-v1"),
        "single-env": case(lambda: gym.make("CartPole-v1")),
        "discrete-4-envs": case(vec("CartPole-v1", 4), ent_coef=0.01, vf_coef=0.3, max_grad_norm=0.1),
        "box": case(pendulum, gamma=0.9, gae_lambda=0.8),
        "box-3-envs": case(made_of(VECTOR, WIDE, 3), normalize_advantage=False),
        "advantages-normalised": case(made_of(VECTOR, UNIT, 2), normalize_advantage=True),
        "matrix-actions": case(made_of(VECTOR, MATRIX, 2)),
        "double-precision-actions": case(made_of(VECTOR, DOUBLE, 2)),
        "actions-from-one": case(made_of(VECTOR, spaces.Discrete(3, start=1), 2)),
        "multi-discrete-actions": case(made_of(VECTOR, spaces.MultiDiscrete([3, 2, 4]), 2), ent_coef=0.01),
        "multi-binary-actions": case(made_of(VECTOR, spaces.MultiBinary(3), 2), ent_coef=0.01),
        **{f"{name}-observations": case(made_of(space, TWO, 2)) for name, space in OBSERVATIONS.items()},
        "vec-normalize": case(vec("Pendulum-v1", 2, normalize={"gamma": 0.9})),
        "frame-stack": case(vec("CartPole-v1", 2, stack=3)),
        "learning-rate-schedule": case(cartpole, learning_rate=lambda left: 1e-3 * left),
        "gsde": case(vec("Pendulum-v1", 2), use_sde=True),
        "gsde-resampled": case(pendulum, use_sde=True, sde_sample_freq=4, policy_kwargs={"log_std_init": -1, "full_std": False}),
        "gsde-squashed": case(pendulum, use_sde=True, sde_sample_freq=8, policy_kwargs={"squash_output": True, "use_expln": True}),
        "log-std": case(made_of(VECTOR, UNIT), policy_kwargs={"log_std_init": -2}),
        "relu-two-nets": case(cartpole, policy_kwargs={"net_arch": {"pi": [32], "vf": [16, 16]}, "activation_fn": nn.ReLU}),
        "elu": case(cartpole, policy_kwargs={"net_arch": [16, 16], "activation_fn": nn.ELU}),
        "leaky-relu": case(pendulum, policy_kwargs={"net_arch": [16], "activation_fn": nn.LeakyReLU}),
        "gelu-not-orthogonal": case(cartpole, policy_kwargs={"net_arch": [16], "activation_fn": nn.GELU, "ortho_init": False}),
        "linear": case(cartpole, policy_kwargs={"net_arch": []}),
        "two-extractors": case(cartpole, policy_kwargs={"share_features_extractor": False}),
        "own-extractor": case(cartpole, policy_kwargs={"features_extractor_class": Squeeze, "features_extractor_kwargs": {"features_dim": 6}}),
        "two-own-extractors": case(pendulum, policy_kwargs={"features_extractor_class": Squeeze, "share_features_extractor": False}),
        "adam-options": case(cartpole, policy_kwargs={"optimizer_kwargs": {"betas": (0.8, 0.99), "weight_decay": 0.01, "eps": 1e-6}}),
        "adamw": case(cartpole, policy_kwargs={"optimizer_class": torch.optim.AdamW}),
        "sgd": case(cartpole, policy_kwargs={"optimizer_class": torch.optim.SGD, "optimizer_kwargs": {"momentum": 0.9}}),
        "rmsprop-of-tensorflow": case(cartpole, policy_kwargs={"optimizer_class": RMSpropTFLike, "optimizer_kwargs": {"eps": 1e-5}}),
        **_images(TWO, base, 96),
        "dict-box": case(made_of(DICT, UNIT), "MultiInputPolicy", policy_kwargs={"net_arch": [16], "share_features_extractor": False}),
    }


def ppo() -> dict[str, Case]:
    base = {"n_steps": 64, "batch_size": 32, "n_epochs": 3}
    more: dict[str, tuple[Env, dict[str, Any]]] = {
        "defaults": (vec("CartPole-v1"), {"n_steps": 256, "batch_size": 64, "n_epochs": 10}),
        "value-clipping": (vec("Pendulum-v1"), {"clip_range_vf": 0.2}),
        "clip-schedules": (vec("CartPole-v1", 2), {"clip_range": lambda left: 0.1 + 0.2 * left, "clip_range_vf": lambda left: 0.2 + 0.5 * left}),
        "target-kl": (vec("CartPole-v1", 2), {"target_kl": 0.001, "learning_rate": 1e-2}),
        "last-minibatch-smaller": (vec("CartPole-v1", 3), {"n_steps": 50, "batch_size": 64}),
        "last-minibatch-of-one": (vec("CartPole-v1"), {"n_steps": 65, "batch_size": 32}),
    }
    return {**_on_policy(base), **{name: Case(env, {**base, **hyperparameters}) for name, (env, hyperparameters) in more.items()}}


def a2c() -> dict[str, Case]:
    more: dict[str, tuple[Env, dict[str, Any]]] = {
        "defaults": (vec("CartPole-v1"), {}),
        "adam": (vec("CartPole-v1"), {"use_rms_prop": False}),
        "rms-prop-eps": (vec("CartPole-v1", 4), {"rms_prop_eps": 1e-3, "n_steps": 8}),
    }
    return {**_on_policy({"n_steps": 16}), **{name: Case(env, hyperparameters) for name, (env, hyperparameters) in more.items()}}


def recurrent_ppo() -> dict[str, Case]:
    base: dict[str, Any] = {"n_steps": 64, "batch_size": 32, "n_epochs": 3}

    def with_lstm(case: Case) -> Case:
        kwargs = {"lstm_hidden_size": 8, **case.hyperparameters.get("policy_kwargs", {})}
        return replace(case, policy=case.policy.replace("Policy", "LstmPolicy"), hyperparameters={**case.hyperparameters, "policy_kwargs": kwargs})

    toy, hidden = made_of(VECTOR, UNIT, 2), vec("from_scratch/CartPoleNoVel-v1", 3)
    alone: dict[str, Any] = {"enable_critic_lstm": False}
    shared = {**alone, "shared_lstm": True}
    more: dict[str, tuple[Env, dict[str, Any]]] = {
        "without-velocities": (hidden, {"policy_kwargs": {"activation_fn": nn.ReLU, "ortho_init": False, "net_arch": {"pi": [16], "vf": [16]}}}),
        "lstm-of-both": (hidden, {"policy_kwargs": shared}),
        "lstm-of-the-policy-alone": (hidden, {"policy_kwargs": alone}),
        "two-layers": (hidden, {"policy_kwargs": {"n_lstm_layers": 2}}),
        "two-layers-of-both-box": (toy, {"policy_kwargs": {**shared, "n_lstm_layers": 2}}),
        "dropout": (toy, {"policy_kwargs": {"n_lstm_layers": 2, "lstm_kwargs": {"dropout": 0.3}}}),
        "without-biases": (toy, {"policy_kwargs": {"lstm_kwargs": {"bias": False}}}),
        "time-limits": (vec(partial(gym.make, "Pendulum-v1", max_episode_steps=20), 2), {}),
        "time-limits-lstm-of-the-policy-alone": (vec(partial(gym.make, "Pendulum-v1", max_episode_steps=20), 2), {"policy_kwargs": alone}),
        "long-episodes": (vec("Pendulum-v1", 2), {"n_steps": 48}),
        "whole-rollouts": (hidden, {"batch_size": None}),
        "value-clipping": (toy, {"clip_range_vf": 0.2}),
        "target-kl": (hidden, {"target_kl": 0.001, "learning_rate": 1e-2}),
        "last-minibatch-smaller": (hidden, {"n_steps": 50, "batch_size": 64}),
        # Where products are not torch's, a unit whose input is 0 but for rounding comes to another side of it at 3e-4.
        "dict-lstm-of-both": (made_of(DICT, TWO, 2), {"policy_kwargs": {**shared, "net_arch": [16]}, "learning_rate": 1e-4}),
    }
    # SB3-Contrib cannot do these: torch's LSTM wants Python's int for its input, and the loss of a Bernoulli no whole numbers.
    without = ("multi-discrete-observations", "multi-binary-actions")
    shared_cases = {name: case for name, case in _on_policy(base).items() if name not in without}
    # V's gradients of returns of −100 are so much larger than those of π that what is left of these when all are clipped is rounding: γ = ½ keeps them small.
    shared_cases["box"] = replace(shared_cases["box"], hyperparameters={**shared_cases["box"].hyperparameters, "gamma": 0.5})
    own = {name: Case(env, {**base, **hyperparameters}, "MultiInputPolicy" if "dict" in name else "MlpPolicy") for name, (env, hyperparameters) in more.items()}
    defaults = {"defaults": Case(vec("CartPole-v1"), {}, "MlpLstmPolicy", 384)}
    return {**{name: with_lstm(case) for name, case in {**shared_cases, **own}.items()}, **defaults}


def maskable_ppo() -> dict[str, Case]:
    base = {"n_steps": 64, "batch_size": 32, "n_epochs": 3, "ent_coef": 0.01}
    five, several, coins = spaces.Discrete(5), spaces.MultiDiscrete([3, 2, 4]), spaces.MultiBinary(3)

    def masked(action: spaces.Space = five, n: int = 1, observation: spaces.Space = VECTOR, **more: Any) -> Env:
        return vec(partial(MaskedSpaces, observation, action), n, **more)

    def case(env: Env, policy: str = "MlpPolicy", **hyperparameters: Any) -> Case:
        return Case(env, {**base, **hyperparameters}, policy)

    def all_but_one(env: Any) -> np.ndarray:
        return np.arange(5) != env.unwrapped.steps % 5

    wrapped = lambda: ActionMasker(AnySpaces(VECTOR, five), all_but_one)
    images = _images(five, base, 96)
    return {
        "discrete": case(masked()),
        "defaults": Case(masked(), {}, steps=2048),
        "single-env": case(lambda: MaskedSpaces(VECTOR, five)),
        "discrete-4-envs": case(masked(n=4), vf_coef=0.3, max_grad_norm=0.1),
        "action-masker": case(vec(wrapped, 2)),
        "multi-discrete-actions": case(masked(several, 2)),
        "multi-binary-actions": case(masked(coins, 2)),
        **{f"{name}-observations": case(masked(n=2, observation=space)) for name, space in OBSERVATIONS.items()},
        "vec-normalize": case(masked(n=2, normalize={"gamma": 0.9})),
        "frame-stack": case(masked(n=2, stack=3)),
        "learning-rate-schedule": case(masked(), learning_rate=lambda left: 1e-3 * left),
        "value-clipping": case(masked(), clip_range_vf=0.2),
        "clip-schedules": case(masked(several), clip_range=lambda left: 0.1 + 0.2 * left, clip_range_vf=lambda left: 0.2 + 0.5 * left),
        "target-kl": case(masked(n=2), target_kl=0.001, learning_rate=1e-2),
        "last-minibatch-smaller": case(masked(n=3), n_steps=50, batch_size=64),
        "whole-rollout": case(masked(), batch_size=None),
        "advantages-as-they-are": case(masked(coins), normalize_advantage=False),
        "relu-two-nets": case(masked(), policy_kwargs={"net_arch": {"pi": [32], "vf": [16, 16]}, "activation_fn": nn.ReLU}),
        "elu": case(masked(several), policy_kwargs={"net_arch": [16, 16], "activation_fn": nn.ELU}),
        "not-orthogonal": case(masked(), policy_kwargs={"net_arch": [16], "ortho_init": False}),
        "linear": case(masked(), policy_kwargs={"net_arch": []}),
        "two-extractors": case(masked(), policy_kwargs={"share_features_extractor": False}),
        "own-extractor": case(masked(), policy_kwargs={"features_extractor_class": Squeeze}),
        "adam-options": case(masked(), policy_kwargs={"optimizer_kwargs": {"betas": (0.8, 0.99), "weight_decay": 0.01, "eps": 1e-6}}),
        "sgd": case(masked(), policy_kwargs={"optimizer_class": torch.optim.SGD, "optimizer_kwargs": {"momentum": 0.9}}),
        **{name: replace(each, env=env) for name, each, env in (
            ("image", images["image"], masked(observation=IMAGE)),
            ("dict", images["dict"], masked(coins, observation=DICT)),
            ("dict-3-envs-normalised", images["dict-3-envs-normalised"], masked(several, 3, DICT, normalize={"norm_obs_keys": ["vector"]})),
        )},
    }  # fmt: skip


def trpo() -> dict[str, Case]:
    # Batches that differ by an ulp give weights some 1e-6 apart where the damping is 0.1: F⁻¹ magnifies by up to λ_max / damping; V's gradient is not clipped.
    # So the damping is 1 and γ is 0.5, but for `defaults`, and two updates are followed; bytes that are not scaled make V's gradients too large all the same.
    # From the same batch the policy's step has Contrib's bits with any damping.
    base = {"n_steps": 64, "batch_size": 32, "n_critic_updates": 3, "cg_damping": 1.0, "gamma": 0.5, "gae_lambda": 0.8}
    foreign = ("ent_coef", "vf_coef", "max_grad_norm")
    shared = {
        name: replace(case, steps=min(case.steps, 128), hyperparameters={key: value for key, value in case.hyperparameters.items() if key not in foreign})
        for name, case in _on_policy(base).items()
        if name not in ("image-stacked-not-scaled", "bytes-observations")
    }
    cartpole, toy = vec("CartPole-v1", 2), made_of(VECTOR, UNIT, 2)
    more: dict[str, tuple[Env, dict[str, Any]]] = {
        "sub-sampling": (cartpole, {"sub_sampling_factor": 3}),
        "advantages-as-they-are": (cartpole, {"normalize_advantage": False}),
        "small-region": (toy, {"target_kl": 1e-3}),
        "few-iterations": (cartpole, {"cg_max_steps": 2}),
        "wide-region": (toy, {"target_kl": 0.5, "line_search_shrinking_factor": 0.5, "line_search_max_iter": 4}),
        "two-own-extractors": (toy, {"policy_kwargs": {"features_extractor_class": Squeeze, "share_features_extractor": False}}),
        "minibatch-of-one": (cartpole, {"n_steps": 16, "batch_size": 1, "n_critic_updates": 1}),
        "last-minibatch-smaller": (cartpole, {"n_steps": 50, "batch_size": 64}),
    }
    return {
        **shared,
        **{name: Case(env, {**base, **hyperparameters}) for name, (env, hyperparameters) in more.items()},
        "defaults": Case(vec("CartPole-v1", 4), {"n_steps": 128}, steps=1024),
    }


def _goals(env: Env, base: dict[str, Any]) -> dict[str, Case]:
    her = {**base, "replay_buffer_class": HerReplayBuffer, "learning_starts": 100}
    two = {**her, "replay_buffer_kwargs": {"n_sampled_goal": 2, "goal_selection_strategy": "final"}}
    copied = {**her, "replay_buffer_kwargs": {"n_sampled_goal": 4, "goal_selection_strategy": "episode", "copy_info_dict": True}}
    return {
        "her": Case(env, her, "MultiInputPolicy", 200),
        "her-final": Case(env, two, "MultiInputPolicy", 200),
        "her-episode-infos": Case(env, copied, "MultiInputPolicy", 200),
    }


def _off_policy(base: dict[str, Any], action: spaces.Space, plain: str) -> dict[str, Case]:
    def case(env: Env, policy: str = "MlpPolicy", steps: int = 200, **hyperparameters: Any) -> Case:
        kwargs = {**base.get("policy_kwargs", {}), **hyperparameters.pop("policy_kwargs", {})}
        return Case(env, {**base, **hyperparameters, "policy_kwargs": kwargs}, policy, steps)

    toy = made_of(VECTOR, action)
    return {
        "default-nets": Case(vec(plain), {name: value for name, value in base.items() if name != "policy_kwargs"}, steps=100),
        "one-env": case(vec(plain), steps=300),
        "env-id": case(lambda: plain),
        "single-env": case(lambda: gym.make(plain)),
        "4-envs": case(vec(plain, 4), train_freq=2, gradient_steps=-1),
        "toy": case(toy),
        "toy-3-envs": case(made_of(VECTOR, action, 3), gradient_steps=2),
        **{f"{name}-observations": case(made_of(space, action, 2)) for name, space in OBSERVATIONS.items()},
        "episodes": case(toy, train_freq=(2, "episode"), gradient_steps=-1),
        "n-step": case(toy, n_steps=3),
        "n-step-2-envs": case(made_of(VECTOR, action, 2), n_steps=5, gamma=0.9),
        "small-memory": case(toy, buffer_size=60),
        "optimised-memory": case(
            toy, buffer_size=60, optimize_memory_usage=True, replay_buffer_kwargs={"handle_timeout_termination": False}
        ),
        "timeouts-as-deaths": case(toy, replay_buffer_kwargs={"handle_timeout_termination": False}),
        "vec-normalize": case(vec(plain, 2, normalize={"gamma": 0.9})),
        "vec-normalize-n-step": case(made_of(VECTOR, action, normalize={}), n_steps=3),
        "frame-stack": case(vec(plain, stack=3)),
        "learning-rate-schedule": case(toy, learning_rate=lambda left: 1e-3 * left),
        "tau": case(toy, tau=0.3, gamma=0.8),
        "elu": case(toy, policy_kwargs={"activation_fn": nn.ELU}),
        "tanh": case(toy, policy_kwargs={"activation_fn": nn.Tanh}),
        "linear": case(toy, policy_kwargs={"net_arch": []}),
        "own-extractor": case(toy, policy_kwargs={"features_extractor_class": Squeeze}),
        "adam-options": case(toy, policy_kwargs={"optimizer_kwargs": {"betas": (0.8, 0.99), "weight_decay": 0.01}}),
        "adamw": case(toy, policy_kwargs={"optimizer_class": torch.optim.AdamW}),
        "sgd": case(toy, policy_kwargs={"optimizer_class": torch.optim.SGD, "optimizer_kwargs": {"momentum": 0.9}}),
        **_images(action, {**base, "learning_starts": 40}, 64),
    }  # fmt: skip


def dqn() -> dict[str, Case]:
    base = {
        "learning_starts": 50, "target_update_interval": 60, "buffer_size": 400, "exploration_fraction": 0.5, "policy_kwargs": {"net_arch": [32, 32]},
    }  # fmt: skip
    goal = vec(partial(BitFlippingEnv, n_bits=4, max_steps=6))
    toy = made_of(VECTOR, spaces.Discrete(3))
    return {
        **_off_policy(base, spaces.Discrete(3), "CartPole-v1"),
        **_goals(goal, base),
        "her-2-envs": _goals(vec(partial(BitFlippingEnv, n_bits=4), 2), base)["her"],
        "polyak": Case(toy, {**base, "tau": 0.1, "target_update_interval": 3, "train_freq": 1}, steps=200),
        "no-clipping": Case(toy, {**base, "max_grad_norm": 1e9, "exploration_initial_eps": 0.5, "exploration_final_eps": 0.2}, steps=200),
        "time-limits": Case(vec("MountainCar-v0", 2), {**base, "gamma": 0.9}, steps=500),
    }


def qrdqn() -> dict[str, Case]:
    base: dict[str, Any] = {
        "learning_starts": 50, "target_update_interval": 60, "buffer_size": 400, "exploration_fraction": 0.5,
        "policy_kwargs": {"net_arch": [32, 32], "n_quantiles": 20},
    }  # fmt: skip
    toy = made_of(VECTOR, spaces.Discrete(3))

    def case(env: Env = toy, **hyperparameters: Any) -> Case:
        return Case(env, {**base, **hyperparameters, "policy_kwargs": {**base["policy_kwargs"], **hyperparameters.get("policy_kwargs", {})}}, steps=200)

    return {
        **_off_policy(base, spaces.Discrete(3), "CartPole-v1"),
        **_goals(vec(partial(BitFlippingEnv, n_bits=4, max_steps=6)), base),
        "polyak": case(tau=0.1, target_update_interval=3, train_freq=1),
        "clipping": case(max_grad_norm=0.1, exploration_initial_eps=0.5, exploration_final_eps=0.2),
        "one-quantile": case(policy_kwargs={"n_quantiles": 1}),
        "many-quantiles": case(policy_kwargs={"n_quantiles": 200}),
        "batch-of-64": case(batch_size=64),
        "optimizer-kwargs-alone": case(policy_kwargs={"optimizer_kwargs": {"eps": 1.0}}),
        "time-limits": Case(vec("MountainCar-v0", 2), {**base, "gamma": 0.9}, steps=500),
    }


def _continuous(base: dict[str, Any]) -> dict[str, Case]:
    two = made_of(VECTOR, UNIT, 2)

    def noise(kind: type, **more: Any) -> Any:
        return kind(np.zeros(2), 0.2 * np.ones(2), **more)

    def case(env: Env, policy: str = "MlpPolicy", **hyperparameters: Any) -> Case:
        kwargs = {**base.get("policy_kwargs", {}), **hyperparameters.pop("policy_kwargs", {})}
        return Case(env, {**base, **hyperparameters, "policy_kwargs": kwargs}, policy, 200)

    return {
        **_off_policy(base, UNIT, "Pendulum-v1"),
        **_goals(vec(PointGoal), base),
        "her-bits": _goals(vec(partial(BitFlippingEnv, n_bits=3, continuous=True)), base)["her"],
        "matrix-actions": case(made_of(VECTOR, MATRIX, 2)),
        "double-precision-actions": case(made_of(VECTOR, DOUBLE, 2)),
        "wide-actions": case(made_of(VECTOR, WIDE, 2)),
        "normal-noise": case(made_of(VECTOR, UNIT), action_noise=noise(NormalActionNoise)),
        "ou-noise": case(made_of(VECTOR, UNIT), action_noise=noise(OrnsteinUhlenbeckActionNoise)),
        "ou-noise-2-envs": case(two, action_noise=noise(OrnsteinUhlenbeckActionNoise)),
        "vectorised-noise": case(two, action_noise=VectorizedActionNoise(noise(OrnsteinUhlenbeckActionNoise), 2)),
        "one-critic": case(two, policy_kwargs={"n_critics": 1}),
        "three-critics": case(two, policy_kwargs={"n_critics": 3}),
        "shared-extractor": case(two, policy_kwargs={"features_extractor_class": Squeeze, "share_features_extractor": True}),
        "shared-flatten": case(two, policy_kwargs={"share_features_extractor": True}),
        "actor-and-critic-nets": case(two, policy_kwargs={"net_arch": {"pi": [16], "qf": [24, 24]}}),
        "dict-shared-extractor": case(
            made_of(DICT, UNIT), "MultiInputPolicy", policy_kwargs={"net_arch": [16], "share_features_extractor": True}
        ),
    }  # fmt: skip


SMALL: dict[str, Any] = {"learning_starts": 50, "buffer_size": 400, "batch_size": 32, "policy_kwargs": {"net_arch": [32, 32]}}


def ddpg() -> dict[str, Case]:
    return _continuous(SMALL)


def td3() -> dict[str, Case]:
    toy = made_of(VECTOR, UNIT)
    return {
        **_continuous(SMALL),
        "no-delay": Case(toy, {**SMALL, "policy_delay": 1}, steps=200),
        "delay-3": Case(toy, {**SMALL, "policy_delay": 3, "gradient_steps": 2}, steps=200),
        "target-noise": Case(toy, {**SMALL, "target_policy_noise": 0.5, "target_noise_clip": 0.1}, steps=200),
    }


def _soft(base: dict[str, Any]) -> dict[str, Case]:
    """SAC, and what derives from it."""
    toy, two = made_of(VECTOR, UNIT), made_of(VECTOR, UNIT, 2)
    kwargs = base["policy_kwargs"]
    more: dict[str, tuple[Env, dict[str, Any]]] = {
        "fixed-temperature": (toy, {"ent_coef": 0.2}),
        "temperature-from": (two, {"ent_coef": "auto_0.1", "target_entropy": -3.0}),
        "slow-targets": (toy, {"target_update_interval": 2, "gradient_steps": 3}),
        "gsde": (toy, {"use_sde": True}),
        "gsde-2-envs": (two, {"use_sde": True, "sde_sample_freq": 4, "train_freq": 8, "gradient_steps": -1}),
        "gsde-at-warm-up": (toy, {"use_sde": True, "use_sde_at_warmup": True, "train_freq": (1, "episode"), "gradient_steps": -1}),
        "gsde-options": (
            toy, {"use_sde": True, "policy_kwargs": {**kwargs, "net_arch": [32], "use_expln": True, "clip_mean": 1.0, "log_std_init": -2}}
        ),
    }  # fmt: skip
    return {**_continuous(base), **{name: Case(env, {**base, **hyperparameters}, steps=200) for name, (env, hyperparameters) in more.items()}}


def sac() -> dict[str, Case]:
    return _soft(SMALL)


def tqc() -> dict[str, Case]:
    few = {**SMALL, "policy_kwargs": {"net_arch": [32, 32], "n_quantiles": 7}}
    toy = made_of(VECTOR, UNIT)
    more: dict[str, dict[str, Any]] = {
        "nothing-dropped": {"top_quantiles_to_drop_per_net": 0},
        "all-but-one-dropped": {"top_quantiles_to_drop_per_net": 6},
        "five-critics": {"policy_kwargs": {**few["policy_kwargs"], "n_critics": 5}},
        "25-quantiles": {"policy_kwargs": {"net_arch": [32, 32]}, "batch_size": 256},
    }
    # Adam's first step is lr g/(|g| + ε). With its ε of 1e-8 the default nets' smallest gradients, of a mean over 1,150 pairs, turn a last bit into 1e-6.
    wide = {**{name: value for name, value in SMALL.items() if name != "policy_kwargs"}, "policy_kwargs": {"optimizer_kwargs": {"eps": 1e-6}}}
    default_nets = {"default-nets": Case(vec("Pendulum-v1"), wide, steps=100)}
    found = _soft(few)
    # Bytes as numbers make moments of 16 in 200 steps, in which the last bits of the fused loss are 1e-6: fewer steps.
    found["bytes-observations"] = replace(found["bytes-observations"], steps=120)
    return {**found, **default_nets, **{name: Case(toy, {**few, **hyperparameters}, steps=200) for name, hyperparameters in more.items()}}


def crossq() -> dict[str, Case]:
    """SAC's without what SB3-Contrib's has not: target networks, and observations that are dicts."""
    # The gradient of a critic's last bias is added up in another order there, which normalised nets make 1e-6 of within 200 steps: 90 of them. Biases whose
    # gradient is rounding alone, since the next normalisation takes them away, and weights of what is seen at all times or never, would be moved by 1e-4 by
    # a last bit with Adam's ε of 1e-8.
    kwargs = {**SMALL["policy_kwargs"], "optimizer_kwargs": {"betas": (0.5, 0.999), "eps": 1e-3}}
    base = {**SMALL, "learning_starts": 30, "policy_kwargs": kwargs}
    toy, two = made_of(VECTOR, UNIT), made_of(VECTOR, UNIT, 2)

    def case(env: Env, **of_policy: Any) -> Case:
        return Case(env, {**base, "policy_kwargs": {**kwargs, **of_policy}}, steps=90)

    of_sac = {name: replace(case, steps=90) for name, case in _soft(base).items() if case.policy == "MlpPolicy" and name not in ("tau", "slow-targets")}
    at_warm_up = of_sac["gsde-at-warm-up"]
    return {
        **of_sac,
        # Moments of 5, of which 1e-6 are two last bits: other rewards than Pendulum's, and fewer updates.
        "frame-stack": case(made_of(VECTOR, UNIT, stack=3)),
        "4-envs": replace(of_sac["4-envs"], steps=72),
        "gsde-at-warm-up": replace(at_warm_up, hyperparameters={**at_warm_up.hyperparameters, "gradient_steps": 8}),
        "default-nets": Case(vec("Pendulum-v1"), {**base, "policy_kwargs": {}}, steps=72),
        "no-delay": Case(toy, {**base, "policy_delay": 1}, steps=90),
        "renormalised": case(toy, renorm_warmup_steps=20),
        "renormalised-from-the-start": case(two, renorm_warmup_steps=0, batch_norm_momentum=0.2),
        "renormalised-modules": case(toy, renorm_warmup_steps=20, activation_fn=nn.ELU),
        "without-normalisation": case(toy, batch_norm=False),
        "large-epsilon": case(toy, batch_norm_eps=0.1),
        "adam-without-options": case(two, optimizer_kwargs={}),
    }


def ars() -> dict[str, Case]:
    """Steps are those after which SB3-Contrib has finished a population: it does so whatever the budget, and ours stops at the budget."""

    def case(env: Env, steps: int, policy: str = "LinearPolicy", **hyperparameters: Any) -> Case:
        return Case(env, {"n_delta": 2, **hyperparameters}, policy, steps, tells_steps=False)

    def mlp(env: Env, steps: int, **hyperparameters: Any) -> Case:
        kwargs = {"net_arch": [16], **hyperparameters.pop("policy_kwargs", {})}
        return case(env, steps, "MlpPolicy", policy_kwargs=kwargs, **hyperparameters)

    cartpole, toy = vec("CartPole-v1"), made_of(VECTOR, UNIT)
    squashed = {"with_bias": True, "squash_output": True}
    return {
        "defaults": Case(cartpole, {}, "LinearPolicy", 3595, tells_steps=False),
        "default-nets": case(cartpole, 74, "MlpPolicy", zero_policy=False),
        "env-id": case(lambda: "CartPole-v1", 1312),
        "single-env": case(lambda: gym.make("CartPole-v1"), 1312),
        "without-monitor": case(lambda: DummyVecEnv([partial(gym.make, "CartPole-v1")]), 1312),
        "box-clipped": case(made_of(VECTOR, WIDE), 133, delta_std=1.0),
        "box-squashed": case(made_of(VECTOR, WIDE), 132, policy_kwargs=squashed, zero_policy=False),
        "mlp": mlp(cartpole, 125),
        "mlp-box": mlp(toy, 124, zero_policy=False),
        "mlp-without-biases": mlp(toy, 141, zero_policy=False, policy_kwargs={"with_bias": False, "squash_output": False}),
        "tanh": mlp(toy, 141, zero_policy=False, policy_kwargs={"net_arch": [16, 8], "activation_fn": nn.Tanh}),
        "elu": mlp(toy, 132, zero_policy=False, policy_kwargs={"activation_fn": nn.ELU}),
        "matrix-actions": case(made_of(VECTOR, MATRIX), 141),
        "double-precision-actions": case(made_of(VECTOR, DOUBLE), 141),
        "actions-from-one": case(made_of(VECTOR, spaces.Discrete(3, start=1)), 128),
        **{
            f"{name}-observations": case(made_of(OBSERVATIONS[name], TWO), steps)
            for name, steps in zip(OBSERVATIONS, (125, 120, 130, 154, 121, 134), strict=True)
        },
        "image": case(made_of(IMAGE, TWO), 121, n_delta=1),
        "vec-normalize": case(vec("Pendulum-v1", normalize={"norm_reward": False}), 1600),
        "rewards-normalised": case(made_of(VECTOR, UNIT, normalize={}), 141),
        "frame-stack": case(vec("CartPole-v1", stack=3), 200),
        "the-best-of-four": case(cartpole, 2330, n_delta=4, n_top=2),
        "more-than-all": case(cartpole, 1312, n_top=5),
        "two-episodes": case(toy, 284, n_eval_episodes=2),
        "alive-bonus": case(cartpole, 2373, alive_bonus_offset=-0.9, n_eval_episodes=2),
        "schedules": case(toy, 339, learning_rate=lambda left: 0.1 * left, delta_std=lambda left: 0.01 + 0.2 * left),
    }  # fmt: skip


CASES = {
    "ppo": ppo, "a2c": a2c, "maskable_ppo": maskable_ppo, "recurrent_ppo": recurrent_ppo, "trpo": trpo, "dqn": dqn, "qrdqn": qrdqn, "ddpg": ddpg,
    "td3": td3, "sac": sac, "tqc": tqc, "crossq": crossq, "ars": ars,
}  # fmt: skip


def of(algorithm: str) -> dict[str, Case]:
    """The cases of an algorithm by name."""
    return CASES[algorithm]()
