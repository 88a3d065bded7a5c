"""The page of environments names every id that there is, and its example runs."""

import re
from pathlib import Path

from from_scratch.envs.registration import ENVIRONMENTS

PAGE = (Path(__file__).parents[1] / "docs" / "environments.md").read_text(encoding="utf-8")


def test_the_page_names_every_environment_and_no_other():
    named = re.findall(r"`(?:from_scratch/)?(\w+-v\d)`", PAGE)
    assert {f"from_scratch/{name}" for name in named} == set(ENVIRONMENTS)


def test_its_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for program in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(program.replace("20_000", "200"), "environments.md", "exec"), {})
