"""Where an exercise accepts more than one way, the check says which one was taken."""

import pytest

from sb3_course.teaching import answers
from sb3_course.teaching.course import Course
from sb3_course.teaching.judging import Judge


@pytest.mark.slow
def test_every_visit_monte_carlo_passes_and_is_told(tmp_path):
    exercise = Course().exercises["mc_and_td"]
    every = exercise.solution.read_text(encoding="utf-8").replace("if first[s] == t:", "if True:")
    path = tmp_path / "every_visit.py"
    path.write_text(every, encoding="utf-8")
    verdict = Judge(exercise).verdict("mc", answers.load(path, "learner"), path)
    assert verdict["status"] == "passed" and "counts every visit" in verdict["lines"][-1]
    first = Judge(exercise).verdict("mc", answers.load(exercise.solution, "learner"), exercise.solution)
    assert first["status"] == "passed" and "every visit" not in " ".join(first["lines"])
