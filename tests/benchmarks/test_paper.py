"""Figures and tables for a paper: their names, their size and type, their captions, and that nothing in them depends on the day."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from benchmarks import UserError
from benchmarks.evidence.analysis import analyse
from benchmarks.evidence.records import IncompleteStudy
from benchmarks.report import paper
from benchmarks.report.paper import Asked
from benchmarks.report.style import Table, new_canvas
from tests.benchmarks.synthetic import CONTROL, TABULAR, SyntheticStore


def read(store):
    return analyse(store.study(), store.runs(), store.curves())


def control():
    """Two tasks with a scale, four algorithms."""
    return SyntheticStore((CONTROL,), reps=100)


@pytest.fixture(scope="module")
def store():
    return control()


@pytest.fixture(scope="module")
def written(store, tmp_path_factory):
    """The folder with every figure as PDF, and the text of its captions."""
    folder = tmp_path_factory.mktemp("paper")
    paper.write(store, folder, Asked(figures="pdf"))
    return folder, (folder / "captions.tex").read_text(encoding="utf-8")


def inches(path):
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", path.read_bytes())
    return [float(side) / 72 for side in box.groups()]


# --- names


def test_files_are_named_by_kind_group_and_task(written):
    names = {path.name for path in written[0].iterdir()}
    kinds = ("aggregates", "curves", "curves-seconds", "profiles", "comparisons", "ranks", "leave-one-out", "thresholds")
    tasks = ("tasks-control-CartPole-v1.pdf", "tasks-control-Acrobot-v1.pdf")
    assert names == {"captions.tex", "captions.md", *(f"{kind}-control.pdf" for kind in kinds), *tasks}


def test_only_takes_kinds_and_single_figures(store, tmp_path):
    paths = paper.write(store, tmp_path, Asked(figures="svg", only=("Profiles", "tasks-control-cartpole-v1")))
    assert [path.name for path in paths if path.suffix == ".svg"] == ["profiles-control.svg", "tasks-control-CartPole-v1.svg"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Asked(figures="pdf", only=("curvs",)), "--only curvs: did you mean 'curves'? there are aggregates, curves, curves-seconds, profiles, comparisons, "
         "tasks, ranks, leave-one-out, thresholds; or one of them, such as aggregates-control"),
        (Asked(tables=("agregates-control",)), "--tables agregates-control: did you mean 'aggregates-control'? there are aggregates, "),
        (Asked(tables=("ranks",), columns=("mean rnk",)), "--columns mean rnk: did you mean 'mean-rank'? the table ranks-control has algorithm, mean-rank, "),
        (Asked(tables=("ranks",), columns=("zzz",)), "--columns zzz: the table ranks-control has algorithm, "),
    ],
)  # fmt: skip
def test_a_misspelt_name_gets_the_nearest_and_the_list_and_nothing_is_written(store, tmp_path, asked, message):
    with pytest.raises(UserError) as error:
        paper.write(store, tmp_path / "new", asked)
    assert str(error.value).startswith(message) and not (tmp_path / "new").exists()


def test_two_groups_that_differ_in_capitals_alone_have_files_of_their_own():
    found = paper._distinct([paper.Part(name, "curves", "", "") for name in ("curves-Deep", "curves-deep", "curves-other")])
    assert [part.name for part in found] == ["curves-Deep", "curves-deep-2", "curves-other"]


# --- size and type


def bare():
    """Tasks without a scale, a planner, and names that are long: nothing is aggregated."""
    group = {"name": "tables", "algos": ["q_learning", "value_iteration"], "envs": ["FrozenLake-v1"], "comparisons": [["q_learning", "value_iteration"]]}
    return SyntheticStore((group,), reps=100, normalise=False)


@pytest.fixture(scope="module", params=[(make, width) for make in (control, bare) for width in (3.25, 6.75)], ids=lambda p: f"{p[0].__name__} {p[1]}")
def laid_out(request):
    """Every figure of a study, laid out for a width in inches and drawn; and that width."""
    make, width = request.param
    found = paper.parts(read(make()))[0]
    for part in found:
        paper.fit(part.canvas, width)
        part.canvas.draw_without_rendering()
    return found, width


def shown(canvas):
    """Every text that is printed, with its box in inches: left, low, right, high."""
    ticks = [label for ax in canvas.axes for axis in (ax.xaxis, ax.yaxis) for label in axis.get_ticklabels()]
    printed = [label for ax in canvas.axes for axis in (ax.xaxis, ax.yaxis) for label in paper.labels_within(axis)]
    for text in canvas.findobj(Text):
        if text.get_text().strip() and text.get_visible() and (text not in ticks or text in printed):
            yield text, [side / canvas.dpi for side in text.get_window_extent().extents]


def test_every_figure_has_its_width_and_is_lower_than_a_page(laid_out):
    parts, width = laid_out
    for part in parts:
        wide, high = part.canvas.get_size_inches()
        assert wide == width and 0.8 < high < 4


def test_all_type_is_8_points_and_inside_the_picture(laid_out):
    parts, width = laid_out
    for part in parts:
        high = part.canvas.get_size_inches()[1]
        for text, (left, low, right, top) in shown(part.canvas):
            assert text.get_fontsize() == 8
            assert min(left, low) > -0.02 and right < width + 0.02 and top < high + 0.02, f"{part.name}: {text.get_text()!r}"


def test_no_two_numbers_of_an_axis_and_no_two_panels_touch(laid_out):
    for part in laid_out[0]:
        for ax in part.canvas.axes:
            boxes = sorted((label.get_window_extent() for label in paper.labels_within(ax.xaxis)), key=lambda box: box.x0)
            assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes)), part.name
        panels = [ax.get_window_extent() for ax in part.canvas.axes]
        assert not any(one.overlaps(other) for one, other in itertools.combinations(panels, 2)), part.name
        assert all(min(box.width, box.height) / part.canvas.dpi > 0.2 for box in panels), part.name


def test_numbers_that_would_touch_are_thinned():
    canvas = new_canvas(9, 3)
    ax = canvas.subplots()
    ax.plot([0.9001, 0.9009], [0, 1])
    ax.xaxis.set_major_locator(MaxNLocator(12))
    paper.fit(canvas, 3.25)
    boxes = [label.get_window_extent() for label in paper.labels_within(ax.xaxis)]
    assert 2 <= len(boxes) < 9 and all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


def test_a_single_panel_has_no_title_for_the_caption_says_it(laid_out):
    assert [part.name for part in laid_out[0] if len(part.canvas.axes) == 1 and part.canvas.axes[0].get_title(loc="left")] == []


def test_the_file_is_as_wide_as_the_figure(written):
    assert {round(inches(path)[0], 3) for path in written[0].glob("*.pdf")} == {3.25}


def test_the_caption_says_where_a_panel_stands_now(store, tmp_path):
    texts = {}
    for width in ("column", "text"):
        paper.write(store, tmp_path / width, Asked(figures="svg", only=("tasks",), width=width))
        texts[width] = (tmp_path / width / "captions.md").read_text(encoding="utf-8")
    assert not re.search(r"\bright:", texts["column"])


# --- what is in the files


def test_a_pdf_has_its_fonts_within_as_truetype_and_no_date(written):
    for path in written[0].glob("*.pdf"):
        content = path.read_bytes()
        assert b"/FontFile2" in content and b"/Type3" not in content
        assert b"Date" not in content and b"Producer" not in content and b"Creator" not in content


def test_the_words_of_an_svg_are_text_and_it_has_no_date(store, tmp_path):
    paper.write(store, tmp_path, Asked(figures="svg", only=("curves-control",)))
    content = (tmp_path / "curves-control.svg").read_text(encoding="utf-8")
    assert ">sb3/ppo</text>" in content and ">IQM, normalised score</text>" in content
    assert 'width="234pt"' in content and "dc:date" not in content and "dc:creator" not in content


SCRIPT = """
import sys
from pathlib import Path
from benchmarks.report import paper
from tests.benchmarks.synthetic import CONTROL, SyntheticStore
for form in ("pdf", "svg"):
    asked = paper.Asked(figures=form, only=("curves", "tasks-control-CartPole-v1"), tables=("ranks",))
    paper.write(SyntheticStore((CONTROL,), reps=100), Path(sys.argv[1]) / form, asked)
"""


@pytest.mark.slow
@pytest.mark.slow
def test_another_process_on_another_day_writes_the_same_bytes(tmp_path):
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": str(10**9 * int(seed))}
        subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / seed)], check=True, env=env, cwd=Path(__file__).parents[2])
    one, other = ({path.relative_to(tmp_path / seed): path.read_bytes() for path in (tmp_path / seed).rglob("*.*")} for seed in "12")
    assert len(one) == 10 and one == other


def test_captions_are_ready_to_be_included_each_with_a_short_one_and_a_label(written):
    folder, text = written
    assert text.count(r"\begin{figure}") == text.count(r"\end{figure}") == 10
    names = re.findall(r"\\includegraphics\{(.+?)\}", text)
    assert [Path(name).stem for name in names] == re.findall(r"\\label\{fig:(.+?)\}", text) and all((folder / name).is_file() for name in names)
    assert r"\caption[{Learning curves by steps}]{IQM of the evaluation returns" in text
    body = re.sub(r"(?m)^%.*$|\\(?:label|includegraphics)\{.*?\}", "", text)
    assert not re.search(r"(?<!\\)[_%#&]", body) and body.count("{") == body.count("}")
    assert not set("−±τδ≥\u202f\u00a0") & set(body)


def test_captions_stand_in_plain_words_too_with_what_the_picture_shows(written):
    text = (written[0] / "captions.md").read_text(encoding="utf-8")
    assert text.count("## ") == text.count("\n\nIn words: ") == 10
    assert "**Learning curves by steps.** IQM of the evaluation returns" in text


def test_a_bracket_in_a_groups_name_does_not_end_a_short_caption(tmp_path):
    store = SyntheticStore(({**CONTROL, "name": "deep [a]_b"}, TABULAR), reps=100)
    paper.write(store, tmp_path, Asked(figures="pdf", only=("profiles",)))
    assert r"\caption[{Performance profiles, deep [a]\_b}]{" in (tmp_path / "captions.tex").read_text(encoding="utf-8")


def test_a_figure_over_both_columns_is_a_starred_one(store, tmp_path):
    paper.write(store, tmp_path, Asked(figures="svg", only=("profiles-control",), tables=("ranks-control",), width="text"))
    text = (tmp_path / "captions.tex").read_text(encoding="utf-8")
    assert r"\begin{figure*}" in text and r"\includesvg{profiles-control.svg}" in text
    assert r"\begin{table*}" in (tmp_path / "ranks-control.tex").read_text(encoding="utf-8")


# --- tables


def test_a_table_has_the_columns_that_are_asked_for_in_their_order(store, tmp_path):
    paper.write(store, tmp_path, Asked(tables=("aggregates-control",), columns=("mean", "ALGORITHM")))
    text = (tmp_path / "aggregates-control.tex").read_text(encoding="utf-8")
    assert r"\begin{tabular}{ll}" in text or r"\begin{tabular}{lr}" in text
    assert "\nMean & algorithm \\\\\n" in text and r"\caption[{Aggregate scores}]{Aggregate scores over all tasks" in text
    assert [path.name for path in tmp_path.iterdir()] == ["aggregates-control.tex"]


def test_capitals_and_signs_of_a_column_do_not_count():
    table = Table(["X", "p, Welch (Holm)", "P(X > Y)"], [["a", "0.1", "0.5"]])
    assert paper.with_columns(table, ["p-x-y", "p Welch Holm"], "t").rows == [["0.5", "0.1"]]


def test_all_tables_are_those_of_the_group_and_of_the_study(store, tmp_path):
    names = {path.stem for path in paper.write(store, tmp_path, Asked(tables=("all",)))}
    kinds = ("aggregates", "comparisons", "per-task", "effects", "solved", "areas", "ranks")
    assert {f"{kind}-control" for kind in kinds} | {"budgets", "scales", "accounts", "speeds"} < names


def test_names_stand_left_and_numbers_right(store, tmp_path):
    paper.write(store, tmp_path, Asked(tables=("per-task-control",), columns=("task", "X", "90-interval")))
    assert r"\begin{tabular}{llr}" in (tmp_path / "per-task-control.tex").read_text(encoding="utf-8")


# --- studies


def test_a_study_with_missing_runs_is_refused_unless_that_is_allowed(tmp_path):
    store = control().lose("ppo", "CartPole-v1", [3])
    with pytest.raises(IncompleteStudy):
        paper.write(store, tmp_path, Asked(figures="pdf"))
    paper.write(store, tmp_path, Asked(figures="pdf", only=("curves",)), allow_partial=True)
    assert "Runs are missing" in (tmp_path / "captions.tex").read_text(encoding="utf-8")


def test_a_folder_that_is_a_link_is_refused(store, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UserError, match="is a link or a file"):
        paper.write(store, tmp_path / "link", Asked(figures="pdf"))


def test_the_numbers_of_the_page_are_those_of_the_paper(store):
    """A figure is drawn once, by what draws the page's: its curve ends where the page's does."""
    analysis = read(store)
    canvas = next(part.canvas for part in paper.parts(analysis)[0] if part.name == "curves-control")
    drawn = {line.get_label(): line.get_ydata() for line in canvas.axes[0].lines}
    for algo, curve in analysis.groups[0].curves.items():
        np.testing.assert_array_equal(drawn[algo], curve.iqm.point)
