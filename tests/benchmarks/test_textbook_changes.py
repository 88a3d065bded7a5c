"""`figure 6.5 --set alpha=0.2 --runs 100`: a figure with changed settings is drawn, and nothing in it is judged."""

import json
from pathlib import Path

import pytest

from benchmarks import UserError
from benchmarks.textbook import changes, page, run
from benchmarks.textbook.changes import Changes, parse
from benchmarks.textbook.figure import Context, Figure, Number, Outcome
from from_scratch import DoubleQLearning, QLearning
from sb3_course import cli

ENV = "from_scratch/MaximisationBias-v0"


def test_pairs_are_read_as_python_literals():
    assert parse(["alpha=0.2", "trace='dutch'"], 100) == Changes({"alpha": 0.2, "trace": "dutch"}, 100)
    assert str(parse(["alpha=0.2"], 100)) == "alpha=0.2, 100 runs"
    assert not parse([], None)


@pytest.mark.parametrize(
    "pairs, runs, said",
    [
        (["alpha"], None, "--set alpha: write name=value, as in alpha=0.2"),
        (["alpha=much"], None, "--set alpha=much: 'much' is no number, text in quotes, True, False or None"),
        ([], 1, "--runs 1: at least 2 are needed, so that there is a spread"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(pairs, runs, said):
    with pytest.raises(UserError, match=f"^{said}$"):
        parse(pairs, runs)


def test_algorithms_that_are_loaded_within_take_the_settings_by_any_of_their_names():
    with changes.made(Changes({"alpha": 0.2, "epsilon": 0.3, "gamma": 0.5})):
        model = changes.load("q_learning")("TabularPolicy", ENV, seed=0, learning_rate=0.1, gamma=1.0)
    assert type(model) is QLearning
    assert (model.learning_rate, model.exploration_initial_eps, model.exploration_final_eps, model.gamma) == (0.2, 0.3, 0.3, 0.5)
    assert changes.load("double_q_learning") is DoubleQLearning


def test_a_setting_that_no_algorithm_of_the_figure_has_is_an_error():
    with pytest.raises(UserError, match=r"^--set zebra: no algorithm of this figure has it$"), changes.made(Changes({"zebra": 1})):
        changes.load("q_learning")("TabularPolicy", ENV, seed=0)


def measured(context):
    rate = changes.load("q_learning")("TabularPolicy", ENV, seed=0).learning_rate
    return Outcome([Number("α", rate, "0.1", source="exact")], lambda canvas: canvas.subplots())


def test_a_changed_figure_is_not_judged_and_says_so(tmp_path):
    record = run.carry_out(Figure("1.1", "a rate", measured, 1.0), tmp_path, Context(changes=Changes({"alpha": 0.9})))
    assert record["status"] == "not judged"
    assert [(number["measured"], number["passes"]) for number in record["numbers"]] == [(0.9, None)]
    assert record["notes"] == ["Changed settings (alpha=0.9): not judged."]
    assert page.summary(record) == "alpha=0.9; changed settings: not judged"


def test_as_many_runs_as_asked_for_but_what_is_played_once_is_played_once():
    context = Context(quick=True, changes=Changes(runs=7))
    assert (context.runs(1000), context.runs(1), context.seeds(10)) == (7, 1, range(7))


def test_figures_of_the_textbook_are_drawn_with_changed_settings_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["figure", "6.5", "--set", "alpha=0.2", "--runs", "3", "--jobs", "1", "--out", "book"]) == 0
    assert "Changed settings (alpha=0.2, 3 runs): not judged." in capsys.readouterr().out
    record = json.loads(Path("book/changed/6.5.json").read_text())
    assert record["changed"] == "alpha=0.2, 3 runs" and {number["passes"] for number in record["numbers"]} == {None}
    assert Path("book/changed/6.5.png").is_file() and not Path("book/6.5.json").exists()
