"""The starter notebook is what its source is, and prints what its source prints today."""

import json
import os
import subprocess
import sys

import pytest

from sb3_course.teaching import notebooks, percent

BOOK = notebooks.STARTER.with_suffix(".ipynb")


def cells():
    return json.loads(BOOK.read_text(encoding="utf-8"))["cells"]


def texts(cell):
    """What a cell prints, and how many pictures it has: their bytes depend on the version of Matplotlib."""
    outputs = cell.get("outputs", [])
    return "".join("".join(output.get("text", [])) for output in outputs), sum("image/png" in output.get("data", {}) for output in outputs)


def test_its_inputs_are_a_fresh_conversion_of_the_source_byte_for_byte():
    stripped = json.loads(BOOK.read_text(encoding="utf-8"))
    outputs = [cell["outputs"] for cell in stripped["cells"] if cell["cell_type"] == "code"]
    assert notebooks.notebook(notebooks.STARTER, outputs) == BOOK.read_text(encoding="utf-8"), "python -m sb3_course.teaching.notebooks renews it"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_fresh_run_prints_what_it_shows_within_a_minute_of_processor_time(tmp_path):
    before, env = sum(os.times()[2:4]), {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", "sb3_course.teaching.notebooks", str(tmp_path / "again.ipynb")], check=True, env=env)
    assert sum(os.times()[2:4]) - before < 60
    again = json.loads((tmp_path / "again.ipynb").read_text(encoding="utf-8"))["cells"]
    assert [texts(cell) for cell in again] == [texts(cell) for cell in cells()]
    assert sum(pictures for _, pictures in map(texts, again)) == 1


def test_the_first_six_cells_of_code_import_nothing_but_numpy_and_gymnasium():
    code = [cell.source for cell in percent.cells(notebooks.STARTER) if not cell.is_text]
    imports = [line for source in code[:6] for line in source.splitlines() if line.lstrip().startswith(("import ", "from "))]
    assert imports == ["import gymnasium as gym", "import numpy as np"]


def test_every_cell_has_an_id_of_its_own_that_its_text_decides(tmp_path):
    ids = [cell["id"] for cell in cells()]
    assert len(set(ids)) == len(ids) and all(len(id) == 12 for id in ids)
    changed = tmp_path / "page.py"
    changed.write_text(notebooks.STARTER.read_text(encoding="utf-8").replace("# # Starter", "# # A starter"), encoding="utf-8")
    others = [cell["id"] for cell in json.loads(notebooks.notebook(changed))["cells"]]
    assert [one == other for one, other in zip(ids, others)] == [False] + [True] * (len(ids) - 1)


def test_a_cell_that_fails_is_not_passed_over(tmp_path):
    page = tmp_path / "page.py"
    page.write_text("# %%\nprint('one')\n\n# %%\nassert 1 == 2, 'no'\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="no"):
        notebooks.executed(page)
