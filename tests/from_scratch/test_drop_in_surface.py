"""The six classes have Stable-Baselines3's surface: signatures, attributes, errors and warnings."""

import inspect
import io
import warnings
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from gymnasium import spaces
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.buffers import DictRolloutBuffer, ReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.type_aliases import TrainFreq
from stable_baselines3.common.vec_env import VecNormalize

import from_scratch as ours
from benchmarks.parity.envs import AnySpaces

ON, OFF = ("A2C", "PPO"), ("DQN", "DDPG", "TD3", "SAC")
SMALL = {
    "A2C": {}, "PPO": {"n_steps": 32, "batch_size": 16, "n_epochs": 1},
    **{name: {"learning_starts": 10, "buffer_size": 200, "batch_size": 8, "policy_kwargs": {"net_arch": [8]}} for name in OFF},
}  # fmt: skip
BOX4, UNIT = spaces.Box(-1, 1, (4,), np.float32), spaces.Box(-1, 1, (2,), np.float32)


def env_of(name):
    return "Pendulum-v1" if name in ("DDPG", "TD3", "SAC") else "CartPole-v1"


def model_of(library, name, env=None, **more):
    return getattr(library, name)("MlpPolicy", env or env_of(name), device="cpu", **{**SMALL[name], **more})


@pytest.mark.parametrize("name", [*ON, *OFF])
def test_signatures_are_sb3s_with_our_keywords_at_the_end(name):
    mine, theirs = getattr(ours, name), getattr(sb3, name)
    a, b = (list(inspect.signature(cls).parameters.values()) for cls in (mine, theirs))
    assert [(p.name, p.default) for p in a[: len(b)]] == [(p.name, p.default) for p in b]
    assert [(p.name, p.kind) for p in a[len(b) :]] == [("seeds", inspect.Parameter.KEYWORD_ONLY), ("n_envs", inspect.Parameter.KEYWORD_ONLY)]
    for method in ("learn", "collect_rollouts", "train", "dump_logs", "predict", "save", "load", "set_env", "set_parameters", "_setup_learn"):
        a, b = (inspect.signature(getattr(cls, method)).parameters for cls in (mine, theirs))
        if method == "load":
            continue  # ours forwards to SB3's
        positional = [(p.name, p.default) for p in b.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        found = [(p.name, p.default) for p in a.values()]
        if not any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in a.values()):
            assert [n for n, _ in found][: len(positional)] == [n for n, _ in positional], method
    assert mine.policy_aliases == theirs.policy_aliases


@pytest.mark.parametrize("name", [*ON, *OFF])
def test_every_attribute_that_sb3s_model_has_is_there(name):
    mine, theirs = model_of(ours, name, seed=0).learn(40), model_of(sb3, name, seed=0).learn(40)
    attributes = [attribute for attribute in dir(theirs) if not attribute.startswith("__") and attribute not in ("_abc_impl", "__abstractmethods__")]
    missing = [attribute for attribute in attributes if not hasattr(mine, attribute)]
    assert missing == []
    for attribute, value in vars(theirs).items():
        if isinstance(value, bool | int | float | str | type | type(None)) and attribute != "start_time":
            assert getattr(mine, attribute) == value, attribute


@pytest.mark.parametrize("name", [*ON, *OFF])
def test_isinstance_says_what_sb3s_tools_expect(name):
    model = model_of(ours, name)
    assert isinstance(model, OnPolicyAlgorithm) == (name in ON)
    assert isinstance(model, OffPolicyAlgorithm) == (name in OFF)
    assert isinstance(model.policy, getattr(sb3, name).policy_aliases["MlpPolicy"])
    assert isinstance(model.lr_schedule(1.0), float)


def test_ddpg_is_td3_without_its_tricks_in_sb3s_terms():
    model = model_of(ours, "DDPG")
    assert (model.policy_delay, model.target_policy_noise, model.target_noise_clip, model.critic.n_critics) == (1, 0.1, 0.0, 1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'stats_window_size'"):
        ours.DDPG("MlpPolicy", "Pendulum-v1", stats_window_size=10)


def test_exploration_starts_at_nothing_until_the_first_step():
    model = model_of(ours, "DQN")
    assert model.exploration_rate == 0.0
    model.learn(10)
    assert model.exploration_rate == model.exploration_schedule(0.0) == 0.05


def test_a_tuned_temperature_is_a_parameter_and_a_fixed_one_a_tensor():
    tuned, fixed = model_of(ours, "SAC", ent_coef="auto_0.1"), model_of(ours, "SAC", ent_coef=0.3)
    assert tuned.log_ent_coef.exp().item() == pytest.approx(0.1) and isinstance(tuned.ent_coef_optimizer, torch.optim.Adam)
    assert fixed.log_ent_coef is None and fixed.ent_coef_optimizer is None and fixed.ent_coef_tensor.item() == pytest.approx(0.3)
    assert tuned.target_entropy == -1.0


@pytest.mark.parametrize("name", OFF)
def test_the_replay_buffer_can_be_deleted_and_given_back(name):
    model = model_of(ours, name).learn(32)
    kept = model.replay_buffer
    assert "replay_buffer" in vars(model)
    del model.replay_buffer
    assert not hasattr(model, "replay_buffer")
    model.replay_buffer = kept
    model.learn(20, reset_num_timesteps=False)
    assert kept.pos == 52


@pytest.mark.parametrize("name", OFF)
def test_deleting_the_replay_buffer_leaves_a_model_that_predicts_and_saves(name, tmp_path):
    model = model_of(ours, name).learn(30)
    del model.replay_buffer
    model.save(tmp_path / "model")
    obs = model.get_env().reset()
    loaded = type(model).load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])


@pytest.mark.parametrize("name", OFF)
def test_a_training_loop_by_hand_is_sb3s(name):
    """The halves of learn() called one after another, as SB3's users do."""

    def run(library):
        model = model_of(library, name, seed=4)
        total, callback = model._setup_learn(60, None)
        callback.on_training_start(locals(), globals())
        while model.num_timesteps < total:
            model.collect_rollouts(
                model.env, train_freq=TrainFreq(4, model.train_freq.unit), action_noise=model.action_noise, callback=callback,
                learning_starts=model.learning_starts, replay_buffer=model.replay_buffer, log_interval=4,
            )  # fmt: skip
            model.train(batch_size=8, gradient_steps=2)
        return model

    assert distance(run(ours), run(sb3)) == 0.0


@pytest.mark.parametrize("name", ON)
def test_a_rollout_by_hand_is_sb3s(name):
    def run(library):
        model = model_of(library, name, seed=4, n_steps=32)
        _, callback = model._setup_learn(60, None)
        for _ in range(3):
            assert model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=32)
            assert model.rollout_buffer.size() == 32
            model.train()
        return model

    assert distance(run(ours), run(sb3)) < 1e-6


def distance(a, b):
    return max((x.double() - y.double()).abs().max().item() for x, y in zip(a.policy.state_dict().values(), b.policy.state_dict().values(), strict=True))


def test_last_obs_is_none_after_set_env_and_after_load_with_an_env(tmp_path):
    for name in ("PPO", "DQN"):
        model = model_of(ours, name).learn(32)
        kept = model._last_obs
        model.set_env(make_vec_env("CartPole-v1"), force_reset=False)
        np.testing.assert_array_equal(model._last_obs, kept)
        model.set_env(make_vec_env("CartPole-v1"))
        assert model._last_obs is None
        model.learn(32, reset_num_timesteps=False).save(tmp_path / "model")
        assert type(model).load(tmp_path / "model", env=make_vec_env("CartPole-v1"))._last_obs is None


def test_a_model_without_an_environment_predicts_but_cannot_learn(tmp_path):
    model_of(ours, "PPO").save(tmp_path / "model")
    model = ours.PPO.load(tmp_path / "model")
    assert model.get_env() is None and model.get_vec_normalize_env() is None
    assert model.predict(np.zeros(4, np.float32))[0].shape == ()
    with pytest.raises(AssertionError):
        model.learn(10)


def test_set_env_takes_another_number_of_environments_only_as_sb3_does():
    for library in (sb3, ours):
        with pytest.raises(AssertionError, match="number of environments"):
            model_of(library, "PPO").set_env(make_vec_env("CartPole-v1", 2))


# --------------------------------------------------------------------------------------------------------- errors and warnings
def nested():
    return AnySpaces(spaces.Dict({"a": spaces.Dict({"b": BOX4})}), spaces.Discrete(2))


def failing(library):
    """Scenarios that SB3 refuses, with the words that tools match."""
    toy = partial(AnySpaces, BOX4)
    in_dict = AnySpaces(spaces.Dict({"a": BOX4}), spaces.Discrete(2))

    def broken_zip():
        file = io.BytesIO(b"nothing")
        library.PPO.load(file)

    return {
        "gSDE with discrete actions": ("can only be used with continuous actions", lambda: model_of(library, "PPO", use_sde=True)),
        "MultiBinary of two dimensions": (
            r"Multi-dimensional MultiBinary\(.*\) action space is not supported", lambda: model_of(library, "A2C", toy(spaces.MultiBinary((2, 2))))
        ),
        "MlpPolicy on a Dict": ("MultiInputPolicy", lambda: model_of(library, "PPO", in_dict)),
        "n-step on a Dict": ("Dict observation spaces", lambda: library.DQN("MultiInputPolicy", in_dict, n_steps=3, buffer_size=10)),
        "a Dict buffer on a Box": (
            "DictRolloutBuffer must be used with Dict obs space only", lambda: model_of(library, "PPO", rollout_buffer_class=DictRolloutBuffer)
        ),
        "nested Dicts": ("Nested observation spaces are not supported", lambda: library.PPO("MultiInputPolicy", nested())),
        "DQN on Box actions": ("The algorithm only supports", lambda: model_of(library, "DQN", "Pendulum-v1")),
        "SAC on Discrete actions": ("The algorithm only supports", lambda: model_of(library, "SAC", "CartPole-v1")),
        "unbounded actions": ("finite lower and upper bound", lambda: model_of(library, "PPO", Unbounded())),
        "an unknown policy": ("Policy NoPolicy unknown", lambda: library.PPO("NoPolicy", "CartPole-v1")),
        "an unknown argument": ("unexpected keyword argument 'wrong'", lambda: library.PPO("MlpPolicy", "CartPole-v1", wrong=1)),
        "an argument twice": (
            "got multiple values for (keyword )?argument 'learning_rate'", lambda: library.PPO("MlpPolicy", "CartPole-v1", 1, learning_rate=1)
        ),
        "gamma twice through n-step": (
            "got multiple values for keyword argument 'gamma'",
            lambda: library.PPO("MlpPolicy", "CartPole-v1", rollout_buffer_kwargs={"gamma": 0.5}),
        ),
        "a file that is no zip": ("wasn't a zip-file", broken_zip),
        "a unit of train_freq": ("must be either 'step' or 'episode'", lambda: model_of(library, "DQN", train_freq=(1, "hour"))),
        "a fraction as train_freq": ("must be an integer", lambda: model_of(library, "DQN", train_freq=1.5)),
        "episodes with two environments": (
            "only one env when doing episodic training", lambda: model_of(library, "TD3", make_vec_env("Pendulum-v1", 2), train_freq=(1, "episode")).learn(50)
        ),
        "HER without an environment": (
            "You must pass an environment when using `HerReplayBuffer`",
            lambda: library.DQN("MultiInputPolicy", None, replay_buffer_class=HerReplayBuffer, _init_setup_model=False)._setup_model(),
        ),
        "one sample to normalise": ("", lambda: library.PPO("MlpPolicy", "CartPole-v1", n_steps=1)),
        "batches of one to normalise": ("batch_size", lambda: library.PPO("MlpPolicy", "CartPole-v1", batch_size=1)),
        "value clipping below zero": ("`clip_range_vf` must be positive", lambda: model_of(library, "PPO", clip_range_vf=-1.0)),
        "a temperature that starts at zero": ("must be greater than 0", lambda: model_of(library, "SAC", ent_coef="auto_0")),
        "an environment of other spaces": ("Observation spaces do not match", lambda: model_of(library, "PPO").set_env(make_vec_env("Acrobot-v1"))),
        "parameters with other names": ("Names of parameters do not match", lambda: model_of(library, "PPO").set_parameters({})),
        "parameters of nobody": ("is an invalid object name", lambda: model_of(library, "PPO").set_parameters({"nobody": {}}, exact_match=False)),
        "other policy_kwargs when loading": ("do not equal the stored policy kwargs", lambda: _load_with_other_kwargs(library)),
    }  # fmt: skip


def _load_with_other_kwargs(library):
    file = io.BytesIO()
    model_of(library, "PPO").save(file)
    file.seek(0)
    library.PPO.load(file, policy_kwargs={"net_arch": [1]})


class Unbounded(gym.Env):
    observation_space, action_space = BOX4, spaces.Box(-np.inf, np.inf, (2,), np.float32)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scenario", list(failing(sb3)))
def test_what_sb3_refuses_is_refused_with_its_words(scenario):
    words, theirs = failing(sb3)[scenario]
    with pytest.raises(Exception, match=words) as expected:
        theirs()
    with pytest.raises(expected.type, match=words):
        failing(ours)[scenario][1]()


def said(scenario):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scenario()
    return [(w.category, str(w.message)) for w in caught if "gym" not in str(w.message).lower()]


def warning(library):
    def optimised_twice():
        model = model_of(library, "DQN", optimize_memory_usage=True, replay_buffer_kwargs={"handle_timeout_termination": False}).learn(20)
        model.learn(20)

    def on_the_gpu():
        model = model_of(library, "PPO")
        model.device = torch.device("cuda")
        model._maybe_recommend_cpu()

    return {
        "there will be a truncated mini-batch of size 1": lambda: library.PPO("MlpPolicy", "CartPole-v1", n_steps=65, batch_size=64),
        "The number of environments used is greater": lambda: model_of(library, "DQN", make_vec_env("CartPole-v1", 4), target_update_interval=2),
        "The last trajectory in the replay buffer will be truncated": optimised_twice,
        "You are trying to run PPO on the GPU": on_the_gpu,
        "is ignored because a custom `replay_buffer_class`": lambda: model_of(library, "DQN", n_steps=3, replay_buffer_class=ReplayBuffer),
    }


@pytest.mark.parametrize("words", list(warning(sb3)))
def test_what_sb3_warns_of_is_warned_of_once_in_its_words(words):
    theirs, mine = said(warning(sb3)[words]), said(warning(ours)[words])
    assert [(category, words in text) for category, text in mine] == [(category, words in text) for category, text in theirs] == [(UserWarning, True)]


@pytest.mark.parametrize("name", [*ON, *OFF])
def test_nothing_else_is_warned_of(name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = model_of(ours, name, VecNormalize(make_vec_env(env_of(name), 2)), seed=0, tensorboard_log=None).learn(64)
        model.save(tmp_path / "model")
        type(model).load(tmp_path / "model", env=VecNormalize(make_vec_env(env_of(name), 2))).learn(32)
        model.predict(model.get_env().reset())


def test_a_policy_for_the_old_gym_interface_is_refused_with_sb3s_words():
    class Old(gym.Env):
        observation_space, action_space = BOX4, spaces.Discrete(2)

        def reset(self, seed=None, options=None):
            return self.observation_space.sample()

    for library in (sb3, ours):
        model = model_of(library, "PPO")
        with pytest.raises(ValueError, match="mixing Gym API"):
            model.predict((np.zeros(4), {}))
