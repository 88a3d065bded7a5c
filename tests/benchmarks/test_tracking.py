"""A study's mirror: every run in the tracker once, with the store's numbers; and whatever becomes of a tracker, runs and store stay as they are.

TensorBoard's files always; the others where their packages are (the extra track).
"""

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import yaml
from stable_baselines3 import PPO as TheirPPO
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmarks import UserError
from benchmarks.reproduction import archive, publish
from benchmarks.running import launchers
from benchmarks.running.carry_out import Reporter, carry_out
from benchmarks.store import readers, wandb_files
from benchmarks.store.store import Store
from benchmarks.studies import plan, study
from benchmarks.tracking import mirror as mirrors
from benchmarks.tracking import to_mlflow, to_tensorboard
from benchmarks.tracking.live import TrackingCallback
from benchmarks.tracking.mirror import Following, Mirror, said
from benchmarks.tracking.tracker import Card, Tolerant, Tracked, Tracker, flat, group_name, trackers, without_secrets
from from_scratch import PPO
from sb3_course import cli, tracked

SMALL = ["protocol.eval_points=3", "protocol.eval_episodes=2", "statistics.reps=200"]
PLACE = Path("q_learning-sarsa-on-FrozenLake-v1/q_learning/FrozenLake-v1")  # of q_learning's runs, in a folder of TensorBoard's
SECRET, URI = "hunter2", "mlflow:http://bob:hunter2@127.0.0.1:9/?token=hunter2"

needs = {
    name: pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"needs {name}, of the extra track") for name in ("wandb", "trackio", "mlflow")
}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Two algorithms, two seeds, trained here in a second."""
    resolved = plan.pinned(study.adhoc(["q_learning", "sarsa"], ["FrozenLake-v1"], seeds=2, steps=300, overrides=SMALL), command="sb3-course compare ...")
    store = Store(tmp_path_factory.mktemp("original") / "lake")
    store.save_study(resolved)
    launchers.launch(plan.group([run for _, run in store.planned()], 1), store, {"name": "inprocess"})
    return store


@pytest.fixture
def store(original, tmp_path):
    return Store(shutil.copytree(original.path, tmp_path / "lake"))


@pytest.fixture(autouse=True)
def nobody_is_logged_in(tmp_path, monkeypatch):
    """And wandb looks for settings nowhere but here."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT", "WANDB_ENTITY", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))


class Memory(Tracker):
    """A tracker that remembers; one that fails does so at its n-th call. What it has of a run is whole or not."""

    kind = "memory"

    def __init__(self, name="memory", fails_at=None, raises=None):
        self.place, self.fails_at, self.raises = name, fails_at, raises or ConnectionError("no route to http://bob:hunter2@tracker")
        self.calls, self.runs, self.whole, self.files = 0, {}, {}, {}

    place = ""

    def called(self):
        self.calls += 1
        if self.calls == self.fails_at:
            raise self.raises

    def has(self, card):
        self.called()
        return card.id in self.whole

    def open(self, card, whole=False):
        self.called()
        return Remembered(self, card)


class Remembered(Tracked):
    def __init__(self, tracker, card):
        self.tracker, self.card = tracker, card
        self.rows = tracker.runs.setdefault(card.id, [])

    @property
    def resumed_at(self):
        return self.rows[-1][0] if self.rows else None

    def log(self, step, values, seconds=None):
        self.tracker.called()
        self.rows.append((step, dict(values)))

    def attach(self, path, kind):
        self.tracker.files.setdefault(self.card.id, []).append(path.name)
        return True

    def finish(self, summary, status="finished"):
        self.tracker.called()
        self.tracker.whole[self.card.id] = (self.card, status, dict(summary))


def mirrored(store, *to, **more):
    """A mirror that was told; its lines of warning are in .lines"""
    lines = []
    made = Mirror(store, Tolerant(list(to), lines.append, "; make up for it"), **more)
    made.tell()
    made.lines = lines
    return made


def told_scores(store, tracker):
    """Whether a Memory has exactly the store's curves."""
    for _, run in store.planned():
        curve = store.table(run, "curve")
        rows = tracker.runs[run.hash[: mirrors.DIGITS]]
        assert [step for step, _ in rows] == curve["step"].tolist()
        assert [values["eval/mean_reward"] for _, values in rows] == curve["score"].tolist()
        assert [values["time/time_elapsed"] for _, values in rows] == curve["seconds"].tolist()
    return True


def files(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.is_file())


# ---------------------------------------------------------------------------------------------------------------- what is told


def test_a_tracker_is_told_every_checkpoint_with_its_score_and_what_training_logged(store):
    memory = Memory()
    assert said(mirrored(store, memory)) == ["memory: 4 runs mirrored"] and told_scores(store, memory)
    run = store.planned()[0][1]
    training = store.table(run, "training")
    last = memory.runs[run.hash[: mirrors.DIGITS]][-1][1]
    assert {key: last[key] for key in training["key"]} == dict(training[training["step"] == 300][["key", "value"]].itertuples(index=False))


def test_a_card_says_what_made_the_run(store):
    memory, run = Memory(), store.planned()[0][1]
    mirrored(store, memory)
    card, status, summary = memory.whole[run.hash[: mirrors.DIGITS]]
    record = store.record(run.id)
    assert (card.name, card.group, status) == (run.id, PLACE.as_posix(), "finished")
    assert {key: card.config[key] for key in ("algo", "env", "seed", "code")} == {"algo": "q_learning", "env": "FrozenLake-v1", "seed": 0, "code": run.code}
    assert card.config["hyperparams"].items() <= run.hyperparams.items() and card.config["run"]["seal"] == record["seal"]
    assert summary["score"] == store.table(run, "curve")["score"].iloc[-1] and summary["weights_hash"] == record["weights_hash_end"]


def test_told_twice_is_told_once(store):
    memory = Memory()
    mirrored(store, memory)
    before = json.dumps(memory.runs)
    again = mirrored(store, memory)
    assert json.dumps(memory.runs) == before and said(again) == ["memory: 0 runs mirrored, 4 there before"]


@pytest.mark.parametrize("at", range(1, 8))
def test_a_mirror_that_was_cut_anywhere_goes_on_from_there(at, store):
    memory = Memory(fails_at=at, raises=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        mirrored(store, memory)
    assert said(mirrored(store, memory)) and told_scores(store, memory) and len(memory.whole) == 4


@pytest.mark.parametrize("at", range(1, 8))
def test_a_tracker_that_fails_is_left_alone_with_one_line_and_the_others_are_told(at, store):
    broken, memory = Memory("broken", at), Memory()
    told = mirrored(store, broken, memory)
    assert told.lines == ["Not mirrored to broken: ConnectionError: no route to http://tracker; make up for it"]
    assert told_scores(store, memory) and broken.calls == at


def test_packed_studies_and_archives_are_mirrored_like_any(store, tmp_path):
    first, second, third = Memory(), Memory(), Memory()
    mirrored(store, first)
    mirrored(publish.packed_copy(store, tmp_path / "packed", set()), second)
    archive.pack(store, tmp_path / "lake.tar.gz", models=False)
    with archive.opened(str(tmp_path / "lake.tar.gz")) as opened:
        mirrored(opened, third)
    assert first.runs == second.runs == third.runs and told_scores(store, third)


def test_a_run_that_failed_is_told_as_failed_and_the_one_in_its_place_beside_it(store):
    run, memory = store.planned()[0][1], Memory()
    kept = shutil.copytree(store.runs_path / run.id, store.path / "kept")
    shutil.rmtree(store.runs_path / run.id)
    store.fail(run, "ValueError: it broke")
    mirrored(store, memory)
    failed = f"{run.hash[: mirrors.DIGITS]}-failed"
    assert memory.whole[failed][1:] == ("failed", {"error": "ValueError: it broke"}) and memory.runs[failed] == []
    shutil.rmtree(store.runs_path / run.id)
    kept.rename(store.runs_path / run.id)
    mirrored(Store(store.path), memory)
    assert told_scores(store, memory) and len(memory.whole) == 5


def test_a_damaged_run_is_named_and_the_others_are_told(store):
    run, memory = store.planned()[0][1], Memory()
    (store.runs_path / run.id / "curve.parquet").write_bytes(b"damaged")
    told = mirrored(store, memory)
    assert len(memory.whole) == 3 and said(told)[0] == "memory: 3 runs mirrored"


def test_models_and_the_report_go_along_when_asked(store):
    memory = Memory()
    with pytest.raises(UserError, match=r"--attach report: .*report\.html is not there; sb3-course report makes it"):
        mirrored(store, memory, attach=("report", "models"))
    (store.path / "report").mkdir()
    (store.path / "report" / "report.html").write_text("one")
    assert said(mirrored(store, memory, attach=("report",)))[0] == "memory: 1 run mirrored, 4 there before"
    assert sorted(memory.files.values()) == [["model.zip"]] * 4 + [["report.html"]]
    (store.path / "report" / "report.html").write_text("another")
    assert said(mirrored(store, memory, attach=("report",)))[0] == "memory: 1 run mirrored, 5 there before" or len(memory.files) == 6
    with pytest.raises(UserError, match="--attach film: there are report, models"):
        mirrored(store, memory, attach=("film",))


def test_names_of_a_stranger_are_names_of_folders():
    assert group_name("../../etc", "sb3/ppo", "C:\\x", "..") == "_.._etc/sb3_ppo/C__x/_"
    assert flat({"a": {"b": 1, "c": [1, 2]}, "d": None}) == {"a.b": 1, "a.c": "[1, 2]", "d": "None"}


# ------------------------------------------------------------------------------------------------------------ while it trains


def test_runs_are_told_while_others_train(tmp_path):
    """The last run waits until the tracker was told of another, so the mirror cannot have come afterwards."""
    resolved = plan.pinned(study.adhoc(["q_learning", "sarsa"], ["FrozenLake-v1"], seeds=1, steps=100, overrides=[*SMALL, "launcher=inprocess"]))
    store, memory, early = Store(tmp_path / "live"), Memory(), []
    mirror = Mirror(Store(store.path), Tolerant([memory], early.append))

    class Watching(Reporter):
        @contextlib.contextmanager
        def training(self):
            with Following(mirror) as following:

                def show(progress):
                    following.look()
                    if progress.done_runs == 1:
                        deadline = time.monotonic() + 30
                        while not memory.whole and time.monotonic() < deadline:
                            time.sleep(0.01)
                        early.append(len(memory.whole))

                yield show

    carry_out(resolved, store, reporter=Watching())
    mirror.tell()
    assert 1 in early and told_scores(store, memory) and sum(mirror.made.values()) == 2


COMPARE = ["compare", "--algos", "q_learning", "--envs", "FrozenLake-v1", "--seeds", "2", "-n", "200", "--launcher", "inprocess", *SMALL]


def test_compare_finishes_though_its_tracker_is_not_there_and_no_secret_is_kept(tmp_path, monkeypatch, capsys):
    """The address is nobody's; where mlflow is not installed, that is the tracker's failure. Keys of the environment are nowhere either."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_API_KEY", f"{SECRET}wandb")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    words = [*COMPARE, "--out", "s", "--track", URI, "--track=tensorboard:tb"]
    monkeypatch.setattr(sys, "argv", ["sb3-course", *words])
    monkeypatch.setattr("benchmarks.report.page.render", lambda *_, **__: _Rendered())
    assert cli.main(words) == 0
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if "Not mirrored" in line]
    assert len(lines) == 1 and "to MLflow at http://127.0.0.1:9/, experiment" in lines[0] and lines[0].endswith("sb3-course mirror s makes up for it")
    assert "TensorBoard's files in tb: 2 runs mirrored" in out
    assert SECRET not in out + err and not [path for path in files(tmp_path) if SECRET.encode() in path.read_bytes()]
    assert yaml.safe_load(Path("s/study.yaml").read_text())["command"].endswith("--out s")


class _Rendered:
    summary, path = "", "report.html"


def test_a_word_that_means_no_tracker_is_refused_before_anything_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for word, line in {
        "wandbb": "--track wandbb: there are tensorboard[:FOLDER], wandb[:PROJECT or :ENTITY/PROJECT], trackio[:PROJECT], mlflow:URI of a server",
        "mlflow": "--track mlflow: which server?; mlflow:http://127.0.0.1:5000 is one that `mlflow server --backend-store-uri sqlite:///mlflow.db` starts",
        "mlflow:./mlruns": "--track mlflow:./mlruns: that is no server's address; mlflow:http://127.0.0.1:5000 is one",
        "wandb:a/b/c": "--track wandb:a/b/c: it is wandb:PROJECT or wandb:ENTITY/PROJECT",
    }.items():
        assert cli.main([*COMPARE, "--out", "s", "--track", word]) == 2 and line in capsys.readouterr().err
        assert cli.main(["train", "--algo", "ppo", "--env", "CartPole-v1", "-n", "10", "--track", word]) == 2 and line in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_mirror_says_what_it_did_and_goes_on(store, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["mirror", "lake", "--track", "tensorboard"]) == 0
    assert capsys.readouterr().out == "TensorBoard's files in tensorboard: 4 runs mirrored; tensorboard --logdir tensorboard shows them\n"
    shutil.rmtree(next(tmp_path.glob("tensorboard/*/sarsa/*/*")))
    assert cli.main(["mirror", "lake", "--track", "tensorboard"]) == 0
    assert "1 run mirrored, 3 there before" in capsys.readouterr().out
    assert cli.main(["mirror", "nothing", "--track", "tensorboard"]) == 2
    assert cli.main(["mirror", "lake"]) == 2 and "--track" in capsys.readouterr().err


def test_a_study_without_a_finished_run_has_nothing_to_mirror(store, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(store.runs_path)
    assert cli.main(["mirror", "lake", "--track", "tensorboard"]) == 3
    assert capsys.readouterr().err == "lake: no run has finished yet, so there is nothing to mirror (sb3-course status lake)\n"


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["compare", "--track", "wandb", "x"], ["compare", "x"]),
        (["compare", "--track=wandb", "--trust"], ["compare", "--trust"]),
        (["--tra", "mlflow:http://a:b@c", "--tracking"], ["--tracking"]),
        (["--seeds", "3"], ["--seeds", "3"]),
    ],
)
def test_a_command_is_recorded_without_its_trackers(words, kept):
    assert tracked.without_track(words) == kept


def test_addresses_are_told_without_what_lets_others_in():
    assert without_secrets("x https://a:b@host/p?key=c y http://token@h") == "x https://host/p y http://h"
    assert without_secrets("mlflow:http://u:p@ss@127.0.0.1:1") == "mlflow:http://127.0.0.1:1"


# --------------------------------------------------------------------------------------------------------------- TensorBoard


def events(folder):
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def test_tensorboard_reads_back_what_the_store_holds(store, tmp_path):
    mirrored(store, to_tensorboard.TensorBoard(tmp_path / "tb"))
    for _, run in store.planned():
        curve, training = store.table(run, "curve"), store.table(run, "training")
        [folder] = (tmp_path / "tb").glob(f"*/*/*/{run.id}")
        read = events(folder)
        scores = read.Scalars("eval/mean_reward")
        assert [event.step for event in scores] == curve["step"].tolist()
        assert [event.value for event in scores] == curve["score"].astype(np.float32).tolist()  # TensorBoard's numbers have 32 bits
        elapsed = np.diff([event.wall_time for event in scores])
        np.testing.assert_allclose(elapsed, np.diff(curve["seconds"]), atol=1e-5)
        for key, rows in training.groupby("key"):
            assert [event.value for event in read.Scalars(key)] == rows.sort_values("step")["value"].astype(np.float32).tolist()
        assert read.Scalars("final/score")[0].value == np.float32(curve["score"].iloc[-1])


def test_tensorboard_has_hyperparameters_and_a_card_and_names_no_machine(store, tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "machine-of-somebody")
    mirrored(store, to_tensorboard.TensorBoard(tmp_path / "tb"))
    for path in files(tmp_path / "tb"):
        assert "machine-of-somebody" not in path.name and b"machine-of-somebody" not in path.read_bytes()
    [folder, _] = sorted((tmp_path / "tb" / PLACE).iterdir())
    read = events(folder)
    assert b"hyperparams.gamma" in read.Tensors("run/text_summary")[0].tensor_proto.string_val[0]
    assert "hparams" in read.summary_metadata["_hparams_/session_start_info"].plugin_data.plugin_name


def test_what_a_kill_left_half_written_is_not_there_and_is_made_anew(store, tmp_path, monkeypatch):
    board, run = to_tensorboard.TensorBoard(tmp_path / "tb"), store.planned()[0][1]
    half = tmp_path / "tb" / PLACE / f".{run.id}.part"
    half.mkdir(parents=True)
    (half / "events.out.tfevents.1.half").write_bytes(b"half")
    mirrored(store, board)
    assert [path.name for path in (tmp_path / "tb" / PLACE).iterdir() if path.name.startswith(".")] == []
    before = files(tmp_path / "tb")
    mirrored(store, board)
    assert files(tmp_path / "tb") == before and len(before) == 4


# ---------------------------------------------------------------------------------------------------------------------- live


@pytest.mark.parametrize("cls", [PPO, TheirPPO], ids=["ours", "SB3's"])
def test_a_model_tells_what_its_logger_is_told_and_learns_the_same(cls, tmp_path):
    def trained(callback):
        return cls("MlpPolicy", "CartPole-v1", n_steps=64, seed=0, device="cpu").learn(256, callback=callback)

    model = trained(TrackingCallback(f"tensorboard:{tmp_path}", config={"algo": "ppo"}, name="mine"))
    [folder] = tmp_path.glob("training/ppo/CartPole-v1/mine-*")
    read = events(folder)
    assert [event.step for event in read.Scalars("rollout/ep_rew_mean")] == [64, 128, 192, 256]
    assert [event.step for event in read.Scalars("train/loss")] == [128, 192, 256]  # of the update before, as SB3 dumps it
    assert read.Scalars("final/steps")[0].value == 256
    for mine, alone in zip(model.policy.parameters(), trained(None).policy.parameters(), strict=True):
        assert (mine == alone).all()
    assert not [writer for writer in model.logger.output_formats if type(writer).__name__ == "_Writer"]


def test_a_training_goes_on_when_its_tracker_fails(monkeypatch):
    broken, memory = Memory("broken", 3), Memory()
    monkeypatch.setattr("benchmarks.tracking.live.trackers", lambda words: [broken, memory])
    callback = TrackingCallback("memory")
    with pytest.warns(UserWarning, match="Not mirrored to broken: ConnectionError: no route to http://tracker; training goes on without") as lines:
        TheirPPO("MlpPolicy", "CartPole-v1", n_steps=64, device="cpu").learn(256, callback=callback)
    assert len(lines) == 1 and [step for step, _ in memory.runs[callback.id]] == [64, 128, 192, 256]


def test_what_is_excluded_from_a_tracker_and_what_is_no_number_is_not_told(monkeypatch):
    memory = Memory()
    monkeypatch.setattr("benchmarks.tracking.live.trackers", lambda words: [memory])
    callback = TrackingCallback("memory")
    model = TheirPPO("MlpPolicy", "CartPole-v1", n_steps=64, device="cpu")
    callback.init_callback(model)
    model._setup_learn(64)
    callback.on_training_start({}, {})
    model.logger.record("a", 1)
    model.logger.record("b", 2.0, exclude="memory")
    model.logger.record("c", "words")
    model.logger.dump(7)
    callback.finish("interrupted")
    assert memory.runs[callback.id] == [(7, {"a": 1.0})] and memory.whole[callback.id][1] == "interrupted"


def test_train_tells_trackers_and_goes_on_under_the_same_id(tmp_path, monkeypatch, capsys):
    """Stopped after a checkpoint, as by Ctrl-C; then resumed."""
    monkeypatch.chdir(tmp_path)
    memory = Memory()
    monkeypatch.setattr("benchmarks.tracking.live.trackers", lambda words: [memory])
    words = ["train", "--algo", "ppo", "--env", "CartPole-v1", "-n", "256", "-params", "n_steps:64", "batch_size:64", "n_envs:1",
             "--eval-freq", "128", "--eval-episodes", "1", "--checkpoint-freq", "64", "--verbose", "0", "--track", URI]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["sb3-course", *words])
    memory.fails_at, memory.raises = 4, KeyboardInterrupt()
    assert cli.main(words) == 0
    memory.fails_at = None
    assert cli.main([*words, "--resume"]) == 0
    assert SECRET not in "".join(capsys.readouterr()) and not [path for path in files("logs") if SECRET.encode() in path.read_bytes()]
    [(identity, (card, status, _))] = memory.whole.items()
    assert status == "finished" and card.config["hyperparams"]["n_steps"] == 64 and memory.runs[identity][-1][0] == 256
    assert "eval/mean_reward" in {key for _, values in memory.runs[identity] for key in values}


# -------------------------------------------------------------------------------------------- Weights & Biases, Trackio, MLflow


@needs["wandb"]
def test_weights_and_biases_offline_is_read_back_equal(store, tmp_path):
    """By the reader of its own files: every score, step and second, to the last bit; and told twice, it is there once."""
    told = mirrored(store, *trackers(["wandb:my-project"]))
    assert told.lines == [] and "4 runs mirrored; offline, wandb sync" in said(told)[0]
    assert said(mirrored(store, *trackers(["wandb:my-project"])))[0].startswith("Weights & Biases, project my-project: 0 runs mirrored, 4 there before")
    folders = [path.name for path in (tmp_path / "wandb").iterdir()]
    assert len(folders) == 4 and all(name.startswith("offline-run-") for name in folders)
    read = readers.from_wandb([str(tmp_path / "wandb")], readers.Reading(reps=200)).curves().sort_values(["algo", "env", "seed", "step"])
    written = store.curves()
    for column in ("algo", "env", "seed", "step", "score", "seconds"):
        assert read[column].tolist() == written[column].tolist(), column
    from wandb.proto import wandb_internal_pb2

    for path in (tmp_path / "wandb").rglob("*.wandb"):  # of machine and program it holds nothing
        messages = list(map(wandb_internal_pb2.Record.FromString, wandb_files.records(path.read_bytes(), "x")))
        assert [message.run.host for message in messages if message.HasField("run")] == [""]
        assert not any(message.HasField("environment") for message in messages)


@needs["wandb"]
def test_a_mirror_in_weights_and_biases_that_fails_leaves_no_half(store, tmp_path, monkeypatch):
    from benchmarks.tracking import to_wandb

    rows = []

    def fail(self, step, values, seconds=None):
        rows.append(step)
        raise ConnectionError("lost")

    monkeypatch.setattr(to_wandb.Run, "log", fail)
    assert mirrored(store, *trackers(["wandb"])).lines == ["Not mirrored to Weights & Biases, project sb3-course: ConnectionError: lost; make up for it"]
    assert rows == [100] and list((tmp_path / "wandb").iterdir()) == []


def run_elsewhere(code, **environment):
    """In a process of its own, for packages that read their settings when they are imported."""
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@needs["trackio"]
def test_trackio_reads_back_what_the_store_holds_once(store, tmp_path):
    code = f"""
import json, trackio
from sb3_course import cli
for _ in range(2):
    assert cli.main(["mirror", {str(store.path)!r}, "--track", "trackio:lake"]) == 0
print(json.dumps({{run.name: [run.config["algo"], trackio.SQLiteStorage.get_logs("lake", run.name, run_id=run.id)] for run in trackio.Api().runs("lake")}}))
"""
    first, second, read = run_elsewhere(code, TRACKIO_DIR=str(tmp_path / "trackio"), HF_HUB_OFFLINE="1").splitlines()
    assert first == "Trackio, project lake: 4 runs mirrored; trackio show --project lake shows them" and "0 runs mirrored, 4 there before" in second
    runs = json.loads(read)
    assert len(runs) == 4
    for _, run in store.planned():
        curve = store.table(run, "curve")
        algo, [*rows, end] = runs[run.id]
        assert (algo, [row["step"] for row in rows]) == (run.algo, curve["step"].tolist()) and end["mirrored"] == 1
        assert [row["eval/mean_reward"] for row in rows] == curve["score"].tolist() and end["final/score"] == curve["score"].iloc[-1]


SERVER = os.environ.get("MLFLOW_SERVER") or (shutil.which("mlflow") if importlib.util.find_spec("flask") and importlib.util.find_spec("mlflow") else None)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real `mlflow server`, on a database of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = tmp_path_factory.mktemp("mlflow")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [SERVER, "server", "--backend-store-uri", "sqlite:///runs.db", "--artifacts-destination", "./files", "--host", "127.0.0.1", "--workers", "1"]
    with (place / "log").open("w") as log:
        process = subprocess.Popen([*command, "--port", str(port)], cwd=place, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(1000):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            assert process.poll() is None, (place / "log").read_text()
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(900)  # a server takes its time to start
@needs["mlflow"]
@pytest.mark.skipif(not SERVER, reason="needs a server: MLFLOW_SERVER=path/of/mlflow of an environment with the whole of MLflow")
def test_mlflow_has_every_run_once_with_its_curve_at_its_steps_and_times(store, server, monkeypatch):
    from mlflow.tracking import MlflowClient

    def broken(self, *_, **__):
        raise ConnectionError("cut")

    with monkeypatch.context() as cut:  # the first run breaks off before its end, and is continued
        cut.setattr(to_mlflow.Run, "finish", broken)
        assert len(mirrored(store, *trackers([f"mlflow:{server}"])).lines) == 1
    told = mirrored(store, *trackers([f"mlflow:{server}"]), attach=("models",))
    assert said(told)[0].startswith(f"MLflow at {server}, experiment sb3-course: 4 runs mirrored") and not told.lines
    assert "0 runs mirrored, 4 there before" in said(mirrored(store, *trackers([f"mlflow:{server}"])))[0]
    client = MlflowClient(server)
    found = {run.info.run_name: run for run in client.search_runs([client.get_experiment_by_name("sb3-course").experiment_id])}
    assert len(found) == 4
    for _, run in store.planned():
        mine, curve = found[run.id], store.table(run, "curve")
        history = sorted(client.get_metric_history(mine.info.run_id, "eval/mean_reward"), key=lambda metric: metric.step)
        assert [(metric.step, metric.value) for metric in history] == list(zip(curve["step"], curve["score"], strict=True))
        assert mine.info.status == "FINISHED" and mine.data.params["hyperparams.gamma"] == str(run.hyperparams["gamma"])
        assert mine.data.tags["final/weights_hash"] == store.record(run.id)["weights_hash_end"]
        assert [file.path for file in client.list_artifacts(mine.info.run_id, "model")] == ["model/model.zip"]


def test_a_card_is_the_same_whenever_it_is_the_same_run(store):
    cards = []
    for _ in range(2):
        memory = Memory()
        mirrored(Store(store.path), memory)
        cards.append([card for card, *_ in memory.whole.values()])
    assert cards[0] == cards[1] and all(isinstance(card, Card) and card.began for card in cards[0])
