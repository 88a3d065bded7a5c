"""docs/deployment.md: its Python runs, and it names what `control` and `export` take."""

import re
from pathlib import Path

import pytest

from sb3_course.cli import parser

PAGE = (Path(__file__).parent.parent / "docs" / "deployment.md").read_text(encoding="utf-8")


def test_the_python_of_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(block, namespace)
    assert "equal to the model on 200 observations played in CartPole-v1" in capsys.readouterr().out


@pytest.mark.parametrize("line", [line.partition("#")[0].strip() for line in re.findall(r"^sb3-course (.*)$", PAGE, re.MULTILINE)])
def test_every_command_of_the_page_is_understood(line):
    assert parser().parse_args(line.split()).verb == line.split()[0]
