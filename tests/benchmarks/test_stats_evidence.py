"""What the analysis adds to a study: accounting, corrected claims, thresholds, pairing, sequential decisions, tuning, warnings."""

import json

import numpy as np
import pytest

from benchmarks import IncompleteData, UserError, stats
from benchmarks.calibration import __main__ as calibration
from benchmarks.calibration import experiments, measure, populations
from benchmarks.calibration.page import read_csv
from benchmarks.evidence import judgements, sequential
from benchmarks.evidence.analysis import analyse
from benchmarks.report.page import render_store
from benchmarks.stats import coverage
from benchmarks.studies import study
from sb3_course.cli import main
from tests.benchmarks.synthetic import CONTROL, SPANS, TABULAR, SyntheticStore

pytestmark = pytest.mark.usefixtures("plain_pictures")


def analysed(store, **kwargs):
    return analyse(store.study(), store.runs(), store.curves(), **kwargs)


@pytest.fixture(scope="module")
def control():
    return analysed(SyntheticStore(groups=[CONTROL], reps=500)).groups[0]


def test_every_planned_run_is_accounted_for():
    store = SyntheticStore(groups=[CONTROL], reps=200)
    store.lose("ppo", "CartPole-v1", [2, 3], "failed", "ValueError: nan").lose("ppo", "CartPole-v1", [4])
    store._runs.loc[(store._runs["algo"] == "ppo") & (store._runs["env"] == "CartPole-v1") & (store._runs["seed"] == 7), "diverged"] = True
    cell = analysed(store, allow_partial=True).groups[0].evidence.tasks["CartPole-v1"]["ppo"]
    assert (cell.planned, cell.finished, cell.failed, cell.missing) == (10, 7, 2, 1)
    assert cell.diverged == [7] and cell.errors == {"ValueError: nan": 2}


def test_a_diverged_run_keeps_its_score():
    store = SyntheticStore(groups=[CONTROL], reps=200)
    store._runs["diverged"] = store._runs["seed"] == 0
    assert analysed(store).groups[0].cells["ppo", "CartPole-v1"].n == 10


def test_two_seeds_that_end_with_the_same_weights_are_pointed_out():
    store = SyntheticStore(groups=[CONTROL], reps=200)
    mine = (store._runs["algo"] == "dqn") & (store._runs["env"] == "Acrobot-v1") & store._runs["seed"].isin([1, 6])
    store._runs.loc[mine, "weights_hash_end"] = "same"
    warnings = analysed(store).groups[0].evidence.tasks["Acrobot-v1"]["dqn"].warnings
    assert "seeds 1, 6 of dqn on Acrobot-v1 end with the same weights: one run counted 2 times?" in warnings


def test_the_threshold_is_a_share_of_the_span_and_its_steps_are_the_first_to_reach_it(control):
    low, high = SPANS["Acrobot-v1"]
    found = control.evidence.tasks["Acrobot-v1"]["ppo"].threshold
    cell = control.cells["ppo", "Acrobot-v1"]
    assert found.threshold == pytest.approx(low + 0.9 * (high - low))
    for run, time, reached in zip(cell.scores, found.times, found.reached, strict=True):
        above = run >= found.threshold
        assert reached == above.any() and time == (cell.steps[above.argmax()] if reached else cell.steps[-1])


def test_p_values_are_corrected_over_all_tasks_and_pairs_of_the_group(control):
    raw = [pair.tasks[env].test.p for pair in control.comparisons for env in control.envs]
    adjusted = [pair.tasks[env].p for pair in control.comparisons for env in control.envs]
    assert len(raw) == 4 and adjusted == stats.holm(raw)
    assert adjusted == [pair.evidence.tasks[env].test_holm for pair in control.comparisons for env in control.envs]
    assert [pair.overall.p for pair in control.comparisons] == stats.holm([pair.overall.test.p for pair in control.comparisons])


def test_one_of_many_small_p_values_is_no_difference_after_the_correction():
    store = SyntheticStore(groups=[CONTROL], reps=200)
    rng = np.random.default_rng(4)
    noise = {(algo, env): rng.normal(0.5, 0.1, 10) for algo in CONTROL["algos"] for env in CONTROL["envs"]}
    noise["sb3/ppo", "CartPole-v1"] = noise["ppo", "CartPole-v1"][::-1] + 0.1
    for (algo, env), level in noise.items():
        low, high = SPANS[env]
        store.set_final(algo, env, low + level * (high - low))
    verdict = analysed(store).groups[0].comparisons[0].tasks["CartPole-v1"]
    assert verdict.test.p < 0.05 < verdict.p and verdict.tier == "D"


def test_the_area_and_the_leave_one_out_and_the_ranks_are_there_for_every_algorithm(control):
    found = control.evidence
    assert set(found.area) == set(found.ranks) == set(CONTROL["algos"])
    assert all(0 < area.low < area.high < 1 for area in found.area.values())
    assert sum(r.mean.point for r in found.ranks.values()) == pytest.approx(1 + 2 + 3 + 4)
    final = [control.scales["Acrobot-v1"](control.cells["dqn", "Acrobot-v1"].final)]
    assert found.leave_one_task_out["CartPole-v1"]["dqn"] == stats.aggregate(final)
    pair = control.comparisons[0].evidence
    assert pair.fewer_seeds.n == 5 and pair.detectable > 0 and pair.area.is_claimed and pair.runs == [[10, 10], [10, 10]]
    assert pair.tasks["CartPole-v1"].hedges_g.is_claimed and pair.tasks["CartPole-v1"].detectable > 0


def test_the_warnings_of_a_small_study_are_those_of_the_measured_table(monkeypatch):
    rows = tuple({"kind": kind, "distribution": "normal", "n": "3", "tasks": "1", "share": "0.5"} for kind in ("aggregate", "task_bootstrap", "welch"))
    monkeypatch.setattr(coverage, "measured", lambda: rows)
    group = analysed(SyntheticStore(groups=[CONTROL], seeds=3, reps=200)).groups[0]
    assert "50 % for normal scores" in group.evidence.warnings["aggregates"] and "not been calibrated" in group.evidence.warnings["curves"]
    assert any(w.startswith("bootstrap interval: n = 3") for w in group.evidence.tasks["CartPole-v1"]["ppo"].warnings)
    said = group.evidence.warnings["per_task"]
    assert "the difference of means: in calibration such an interval held the true value not 95 % of the time, but 50 %" in said


@pytest.mark.parametrize("paired", [False, True])
def test_every_interval_that_is_printed_has_its_warning_where_it_stands(monkeypatch, tmp_path, paired):
    """The table of measured coverages says that nothing holds: then every kind of interval that the page prints is warned of by name, under it."""
    monkeypatch.setattr(coverage, "coverage_warning", lambda kind, n, tasks=1, confidence=0.95: f"n = {n}: «{kind}»")
    monkeypatch.setattr(stats, "coverage_warning", coverage.coverage_warning)
    store = SyntheticStore(groups=[CONTROL], seeds=50 if not paired else 5, points=3, reps=100)
    store.ask({"paired": paired})
    page = render_store(store, tmp_path).path.read_text(encoding="utf-8")
    of_pairs = {"improvement", "cliffs", "difference", "difference_90", "welch", "welch_90"}
    kinds = {kind for kind in coverage.KINDS if "paired" not in kind} if not paired else \
        set(coverage.KINDS) - of_pairs - {"task_tolerance", "area_difference"}
    assert not [kind for kind in kinds if f"«{kind}»" not in page]
    assert not [kind for kind in set(coverage.KINDS) - kinds - {"area_difference"} if f"«{kind}»" in page]
    cautions = page[page.index('id="cautions"') :]
    for kind in ("difference_paired_90", "paired_90") if paired else ("difference_90", "welch_90"):
        assert f"«{kind}»" in cautions[: cautions.index("</section>")]


def test_a_paired_study_says_so_and_names_its_intervals(tmp_path):
    pages = {}
    for paired in (False, True):
        store = SyntheticStore(groups=[CONTROL], seeds=6, points=3, reps=100)
        store.ask({"paired": paired})
        pages[paired] = render_store(store, tmp_path / str(paired)).path.read_text(encoding="utf-8")
    for words in (", paired by seed: ", "are compared as pairs", "the paired t interval (runs of the same seed)", "p, paired t (Holm)",
                  "runs of the same seed are drawn together"):
        assert words in pages[True] and words not in pages[False]
    assert "p, Welch (Holm)" in pages[False] and "Welch" not in pages[True].replace("Welch–", "").replace("{Welch, B. L.}", "")
    for words in ("expanded ones, which allow for few runs, of aggregates, differences, learning curves and profiles", "expanded intervals of differences",
                  "simultaneous expanded bootstrap bands", "not corrected for the number of pairs and tasks"):
        assert words in pages[False]


def test_runs_of_the_same_seed_are_compared_pair_by_pair_where_the_study_says_so():
    store = SyntheticStore(groups=[TABULAR], reps=500)
    level = np.random.default_rng(0).uniform(0.2, 0.7, 10)  # a hard or an easy environment for both
    for env in TABULAR["envs"]:
        low, high = SPANS[env]
        store.set_final("q_learning", env, low + (level + 0.02 + np.linspace(0, 0.01, 10)) * (high - low))
        store.set_final("value_iteration", env, low + level * (high - low))
    free = analysed(store).groups[0].comparisons[0]
    store.ask({"paired": True})
    paired = analysed(store).groups[0].comparisons[0]
    assert free.overall.tier == "D" and not free.evidence.paired
    assert paired.evidence.paired and paired.tasks["FrozenLake-v1"].test.method.startswith("exact paired permutation")
    assert paired.tasks["FrozenLake-v1"].tier == "unlike" and paired.tasks["FrozenLake-v1"].difference.excludes_zero, "0.025 apart, if no run fails unseen"
    store.lose("q_learning", "FrozenLake-v1", [0, 1])
    assert analysed(store, allow_partial=True).groups[0].comparisons[0].evidence.runs == [[8, 8], [10, 10]]


# ------------------------------------------------------------------------------------------------------------------ sequential


def in_batches(store, maximum, batch, used):
    return store.ask(sequential=sequential.settings(list(range(maximum)), batch) | {"reps": 500}, seeds=list(range(used)))


def test_a_sequential_study_claims_what_its_test_decides_and_no_p_value():
    store = in_batches(SyntheticStore(groups=[CONTROL], reps=200), 20, 5, 10)
    low, high = SPANS["CartPole-v1"]
    store.set_final("ppo", "CartPole-v1", low + np.linspace(0.1, 0.2, 10) * (high - low))
    analysis = analysed(store)
    ppo, dqn = analysis.groups[0].comparisons
    assert analysis.sequential.decisions["control: ppo against sb3/ppo"].verdict == "smaller"
    assert ppo.overall.tier == "different" and "decided at look" in ppo.overall.note and np.isnan(ppo.overall.p)
    assert "undecided after look 2 of 4 (10 seeds each)" in dqn.overall.test.method and dqn.overall.tier != "different"


def test_a_sequential_study_of_pairs_changes_sides_by_pairs_and_warns_of_its_intervals(tmp_path):
    store = in_batches(SyntheticStore(groups=[CONTROL], reps=200), 20, 5, 10)
    hard = np.random.default_rng(0).uniform(0.2, 0.8, 10)
    for env in CONTROL["envs"]:
        low, high = SPANS[env]
        store.set_final("ppo", env, low + (hard + 0.05 + np.linspace(0, 0.01, 10)) * (high - low)).set_final("sb3/ppo", env, low + hard * (high - low))
    name = "control: ppo against sb3/ppo"
    assert analysed(store).sequential.decisions[name].look == 0
    page = render_store(store, tmp_path).path.read_text(encoding="utf-8")
    assert "take the number of runs as fixed" in page
    store.ask({"paired": True})
    assert analysed(store).sequential.decisions[name].verdict == "larger"


def test_what_is_known_of_intervals_after_stopping_is_said(monkeypatch):
    rows = [{"kind": kind, "distribution": "normal", "n": "5", "tasks": "1", "share": share} for kind, share in (
        ("difference_sequential", "0.88"), ("task_t_sequential", "0.94"), ("difference_90_sequential", "0.81"))]
    monkeypatch.setattr(coverage, "measured", lambda: tuple(rows))
    said = judgements.after_stopping(in_batches(SyntheticStore(groups=[CONTROL]), 20, 5, 10).study())
    assert "nominal 95 % intervals 88 % (the difference of IQMs, normal scores)" in said and "nominal 90 % intervals 81 %" in said


def test_a_sequential_study_needs_whole_batches():
    store = in_batches(SyntheticStore(groups=[CONTROL], reps=200), 20, 5, 10).lose("dqn", "Acrobot-v1", [7], "failed", "boom")
    with pytest.raises(IncompleteData, match="dqn on Acrobot-v1, seed 7 has no score"):
        sequential.decide(store.study(), store.curves())


def test_tasks_without_a_common_unit_are_decided_one_by_one():
    store = in_batches(SyntheticStore(groups=[CONTROL], reps=200, normalise=False), 10, 5, 10)
    test = analysed(store).sequential
    assert set(test.names) == {f"control: {x} against sb3/{x} on {env}" for x in ("ppo", "dqn") for env in CONTROL["envs"]}


def test_a_batch_must_be_smaller_than_the_maximum():
    for batch in (1, 10, 11):
        with pytest.raises(UserError, match=f"--batch {batch} of --seeds 10"):
            sequential.settings(list(range(10)), batch)


def test_compare_sequential_prints_its_plan(capsys, tmp_path):
    assert main(["compare", "smoke", "--seeds", "6", "--sequential", "--batch", "2", "--dry-run", "--out", str(tmp_path)]) == 0
    assert "Sequential: at most 6 seeds in 3 batches of 2; error of any false difference at any look at most 0.05" in capsys.readouterr().out


# --------------------------------------------------------------------------------------------------------------------- tuning

TUNED = "+tuning.ppo={method:tpe,trials:50,seeds:[100,101],source:study t17}"


def test_seeds_that_tuned_may_not_evaluate():
    with pytest.raises(UserError, match=r"^seeds 0–1 were also used for tuning ppo \(t17\): evaluate on others, such as seeds=\[2,3,…\]$"):
        study.compose("smoke", ["+tuning.ppo={method:tpe,trials:50,seeds:[0,1],source:t17}"])
    with pytest.raises(UserError, match="seed 1 was also used"):
        study.compose("smoke", ["+tuning.ppo={method:tpe,trials:50,seeds:[1,7],source:t17}"])


def test_a_tuned_result_says_how_many_trials_it_cost():
    resolved = study.compose("smoke", [TUNED])
    for algo in ("ppo", "sb3/ppo"):
        assert study.tuning_of(resolved, algo) == "tuned by tpe: 50 trials × 2 seeds (100–101) = 100 runs besides those shown; source: study t17"
    assert study.tuning_of(resolved, "sb3/dqn") == "" and study.compose("smoke").tuning is None


@pytest.mark.parametrize(("words", "complaint"), [
    ("+tuning.pppo={method:tpe,trials:5,seeds:[100],source:x}", "tuning of 'pppo', which is not in this study"),
    ("+tuning.ppo={method:tpe,trials:5,seeds:[100]}", "tuning of ppo: give method, trials, seeds, source"),
    ("+tuning.ppo={method:tpe,trials:0,seeds:[100],source:x}", "trials=0"),
    ("tuning=yes", "tuning=yes"),
])  # fmt: skip
def test_a_mistaken_declaration_of_tuning_is_refused(words, complaint):
    with pytest.raises(UserError, match=complaint):
        study.compose("smoke", [words])


# ---------------------------------------------------------------------------------------------------------------------- power


def test_the_power_command_advises_on_seeds(capsys, tmp_path):
    out = tmp_path / "power.json"
    assert main(["power", "--sd", "1", "--effect", "3", "--margin", "4", "--seeds", "3,8", "--reps", "100", "--json", str(out)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "8 seeds a side would find a difference of 3 with 80 % power" in shown
    curve = json.loads(out.read_text())[0]["curve"]
    assert [point["n"] for point in curve] == [3, 8] and curve[0]["finds"] < 0.8 < curve[1]["finds"]


@pytest.mark.parametrize(("words", "complaint"), [
    (["power"], "give either a study"),
    (["power", "--sd", "1"], "--sd without --effect"),
    (["power", "--sd", "-1", "--effect", "1"], "the spread must be positive"),
    (["power", "--sd", "1", "--effect", "1", "--seeds", "1"], "numbers of seeds of at least 2"),
    (["power", "--sd", "1", "--effect", "1", "--reps", "10"], "at least 100 simulated studies"),
    (["power", "nowhere"], "no study at nowhere"),
    (["power", "--sd", "1", "--effect", "0"], "--effect 0: give the difference"),
    (["power", "--sd", "1", "--effect", "1", "--margin", "-1"], "--margin -1: a margin is"),
    (["power", "--sd", "1", "--effect", "1", "--comparisons", "0"], "--comparisons 0"),
])  # fmt: skip
def test_the_power_command_refuses_in_a_line(capsys, words, complaint):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert complaint in error and error.count("\n") == 1


def test_the_power_of_a_study_counts_its_pairs_its_pairing_and_its_batches(monkeypatch, capsys, tmp_path):
    store = SyntheticStore(groups=[CONTROL], seeds=6, points=2, reps=100)
    in_batches(store, 12, 3, 6).ask({"paired": True})
    store.path = tmp_path
    monkeypatch.setattr("benchmarks.store.store.open_study", lambda name: store)
    monkeypatch.setattr("benchmarks.store.records.demand", lambda study: None)  # an invented study has no plan
    assert main(["power", "study", "--effect", "0.05", "--seeds", "6", "--reps", "100", "--json", str(tmp_path / "power.json")]) == 0
    for case in json.loads((tmp_path / "power.json").read_text()):
        assert (case["comparisons"], case["paired"], case["batch"]) == (2, True, 3) and 3 <= case["curve"][0]["used"] <= 6
    assert "one of 2 comparisons" in " ".join(capsys.readouterr().out.split())


# ----------------------------------------------------------------------------------------------------------------- calibration


@pytest.mark.parametrize("population", populations.POPULATIONS)
def test_the_quantile_functions_of_the_calibration_have_the_shape_that_they_are_named_for(population):
    whole = (populations.equally_likely(population, 0) - 0.15 * 0) / 0.6  # the first task's spread
    if population == "failing":
        assert np.mean(whole < -2.5) == pytest.approx(0.2, abs=0.02)
    else:
        assert whole.mean() == pytest.approx(0, abs=0.02) and whole.std() == pytest.approx(1, abs=0.05)


def test_a_calibration_does_not_depend_on_how_its_studies_are_divided():
    base = {"distribution": "skewed", "n": 5, "tasks": 1, "resamples": 100}
    studies = [("coverage", base | {"study": study, "shift": shift}) for study, shift in (("equal", 0), ("shifted", 2), ("sequential", 1))]
    for experiment, design in [*studies, ("false_claims", base), ("unequal", base | {"n_y": 5, "spread": 5.0})]:
        whole = measure.work(experiment, design, 0, 4, 0)
        parts = [measure.work(experiment, design, a, b, 0) for a, b in ((0, 1), (1, 4))]
        assert whole == {what: [x + y for x, y in zip(parts[0][what], parts[1][what], strict=True)] for what in whole}


def test_a_t_interval_of_normal_scores_holds_the_truth_95_percent_of_the_time_and_a_bootstrap_of_5_runs_does_not():
    found = measure.work("coverage", {"distribution": "normal", "n": 5, "tasks": 1, "shift": 0, "study": "equal", "resamples": 200}, 0, 150, 0)
    share = {what: total / claimed for what, (claimed, total, _) in found.items() if claimed}
    assert 0.90 < share["task_t"] <= 1 and share["task_bootstrap"] < 0.93


def test_every_interval_that_a_report_prints_is_calibrated():
    found = set()
    for design in (d for d in experiments.designs(50)["coverage"] if d["distribution"] == "normal" and d["tasks"] == 1 and d["n"] in (5, 50)):
        found |= set(measure.work("coverage", design, 0, 1, 0))
    assert set(coverage.KINDS) <= found


def test_a_calibration_that_was_cut_short_goes_on(monkeypatch, tmp_path):
    monkeypatch.setattr(measure, "designs", lambda resamples: {"power": [{"distribution": "normal", "n": 5, "tasks": 1, "effect": 1.0, "resamples": 50}]})
    monkeypatch.setattr(measure, "CHUNK", 2)
    progress = tmp_path / "progress.jsonl"
    whole = measure.measure(6, 50, 1, 0, ("power",), progress)
    lines = progress.read_text().splitlines()
    progress.write_text("\n".join([*lines[:-1], lines[-1][:30]]))
    made = []
    monkeypatch.setattr(measure, "as_completed", lambda waiting: made.extend(waiting) or list(waiting))
    assert measure.measure(6, 50, 1, 0, ("power",), progress) == whole and len(made) == 1


def test_the_published_calibration_is_the_table_that_reports_read_and_its_claims_hold():
    published = calibration.PUBLISHED
    assert (published / "coverage.csv").read_bytes() == calibration.READ_BY_REPORTS.read_bytes()
    tables = {name: read_csv(published / f"{name}.csv") for name in experiments.EXPERIMENTS}
    assert (published / "assumptions.csv").read_bytes() == calibration.RATES_READ_BY_REPORTS.read_bytes()
    assert min(row["repetitions"] for name, rows in tables.items() for row in rows if name != "assumptions") >= 1000
    assert min(row["repetitions"] for row in tables["assumptions"]) >= 400
    made = json.loads((published / "calibration.json").read_text(encoding="utf-8"))
    assert set(made["populations"]) == {str(path.relative_to(populations.ROOT)) for path in populations.score_files()}
    for row in [*tables["false_claims"], *tables["split"]]:
        if row["kind"] in experiments.CORRECTED:
            assert row["share"] <= 0.05 + 3 * (0.05 * 0.95 / row["repetitions"]) ** 0.5, row
