"""The frame of the textbook's figures: how numbers are judged, what a figure leaves behind, and what becomes of one that fails."""

import io
import itertools
import json
import os
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import UserError
from benchmarks.stats.intervals import t_interval
from benchmarks.textbook import figure as frame
from benchmarks.textbook import page, run
from benchmarks.textbook.figure import Context, Figure, Number, Outcome, curve, identifier, in_order
from sb3_course import cli

PROGRAM = """
    import os
    from benchmarks.textbook.figure import Number, Outcome, figure

    def outcome(measured):
        return Outcome([Number("a number", measured, "2.0", source="exact")], lambda canvas: canvas.subplots().plot([0, 1], [0, measured]), ["A note."])

    @figure("91.1", title="as expected", cost="1 s")
    def good(context):
        return outcome(2.01)

    @figure("91.2", title="off", cost="2 s", aliases=("off",))
    def off(context):
        return outcome(2.1)

    @figure("ex91.3", title="crashes", cost="3 s")
    def crashes(context):
        return outcome(1 / 0)

    @figure("91.4", title="dies", cost="4 s")
    def dies(context):
        os._exit(7)
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A textbook of four figures, in a module that worker processes can import too."""
    name = f"textbook_of_tests_{os.getpid()}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(PROGRAM))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(frame, "_FIGURES", {})
    monkeypatch.setattr(frame, "FAMILIES", ())
    __import__(name)
    yield tmp_path
    del sys.modules[name]


# ------------------------------------------------------------------------------------------------------------------------- judging
@pytest.mark.parametrize(
    ("number", "passes"),
    [
        (Number("four digits: 0.001", 0.5430, "0.54203", source="exact"), True),
        (Number("…", 0.5431, "0.54203", source="exact"), False),
        (Number("one digit: 0.05", -1.75, "-1.7", source="exact"), True),
        (Number("…", -1.76, "−1.7", source="exact"), False),
        (Number("none: 0.5", 46.4, 46.0, source="exact"), True),
        (Number("…", 46.6, 46, source="exact"), False),
        (Number("equal runs: 3 √2 · 0.1 + 0.05 = 0.474", 5.47, "5.0", se=0.1, runs=100), True),
        (Number("…", 5.48, "5.0", se=0.1, runs=100), False),
        (Number("a reference of a hundred times the runs: 3 √1.01 · 0.1 + 0.05 = 0.351", 5.35, "5.0", se=0.1, runs=100, reference_runs=10_000), True),
        (Number("…", 5.36, "5.0", se=0.1, runs=100, reference_runs=10_000), False),
        (Number("a known standard error of the reference: 3 √(0.01 + 0.16) + 0.5", 6.7, "5", se=0.1, runs=100, reference_se=0.4), True),
        (Number("the book's value is taken as it is: 3 · 0.1 + 0.05", 5.36, "5.0", se=0.1, runs=100, source="book"), False),
        (Number("a range", 0.76, (".75", "1.02"), runs=10), True),
        (Number("…, and half a unit", 1.03, (".75", "1.02"), runs=10), False),
        (Number("a limit", 6.2, "6", runs=10, se=0.05, source="book", relation="≤"), True),
        (Number("…, clearly exceeded", 6.7, "6", runs=10, se=0.05, source="book", relation="≤"), False),
        (Number("a limit from below", 5.4, "6", runs=10, se=0.05, source="book", relation="≥"), True),
        (Number("a claim that is seen", -0.31, "0", runs=10, se=0.1, relation="<"), True),
        (Number("…, that is not", -0.29, "0", runs=10, se=0.1, relation="<"), False),
        (Number("…, from above", 0.31, "0", runs=10, se=0.1, relation=">"), True),
        (Number("not a number", float("nan"), "0", source="exact"), False),
        (Number("shown only", 3.0), None),
    ],
    ids=itertools.count().__next__ and (lambda value: value.name if isinstance(value, Number) else str(value)),
)
def test_a_number_passes_within_its_tolerance_and_no_further(number, passes):
    assert number.passes is passes


def test_a_mean_over_runs_brings_its_standard_error_and_student_s_interval():
    number = Number.of("x", [1.0, 2.0, 3.0, 4.0], "2.5", unit="%")
    assert (number.measured, number.runs) == (2.5, 4) and number.se == pytest.approx(np.sqrt(5 / 3) / 2)
    assert number.interval == pytest.approx((2.5 - 3.1824463 * number.se, 2.5 + 3.1824463 * number.se))


def test_an_order_is_claimed_of_the_difference_and_needs_three_of_its_standard_errors():
    number = Number.order("x below y", [1.0, 2.0], [7.0, 8.0, 9.0])
    assert number.measured == -6.5 and number.se == pytest.approx(np.sqrt(1 / 4 + 1 / 3)) and number.passes
    assert np.isnan(Number.of("diverged", [1.0, np.inf]).interval).all() and np.isnan(Number.of("no spread", [1.0, 1.0]).interval).all()
    assert Number.of("x", [1.0, 4.0]).interval == (t_interval([1.0, 4.0]).low, t_interval([1.0, 4.0]).high)
    assert not Number.order("x below y", [1.0, 2.0], [2.0, 3.0, 4.0]).passes and not Number.order("x below y", [7.0, 8.0], [1.0, 2.0]).passes


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"source": "guess"}, "source='guess'"), ({"relation": "~"}, "relation='~'"), ({"source": "run"}, "from how many runs"),
     ({"source": "exact", "se": 0.1}, "so it is sampled"), ({"expected": (0, 1), "relation": "<", "source": "exact"}, "a range")],
)  # fmt: skip
def test_numbers_that_could_not_be_judged_honestly_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Number("x", 1.0, **{"expected": "1", **wrong})


# -------------------------------------------------------------------------------------------------------------------------- naming
def test_figures_are_found_by_number_example_or_alias_however_they_are_written(book):
    assert [identifier(x) for x in ("6.5", "Figure 6.5", "fig. 6.5", "Example 6.2", "Ex 6.2", "ex6.2")] == ["6.5"] * 3 + ["ex6.2"] * 3
    assert frame.find("Figure 91.1").id == "91.1" and frame.find("off").id == "91.2" and frame.find("example 91.3").label == "Example 91.3"
    assert sorted(["12.1", "ex6.2", "6.10", "6.5", "toy-text", "2.2"], key=in_order) == ["2.2", "6.5", "6.10", "ex6.2", "12.1", "toy-text"]
    with pytest.raises(UserError, match=r"unknown figure '91.5': did you mean '91\.\d'\?"):
        frame.find("91.5")


def test_a_name_belongs_to_one_figure(book):
    with pytest.raises(ValueError, match=r"'91\.1' names two figures"):
        frame.figure("91.1", title="another", cost="1 s")(lambda context: None)
    with pytest.raises(ValueError, match="cost='soon'"):
        frame.figure("91.9", title="another", cost="soon")(lambda context: None)


def test_a_family_that_cannot_be_imported_hides_no_other(book, monkeypatch):
    monkeypatch.setattr(frame, "FAMILIES", ("no_such_family",))
    known, broken = frame.figures()
    assert list(known) == ["91.1", "91.2", "91.4", "ex91.3"] and "no_such_family" in broken


def test_a_quick_look_has_a_twentieth_of_the_runs_and_judges_nothing(tmp_path):
    assert (Context(quick=True).runs(1000), Context(quick=True).runs(20), Context(quick=True).runs(1), Context().runs(1000)) == (50, 2, 1, 1000)
    assert Context(quick=True).seeds(100) == range(5)
    wrong = Figure("1.1", "wrong", lambda context: Outcome([Number("x", 1.0, "2", source="exact")], lambda canvas: canvas.subplots()), 1.0)
    record = run.carry_out(wrong, tmp_path, Context(quick=True))
    assert record["status"] == "not judged" and record["numbers"][0]["passes"] is None


def test_progress_tells_which_item_begins():
    told = []
    assert list(Context(show=lambda *words: told.append(words)).progress(["a", "b"], "arm")) == ["a", "b"]
    assert told == [(0.0, "arm a"), (0.5, "arm b")]


# ------------------------------------------------------------------------------------------------------------------- carrying out
def test_a_figure_leaves_its_picture_and_its_numbers_with_where_they_come_from(book):
    out = book / "out"
    record = run.carry_out(frame.find("91.1"), out)
    assert sorted(path.name for path in out.iterdir()) == ["91.1.json", "91.1.png"], "and nothing half written"
    assert json.loads((out / "91.1.json").read_text()) == record and record["status"] == "pass"
    assert record["numbers"] == [
        {"name": "a number", "unit": "", "measured": 2.01, "se": 0.0, "low": None, "high": None, "runs": None, "expected": 2.0, "printed": "2.0",
         "relation": "=", "source": "exact", "tolerance": 0.05, "reference_runs": None, "passes": True, "note": ""}
    ]  # fmt: skip
    assert {"source", "python", "packages", "machine", "seeds"} <= set(record["provenance"]) and {"cpu_seconds", "wall_seconds", "finished_at"} <= set(record)
    assert str(book) not in (out / "91.1.json").read_text()


def test_the_same_figure_is_drawn_to_the_same_bytes(book):
    pictures = []
    for name in ("one", "two"):
        run.carry_out(frame.find("91.1"), book / name)
        pictures.append((book / name / "91.1.png").read_bytes())
    assert pictures[0] == pictures[1]


def test_a_picture_in_few_colours_is_a_fraction_of_the_bytes_and_looks_the_same():
    shades = np.linspace(0, 255, 400).astype(np.uint8)
    drawn = np.stack([np.broadcast_to(shades, (300, 400)), np.broadcast_to(shades[::-1], (300, 400)), np.full((300, 400), 90, np.uint8)], axis=-1)
    drawn = np.where(np.random.default_rng(0).random((300, 400, 1)) < 0.5, drawn, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG")
    small = run.in_few_colours(buffer.getvalue())
    shown = np.asarray(Image.open(io.BytesIO(small)).convert("RGB"))
    assert len(small) < len(buffer.getvalue()) / 2
    assert np.abs(shown.astype(int) - drawn.astype(int)).max() <= 3


def test_a_crash_is_a_record_and_takes_the_old_picture_with_it(book):
    out = book / "out"
    out.mkdir()
    (out / "ex91.3.png").write_text("of an earlier run")
    record = run.carry_out(frame.find("ex91.3"), out)
    assert record["status"] == "crashed" and record["error"].startswith("ZeroDivisionError: division by zero")
    assert [path.name for path in out.iterdir()] == ["ex91.3.json"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    run.write_bytes(path, b"old")

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        run.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"


def test_curves_are_thinned_and_carry_a_band_only_where_there_are_runs():
    from matplotlib.figure import Figure as Canvas

    ax = Canvas().subplots()
    curve(ax, np.arange(5000), np.random.default_rng(0).random((3, 5000)), "three runs")
    curve(ax, np.arange(5), np.arange(5), "one run")
    assert [len(line.get_xdata()) for line in ax.lines] == [frame.MOST_POINTS, 5] and len(ax.collections) == 1


# ------------------------------------------------------------------------------------------------------------------- command line
@pytest.mark.slow
def test_the_command_shows_failures_goes_on_and_says_so_in_its_exit_code(book, capsys):
    assert cli.main(["figure", "all", "--out", "out", "--json", "all.json", "--jobs", "2"]) == 1, "a crash is a bug of ours"
    printed = capsys.readouterr().out
    for line in ("Figure 91.2: off", "OFF", "Example 91.3: crashes", "ZeroDivisionError: division", "its process died (exit code 7)", "Not as expected"):
        assert line in printed
    records = {record["id"]: record for record in json.loads(Path("all.json").read_text())["figures"]}
    assert {id: record["status"] for id, record in records.items()} == {"91.1": "pass", "91.2": "off", "ex91.3": "crashed", "91.4": "crashed"}
    for name in ("README.md", "index.html"):
        text = Path("out", name).read_text()
        assert "4 figures, 1 of 2 numbers within tolerance" in text and "2 figures crashed" in text and "its process died" in text and "91.1." in text


@pytest.mark.slow
def test_a_number_that_is_off_is_exit_code_3_and_all_in_order_0(book, capsys):
    assert cli.main(["figure", "91.2", "--out", "out"]) == 3
    assert cli.main(["figure", "91.1", "Figure 91.1", "--out", "out"]) == 0
    for name in ("README.md", "index.html"):
        assert "2 of 4 figures; not run: Figure 91.4, Example 91.3." in Path("out", name).read_text()
    assert "2 figures" in Path("out/README.md").read_text(), "the page shows what the folder holds, not only the last command's"


@pytest.mark.parametrize(("words", "message"), [(["91.7"], "unknown figure '91.7': did you mean"), ([], "name a figure"), (["91.1", "--jobs=0"], "--jobs 0")])
def test_mistakes_are_one_line_and_exit_code_2(book, capsys, words, message):
    assert cli.main(["figure", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_the_list_names_every_figure_with_its_other_names(book, capsys):
    assert cli.main(["figure", "--list"]) == 0
    assert "91.2     off  (also off)" in capsys.readouterr().out


def test_numbers_are_shown_with_as_many_digits_as_they_are_worth():
    cells = page.cells(Number("x", 39.1667, "39", se=1.62, runs=30, unit="steps").as_json())
    assert cells == ("x", "39.2\u00a0steps [35.9, 42.5]", "39", "±7.4", "run, 30 runs", "pass")
    assert page.cells(Number("y", 0.58579, "0.5858", source="exact").as_json())[1:4] == ("0.58579", "0.5858", "±0.00100")
    assert page.cells(Number("z", 83.2, note="shown").as_json()) == ("z (shown)", "83.2", "", "", "", "–")


# --------------------------------------------------------------------------------------------------------------------- the book
def test_every_family_is_there_and_every_figure_has_a_title_and_a_cost():
    known, broken = frame.figures()
    assert not broken
    assert all(found.title and found.cost > 0 for found in known.values())
    assert {found.function.__module__.rpartition(".")[2] for found in known.values()} == set(frame.FAMILIES)


def test_what_was_sampled_is_not_called_exact():
    """Numbers of single figures that depend on luck, by name: a reader must see how many runs they are of."""
    sampled = ("that a run has found", "most frequent length", "farthest from 1 of ten runs", "the best run's reward", "of five")
    for path in Path(frame.__file__).parent.glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not (any(name in line for name in sampled) and 'source="exact"' in line), f"{path.name}: {line.strip()}"
