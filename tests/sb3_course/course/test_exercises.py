"""Every exercise that there is: its check is an instrument, and is calibrated here on answers whose faults are known.

A new exercise is tested by these without another line. docs/writing_lessons.md says what they ask for.
"""

import ast
import re
from functools import cache

import pytest

from sb3_course.teaching import alarms, answers, runner
from sb3_course.teaching.course import Course
from sb3_course.teaching.judging import Judge
from tests.some import some

COURSE = Course()
EXERCISES = list(COURSE.exercises.values())
PAIRS = [(exercise, path) for exercise in EXERCISES for path in exercise.wrong]
ENDLESS = [(exercise, probe, exercise.folder / "wrong" / f"{name}.py") for exercise in EXERCISES for probe, name in exercise.endless.items()]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
IDS = [f"{exercise.name}-{path.stem}" for exercise, path in PAIRS]
each_wrong = pytest.mark.parametrize(("exercise", "path"), PAIRS, ids=IDS)

FIRST = {exercise.module: exercise for exercise in reversed(EXERCISES)}  # of each module
of_each_module = pytest.mark.parametrize("exercise", some(EXERCISES, at=lambda one: one is FIRST[one.module]), ids=lambda exercise: exercise.name)

# A learner's file of these modules, and its check, work without torch.
LIGHT = ("m00", "m01", "m02", "m03", "m04", "m05")


@cache
def judge(name: str) -> Judge:
    return Judge(COURSE.exercises[name])


def verdicts(exercise, path):
    """What the check says of every function of a file, in this process."""
    module = answers.load(path, "learner")
    return {function: judge(exercise.name).verdict(function, module, path) for function in exercise.functions}


def statuses(exercise, path):
    return {function: verdict["status"] for function, verdict in verdicts(exercise, path).items()}


# ------------------------------------------------------------------------------------------------------- right answers


@each_exercise
def test_the_stub_is_not_written_yet_in_every_function_and_nothing_worse(exercise):
    assert statuses(exercise, exercise.stub) == dict.fromkeys(exercise.functions, "unwritten")


@each_exercise
def test_the_solution_passes(exercise):
    assert {function: verdict["lines"] for function, verdict in verdicts(exercise, exercise.solution).items() if verdict["status"] != "passed"} == {}


@each_exercise
def test_a_second_solution_written_in_another_way_passes_too(exercise):
    path = exercise.folder / "other.py"
    assert {function: verdict["lines"] for function, verdict in verdicts(exercise, path).items() if verdict["status"] != "passed"} == {}
    assert len(set(path.read_text(encoding="utf-8").splitlines()) - set(exercise.solution.read_text(encoding="utf-8").splitlines())) > 3


@of_each_module
def test_a_check_of_the_solution_in_its_own_process_says_so_and_needs_no_torch_before_m06(exercise, tmp_path):
    *results, end = runner.check(exercise, exercise.solution, tmp_path)
    assert [(event["function"], event["status"]) for event in results] == [(function, "passed") for function in exercise.functions]
    assert end["torch"] is False or exercise.module not in LIGHT
    assert end["notes"] == []


def false_alarms(exercise, seeds):
    """What the check would have said of the solution with other random numbers in every probe that draws any."""
    module, found = answers.load(exercise.solution, "learner"), []
    for probe in judge(exercise.name).probes:
        for seed in seeds:
            outcome = alarms.tried(probe, module, seed)
            if outcome is None:
                break  # it draws nothing: one run is all there is
            if wrong := alarms.alarm(probe, outcome):
                found.append(f"{probe.name}, seeds {1000 * seed}…: {wrong}")
    return found


@of_each_module
def test_other_random_numbers_raise_no_false_alarm(exercise):
    assert false_alarms(exercise, [1]) == []  # of 200 seeds results/course tells, and test_alarms.py whether that is of these checks


@pytest.mark.slow
@pytest.mark.timeout(3600)
@each_exercise
def test_200_seeds_of_the_solution_raise_no_false_alarm(exercise):
    assert false_alarms(exercise, range(1, 201)) == []


# ------------------------------------------------------------------------------------------------------- wrong answers


@each_exercise
def test_there_are_at_least_three_wrong_answers_and_five_in_the_first_seven(exercise):
    assert len(exercise.wrong) >= (5 if exercise.name in COURSE.numbered else 3)


@pytest.mark.parametrize(("exercise", "path"), some(PAIRS, at=lambda pair: pair[1] == pair[0].wrong[0]), ids=IDS)
def test_a_wrong_answer_fails_and_is_named_and_for_no_other(exercise, path):
    """Every function of it that fails is named as this wrong answer, none as another one; and at least one fails."""
    if path in [wrong for *_, wrong in ENDLESS]:
        pytest.skip("it never ends: it has a test of its own")
    failed = {function: verdict for function, verdict in verdicts(exercise, path).items() if verdict["status"] != "passed"}
    assert failed, "the check does not see it"
    assert {function: verdict.get("misconception") for function, verdict in failed.items()} == dict.fromkeys(failed, path.stem)


@pytest.mark.parametrize(("exercise", "probe", "path"), ENDLESS, ids=[f"{exercise.name}-{probe}-{path.stem}" for exercise, probe, path in ENDLESS])
def test_a_wrong_answer_that_never_ends_is_ended_and_named(exercise, probe, path, tmp_path):
    found = [event for event in runner.check(exercise, path, tmp_path, seconds=1.5, only=probe) if event["event"] == "result" and event["status"] == "failed"]
    assert [event.get("misconception") for event in found] == [path.stem], found
    assert "was still running after 1.5 s, at line " in found[0]["lines"][0]


@each_wrong
def test_the_first_line_of_a_wrong_answer_goes_on_behind_that_is_what_comes_out_when(exercise, path):
    first = answers.Wrong(path).told[0]
    assert len(first) > 20 and first.endswith(".") and (not first[0].isupper() or first[:2].isupper()), first


# ---------------------------------------------------------------------------------------------------------- its texts


@each_exercise
def test_the_facts_of_an_exercise_are_whole(exercise):
    facts = exercise.facts
    assert set(facts) <= {"title", "task", "minutes", "difficulty", "functions", "extras", "time_limit", "slow_time_limit", "memory_limit", "endless", "slow",
                          "standard_errors"}  # fmt: skip
    assert facts["difficulty"] in (1, 2, 3, 4) and facts["minutes"] > 0
    assert 3 <= len(facts["task"].splitlines()) <= 7 and max(map(len, facts["task"].splitlines())) <= 80
    assert len(exercise.hints) == 4 and all(exercise.hints)
    probes = {probe.name: probe for probe in Judge(exercise, slow=True).probes}
    assert {probe.function for probe in probes.values()} == set(exercise.functions)
    assert set(exercise.endless) <= set(probes) and set(exercise.endless.values()) <= {path.stem for path in exercise.wrong}
    assert bool(facts.get("slow")) == any(probe.slow for probe in probes.values())


@each_exercise
def test_a_tolerance_of_what_is_sampled_is_at_least_four_standard_errors(exercise):
    """exercise.yaml states the standard error of each probe that is a mean of samples: between=(low, high) has no other meaning."""
    stated = exercise.facts.get("standard_errors", {})
    for probe in Judge(exercise, slow=True).probes:
        if probe.name in stated:
            width = 2 * probe.tolerance if probe.between is None else probe.between[1] - probe.between[0]
            assert width / 2 >= 4 * stated[probe.name] * (1 - 1e-9), f"{probe.name}: ±{width / 2} is less than four standard errors of {stated[probe.name]}"


@each_exercise
def test_the_learner_finds_the_exercise_s_functions_in_the_stub_each_with_words(exercise):
    tree = ast.parse(exercise.stub.read_text(encoding="utf-8"))
    for function in exercise.functions:
        line = answers.line_of(exercise.stub, function)
        assert line is not None, f"{function} is not in the stub"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any("your turn" in ast.unparse(inner) for inner in node.body):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


@each_exercise
def test_nothing_in_a_learner_s_file_gives_the_course_away(exercise):
    """A stub imports no more than numpy, gymnasium, torch, the standard library and from_scratch: it can be read and run by itself."""
    source = exercise.stub.read_text(encoding="utf-8")
    assert not re.search(r"^\s*(from|import) (sb3_course|benchmarks|tests)\b", source, re.MULTILINE)
