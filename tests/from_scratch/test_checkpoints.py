"""Checkpoints are complete: a model lies beside the statistics that it acts by, each file is whole or not there, and what was scored is what is loaded."""

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3 as sb3
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit
from stable_baselines3.common import callbacks as theirs
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

import from_scratch as ours
from from_scratch.callbacks import CheckpointCallback, EvalCallback, StackEvalCallback
from from_scratch.core.files import load_vec_normalize

PPO = {"n_steps": 8, "batch_size": 8, "n_epochs": 1, "policy_kwargs": {"net_arch": [4]}, "device": "cpu"}
SAC = {"learning_starts": 8, "buffer_size": 50, "batch_size": 4, "policy_kwargs": {"net_arch": [4]}, "device": "cpu"}


class Thermometer(gym.Env):
    """It reads 20 and rises by one a step; the reward is the action. So every episode is the same, and what a policy does depends on how 20 is normalised."""

    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = np.array([20], np.float32)
        return self.x.copy(), {}

    def step(self, action):
        self.x += 1
        return self.x.copy(), float(action[0]), False, False, {}


def env():
    return DummyVecEnv([lambda: Monitor(TimeLimit(Thermometer(), 5))])


def normalised(**more):
    return VecNormalize(env(), **more)


def trained(folder, callback_of=EvalCallback, library=ours, steps=48, **more):
    places = {"log_path": str(folder), "best_model_save_path": str(folder), "verbose": 0}
    scoring = callback_of(normalised(training=callback_of is EvalCallback), n_eval_episodes=1, eval_freq=8, **places, **more)
    return library.PPO("MlpPolicy", normalised(), seed=1, **PPO).learn(steps, callback=scoring), scoring


def score(folder, load=ours.PPO.load):
    """Of the best model in a folder, with the statistics beside it."""
    env_of_best = load_vec_normalize(folder / "vecnormalize.pkl", env())
    env_of_best.training = env_of_best.norm_reward = False
    return evaluate_policy(load(folder / "best_model", device="cpu"), env_of_best, n_eval_episodes=1)[0]


@pytest.mark.parametrize("library", [ours, sb3], ids=["ours", "sb3"])
def test_the_best_model_with_its_statistics_scores_as_it_did(library, tmp_path):
    _, scoring = trained(tmp_path, library=library)
    results = np.load(tmp_path / "evaluations.npz")["results"].mean(1)
    assert len(set(results.tolist())) == 6 and scoring.best_mean_reward == results.max()
    assert score(tmp_path, library.PPO.load) == pytest.approx(results.max(), abs=1e-12)


def test_with_the_statistics_of_a_later_moment_it_would_not(tmp_path):
    model, scoring = trained(tmp_path, steps=8)
    model.learn(40, reset_num_timesteps=False).get_vec_normalize_env().save(str(tmp_path / "vecnormalize.pkl"))
    assert score(tmp_path) != pytest.approx(scoring.best_mean_reward, abs=1e-3)


def test_the_best_model_of_every_seed_of_a_stack_scores_as_it_did(tmp_path):
    scoring = StackEvalCallback(normalised, n_eval_episodes=1, eval_freq=8, log_path=tmp_path, best_model_save_path=tmp_path, verbose=0)
    ours.PPO("MlpPolicy", normalised, seeds=[3, 5], **PPO).learn(48, callback=scoring)
    for k, seed in enumerate((3, 5)):
        assert score(tmp_path / f"seed_{seed}") == pytest.approx(scoring.best_scores[k], abs=1e-12)
        assert np.load(tmp_path / f"seed_{seed}" / "evaluations.npz")["results"].max() == scoring.best_scores[k]


def test_evaluation_is_sb3s_in_an_environment_that_gathers_no_statistics(tmp_path):
    for name, kind in (("mine", EvalCallback), ("theirs", theirs.EvalCallback)):  # whose environment says training=False
        (tmp_path / name).mkdir()
        model, scoring = trained(tmp_path / name, kind)
        assert scoring.eval_env.obs_rms.count == model.get_vec_normalize_env().obs_rms.count
    mine, others = (np.load(tmp_path / name / "evaluations.npz") for name in ("mine", "theirs"))
    assert all(np.array_equal(mine[name], others[name]) for name in ("timesteps", "results", "ep_lengths"))


def test_evaluation_without_normalisation_is_refused_where_training_has_it():
    model = ours.PPO("MlpPolicy", normalised(), **PPO)
    with pytest.warns(UserWarning, match="not of the same type"), pytest.raises(ValueError, match="evaluation would not: let eval_env be"):
        model.learn(8, callback=EvalCallback(env(), eval_freq=8))


def test_callbacks_of_the_best_find_its_files_and_may_stop_training(tmp_path):
    found = []

    class Stop(theirs.BaseCallback):
        def _on_step(self):
            found.extend(sorted(path.name for path in tmp_path.iterdir()))
            return False

    model, scoring = trained(tmp_path, callback_on_new_best=Stop())
    assert found == ["best_model.zip", "evaluations.npz", "vecnormalize.pkl"] and model.num_timesteps == 8
    assert scoring.best_model_save_path == str(tmp_path) and isinstance(scoring.callback_on_new_best, Stop)


# ------------------------------------------------------------------------- of memories: SB3 calls callbacks before it stores the step they see
def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_checkpoints_have_sb3s_names_and_statistics_without_being_asked(tmp_path):
    for name, checkpoint in (("mine", CheckpointCallback(10, str(tmp_path / "mine"), save_replay_buffer=True)),
                             ("theirs", theirs.CheckpointCallback(10, str(tmp_path / "theirs"), save_replay_buffer=True, save_vecnormalize=True))):  # fmt: skip
        ours.SAC("MlpPolicy", normalised(), seed=0, **SAC).learn(20, callback=checkpoint)
        assert len(names(tmp_path / name)) == 6
    assert names(tmp_path / "mine") == names(tmp_path / "theirs")
    loaded = ours.SAC.load(tmp_path / "mine" / "rl_model_20_steps", env=load_vec_normalize(tmp_path / "mine" / "rl_model_vecnormalize_20_steps.pkl", env()))
    loaded.load_replay_buffer(tmp_path / "mine" / "rl_model_replay_buffer_20_steps")
    assert loaded.replay_buffer.size() == 19 and loaded.get_vec_normalize_env().obs_rms.count > 20


def test_a_stack_s_checkpoint_holds_the_statistics_and_memories_of_all(tmp_path):
    stack = ours.SAC("MlpPolicy", normalised, seeds=[3, 5], **SAC)
    stack.learn(16, callback=CheckpointCallback(16, str(tmp_path), save_replay_buffer=True))
    loaded = ours.SAC.load(tmp_path / "rl_model_16_steps", env=normalised, device="cpu")
    loaded.load_replay_buffer(tmp_path / "rl_model_replay_buffer_16_steps")
    loaded.get_vec_normalize_env().load(tmp_path / "rl_model_vecnormalize_16_steps.pkl")
    assert [buffer.size() for buffer in loaded.replay_buffers] == [15, 15]
    assert [each.obs_rms.count for each in loaded.get_vec_normalize_env()] == [each.obs_rms.count for each in stack.get_vec_normalize_env()]


def test_the_best_model_s_memory_is_kept_if_asked(tmp_path):
    scoring = EvalCallback(normalised(), n_eval_episodes=1, eval_freq=10, best_model_save_path=str(tmp_path), save_replay_buffer=True, verbose=0)
    model = ours.SAC("MlpPolicy", normalised(), seed=0, **SAC).learn(10, callback=scoring)
    model.load_replay_buffer(tmp_path / "replay_buffer.pkl")
    assert model.replay_buffer.size() == 9


def test_a_checkpoint_that_is_interrupted_leaves_the_one_before_whole(tmp_path, monkeypatch):
    trained(tmp_path, steps=8)
    before = (tmp_path / "best_model.zip").read_bytes()

    def half(self, file, *args):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(ours.PPO, "save", half)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, steps=8)
    assert (tmp_path / "best_model.zip").read_bytes() == before
    assert names(tmp_path) == ["best_model.zip", "evaluations.npz", "vecnormalize.pkl"]


def test_callbacks_of_ours_look_at_no_step():
    """So they do not slow training down; a subclass may look."""
    assert CheckpointCallback(1, "x").needs_no_values and EvalCallback(env()).needs_no_values
    assert not type("Own", (CheckpointCallback,), {})(1, "x").needs_no_values
