"""docs/offline.md: its Python runs, with fewer steps."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "offline.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.mark.parametrize("code", BLOCKS, ids=["learning", "going on by playing", "what a policy is worth"])
def test_its_python_runs_and_counts_what_it_says(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known: dict = {}
    exec(compile(re.sub(r"(learn\w*)\(\d+\)", r"\1(30)", code), "offline.md", "exec"), known)
    models = [value for name, value in known.items() if name in ("model", "policy", "judge")]
    assert models and all(model.num_timesteps == 30 for model in models)
