"""Pages in percent format as notebooks (nbformat 4.5): the same text from the same page, byte for byte, without outputs or with those of a run.

    python -m sb3_course.teaching.notebooks        runs sb3_course/notebooks/00_starter.py and writes it with its outputs beside it, as 00_starter.ipynb
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from sb3_course.teaching import percent
from sb3_course.teaching.course import HERE

STARTER = HERE / "notebooks" / "00_starter.py"
Outputs = list[dict[str, Any]]  # of one cell, as nbformat has them


def notebook(page: Path, outputs: list[Outputs] | None = None) -> str:
    """The JSON of a notebook; `outputs` are those of its code cells, in order. A cell's id is a hash of what it holds and of its place."""
    cells: list[dict[str, Any]] = []
    left = iter(outputs or [])
    for place, cell in enumerate(percent.cells(page)):
        id = hashlib.sha256(f"{place}\n{cell.source}".encode()).hexdigest()[:12]
        common: dict[str, Any] = {"id": id, "metadata": {}, "source": cell.source.splitlines(keepends=True)}
        if cell.is_text:
            cells.append({"cell_type": "markdown", **common})
        else:
            cells.append({"cell_type": "code", "execution_count": None, **common, "outputs": next(left, [])})
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False, indent=1) + "\n"


def executed(page: Path) -> list[Outputs]:
    """Run the code cells in this process, one after the other; what each prints, and its figures as PNG. Whatever a cell raises goes on."""
    import matplotlib

    matplotlib.use("Agg", force=True)
    from matplotlib import pyplot

    found, names = [], {"__name__": "__main__"}
    for cell in percent.cells(page):
        if cell.is_text:
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * cell.line + cell.source, str(page), "exec"), names)
        outputs: Outputs = []
        if printed.getvalue():
            outputs.append({"name": "stdout", "output_type": "stream", "text": printed.getvalue().splitlines(keepends=True)})
        for number in pyplot.get_fignums():
            outputs.append({"data": {"image/png": _png(pyplot.figure(number))}, "metadata": {}, "output_type": "display_data"})
        pyplot.close("all")
        found.append(outputs)
    return found


def _png(figure: Any) -> str:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100, metadata={"Software": None})
    return base64.b64encode(picture.getvalue()).decode()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else STARTER.with_suffix(".ipynb")
    target.write_text(notebook(STARTER, executed(STARTER)), encoding="utf-8")
