"""Capstones: every brief leads to what there is, and the two lines of the rubric that a study decides are decided by it."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from benchmarks import UserError
from benchmarks.reproduction import verify
from benchmarks.reproduction.findings import Finding
from sb3_course import cli
from sb3_course.teaching import capstones
from sb3_course.teaching.course import Course
from sb3_course.teaching.progress import Progress
from sb3_course.teaching.workspace import Workspace

ALL = capstones.all_of_them()
RESULTS = Path(__file__).parents[3] / "results"
each = pytest.mark.parametrize("capstone", ALL.values(), ids=ALL)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path / "sb3_course_work")


def text_of(capstone):
    return "\n".join((capstone.folder / name).read_text(encoding="utf-8") for name in capstones.FILES)


def given(workspace, capstone, **scores):
    """The learner's own lines, all alike, and these."""
    folder, _ = capstones.start(workspace, capstone)
    said = {name: {"score": 3, "why": "so"} for name in capstones.own_lines()} | scores
    (folder / capstones.SCORES).write_text(yaml.safe_dump(said), encoding="utf-8")


def with_study(workspace, capstone, name="quickstart"):
    folder, _ = capstones.start(workspace, capstone)
    shutil.copytree(RESULTS / name, folder / "study")
    return folder / "study"


def by_title(workspace, capstone):
    return {line.title: line for line in capstones.scores(workspace, capstone)}


# ---------------------------------------------------------------------------------------------------------------- its texts


@each
def test_a_capstone_has_a_brief_a_study_with_its_question_milestones_and_a_form_of_report(capstone):
    study = yaml.safe_load((capstone.folder / "study.yaml").read_text(encoding="utf-8"))
    assert study["question"].endswith("?") and study["seeds"] >= 10
    assert len(capstone.milestones) >= 3 and all(milestone["text"] for milestone in capstone.milestones)
    report = (capstone.folder / "report.md").read_text(encoding="utf-8")
    assert re.findall("^## (.*)", report, re.MULTILINE) == ["Question", "Methods", "Bugs encountered", "Results", "What next"]


@each
def test_exercises_suites_and_results_that_a_capstone_names_are_there_or_planned(capstone):
    course, text = Course(), text_of(capstone)
    names = [*re.findall(r"exercise start (\w+)", text), *(it["needs"].split()[1] for it in capstone.milestones if it["needs"].startswith("exercise"))]
    assert {name for name in names if name not in {*course.exercises, *course.planned}} == set()
    suites = {path.stem for path in (RESULTS.parent / "benchmarks" / "configs" / "suite").glob("*.yaml")}
    assert set(re.findall(r"results/([\w-]+)", text)) <= suites


@each
def test_its_verbs_are_commands_that_there_are(capstone):
    verbs = next(action.choices for action in cli.parser()._actions if action.dest == "verb")
    assert set(re.findall(r"sb3-course (\w+)", text_of(capstone))) <= set(verbs)


def test_a_study_of_one_s_own_class_is_planned_from_the_folder_of_the_capstone(workspace, monkeypatch, capsys):
    folder, _ = capstones.start(workspace, ALL["1"])
    answer = workspace.folder / "exercises" / "m07" / "dqn.py"
    answer.parent.mkdir(parents=True)
    shutil.copy(Course().exercises["dqn"].solution, answer)
    monkeypatch.chdir(folder)
    assert cli.main(["compare", "study.yaml", "--trust", "--dry-run", "seeds=2"]) == 0
    assert "dqn:MyDQN on CartPole-v1: 2 seeds x 50,000 steps" in capsys.readouterr().out


# -------------------------------------------------------------------------------------------------------------- the folder


def test_what_a_learner_has_written_is_never_written_over(workspace):
    folder, _ = capstones.start(workspace, ALL["B"])
    (folder / "report.md").write_text("mine", encoding="utf-8")
    _, kept = capstones.start(workspace, ALL["B"])
    assert (folder / "report.md").read_text(encoding="utf-8") == "mine"
    assert set(kept) == {*capstones.FILES, capstones.SCORES}


def test_an_unknown_capstone_is_one_line_with_those_that_there_are():
    with pytest.raises(UserError, match="no capstone '9': there are 1, 3, 5, A, B, C, E"):
        capstones.find("9")


# -------------------------------------------------------------------------------------------------------------- its scores


def test_without_a_study_the_two_lines_that_it_decides_are_0(workspace):
    capstones.start(workspace, ALL["B"])
    lines = by_title(workspace, ALL["B"])
    assert (lines["Seeds and statistics"].score, lines["Reproducibility"].score) == (0, 0)
    assert lines["Writing"].score is None


@pytest.mark.parametrize(("states", "score"), [
    (["pass", "pass", "note"], 3), (["pass", "unverified", "pass"], 2), (["pass", "pass", "fail"], 1), (["fail", "pass", "pass"], 0),
])  # fmt: skip
def test_the_line_of_reproducibility_is_what_reproduce_finds_at_level_2(workspace, monkeypatch, states, score):
    found = [Finding(level, "a file", state, "was changed") for level, state in zip((1, 1, 2), states)]
    monkeypatch.setattr(verify, "verify", lambda store, level: iter(found) if level == 2 else ())
    with_study(workspace, ALL["B"], "parity")
    assert by_title(workspace, ALL["B"])["Reproducibility"].score == score


@pytest.fixture
def reproduces(monkeypatch):
    monkeypatch.setattr(capstones, "_of_reproduction", lambda study: (3, "by the test"))


@pytest.mark.parametrize(("runs", "score"), [(10, 3), (9, 1), (2, 0)])
def test_the_line_of_seeds_counts_the_runs_of_the_arm_that_has_the_fewest(workspace, reproduces, runs, score):
    report = with_study(workspace, ALL["B"]) / "report" / "report.json"
    facts = json.loads(report.read_text(encoding="utf-8"))
    cell = next(iter(facts["groups"]["control"]["cells"].values()))
    cell["seeds"] = cell["seeds"][:runs]
    report.write_text(json.dumps(facts), encoding="utf-8")
    assert by_title(workspace, ALL["B"])["Seeds and statistics"].score == score


@pytest.mark.parametrize("change", [{"missing": ["a run"]}, {"is_partial": True}])
def test_missing_runs_cost_a_point(workspace, reproduces, change):
    report = with_study(workspace, ALL["B"]) / "report" / "report.json"
    report.write_text(json.dumps({**json.loads(report.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    assert by_title(workspace, ALL["B"])["Seeds and statistics"].score == 2


def test_twelve_without_a_0_pass_and_one_0_does_not(workspace, reproduces, capsys):
    with_study(workspace, ALL["B"])
    given(workspace, ALL["B"])
    assert cli.main(["capstone", "score", "B"]) == 0
    assert "18 of 18: passed" in capsys.readouterr().out
    (capstones.place(workspace, ALL["B"]) / capstones.SCORES).unlink()
    given(workspace, ALL["B"], writing={"score": 0})
    assert cli.main(["capstone", "score", "B"]) == 3
    assert "15 of 18: not passed: a line has 0" in capsys.readouterr().out


def test_a_score_out_of_its_range_names_file_line_and_range(workspace):
    given(workspace, ALL["B"], writing={"score": 4})
    with pytest.raises(UserError, match=r"scores.yaml: writing is \{score: 0 to 3"):
        capstones.scores(workspace, ALL["B"])


def test_milestones_are_looked_up_where_they_can_be(workspace):
    with_study(workspace, ALL["B"])
    progress = Progress.of(Course(), workspace)
    assert [done for _, done in capstones.reached(workspace, ALL["B"], progress)] == [True, False, False]  # the quick start's median is not above 200
    (capstones.place(workspace, ALL["B"]) / capstones.SCORES).write_text("milestone 3: {reached: true}", encoding="utf-8")
    assert [done for _, done in capstones.reached(workspace, ALL["B"], progress)] == [True, False, True]


def test_before_there_is_a_study_the_way_to_one_is_told_and_what_is_not_scored_is_not_blamed(workspace):
    capstones.start(workspace, ALL["C"])
    lines = by_title(workspace, ALL["C"])
    assert lines["Reproducibility"].why == "there is no study: sb3-course compare study.yaml --trust --out study"
    assert lines["Writing"].why == "not scored yet"


def test_every_point_of_a_brief_is_indented_alike(workspace, capsys):
    assert cli.main(["capstone", "show", "C"]) == 0
    points = [line for line in capsys.readouterr().out.splitlines() if re.match(r" *\d\. ", line)]
    assert len(points) == 4 and all(line[0].isdigit() for line in points)


def test_the_study_of_one_s_own_grid_world_is_planned_from_the_folder_of_the_capstone(workspace, monkeypatch, capsys):
    folder, _ = capstones.start(workspace, ALL["C"])
    answer = workspace.folder / "exercises" / "m12" / "own_grid.py"
    answer.parent.mkdir(parents=True)
    shutil.copy(Course().exercises["own_grid"].solution, answer)
    monkeypatch.chdir(folder)
    assert cli.main(["compare", "study.yaml", "--trust", "--dry-run", "seeds=2"]) == 0
    assert "q_learning on own_grid:OwnGrid-v0: 2 seeds x 20,000 steps" in capsys.readouterr().out


@pytest.mark.slow
def test_q_learning_reaches_the_optimum_of_the_grid_world_that_comes_with_the_exercise_as_the_brief_says():
    """Every one of ten seeds within the study's 20,000 steps, and none within 4,000."""
    import gymnasium as gym

    from from_scratch import QLearning
    from from_scratch.core.exact.values import expected_return, optimal_return
    from sb3_course.teaching import answers

    answers.load(Course().exercises["own_grid"].solution, "learner")  # it registers OwnGrid-v0
    env, found = gym.make("OwnGrid-v0"), {}
    for n_steps in (4_000, 20_000):
        model = QLearning("TabularPolicy", lambda: gym.make("OwnGrid-v0"), seeds=range(10)).learn(n_steps)
        found[n_steps] = {expected_return(env, model.member(k).q_table.argmax(-1)) for k in range(10)}
    assert found == {4_000: {-200.0}, 20_000: {optimal_return(env)}}
