"""The page of environments names every id that there is, and its example runs; every environment that there is has its line in the table."""

import ast
import re
from pathlib import Path

import pytest

from from_scratch import envs
from from_scratch.envs.registration import ENVIRONMENTS, TABLE

PAGE = (Path(__file__).parents[1] / "docs" / "environments.md").read_text(encoding="utf-8")


def test_the_page_names_every_environment_and_no_other():
    named = re.findall(r"`(?:from_scratch/)?(\w+-v\d)`", PAGE)
    assert {f"from_scratch/{name}" for name in named} == set(ENVIRONMENTS)


ROOMS = ("grids", "chains", "games", "control")


@pytest.mark.parametrize("module", sorted(f"{room}.{path.stem}" for room in ROOMS for path in (Path(envs.__file__).parent / room).glob("[!_]*.py")))
def test_every_file_of_environments_has_its_line_in_the_table_with_its_names(module):
    path = Path(envs.__file__).parent.joinpath(*module.split(".")).with_suffix(".py")
    defined = {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef | ast.FunctionDef)}

    assert module in TABLE
    assert set(TABLE[module]) <= defined, "the line names the file that holds them, not one that passes them on"


def test_a_name_is_in_one_line_and_leads_to_what_its_module_holds():
    names = [name for of_module in TABLE.values() for name in of_module]

    assert len(set(names)) == len(names) and sorted(names) == envs.__all__
    assert all(callable(getattr(envs, name)) for name in names)


def test_its_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for program in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(program.replace("20_000", "200"), "environments.md", "exec"), {})


def test_the_maps_that_the_page_shows_are_those_that_it_prints(capsys):
    ((program, shown),) = re.findall(r"```python\n([^`]*)```\n\n```text\n(.*?)```", PAGE, re.S)
    exec(compile(program, "environments.md", "exec"), {})
    assert capsys.readouterr().out == shown
