"""Saving and loading in every form of Stable-Baselines3, and files that each library opens where the other is not installed."""

import base64
import copy
import io
import json
import pathlib
import pickletools
import subprocess
import sys
import textwrap
import zipfile
from functools import partial

import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import SubprocVecEnv, VecNormalize

import from_scratch as ours
from from_scratch.envs.wrappers.goals import PointGoal

NAMES = ("A2C", "PPO", "DQN", "DDPG", "TD3", "SAC")
OFF = {"learning_starts": 20, "buffer_size": 200, "batch_size": 16, "policy_kwargs": {"net_arch": [16]}}
SMALL = {"A2C": {}, "PPO": {"n_steps": 32, "batch_size": 16, "n_epochs": 2}, **dict.fromkeys(("DQN", "DDPG", "TD3", "SAC"), OFF)}
REPOSITORY = pathlib.Path(ours.__file__).parents[1]


def env_of(name):
    return "Pendulum-v1" if name in ("DDPG", "TD3", "SAC") else "CartPole-v1"


def trained(library, name, steps=64, **more):
    return getattr(library, name)("MlpPolicy", make_vec_env(env_of(name)), seed=1, device="cpu", **copy.deepcopy({**SMALL[name], **more})).learn(steps)


def weights(model):
    return {name: value.clone() for name, value in model.policy.state_dict().items()}


def same(a, b):
    a, b = (x if isinstance(x, dict) else weights(x) for x in (a, b))
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def observations(model):
    return np.random.default_rng(0).uniform(-1, 1, (20, *model.observation_space.shape)).astype(np.float32)


# ------------------------------------------------------------------------------------------------------------------ interchange
def blocked(package, script, folder):
    """Run a script in a Python of its own in which a package cannot be imported."""
    prelude = f"""
        import sys, warnings
        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {package!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}: it is not installed here", name=name)
        sys.meta_path.insert(0, Blocked())
        import torch; torch.set_num_threads(1)
    """
    result = subprocess.run([sys.executable, "-P", "-c", textwrap.dedent(prelude) + textwrap.dedent(script)], cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


@pytest.fixture(scope="module")
def ours_written(tmp_path_factory):
    """A file of each of ours, with what it says of some observations, continued by plain SB3 where ours does not exist."""
    folder = tmp_path_factory.mktemp("ours")
    for name in NAMES:
        model = trained(ours, name)
        model.save(folder / name)
        if name not in ("A2C", "PPO"):
            model.save_replay_buffer(folder / f"{name}_replay")
        obs = observations(model)
        np.savez(folder / f"{name}_obs.npz", obs=obs, actions=model.predict(obs, deterministic=True)[0])
    blocked(
        ("from_scratch", "benchmarks", "sb3_course"),
        """
        import numpy as np, stable_baselines3 as sb3
        from stable_baselines3.common.env_util import make_vec_env
        for name in ("A2C", "PPO", "DQN", "DDPG", "TD3", "SAC"):
            env = make_vec_env("Pendulum-v1" if name in ("DDPG", "TD3", "SAC") else "CartPole-v1")
            model = getattr(sb3, name).load(name, env=env, device="cpu")
            asked = np.load(f"{name}_obs.npz")
            assert np.array_equal(model.predict(asked["obs"], deterministic=True)[0], asked["actions"]), name
            if name not in ("A2C", "PPO"):
                model.load_replay_buffer(f"{name}_replay")
            model.set_random_seed(5)
            model.learn(64)
            model.save(f"{name}_continued")
        assert not any(module.startswith("from_scratch") for module in __import__("sys").modules)
        """,
        folder,
    )
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_our_file_opens_in_plain_sb3_predicts_the_same_and_continues_as_ours_does(name, ours_written):
    continued = sb3_continues(ours, name, ours_written / name)
    theirs = getattr(ours, name).load(ours_written / f"{name}_continued")
    before = getattr(ours, name).load(ours_written / name)
    apart = max((a - b).abs().max().item() for a, b in zip(weights(continued).values(), weights(theirs).values(), strict=True))
    assert apart < 1e-6 and not same(before, theirs)


def sb3_continues(library, name, path):
    model = getattr(library, name).load(path, env=make_vec_env(env_of(name)), device="cpu")
    if name not in ("A2C", "PPO"):
        model.load_replay_buffer(f"{path}_replay")
    model.set_random_seed(5)
    return model.learn(64)


@pytest.mark.parametrize("name", NAMES)
def test_sb3s_file_opens_here_and_continues_as_sb3_does(name, tmp_path):
    theirs = trained(sb3, name)
    theirs.save(tmp_path / name)
    if name not in ("A2C", "PPO"):
        theirs.save_replay_buffer(tmp_path / f"{name}_replay")
    mine = getattr(ours, name).load(tmp_path / name)
    np.testing.assert_array_equal(mine.predict(observations(theirs), deterministic=True)[0], theirs.predict(observations(theirs), deterministic=True)[0])
    a, b = (sb3_continues(library, name, tmp_path / name) for library in (ours, sb3))
    assert max((x - y).abs().max().item() for x, y in zip(weights(a).values(), weights(b).values(), strict=True)) < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_no_file_of_ours_names_our_package(name, ours_written):
    for path in (ours_written / f"{name}.zip", ours_written / f"{name}_replay.pkl"):
        if not path.exists():
            continue
        if path.suffix == ".pkl":
            assert b"from_scratch" not in path.read_bytes()
            continue
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("data"))
            others = [archive.read(member) for member in archive.namelist() if member != "data"]
        for key, value in data.items():
            if isinstance(value, dict) and ":serialized:" in value:
                words = [argument for _, argument, _ in pickletools.genops(base64.b64decode(value[":serialized:"])) if isinstance(argument, str)]
                assert not any("from_scratch" in word for word in words), key
        assert not any(b"from_scratch" in member for member in others)


@pytest.mark.parametrize("name", NAMES)
def test_members_and_data_keys_are_sb3s(name, tmp_path):
    found = []
    for library in (ours, sb3):
        trained(library, name).save(tmp_path / "model")
        with zipfile.ZipFile(tmp_path / "model.zip") as archive:
            found.append((sorted(archive.namelist()), sorted(json.loads(archive.read("data")))))
    assert found[0] == found[1]


# --------------------------------------------------------------------------------------------------------------- forms of files
@pytest.mark.parametrize("name", NAMES)
def test_paths_strings_and_open_files_all_hold_a_model(name, tmp_path):
    model = trained(ours, name)
    with pytest.warns(UserWarning, match="does not exist. Will create it"):
        model.save(str(tmp_path / "deep" / "er" / "model"))
    model.save(tmp_path / "with_suffix.zip")
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    with open(tmp_path / "opened.zip", "wb") as opened:
        model.save(opened)
    for path in (str(tmp_path / "deep" / "er" / "model.zip"), tmp_path / "with_suffix", file, tmp_path / "opened.zip"):
        loaded = getattr(ours, name).load(path)
        assert same(model, loaded) and loaded.num_timesteps == model.num_timesteps


def test_custom_objects_replace_what_the_file_holds(tmp_path):
    trained(ours, "PPO", learning_rate=lambda left: 1e-3 * left).save(tmp_path / "model")
    loaded = ours.PPO.load(tmp_path / "model", custom_objects={"learning_rate": 0.5, "clip_range": lambda _: 0.25, "lr_schedule": lambda _: 0.5})
    assert loaded.learning_rate == 0.5 and loaded.clip_range(1.0) == 0.25 and loaded.lr_schedule(1.0) == 0.5
    assert ours.PPO.load(tmp_path / "model", learning_rate=0.7, n_epochs=1).n_epochs == 1


def test_an_environment_given_at_load_may_have_another_number_of_lanes(tmp_path):
    for name in ("PPO", "DQN"):
        trained(ours, name).save(tmp_path / name)
        loaded = getattr(ours, name).load(tmp_path / name, env=make_vec_env("CartPole-v1", 3))
        assert loaded.n_envs == 3
        assert loaded.learn(96).num_timesteps >= 96


@pytest.mark.parametrize("name", NAMES)
def test_set_parameters_changes_the_model_that_trains(name, tmp_path):
    donor, model = trained(ours, name), trained(ours, name, steps=32)
    assert not same(donor, model)
    parameters = donor.get_parameters()
    model.set_parameters(parameters)
    assert same(donor, model)
    model.learn(32, reset_num_timesteps=False)
    assert not same(donor, model)  # it is these weights that move
    donor.save(tmp_path / "donor")
    model.set_parameters(str(tmp_path / "donor"), device="cpu")
    assert same(donor, model)
    part = {"policy": dict(list(parameters["policy"].items())[:1])}
    model.set_parameters(part, exact_match=False)
    with pytest.raises(RuntimeError, match="Missing key"):
        model.set_parameters({**parameters, **part}, exact_match=True)


@pytest.mark.parametrize("name", NAMES)
def test_loading_and_learning_at_once_equals_sb3_after_its_own_loading(name, tmp_path):
    """Optimizer state, counters and schedules come back: the next updates are the same."""
    theirs = trained(sb3, name)
    theirs.save(tmp_path / "model")
    models = [getattr(library, name).load(tmp_path / "model", env=make_vec_env(env_of(name))) for library in (ours, sb3)]
    for model in models:
        model.set_random_seed(2)
        model.learn(64, reset_num_timesteps=False)
    assert max((a - b).abs().max().item() for a, b in zip(weights(models[0]).values(), weights(models[1]).values(), strict=True)) < 1e-6
    assert models[0]._n_updates == models[1]._n_updates and models[0].num_timesteps == models[1].num_timesteps


@pytest.mark.parametrize("name", ["DQN", "SAC"])
@pytest.mark.parametrize("goal", [False, True], ids=["vectors", "hindsight"])
def test_replay_memories_go_both_ways(name, goal, tmp_path):
    goals = PointGoal if name == "SAC" else partial(BitFlippingEnv, n_bits=4)

    def make(library):
        if not goal:
            return getattr(library, name)("MlpPolicy", env_of(name), **copy.deepcopy(OFF))
        return getattr(library, name)("MultiInputPolicy", goals(), replay_buffer_class=HerReplayBuffer, **copy.deepcopy({**OFF, "learning_starts": 100}))

    for writer, reader in ((ours, sb3), (sb3, ours)):
        model = make(writer).learn(120)
        model.save_replay_buffer(tmp_path / "memory")
        other = make(reader)
        other.load_replay_buffer(tmp_path / "memory")
        a, b = model.replay_buffer, other.replay_buffer
        assert a.size() == b.size()
        np.testing.assert_array_equal(a.rewards, b.rewards)
        other.learn(120)


@pytest.mark.parametrize("name", NAMES)
def test_policies_alone_are_saved_and_loaded(name, tmp_path):
    model = trained(ours, name)
    model.policy.save(tmp_path / "policy.pkl")
    loaded = type(model.policy).load(tmp_path / "policy.pkl")
    obs = observations(model)
    np.testing.assert_array_equal(loaded.predict(obs, deterministic=True)[0], model.predict(obs, deterministic=True)[0])
    if name in ("DDPG", "TD3", "SAC"):
        model.actor.save(tmp_path / "actor.pkl")
        np.testing.assert_array_equal(
            type(model.actor).load(tmp_path / "actor.pkl").predict(obs, deterministic=True)[0], model.actor.predict(obs, deterministic=True)[0]
        )


def test_include_and_exclude_are_heard(tmp_path):
    model = trained(ours, "PPO")
    model.save(tmp_path / "model", exclude=["verbose"], include=["_custom_logger"])
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        keys = json.loads(archive.read("data")).keys()
    assert "verbose" not in keys and "_custom_logger" in keys


def test_action_noise_and_gsde_survive_a_file(tmp_path):
    noisy = trained(ours, "TD3", action_noise=NormalActionNoise(np.zeros(1), np.ones(1)))
    noisy.save(tmp_path / "noisy")
    assert isinstance(ours.TD3.load(tmp_path / "noisy").action_noise, NormalActionNoise)
    for library in (ours, sb3):
        explorer = trained(ours, "SAC", use_sde=True)
        explorer.save(tmp_path / "explorer")
        loaded = library.SAC.load(tmp_path / "explorer", env=make_vec_env("Pendulum-v1"))
        assert loaded.use_sde
        loaded.learn(32)


# ------------------------------------------------------------------------------------------------------- environments' wrappers
def test_vecnormalize_is_saved_loaded_and_synchronised_in_evaluation(tmp_path):
    model = ours.PPO("MlpPolicy", VecNormalize(make_vec_env("Pendulum-v1", 2)), n_steps=32, batch_size=16, seed=0)
    scoring = VecNormalize(make_vec_env("Pendulum-v1"), training=False, norm_reward=False)
    model.learn(128, callback=EvalCallback(scoring, eval_freq=60, n_eval_episodes=1, verbose=0))
    normalizer = model.get_vec_normalize_env()
    assert scoring.obs_rms.count > 50 and normalizer.obs_rms.count >= scoring.obs_rms.count
    normalizer.save(str(tmp_path / "normalizer.pkl"))
    model.save(tmp_path / "model")
    env = VecNormalize.load(str(tmp_path / "normalizer.pkl"), make_vec_env("Pendulum-v1", 2))
    loaded = ours.PPO.load(tmp_path / "model", env=env)
    np.testing.assert_array_equal(loaded.get_vec_normalize_env().obs_rms.mean, normalizer.obs_rms.mean)
    loaded.learn(64)
    assert not np.array_equal(env.obs_rms.mean, normalizer.obs_rms.mean)


@pytest.mark.parametrize("name", ["PPO", "SAC"])
def test_processes_of_environments_give_the_run_that_sb3_gets_of_them(name):
    models = []
    for library in (ours, sb3):
        env = make_vec_env(env_of(name), 2, vec_env_cls=SubprocVecEnv, vec_env_kwargs={"start_method": "fork"})
        models.append(getattr(library, name)("MlpPolicy", env, seed=3, device="cpu", **copy.deepcopy(SMALL[name])).learn(64))
        env.close()
    assert max((a - b).abs().max().item() for a, b in zip(weights(models[0]).values(), weights(models[1]).values(), strict=True)) < 1e-6
