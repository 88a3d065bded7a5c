"""docs/datasets.md: its Python runs, its card is the one that is printed, and it names every family of ours."""

import re
from pathlib import Path

import numpy as np

from benchmarks.datasets.recipes import recipes
from from_scratch.core.datasets import as_dataset
from sb3_course import cli

PAGE = (Path(__file__).parents[1] / "docs" / "datasets.md").read_text(encoding="utf-8")
READING, _, RECORDING = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def test_what_it_says_of_the_maze_s_data_set_is_so():
    known: dict = {}
    exec(compile(READING, "datasets.md", "exec"), known)
    data = known["data"]
    assert f"({len(data)}, {data.n_episodes})" in READING and str(data.facts["reference"]["expert"]) in READING


def test_its_recording_is_read_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(RECORDING.replace("learn(1000)", "learn(160)"), "datasets.md", "exec"), {})
    assert len(as_dataset("mine.npz")) == 660 and np.isin(as_dataset("mine.npz").actions, (0, 1)).all()


def test_its_card_is_the_one_that_is_printed(capsys):
    ((command, shown),) = re.findall(r"```text\n\$ sb3-course (.*?)\n(.*?)```", PAGE, re.S)
    assert cli.main(command.split()) == 0
    assert capsys.readouterr().out == shown


def test_it_names_every_family_and_every_set():
    for name, recipe in recipes().items():
        assert f"`{recipe.family}`" in PAGE and f"`{recipe.set}`" in PAGE, name
