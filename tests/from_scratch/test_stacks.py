"""A stack of seeds in a user's own script: what SB3's users do to a model, done to several at once."""

import copy
import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3 as sb3
import torch
from stable_baselines3.common.callbacks import (
    BaseCallback,
    CheckpointCallback,
    EvalCallback,
    EveryNTimesteps,
    ProgressBarCallback,
    StopTrainingOnRewardThreshold,
)
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecNormalize
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import from_scratch as ours
from from_scratch.callbacks import StackEvalCallback

ROOT = Path(__file__).parents[2]
SMALL = {"n_steps": 16, "batch_size": 16, "n_epochs": 1, "policy_kwargs": {"net_arch": [8]}, "device": "cpu"}
OFF = {"learning_starts": 20, "buffer_size": 200, "batch_size": 16, "policy_kwargs": {"net_arch": [8]}, "device": "cpu"}


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.policy.parameters()])


def stack_of(env="CartPole-v1", seeds=(3, 5), **more):
    return ours.PPO("MlpPolicy", env, seeds=seeds, **{**SMALL, **more})


# ------------------------------------------------------------------------------------------------------------------------ as a list
def test_a_number_of_seeds_means_that_many_from_0_on():
    assert stack_of(seeds=3).seeds == stack_of(seeds=np.int64(3)).seeds == [0, 1, 2]


@pytest.mark.parametrize("seeds", [0, -1, True])
def test_no_number_of_models_is_refused(seeds):
    with pytest.raises(ValueError, match=f"seeds={seeds}: how many models to train, from 1 on"):
        stack_of(seeds=seeds)


def test_a_stack_is_a_sequence_of_its_members():
    stack = stack_of(seeds=3)
    assert len(stack) == 3 and [each.seeds for each in stack] == [[0], [1], [2]]
    assert torch.equal(weights(stack[1]), weights(stack.member(1))) and stack[-1].seeds == [2]
    with pytest.raises(IndexError, match="this model has members 0 … 2"):
        stack[3]
    with pytest.raises(TypeError, match="give the place of one seed, 0 … 2"):
        stack[0:2]


def test_one_model_is_true_and_has_itself_as_its_only_member():
    alone = ours.PPO("MlpPolicy", "CartPole-v1", seed=3, **SMALL)
    assert alone and len(alone) == 1 and torch.equal(weights(alone[0]), weights(alone))


# ------------------------------------------------------------------------------------------------------------------------ environments
def normalised(env_id="CartPole-v1", n=1):
    return VecNormalize(make_vec_env(env_id, n))


def test_a_stack_is_loaded_and_given_environments_as_its_constructor_is(tmp_path):
    stack = stack_of(n_envs=2).learn(32)
    stack.save(tmp_path / "stack")
    loaded = ours.PPO.load(tmp_path / "stack", env="CartPole-v1", device="cpu")
    given = ours.PPO.load(tmp_path / "stack", device="cpu")
    given.set_env(lambda: gym.make("CartPole-v1"))
    assert loaded.get_env().num_envs == given.get_env().num_envs == 4 and loaded.n_envs == 2
    for k in (0, 1):
        assert torch.equal(weights(loaded[k]), weights(stack[k]))
    loaded.learn(64, reset_num_timesteps=False), given.learn(64, reset_num_timesteps=False)
    assert all(torch.equal(weights(loaded[k]), weights(given[k])) for k in (0, 1)) and not torch.equal(weights(loaded[0]), weights(stack[0]))


def test_a_single_model_too_is_loaded_with_an_id_or_a_function(tmp_path):
    for seeds in ({"seed": 3}, {"seeds": [3]}):
        alone = ours.PPO("MlpPolicy", "CartPole-v1", n_envs=2, **seeds, **SMALL).learn(32)
        alone.save(tmp_path / "alone")
        ends = []
        for env in ("CartPole-v1", lambda: gym.make("CartPole-v1")):
            loaded = ours.PPO.load(tmp_path / "alone", env=env, device="cpu")
            assert loaded.get_env().num_envs == 2
            ends.append(weights(loaded.learn(32)))
            loaded.set_env(env)
            loaded.learn(32)
        assert torch.equal(*ends)


def test_an_open_file_is_loaded_with_environments_too():
    stack, file = stack_of(), io.BytesIO()
    stack.save(file)
    loaded = ours.PPO.load(file, env="CartPole-v1", device="cpu")
    assert loaded.get_env().num_envs == 2 and torch.equal(weights(loaded[1]), weights(stack[1]))


def test_one_environment_for_all_seeds_is_refused_where_it_is_given(tmp_path):
    stack = stack_of()
    stack.save(tmp_path / "stack")
    said = r"^seeds=\[3, 5\] need an environment each, and (DummyVecEnv|VecNormalize|CartPoleEnv) is one for all: give an id or a factory"
    for env in (make_vec_env("CartPole-v1", 2), normalised(n=2), gym.make("CartPole-v1").unwrapped):
        with pytest.raises(ValueError, match=said):
            ours.PPO.load(tmp_path / "stack", env=env)
        with pytest.raises(ValueError, match=said):
            stack.set_env(env)
    with pytest.raises(ValueError, match=r"and the environments of 3 seeds"):
        stack.set_env(stack_of(seeds=3).get_env())
    stack[0].save(tmp_path / "alone")
    with pytest.raises(ValueError, match=r"holds the environments of 2 seeds, and the model has one: give it env.of_seed\(k\)"):
        ours.PPO.load(tmp_path / "alone", env=stack.get_env())


def test_every_seed_s_normaliser_comes_back_with_the_stack(tmp_path):
    stack = stack_of(normalised).learn(64)
    stack.save(tmp_path / "stack")
    before = [each.obs_rms.mean for each in stack.get_vec_normalize_env()]
    assert not np.allclose(*before)
    bare = ours.PPO.load(tmp_path / "stack", device="cpu")
    bare.save(tmp_path / "again")  # without environments they are kept
    for file in ("stack", "again"):
        loaded = ours.PPO.load(tmp_path / file, env=normalised, device="cpu")
        for k in (0, 1):
            np.testing.assert_array_equal(loaded[k].get_vec_normalize_env().obs_rms.mean, before[k])
            np.testing.assert_array_equal(bare.get_vec_normalize_env()[k].obs_rms.mean, before[k])
    bare.set_env(normalised)
    np.testing.assert_array_equal(bare[1].get_vec_normalize_env().obs_rms.mean, before[1])
    with pytest.raises(ValueError, match="2 seeds were trained with VecNormalize, and these environments have none"):
        ours.PPO.load(tmp_path / "stack", env="CartPole-v1")


def test_checkpoints_keep_every_seed_s_normaliser(tmp_path):
    stack = stack_of(normalised).learn(32, callback=CheckpointCallback(32, tmp_path, save_vecnormalize=True))
    other = stack_of(normalised)
    other.get_vec_normalize_env().load(tmp_path / "rl_model_vecnormalize_32_steps.pkl")
    for mine, theirs in zip(other.get_vec_normalize_env(), stack.get_vec_normalize_env(), strict=True):
        np.testing.assert_array_equal(mine.obs_rms.mean, theirs.obs_rms.mean)
        np.testing.assert_array_equal(mine.ret_rms.var, theirs.ret_rms.var)
    with pytest.raises(ValueError, match="the normalisers of 2 seeds, and this stack has 3"):
        stack_of(normalised, seeds=3).get_vec_normalize_env().load(tmp_path / "rl_model_vecnormalize_32_steps.pkl")
    with pytest.raises(AttributeError, match=r"A stack has a VecNormalize for each of its 2 seeds: ask one, as in .*\[k\]\.normalize_obs"):
        stack.get_vec_normalize_env().normalize_obs(np.zeros((2, 4)))
    assert stack_of().get_vec_normalize_env() is None


def test_a_stack_of_one_environment_a_seed_is_loaded_with_environments(tmp_path):
    stack = ours.QLearning("TabularPolicy", "FrozenLake-v1", seeds=2).learn(50)
    stack.save(tmp_path / "stack")
    loaded = ours.QLearning.load(tmp_path / "stack", env="FrozenLake-v1").learn(50, reset_num_timesteps=False)
    assert loaded.seeds == [0, 1] and loaded.num_timesteps == 100 and loaded.get_env().num_envs == 2


# ------------------------------------------------------------------------------------------------------------------------ a function's wishes
def test_a_function_is_told_the_seed_and_the_index_that_it_asks_for():
    asked = []

    def make(index, seed):
        asked.append((seed, index))
        return gym.make("CartPole-v1")

    stack_of(make, n_envs=2)
    assert asked == [(3, 0), (3, 1), (5, 2), (5, 3)]
    asked.clear()
    ours.PPO("MlpPolicy", make, seed=7, n_envs=2, **SMALL)
    assert asked == [(7, 0), (7, 1)]


def test_what_a_function_has_a_default_for_it_is_not_told():
    seen = []

    def make(seed=None):
        seen.append(seed)
        return gym.make("CartPole-v1")

    stack_of(make)
    assert seen == [None, None]


def test_a_function_of_vectors_is_told_the_number_of_the_seed():
    asked = []

    def make(index):
        asked.append(index)
        return make_vec_env("CartPole-v1", 3)

    stack_of(make)
    assert asked == [0, 1]


def test_monitor_files_of_seeds_stay_apart(tmp_path):
    stack = stack_of(lambda seed: Monitor(gym.make("CartPole-v1"), str(tmp_path / f"seed_{seed}"))).learn(64)
    for k, seed in enumerate((3, 5)):
        lines = (tmp_path / f"seed_{seed}.monitor.csv").read_text().splitlines()[2:]
        assert [int(line.split(",")[1]) for line in lines] == [episode["l"] for episode in stack.ep_info_buffers[k]]


# ------------------------------------------------------------------------------------------------------------------------ SB3's attributes
def test_ep_info_buffer_holds_the_last_episodes_of_all_seeds(tmp_path):
    best = []

    class SavesTheBest(BaseCallback):  # as in many a tutorial
        def _on_step(self):
            if len(self.model.ep_info_buffer) > 0 and len(self.model.ep_info_buffer[0]) > 0:
                best.append(np.mean([episode["r"] for episode in self.model.ep_info_buffer]))
            return True

    stack = stack_of(stats_window_size=3).learn(160, callback=SavesTheBest())
    assert all(len(buffer) == 3 for buffer in stack.ep_info_buffers) and len(stack.ep_info_buffer) == stack.ep_info_buffer.maxlen == 6
    assert best[-1] == np.mean([episode["r"] for buffer in stack.ep_info_buffers for episode in buffer])
    stack.save(tmp_path / "stack")
    for other in (ours.PPO.load(tmp_path / "stack", device="cpu"), copy.deepcopy(stack)):
        assert list(other.ep_info_buffer) == list(stack.ep_info_buffer) and other.ep_info_buffer[-1] is other.ep_info_buffers[1][-1]


# ------------------------------------------------------------------------------------------------------------------------ evaluation
def test_each_seed_is_evaluated_as_sb3_evaluates_its_model_alone(tmp_path):
    watched = StackEvalCallback(normalised, n_eval_episodes=2, eval_freq=20, log_path=tmp_path, best_model_save_path=tmp_path, verbose=0)
    stack = stack_of(normalised).learn(64, callback=watched)
    for k, seed in enumerate((3, 5)):
        env = normalised()
        env.training = env.norm_reward = False
        env.seed(seed)
        alone = EvalCallback(env, n_eval_episodes=2, eval_freq=20, log_path=tmp_path / f"alone_{k}", best_model_save_path=tmp_path / f"alone_{k}", verbose=0)
        model = ours.PPO("MlpPolicy", normalised, seeds=[seed], **SMALL).learn(64, callback=alone)
        assert torch.equal(weights(model), weights(stack[k]))
        theirs, mine = np.load(tmp_path / f"alone_{k}" / "evaluations.npz"), np.load(tmp_path / f"seed_{seed}" / "evaluations.npz")
        assert theirs.files == mine.files and all(np.array_equal(theirs[name], mine[name]) for name in theirs.files)
        best, of_stack = ours.PPO.load(tmp_path / f"alone_{k}" / "best_model"), sb3.PPO.load(tmp_path / f"seed_{seed}" / "best_model")
        assert torch.equal(weights(best), weights(of_stack)) and best.num_timesteps == of_stack.num_timesteps
        assert watched.best_scores[k] == alone.best_mean_reward and watched.scores[k] == alone.last_mean_reward
        assert VecNormalize.load(str(tmp_path / f"seed_{seed}" / "vecnormalize.pkl"), make_vec_env("CartPole-v1")).obs_rms.count > 16
    assert watched.best_seed == (3, 5)[int(np.argmax(watched.best_scores))]
    assert watched.last_mean_reward == watched.scores.mean()


@pytest.mark.parametrize("score, number", [("mean", 26.5), ("iqm", 2.5), (np.max, 100.0)])
def test_the_one_number_is_the_mean_over_seeds_or_what_is_asked_for(score, number):
    assert StackEvalCallback("CartPole-v1", score=score).score(np.array([100.0, 1.0, 2.0, 3.0])) == number


def test_sb3_s_callbacks_inside_of_it_read_the_one_number():
    stops = StackEvalCallback("CartPole-v1", StopTrainingOnRewardThreshold(1.0), n_eval_episodes=1, eval_freq=20, verbose=0)
    assert stack_of().learn(64, callback=stops).num_timesteps == 20
    assert stops.best_mean_reward == stops.last_mean_reward > 1


def test_it_evaluates_one_model_as_well():
    watched = StackEvalCallback("CartPole-v1", n_eval_episodes=1, eval_freq=20, verbose=0)
    ours.PPO("MlpPolicy", "CartPole-v1", seed=3, **SMALL).learn(32, callback=watched)
    assert watched.best_seed == 3 and watched.scores.shape == (1,)


@pytest.mark.parametrize("name", ["QLearning", "DQN"])
def test_every_family_is_evaluated_by_seeds(name):
    watched = StackEvalCallback("FrozenLake-v1", n_eval_episodes=2, eval_freq=20, verbose=0)
    model = ours.QLearning("TabularPolicy", "FrozenLake-v1", seeds=3) if name == "QLearning" else ours.DQN("MlpPolicy", "FrozenLake-v1", seeds=3, **OFF)
    model.learn(40, callback=watched)
    assert watched.scores.shape == (3,) and watched.evaluations_timesteps == [20, 40]


def test_what_cannot_evaluate_a_stack_says_the_way_out():
    with pytest.raises(ValueError, match="EvalCallback evaluates one model, and this one trains 2 seeds: use StackEvalCallback, from from_scratch"):
        stack_of().learn(32, callback=[EveryNTimesteps(5, EvalCallback(make_vec_env("CartPole-v1")))])
    with pytest.raises(ValueError, match="1 observation for 2 seeds: give a multiple, seed after seed, or ask each, as in for each in model"):
        evaluate_policy(stack_of(), make_vec_env("CartPole-v1"))
    with pytest.raises(ValueError, match=r"Training normalises \(VecNormalize\) and evaluation would not"):
        stack_of(normalised).learn(32, callback=StackEvalCallback("CartPole-v1"))
    with pytest.raises(ValueError, match="give an id or a function that makes one, not DummyVecEnv"):
        StackEvalCallback(make_vec_env("CartPole-v1"))
    with pytest.raises(ValueError, match="score='median': give one of 'mean', 'iqm', or a function"):
        StackEvalCallback("CartPole-v1", score="median")
    with pytest.raises(ValueError, match="There is no best seed before the first evaluation"):
        StackEvalCallback("CartPole-v1").best_seed  # noqa: B018


def test_evaluate_policy_scores_all_seeds_where_each_has_a_lane():
    stack = stack_of().learn(64)
    together = evaluate_policy(stack, make_vec_env("CartPole-v1", 2, seed=0), n_eval_episodes=2, return_episode_rewards=True)[0]
    each = [evaluate_policy(model, make_vec_env("CartPole-v1", seed=k), n_eval_episodes=1)[0] for k, model in enumerate(stack)]
    assert sorted(together) == sorted(each)


# ------------------------------------------------------------------------------------------------------------------------ logs
def scalars(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return {tag: [event.value for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}


def test_tensorboard_has_a_run_for_each_seed_and_the_mean_with_its_band(tmp_path):
    stack = stack_of(tensorboard_log=str(tmp_path)).learn(64)
    mean, low, high, *each = (scalars(tmp_path / "PPO_1" / name) for name in (".", "band_low", "band_high", "seed_3", "seed_5"))
    assert not [tag for tag in mean if "@" in tag]
    assert mean.keys() > low.keys() == high.keys() == each[0].keys() == each[1].keys() >= {"rollout/ep_rew_mean", "train/loss"}
    assert "time/fps" in mean and "time/fps" not in each[0]
    for k in (0, 1):
        np.testing.assert_allclose(each[k]["rollout/ep_rew_mean"][-1], np.mean([episode["r"] for episode in stack.ep_info_buffers[k]]))
    for tag in each[0]:
        values = np.array([each[0][tag], each[1][tag]])
        np.testing.assert_allclose(mean[tag], values.mean(0), rtol=1e-5)
        np.testing.assert_allclose(np.subtract(high[tag], low[tag]), 2 * values.std(0, ddof=1), rtol=1e-3, atol=1e-5)


def test_a_stack_prints_its_mean(capsys):
    stack = stack_of(verbose=1).learn(64)
    printed = capsys.readouterr().out
    shown = float(re.findall(r"ep_rew_mean +\| ([\d.]+)", printed)[-1])
    assert shown == pytest.approx(np.mean([np.mean([episode["r"] for episode in buffer]) for buffer in stack.ep_info_buffers]), rel=1e-2)
    assert "@" not in printed


@pytest.mark.filterwarnings("ignore:rich is experimental")
@pytest.mark.parametrize("given", [{"progress_bar": True}, {"callback": ProgressBarCallback()}], ids=["argument", "callback"])
def test_the_progress_bar_of_a_stack_ends_at_its_budget(given, monkeypatch):
    ends = []
    close = ProgressBarCallback._on_training_end
    monkeypatch.setattr(ProgressBarCallback, "_on_training_end", lambda self: (ends.append((self.pbar.n, self.pbar.total)), close(self)))
    stack_of(n_envs=2).learn(64, **given)
    stack_of(n_envs=2).learn(40, **given)  # a rollout ends after 64
    assert ends == [(64, 64), (40, 40)]


# ------------------------------------------------------------------------------------------------------------------------ files
def test_sb3_is_told_what_a_stack_s_file_is_and_opens_a_member_s(tmp_path, recwarn):
    stack = stack_of()
    stack.save(tmp_path / "stack")
    loaded = ours.PPO.load(tmp_path / "stack")
    assert not recwarn.list and not hasattr(loaded, "about_this_file")
    said = r"This file holds a stack of 2 seeds \(3, 5\), .*: use PPO.load of from_scratch, and model\[k\].save\(path\)"
    with pytest.warns(UserWarning, match=said), pytest.raises(KeyError):
        sb3.PPO.load(tmp_path / "stack")
    stack[1].save(tmp_path / "member")
    assert torch.equal(weights(sb3.PPO.load(tmp_path / "member")), weights(stack[1]))


# ------------------------------------------------------------------------------------------------------------------------ from end to end
TRAINS = """
import os, signal, sys
import gymnasium as gym
from stable_baselines3.common.callbacks import CheckpointCallback, BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
import from_scratch as ours
from from_scratch.callbacks import StackEvalCallback

def make(folder, seed):
    return VecNormalize(DummyVecEnv([lambda: Monitor(gym.make("CartPole-v1"), f"{folder}/seed_{seed}")]))

class Killed(BaseCallback):
    def _on_step(self):
        if self.num_timesteps == 100:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

def train(folder, seeds):
    stack = ours.PPO("MlpPolicy", lambda seed: make(folder, seed), seeds=seeds, n_steps=16, batch_size=16, policy_kwargs={"net_arch": [8]}, device="cpu")
    scores = StackEvalCallback(lambda seed: make(f"{folder}/scoring", seed), n_eval_episodes=2, eval_freq=32, log_path=folder, verbose=0)
    stack.learn(160, callback=[scores, CheckpointCallback(64, folder, save_vecnormalize=True), Killed()])

if __name__ == "__main__":
    train(sys.argv[1], [int(seed) for seed in sys.argv[2:]])
"""


@pytest.mark.slow
def test_a_user_s_stack_that_was_killed_goes_on_to_the_same_numbers_as_single_runs(tmp_path):
    """Of three seeds, for each single run is a process that is killed, and there is nothing about ten that three do not show."""
    (tmp_path / "trains.py").write_text(TRAINS)
    names = {"__name__": "trains"}
    exec(compile(TRAINS, "trains.py", "exec"), names)
    ends = {}
    for seeds in ((3, 5, 7), (3,), (5,), (7,)):
        folder = tmp_path / "_".join(map(str, seeds))
        (folder / "scoring").mkdir(parents=True)
        killed = subprocess.run([sys.executable, tmp_path / "trains.py", folder, *map(str, seeds)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert killed.returncode == -signal.SIGKILL

        def continued(seed, folder=folder):
            return names["make"](folder / "continued", seed)

        (folder / "continued").mkdir()
        if len(seeds) > 1:
            model = ours.PPO.load(folder / "rl_model_64_steps", env=continued, device="cpu")
        else:  # as SB3's users do it
            env = VecNormalize.load(str(folder / "rl_model_vecnormalize_64_steps.pkl"), continued(seeds[0]).venv)
            model = ours.PPO.load(folder / "rl_model_64_steps", env=env, device="cpu")
        model.learn(64, reset_num_timesteps=False)
        assert model.num_timesteps == 128
        for each, seed in zip(model, seeds, strict=True):
            curve = np.load(folder / f"seed_{seed}" / "evaluations.npz")
            assert curve["timesteps"].tolist() == [32, 64, 96]
            episodes = [[line.split(",")[:2] for line in path.read_text().splitlines()[2:]]
                        for path in (folder / f"seed_{seed}.monitor.csv", folder / "continued" / f"seed_{seed}.monitor.csv")]  # fmt: skip
            assert all(episodes)
            normalizer = each.get_vec_normalize_env()
            ends[seeds, seed] = [weights(each).numpy(), normalizer.obs_rms.mean, normalizer.ret_rms.var, curve["results"], *episodes]
    for seed in (3, 5, 7):
        for of_stack, alone in zip(ends[(3, 5, 7), seed], ends[(seed,), seed], strict=True):
            np.testing.assert_array_equal(of_stack, alone)
    assert not np.array_equal(ends[(3, 5, 7), 3][0], ends[(3, 5, 7), 5][0])
