"""sb3-course report --figures and --tables: of runs that other programs made, and what is refused in one line."""

import csv
from pathlib import Path

import pytest

from sb3_course import cli


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SB3_COURSE_DEBUG", raising=False)
    with open("runs.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["algo", "env", "seed", "step", "score"])
        for lead, algo in enumerate(("mine", "theirs")):
            for seed in range(5):
                rows.writerows([algo, "CartPole-v1", seed, step, 40 * step / 1000 + 20 * lead + seed] for step in (1000, 2000, 3000))


def test_runs_of_other_programs_have_figures_and_tables(capsys):
    words = ["report", "--from-csv", "runs.csv", "--reps", "200", "--name", "others", "--figures", "svg", "--only", "tasks,curves", "--tables", "per-task"]
    assert cli.main(words) == 0
    out = capsys.readouterr().out.split()
    assert out and all(Path(path).is_file() for path in out) and {Path(path).parent.as_posix() for path in out} == {"figures/others"}
    assert any(Path(path).name.startswith("tasks-") and path.endswith("CartPole-v1.svg") for path in out) and not Path("reports").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--only curves", "--only curves: it chooses among what --figures writes, so give --figures too"),
        ("--columns IQM", "--columns IQM: it chooses among what --tables writes, so give --tables too"),
        ("--figures pdf --pdf --parquet", "--figures writes what a paper takes, and no report: give --pdf and --parquet in a command of its own"),
        ("--tables all --against other", "--tables writes what a paper takes, and no report: give --against in a command of its own"),
        ("--figures pdf --only ,", "--only ',': give names, such as comparisons"),
        ("--figures png", "argument --figures: invalid choice: 'png'"),
        ("--figures pdf --only curvs --reps 200", "--only curvs: did you mean 'curves'? there are "),
        ("--figures pdf --reps 200 --out runs.csv", "runs.csv is a link or a file, where figures and tables go into a folder: give --out another"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_nothing_is_written(words, line, capsys):
    assert cli.main(["report", "--from-csv", "runs.csv", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(line) and not out and [path.name for path in Path.cwd().iterdir()] == ["runs.csv"]
    assert err.count("\n") == 1
