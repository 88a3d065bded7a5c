"""The report as its reader sees it: curves over one another, numbers said once, what was learnt, what so few runs cannot find, cautions once."""

import re

import numpy as np
import pytest
import scipy.stats

from benchmarks import stats
from benchmarks.evidence import judgements
from benchmarks.evidence.analysis import analyse
from benchmarks.evidence.records import Scale, Statistics
from benchmarks.report import figures
from benchmarks.report.cautions import Cautions, Place, gathered
from benchmarks.report.page import render_store
from benchmarks.stats import attainable
from sb3_course import cli
from tests.benchmarks import pictures
from tests.benchmarks.synthetic import CONTROL, SPANS, SyntheticStore

TWINS = {**CONTROL, "algos": ["ppo", "sb3/ppo"], "envs": ["CartPole-v1"], "comparisons": [["ppo", "sb3/ppo"]]}
STRANGERS = {**CONTROL, "algos": ["ppo", "dqn"], "envs": ["CartPole-v1"], "comparisons": [["ppo", "dqn"]]}


def analysed(group=STRANGERS, **options):
    store = SyntheticStore(groups=[group], reps=200, **options)
    return analyse(store.study(), store.runs(), store.curves())


def page_of(store, folder):
    with pictures.plain():
        report = render_store(store, folder)
    return report, report.path.read_text(encoding="utf-8")


# --- curves over one another


def test_the_curves_of_all_algorithms_lie_in_one_panel_beside_their_final_scores():
    found = analysed(CONTROL | {"envs": ["CartPole-v1"]})
    drawn = figures.task(found.groups[0], "CartPole-v1", found.statistics, False)
    assert "-axes_2" in drawn.svg and "-axes_3" not in drawn.svg
    assert "Final scores: every run" in drawn.caption


def test_more_algorithms_than_a_panel_carries_stand_in_several_with_each_twin_beside_its_own():
    cell = next(iter(analysed().groups[0].cells.values()))
    algos = ["ppo", "dqn", "a2c", "td3", "sac", "ddpg", "sb3/ppo", "q_learning"]
    assert figures._panels({algo: cell for algo in algos}) == [["ppo", "sb3/ppo", "dqn", "a2c"], ["td3", "sac", "ddpg", "q_learning"]]


def test_panels_are_said_where_there_are_several(monkeypatch):
    monkeypatch.setattr(figures, "MOST_IN_PANEL", 2)
    found = analysed(CONTROL | {"envs": ["CartPole-v1"]})
    drawn = figures.task(found.groups[0], "CartPole-v1", found.statistics, False)
    assert "in 2 panels of the same axes, at most 2 in each" in drawn.caption and "-axes_3" in drawn.svg


@pytest.mark.parametrize("seeds, are_drawn", [(6, True), (13, False)])
def test_single_runs_are_drawn_while_they_are_few(seeds, are_drawn):
    found = analysed(seeds=seeds)
    drawn = figures.task(found.groups[0], "CartPole-v1", found.statistics, False)
    assert ("Thin lines: every run." in drawn.caption) == are_drawn


def test_the_band_of_a_task_is_the_t_interval_of_the_mean_at_each_checkpoint():
    found = analysed()
    cell = found.groups[0].cells["ppo", "CartPole-v1"]
    column = cell.scores[:, 7]
    expected = scipy.stats.t.interval(0.95, len(column) - 1, loc=column.mean(), scale=scipy.stats.sem(column))
    assert (cell.mean.low[7], cell.mean.high[7]) == pytest.approx(expected)


def test_the_drawing_for_a_phone_has_ids_of_its_own_and_holds_letters_as_text():
    found = analysed()
    wide, narrow = (figures.curves(found.groups[0], found.statistics, False, sheet).svg for sheet in (figures.WIDE, figures.NARROW))
    ids = [set(re.findall(r'\bid="([^"]*)"', drawn)) for drawn in (wide, narrow)]
    assert not ids[0] & ids[1]
    assert ">environment steps</text>" in narrow and "<text" not in wide


# --- numbers once


def test_of_identical_runs_nothing_says_that_they_are_not_distinguished(tmp_path):
    store = SyntheticStore(groups=[TWINS], reps=200)
    ours, twins = (store._curves["algo"] == algo for algo in ("ppo", "sb3/ppo"))
    store._curves.loc[ours, "score"] = store._curves.loc[twins, "score"].to_numpy()
    report, text = page_of(store, tmp_path)
    assert "same runs, seed by seed" in text and "every evaluation is identical" in report.verdicts[0]
    papers, rest = text.index('id="papers"'), text.index('id="reproducibility"')  # what became of papers' claims is another matter
    assert "ot distinguished" not in text[:papers] + text[rest:]


def test_what_no_parity_means_is_said_in_the_sentence_and_not_of_each_task(tmp_path):
    middle = np.linspace(0, 500, 10)
    store = SyntheticStore(groups=[TWINS], reps=200).set_final("ppo", "CartPole-v1", middle).set_final("sb3/ppo", "CartPole-v1", middle[::-1])
    _, text = page_of(store, tmp_path)
    assert text.count("which is not parity") == 1 and "likewise not distinguished" in text


def test_the_mean_of_one_task_is_not_shown_again_as_its_median():
    found = analysed()
    drawn = figures.aggregates(found.groups[0], found.statistics, False)
    assert "Median" not in drawn.table.header and "Mean" in drawn.table.header


# --- learnt at all


@pytest.mark.parametrize(
    "share, spread, tier, said",
    [
        (0.97, 0.02, "yes", "Learnt"),
        (0.30, 0.02, "in part", "Learnt in part"),
        (0.12, 0.10, "unclear", "Unclear whether learnt"),
        (0.02, 0.02, "no", "Did not learn"),
    ],
)
def test_whether_a_task_was_learnt_follows_from_the_interval_of_the_mean(tmp_path, share, spread, tier, said):
    low, high = SPANS["CartPole-v1"]
    store = SyntheticStore(groups=[STRANGERS], reps=200).set_final("dqn", "CartPole-v1", low + (high - low) * (share + spread * np.linspace(-1, 1, 10)))
    _, text = page_of(store, tmp_path)
    analysis = analyse(store.study(), store.runs(), store.curves())
    known = analysis.groups[0].evidence.of_cells("CartPole-v1")["dqn"].learnt
    assert known.tier == tier and known.share.point == pytest.approx(share)
    assert re.search(rf"<dt>{said}</dt><dd>[^<]*dqn on CartPole-v1", text)


def test_where_less_is_better_the_way_from_random_to_expert_falls():
    found = analysed()
    cell = found.groups[0].cells["dqn", "CartPole-v1"]
    known = judgements.learnt(cell, Scale(random=500.0, expert=22.1), Statistics())
    assert known.share.low < known.share.point < known.share.high and known.tier == "no"


def test_of_one_run_it_is_unclear_whether_the_task_was_learnt():
    known = analysed(seeds=1).groups[0].evidence.of_cells("CartPole-v1")["ppo"].learnt
    assert known.tier == "unclear" and not known.share.is_claimed


def test_without_reference_scores_nothing_is_said_of_learning(tmp_path):
    _, text = page_of(SyntheticStore(groups=[STRANGERS], reps=200, normalise=False), tmp_path)
    assert "earnt" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


# --- what so few runs cannot find


@pytest.mark.parametrize("n_x, n_y, expected", [(3, 3, 2 / 20), (4, 4, 2 / 70), (3, 4, 1 / 35)])
def test_the_smallest_p_is_that_of_runs_wholly_apart(n_x, n_y, expected):
    assert attainable.smallest_p(n_x, n_y) == pytest.approx(expected)
    apart = stats.permutation_test([np.linspace(0, 1, n_x)], [np.linspace(10, 11.5, n_y)], "mean")
    assert apart.p == pytest.approx(expected)


def test_the_smallest_p_of_pairs_is_that_of_differences_of_one_sign():
    assert attainable.smallest_p(6, 6, paired=True) == pytest.approx(2 / 64)
    apart = stats.permutation_test([np.linspace(0, 1, 6)], [np.linspace(10, 11.5, 6)], "mean", paired=True)
    assert apart.p == pytest.approx(2 / 64)


@pytest.mark.parametrize("tests, paired, fewest", [(1, False, 4), (3, False, 5), (6, False, 5), (13, False, 6), (1, True, 6)])
def test_a_table_of_more_tests_needs_more_runs(tests, paired, fewest):
    assert attainable.fewest_runs(tests, paired=paired) == fewest
    assert attainable.said(fewest - 1, fewest - 1, tests, paired=paired) and not attainable.said(fewest, fewest, tests, paired=paired)


@pytest.mark.parametrize("seeds", [3, 4])
def test_a_verdict_on_runs_too_few_for_any_claim_says_so_once(tmp_path, seeds):
    report, text = page_of(SyntheticStore(groups=[STRANGERS], reps=200, seeds=seeds), tmp_path)
    assert text.count("With 3 runs a side no test can find a difference, however large") == (seeds == 3)
    assert ("with so few runs no test could" in report.verdicts[0]) == (seeds == 3)


def test_the_plan_of_a_comparison_says_what_its_seeds_cannot_find(tmp_path, capsys):
    design = ["compare", "--algos", "ppo,a2c,dqn", "--envs", "CartPole-v1", "-n", "100", "--out", str(tmp_path), "--dry-run"]
    cli.main([*design, "--seeds", "4"])
    assert "With 4 runs a side no test can find a difference" in (said := capsys.readouterr().out) and "It takes 5 runs a side at least" in said
    cli.main([*design, "--seeds", "5"])
    assert "no test can find" not in capsys.readouterr().out


def test_the_power_of_too_few_seeds_is_said_to_be_none(capsys):
    cli.main(["power", "--sd", "0.2", "--effect", "0.1", "--seeds", "3,4", "--reps", "100"])
    assert "With 3 runs a side no test can find a difference" in " ".join(capsys.readouterr().out.split())


# --- cautions once


def test_a_caution_stands_once_with_its_places_and_each_place_has_its_mark(tmp_path):
    _, text = page_of(SyntheticStore(groups=[STRANGERS], reps=200, seeds=4), tmp_path)
    box = text[text.index('id="cautions"') : text.index('aria-label="Contents"')]
    marks = re.findall(r'<li id="caution-([a-z]+)">', box)
    assert len(marks) > 5 and marks == sorted(marks)
    used = set(re.findall(r'href="#caution-([a-z]+)"', text))
    assert used == set(marks)
    assert text.count("the learning curve</strong>") == 1 and "Learning curves by steps</a>" in box
    assert "such an interval held" not in text.replace(box, "")


def test_the_same_caution_of_two_groups_is_one_line_that_names_both():
    second = {**STRANGERS, "name": "again", "envs": ["Acrobot-v1"]}
    store = SyntheticStore(groups=[STRANGERS, second], reps=200)
    found = analyse(store.study(), store.runs(), store.curves())
    with pictures.plain():
        box = gathered([(group, figures.of_group(group, found), []) for group in found.groups])
    lines = [entry for entries in box.sections.values() for entry in entries]
    assert len({(entry.n, entry.text) for entry in lines}) == len(lines)
    assert any({place.label for place in entry.places} >= {"Verdict (control)", "Verdict (again)"} for entry in lines)


def test_after_z_the_marks_go_on_with_two_letters():
    box = Cautions()
    for k in range(28):
        box.add([judgements.Caution([], None, f"sentence {k}")], Place("x", "x", "x"))
    assert box.at("x")[:2] == ["a", "b"] and box.at("x")[25:] == ["z", "aa", "ab"]
