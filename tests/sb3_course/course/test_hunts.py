"""Hunts: the symptom that is told is the one that is there, and the learner's file has the bug that the check looks for."""

import inspect

import numpy as np
import pytest

from sb3_course import cli
from sb3_course.teaching import answers, hunts
from sb3_course.teaching.course import Course
from tests.some import some

HUNTS = [exercise for exercise in Course().exercises.values() if exercise.symptom]
each_hunt = pytest.mark.parametrize("hunt", HUNTS, ids=lambda hunt: hunt.name)
SCRIPT = [(1.0, 1, "on"), (0.0, 0, "on"), (2.0, 1, "on"), (-1.0, 0, "end")], [(0.5, 2, "on"), (1.0, 0, "cut")], [(3.0, 1, "end")]


def suspect(hunt):
    return answers.load(hunt.folder / "suspect.py", "suspect")


def printed_by(agent_class, hunt, capsys):
    """What the file of a hunt prints with this class in the place of its own."""
    module = answers.load(hunt.stub, "stub")
    _, _, main = hunt.stub.read_text(encoding="utf-8").partition('if __name__ == "__main__":')
    exec(inspect.cleandoc("#" + main), {**vars(module), "Agent": agent_class})
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("hunt", some(HUNTS, every=3), ids=lambda hunt: hunt.name)
def test_the_symptom_is_what_both_classes_print(hunt, capsys):
    """symptom.md has, in this order, a title and the lines of the suspect, and those of the right class."""
    module, told = suspect(hunt), [line.strip() for line in hunt.symptom.splitlines() if line.strip()]
    title, *lines = printed_by(module.Suspect, hunt, capsys)
    assert told[1] == title
    assert told[2 : 2 + len(lines)] == lines
    right = [line for line in printed_by(module.Right, hunt, capsys) if line.startswith("seed")]
    assert told[2 + len(lines)] == "The same without the bug"
    assert told[3 + len(lines) :][: len(right)] == right


@each_hunt
def test_a_suspect_is_the_right_class_with_one_method_overridden(hunt):
    module = suspect(hunt)
    assert module.Suspect.__mro__[1] is module.Right
    assert sum(callable(value) for value in vars(module.Suspect).values()) == 1


def tabular(agent_class):
    """What an agent with a table gives, by which two classes are compared. Hunts with other agents have a function `trial` in suspect.py for it."""
    agent = agent_class(3, 2, gamma=0.5, seed=1)
    return agent.learn(hunts.Script(*SCRIPT), 60), agent.Q, [agent.choose(0) for _ in range(20)]


@each_hunt
def test_the_learner_s_agent_is_the_suspect(hunt):
    module, stub = suspect(hunt), answers.load(hunt.stub, "stub")
    trial = getattr(module, "trial", tabular)
    np.testing.assert_equal(trial(stub.Agent), trial(module.Suspect))
    with pytest.raises(AssertionError):
        np.testing.assert_equal(trial(module.Right), trial(module.Suspect))


@each_hunt
def test_every_agent_of_the_kin_is_shown_to_diagnose_and_only_the_suspect_is_to_be_named(hunt):
    kin = [other for other in HUNTS if other.name.partition("-")[0] == hunt.name.partition("-")[0]]
    assert len(hunts.agents(hunt.name)) == 2 * len(kin)
    assert [who for who, is_it in hunts.diagnosed(hunt.name).items() if is_it] == ["the suspect"]


def test_a_diagnosis_that_is_neither_true_nor_false_is_told_so():
    with pytest.raises(hunts.Mistake, match="of the suspect diagnose says 1, should be True or False"):
        hunts.diagnosis(lambda agent: 1, "tab-1")


def test_start_tells_the_symptom(tmp_path, capsys):
    assert cli.main(["exercise", "start", "tab-2", "--work", str(tmp_path)]) == 0
    assert "    seed 0:      0      0      0      0      0\n" in capsys.readouterr().out


def test_a_proof_is_shown_as_a_lesson_is_and_counts_as_read(tmp_path, capsys):
    assert cli.main(["lesson", "show", "P1", "T* contracts", "--work", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("## 2. T* contracts") and "\n2. $" in out
    assert cli.main(["calendar", "--start", "2026-01-05", "--out", str(tmp_path / "plan.md"), "--work", str(tmp_path)]) == 0
    assert "- [x] proof P1, 45 min: `sb3-course lesson show P1`" in (tmp_path / "plan.md").read_text(encoding="utf-8")
