"""docs/tracking.md: its Python runs, with fewer steps, and every command of it is understood."""

import re
import shlex
from pathlib import Path

from benchmarks.tracking.tracker import FORMS
from sb3_course import cli

PAGE = (Path(__file__).parents[1] / "docs" / "tracking.md").read_text(encoding="utf-8")


def test_its_python_runs_and_writes_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    exec(compile(code.replace("learn(10_000", "learn(10"), "tracking.md", "exec"), {})
    assert list(tmp_path.glob("runs/training/ppo/CartPole-v1/*/events.out.tfevents.*"))


def test_its_commands_are_understood_and_it_names_every_tracker():
    commands = re.findall(r"^sb3-course (.+)$", PAGE, re.M)
    assert len(commands) == 6 and [cli.parse(shlex.split(line, comments=True)).verb for line in commands] == ["compare", *["mirror"] * 3, "train", "report"]
    assert all(f"| `{kind}" in PAGE for kind in FORMS)
