"""A page for every class, made from the class itself: nothing of it can be forgotten."""

import re

import pytest

from from_scratch.registry import ENTRIES
from sb3_course import reference

OURS = [entry for entry in ENTRIES.values() if entry.is_ours]
CLAIMS = reference.claims_by_algorithm()


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.id)
def test_a_page_has_every_argument_of_the_class_with_its_meaning(entry):
    page = reference.page(entry, CLAIMS.get(entry.id, []))
    rows = dict(re.findall(r"^\| `(\w+)` \| `[^`]*` \| (.*) \|$", page, re.MULTILINE))
    assert set(entry.load().hyperparameters) <= set(rows)
    assert [name for name, words in rows.items() if not words or re.search(r"(?<!\\)\|", words)] == []  # a bar would end the cell
    assert f"# {entry.title}\n" in page and entry.paper in page


def test_a_page_lists_the_claims_that_it_is_an_arm_of_with_their_verdicts():
    assert ("c51-small", "On small tasks, learning distributions alone gains nothing", "contradicted") in CLAIMS["c51"]
    assert "| `sb3-course claim c51-small --show` |" in reference.page(ENTRIES["c51"], CLAIMS["c51"])


def test_the_index_leads_to_every_class_and_what_is_no_class_any_more_goes(tmp_path):
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "gone.md").write_text("# Gone", encoding="utf-8")
    reference.write(tmp_path)
    names = {path.stem for path in (tmp_path / "reference").iterdir()}
    assert names == {"index", *(entry.id for entry in OURS)}
    index = (tmp_path / "reference" / "index.md").read_text(encoding="utf-8")
    assert {name for name in names - {"index"} if f"({name}.md)" not in index} == set()
