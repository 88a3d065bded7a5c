"""docs/paper.md: its commands run as they stand there, on studies of every kind, and leave what the page says."""

import functools
import re
import shlex
from pathlib import Path

import pytest

from benchmarks.reproduction import archive
from benchmarks.store.store import Store
from sb3_course import cli

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
COMMANDS = [line.partition("#")[0].split(" ", 1)[1].strip() for line in PAGE.splitlines() if line.startswith("sb3-course ")]


@pytest.fixture(autouse=True)
def beside_results(tmp_path, monkeypatch):
    """A folder in which the page's study stands under its name; a store that was analysed is not analysed again."""
    from benchmarks.report import paper

    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "quickstart").symlink_to(ROOT / "results" / "quickstart")
    monkeypatch.setattr(paper, "analyse", lambda study, runs, curves, allow_partial: analysed(study.hash))


@functools.cache
def analysed(study_hash):
    from benchmarks.evidence.analysis import analyse

    store = Store(ROOT / "results" / "quickstart")
    assert store.study().hash == study_hash
    return analyse(store.study(), store.runs(), store.curves())


def files(folder):
    return {path.name for path in Path(folder).iterdir()}


@pytest.mark.slow
def test_the_commands_of_the_page_write_what_it_says():
    assert len(COMMANDS) == 5
    for command in COMMANDS:
        assert cli.main(shlex.split(command)) == 0
    assert {"captions.tex", "captions.md", "curves-control.pdf", "curves-control.svg", "tasks-control-CartPole-v1.svg", "ranks-tabular.pdf",
            "accounts.tex", "per-task-control.tex"} <= files("figures/quickstart")  # fmt: skip
    assert files("paper/figures") == {"captions.tex", "captions.md", "aggregates-control.pdf", "aggregates-tabular.pdf"}
    assert files("paper/tables") == {"aggregates-control.tex"}
    assert not (ROOT / "results" / "quickstart" / "figures").exists()


def test_the_kinds_that_the_page_names_are_those_of_the_study():
    from benchmarks.report import paper

    figures, tables = paper.parts(analysed(Store(ROOT / "results" / "quickstart").study().hash))
    said = re.search(r"`--only` takes kinds \((.*?)\)", PAGE, re.S)[1]
    assert set(re.findall(r"`([a-z-]+)`", said)) == {part.kind for part in figures}
    said = PAGE[PAGE.index("## Tables") : PAGE.index("`--columns`")]
    assert set(re.findall(r"`([a-z][a-z-]*)`", said)) - {"booktabs", "all"} == {part.kind for part in tables} - {part.kind for part in figures}


def test_an_archive_gives_the_bytes_of_its_study():
    archive.pack(Store(ROOT / "results" / "quickstart"), Path("mine.tar.gz"))
    for study in ("results/quickstart", "mine.tar.gz"):
        assert cli.main(["report", study, "--figures", "pdf", "--only", "ranks-control"]) == 0
    assert files("figures/mine") == files("figures/quickstart") == {"ranks-control.pdf", "captions.tex", "captions.md"}
    assert all((Path("figures/mine") / name).read_bytes() == (Path("figures/quickstart") / name).read_bytes() for name in files("figures/mine"))
