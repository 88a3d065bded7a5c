"""A small course for the tests of the engine: one module, one exercise of two functions, with wrong answers."""

from textwrap import dedent

import pytest

from sb3_course.teaching.course import Course

FILES = {
    "course.yaml": """
        modules:
          m00: {title: Arithmetic, minutes: 60, needs: [], exercises: [sums, later]}
          m01: {title: Algebra, minutes: 60, needs: [m00], exercises: [roots]}
        paths:
          first-seven: {title: All of them, exercises: [roots, sums]}
        """,
    "m00_arithmetic/module.yaml": """
        goals: [Add.]
        minutes: 30
        exercises: [sums]
        milestone: {text: add, needs: [exercise sums, exercise later]}
        reading: []
        """,
    "m00_arithmetic/exercises/sums/exercise.yaml": """
        title: Sums
        task: "Add.\\n"
        minutes: 5
        difficulty: 1
        functions: [total, noisy]
        time_limit: 20
        memory_limit: 300
        endless: {thousand: backwards}
        """,
    "m00_arithmetic/exercises/sums/stub.py": '''
        """Sums."""


        def total(n):
            """0 + 1 + … + n."""
            raise NotImplementedError("your turn: add")


        def noisy(values, rng):
            """The values, each with a normal number added."""
            raise NotImplementedError("your turn: draw")
        ''',
    "m00_arithmetic/exercises/sums/solution.py": """
        def total(n):
            return sum(range(n + 1))


        def noisy(values, rng):
            return values + rng.normal(size=len(values))
        """,
    "m00_arithmetic/exercises/sums/check.py": '''
        """Sums."""

        import numpy as np

        from sb3_course.teaching.checks import array, given, measured, probe, rng


        @probe("total", "0 + 1 + 2 + 3", expected=6.0)
        def three(answer):
            return answer.total(3)


        @probe("total", "0 + … + 1000", expected=500500.0)
        def thousand(answer):
            return answer.total(1000)


        @probe("noisy", "three values with noise", expected=[2.2257, 0.8679, 2.6404], tolerance=1e-3)
        def noise(answer):
            return array(answer.noisy(given("np.array([2.1, 1.0, 2.0])"), rng(0)), (3,), "the result")
        ''',
    "m00_arithmetic/exercises/sums/hints.md": "# Hints\n\n## A question\nOne?\n\n## The idea\nTwo.\n\n## The equation\nThree.\n\n## The line in words\nFour.\n",
    "m00_arithmetic/exercises/sums/wrong/short.py": '''
        """the last number is left out (E1)

        It shows everywhere.
        """


        def total(n):
            return sum(range(n))


        def noisy(values, rng):
            return values + rng.normal(size=len(values))
        ''',
    "m00_arithmetic/exercises/sums/wrong/one_for_all.py": '''
        """one draw is added to all values"""


        def total(n):
            return sum(range(n + 1))


        def noisy(values, rng):
            return values + rng.normal()
        ''',
    "m00_arithmetic/exercises/sums/wrong/backwards.py": '''
        """the numbers are counted the wrong way"""


        def total(n):
            while n > 3:
                n += 1
            return sum(range(n + 1))


        def noisy(values, rng):
            return values + rng.normal(size=len(values))
        ''',
}


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "course"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return Course(folder)
