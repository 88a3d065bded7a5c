"""A study that was made to look like another result does not pass, although everything in it was sealed again by somebody who knows this program."""

import hashlib
import json
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.report import page
from benchmarks.reproduction import analysis, archive, everything, publish, sample, unseen, verify
from benchmarks.reproduction.differences import leaves
from benchmarks.reproduction.findings import Finding, Misuse
from benchmarks.running import launchers
from benchmarks.store import records
from benchmarks.store.store import Store
from benchmarks.store.tables import TABLES, write_table
from benchmarks.studies import plan, registration, study
from sb3_course import cli
from tests.benchmarks.forging import change_study, change_table, place_of, record_of, reseal, reseal_all, rows_of, write_record
from tests.some import some

pytestmark = pytest.mark.usefixtures("plain_pictures")

SMALL = ["protocol.eval_points=3", "protocol.eval_episodes=3", "statistics.reps=200"]
WITHOUT_FILMS = page.Options(animations=False)


@pytest.fixture(scope="module")
def original(plain_pictures, tmp_path_factory):
    """Two algorithms on a lake, three seeds, trained here in a second, with the report."""
    resolved = study.adhoc(["q_learning", "sarsa"], ["FrozenLake-v1"], seeds=3, steps=3000, overrides=SMALL)
    resolved = plan.pinned(resolved, command="sb3-course compare ...")
    store = Store(tmp_path_factory.mktemp("original") / "lake")
    store.save_study(resolved)
    launchers.launch(plan.group([run for _, run in store.planned()], 1), store, {"name": "inprocess"})
    page.render(store.path, options=WITHOUT_FILMS)
    return store


@pytest.fixture(scope="module")
def packed(original, tmp_path_factory):
    """The same study in the form in which one is published."""
    copy = publish.packed_copy(original, tmp_path_factory.mktemp("packed") / "lake", {run.id for _, run in original.planned()})
    page.render(copy.path, options=WITHOUT_FILMS)
    return copy


@pytest.fixture
def store(original, tmp_path):
    return Store(shutil.copytree(original.path, tmp_path / "lake"))


@pytest.fixture(params=[pytest.param("folders", marks=pytest.mark.slow), "packed"])
def either(request, original, packed, tmp_path):
    """The study in one form and in the other."""
    return Store(shutil.copytree((packed if request.param == "packed" else original).path, tmp_path / "lake"))


def findings(store, level=2, **options):
    return list(verify.verify(store, level, **options))


def failures(store, level=2, **options):
    return [f"{f.what}: {f.said}" for f in findings(store, level, **options) if f.state == "fail"]


def not_passed(store, level=2, **options):
    return {f.what: f.state for f in findings(store, level, **options) if f.state not in ("pass", "note")}


def run_of(store, algo="q_learning", seed=0):
    return next(run for _, run in store.planned() if (run.algo, run.seed) == (algo, seed))


def change_record(store, change):
    """Change repro.json, with the hashes of the files as they are."""
    directory = store.path / "report"
    facts = json.loads((directory / "repro.json").read_text(encoding="utf-8"))
    change(facts)
    facts["files"] = {name: page.hash_of(name, (directory / name).read_bytes()) for name in facts["files"]}
    (directory / "repro.json").write_text(page.as_json(facts), encoding="utf-8")


def change_page(store, old, new):
    path = store.path / "report" / "report.html"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    change_record(store, lambda facts: None)


def test_the_study_that_is_forged_below_passes_in_both_forms(either):
    assert not_passed(either, 3) == {}


# --- the page


def test_a_verdict_on_the_line_of_the_date_is_found(store):
    date = next(line for line in (store.path / "report" / "report.html").read_text(encoding="utf-8").splitlines() if 'class="date"' in line)
    change_page(store, date, f"{date.removesuffix('</p>')}<script>alert('sarsa wins')</script> Sarsa is significantly better.</p>")
    (failure,) = failures(store)
    assert failure.startswith("report.html: report/report.html line ")


def test_a_second_line_with_a_date_is_found(store):
    change_page(store, "<h2>Verdict</h2>", '<p class="date">Rendered 2030-01-01 00:00 UTC</p><h2>Verdict</h2>')
    assert [line.partition(":")[0] for line in failures(store)] == ["report.html"]


@pytest.mark.parametrize("change", [
    pytest.param(lambda facts: facts["rendering"].update(code="0" * 64), id="code"),
    pytest.param(lambda facts: facts["rendering"]["machine"].update(vector_instructions=["OTHER"]), id="machine"),
    pytest.param(lambda facts: facts["rendering"]["deviations"].update(sarsa=["It is better."]), id="deviations"),
])  # fmt: skip
def test_rewritten_words_do_not_pass_whatever_made_them_by_the_record(store, change):
    change_page(store, "<h2>Verdict</h2>", "<h2>Verdict: Sarsa wins</h2>")
    change_record(store, change)
    assert "report.html" in not_passed(store)
    assert cli.main(["reproduce", str(store.path), "--level", "2"]) in (3, 4)


def test_another_picture_does_not_pass_whatever_drew_it_by_the_record(store):
    change_page(store, 'aria-label="', 'aria-label="Sarsa wins. ')
    assert not_passed(store) == {"report.html": "fail"}

    def drawn_elsewhere(facts):
        packages = facts["rendering"]["packages"]
        packages["installed"] = [re.sub("^matplotlib==.*", "matplotlib==1.0", line) for line in packages["installed"]]
        packages["main"]["matplotlib"] = "1.0"
        packages["hash"] = hashlib.sha256("\n".join(packages["installed"]).encode()).hexdigest()

    change_record(store, drawn_elsewhere)
    assert not_passed(store)["report.html"] in ("unverified", "fail")


@pytest.mark.parametrize("change", [
    pytest.param(lambda r: r["packages"].update(python="3.11 (Sarsa wins)"), id="version"),
    pytest.param(lambda r: r["packages"]["installed"].append("Sarsa wins"), id="package"),
    pytest.param(lambda r: r["packages"].update(hash="0" * 64), id="hash"),
    pytest.param(lambda r: r["packages"]["main"].update(numpy="9.9"), id="contradiction"),
    pytest.param(lambda r: r["machine"].update(os=["Linux"]), id="type"),
    pytest.param(lambda r: r["options"].update(animations="yes"), id="option"),
    pytest.param(lambda r: r["environments"]["FrozenLake-v1"].update(source="on which Sarsa wins"), id="source"),
    pytest.param(lambda r: r.update(verdict="Sarsa wins"), id="key"),
    pytest.param(lambda r: r.pop("machine"), id="nothing"),
])  # fmt: skip
def test_what_the_page_takes_from_the_record_has_a_form(store, change):
    change_record(store, lambda facts: change(facts["rendering"]))
    (failure,) = failures(store, 1)
    assert failure.startswith("provenance: repro.json: rendering")


def test_sentences_of_the_record_are_made_again_not_printed(store):
    change_record(store, lambda facts: facts["rendering"]["environments"]["FrozenLake-v1"].update(note="Sarsa wins here"))
    recorded = json.loads((store.path / "report" / "repro.json").read_text(encoding="utf-8"))
    rendering, otherwise = records.filled(recorded["rendering"], store.study())
    assert "Sarsa wins here" not in page.build(store, rendering=rendering).files["report.html"] and otherwise == ["environment FrozenLake-v1"]


@pytest.mark.parametrize("change, said", [
    (lambda facts: facts["checklist"][0].update(answer="Sarsa wins"), "checklist[0] / answer is 'Sarsa wins'"),
    (lambda facts: facts.update(verdict="Sarsa wins"), "verdict is none of its parts"),
])  # fmt: skip
def test_a_word_of_the_checklist_and_an_added_key_are_found(store, change, said):
    change_record(store, change)
    assert any(f"repro.json: {said}" in line for line in failures(store))


def test_files_that_the_record_does_not_list_are_missed(store):
    change_record(store, lambda facts: facts.update(files={"scores.csv": ""}))
    listed = "curves.csv, references.bib, report.html, report.json, scores.csv, tables.tex"
    assert failures(store, 1) == [f"report: repro.json: files: it lists other files than {listed}"]


@pytest.mark.parametrize("place", ["report/report.pdf", "report/index.html", "report.html"])
def test_a_page_that_no_level_looks_at_does_not_pass_in_silence(either, place):
    (either.path / place).write_text("Sarsa wins")
    found = [f for f in findings(either) if f.state == "unverified"]
    assert [(f.what, f.said) for f in found] == [("other files", f"1 that no level looks at: {place}")]


def test_a_key_that_stands_twice_in_the_numbers_is_refused(store):
    path = store.path / "report" / "report.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('{\n "study"', '{\n "study": "Sarsa wins",\n "study"', 1), encoding="utf-8")
    change_record(store, lambda facts: None)
    assert any("report.json: cannot be read (a key stands there twice)" in line for line in failures(store))


def test_a_carriage_return_is_another_byte(store):
    path = store.path / "report" / "tables.tex"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n", 3))
    change_record(store, lambda facts: None)
    assert [line.partition(":")[0] for line in failures(store)] == ["tables.tex"]


@pytest.mark.parametrize("changes", [
    {"seed_rule": "Sarsa wins"},
    {"is_foreign": True},
    {"source": {"commit": "Sarsa wins", "dirty": False, "diff_hash": None}},
    {"question": "Does it?\u202e sniw asraS"},
    {"seeds": [0, 1, 1]},
    {"seeds": [0, 1, True]},
    {"statistics": {"reps": 200, "margin": float("inf")}},
    {"statistics": {"reps": 10**12}},
    {"groups": 5},
    {"protocol": {"name": "final, verified by others", "eval_episodes": 3, "eval_points": 3, "deterministic": True, "eval_seed": 20240521}},
    {"budget": {"FrozenLake-v1": {"q_learning": 1e300, "sarsa": 600}}},
    {"code": {"q_learning": {"FrozenLake-v1": "none"}}},
])  # fmt: skip
def test_a_study_holds_nothing_but_what_studies_hold(store, changes):
    change_study(store, **changes)
    (failure,) = failures(store, 1)
    assert "study.yaml" in failure and failure.startswith(("records: ", "integrity: "))


def test_words_about_the_protocol_are_this_program_s(store):
    protocol = {**store.study().protocol, "words": {"Score of a run": "the best of all checkpoints"}}
    change_study(store, protocol=protocol)
    assert failures(store, 1) == ["records: study.yaml: protocol: 'words' is none of its keys"]


@pytest.mark.parametrize("line", ["# Sarsa is significantly better", "seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"])
def test_a_line_of_the_study_that_does_not_count_is_found(store, line):
    path = store.path / "study.yaml"
    path.write_text(f"{line}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    assert failures(store, 1)[0].startswith("plan: study.yaml: it is not in the form in which a study is saved")


def test_a_sequence_is_not_left_out_of_turn(store):
    change_study(store, sequential={"maximum": [0, 5, 1, 2], "batch": 2, "alpha": 0.05, "reps": 1000, "seed": 0})
    assert failures(store, 1) == ["records: study.yaml: its seeds are not the first batches of its sequence"]


def test_aliases_of_aliases_do_not_fill_the_memory(store):
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]", *(f"{c}: &{c} [{','.join([f'*{b}'] * 10)}]" for b, c in zip("abcdefgh", "bcdefghi", strict=True))]
    path = store.path / "study.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\n".join(lines) + "\n", encoding="utf-8")
    (failure,) = failures(store, 1)
    assert failure.endswith("study.yaml stands for 1,234,568,089 values once its aliases are written out; at most 1,000,000 are read")


# --- the runs


def test_names_exchanged_inside_the_tables_are_found(store):
    """The rows of both algorithms change sides, in folders and records that stay as they were. (Packed, rows are found by their names.)"""
    exchanged = {"q_learning": "sarsa", "sarsa": "q_learning"}
    for _, run in store.planned():
        for name in TABLES:
            change_table(store, run.id, name, lambda frame: frame.assign(algo=frame["algo"].map(exchanged)))
    found = failures(store)
    assert found[0].startswith(f"tables: run {run_of(store).id}/curve.parquet: algo in row 1 is sarsa, but the run's is q_learning")


@pytest.mark.parametrize("column, value", [("env", "CliffWalking-v1"), ("seed", 2), ("step", 999), ("n_episodes", 30)])
def test_every_column_of_a_run_is_its_own(either, column, value):
    change_table(either, run_of(either).id, "curve", lambda frame: frame.assign(**{column: [*frame[column][:-1], value]}))
    assert [line.partition(":")[0] for line in failures(either, 1)] == ["tables"]


def test_another_run_s_hash_of_weights_is_found_by_training_again(either):
    name = run_of(either, "sarsa").id
    reseal(either, name, weights_hash_end=either.record(run_of(either).id)["weights_hash_end"])
    page.render(either.path, options=WITHOUT_FILMS)
    assert not_passed(either, 3, runs=(name,)) == {name: "fail"}


@pytest.mark.slow
def test_the_best_run_s_tables_under_the_worst_seed_do_not_pass_by_another_processor(either):
    best, worst = (run_of(either, seed=seed) for seed in (0, 1))
    for name in TABLES:
        rows = rows_of(either, best.id, name).assign(seed=worst.seed)
        rows = rows.assign(value=rows["value"] * (1 + 1e-9)) if name == "training" else rows  # so that it is not the same table
        change_table(either, worst.id, name, lambda frame, rows=rows: rows)
    reseal(either, worst.id, host={**either.record(worst.id)["host"], "cpu": "another"})
    page.render(either.path, options=WITHOUT_FILMS)
    found = {f.what: f for f in findings(either, 3, runs=(worst.id,))}
    assert found[worst.id].state == "unverified" and "the same weights, but " in found[worst.id].said and "cpu: another there" in found[worst.id].said
    assert cli.main(["reproduce", str(either.path), "--level", "3", "--run", worst.id]) == 3


def test_one_run_under_two_seeds_is_counted_once_or_not_at_all(either, monkeypatch):
    a, b = (run_of(either, seed=seed).id for seed in (0, 1))
    change_table(either, a, "curve", lambda frame: frame.assign(score=[0.0, 1 / 3, 2 / 3]))
    change_table(either, b, "curve", lambda frame: frame.assign(score=[0.0, 0.0, 1.0]))
    reseal(either, b, weights_hash_end=either.record(a)["weights_hash_end"])
    assert f"copies: {a} and {b} are one run, counted 2 times" in failures(either, 1)


def test_runs_that_learnt_nothing_and_so_end_with_the_same_weights_are_no_copies(store):
    """Such as those of the random agent, which has none."""
    for seed, score in ((0, [0.0, 1 / 3, 2 / 3]), (1, [0.0, 0.0, 1.0])):
        name = run_of(store, seed=seed).id
        change_table(store, name, "curve", lambda frame, score=score: frame.assign(score=score))
        reseal(store, name, weights_hash_start="a" * 64, weights_hash_end="a" * 64)
    assert not any(line.startswith("copies: ") for line in failures(store, 1))


def test_a_score_that_is_off_by_a_rounding_is_found(either):
    """Where both algorithms score the same in every run, the last bit would make them different."""
    change_table(either, run_of(either).id, "curve", lambda frame: frame.assign(score=frame["score"] + 1e-12))
    page.render(either.path, options=WITHOUT_FILMS)
    assert [line.partition(":")[0] for line in failures(either)] == ["scores"]


def test_episodes_without_seeds_are_no_way_around_their_means(store):
    run = run_of(store)
    change_table(store, run.id, "curve", lambda frame: frame.assign(score=1.0))
    change_table(store, run.id, "episodes", lambda frame: frame[:0])
    record = record_of(store, run.id)
    del record["episode_seeds"]
    write_record(store, run.id, record)
    reseal(store, run.id)
    assert any(line.endswith("run.json: no 'episode_seeds'") for line in failures(store, 1))


# --- training again


@pytest.mark.slow
def test_the_draw_is_the_verifier_s_own_and_can_be_repeated(store, monkeypatch):
    monkeypatch.setattr(sample, "_compared", lambda old, *_: Finding(3, old.id, "pass", ""))
    monkeypatch.setattr(launchers, "launch", lambda *_: None)
    monkeypatch.setattr(verify, "analysis", lambda _: iter(()))  # which takes most of the time, and draws nothing
    chosen = []
    for seed in range(12):
        monkeypatch.setattr("secrets.randbits", lambda bits, seed=seed: seed)
        chosen.append([f.what for f in findings(store, 3, sample=1) if f.level == 3])
    assert len({tuple(names) for names in chosen}) > 2
    assert [f.said for f in findings(store, 3, sample=1) if f.what == "draw"] == ["1 of 6 finished runs, drawn by chance; --seed 11 draws them again"]
    assert [f.what for f in findings(store, 3, sample=1, seed=11) if f.level == 3] == chosen[11]


def prepared(store, path):
    """What an author puts beside a study: copies of his own runs, as if level 4 had made them."""
    shutil.copytree(store.path, path)
    (path / ".made-here.json").write_text(json.dumps({run.id: "0" * 64 for _, run in store.planned()}))
    return path


def test_runs_that_were_prepared_beside_a_study_are_not_used(store, monkeypatch):
    prepared(store, store.path.with_name("lake-again"))
    trained = []
    monkeypatch.setattr(launchers, "launch", lambda work, other, *rest: trained.extend(run.id for job in work for run in job.runs))
    list(verify.guarded(4, "everything", everything.everything(store, None, None, 1, lambda progress: None)))
    assert len(trained) == 6


@pytest.mark.parametrize("secret, said", [(None, "prove nothing"), ("guessed", "none of its 6 runs was made by the verification of this --secret")])
def test_a_folder_with_runs_of_others_is_refused(store, tmp_path, secret, said):
    out = prepared(store, tmp_path / "again")
    with pytest.raises(Misuse, match=said):
        list(everything.everything(store, out, secret, 1, lambda progress: None))


def test_a_run_put_among_those_that_were_made_is_made_again(original, tmp_path):
    other = Store(shutil.copytree(original.path, tmp_path / "again"))
    planned = {run.id: run for _, run in other.planned()}
    made = everything.Made(other, "secret")
    made.enter(list(planned))
    swapped = run_of(other).id
    reseal(other, swapped, train_seconds=1.0)
    ours = everything._only_ours(other, planned, "secret")
    assert {run_id for run_id in planned if run_id in ours} == set(planned) - {swapped}
    assert not (other.runs_path / swapped).exists()


def test_equivalent_samples_are_not_the_same_runs(store, tmp_path, monkeypatch):
    """Scores moved by less than the margin, on a processor that nobody has: level 4 says what it found, and does not pass."""
    again = Store(shutil.copytree(store.path, tmp_path / "again"))
    for _, run in store.planned():
        reseal(store, run.id, weights_hash_end="f" * 64, host={**store.record(run.id)["host"], "cpu": "another"})
    found = list(everything._old_against_new(store, again, store.study(), again.study()))
    assert {f.state for f in found} <= {"unverified", "fail"} and all(f.said.startswith("0 of 3 seeds end with the same") for f in found)


# --- what is not seen is said, and what was registered is compared


def test_every_level_says_what_it_did_not_see(store, capsys):
    for level in (1, 2):
        cli.main(["reproduce", str(store.path), "--level", str(level)])
        printed = " ".join(capsys.readouterr().out.split())
        for words in ("on the author's word", "that any run was trained", "left out", "margin ±0.05", "seeds 0, 1, 2", "package versions", "names, question"):
            assert words in printed, words


def test_references_of_the_author_s_own_are_pointed_out(store):
    assert not any("reference scores" in line for line in unseen.unseen(store, 2, []))
    change_study(store, normalise={"FrozenLake-v1": {"random": 0.0, "expert": 50.0, "source": "mine"}})
    (line,) = (line for line in unseen.unseen(store, 2, []) if "reference scores" in line)
    assert "FrozenLake-v1 0.0 to 50.0 (this program knows 0.01394 to 0.74419)" in line


def test_settings_whose_source_is_worded_otherwise_here_are_pointed_out(store):
    assert not any("sources of hyper-parameters" in line for line in unseen.unseen(store, 2, []))
    hyperparams = store.study().hyperparams
    hyperparams["sarsa"]["FrozenLake-v1"]["learning_rate"] = 0.0
    change_study(store, hyperparams=hyperparams)
    (line,) = (line for line in unseen.unseen(store, 2, []) if "sources of hyper-parameters" in line)
    assert "sarsa on FrozenLake-v1 (this program says: " in line and "changed: learning_rate" in line


def registered(words, capsys):
    assert cli.main(["register", *words]) == 0
    return re.search(r"Registered as ([0-9a-f]{64})\n", capsys.readouterr().out)[1]


WORDS = ["--algos", "q_learning,sarsa", "--envs", "FrozenLake-v1", "--seeds", "3", "-n", "3000", *SMALL]


def test_a_study_is_registered_before_it_runs_and_recognised_afterwards(original, tmp_path, capsys):
    before = registered(WORDS, capsys)
    planned = Store(tmp_path / "planned")
    planned.save_study(original.study())
    archive.pack(original, tmp_path / "lake.tar.gz")
    assert before == registered([str(planned.path)], capsys) == registered([str(original.path)], capsys) == registered([str(tmp_path / "lake.tar.gz")], capsys)
    assert cli.main(["reproduce", str(original.path), "--level", "1", "--registered", before]) == 0
    assert "as registered: name and question" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("changes", [
    {"statistics": {"reps": 200, "confidence": 0.95, "seed": 0, "threshold": 0.9, "paired": False, "margin": 0.2}},
    {"seeds": [0, 2]},
    {"normalise": {"FrozenLake-v1": {"random": 0.0, "expert": 5.0}}},
    {"question": "Is Sarsa best?"},
    {"references": {}},
])  # fmt: skip
def test_what_was_changed_after_registration_is_found(store, capsys, changes):
    before = registered(WORDS, capsys)
    change_study(store, **changes)
    assert any(line.startswith(f"registered: registered as {before[:16]}, but the study is ") for line in failures(store, 1, registered=before))


def test_other_code_is_another_registration(original):
    other = replace(original.study(), code={algo: dict.fromkeys(envs, "0" * 64) for algo, envs in original.study().code.items()})
    assert registration.digest_of(other) != registration.digest_of(original.study())


def test_a_sequential_study_registers_its_most_seeds_whenever_it_stops(original):
    planned = replace(original.study(), sequential={"maximum": [0, 1, 2, 3], "batch": 2, "alpha": 0.05, "reps": 1000, "seed": 0})
    assert registration.digest_of(planned.asking(seeds=[0, 1])) == registration.digest_of(planned.asking(seeds=[0, 1, 2, 3]))


def test_a_word_that_is_no_digest_is_the_verifier_s_mistake(original):
    assert cli.main(["reproduce", str(original.path), "--level", "1", "--registered", "abc"]) == 2


# --- damaged and odd files


ODD = {
    "empty": lambda table: table[:0],
    "a row twice": lambda table: pa.concat_tables([table, table[-1:]]),
    "no score": lambda table: table.drop_columns(["score"]),
    "one column more": lambda table: table.append_column("verdict", pa.array(["Sarsa wins"] * len(table))),
    "text for numbers": lambda table: table.set_column(6, "score", pa.array(["1"] * len(table))),
    "lists": lambda table: table.set_column(6, "score", pa.array([[1.0]] * len(table))),
    "a structure": lambda table: table.set_column(6, "score", pa.array([{"a": 1.0}] * len(table))),
    "float32": lambda table: table.set_column(6, "score", pa.array([1.0] * len(table), pa.float32())),
    "an extension": lambda table: table.set_column(6, "score", pa.ExtensionArray.from_storage(pa.opaque(pa.float64(), "t", "v"), pa.array([1.0] * len(table)))),
    "missing": lambda table: table.set_column(6, "score", pa.array([None] * len(table), pa.float64())),
    "NaN": lambda table: table.set_column(6, "score", pa.array([float("nan")] * len(table))),
    "infinite": lambda table: table.set_column(6, "score", pa.array([float("inf")] * len(table))),
    "1e308": lambda table: table.set_column(6, "score", pa.array([1e308] * len(table))),
    "negative steps": lambda table: table.set_column(3, "step", pa.array([-step.as_py() for step in table["step"]])),
    "steps back": lambda table: table.take(list(range(len(table)))[::-1]),
    "a hundred thousand rows": lambda table: pa.concat_tables([table] * (100_000 // len(table) + 1)).combine_chunks(),
    "negative seconds": lambda table: table.set_column(5, "seconds", pa.array([-1.0] * len(table))),
}


@pytest.mark.parametrize("kind", some(ODD, every=3))
def test_an_odd_table_is_one_line_and_exit_code_four(either, kind, capsys):
    run_id = run_of(either).id
    path = place_of(either, run_id, "curve.parquet")
    pq.write_table(ODD[kind](pq.read_table(path)), path)
    reseal_all(either)
    (failure,) = [line for line in failures(either, 1) if line.startswith("tables: ")]
    assert failure.startswith((f"tables: run {run_id}/curve.parquet: ", "tables: curve.parquet: ")) and "\n" not in failure
    assert cli.main(["reproduce", str(either.path), "--level", "2"]) == 4
    assert "unexpected" not in capsys.readouterr().err


@pytest.mark.parametrize(("place", "column"), [(0, "algo"), (6, "score")])
def test_values_that_are_stored_as_a_dictionary_are_the_same_values(either, place, column):
    path = place_of(either, run_of(either).id, "curve.parquet")
    table = pq.read_table(path)
    pq.write_table(table.set_column(place, column, table[column].dictionary_encode()), path)
    reseal_all(either)
    assert not [line for line in failures(either, 1) if line.startswith("tables: ")]


@pytest.mark.parametrize("keep", [0, 3, 100, -1])
@pytest.mark.parametrize("name", ["curve.parquet", "training.parquet"])
def test_a_cut_table_is_one_line(either, name, keep):
    run_id = run_of(either).id
    path = place_of(either, run_id, name)
    path.write_bytes(path.read_bytes()[:keep])
    reseal(either, run_id)
    assert [line.partition(":")[0] for line in failures(either, 1)] == ["tables"]


@pytest.mark.parametrize("verb", [["report", "--no-animations"], ["reproduce"], ["power"]])
def test_odd_tables_do_not_surprise_other_commands(either, verb, capsys):
    run_id = run_of(either).id
    place_of(either, run_id, "curve.parquet").write_bytes(b"PAR1")
    reseal(either, run_id)
    assert cli.main([verb[0], str(either.path), *verb[1:]]) == 4
    assert "unexpected" not in capsys.readouterr().err


@pytest.mark.parametrize("changes", some([
    {"status": "splendid"}, {"status": None}, {"files": []}, {"files": {"../../x": "0" * 64}}, {"files": 5}, {"host": []}, {"host": {"cpu": {"a": 1}}},
    {"host": {"cpu": "\u001b[2J"}}, {"model_seed": "1"}, {"model_seed": None}, {"train_seconds": "long"}, {"train_seconds": -1.0}, {"steps_per_second": 1e308},
    {"weights_hash_end": None}, {"weights_hash_end": 7}, {"finished_at": "yesterday"}, {"diverged": "no"}, {"schema": 3}, {"run_id": "other"},
    {"seed": 0.0}, {"hyperparams": None}, {"episode_seeds": "none"}, {"lockstep": 10**30},
]), ids=str)  # fmt: skip
def test_a_record_of_another_form_is_one_line_and_exit_code_four(either, changes, capsys):
    run_id = run_of(either).id
    reseal(either, run_id, **changes)
    found = failures(either, 1)
    assert found and all(line.partition(":")[0] in ("records", "runs", "tables", "seeds", "provenance") and "\n" not in line for line in found)
    assert cli.main(["reproduce", str(either.path), "--level", "2"]) == 4
    assert "unexpected" not in capsys.readouterr().err


CUT = ["", "{", "[]", "5", "null", '{"seal": 1}', '{"a": ' * 2000, "\udc80", '{"x": NaN}', "[" * 100_000]


@pytest.mark.parametrize("content", some(CUT, every=3), ids=[f"{k}" for k in range(len(CUT))])
@pytest.mark.parametrize("name", ["run.json", "repro.json", "report.json", "study.yaml"])
def test_a_cut_or_foreign_file_is_one_line_and_exit_code_four(either, name, content, capsys):
    places = {"run.json": place_of(either, run_of(either).id, name), "study.yaml": either.path / name}
    places.get(name, either.path / "report" / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    assert cli.main(["reproduce", str(either.path), "--level", "2"]) == 4
    assert "unexpected" not in capsys.readouterr().err


# --- attacks of a second reader


def test_a_verdict_as_the_name_of_an_empty_part_is_found(store):
    path = store.path / "report" / "report.json"
    path.write_text(page.as_json(json.loads(path.read_text(encoding="utf-8")) | {"Sarsa wins": {}}), encoding="utf-8")
    change_record(store, lambda facts: None)
    assert failures(store) == ["numbers: report.json: Sarsa wins is reported, but not computed any more"]


def test_an_empty_part_of_the_record_is_found(store):
    change_record(store, lambda facts: facts["seeds"].update({"Sarsa wins": []}))
    assert any("seeds / Sarsa wins is reported, but not computed any more" in line for line in failures(store, 1))


def test_no_two_values_have_one_place():
    """Else one of them would be compared, and the other might be anything."""
    value = {"a": {"b": {"c": 1}}, "a / b": {"c": 2}, "l": [3], "l[0]": 4, '"a / b"': {"c": 5}}
    assert len(dict(leaves(value))) == 5


@pytest.mark.parametrize("change", [
    lambda rendering: rendering["deviations"].update(sarsa=["Sarsa wins."]),
    lambda rendering: rendering["environments"]["FrozenLake-v1"].update(note="Sarsa wins"),
    lambda rendering: rendering["environments"]["FrozenLake-v1"].update(kwargs={"is_slippery": False}),
    lambda rendering: rendering["environments"]["FrozenLake-v1"].update(entry_point="sarsa_wins:Everywhere"),
])  # fmt: skip
def test_other_words_in_the_record_do_not_pass_beside_a_page_without_them(store, change):
    change_record(store, lambda facts: change(facts["rendering"]))
    assert "repro.json" in not_passed(store)


def test_settings_for_which_no_source_is_given_are_pointed_out(store):
    hyperparams = store.study().hyperparams
    hyperparams["sarsa"]["FrozenLake-v1"]["learning_rate"] = 0.0
    change_study(store, hyperparams=hyperparams, provenance={})
    (line,) = (line for line in unseen.unseen(store, 2, []) if "sources of hyper-parameters" in line)
    assert "sarsa on FrozenLake-v1 (none is said; this program says: " in line and "changed: learning_rate" in line


def test_a_tuned_budget_that_is_left_out_is_pointed_out(tmp_path):
    """The page says of it that the RL Zoo has no tuned entry."""
    store = Store(tmp_path / "study")
    store.save_study(plan.pinned(study.adhoc(["ppo"], ["CartPole-v1"], seeds=1).asking(zoo_budget={})))
    (line,) = (line for line in unseen.unseen(store, 2, []) if "tuned budgets" in line)
    assert line.startswith("tuned budgets that are the author's own: ppo on CartPole-v1, none (this program knows ")


def test_another_task_under_the_same_name_is_pointed_out(store):
    assert not any("settings of environments" in line for line in unseen.unseen(store, 2, []))
    change_study(store, envs={"FrozenLake-v1": {"kwargs": {"is_slippery": False}, "max_episode_steps": None, "eval_episodes": 3}})
    (line,) = (line for line in unseen.unseen(store, 2, []) if "settings of environments" in line)
    assert 'FrozenLake-v1 {"kwargs": {"is_slippery": false}' in line


def test_references_that_were_left_out_are_pointed_out(store):
    change_study(store, normalise={})
    assert any("FrozenLake-v1 none (this program knows 0.01394 to 0.74419)" in line for line in unseen.unseen(store, 2, []))


def test_how_was_measured_and_judged_is_said_to_be_the_author_s_choice(store):
    change_study(store, statistics={**store.study().statistics, "confidence": 0.5, "paired": True})
    (line,) = (line for line in unseen.unseen(store, 2, []) if "fixed before the runs" in line)
    assert "confidence 0.5, 200 repetitions, bootstrap seed 0, pairs by seed, 3 greedy evaluation episodes at 3 checkpoints, seed 20240521" in line


def test_films_and_reasons_for_their_lack_are_said_to_be_unverified_without_models_too(store):
    (store.path / "films").mkdir()
    for path in store.runs_path.glob("*/model.*"):
        path.unlink()
    assert "that the films show what these runs play, and the reasons why others have none" in unseen.unseen(store, 1, [])


@pytest.mark.parametrize("groups, said", [
    (["a b", "A-b"], "two groups have one name, but for capitals and punctuation"),
    (["a", "b"], ""),
])  # fmt: skip
def test_groups_whose_figures_could_not_be_told_apart_are_refused(store, groups, said):
    (group,) = store.study().groups
    change_study(store, groups=[group | {"name": name} for name in groups])
    assert [line for line in failures(store, 1) if "two groups" in line] == ([f"records: study.yaml: {said}"] if said else [])


def test_a_comparison_that_stands_twice_is_refused(store):
    """Holm's correction would count it twice, and a difference could be hidden by it."""
    (group,) = store.study().groups
    change_study(store, groups=[group | {"comparisons": [["q_learning", "sarsa"], ["sarsa", "q_learning"]]}])
    assert failures(store, 1) == ["records: study.yaml: group all: a comparison stands there twice, and would be corrected for twice"]


def test_a_study_does_not_share_seeds_with_its_tuning(store):
    """The page says that it does not."""
    how = {"method": "a grid", "trials": 3, "seeds": [2, 7], "source": "mine"}
    change_study(store, tuning={"sarsa": how})
    assert failures(store, 1) == ["records: study.yaml: tuning of sarsa: a seed of it is among the study's, and a report says that none is"]
    change_study(store, tuning={"sarsa": how | {"seeds": [7]}})
    page.render(store.path, options=WITHOUT_FILMS)
    assert failures(store) == []


def test_a_source_of_settings_leads_to_no_file_elsewhere(store):
    provenance = store.study().provenance | {"sb3/../../../../../../tmp/x": {"FrozenLake-v1": "words"}}
    change_study(store, provenance=provenance)
    assert failures(store, 1)[0].startswith("records: study.yaml: provenance is ")


@pytest.mark.parametrize("changes", [{"margin": 10**400}, {"margin": "wide"}, {"confidence": [1]}, {"threshold": -(10**400)}, {"reps": 10_000_000}])
@pytest.mark.parametrize("verb", [["reproduce", "--level", "1"], ["report"], ["register"], ["power"]])
def test_numbers_that_are_none_are_one_line_in_every_command(store, changes, verb, capsys):
    change_study(store, statistics=store.study().statistics | changes)
    assert cli.main([verb[0], str(store.path), *verb[1:]]) == 4
    assert "unexpected" not in capsys.readouterr().err


@pytest.mark.parametrize("changes", [
    {"normalise": {"FrozenLake-v1": {"random": "a", "expert": 1}}}, {"references": {"FrozenLake-v1": ["x"]}}, {"tuning": {"sarsa": 5}},
    {"source": {"commit": 5}},
    {"zoo_budget": {"FrozenLake-v1": {"sarsa": "x"}}}, {"provenance": {"sarsa": {"FrozenLake-v1": ["x"]}}}, {"sequential": {"maximum": 5}},
    {"sequential": {"maximum": [0, 1, 2], "batch": 2, "alpha": 0, "reps": 1000, "seed": 0}}, {"envs": {"FrozenLake-v1": {"kwargs": "x"}}},
    {"sequential": {"maximum": [0, 1, 2], "batch": 2, "alpha": 0.001, "reps": 100, "seed": 0}},
], ids=str)  # fmt: skip
def test_a_plan_of_other_types_does_not_surprise_a_report(store, changes, capsys):
    change_study(store, **changes)
    assert cli.main(["report", str(store.path), "--allow-partial"]) in (2, 3, 4)
    assert "unexpected" not in capsys.readouterr().err


def test_arguments_of_an_environment_that_are_none_do_not_surprise_level_3(store, capsys):
    change_study(store, envs={"FrozenLake-v1": {"kwargs": "x"}})
    assert cli.main(["reproduce", str(store.path), "--level", "3"]) == 4
    assert capsys.readouterr().err.startswith("study.yaml: envs is ")


@pytest.mark.parametrize("changes", [
    {"lockstep": float("inf")}, {"train_seconds": 10**400}, {"model_seed": float("inf")}, {"eval_seconds": float("nan")},
], ids=str)  # fmt: skip
def test_a_record_s_numbers_are_numbers_in_a_report_too(store, changes):
    reseal(store, run_of(store).id, **changes)
    assert store.status(run_of(store))[0] == "corrupt"


def test_more_values_than_memory_holds_are_not_resampled(store):
    resolved = store.study()
    change_study(store, protocol=resolved.protocol | {"eval_points": 10_000}, statistics=resolved.statistics | {"reps": 50_000})
    assert any("50,000 bootstrap repetitions of 10,000 checkpoints" in line for line in failures(store, 1))


@pytest.mark.parametrize("how", [{"compression": "snappy"}, {"compression": "zstd"}])
def test_a_long_word_that_is_stored_once_does_not_fill_the_memory(either, how):
    run = run_of(either)
    path = place_of(either, run.id, "training.parquet")
    rows = [(run.algo, run.env, run.seed, run.checkpoints[0], "x" * 100_000, 0.0)] * 500
    write_table(path, "training", rows)
    pq.write_table(pq.read_table(path), path, store_schema=False, **how)
    reseal(either, run.id)
    (failure,) = [line for line in failures(either, 1) if line.startswith("tables: ")]
    assert "a word of more than 1000 bytes in column key" in failure or "packed by ZSTD" in failure


def test_a_page_of_another_size_is_not_compared(store):
    with (store.path / "report" / "report.html").open("r+b") as file:
        file.truncate(100 * 2**30)
    assert any("report.html has 107,374,182,400 bytes" in line for line in failures(store))


def test_a_record_without_a_command_is_copied(store, tmp_path):
    change_study(store, command=None)
    assert publish.packed_copy(store, tmp_path / "copy").study().command == ""


SEQUENCE = {"maximum": [0, 1, 2], "batch": 2, "alpha": 0.05, "reps": 1000, "seed": 0}


def test_a_sequence_that_stopped_before_it_was_decided_does_not_pass(store):
    change_study(store, seeds=[0, 1], sequential=SEQUENCE)
    page.render(store.path, options=WITHOUT_FILMS)
    assert not_passed(store) == {"sequence": "unverified"}


@pytest.mark.parametrize("seeds, taken, is_finished, state", [
    ([0, 1, 2], 1, True, "fail"), ([0, 1, 2], 2, True, "pass"), ([0, 1], 1, True, "pass"), ([0, 1], 1, False, "unverified"),
])  # fmt: skip
def test_a_sequence_stops_where_its_rule_says(original, seeds, taken, is_finished, state):
    planned = replace(original.study(), seeds=seeds, sequential=SEQUENCE)
    assert analysis.sequence(planned, SimpleNamespace(taken=taken, looks=2, is_finished=is_finished)).state == state
