"""The picture under a report's verdict: which one it is, and that it is there once."""

import pytest

from benchmarks.report import figures, page
from tests.benchmarks.synthetic import CONTROL, TABULAR, SyntheticStore


def rendered(tmp_path, monkeypatch, groups):
    monkeypatch.setattr(figures, "svg", lambda canvas, key, alt: f"<svg class={key}></svg>")
    page.render_store(SyntheticStore(groups=groups, reps=200), tmp_path)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "envs, first, title",
    [(CONTROL["envs"], "g-control-curves-steps", "Learning curves by steps"), (["CartPole-v1"], "g-control-task-CartPole-v1", "CartPole-v1")],
)
def test_the_picture_is_of_every_run_of_one_task_and_else_of_the_learning_curves(tmp_path, monkeypatch, envs, first, title):
    text = rendered(tmp_path, monkeypatch, [CONTROL | {"envs": envs}])
    between = text[text.index('id="verdict"') : text.index('aria-label="Contents"')]
    assert f'<figure id="{first}">' in between and f"<h3>{title}</h3>" in between and between.count("<figure") == 1
    assert text.count(f"<svg class={first}>") == 1 and f'<a href="#{first}">' in text


def test_of_several_groups_the_picture_names_its_own(tmp_path, monkeypatch):
    text = rendered(tmp_path, monkeypatch, [CONTROL, TABULAR])
    assert "<h3>Learning curves by steps, group control</h3>" in text and text.count("is under the verdict") == 1
