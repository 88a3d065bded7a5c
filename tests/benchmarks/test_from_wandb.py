"""Runs of Weights & Biases, from its own files, from JSON and by its API: read as they are, or refused in one line. Needs no network and no login."""

import json
import struct
import sys
import zlib
from types import SimpleNamespace

import pytest

from benchmarks import IntegrityError, UserError
from benchmarks.store import readers, wandb_files
from benchmarks.store.readers import Reading

HOW = Reading(reps=200)


def piece(content, kind=wandb_files.WHOLE):
    return struct.pack("<IHB", zlib.crc32(content, zlib.crc32(bytes([kind]))), len(content), kind) + content


def log(*contents):
    """A log as wandb writes one: pieces never cross the end of a block of 32 KiB."""
    data = wandb_files.HEAD
    for content in contents:
        kinds, rest = [wandb_files.FIRST, wandb_files.MIDDLE], content
        while rest is not None:
            left = wandb_files.BLOCK - len(data) % wandb_files.BLOCK
            if left < 7:
                data += bytes(left)
                continue
            part, rest = rest[: left - 7], rest[left - 7 :] or None
            first = rest is None and kinds[0] == wandb_files.FIRST
            kind = wandb_files.WHOLE if first else wandb_files.LAST if rest is None else kinds[0]
            data += piece(part, kind)
            kinds[0] = wandb_files.MIDDLE
    return data


def run(name="a", seed=0, scores=(1.0, 2.0), algo="ppo", **config):
    """As JSON has it."""
    rows = [{"_step": 10 * (k + 1), "global_step": 100 * (k + 1), "eval/mean_reward": score, "_runtime": 5.0 * k} for k, score in enumerate(scores)]
    return {"id": name, "name": name, "config": {"algo": algo, "env": "CartPole-v1", "seed": seed, **config}, "history": rows}


@pytest.fixture
def exported(tmp_path):
    def write(runs):
        (tmp_path / "runs.json").write_text(json.dumps(runs))
        return [str(tmp_path / "runs.json")]

    return write


# ------------------------------------------------------------------------------------------------------------------ the log


@pytest.mark.parametrize("lengths", [(0, 1, 5), (32_754, 1), (32_755, 3), (32_760, 3), (100_000, 7), (1, 65_536, 2)])
def test_records_come_back_however_they_lie_in_blocks(lengths):
    contents = [bytes([k + 1]) * n for k, n in enumerate(lengths)]
    assert list(wandb_files.records(log(*contents), "x")) == contents


def test_what_a_kill_cut_is_left_out_and_what_is_damaged_is_refused():
    data = log(b"first", b"second")
    for cut in range(len(wandb_files.HEAD) + 12 + 1, len(data)):
        assert list(wandb_files.records(data[:cut], "x")) == [b"first", None]
    with pytest.raises(IntegrityError, match="x: its bytes from 7 on are not those that were written"):
        list(wandb_files.records(data.replace(b"first", b"fir5t"), "x"))
    with pytest.raises(IntegrityError, match="x is no file of wandb's"):
        list(wandb_files.records(b"PK\x03\x04", "x"))


# ------------------------------------------------------------------------------------------------------------- its own files


@pytest.fixture
def offline(tmp_path):
    """Folders as wandb leaves them, of (folder, id, config, rows, cut) each."""
    pb = pytest.importorskip("wandb.proto.wandb_internal_pb2", reason="needs wandb, of the extra track")

    def write(folder, identity, config, rows, cut=0):
        first = pb.Record()
        first.run.run_id, first.run.display_name = identity, f"name-{identity}"
        for key, value in config.items():
            first.run.config.update.add(key=key, value_json=json.dumps(value))
        records = [first.SerializeToString()]
        for step, values in rows:
            record = pb.Record()
            record.history.step.num = step
            for key, value in values.items():
                record.history.item.add(nested_key=[key], value_json=json.dumps(value))
            records.append(record.SerializeToString())
        place = tmp_path / "wandb" / folder
        place.mkdir(parents=True)
        data = log(*records)
        (place / f"run-{identity}.wandb").write_bytes(data[: len(data) - cut])
        return [str(tmp_path / "wandb")]

    return write


CONFIG = {"algo": "ppo", "env_id": "CartPole-v1", "seed": 3, "_wandb": {"seed": 9}}


def test_a_run_that_was_resumed_into_another_folder_is_one_run(offline):
    offline("offline-run-20260101_000000-a", "a", CONFIG, [(k, {"score": float(k)}) for k in (1, 2, 3, 4)], cut=3)
    places = offline("offline-run-20260102_000000-a", "a", {}, [(k, {"score": 10.0 * k}) for k in (3, 4, 5)])
    read = readers.from_wandb(places, HOW)
    curve = read.curves()
    assert curve["step"].tolist() == [1, 2, 3, 4, 5] and curve["score"].tolist() == [1.0, 2.0, 30.0, 40.0, 50.0] and set(curve["seed"]) == {3}
    assert any("its end was cut, as by a kill" in note for note in read.notes) and any("Weights & Biases' own" in note for note in read.notes)


def test_a_record_that_is_none_of_wandbs_is_refused(offline, tmp_path):
    offline("offline-run-1-a", "a", CONFIG, [])
    path = next((tmp_path / "wandb").rglob("*.wandb"))
    path.write_bytes(log(b"\xff\xff\xff"))
    with pytest.raises(IntegrityError, match=r"run-a\.wandb: a record of it is none of wandb's"):
        readers.from_wandb([str(path)], HOW)


def test_without_wandb_its_files_say_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "run-a.wandb").write_bytes(log(b"x"))
    monkeypatch.setitem(sys.modules, "wandb.proto", None)
    with pytest.raises(UserError, match=r'run-a\.wandb: to read it, wandb is needed: pip install -c constraints\.txt -e "\.\[track\]"'):
        readers.from_wandb([str(tmp_path)], HOW)


# ------------------------------------------------------------------------------------------------------------------ what is read


def test_runs_become_a_study_with_their_steps_scores_and_seconds(exported):
    read = readers.from_wandb(exported([run("a", 0), run("b", 1, (3.0, 4.0)), run("c", 0, (5.0, 6.0), algo="dqn")]), HOW)
    curve = read.curves()
    assert curve[["algo", "seed", "step", "score", "seconds"]].to_numpy().tolist() == [
        ["dqn", 0, 100, 5.0, 0.0], ["dqn", 0, 200, 6.0, 5.0], ["ppo", 0, 100, 1.0, 0.0], ["ppo", 0, 200, 2.0, 5.0], ["ppo", 1, 100, 3.0, 0.0],
        ["ppo", 1, 200, 4.0, 5.0]]  # fmt: skip
    assert read.runs()["status"].value_counts().to_dict() == {"finished": 3, "missing": 1} and read.notes == ()


def test_a_run_without_a_score_is_left_out_and_said_and_a_report_is_no_run(exported):
    read = readers.from_wandb(exported([run("a"), run("b", 1, ()), {**run("r"), "job_type": "report"}]), HOW)
    assert len(read.runs()) == 1 and read.notes[0].endswith("runs.json: b: it has no value of eval/mean_reward, and is left out")


def test_names_of_runs_and_what_all_share_are_taken_as_from_tables(exported):
    bare = {**run("ppo-CartPole-v1-4"), "config": {}}
    assert readers.from_wandb(exported([bare]), HOW, run_names="{algo}-{env}-{seed}").runs()["seed"].tolist() == [4]
    assert readers.from_wandb(exported([bare]), HOW, known={"algo": "x", "env": "y", "seed": "7"}).runs()["algo"].tolist() == ["x"]


REFUSED = {
    "no seed": ([{**run(), "config": {"algo": "ppo", "env": "CartPole-v1"}}], "of run 'a', read as CleanRL's env__algo__seed__time, says its seed"),
    "twice the same seed": ([run("a"), run("b")], "ppo on CartPole-v1, seed 0, is there twice"),
    "a word for a score": ([run("a", 0, (1.0, "high"))], "eval/mean_reward is high at Weights & Biases' step 20, not a number"),
    "half a step": ([{**run(), "history": [{"global_step": 0.5, "score": 1.0}]}], "global_step is 0.5 at Weights & Biases' step None, not a whole number"),
    "a step twice": ([{**run(), "history": [{"_step": 1, "score": 1.0}, {"_step": 1, "score": 2.0}]}], "step 1 occurs twice"),
    "no known score": ([{**run(), "history": [{"_step": 1, "coins": 1.0}]}], r"which of coins is the score\? --column score=NAME says so"),
    "no history": ([{"name": "a"}], "run 1 is not what is expected"),
    "no runs": ([], "no runs of Weights & Biases at"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_stand_in_a_report_is_refused_in_one_line(case, exported):
    runs, said = REFUSED[case]
    with pytest.raises(UserError, match=said) as raised:
        readers.from_wandb(exported(runs), HOW)
    assert "\n" not in str(raised.value)


def test_places_that_are_none_are_told_apart(tmp_path):
    for place, said in {"nowhere": "there is no such folder or file, and it is no ENTITY/PROJECT", "chart.csv": "are read by --from-csv chart.csv"}.items():
        with pytest.raises(UserError, match=said):
            readers.from_wandb([place], HOW)


class Api:
    """What of wandb's API is asked for."""

    def __init__(self, timeout):
        pass

    def runs(self, project):
        given = run(project)
        return [SimpleNamespace(id="a", name="a", job_type="", config=given["config"], state="finished", scan_history=lambda: iter(given["history"]))]


@pytest.mark.parametrize("key", [True, False])
def test_the_api_is_asked_where_there_is_a_login(key, monkeypatch):
    fake = SimpleNamespace(login=lambda prompt: key and not prompt, Api=Api, errors=SimpleNamespace(Error=RuntimeError))
    monkeypatch.setitem(sys.modules, "wandb", fake)
    if key:
        assert readers.from_wandb(["entity/project"], HOW).curves()["score"].tolist() == [1.0, 2.0]
    else:
        with pytest.raises(UserError, match="no login to ask Weights & Biases: wandb login, or give the folder wandb/"):
            readers.from_wandb(["entity/project"], HOW)
