"""The ledger of the syllabi's own claims: each number in it was measured, and is in results/ or in an exhibit's `expect`."""

import ast
import csv
import json

import pytest

from sb3_course.teaching import homes, pages, percent
from sb3_course.teaching.course import Course
from tests.sb3_course.course.test_lessons import ROOT, decimals

COURSE = Course()
LEDGER = homes.ledger()
LINES = homes.lines()
each = pytest.mark.parametrize("entry", LEDGER.values(), ids=LEDGER)
COMING = 3  # verdicts that are not there yet: this number is only ever lowered


def stated(error):
    """What the expects of an exhibit say: the words, the numbers."""
    section = next(part for part in percent.sections(homes.EXHIBITS) if part.title.startswith(f"{error}. "))
    calls = [node for cell in section.cells if not cell.is_text for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    return {call.args[0].value: call.args[2].value for call in calls if getattr(call.func, "id", "") == "expect"}


def measured(claim):
    record = json.loads((ROOT / "results" / "claims" / claim / "verdict.json").read_text(encoding="utf-8"))
    return {number["says"]: number["point"] for number in record["numbers"]}


def scored(study, scores, take):
    with (ROOT / "results" / study / "report" / "scores.csv").open(encoding="utf-8") as file:
        found = [float(row["score"]) for row in csv.DictReader(file) if f"{row['algo']} on {row['env']}" == scores]
    return sum(found) / len(found) if take == "mean" else sum(score >= float(take.removeprefix("at least ")) for score in found)


@each
def test_a_sentence_is_a_line_of_the_syllabi_and_what_is_quoted_stands_there(entry):
    assert ("quoted" in entry) != ("summary" in entry) and entry["line"] in LINES
    if "quoted" in entry:
        assert entry["quoted"] in LINES[entry["line"]][1]


@each
def test_a_verdict_is_one_of_five_and_whoever_judges_has_evidence(entry):
    assert entry["verdict"] in homes.VERDICTS and entry["because"].strip()
    assert bool(entry["evidence"]) == (entry["verdict"] != "not tested")


@each
def test_every_number_is_the_one_that_was_measured(entry):
    for facts in entry["evidence"]:
        if "exhibit" in facts:
            assert stated(facts["exhibit"])[facts["number"]] == facts["is"]
        elif "is" in facts:
            number = measured(facts["claim"])[facts["number"]] if "claim" in facts else scored(facts["study"], facts["scores"], facts["take"])
            assert abs(number - float(facts["is"])) <= 0.5 * 10.0 ** -len(facts["is"].partition(".")[2])
        else:
            ((kind, name),) = facts.items()
            assert homes.Home(kind, name).is_there(COURSE) in (True, False)


@each
def test_the_reason_has_no_decimal_that_is_not_among_the_evidence(entry):
    assert set(decimals(entry["because"])) <= {facts.get("is") for facts in entry["evidence"]}


@each
def test_what_is_coming_names_what_will_decide_it(entry):
    if entry["verdict"] == "coming":
        assert any("study" in facts or "track" in facts for facts in entry["evidence"])


def test_fewer_and_fewer_verdicts_are_coming():
    assert sum(entry["verdict"] == "coming" for entry in LEDGER.values()) <= COMING


def test_the_page_counts_the_verdicts_and_has_a_section_for_each_sentence():
    page = pages.Pages(COURSE).ledger()
    assert page.count("\n## ") == page.count("(ledger-") == len(LEDGER) and "not tested 1" in page
