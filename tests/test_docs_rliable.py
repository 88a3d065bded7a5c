"""docs/rliable.md: its code runs as it stands and prints what the page says; its numbers are those that were measured; its first example has five lines."""

import contextlib
import csv
import io
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "rliable.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", PAGE, re.S)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each block of the page printed, run one after the other."""
    plt.switch_backend("Agg")
    names, found = {}, []
    with contextlib.chdir(tmp_path_factory.mktemp("rliable")):
        for code, _ in BLOCKS:
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(code, "rliable.md", "exec"), names)
            found.append(out.getvalue())
    plt.close("all")
    return found


def test_it_prints_what_the_page_says(printed):
    assert len(BLOCKS) == 6
    assert printed == [said for _, said in BLOCKS]


def test_five_lines_are_enough():
    assert len(BLOCKS[0][0].splitlines()) == 5


def test_its_speeds_are_those_that_were_measured():
    speed = json.loads((ROOT / "results" / "statistics_speed" / "speed.json").read_text())
    ours, theirs = speed["ours"], speed["rliable_scaled"]
    titles = {"curves": "IQM curves", "profiles": "performance profiles", "improvement": "P(improvement) of ten pairs"}
    rows = [(titles[key], ours[key], theirs[key]) for key in titles] + [("all", sum(ours.values()), sum(theirs.values()))]
    for title, a, b in rows:
        assert f"| {title} | {a:.2f} | {b:,.0f} | {b / a:,.0f} |" in PAGE


def test_its_coverage_is_that_which_was_measured():
    with (ROOT / "results" / "calibration" / "coverage.csv").open(newline="") as file:
        held = {row["n"]: float(row["share"]) for row in csv.DictReader(file)
                if (row["kind"], row["distribution"], row["tasks"], row["shift"]) == ("aggregate", "normal", "5", "0")}  # fmt: skip
    assert f"| held | {' | '.join(f'{100 * held[n]:.1f} %' for n in ('3', '5', '10', '20'))} |" in PAGE
