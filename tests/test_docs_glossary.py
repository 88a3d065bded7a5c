"""Every term of docs/glossary.md stands where the page says, in that file's own words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
LIBRARY, HARNESS = re.split(r"^## The harness$", PAGE, flags=re.M)
ROW = re.compile(r"^\| \*\*(.+?)\*\* \| .+ \| `(.+?)` \|$", re.M)
TERMS = [(term, f"{room}/{file}") for room, text in (("from_scratch", LIBRARY), ("benchmarks", HARNESS)) for term, file in ROW.findall(text)]


@pytest.mark.parametrize("term, file", TERMS, ids=[f"{term}: {file}" for term, file in TERMS])
def test_a_term_is_used_in_the_file_that_is_named(term, file):
    text = (ROOT / file).read_text(encoding="utf-8").lower()
    assert all(re.search(rf"\b{re.escape(word.lower())}(s|ed)?\b", text) for word in term.split(", "))


def test_every_row_of_the_tables_is_a_term_in_alphabetical_order():
    assert len(TERMS) == len(re.findall(r"^\| \*\*", PAGE, re.M)) > 40
    for text in (LIBRARY, HARNESS):
        terms = [term.lower() for term, _ in ROW.findall(text)]
        assert terms == sorted(terms) and len(set(terms)) == len(terms)
