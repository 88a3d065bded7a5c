"""Paper cards: each is of a paper that the registry names, and says no more than the bibliography, the source and the published claims do."""

import importlib.util
import re
from pathlib import Path

import pytest

from benchmarks.report import citations
from from_scratch import registry
from sb3_course.teaching import homes, pages
from sb3_course.teaching.cards import Card, cards
from sb3_course.teaching.course import Course
from tests.sb3_course.course.test_lessons import decimals

CARDS = cards()
COURSE = Course()
each = pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)


def files(card):
    """The source of what a card is about: its algorithms' files, or the function that it names."""
    modules = [card.facts["of"].partition(":")[0]] if "of" in card.facts else [registry.find(id).target.partition(":")[0] for id in card.algorithms]
    return [Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8") for module in modules]


@each
def test_its_paper_is_the_one_that_the_registry_names_for_its_algorithms(card):
    if "of" not in card.facts:
        assert all(card.facts["cite"] in citations.papers_of(id) for id in card.algorithms)


@each
def test_its_number_is_that_of_the_bibliography_and_of_the_algorithm_s_file(card):
    if "arxiv" in card.facts:
        assert card.facts["arxiv"] == card.paper["eprint"]
        assert all(f"arXiv:{card.facts['arxiv']}" in source for source in files(card))
    else:
        where = [name for name in ("doi", "url") if name in card.paper][:1]
        assert [card.facts.get(name) for name in ("doi", "url")] == [card.paper.get(name) if name in where else None for name in ("doi", "url")]
        name, year = re.match(r"(\S+).* (\d{4})", card.facts["cite"]).groups()
        assert all(re.search(rf"{name}.*{year}", source) for source in files(card))


@each
def test_its_equations_are_lines_of_our_source(card):
    assert card.lines()


@each
def test_a_card_is_whole(card):
    facts = card.facts
    assert facts["question"].endswith("?") and facts["leaves_out"].strip()
    assert len(re.findall(r"[.?!](?: |$)", facts["idea"])) == 2, "the idea takes two sentences"
    assert len(facts["questions"]) == 3 and all(item["ask"].endswith("?") and item["answer"].strip() for item in facts["questions"])
    assert facts["claims"] or facts["why_not"].strip()


@each
def test_what_was_tested_is_in_the_results_and_no_other_number_is_stated(card):
    assert all(homes.Home("claim", name).is_there(COURSE) for name in card.facts["claims"])
    texts = [card.facts["idea"], card.facts["leaves_out"], *(item["answer"] for item in card.facts["questions"])]
    assert [word for text in texts for word in decimals(text)] == []


def test_every_paper_that_the_registry_names_has_a_card():
    papers = {paper for entry in registry.ENTRIES.values() for paper in citations.papers_of(entry.id)}
    assert sorted(papers - {card.facts["cite"] for card in CARDS.values()} - {citations.BOOK}) == []


def test_a_line_that_is_gone_is_an_error():
    card = Card("mine", {**CARDS["ppo"].facts, "equation": [{"show": "from_scratch.policy_gradient.ppo:PPO.loss", "line": "eq. (77)"}]})
    with pytest.raises(LookupError, match=r"card mine: .*PPO.loss has no line with 'eq. \(77\)' any more"):
        card.lines()


def test_the_page_of_a_card_has_the_line_the_verdict_and_folded_answers():
    page = pages.Pages(COURSE).card(CARDS["ppo"])
    assert "torch.min(ratio * advantage" in page and "Here: **reproduced** ([claim ppo-clip]" in page and page.count("<summary>Answer") == 3
