"""A published study is a few files that hold what a folder for each run held, and nothing that a stranger adds to them passes."""

import os
import re
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import IntegrityError, UserError
from benchmarks.report import page
from benchmarks.reproduction import archive, publish, verify
from benchmarks.running import launchers
from benchmarks.store import packed as form
from benchmarks.store.store import Store
from benchmarks.store.tables import TABLES, write_table
from benchmarks.studies import plan, study
from sb3_course import cli
from tests.benchmarks.forging import change_rows, change_table, lines_of, reseal, reseal_all, sealed_by_files, write_lines

pytestmark = pytest.mark.usefixtures("plain_pictures")

SMALL = ["protocol.eval_points=2", "protocol.eval_episodes=2", "statistics.reps=200"]
RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def folders(plain_pictures, tmp_path_factory):
    """A study with a folder for each run, trained here in a second, with its report: two algorithms, two seeds."""
    resolved = study.adhoc(["q_learning", "sarsa"], ["FrozenLake-v1"], seeds=2, steps=400, overrides=SMALL)
    resolved = plan.pinned(resolved, command="sb3-course compare ...")
    store = Store(tmp_path_factory.mktemp("folders") / "lake")
    store.save_study(resolved)
    launchers.launch(plan.group([run for _, run in store.planned()], 1), store, {"name": "inprocess"})
    page.render(store.path, options=page.Options(animations=False))
    return store


@pytest.fixture(scope="module")
def original(folders, tmp_path_factory):
    copy = publish.packed_copy(folders, tmp_path_factory.mktemp("packed") / "lake", {a_run(folders)})
    page.render(copy.path, options=page.Options(animations=False))
    return copy


@pytest.fixture
def store(original, tmp_path):
    return Store(shutil.copytree(original.path, tmp_path / "lake"))


def a_run(store, algo="q_learning", seed=0):
    return next(run.id for _, run in store.planned() if (run.algo, run.seed) == (algo, seed))


def failures(store, level=2):
    return [f"{finding.what}: {finding.said}" for finding in verify.verify(store, level) if finding.state == "fail"]


# --- the same study


def test_all_runs_lie_in_four_files(original):
    there = sorted(path.name for path in original.path.iterdir())
    assert there == ["curve.parquet", "episodes.parquet", "models", "report", "runs.jsonl", "study.yaml", "training.parquet"]
    assert [path.name for path in (original.path / "models").iterdir()] == [f"{a_run(original)}.zip"]


def test_a_packed_study_says_what_its_folders_said(folders, original):
    assert original.runs().equals(folders.runs())
    for name in ("curves", "episodes", "training"):
        assert getattr(original, name)().equals(getattr(folders, name)()), name


def test_runs_keep_their_seals_when_they_are_packed_and_unpacked(folders, original, tmp_path):
    again = publish.unpacked_copy(original, tmp_path / "again")
    names = {run.id for _, run in folders.planned()}
    assert {name: again.record(name)["seal"] for name in names} == {name: folders.record(name)["seal"] for name in names}
    assert (again.runs_path / a_run(again) / "model.zip").read_bytes() == (folders.runs_path / a_run(folders) / "model.zip").read_bytes()
    assert again.curves().equals(folders.curves()) and failures(again, 1) == []


def test_the_rows_of_runs_stand_in_order(original):
    for name in TABLES:
        frame = pd.read_parquet(original.path / f"{name}.parquet")
        assert frame.equals(frame.sort_values(["algo", "env", "seed", "step"], kind="stable", ignore_index=True)), name


def test_the_same_study_is_packed_to_the_same_bytes(folders, tmp_path):
    for name in ("one", "two"):
        publish.packed_copy(folders, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_runs_that_were_stored_before_rows_were_sealed_are_read_and_packed_with_their_earlier_seal(folders, tmp_path):
    old = Store(shutil.copytree(folders.path, tmp_path / "old"))
    for _, run in old.planned():
        sealed_by_files(old, run.id)
    seals = {run.id: old.record(run.id)["seal"] for _, run in old.planned()}
    assert old.curves().equals(folders.curves())
    copy = publish.packed_copy(old, tmp_path / "packed")
    assert {run_id: copy.record(run_id)["sealed_before"]["seal"] for run_id in seals} == seals
    assert failures(copy, 1) == []


def test_a_change_of_such_a_run_is_damage_by_its_own_seal(folders, tmp_path):
    old = Store(shutil.copytree(folders.path, tmp_path / "old"))
    sealed_by_files(old, a_run(old))
    path = old.runs_path / a_run(old) / "curve.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    assert old.status(next(run for _, run in old.planned()))[1]["error"] == f"run {a_run(old)}/curve.parquet: hash mismatch"


@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_level_verifies_a_packed_study(original, level):
    assert cli.main(["reproduce", str(original.path), "--level", str(level), "--sample", "1"]) == 0


@pytest.mark.slow
def test_a_packed_study_is_run_again_in_folders(original, tmp_path):
    assert cli.main(["reproduce", str(original.path), "--level", "4", "--sample", "1", "--out", str(tmp_path / "again")]) == 0
    assert not Store(tmp_path / "again").is_packed


@pytest.mark.parametrize("verb", ["status", "power", "register"])
def test_commands_that_read_a_study_say_the_same_of_both_forms(folders, original, verb, capsys):
    said = []
    for store in (folders, original):
        assert cli.main([verb, str(store.path)]) == 0
        said.append(capsys.readouterr().out.replace(str(store.path), "lake").split())
    assert said[0] == said[1]


def test_a_packed_study_is_compared_with_its_folders(folders, original, tmp_path):
    assert cli.main(["report", str(original.path), "--against", str(folders.path), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "against.html").is_file()


def test_an_archive_of_a_packed_study_is_packed_and_verified(original, tmp_path):
    archive.pack(original, tmp_path / "lake.tar.gz")
    with archive.opened(str(tmp_path / "lake.tar.gz")) as copy:
        assert copy.is_packed and copy.curves().equals(original.curves())
    assert cli.main(["reproduce", str(tmp_path / "lake.tar.gz"), "--level", "2"]) == 0


# --- nothing is added to it


@pytest.mark.parametrize("write", [
    lambda store, run: store.save_study(store.study()), lambda store, run: store.lock().__enter__(), lambda store, run: store.begin(run),
    lambda store, run: store.quarantine(run.id), lambda store, run: store.fail(run, "no"),
])  # fmt: skip
def test_who_would_write_into_a_packed_study_is_told_the_way_out(store, write):
    with pytest.raises(UserError, match=r"is a packed study, to which no run is added: python -m benchmarks\.reproduction\.publish --unpack .* NEW makes one"):
        write(store, next(run for _, run in store.planned()))
    assert not store.runs_path.exists()


def test_a_packed_study_is_unpacked_from_the_command_line(store, tmp_path, capsys):
    assert publish.main([str(store.path), str(tmp_path / "folders"), "--unpack"]) == 0
    assert len(list((tmp_path / "folders" / "runs").iterdir())) == 4 and (tmp_path / "folders" / "report" / "report.html").is_file()
    assert publish.main([str(tmp_path / "folders"), str(tmp_path / "more"), "--unpack"]) == 2
    assert "is not packed: it has a folder for each run" in capsys.readouterr().err


def test_what_is_packed_half_is_not_there(folders, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(form, "write_columns", killed)
    with pytest.raises(KeyboardInterrupt):
        publish.packed_copy(folders, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("copied", ["packed", "unpacked"])
def test_a_copy_whose_report_is_interrupted_is_not_there(folders, original, tmp_path, monkeypatch, copied):
    def killed(place, *_, **__):
        assert Store(place).exists() and os.listdir(tmp_path) != ["copy"]
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "render", killed)
    words = [str(folders.path), str(tmp_path / "copy")] if copied == "packed" else ["--unpack", str(original.path), str(tmp_path / "copy")]
    with pytest.raises(KeyboardInterrupt):
        publish.main(words)
    assert list(tmp_path.iterdir()) == []


# --- damage and forgeries


def test_who_reads_a_damaged_packed_study_is_not_sent_to_retry_which_only_reads_it(store, capsys):
    change_rows(store, a_run(store), "curve", lambda frame: frame.assign(seconds=frame["seconds"] + 1))
    assert cli.main(["status", str(store.path)]) == 3
    said = capsys.readouterr().err
    assert said == f"run {a_run(store)}/curve.parquet: other rows than were sealed; restore the files that were published\n"


def test_rows_that_were_changed_are_named_by_their_run_and_the_others_are_read(store):
    change_rows(store, a_run(store), "curve", lambda frame: frame.assign(seconds=frame["seconds"] + 1))
    assert failures(store, 1)[0] == f"runs: run {a_run(store)}/curve.parquet: other rows than were sealed"
    assert sorted(store.runs()["status"]) == ["corrupt", "finished", "finished", "finished"]


def test_rows_of_two_runs_that_were_exchanged_are_found(store):
    a, b = (a_run(store, seed=seed) for seed in (0, 1))
    first, second = (store.rows(name, "episodes") for name in (a, b))
    change_rows(store, a, "episodes", lambda frame: second.assign(seed=0))
    change_rows(store, b, "episodes", lambda frame: first.assign(seed=1))
    assert [line for line in failures(store, 1) if line.startswith("runs: ")] == [
        f"runs: run {a}/episodes.parquet: other rows than were sealed; run {b}/episodes.parquet: other rows than were sealed"]  # fmt: skip


def test_a_changed_fact_of_a_run_is_named(store):
    path = store.path / "runs.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"lockstep": 2', '"lockstep": 1', 1), encoding="utf-8")
    assert failures(store, 1)[0].startswith("runs: run ") and "runs.jsonl: hash mismatch" in failures(store, 1)[0]


@pytest.mark.parametrize("change, said", [
    (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), "model.zip: hash mismatch"), (lambda path: path.unlink(), "model.zip: missing"),
])  # fmt: skip
def test_a_kept_model_that_is_gone_or_was_changed_is_named(store, change, said):
    change(store.path / "models" / f"{a_run(store)}.zip")
    assert failures(store, 1)[0] == f"runs: run {a_run(store)}/{said}"


def test_a_fact_that_was_changed_and_sealed_again_is_told_from_the_report(store):
    reseal(store, a_run(store), train_seconds=1e-6)
    assert any("repro.json: runs" in line and "train_seconds" in line for line in failures(store, 1))


def twice(store):
    records = lines_of(store)
    write_lines(store, [*records.values(), records[a_run(store)]])


def of_no_plan(store):
    records = lines_of(store)
    write_lines(store, [*records.values(), records[a_run(store)] | {"run_id": "ppo-Elsewhere-v1-s0-0123456789ab"}])


def without_end(store):
    (store.path / "runs.jsonl").write_bytes((store.path / "runs.jsonl").read_bytes()[:-1])


def too_long(store):
    records = lines_of(store)
    write_lines(store, [*records.values(), {"run_id": "x", "words": "x" * form.MOST_LINE}])


def text(words):
    return lambda store: (store.path / "runs.jsonl").open("a", encoding="utf-8").write(words)


def a_key_twice(store):
    path = store.path / "runs.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"schema": 2', '"schema": 2, "schema": 2', 1), encoding="utf-8")


def a_link(name):
    def make(store):
        os.replace(store.path / name, store.path.with_name("elsewhere"))
        (store.path / name).symlink_to(store.path.with_name("elsewhere"))

    return make


def a_pipe(name):
    def make(store):
        (store.path / name).unlink()
        os.mkfifo(store.path / name)

    return make


def a_folder(name):
    def make(store):
        (store.path / name).unlink()
        (store.path / name).mkdir()

    return make


def both_forms(store):
    (store.path / "runs").mkdir()


def a_stray_model(store):
    (store.path / "models" / "more.zip").write_bytes(b"anything")


SHARED = {
    "a line twice": (twice, r"records: runs.jsonl line 5: q_learning-FrozenLake-v1-s0-\w+ stands there twice"),
    "no run of the plan": (of_no_plan, "records: runs.jsonl line 5: ppo-Elsewhere-v1-s0-0123456789ab is no run that study.yaml plans"),
    "no end": (without_end, "records: runs.jsonl: its last line has no end"),
    "too long": (too_long, r"records: runs.jsonl line 5: 16,777,\d\d\d bytes, more than the 16,777,216 that a record has"),
    "no JSON": (text("{\n"), r"records: runs.jsonl line 5: cannot be read \(.*"),
    "NaN": (text('{"run_id": NaN}\n'), r"records: runs.jsonl line 5: cannot be read \(NaN is no number of JSON\)"),
    "deep": (text("[" * 5000 + "\n"), "records: runs.jsonl line 5: (nested too deeply|cannot be read .*)"),
    "many": (text("[" + "[]," * 1_100_000 + "[]]\n"), "records: runs.jsonl line 5: more than 1,000,000 lists and dictionaries"),
    "a list": (text("[]\n"), "records: runs.jsonl line 5: is no run's record"),
    "a key twice": (a_key_twice, r"records: runs.jsonl line 1: cannot be read \(a key stands there twice\)"),
    "records elsewhere": (a_link("runs.jsonl"), "records: .*runs.jsonl is not a regular file"),
    "records from a pipe": (a_pipe("runs.jsonl"), "records: .*runs.jsonl is not a regular file"),
    "a table elsewhere": (a_link("curve.parquet"), "tables: .*curve.parquet is not a regular file"),
    "a table from a pipe": (a_pipe("episodes.parquet"), "tables: .*episodes.parquet is not a regular file"),
    "records in a folder": (a_folder("runs.jsonl"), "records: .*runs.jsonl is not a regular file"),
    "a table in a folder": (a_folder("training.parquet"), "tables: .*training.parquet is not a regular file"),
    "models elsewhere": (a_link("models"), "integrity: .*models is a link or a file, and links are not followed.*"),
    "no records": (lambda store: (store.path / "runs.jsonl").unlink(), "records: runs.jsonl: missing"),
    "no table": (lambda store: (store.path / "training.parquet").unlink(), "tables: training.parquet: missing"),
    "both forms": (both_forms, "records: lake holds runs.jsonl and runs/: a study is in one form, packed or a folder for each run"),
    "a stray model": (a_stray_model, r"records: models/more.zip: not sealed \(runs.jsonl does not list it\)"),
}


@pytest.mark.parametrize("kind", SHARED)
def test_what_no_packed_study_holds_is_one_line_and_exit_code_four(store, kind, capsys):
    change, said = SHARED[kind]
    change(store)
    (failure,) = failures(store)
    assert re.fullmatch(said, failure), failure
    for words in (["reproduce", "--level", "2"], ["report"], ["status"], ["power"]):
        assert cli.main([words[0], str(store.path), *words[1:]]) == 4, words
    assert "unexpected" not in capsys.readouterr().err


def whole_table(store, name, change):
    pq.write_table(change(pq.read_table(store.path / f"{name}.parquet")), store.path / f"{name}.parquet")
    reseal_all(store)


def renamed(table, **values):
    for name, value in values.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array([*[value] * 2, *table[name].to_pylist()[2:]]))
    return table


@pytest.mark.parametrize("change, said", [
    (lambda table: renamed(table, seed=7), "rows of q_learning on FrozenLake-v1, seed 7, of which runs.jsonl has no finished run"),
    (lambda table: renamed(table, algo="ppo"), "rows of ppo on FrozenLake-v1, seed 0, of which runs.jsonl has no finished run"),
    (lambda table: renamed(table, seed=1), "its steps are not the plan's checkpoints, each once and in order"),
    (lambda table: table.take([1, *range(2, len(table)), 0]), "the rows of q_learning on FrozenLake-v1, seed 0 do not stand together"),
    (lambda table: pa.concat_tables([table, table]), "16 rows, where the plan gives 8"),
])  # fmt: skip
def test_rows_that_are_of_no_run_or_stand_apart_are_refused(store, change, said):
    whole_table(store, "curve", change)
    (failure,) = failures(store, 1)
    assert failure.startswith(("tables: curve.parquet: ", "tables: run ")) and said in failure


@pytest.mark.parametrize("packing", ["zstd", "gzip", "brotli"])
def test_a_table_packed_by_what_unpacks_a_thousandfold_is_refused(store, packing):
    table = pq.read_table(store.path / "curve.parquet")
    pq.write_table(table, store.path / "curve.parquet", compression=packing)
    assert failures(store, 1) == [f"tables: curve.parquet: packed by {packing.upper()}, where tables are packed by Snappy"]


def test_a_table_that_unpacks_to_more_than_its_rows_is_refused_before_it_is_unpacked(store):
    write_table(store.path / "training.parquet", "training", [("q_learning", "FrozenLake-v1", 0, 200, "x" * 30_000_000, 0.0)])
    assert (store.path / "training.parquet").stat().st_size < 3_000_000
    (failure,) = failures(store, 1)
    assert failure.startswith("tables: training.parquet: 1 rows of ") and failure.endswith(" bytes are more than a run has")


def test_a_run_sealed_by_files_has_no_place_in_a_packed_study(store):
    record = lines_of(store)[a_run(store)]
    reseal(store, a_run(store), schema=1, files={**record["files"], **dict.fromkeys(("curve.parquet", "episodes.parquet", "training.parquet"), "0" * 64)})
    assert failures(store, 1)[0] == f"runs: run {a_run(store)}/runs.jsonl: sealed by files, which a packed study does not hold"


def test_a_file_that_no_packed_study_keeps_is_refused(store):
    record = lines_of(store)[a_run(store)]
    reseal(store, a_run(store), files={**record["files"], "run.sh": "0" * 64})
    assert failures(store, 1)[0] == f"runs: run {a_run(store)}/run.sh: no file of a packed study"


def test_a_run_that_was_taken_out_is_missing(store):
    victim = a_run(store, "sarsa", 1)
    for name in ("curve", "episodes"):  # where nothing was logged, there is nothing else
        change_rows(store, victim, name, lambda frame: frame[:0])
    write_lines(store, [record for name, record in lines_of(store).items() if name != victim])
    assert f"runs: {victim}: missing" in failures(store, 1)


def test_a_forged_score_is_told_from_its_episodes(store):
    change_table(store, a_run(store), "curve", lambda frame: frame.assign(score=1.0))
    assert any(line.startswith(f"scores: run {a_run(store)}: score at step 200 is 1, but its episodes give ") for line in failures(store, 1))


def test_a_changed_file_is_read_again(store):
    assert set(store.runs()["status"]) == {"finished"}
    (store.path / "curve.parquet").write_bytes(b"PAR1")
    with pytest.raises(IntegrityError, match=r"curve\.parquet: cannot be read"):
        store.runs()


# --- what is committed


def test_what_is_committed_stays_small():
    """A clone of the project carries every byte; a study is a few files, whatever its number of runs."""
    files = [path for path in RESULTS.rglob("*") if path.is_file()]
    of_claims = [path for path in files if path.is_relative_to(RESULTS / "claims")]
    calibration = [path for path in files if path.parent == RESULTS / "calibration" and path.stem == "claims"]  # a line of each claim
    studies = [path.parent for path in RESULTS.glob("*/study.yaml") if path.parent.name not in ("quickstart", "parity")]  # of the course, without models
    of_studies = [path for path in files if any(path.is_relative_to(study) for study in studies)]
    searches = [path.parent for path in RESULTS.glob("tuning/*/tuning.yaml")]
    of_searches = [path for path in files if any(path.is_relative_to(search) for search in searches)]
    of_course = [path for path in files if path.is_relative_to(RESULTS / "course")]
    others = [path for path in files if path not in (*of_claims, *calibration, *of_studies, *of_searches, *of_course)]
    assert len(others) <= 161
    assert sum(path.stat().st_size for path in others) <= 8_920_000
    n = sum(path.name == "verdict.json" for path in of_claims)
    assert len(of_claims) == 8 * n + 2  # study, runs, three tables, verdict, picture, cost of each; the page twice
    assert sum(path.stat().st_size for path in of_claims) <= 450_000 * n
    assert sum(path.stat().st_size for path in calibration) <= 4_000 * n
    assert len(of_studies) <= 13 * len(studies)
    assert sum(path.stat().st_size for path in of_studies) <= 1_500_000 * len(studies)
    assert len(of_searches) <= 7 * len(searches)
    assert sum(path.stat().st_size for path in of_searches) <= 500_000 * len(searches)
    assert sum(path.stat().st_size for path in of_course) <= 100_000


@pytest.mark.parametrize("name", ["quickstart", "parity"])
def test_the_committed_studies_are_packed_and_hold_all_their_runs(name):
    store = Store(RESULTS / name)
    assert store.is_packed and set(store.runs()["status"]) == {"finished"}
