"""docs/lockstep.md shows programs that run, prints what they print, and lists the very calls that PPO.loss comes to."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from tests.test_docs_anatomy import missing

PAGE = (Path(__file__).parents[1] / "docs" / "lockstep.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", PAGE, re.S)


@pytest.fixture(scope="module")
def ran():
    """The page's Python, one block after the other: what it leaves behind, what each block printed, and the program of PPO.loss as first listed."""
    names, printed, listed = {}, [], {}
    for code, _ in BLOCKS:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, "lockstep.md", "exec"), names)
        printed.append(out.getvalue())
        if not listed:
            listed = {way: [call.__name__ for call, _ in getattr(names["program"], way)] for way in ("forward", "backward")}
    return names, printed, listed


def test_it_prints_what_the_page_says(ran):
    _, printed, _ = ran
    assert len(BLOCKS) == 4
    for (_, said), out in zip(BLOCKS, printed, strict=True):
        assert not said or out == said


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_the_calls_are_those_of_the_tables(ran, way):
    rows = re.search(rf"<!-- {way}: begin -->\n(.*?)<!-- {way}: end -->", PAGE, re.S).group(1).splitlines()[2:]
    said = [call for row in rows for call in re.search(r"`([\w ]+)` \|$", row).group(1).split()]
    assert ran[2][way] == said


def test_the_dueling_head_is_served_for_all_seeds_together(ran):
    _, printed, _ = ran
    last = printed[2].splitlines()[-1]
    assert f"`{last}`" in PAGE and last.startswith("True")
    assert "general path" not in printed[2]


def test_the_watched_loss_shows_tensors_at_each_of_its_updates(ran):
    looks = ran[1][3].splitlines()
    assert [line.partition(",")[0] for line in looks[:-1]] == ["Tensor (1"] * 2 and looks[-1] == "2 looks"


@pytest.mark.parametrize("file, names", sorted(set(re.findall(r"`([\w/]+\.py): ([\w., ]+)`", PAGE))))
def test_every_function_that_the_page_names_is_in_its_file(file, names):
    assert not missing(file, names)
