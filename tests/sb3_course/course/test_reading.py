"""Reading maps: every module that they name is one of the course, and they say what the modules' own lists of reading say."""

import re

import pytest

from benchmarks.claims import claim as claims
from from_scratch import registry
from sb3_course.teaching import further, homes, pages, percent, reading
from sb3_course.teaching.course import Course
from tests.sb3_course.course.test_lessons import decimals

COURSE = Course()
PAGES = pages.Pages(COURSE)
MAPS = reading.maps()
SURVEY, REFERENCES, PROBLEMS, TARGETS = (reading.other(name) for name in reading.OTHERS)
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
    assert "1. the book: [reading book](reading/book.md)" in page and "card ppo](cards/ppo.md)" in page
    assert "6. the survey: [reading survey](reading/survey.md)" in page


# ------------------------------------------------------------------------------------------------- the tree of algorithms


def test_every_algorithm_of_ours_is_a_leaf_of_the_tree_once():
    leaves = [id for branch in SURVEY["branches"] for _, ids in further.twigs(branch) for id in ids]
    assert sorted(leaves) == sorted(id for id, entry in registry.ENTRIES.items() if entry.is_ours)


def test_an_algorithm_that_no_twig_names_is_a_leaf_all_the_same():
    branch = {"family": "derivative_free", "twigs": [{"text": "ranks", "algorithms": ["openai_es"]}]}
    assert further.twigs(branch) == [("ranks", ["openai_es"]), ("others", ["ars", "cem"])]


def test_a_branch_is_taken_up_by_modules_of_the_course():
    assert {id for branch in SURVEY["branches"] for id in branch["modules"]} <= set(COURSE.modules)


# ------------------------------------------------------------------------------------- references, problems, reproductions


@pytest.mark.parametrize("one", REFERENCES["references"], ids=lambda one: one["name"][:20])
def test_a_source_is_named_by_a_line_of_the_syllabi_and_has_an_address_and_a_home(one):
    assert one["line"] in homes.lines() and one["address"].startswith("http") and one["now"].endswith(".")
    assert one["homes"] and all(homes.Home.of(home).is_there(COURSE) for home in one["homes"])


def test_there_are_twelve_open_problems_and_as_many_papers_to_reproduce():
    assert len(PROBLEMS["problems"]) == len(TARGETS["targets"]) == len({one["claim"] for one in TARGETS["targets"]}) == 12


@pytest.mark.parametrize("one", PROBLEMS["problems"], ids=lambda one: one["title"])
def test_an_open_problem_has_its_reason_its_papers_and_where_it_is_seen_and_states_no_number(one):
    assert one["why"].strip() and all(paper["address"].startswith("https://") for paper in one["papers"])
    assert all(homes.Home.of(home).is_there(COURSE) for home in one["seen"])
    assert ("shows" in one) == bool(one["seen"]) != ("missing" in one)
    assert decimals(one["why"] + one.get("shows", "")) == []


@pytest.mark.parametrize("one", TARGETS["targets"], ids=lambda one: one["claim"])
def test_a_paper_to_reproduce_is_a_claim_that_was_run_here_and_is_not_settled(one):
    assert "(reproduced)" not in further._with_verdict(PAGES, "reading/reproductions.md", homes.Home("claim", one["claim"]))
    assert claims.find(one["claim"]).paper["url"].startswith("http") and one["next"].endswith((".", "?")) and one["times"] > 1


def test_what_a_reproduction_may_cost_is_what_was_measured_times_its_budget(monkeypatch):
    monkeypatch.setattr(further, "minutes_of", lambda claim: 12.0)
    first = TARGETS["targets"][0]["times"]
    assert f"It took 12 minutes of a processor; {first} times that are about {12 * first / 60:.1f} hours." in further.reproductions(PAGES)


def test_a_claim_s_verdict_stands_behind_it_on_the_page_of_open_problems():
    assert re.search(r"\[claim seeds-lie\]\(\S+\) \(reproduced\)", further.open_problems(PAGES))


def test_a_track_that_is_there_is_a_heading_of_its_lesson():
    titles = [part.title for part in percent.sections(COURSE.modules["m10"].lesson)]
    text = COURSE.modules["m10"].lesson.read_text(encoding="utf-8")
    assert COURSE.tracks and all(f"\n# # {title}\n" in text or title in titles for title in COURSE.tracks.values())
    assert homes.Home.of("track offline").is_there(COURSE) and not homes.Home.of("track meta").is_there(COURSE)
