"""Verification finds nothing wrong with a study that is whole, and names what was changed in one that is not."""

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks import IncompleteData, IntegrityError, UserError
from benchmarks.evidence.analysis import analyse
from benchmarks.report import against, films, page
from benchmarks.reproduction import archive, publish, sample, verify
from benchmarks.running import launchers, worker
from benchmarks.store.store import Store
from benchmarks.studies import plan, provenance, study
from sb3_course import cli
from tests.benchmarks.forging import change_table, reseal
from tests.benchmarks.synthetic import CONTROL, SyntheticStore

pytestmark = pytest.mark.usefixtures("plain_pictures")

SMALL = ["protocol.eval_points=3", "protocol.eval_episodes=3", "statistics.reps=200"]


@pytest.fixture(scope="module")
def original(plain_pictures, tmp_path_factory):
    """A study that was trained here, with its report: two algorithms, three seeds, in a second."""
    resolved = study.adhoc(["q_learning", "value_iteration"], ["FrozenLake-v1"], seeds=3, steps=600, overrides=SMALL)
    resolved = plan.pinned(resolved, command="sb3-course compare ...")
    store = Store(tmp_path_factory.mktemp("original") / "lake")
    store.save_study(resolved)
    launchers.launch(plan.group([run for _, run in store.planned()], 1), store, {"name": "inprocess"})
    page.render(store.path, options=page.Options(animations=False))
    return store


@pytest.fixture
def store(original, tmp_path):
    return Store(shutil.copytree(original.path, tmp_path / "lake"))


def failures(store, level, **options):
    return [f"{finding.what}: {finding.said}" for finding in verify.verify(store, level, **options) if finding.state == "fail"]


def states(store, level, **options):
    return {finding.what: finding.state for finding in verify.verify(store, level, **options)}


def a_run(store, algo="q_learning", seed=0):
    return next(run.id for _, run in store.planned() if (run.algo, run.seed) == (algo, seed))


def reseal_report(store, name):
    """Enter the hash of a changed file into repro.json."""
    directory = store.path / "report"
    facts = json.loads((directory / "repro.json").read_text(encoding="utf-8"))
    facts["files"][name] = page.hash_of(name, (directory / name).read_bytes())
    (directory / "repro.json").write_text(page.as_json(facts), encoding="utf-8")


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- a study that is whole


def test_a_whole_study_passes_the_first_three_levels(original):
    found = states(original, 3, sample=2)
    assert set(found.values()) == {"pass"} and len(found) == 18


def test_a_run_that_is_trained_again_has_the_same_weights(original):
    name = a_run(original, seed=2)
    finding = list(verify.verify(original, 3, runs=(name,)))[-1]
    weights = original.record(name)["weights_hash_end"]
    assert (finding.what, finding.state, finding.said) == (name, "pass", f"the same weights, {weights[:16]}, scores and episodes")


def test_the_sample_is_drawn_by_its_seed(original):
    drawn = [sample.drawn(original, sample=2, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2] and all(len(set(names)) == 2 for names in drawn)


@pytest.mark.slow
def test_all_runs_again_are_the_same_runs_and_continue_where_they_stopped(original, tmp_path):
    out, secret = tmp_path / "again", "a word that nobody else knows"
    found = [f for f in verify.verify(original, 4, sample=1, out=out, secret=secret) if f.level == 4]
    assert [(f.what, f.state, f.said) for f in found] == [("runs", "pass", "6 runs made by this verification, and no other used")] + [
        (f"{algo} on FrozenLake-v1", "pass", "3 of 3 seeds end with the same weights and scores") for algo in ("q_learning", "value_iteration")
    ]
    before = {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("run.json")}
    assert len(before) == 6
    again = [f.said for f in verify.verify(original, 4, sample=1, out=out, secret=secret) if f.level == 4]
    assert again[0] == "6 runs made by this verification, 6 of them before it was interrupted, and no other used"
    assert before == {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("run.json")}


# --- what was changed is named


def test_one_byte_of_a_result_is_named(store):
    path = store.runs_path / a_run(store) / "curve.parquet"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(bytes(content))
    assert f"runs: run {a_run(store)}/curve.parquet: hash mismatch" in failures(store, 1)
    assert any("corrupt" in line for line in failures(store, 2))


def test_a_run_that_is_gone_is_named(store):
    shutil.rmtree(store.runs_path / a_run(store))
    assert f"runs: {a_run(store)}: missing" in failures(store, 1)


def test_a_changed_number_of_the_report_is_named(store):
    path = store.path / "report" / "report.json"
    numbers = json.loads(path.read_text(encoding="utf-8"))
    point = numbers["groups"]["all"]["aggregates"]["iqm"]["q_learning"]["point"]
    numbers["groups"]["all"]["aggregates"]["iqm"]["q_learning"]["point"] = point + 1e-6
    path.write_text(page.as_json(numbers), encoding="utf-8")
    assert "report: report/report.json: hash mismatch" in failures(store, 1)
    reseal_report(store, "report.json")
    assert failures(store, 1) == []
    assert failures(store, 2) == [f"numbers: report.json: groups / all / aggregates / iqm / q_learning / point is {point + 1e-6}, computed {point}"]


def test_a_changed_word_of_the_page_is_named_by_its_line(store):
    path = store.path / "report" / "report.html"
    line = next(k for k, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1) if "6 planned, 6 finished" in text)
    edit(path, "6 planned, 6 finished", "6 planned, 5 finished")
    reseal_report(store, "report.html")
    (failure,) = failures(store, 2)
    assert failure.startswith(f"report.html: report/report.html line {line}: ") and "5 finished" in failure and "6 finished" in failure


def test_the_date_of_the_page_may_change(store):
    path = store.path / "report" / "report.html"
    edit(path, '<p class="date">Rendered 2', '<p class="date">Rendered 3')
    assert failures(store, 2) == []


def test_a_report_that_was_also_printed_is_made_again_without_its_pdf(store, monkeypatch):
    monkeypatch.setattr(page.exports, "pdf", lambda html: b"%PDF-")
    page.render(store.path, options=page.Options(pdf=True, parquet=True, animations=False))
    assert (store.path / "report" / "report.pdf").is_file()
    monkeypatch.setattr(page.exports, "pdf", None)
    assert {k: v for k, v in states(store, 2).items() if v != "pass"} == {"other files": "unverified"}  # the print itself is not looked at


def test_a_changed_score_in_a_table_is_named_by_line_and_column(store):
    path = store.path / "report" / "scores.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = lines[2].split(",")
    was, cells[6] = cells[6], "0.123"
    path.write_text("\n".join([*lines[:2], ",".join(cells), *lines[3:]]) + "\n", encoding="utf-8")
    reseal_report(store, "scores.csv")
    assert failures(store, 2) == [f"scores.csv: scores.csv line 3, score: 0.123, computed {was}"]


def test_a_changed_seed_of_the_study_is_named(store):
    edit(store.path / "study.yaml", "seeds:\n- 0\n", "seeds:\n- 7\n")
    found = failures(store, 1)
    assert any(line.startswith("plan: study.yaml: its content hashes to") for line in found)
    assert any("-s7-" in line and "missing" in line for line in found)


def test_a_changed_seed_of_a_run_is_named_although_it_was_sealed_again(store):
    reseal(store, a_run(store), seed=5)
    assert f"runs: run {a_run(store)}/run.json: seed is not the plan's" in failures(store, 1)


def test_a_changed_model_seed_is_named_although_it_was_sealed_again(store):
    reseal(store, a_run(store), model_seed=17)
    found = [line for line in failures(store, 1) if line.startswith("seeds: ")]
    assert len(found) == 1 and f"run {a_run(store)}: model seed 17, but seed 0 gives" in found[0]


def test_changed_evaluation_seeds_are_named_although_they_were_sealed_again(store):
    reseal(store, a_run(store), episode_seeds=[1, 2, 3])
    assert f"seeds: run {a_run(store)}: its evaluation episodes have other seeds than seed 0 gives" in failures(store, 1)


def test_a_changed_result_is_told_from_the_report_although_it_was_sealed_again(store):
    reseal(store, a_run(store), train_seconds=1e-6)
    found = failures(store, 1)
    assert any("repro.json: runs" in line and "train_seconds" in line for line in found)


def test_a_changed_provenance_is_named(store):
    edit(store.path / "report" / "repro.json", '"command": "sb3-course compare ..."', '"command": "sb3-course compare other"')
    assert failures(store, 1) == ["provenance: repro.json: command is 'sb3-course compare other', computed 'sb3-course compare ...'"]


def forge(store, algo, score=1.0, episodes=False):
    """Give every run of an algorithm another score, in its curve (and in its episodes), seal the runs and write the report again."""
    for name in (run.id for _, run in store.planned() if run.algo == algo):
        changed = {"curve": {"score": score, "score_std": 0.0}} | ({"episodes": {"return": score}} if episodes else {})
        for table, columns in changed.items():
            change_table(store, name, table, lambda frame, columns=columns: frame.assign(**columns))
    page.render(store.path, options=page.Options(animations=False))


def test_a_score_that_its_episodes_do_not_give_is_named_although_all_was_sealed_again(store):
    forge(store, "q_learning")
    found = failures(store, 1)
    assert len(found) == 1 and found[0].startswith(f"scores: run {a_run(store)}: score at step 200 is 1, but its episodes give ")
    assert failures(store, 2) == found, "everything else was made to fit"


def test_forged_episodes_are_found_by_training_again_although_the_weights_are_right(store):
    forge(store, "q_learning", episodes=True)
    assert failures(store, 2) == []
    name = a_run(store)
    (failure,) = failures(store, 3, runs=(name,))
    assert failure.startswith(f"{name}: other scores on the same kind of machine with the same code: the same weights, but score at step 200 1 there, ")


@pytest.mark.slow
def test_forged_episodes_are_found_by_running_everything_again(store, tmp_path):
    forge(store, "q_learning", episodes=True)
    found = [f for f in verify.verify(store, 4, runs=(a_run(store, "value_iteration"),), out=tmp_path / "again") if f.level == 4]
    said = "0 of 3 seeds end with the same weights and scores, by the same code on the same kind of machine; seed 0 on FrozenLake-v1: the same weights, but "
    assert [(f.what, f.state) for f in found[1:]] == [("q_learning on FrozenLake-v1", "fail"), ("value_iteration on FrozenLake-v1", "pass")]
    assert found[1].said.startswith(said)


def test_what_an_earlier_version_did_not_record_of_a_machine_is_not_known_to_differ():
    here = worker.host()
    assert {"cpu_capability", "torch_config", "scipy", "numba", "llvmlite"} <= set(here)
    old = {key: value for key, value in here.items() if key not in ("cpu_capability", "torch_config", "scipy", "numba", "llvmlite")}
    assert sample.other_machine(old, here) == []
    assert sample.other_machine(here | {"cpu_capability": "DEFAULT"}, here) == [("cpu_capability", "DEFAULT", here["cpu_capability"])]


def test_a_directory_that_no_plan_names_is_noted(store):
    shutil.copytree(store.runs_path / a_run(store), store.runs_path / "ppo-extra")
    notes = [f.said for f in verify.verify(store, 1) if f.state == "note"]
    assert notes == ["1 directories belong to no planned run and enter no number: ppo-extra"]


def test_a_store_without_a_report_passes_the_first_level_with_a_note_and_no_other(store):
    shutil.rmtree(store.path / "report")
    assert states(store, 1)["report"] == "note"
    assert any("no report to check against" in line for line in failures(store, 2))


def test_a_partial_report_is_verified_as_what_it_is(store):
    shutil.rmtree(store.runs_path / a_run(store))
    page.render(store.path, allow_partial=True, options=page.Options(animations=False))
    found = list(verify.verify(store, 2))
    assert not [f for f in found if f.state == "fail"]
    assert "1 of 6 runs are missing, as the report says" in [f.said for f in found if f.state == "note"]


# --- other machines, other code


def test_numbers_may_round_otherwise_whatever_machine_the_record_names_and_nothing_more(store):
    directory = store.path / "report"
    numbers = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    estimate = numbers["groups"]["all"]["aggregates"]["iqm"]["q_learning"]
    high = estimate["high"]
    for factor, state in ((1 + 1e-13, "pass"), (1 + 1e-6, "fail")):
        estimate["high"] = high * factor
        (directory / "report.json").write_text(page.as_json(numbers), encoding="utf-8")
        reseal_report(store, "report.json")
        finding = next(f for f in verify.verify(store, 2) if f.what == "numbers")
        assert finding.state == state
        assert state == "fail" or "rounded otherwise by another processor or library (allowed: 1e-09)" in finding.said


def test_words_of_other_reporting_code_were_not_verified_and_other_numbers_fail(store):
    directory = store.path / "report"
    edit(directory / "report.html", "<h2>Verdict</h2>", "<h2>The verdict</h2>")
    reseal_report(store, "report.html")
    facts = json.loads((directory / "repro.json").read_text(encoding="utf-8"))
    facts["rendering"]["code"] = "0" * 64
    (directory / "repro.json").write_text(page.as_json(facts), encoding="utf-8")
    assert {k: v for k, v in states(store, 2).items() if v != "pass"} == {"report.html": "unverified"}
    numbers = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    numbers["groups"]["all"]["aggregates"]["iqm"]["q_learning"]["high"] += 1e-3
    (directory / "report.json").write_text(page.as_json(numbers), encoding="utf-8")
    reseal_report(store, "report.json")
    assert states(store, 2)["numbers"] == "fail"


def test_other_weights_on_the_same_machine_fail_and_on_another_one_are_not_verified(store):
    name = a_run(store)
    reseal(store, name, weights_hash_end="f" * 64)
    page.render(store.path, options=page.Options(animations=False))
    (failure,) = failures(store, 3, runs=(name,))
    assert failure.startswith(f"{name}: other weights on the same kind of machine with the same code: weights ffffffffffffffff there")
    host = store.record(name)["host"]
    reseal(store, name, host={**host, "cpu": "another"})
    page.render(store.path, options=page.Options(animations=False))
    finding = list(verify.verify(store, 3, runs=(name,)))[-1]
    assert finding.state == "unverified" and f"cpu: another there, {host['cpu']} here" in finding.said and "as a new run's would be" in finding.said


def test_scores_that_no_new_run_would_have_fail_on_any_machine(store, monkeypatch):
    name = a_run(store)
    reseal(store, name, weights_hash_end="f" * 64, host={**store.record(name)["host"], "cpu": "another"})
    page.render(store.path, options=page.Options(animations=False))
    monkeypatch.setattr(sample, "_curve", lambda other, run: np.array([50.0, 60.0, 70.0]))
    (failure,) = failures(store, 3, runs=(name,))
    assert "its final score, 70, lies outside" in failure


def test_a_level_or_a_run_that_does_not_exist_is_refused(original):
    with pytest.raises(UserError, match=r"--level 5: there are 1 \(integrity\)"):
        list(verify.verify(original, 5))
    with pytest.raises(UserError, match="no finished run ppo-x"):
        list(verify.verify(original, 3, runs=("ppo-x",)))


# --- the command, and archives


def test_the_exit_code_is_zero_three_or_four_and_the_findings_can_be_kept(store, tmp_path, capsys):
    kept = tmp_path / "found.json"
    assert cli.main(["reproduce", str(store.path), "--level", "2", "--json", str(kept)]) == 0
    assert "Reproduced at level 2: 15 of 15 checks hold" in capsys.readouterr().out
    found = json.loads(kept.read_text(encoding="utf-8"))
    assert {f["state"] for f in found["findings"]} == {"pass"} and found["verdict"] == "passed" and len(found["not_verified"]) > 4
    (store.path / "report" / "verdict.html").write_text("q_learning is best")
    assert cli.main(["reproduce", str(store.path), "--level", "1"]) == 3
    assert "NOT wholly verified at level 1: 8 of 9 checks hold, 1 could not be made" in capsys.readouterr().out
    edit(store.path / "report" / "tables.tex", "FrozenLake", "FrozenPond")
    assert cli.main(["reproduce", str(store.path), "--level", "1"]) == 4
    assert "NOT reproduced at level 1" in capsys.readouterr().out


def test_an_archive_is_the_same_bytes_each_time_and_is_verified_like_a_study(original, tmp_path, capsys):
    for name in ("a.tar.gz", "b.tar.gz"):
        assert cli.main(["archive", str(original.path), str(tmp_path / name)]) == 0
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    assert cli.main(["reproduce", str(tmp_path / "a.tar.gz"), "--level", "2"]) == 0


def test_an_archive_without_models_says_what_was_left_out_and_is_verified(original, tmp_path):
    archive.pack(original, tmp_path / "light.tar.gz", models=False)
    copy = archive.unpack(tmp_path / "light.tar.gz", tmp_path / "there")
    assert not list(copy.path.rglob("model.zip")) and list(original.path.rglob("model.zip"))
    assert copy.record(a_run(copy))["left_out"] == {"model.zip": original.record(a_run(original))["files"]["model.zip"]}
    assert failures(copy, 2) == []


def repacked(source, target, change):
    """The archive with its members changed: change(name, content) -> content, or None to leave it out."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            content = change(member.name, old.extractfile(member).read())
            if content is not None:
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))


def test_what_was_changed_in_an_archive_is_named(original, tmp_path):
    archive.pack(original, tmp_path / "whole.tar.gz")
    cases = {
        "hash mismatch": lambda name, content: content.replace(b"FrozenLake", b"FrozenPond") if name.endswith("scores.csv") else content,
        "missing": lambda name, content: None if name.endswith("scores.csv") else content,
    }
    for k, (said, change) in enumerate(cases.items()):
        repacked(tmp_path / "whole.tar.gz", tmp_path / f"{k}.tar.gz", change)
        with pytest.raises(IntegrityError, match=f"report/scores.csv.*{said}"):
            archive.unpack(tmp_path / f"{k}.tar.gz", tmp_path / f"there{k}")


def test_a_cut_or_foreign_archive_and_a_path_that_leads_out_of_it_are_refused(original, tmp_path):
    archive.pack(original, tmp_path / "whole.tar.gz")
    (tmp_path / "cut.tar.gz").write_bytes((tmp_path / "whole.tar.gz").read_bytes()[:2000])
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../escaped"), io.BytesIO(b""))
    for name, said in (("cut", "cannot be unpacked"), ("evil", "escaped: its name is not made of")):
        with pytest.raises(IntegrityError, match=said):
            archive.unpack(tmp_path / f"{name}.tar.gz", tmp_path / name)
    assert not (tmp_path / "escaped").exists()
    with pytest.raises(UserError, match="no archive"):
        archive.unpack(tmp_path / "none.tar.gz", tmp_path)


def test_an_unfinished_study_or_one_without_a_report_is_not_packed(store, tmp_path):
    shutil.rmtree(store.path / "report")
    with pytest.raises(IncompleteData, match="has no report yet"):
        archive.pack(store, tmp_path / "x.tar.gz")
    shutil.rmtree(store.runs_path / a_run(store))
    with pytest.raises(IncompleteData, match="1 of 6 runs"):
        archive.pack(store, tmp_path / "x.tar.gz")
    with pytest.raises(UserError, match=r"ends in \.tar\.gz"):
        archive.pack(store, tmp_path / "x.zip")


# --- two studies, and the median run


def test_two_studies_stand_side_by_side_with_what_was_asked_differently(original, tmp_path):
    other = study.adhoc(["q_learning"], ["FrozenLake-v1"], seeds=5, steps=900, overrides=SMALL)
    second = Store(tmp_path / "longer")
    second.save_study(plan.pinned(other))
    launchers.launch(plan.group([run for _, run in second.planned()], 1), second, {"name": "inprocess"})
    assert cli.main(["report", str(original.path), "--against", str(second.path), "--out", str(tmp_path / "out")]) == 0
    found = json.loads((tmp_path / "out" / "against.json").read_text(encoding="utf-8"))
    (pair,) = found["pairs"]
    means = [store.curves().query("algo == 'q_learning'").groupby("seed")["score"].last().mean() for store in (second, original)]
    assert pair["test"]["difference"]["point"] == pytest.approx(means[1] - means[0])  # the named study minus the other
    assert (pair["algo"], pair["shared"], pair["n"]) == ("q_learning", 3, ["5", "3"])
    assert "budget.FrozenLake-v1.q_learning: 900 there, 600 here" in found["changes"]
    text = (tmp_path / "out" / "against.html").read_text(encoding="utf-8")
    assert "budget.FrozenLake-v1.q_learning: 900 there, 600 here" in text and "<script" not in text


def test_over_tasks_and_on_each_the_difference_is_the_second_study_s_minus_the_first_s():
    high, low = SyntheticStore(groups=[CONTROL], reps=200), SyntheticStore(groups=[CONTROL], reps=200, root_seed=1)
    low.set_final("ppo", "CartPole-v1", 100.0 + np.arange(10)).set_final("ppo", "Acrobot-v1", -400.0 + np.arange(10))
    there, here = (analyse(s.study(), s.runs(), s.curves()) for s in (high, low))
    found = {(p.algo, len(p.envs)): p.test for p in against.pairs(there, here)}
    assert found["ppo", 2].tier == "different" and found["ppo", 2].difference.high < 0
    assert found["ppo", 1].difference.high < 0  # the last task's
    assert found["sb3/dqn", 2].tier != "different"


def test_a_study_against_itself_is_identical_run_by_run(original, tmp_path):
    assert cli.main(["report", str(original.path), "--against", str(original.path), "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "against.json").read_text(encoding="utf-8"))
    assert [(p["same"], p["shared"]) for p in found["pairs"]] == [(3, 3), (3, 3)] and found["changes"] == []


def test_studies_that_share_nothing_are_not_compared(original, tmp_path):
    other = study.adhoc(["q_learning"], ["CliffWalking-v1"], seeds=1, steps=100, overrides=SMALL)
    second = Store(tmp_path / "cliff")
    second.save_study(other)
    launchers.launch(plan.group([run for _, run in second.planned()], 1), second, {"name": "inprocess"})
    assert cli.main(["report", str(original.path), "--against", str(second.path)]) == 2


def test_the_median_run_is_shown_in_motion_and_the_same_each_time(store):
    page.render(store.path, play=films.make)
    text = (store.path / "report" / "report.html").read_text(encoding="utf-8")
    shown = [part.partition('"')[0] for part in text.split('src="data:image/webp;base64,')[1:]]
    assert len(shown) == 2 and all(1_000 < len(film) < 200_000 for film in shown)
    assert "the median of 3 runs by final score" in text
    assert failures(store, 2) == []  # the same bytes again


def test_more_films_than_a_report_holds_are_left_out_aloud(monkeypatch):
    analysis = analyse((store := SyntheticStore(groups=[CONTROL], reps=200)).study(), store.runs(), store.curves())
    assert films.shown(analysis)[1] == "" and len(films.shown(analysis)[0]) == 4
    monkeypatch.setattr(films, "MOST", 1)
    kept, left_out = films.shown(analysis)
    assert len(kept) == 1 and "4 median runs are more than the 1" in left_out and "left out: " in left_out
    monkeypatch.setattr(films, "_film", lambda store, cell, index: films.Film(cell.env, "", "", ""))
    monkeypatch.setattr(films, "kept", lambda store: {})
    monkeypatch.setattr(films, "MOST", 12)
    assert len(films.films(store, analysis)) == 4


def test_a_published_study_keeps_the_models_of_its_median_runs_and_shows_them(original, store, tmp_path):
    page.render(store.path, play=films.make)
    copy = publish.publish(store, tmp_path / "published")
    kept = {path.stem for path in (copy.path / "models").iterdir()}
    assert len(kept) == 2 and kept == set(films.median_runs(original, analyse(original.study(), original.runs(), original.curves())))
    assert copy.study().keep_models == "median" and failures(copy, 1) == []
    text = page.render(copy.path).path.read_text(encoding="utf-8")
    assert text.count('src="data:image/webp;base64,') == 2 and "of the median runs, which this report shows" in text


def test_a_report_of_an_archive_is_written_beside_it(original, tmp_path):
    archive.pack(original, tmp_path / "lake.tar.gz")
    assert cli.main(["report", str(tmp_path / "lake.tar.gz"), "--no-animations"]) == 0
    assert (tmp_path / "lake-report" / "report.json").read_bytes() == (original.path / "report" / "report.json").read_bytes()


def test_without_a_margin_differences_are_drawn_in_a_unit_that_is_named(tmp_path):
    there, here = (SyntheticStore(groups=[CONTROL], reps=100, normalise=False, root_seed=k) for k in (0, 1))
    analyses = [analyse(s.study(), s.runs(), s.curves()) for s in (there, here)]
    found = against.pairs(*analyses)
    picture = against._figure(found, ("a", "b"), analyses[0])
    assert "divided by the half-width of their 90 % interval" in picture.caption and all(p.test.margin is None for p in found)
    half = against._half(found[0].test.narrow)
    assert half == pytest.approx((found[0].test.narrow.high - found[0].test.narrow.low) / 2)


def test_the_content_of_an_untracked_file_changes_the_hash_of_the_difference(tmp_path, monkeypatch):
    for words in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    hashes = []
    for content in ("one", "two"):
        (tmp_path / "new.py").write_text(content)
        hashes.append(provenance.source()["diff_hash"])
    assert hashes[0] and hashes[1] and hashes[0] != hashes[1]


def test_the_measured_coverages_belong_to_the_reporting_code(tmp_path, monkeypatch):
    here = Path(provenance.__file__).parents[1]
    copy = Path(shutil.copytree(here, tmp_path / "benchmarks", ignore=shutil.ignore_patterns("__pycache__")))
    hashes = []
    for row in ("", "welch,normal,5,1,0,1000,1000,0.5\n"):
        with (copy / "stats" / "coverage.csv").open("a") as file:
            file.write(row)
        monkeypatch.setattr(provenance, "__file__", str(copy / "studies" / "provenance.py"))
        provenance.reporting_code.cache_clear()
        hashes.append(provenance.reporting_code())
    provenance.reporting_code.cache_clear()
    assert hashes[0] != hashes[1]


def test_the_median_run_is_the_one_in_the_middle():
    from benchmarks.report.films import median_seed
    store = SyntheticStore(groups=[CONTROL], reps=200).set_final("ppo", "CartPole-v1", [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    cell = analyse(store.study(), store.runs(), store.curves()).groups[0].cells
    assert median_seed(cell["ppo", "CartPole-v1"]) == 5  # score 4: the lower of the two in the middle


def test_a_run_that_cannot_be_shown_does_not_cost_the_report(store, monkeypatch):
    def no_screen(*_, **__):
        raise RuntimeError("no GL here")

    monkeypatch.setattr("benchmarks.report.films.environments.make_env", no_screen)
    page.render(store.path, play=films.make)
    assert "q_learning on FrozenLake-v1 cannot be shown here: RuntimeError: no GL here." in (store.path / "report" / "report.html").read_text(encoding="utf-8")
