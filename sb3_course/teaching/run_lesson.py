"""Runs a lesson as `python lesson.py` would, but to its end, whatever is off: python -m sb3_course.teaching.run_lesson LESSON FOLDER

Figures that are open at its end are saved into the folder. Exit code 3 if a number is off or the lesson fails.
"""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path

from sb3_course.teaching import lesson

OFF = 3


def main(path: str, folder: str) -> int:
    lesson.off = []
    sys.argv = [path]
    try:
        runpy.run_path(path, run_name="__main__")
    except Exception:
        traceback.print_exc()
        print("the lesson stopped here")
        return OFF
    pyplot = sys.modules.get("matplotlib.pyplot")
    for k, number in enumerate(pyplot.get_fignums() if pyplot else [], start=1):
        Path(folder).mkdir(parents=True, exist_ok=True)
        pyplot.figure(number).savefig(Path(folder) / f"figure-{k}.png")  # type: ignore[union-attr]
        print(f"a figure: {Path(folder) / f'figure-{k}.png'}")
    if lesson.off:
        print(f"{len(lesson.off)} of its numbers are off:", *lesson.off, sep="\n  ")
        return OFF
    print("all numbers are as stated")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
