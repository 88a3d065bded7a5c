"""Every line of the two syllabi has a home in the course, and what is coming can only become less."""

import pytest

from sb3_course.teaching import homes
from sb3_course.teaching.course import Course

COURSE = Course()
LINES = homes.lines()
TABLE = COURSE.facts["syllabus"]
COMING = 42  # homes that do not exist yet: this number is only ever lowered


def test_the_table_and_the_page_have_the_same_lines():
    assert list(TABLE) == list(LINES)


def test_every_bullet_of_the_page_is_such_a_line():
    bullets = [line for line in homes.SYLLABUS.read_text(encoding="utf-8").splitlines() if line.startswith("-")]
    assert len(bullets) == len(LINES)


@pytest.mark.parametrize("line", TABLE)
def test_a_line_has_a_home_and_each_is_there_or_planned(line):
    assert TABLE[line]
    for text in TABLE[line]:
        assert homes.Home.of(text).is_there(COURSE) in (True, False)


def test_what_is_quoted_is_marked_and_what_is_a_summary_has_no_quotation():
    for name, (mark, words) in LINES.items():
        assert (mark == "quoted") == ('"' in words.replace('`render_mode="human"`', "")), name


def test_fewer_and_fewer_homes_are_coming():
    coming = [f"{line}: {text}" for line, found in TABLE.items() for text in found if not homes.Home.of(text).is_there(COURSE)]
    assert len(coming) <= COMING, coming


@pytest.mark.parametrize("text", ["exercise planers", "algorithm ppoo", "study nothing", "hunt tab-9", "claim gae", "card nobody", "page nowhere"])
def test_a_home_that_is_neither_there_nor_planned_is_a_mistake(text):
    with pytest.raises(ValueError, match=f"'{text}' is neither there nor planned"):
        homes.Home.of(text).is_there(COURSE)


def test_a_section_that_a_lesson_does_not_have_is_a_mistake():
    assert homes.Home.of("lesson m04 Control").is_there(COURSE)
    with pytest.raises(ValueError, match="lesson m04 has no section 'Cntrol'"):
        homes.Home.of("lesson m04 Cntrol").is_there(COURSE)
