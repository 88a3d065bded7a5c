"""Reading maps: every module that they name is one of the course, and they say what the modules' own lists of reading say."""

import re

import pytest

from sb3_course.teaching import homes, pages, reading
from sb3_course.teaching.course import Course

COURSE = Course()
MAPS = reading.maps()
AUTHOR = {"book": "Sutton & Barto 2018, ", "silver": "Silver, ", "spinning_up": "Spinning Up, "}


def wholes(text):
    """The chapters or lectures that words name: "chapter 5, and sections 6.1 to 6.3" -> {5, 6}, "9 to 11" -> {9, 10, 11}."""
    text = re.sub(r"(\d+)\.\d+", r"\1", re.sub(r"\(.*\)", "", text))
    ranges = [(int(low), int(high or low)) for low, high in re.findall(r"(\d+)(?:(?:–| to )(\d+))?", text)]
    return {whole for low, high in ranges for whole in range(low, high + 1)}


def own_lists(name):
    """(module, what it lists of this source)."""
    there = [module for module in COURSE.modules.values() if module.folder]
    return [(module.id, line.removeprefix(AUTHOR[name])) for module in there for line in module.facts["reading"] if line.startswith(AUTHOR[name])]


@pytest.mark.parametrize("name", MAPS)
def test_every_module_of_a_map_is_one_of_the_course(name):
    assert {id for one in MAPS[name]["parts"] for id in one["modules"]} <= set(COURSE.modules)


@pytest.mark.parametrize("name", ["book", "silver"])
def test_a_map_says_what_the_modules_list_as_their_reading(name):
    mapped = {(id, whole) for one in MAPS[name]["parts"] for id in one["modules"] for whole in wholes(one["part"])}
    assert mapped == {(id, whole) for id, words in own_lists(name) for whole in wholes(words)}


def test_the_modules_that_list_spinning_up_are_on_its_map():
    assert {id for id, _ in own_lists("spinning_up")} <= {id for one in MAPS["spinning_up"]["parts"] for id in one["modules"]}


def test_what_answers_an_exercise_of_spinning_up_belongs_to_the_module_beside_it():
    for one in MAPS["spinning_up"]["parts"]:
        kind, _, name = one.get("does", "").partition(" ")
        if kind in ("exercise", "hunt") and homes.Home(kind, name).is_there(COURSE):
            assert [COURSE.exercises[name].module] == one["modules"], name


def test_the_book_and_the_lectures_are_mapped_whole_and_each_part_once():
    assert set().union(*(wholes(one["part"]) for one in MAPS["book"]["parts"])) == set(range(1, 18))
    assert [one["part"] for one in MAPS["silver"]["parts"]] == [str(k) for k in range(1, 11)]


@pytest.mark.parametrize("order", reading.orders().values(), ids=reading.orders())
def test_the_stations_of_an_order_are_there_or_planned_and_its_line_is_one_of_the_syllabi(order):
    assert order["line"] in homes.lines()
    for station in order["stations"]:
        assert [homes.Home.of(home).is_there(COURSE) for home in station["homes"]]


def test_the_page_of_a_map_links_to_its_modules_and_to_what_answers_an_exercise():
    page = pages.Pages(COURSE).all()["reading/spinning_up.md"]
    assert "| Exercise 1.1 | log-probabilities of a Gaussian | [m08 Policy gradients to PPO](../m08" in page
    assert "[exercise gaussian_logprob](../exercises/gaussian_logprob.md) |" in page


def test_the_page_of_reading_has_the_syllabus_s_orders_with_links():
    page = pages.Pages(COURSE).reading()
    assert "1. the book: [reading book](reading/book.md)" in page and "6. the survey: reading survey (coming)" in page and "card ppo](cards/ppo.md)" in page
