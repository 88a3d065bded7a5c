"""What the README shows is true: its table is today's registry, its code runs, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from from_scratch.registry import ENTRIES, FAMILIES
from sb3_course import readme

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_families_is_up_to_date():
    assert readme.renewed(TEXT) == TEXT, "the registry has changed: python -m sb3_course.readme"


def test_the_page_of_algorithms_is_up_to_date():
    assert (ROOT / readme.PAGE).read_text(encoding="utf-8") == readme.page(), "the registry has changed: python -m sb3_course.readme"


def test_the_page_of_algorithms_has_a_line_for_each_under_its_family():
    sections = re.split(r"^## ", readme.page(), flags=re.MULTILINE)[1:]
    lines = {section.splitlines()[0]: re.findall(r"^\| `(.+?)`", section, re.MULTILINE) for section in sections}

    assert lines == {family.title: [entry.id for entry in family.entries] for family in FAMILIES.values()}
    assert sum(map(len, lines.values())) == len(ENTRIES)


def test_the_readme_has_a_row_for_each_family_with_its_count_and_a_link_to_its_section():
    rows = re.findall(r"^\| \[(.+?)\]\((.+?)#(.+?)\) \| .+? \| (\d+) \|", readme.summary(), re.MULTILINE)

    assert [(title, int(n)) for title, _, _, n in rows] == [(family.title, len(family.entries)) for family in FAMILIES.values()]
    assert all((ROOT / page).is_file() for _, page, _, _ in rows)
    assert [place for _, _, place, _ in rows][:4] == ["baseline", "bandits", "dynamic-programming", "monte-carlo"]


def test_renewing_replaces_what_stands_between_the_marks_and_nothing_else():
    old = f"above\n{readme.BEGIN}\nan old table\n{readme.END}\nbelow"

    assert readme.renewed(old) == f"above\n{readme.BEGIN}\n{readme.summary()}\n{readme.END}\nbelow"


@pytest.mark.parametrize("text", ["", readme.BEGIN, readme.END, f"{readme.END}\n{readme.BEGIN}"])
def test_a_readme_without_the_marks_is_refused(text):
    with pytest.raises(ValueError, match="must hold the line"):
        readme.renewed(text)


def test_the_code_in_the_readme_runs(tmp_path, monkeypatch):
    """Each Python block as it stands there, but with 100 steps instead of tens of thousands."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    shortened = [re.sub(r"\b\d+_000\b", "100", block) for block in blocks]

    assert blocks
    for block, short in zip(blocks, shortened, strict=True):
        assert "learn" not in block or short != block
        exec(compile(short, "README.md", "exec"), {})


@pytest.mark.parametrize("page", [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")], ids=lambda page: page.name)
def test_every_link_inside_the_project_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))

    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
