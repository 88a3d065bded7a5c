"""The report: its numbers, its refusals, and that it needs nothing but itself."""

import hashlib
import io
import itertools
import json
import re
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from rich.console import Console
from rliable import metrics

from benchmarks import UserError
from benchmarks.evidence.analysis import analyse
from benchmarks.evidence.records import BadStore, IncompleteStudy
from benchmarks.report import exports
from benchmarks.report.page import DATE, Options, render, render_store
from benchmarks.report.style import Table
from benchmarks.store.store import Store
from benchmarks.store.tables import write_table
from benchmarks.studies import provenance
from benchmarks.studies.plan import plan
from benchmarks.studies.study import adhoc
from tests.benchmarks import pictures
from tests.benchmarks.synthetic import CONTROL, SPANS, TABULAR, SyntheticStore

NOON = datetime(2024, 5, 21, 12, 0, tzinfo=UTC)


class Page(HTMLParser):
    """What a browser would load, the open elements, and the text."""

    VOID = {"meta", "br", "img", "input", "link", "hr"}

    def __init__(self, text):
        super().__init__()
        self.loads, self.tags, self.open, self.ids, self.links, self.text = [], [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [attributes[a] for a in ("src", "srcset", "data", "poster", "action") if a in attributes]
        if tag in ("link", "use", "image") and "href" in attributes:
            self.loads.append(attributes["href"])
        if tag == "a":
            self.links.append(attributes["href"])
        if "id" in attributes:
            self.ids.append(attributes["id"])

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def rendered(store, folder, **options):
    with pictures.plain():
        return drawn(store, folder, **options)


def drawn(store, folder, **options):
    report = render_store(store, folder, now=NOON, **options)
    return report, report.path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    store = SyntheticStore(reps=300)
    report, text = drawn(store, tmp_path_factory.mktemp("report"))
    return store, report, text


def numbers(report):
    return json.loads((report.path.parent / "report.json").read_text(encoding="utf-8"))


def final(store, algo, env):
    curves = store.curves()
    return curves[(curves["algo"] == algo) & (curves["env"] == env)].groupby("seed")["score"].last().to_numpy()


def normalised(store, algo):
    low_high = {env: SPANS[env] for env in CONTROL["envs"]}
    return np.stack([(final(store, algo, env) - low) / (high - low) for env, (low, high) in low_high.items()], axis=1)


# --- numbers


def test_the_reports_aggregates_are_rliables(quickstart):
    store, report, _ = quickstart
    printed = numbers(report)["groups"]["control"]["aggregates"]
    for algo in CONTROL["algos"]:
        for metric in ("iqm", "mean", "median", "optimality_gap"):
            function = getattr(metrics, f"aggregate_{metric}")
            assert printed[metric][algo]["point"] == pytest.approx(function(normalised(store, algo)), abs=1e-12)


def test_the_reports_comparison_is_rliables_and_its_task_intervals_are_scipys(quickstart):
    store, report, _ = quickstart
    pair = numbers(report)["groups"]["control"]["comparisons"][0]
    x, y = normalised(store, "ppo"), normalised(store, "sb3/ppo")
    assert (pair["x"], pair["y"], pair["is_twin"]) == ("ppo", "sb3/ppo", True)
    assert pair["improvement"]["point"] == pytest.approx(metrics.probability_of_improvement(x, y), abs=1e-12)
    assert pair["overall"]["difference"]["point"] == pytest.approx(metrics.aggregate_iqm(x) - metrics.aggregate_iqm(y), abs=1e-12)
    expected = scipy.stats.ttest_ind(final(store, "ppo", "CartPole-v1"), final(store, "sb3/ppo", "CartPole-v1"), equal_var=False).confidence_interval(0.90)
    assert pair["tasks"]["CartPole-v1"]["narrow"]["low"] == pytest.approx(expected.low)
    assert pair["tasks"]["CartPole-v1"]["margin"] == pytest.approx(0.05 * (500 - 22.1))


def test_the_learning_curve_is_the_iqm_of_all_runs_at_each_checkpoint(quickstart):
    store, report, _ = quickstart
    curve = numbers(report)["groups"]["control"]["curves"]["dqn"]
    rows = store.curves()
    third = []
    for env, steps in (("CartPole-v1", 50_000), ("Acrobot-v1", 30_000)):
        low, high = SPANS[env]
        at = rows[(rows["algo"] == "dqn") & (rows["env"] == env) & (rows["step"] == steps * 3 // 20)]
        third.append((at["score"].to_numpy() - low) / (high - low))
    assert curve["iqm"]["point"][2] == pytest.approx(metrics.aggregate_iqm(np.stack(third, axis=1)), abs=1e-12)
    assert curve["steps"][2] == pytest.approx(15)  # % of each task's budget, which differ


def test_what_is_printed_is_what_is_in_the_data(quickstart):
    store, report, text = quickstart
    pair = numbers(report)["groups"]["control"]["comparisons"][0]["overall"]["difference"]
    shown = f"{pair['point']:+.3f} [{pair['low']:+.3f},\u00a0{pair['high']:+.3f}]".replace("-", "−")
    assert shown in text
    assert shown in report.verdicts[0]
    scores = pd.read_csv(report.path.parent / "scores.csv")
    assert len(scores) == 120
    ppo = scores[(scores["algo"] == "ppo") & (scores["env"] == "CartPole-v1")]
    np.testing.assert_allclose(ppo["score"], final(store, "ppo", "CartPole-v1"), rtol=1e-15)
    assert len(pd.read_csv(report.path.parent / "curves.csv")) == 120 * 20


def test_the_summary_for_the_terminal_names_every_algorithm_and_every_verdict(quickstart):
    _, report, _ = quickstart
    console = Console(width=300, record=True, file=io.StringIO())
    console.print(report.summary)
    shown = console.export_text()
    for word in ("ppo", "sb3/dqn", "value_iteration", "Equivalent within the margin", "−13.0 (all runs equal"):
        assert word in shown
    assert len(report.verdicts) == 3


# --- claims


def verdict_of(store, tmp_path, k=0):
    report, text = rendered(store, tmp_path)
    line = numbers(report)["verdicts"]["control"][k]
    return line["tier"], line["text"], text


def one_task(**options):
    return SyntheticStore(groups=[{**CONTROL, "algos": ["ppo", "sb3/ppo"], "envs": ["CartPole-v1"], "comparisons": [["ppo", "sb3/ppo"]]}], reps=500, **options)


def test_equal_scores_in_all_runs_are_called_identical(tmp_path):
    store = one_task().set_final("ppo", "CartPole-v1", 500.0).set_final("sb3/ppo", "CartPole-v1", 500.0)
    tier, sentence, text = verdict_of(store, tmp_path)
    assert tier == "identical" and "Every run of both has the same score" in sentence
    assert "identical scores" in text


def test_a_large_difference_is_called_different(tmp_path):
    store = one_task().set_final("ppo", "CartPole-v1", np.linspace(100, 120, 10))
    tier, sentence, _ = verdict_of(store, tmp_path)
    assert tier == "different" and "permutation" in sentence


def test_noise_beyond_the_margin_is_not_called_parity(tmp_path):
    store = one_task().set_final("ppo", "CartPole-v1", np.linspace(0, 500, 10)).set_final("sb3/ppo", "CartPole-v1", np.linspace(0, 500, 10)[::-1])
    tier, sentence, text = verdict_of(store, tmp_path)
    assert tier == "D" and "which is not parity" in sentence
    assert "C · statistically equivalent" not in text


def test_runs_with_the_same_weights_are_the_same_though_an_evaluation_rounds_otherwise(tmp_path):
    store = one_task()
    ours, twins = (store._runs["algo"] == algo for algo in ("ppo", "sb3/ppo"))
    store._runs.loc[ours, "weights_hash_end"] = store._runs.loc[twins, "weights_hash_end"].to_numpy()
    ours, twins = (store._curves["algo"] == algo for algo in ("ppo", "sb3/ppo"))
    store._curves.loc[ours, "score"] = store._curves.loc[twins, "score"].to_numpy() * (1 + 1e-9)
    tier, sentence, _ = verdict_of(store, tmp_path)
    assert tier == "A" and "the same seed makes the same run" in sentence


def test_a_twin_s_hash_of_weights_beside_other_scores_makes_no_same_run(tmp_path):
    store = one_task()
    ours, twins = (store._runs["algo"] == algo for algo in ("ppo", "sb3/ppo"))
    store._runs.loc[ours, "weights_hash_end"] = store._runs.loc[twins, "weights_hash_end"].to_numpy()
    tier, sentence, _ = verdict_of(store, tmp_path)
    assert tier != "A" and "the same seed makes the same run" not in sentence


def test_runs_that_end_alike_seed_by_seed_are_counted(tmp_path):
    store = one_task()
    ours, twins = (store._curves["algo"] == algo for algo in ("ppo", "sb3/ppo"))
    store._curves.loc[ours, "score"] = store._curves.loc[twins, "score"].to_numpy()
    tier, sentence, text = verdict_of(store, tmp_path)
    assert tier == "A" and "the same seed makes the same run" in sentence
    assert "same runs, seed by seed (10 of 10)" in text
    twin = final(store, "sb3/ppo", "CartPole-v1")
    one_differs = store.set_final("ppo", "CartPole-v1", [twin[0] - 1.0, *twin[1:]])
    tier, _, text = verdict_of(one_differs, tmp_path)
    assert tier == "C" and "9 of 10 seeds make exactly the same run" in text


def test_without_reference_scores_no_equivalence_is_claimed(tmp_path):
    tier, sentence, _ = verdict_of(one_task(normalise=False), tmp_path)
    assert tier != "C" and ("there is no margin" in sentence or tier == "different")


def test_one_seed_gives_a_report_without_an_interval(tmp_path):
    tier, sentence, text = verdict_of(one_task(seeds=1), tmp_path)
    assert tier == "none" and "n = 1: no interval" in sentence
    assert not re.search(r"\bnan\b", Page(text).text)


# --- refusals


def test_a_study_with_missing_runs_is_refused_by_name(tmp_path):
    store = SyntheticStore(reps=200).lose("ppo", "Acrobot-v1", [3, 7])
    with pytest.raises(IncompleteStudy) as refused:
        rendered(store, tmp_path)
    assert str(refused.value) == "2 of 10 seeds missing for ppo on Acrobot-v1: comparison refused; --allow-partial reports on 8 and says so"
    assert refused.value.exit_code == 3
    assert not list(tmp_path.iterdir())


def test_a_partial_report_says_so_and_names_what_failed_and_why(tmp_path):
    store = one_task().lose("ppo", "CartPole-v1", [3], "failed", "ValueError: <nan> & co", "Traceback ...\nValueError: <nan> & co")
    report, text = rendered(store, tmp_path, allow_partial=True)
    page = Page(text)
    assert "Incomplete." in page.text and "1 of 10 seeds missing for ppo on CartPole-v1 (1 failed)" in page.text
    assert "ppo on CartPole-v1, seed 3: failed: ValueError: <nan> & co" in page.text
    assert "<nan>" not in text  # escaped
    assert numbers(report)["is_partial"] is True
    assert text.count("Runs are missing: this shows the finished ones only.") == 8


def test_an_algorithm_without_a_finished_run_on_a_task_is_left_out_aloud(tmp_path):
    store = SyntheticStore(groups=[CONTROL], reps=200).lose("sb3/dqn", "CartPole-v1", range(10))
    report, _ = rendered(store, tmp_path, allow_partial=True)
    assert "sb3/dqn: no finished run on CartPole-v1: left out of this group." in report.verdicts
    assert "sb3/dqn" not in numbers(report)["groups"]["control"]["aggregates"]["iqm"]
    assert "sb3/dqn / Acrobot-v1" in numbers(report)["groups"]["control"]["cells"]


def test_a_study_without_a_finished_run_is_refused_even_in_part(tmp_path):
    store = one_task().lose("ppo", "CartPole-v1", range(10)).lose("sb3/ppo", "CartPole-v1", range(10))
    with pytest.raises(IncompleteStudy, match="nothing to report"):
        rendered(store, tmp_path, allow_partial=True)


def test_a_score_that_is_nan_is_refused_by_name(tmp_path):
    store = one_task().set_final("ppo", "CartPole-v1", [np.nan, *range(9)])
    with pytest.raises(BadStore, match="ppo on CartPole-v1, seed 0: the score at step 100000 is nan"):
        rendered(store, tmp_path)


def test_a_finished_run_without_all_its_checkpoints_is_refused_by_name():
    store = one_task()
    curves = store.curves()
    lost = (curves["algo"] == "ppo") & (curves["seed"] == 4) & (curves["step"] == 50_000)
    with pytest.raises(BadStore, match="ppo on CartPole-v1, seed 4: the run has finished, but has no score at step 50000"):
        analyse(store.study(), store.runs(), curves[~lost])


def test_a_run_that_is_planned_twice_is_refused():
    store = one_task()
    with pytest.raises(BadStore, match="seed 0, twice"):
        analyse(store.study(), pd.concat([store.runs(), store.runs().head(1)]), store.curves())


@pytest.mark.parametrize("key, value", [("reps", 0), ("confidence", 95), ("margin", 0)])
def test_statistics_that_cannot_be_are_refused(key, value):
    store = one_task()
    store.ask({key: value})
    with pytest.raises(UserError, match=f"statistics.{key}={value}"):
        analyse(store.study(), store.runs(), store.curves())


# --- the file


def test_the_page_loads_nothing_and_runs_nothing(quickstart):
    page = Page(quickstart[2])
    assert not [target for target in page.loads if not target.startswith("#")]
    assert not {"script", "iframe", "object", "embed", "img", "link"} & set(page.tags)
    assert "@import" not in quickstart[2] and "url(http" not in quickstart[2]


def test_the_page_is_well_formed_and_its_links_lead_somewhere(quickstart):
    page = Page(quickstart[2])
    assert not page.open
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_every_figure_of_the_page_has_a_name_a_caption_and_a_table(quickstart):
    figures = quickstart[2].split("<figure")[1:]
    assert len(figures) == 20
    for figure in figures:
        figure = figure.partition("</figure>")[0]
        assert 'role="img" aria-label="' in figure and "<figcaption>" in figure and "<table>" in figure


def test_headings_do_not_skip_a_level(quickstart):
    levels = [int(tag[1]) for tag in Page(quickstart[2]).tags if tag in {"h1", "h2", "h3", "h4", "h5"}]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_same_store_gives_the_same_bytes_but_for_the_date(quickstart, tmp_path):
    store, report, text = quickstart
    again = render_store(store, tmp_path, now=datetime(2031, 1, 1, tzinfo=UTC))  # another date
    lines = zip(text.splitlines(), again.path.read_text(encoding="utf-8").splitlines(), strict=True)
    assert [one for one, other in lines if one != other] == [next(line for line in text.splitlines() if "2024-05-21 12:00" in line)]
    for name in ("report.json", "repro.json", "scores.csv", "curves.csv", "tables.tex", "references.bib"):
        assert (report.path.parent / name).read_bytes() == (tmp_path / name).read_bytes()


def test_the_order_of_the_stores_rows_does_not_matter(tmp_path):
    straight, shuffled = one_task(), one_task()
    shuffled._runs, shuffled._curves = (table.sample(frac=1, random_state=0) for table in (shuffled._runs, shuffled._curves))
    one, other = (DATE.sub("", drawn(store, tmp_path / name)[1]) for name, store in (("a", straight), ("b", shuffled)))
    assert one == other


def test_no_half_written_file_is_left(quickstart):
    names = {path.name for path in quickstart[1].path.parent.iterdir()}
    assert names == {"report.html", "report.json", "repro.json", "scores.csv", "curves.csv", "tables.tex", "references.bib"}


def test_the_page_is_light_enough_for_a_mail(quickstart):
    assert quickstart[1].path.stat().st_size < 1_500_000


def test_a_cut_budget_is_named_with_the_zoos_own(quickstart):
    assert "CUT to 10\u00a0% of the Zoo" in quickstart[2]
    assert "200\u202f000 state backups at most; no environment steps" in quickstart[2]


def test_names_from_the_study_are_escaped(tmp_path):
    store = one_task(name="<script>alert(1)</script>")
    _, text = rendered(store, tmp_path)
    assert "<script" not in text and "&lt;script&gt;" in text


# --- what stands beside the page


def test_the_evidence_stands_in_the_report(quickstart):
    _, report, text = quickstart
    known = numbers(report)["groups"]["control"]["evidence"]
    page = Page(text).text
    first = known["tasks"]["CartPole-v1"]["ppo"]
    assert (first["planned"], first["finished"], first["failed"], first["missing"]) == (10, 10, 0, 0)
    for heading in ("Ranks", "One task left out", "Steps to a threshold", "Area under the curve", "Would five seeds have told the same story?"):
        assert heading in page
    pair = numbers(report)["groups"]["control"]["comparisons"][0]
    g = pair["evidence"]["tasks"]["CartPole-v1"]["hedges_g"]
    assert f"{g['point']:+.2f} [{g['low']:+.2f},\u00a0{g['high']:+.2f}]".replace("-", "−") in page
    assert f"{known['leave_one_task_out']['CartPole-v1']['ppo']:.3f}" in page


def test_every_planned_run_is_accounted_for(tmp_path):
    store = one_task().lose("ppo", "CartPole-v1", [3, 4], "failed", "ValueError: boom").lose("ppo", "CartPole-v1", [5])
    _, text = rendered(store, tmp_path, allow_partial=True)
    row = re.search(r"<tr><th scope=\"row\">ppo</th><td>CartPole-v1</td>(.*?)</tr>", text)[1]
    assert re.findall(r"<td>(.*?)</td>", row) == ["10", "7", "2", "1", "–", "2 × ValueError: boom"]


def test_an_interval_that_holds_less_often_than_it_says_is_printed_with_a_caution(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.stats.coverage_warning", lambda kind, n, tasks, confidence: "n = 10: held 76 % of the time" if kind == "aggregate" else "")
    _, text = rendered(one_task(), tmp_path)
    assert "<strong>the IQM over tasks</strong>: n = 10: held 76 % of the time." in text


def test_the_tables_are_latex_that_needs_booktabs_alone(quickstart):
    text = (quickstart[1].path.parent / "tables.tex").read_text(encoding="utf-8")
    body = re.sub(r"(?m)^%.*$", "", text)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == text.count(r"\toprule") > 10
    assert not re.search(r"(?<!\\)[_%#]", re.sub(r"\\label\{.*?\}", "", body))
    assert not set("−±τδ≥\u202f\u00a0") & set(body)
    for row in re.findall(r"(?m)^(.*) \\\\$", body):
        assert row.count("$") % 2 == 0
    assert "sb3/ppo" in body and r"q\_learning" in body


def test_every_row_of_a_latex_table_has_as_many_cells_as_its_head():
    table = exports.latex_table(Table(["a & b", "c_d"], [["1 %", "−2"], ["±3", "x\\y"]]), "50 % of {all}", "label")
    assert r"a \& b & c\_d \\" in table and r"1 \% & $-$2 \\" in table and r"$\pm$3 & x\textbackslash{}y \\" in table
    assert r"\caption{50 \% of \{all\}}" in table


def test_scores_and_curves_come_as_parquet_if_asked_for_and_go_again(tmp_path):
    rendered(one_task(), tmp_path, options=Options(parquet=True))
    for name in ("scores", "curves"):
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), pd.read_csv(tmp_path / f"{name}.csv"), check_dtype=False)
    rendered(one_task(), tmp_path)
    assert not list(tmp_path.glob("*.parquet"))


def test_a_pdf_without_weasyprint_is_refused_with_the_extra_that_brings_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(UserError, match=r'a PDF needs weasyprint: pip install "sb3-course\[report-pdf\]"'):
        rendered(one_task(), tmp_path, options=Options(pdf=True))
    assert not list(tmp_path.iterdir())


def test_a_pdf_is_a_print_of_the_page_with_everything_open_and_its_date_changes_no_hash(tmp_path, monkeypatch):
    pages = []

    class Printer:
        def __init__(self, string):
            pages.append(string)

        def write_pdf(self):
            return b"%PDF-" + hashlib.sha256(pages[-1].encode()).digest()

    monkeypatch.setitem(sys.modules, "weasyprint", SimpleNamespace(HTML=Printer))
    files = []
    for day in (1, 2):
        with pictures.plain():
            render_store(one_task(), tmp_path, now=datetime(2024, 5, day, tzinfo=UTC), options=Options(pdf=True))
        files.append([(tmp_path / name).read_bytes() for name in ("report.pdf", "repro.json")])
    assert files[0][0] != files[1][0] and files[0][1] == files[1][1]
    assert "<details><summary>" not in pages[0] and "<details open><summary>Comparisons as a table" in pages[0]
    assert '<details class="screen">' in pages[0], "what is for the screen alone stays closed, and is not printed"


def test_where_hyper_parameters_come_from_is_said(tmp_path):
    store = one_task()
    store.ask(provenance={algo: {"CartPole-v1": "RL Baselines3 Zoo, hyperparams/ppo.yml"} for algo in ("ppo", "sb3/ppo")})
    text = rendered(store, tmp_path)[1]
    assert "ppo, sb3/ppo on CartPole-v1: RL Baselines3 Zoo, hyperparams/ppo.yml" in text


def test_what_scrolls_can_be_focused_and_has_a_name(quickstart):
    assert len(re.findall(r'class="scroll" tabindex="0" role="group" aria-label="[^"]+"', quickstart[2])) == quickstart[2].count('class="scroll"')


def test_a_pdf_is_made_of_the_page(tmp_path):
    pytest.importorskip("weasyprint", reason="the extra report-pdf is not installed")
    rendered(one_task(), tmp_path, options=Options(pdf=True))
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_the_checklist_is_answered_where_the_study_knows(quickstart):
    answers = {c["point"]: c for c in json.loads((quickstart[1].path.parent / "repro.json").read_text(encoding="utf-8"))["checklist"]}
    assert answers["Number of training and evaluation runs"]["where"] == "120 planned, 120 finished; 20 evaluation episodes at a checkpoint"
    assert answers["Claims are stated and proved"]["answer"] == "for the authors"
    assert answers["What was excluded"]["where"] == "nothing: every planned run is in"


def test_a_twin_s_paper_is_that_of_its_algorithm_and_is_named_where_it_stands_alone(tmp_path):
    pairs = {("ppo", "sb3/ppo"): "ppo: Schulman et al. 2017", ("sb3/ppo", "sb3/dqn"): "sb3/ppo: Schulman et al. 2017; sb3/dqn: Mnih et al. 2015"}
    for (x, y), papers in pairs.items():
        rendered(SyntheticStore(groups=[{**CONTROL, "algos": [x, y], "envs": ["CartPole-v1"], "comparisons": [[x, y]]}], reps=200), tmp_path)
        answers = {c["point"]: c for c in json.loads((tmp_path / "repro.json").read_text(encoding="utf-8"))["checklist"]}
        assert answers["The algorithms are described"]["where"] == papers


def test_what_tuning_cost_stands_in_the_protocol_and_in_the_checklist(tmp_path):
    store = one_task()
    store.ask(tuning={"ppo": {"method": "TPE", "trials": 50, "seeds": [100, 101], "source": "tune/t17"}})
    _, text = rendered(store, tmp_path)
    said = "ppo, sb3/ppo tuned by TPE: 50 trials × 2 seeds (100–101) = 100 runs besides those shown; source: tune/t17"
    assert f"{said}. No seed of tuning is among the seeds here" in Page(text).text
    answers = {c["point"]: c for c in json.loads((tmp_path / "repro.json").read_text(encoding="utf-8"))["checklist"]}
    assert (answers["How hyper-parameters were chosen"]["answer"], answers["How hyper-parameters were chosen"]["where"]) == ("yes", said)


def test_a_study_without_models_says_that_there_is_nothing_to_watch(quickstart):
    assert "The models of these runs are not at hand." in quickstart[2]


# --- reproducibility


def test_the_root_hash_changes_with_any_result():
    seals = {"a": "1", "b": "2"}
    assert provenance.root_hash(seals) == provenance.root_hash({"b": "2", "a": "1"})
    assert provenance.root_hash(seals) != provenance.root_hash({"a": "1", "b": "3"})
    assert provenance.root_hash(seals) != provenance.root_hash({"a": "1"})


def test_repro_json_holds_seeds_hashes_versions_and_the_machine(quickstart):
    facts = json.loads((quickstart[1].path.parent / "repro.json").read_text(encoding="utf-8"))
    assert facts["seeds"]["seeds"] == list(range(10)) and "spawn_key" in facts["seeds"]["rule"]
    assert len(facts["runs"]) == 120 and facts["runs"][0]["weights_hash_end"]
    assert facts["rendering"]["packages"]["main"]["numpy"] == np.__version__
    assert facts["hosts"] == [{"cpu": "A processor", "os": "Linux", "python": "3.11.9", "runs": 120, "threads": 1}]  # memory differs per run: left out
    assert set(facts["rendering"]["deviations"]) == {"ppo", "dqn"}
    assert "cartpole.py" in facts["rendering"]["environments"]["CartPole-v1"]["files"]
    assert facts["files"]["scores.csv"] == hashlib.sha256((quickstart[1].path.parent / "scores.csv").read_bytes()).hexdigest()


def test_the_seed_rule_in_the_report_is_the_one_that_is_used():
    from benchmarks.running.evaluation import episode_seeds, model_seed

    s, eval_seed = 7, 20240521
    assert model_seed(s) == np.random.SeedSequence(s, spawn_key=(0,)).generate_state(1)[0] >> 1
    assert episode_seeds(eval_seed, s, 3)[2] == np.random.SeedSequence(eval_seed, spawn_key=(1, s)).generate_state(3)[2] >> 1


# --- with the real store


def test_a_store_on_disk_is_rendered_and_a_damaged_one_is_not(tmp_path):
    study = adhoc(["sb3/ppo", "sb3/dqn"], ["CartPole-v1"], seeds=3, steps=1000, overrides=["protocol.eval_points=4", "statistics.reps=200"])
    store = Store(tmp_path)
    store.save_study(study)
    rng = np.random.default_rng(0)
    for _, run in plan(study):
        folder = store.begin(run)
        key = (run.algo, run.env, run.seed)
        write_table(folder / "curve.parquet", "curve", [(*key, step, step, step / 500, float(rng.normal(100, 5)), 1.0, 100.0, 20) for step in run.checkpoints])
        write_table(folder / "episodes.parquet", "episodes", [])
        write_table(folder / "training.parquet", "training", [(*key, run.checkpoints[-1], "train/loss", 0.5)])
        store.commit(run, folder, {"status": "finished", "train_seconds": 2.0, "eval_seconds": 1.0, "steps_per_second": 500.0, "model_seed": 1})
    report = render(tmp_path)
    text = report.path.read_text(encoding="utf-8")
    assert report.path == tmp_path / "report" / "report.html"
    assert "train/loss" in text and study.hash in text and "sb3/ppo against sb3/dqn on CartPole-v1, 3 runs each" in text

    damaged = next(Path(tmp_path).glob("runs/*/curve.parquet"))
    damaged.write_bytes(b"x" + damaged.read_bytes()[1:])
    with pytest.raises(IncompleteStudy, match=r"1 of 3 seeds missing for sb3/\w+ on CartPole-v1 \(1 corrupt\)"):
        render(tmp_path)


def test_tabular_groups_have_a_section_of_their_own(quickstart):
    _, report, text = quickstart
    assert [line["text"][:10] for line in numbers(report)["verdicts"]["tabular"]] == ["q_learning"]
    assert f'id="g-{TABULAR["name"]}"' in text and 'id="g-control"' in text
