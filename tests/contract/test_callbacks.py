"""What is seen of training: callbacks with SB3's events and names, a logger with SB3's keys, and SB3's own tools, whatever the loop."""

import numpy as np
import pytest
from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback, EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import KVWriter, Logger

from tests.contract.probes import STEPS, assert_same_state, env_for, every, make, train

AT_START = {"self", "total_timesteps", "callback", "log_interval", "tb_log_name", "reset_num_timesteps", "progress_bar"}
OF_A_STEP = {"self", "callback", "actions", "new_obs", "rewards", "dones", "infos"}
OF_ITS_LOOP = {  # what SB3's loop of that kind has beside these
    "on_policy": {"env", "rollout_buffer", "n_rollout_steps", "n_steps", "obs_tensor", "values", "log_probs", "clipped_actions"},
    "replay": {"env", "replay_buffer", "train_freq", "action_noise", "learning_starts", "log_interval", "buffer_actions", "num_collected_steps",
               "num_collected_episodes"},
}  # fmt: skip
LOGGED = {"time/fps", "time/time_elapsed", "time/total_timesteps"}
EPISODES = {"rollout/ep_rew_mean", "rollout/ep_len_mean"}
BY_ITS_LOOP = {
    "stepwise": {"time/episodes", *EPISODES},
    "none": {"time/episodes", *EPISODES},
    "episodes": EPISODES,
    "on_policy": {"time/iterations", "train/learning_rate", "train/n_updates", "train/value_loss", "train/explained_variance", *EPISODES},
    "rollouts": {"time/iterations", "rollout/exploration_rate", "train/learning_rate", "train/n_updates", "train/loss", *EPISODES},
    "replay": {"time/episodes", "train/learning_rate", "train/n_updates", *EPISODES},
    "planning": {"time/iterations"},
    "dataset": {"train/learning_rate", "train/n_updates"},
    "population": {"train/iterations", "rollout/return_std", *EPISODES},
}
STEPWISE = {"where": lambda entry: entry.unit == "steps"}
PLANNING = {"where": lambda entry: entry.unit != "steps"}


class Diary(BaseCallback):
    """The events of a training, each with the model's time, and the names in `locals` at each."""

    def __init__(self, most=10**9):
        super().__init__()
        self.events, self.names, self.steps, self.most = [], {}, [], most

    def note(self, event):
        self.events.append((event, self.num_timesteps))
        self.names.setdefault(event, set(self.locals))

    def _on_training_start(self):
        self.note("training start")

    def _on_rollout_start(self):
        self.note("rollout start")

    def _on_step(self):
        self.note("step")
        self.steps.append({name: self.locals[name] for name in OF_A_STEP & set(self.locals)})
        return self.n_calls < self.most

    def _on_rollout_end(self):
        self.note("rollout end")

    def _on_training_end(self):
        self.note("training end")


@every(**STEPWISE)
def test_a_callback_is_told_of_every_step_and_what_it_brought(entry):
    model, diary = make(entry, seeds=[3]), Diary()
    train(model, callback=diary)

    assert diary.n_calls == model.num_timesteps == len(diary.steps)
    assert [time for event, time in diary.events if event == "step"] == list(range(1, model.num_timesteps + 1))
    assert diary.names["training start"] >= AT_START
    assert diary.names["step"] >= OF_A_STEP | OF_ITS_LOOP.get(entry.loop, set())
    for step in diary.steps:
        assert step["self"] is model and step["new_obs"].shape == (1, *model.observation_space.shape)
        assert step["rewards"].shape == step["dones"].shape == (1,) and len(step["infos"]) == 1
    assert any(step["dones"][0] for step in diary.steps) and any("episode" in step["infos"][0] for step in diary.steps)


@every(**STEPWISE)
def test_steps_lie_within_rollouts_and_rollouts_within_training(entry):
    diary = Diary()
    train(make(entry, seeds=[3]), callback=diary)
    first, *within, last = [event for event, _ in diary.events]
    assert (first, last) == ("training start", "training end")
    rollouts = " ".join(within).split("rollout end")
    assert rollouts.pop() == "" and rollouts
    assert all(rollout.split() == ["rollout", "start", *["step"] * rollout.count("step")] for rollout in rollouts)


@every(**PLANNING)
def test_a_planner_s_callback_is_told_of_every_sweep_or_backup(entry):
    model, diary = make(entry, seeds=[3]), Diary()
    train(model, callback=diary)

    events, times = [event for event, _ in diary.events], [time for event, time in diary.events if event == "step"]
    assert events == ["training start", *["step"] * diary.n_calls, "training end"]
    assert times[0] > 0 and times[-1] == model.num_timesteps and (np.diff(times) > 0).all()
    assert diary.names["training start"] >= AT_START and "self" in diary.names["step"]


@every()
def test_a_callback_that_returns_false_stops_training_at_once(entry):
    diary = Diary(most=1 if entry.unit == "backups" else 7)
    model = train(make(entry, seeds=[3]), 10_000, callback=diary)
    assert diary.n_calls == diary.most
    assert model.num_timesteps == 7 or entry.unit == "backups"
    train(model)  # and it may go on


@every()
def test_a_callback_that_only_looks_changes_nothing(entry):
    watched, alone = train(make(entry, seeds=[3]), callback=Diary()), train(make(entry, seeds=[3]))
    assert_same_state(watched, alone)


class Lines(KVWriter):
    """Keeps what was logged."""

    def __init__(self):
        self.lines = []

    def write(self, key_values, key_excluded, step=0):
        self.lines.append((step, dict(key_values)))


def logged(entry, **more):
    lines, model = Lines(), make(entry, **more)
    model.set_logger(Logger(None, [lines]))
    if entry.unit == "backups":
        model.learn(STEPS, log_interval=1)
    else:
        model.learn(2 * STEPS, log_interval=1)
    return model, lines.lines


@every()
def test_its_log_has_sb3_s_keys_for_its_loop_and_finite_numbers(entry):
    model, lines = logged(entry, seeds=[3])
    keys, known = {key for _, line in lines for key in line}, type(model).hyperparameters
    assert keys >= LOGGED | BY_ITS_LOOP[entry.loop]
    assert "exploration_initial_eps" not in known or "rollout/exploration_rate" in keys
    assert [step for step, _ in lines] == [line["time/total_timesteps"] for _, line in lines] == sorted(step for step, _ in lines)
    assert np.isfinite([value for _, line in lines for value in line.values() if isinstance(value, float)]).all()


@every(where=lambda entry: entry.lockstep)
def test_a_stack_logs_each_seed_under_its_own_name(entry):
    _, lines = logged(entry, seeds=[3, 5])
    of_seeds = [{key.partition("@")[0] for _, line in lines for key in line if key.endswith(f"@{seed}")} for seed in (3, 5)]
    assert of_seeds[0] == of_seeds[1]
    assert of_seeds[0] >= (EPISODES if entry.unit == "steps" else set())
    assert not of_seeds[0] & {key for _, line in lines for key in line}


@every(one_of=3)
def test_sb3_s_callbacks_evaluate_it_and_keep_the_best_and_checkpoints_of_it(entry, tmp_path):
    every_n = 1 if entry.unit == "backups" else 20
    scoring = EvalCallback(make_vec_env(env_for(entry)), n_eval_episodes=1, eval_freq=every_n, log_path=tmp_path, best_model_save_path=tmp_path, verbose=0)
    model = train(make(entry, seeds=[3]), callback=[scoring, CheckpointCallback(every_n, tmp_path, save_replay_buffer=True)])
    times = np.load(tmp_path / "evaluations.npz")["timesteps"]
    assert len(times) == model.num_timesteps // 20 or entry.unit == "backups"
    for name, time in [("best_model", None), *((f"rl_model_{time}_steps", time) for time in times[:2])]:
        loaded = type(model).load(tmp_path / name, device="cpu")
        assert loaded.num_timesteps == time or time is None
    assert (tmp_path / f"rl_model_replay_buffer_{times[0]}_steps.pkl").exists() == hasattr(model, "save_replay_buffer")


@pytest.mark.filterwarnings("ignore:rich is experimental")
@every()
def test_a_progress_bar_is_drawn(entry, capsys):
    train(make(entry, seeds=[3]), progress_bar=True)
    drawn = capsys.readouterr()
    assert f"/{STEPS}" in drawn.out + drawn.err


@every()
def test_tensorboard_finds_each_run_in_a_folder_of_its_class(entry, tmp_path):
    model = make(entry, seeds=[3], tensorboard_log=str(tmp_path))
    for _ in range(2):
        train(model, reset_num_timesteps=True, log_interval=1)
    folders = sorted(path.name for path in tmp_path.iterdir())
    assert folders == [f"{entry.class_name}_1", f"{entry.class_name}_2"]
    assert all(len(list((tmp_path / folder).glob("events.out.tfevents.*"))) == 1 for folder in folders)
