"""Every figure has a caption, an alternative text and its numbers as a table, and is the same picture each time."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import stats
from benchmarks.evidence.analysis import analyse
from benchmarks.report import figures, style
from tests.benchmarks.synthetic import CONTROL, SyntheticStore


def analysis_of(store, **options):
    return analyse(store.study(), store.runs(), store.curves(), **options)


ONE_TASK = {**CONTROL, "envs": ["CartPole-v1"]}


def all_figures(analysis):
    return [f for group in analysis.groups for found in figures.of_group(group, analysis).values() for f in found]


@pytest.fixture(scope="module")
def analysis():
    return analysis_of(SyntheticStore(reps=200))


@pytest.fixture(scope="module")
def drawn(analysis):
    return all_figures(analysis)


def test_every_part_of_the_report_is_drawn(drawn):
    control = ["aggregates", "curves-steps", "curves-seconds", "profile", "comparisons", "task-CartPole-v1", "task-Acrobot-v1",
               "ranks", "leave-one-out", "thresholds"]  # fmt: skip
    assert [f.key for f in drawn][: len(control)] == [f"g-control-{part}" for part in control]
    assert len(drawn) == 20


def test_every_figure_has_a_table_an_alternative_text_and_a_caption_with_n_interval_and_seed(drawn):
    for figure in drawn:
        assert figure.table.rows and all(len(row) == len(figure.table.header) for row in figure.table.rows), figure.key
        assert len(figure.alt) > 40 and f'aria-label="{style.escape(figure.alt)}"' in figure.svg, figure.key
        drawn_by_lot = () if figure.key.endswith("thresholds") else ("200 repetitions", "bootstrap seed 0")
        for said in ("10 runs", "95\u00a0%", *drawn_by_lot):
            assert said in figure.caption, (figure.key, said)


def test_every_figure_is_well_formed_without_links_out_of_it(drawn):
    for figure in drawn:
        root = ET.fromstring(figure.svg)
        targets = {e.get("href") for e in root.iter() if e.get("href")} | set(re.findall(r"url\(([^)]*)\)", figure.svg))
        ids = {"#" + e.get("id") for e in root.iter() if e.get("id")}
        assert targets <= ids, figure.key


def test_no_id_is_used_by_two_figures(drawn):
    ids = [i for figure in drawn for i in re.findall(r'\bid="([^"]*)"', figure.svg)]
    assert len(ids) == len(set(ids))


def test_the_same_numbers_give_the_same_picture(analysis, drawn):
    again = figures.of_group(analysis.groups[0], analysis)
    assert [f.svg for found in again.values() for f in found] == [f.svg for f in drawn][:10]


def test_a_polyline_is_shortened_without_drifting():
    points = np.random.default_rng(0).uniform(0, 600, (200, 2))
    start, *steps = re.findall(r"-?\d+\.?\d*", style._compact("M " + " L ".join(f"{x:.6f} {y:.6f}" for x, y in points)))
    walked = np.cumsum(np.array([start, *steps], dtype=float).reshape(-1, 2), axis=0)
    np.testing.assert_allclose(walked, points, atol=0.051)
    assert style._compact("M 1 2 \nL 3 4 \nM 5 6 \nL 7 9 \n") == "M1 2l2 2M5 6l2 3"
    assert style._compact("M 538 4863 \nQ 1.25 2 3 4 \nz\n") == "M538 4863Q1.2 2 3 4z"


def test_a_partial_report_says_so_under_every_figure():
    shown = all_figures(analysis_of(SyntheticStore(groups=[ONE_TASK], reps=200).lose("ppo", "CartPole-v1", [1]), allow_partial=True))
    assert len(shown) == 8
    for figure in shown:
        assert "Runs are missing" in figure.caption and "9–10 runs" in figure.caption


def test_a_planner_is_a_line_and_its_budget_is_in_backups(drawn):
    curves = next(f for f in drawn if f.key == "g-tabular-curves-steps")
    assert "count state backups, not environment steps" in curves.caption
    assert [row[1] for row in curves.table.rows if row[0] == "value_iteration"] == ["final"]
    lake = next(f for f in drawn if f.key == "g-tabular-task-FrozenLake-v1")
    assert "200k state backups and no environment steps" in lake.caption


def test_a_twin_shares_the_hue_and_differs_in_line_and_marker(analysis):
    pens = style.pens(analysis.groups[0])
    assert pens["ppo"].line == "-" and pens["sb3/ppo"].line != "-"
    assert pens["ppo"].marker != pens["sb3/ppo"].marker
    ours, twin, other = (np.array(style.matplotlib.colors.to_rgb(pens[a].colour)) for a in ("ppo", "sb3/ppo", "dqn"))
    np.testing.assert_allclose(twin, ours + 0.4 * (1 - ours), atol=0.01)
    assert np.abs(ours - other).max() > 0.3


def test_one_task_without_reference_scores_is_drawn_in_its_own_unit():
    alone = analysis_of(SyntheticStore(groups=[ONE_TASK], reps=200, normalise=False))
    shown = all_figures(alone)
    assert "mean return on CartPole-v1" in shown[0].caption
    assert "Optimality gap (less is better)" not in shown[0].table.header


def test_several_tasks_without_reference_scores_are_drawn_one_by_one():
    apart = analysis_of(SyntheticStore(groups=[CONTROL], reps=200, normalise=False))
    assert [f.key for f in all_figures(apart)] == ["g-control-comparisons", "g-control-task-CartPole-v1", "g-control-task-Acrobot-v1"]


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_runs_are_drawn_and_one_run_has_no_interval(seeds):
    shown = all_figures(analysis_of(SyntheticStore(groups=[ONE_TASK], seeds=seeds, reps=200)))
    assert len(shown) == 8
    assert ("n = 1: no interval" in shown[0].table.rows[0][1]) == (seeds == 1)


@pytest.mark.parametrize(
    "value, text",
    [(0.98765, "0.988"), (-0.0001, "0.000"), (-13.0, "−13.0"), (123456.7, "123\u202f457"), (float("nan"), "–"), (None, "–")],
)
def test_numbers_are_printed_for_readers(value, text):
    assert style.number(value) == text


def test_an_interval_is_printed_with_its_point_or_with_the_reason_why_there_is_none():
    estimate = stats.Interval(0.5, 0.25, 0.75, 10, 0.95)
    assert style.with_interval(estimate) == "0.500 [0.250,\u00a00.750]"
    assert style.with_interval(estimate, sign=True) == "+0.500 [+0.250,\u00a0+0.750]"
    assert style.with_interval(replace(estimate, low=np.nan, high=np.nan, note="n = 1: no interval")) == "0.500 (n = 1: no interval)"
