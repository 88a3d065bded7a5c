"""Callbacks, loggers and what is shown during training are Stable-Baselines3's."""

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from stable_baselines3.common.callbacks import (
    BaseCallback,
    CallbackList,
    CheckpointCallback,
    EvalCallback,
    EveryNTimesteps,
    ProgressBarCallback,
    StopTrainingOnMaxEpisodes,
    StopTrainingOnNoModelImprovement,
    StopTrainingOnRewardThreshold,
)  # fmt: skip
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import configure

import from_scratch as ours

NAMES = ("A2C", "PPO", "DQN", "DDPG", "TD3", "SAC")


def model_of(library, name, env=None, **more):
    off = {"learning_starts": 20, "buffer_size": 200, "batch_size": 16, "train_freq": 8, "policy_kwargs": {"net_arch": [16]}}
    small = {"A2C": {}, "PPO": {"n_steps": 32, "batch_size": 16, "n_epochs": 1}}.get(name, off)
    env = env or make_vec_env("Pendulum-v1" if name in ("DDPG", "TD3", "SAC") else "CartPole-v1", 2)
    return getattr(library, name)("MlpPolicy", env, seed=0, device="cpu", **{**small, **more})


class Diary(BaseCallback):
    """What a callback is told, in order, and which names it finds in locals."""

    def __init__(self):
        super().__init__()
        self.events, self.names, self.values = [], {}, []

    def _note(self, event):
        self.events.append((event, self.num_timesteps, self.n_calls))
        self.names.setdefault(event, set(self.locals))

    def _init_callback(self):
        assert self.model is not None and self.training_env is self.model.get_env() and self.logger is self.model.logger
        self.events.append(("init", 0, 0))

    def _on_training_start(self):
        assert {"total_timesteps", "tb_log_name", "callback", "self", "reset_num_timesteps", "progress_bar", "log_interval"} <= set(self.locals)
        self._note("training start")

    def _on_rollout_start(self):
        self._note("rollout start")

    def _on_step(self):
        self._note("step")
        self.values.append([np.array(self.locals[name], float) for name in ("new_obs", "rewards", "dones")])
        return True

    def _on_rollout_end(self):
        self._note("rollout end")

    def _on_training_end(self):
        self._note("training end")


OF_ITS_LOOP = {"obs_tensor", "terminal_obs", "terminal_value", "idx", "done", "continue_training", "kwargs", "iteration"}  # `iteration` is always 0 there


@pytest.mark.parametrize("name", NAMES)
def test_a_callback_is_told_the_same_in_the_same_order_with_the_same_locals(name):
    diaries = []
    for library in (ours, sb3):
        diary = Diary()
        model_of(library, name).learn(70, callback=diary)
        diaries.append(diary)
    mine, theirs = diaries
    assert mine.events == theirs.events
    for a, b in zip(mine.values, theirs.values, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(x, y, atol=1e-5)
    missing = theirs.names["step"] - mine.names["step"] - OF_ITS_LOOP
    assert missing == set()


@pytest.mark.parametrize("name", ["PPO", "SAC"])
def test_every_form_of_callback_is_taken(name):
    seen = []
    for callback in (None, lambda local, all: seen.append(local["self"]) or True, [Diary(), Diary()], CallbackList([Diary()]), EveryNTimesteps(20, Diary())):
        assert model_of(ours, name).learn(64, callback=callback).num_timesteps == 64
    assert seen


@pytest.mark.parametrize("name", NAMES)
def test_callbacks_that_stop_training_stop_both_at_the_same_step(name):
    for make in (lambda: StopTrainingOnMaxEpisodes(2, verbose=0), lambda: EvalCallback(
        make_vec_env("Pendulum-v1" if name in ("DDPG", "TD3", "SAC") else "CartPole-v1"), eval_freq=16, n_eval_episodes=1, verbose=0, warn=False,
        callback_on_new_best=StopTrainingOnRewardThreshold(-1e9), callback_after_eval=StopTrainingOnNoModelImprovement(1),
    )):  # fmt: skip
        a, b = (model_of(library, name).learn(900, callback=make()).num_timesteps for library in (ours, sb3))
        assert a == b < 900


def test_a_function_that_returns_false_or_nothing_stops_as_in_sb3():
    assert model_of(ours, "PPO").learn(64, callback=lambda local, all: local["self"].num_timesteps < 10).num_timesteps == 10
    a, b = (model_of(library, "DQN").learn(64, callback=lambda local, all: None).num_timesteps for library in (ours, sb3))
    assert a == b


def test_checkpoints_hold_optimizers_as_they_are_at_that_step(tmp_path):
    steps = []
    for library in (ours, sb3):
        model = model_of(library, "DQN", train_freq=1)
        model.learn(64, callback=CheckpointCallback(20, tmp_path / library.__name__, save_replay_buffer=True, save_vecnormalize=True))
        loaded = library.DQN.load(tmp_path / library.__name__ / "rl_model_40_steps")
        steps.append([int(state["step"]) for state in loaded.policy.optimizer.state_dict()["state"].values()])
    assert steps[0] == steps[1] and steps[0][0] > 0


def test_the_progress_bar_runs(capsys):
    pytest.importorskip("tqdm")
    assert model_of(ours, "PPO").learn(64, progress_bar=True).num_timesteps >= 64
    assert model_of(ours, "SAC").learn(64, callback=ProgressBarCallback()).num_timesteps == 64


@pytest.mark.parametrize("name", NAMES)
def test_tensorboard_folders_are_numbered_and_hold_the_keys_that_sb3_sends_there(name, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    keys = []
    for library in (ours, sb3):
        model = model_of(library, name, tensorboard_log=str(tmp_path / library.__name__))
        model.learn(404, log_interval=1)
        model.learn(32, log_interval=1)
        model.learn(32, log_interval=1, reset_num_timesteps=False)
        model.learn(32, log_interval=1, tb_log_name="mine")
        assert sorted(path.name for path in (tmp_path / library.__name__).iterdir()) == [f"{name}_1", f"{name}_2", "mine_1"]
        events = EventAccumulator(str(tmp_path / library.__name__ / f"{name}_1"))
        events.Reload()
        keys.append(sorted(events.Tags()["scalars"]))
    assert keys[0] == keys[1] and len(keys[0]) > 5


@pytest.mark.parametrize("name", NAMES)
def test_verbose_prints_sb3s_table(name, capsys):
    tables = []
    for library in (ours, sb3):
        model_of(library, name, verbose=1, env=gym.make("Pendulum-v1" if name in ("DDPG", "TD3", "SAC") else "CartPole-v1")).learn(210, log_interval=1)
        said = capsys.readouterr().out
        assert said.startswith("Using cpu device\nWrapping the env with a `Monitor` wrapper\nWrapping the env in a DummyVecEnv.\n")
        tables.append([line.split("|")[1].strip() for line in said.splitlines() if line.startswith("|")])
    assert tables[0] == tables[1] and "total_timesteps" in tables[0]


def test_a_logger_of_ones_own_is_kept_and_its_csv_is_sb3s(tmp_path):
    headers = []
    for library in (ours, sb3):
        model = model_of(library, "PPO")
        logger = configure(str(tmp_path / library.__name__), ["csv", "json"])
        model.set_logger(logger)
        model.learn(256)
        assert model.logger is logger
        headers.append(sorted((tmp_path / library.__name__ / "progress.csv").read_text().splitlines()[0].split(",")))
    assert headers[0] == headers[1]


@pytest.mark.parametrize("name", ["PPO", "DQN"])
def test_statistics_are_over_the_last_window_of_episodes(name):
    model = model_of(ours, name, stats_window_size=3).learn(300)
    assert model.ep_info_buffer.maxlen == model.ep_success_buffer.maxlen == 3 and len(model.ep_info_buffer) == 3


def test_schedules_are_asked_with_the_progress_that_remains():
    asked = {ours: [], sb3: []}
    for library, progress in asked.items():
        model_of(library, "PPO", learning_rate=lambda left, progress=progress: progress.append(round(left, 6)) or 1e-3).learn(192)
    assert sorted(set(asked[ours])) == sorted(set(asked[sb3])) and min(asked[ours]) == 0.0


@pytest.mark.parametrize("name", ["PPO", "DQN", "SAC"])
def test_learning_twice_counts_on_or_anew_as_asked(name):
    for library in (ours, sb3):
        model = model_of(library, name).learn(64)
        assert model.learn(64, reset_num_timesteps=False).num_timesteps == 128
        assert model.learn(64).num_timesteps == 64


def test_a_distribution_and_values_can_be_asked_of_the_trained_policy():
    mine, theirs = (model_of(library, "PPO").learn(64) for library in (ours, sb3))
    obs, _ = mine.policy.obs_to_tensor(np.zeros((3, 4), np.float32))
    for ask in (lambda p: p.get_distribution(obs).distribution.logits, lambda p: p.predict_values(obs)):
        torch.testing.assert_close(ask(mine.policy), ask(theirs.policy), atol=1e-6, rtol=0)
