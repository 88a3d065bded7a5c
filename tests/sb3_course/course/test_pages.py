"""The course as pages of the documentation: what each holds, and that every link between them and every entry of the navigation leads somewhere."""

import json
import re
from os.path import normpath
from pathlib import Path, PurePosixPath

import pytest

from from_scratch import registry
from sb3_course.teaching import lesson, pages
from sb3_course.teaching.course import Course

COURSE = Course()
PAGES = pages.Pages(COURSE).all()
ROOT = Path(pages.__file__).parents[2]
DOCS = ROOT / "docs"


def text_of(name):
    """What a page says, of a notebook only its text cells."""
    if name.endswith(".ipynb"):
        return "\n\n".join("".join(cell["source"]) for cell in json.loads(PAGES[name])["cells"] if cell["cell_type"] == "markdown")
    return PAGES[name]


def links(name):
    """The targets of a page's links, from docs/course on."""
    text = re.sub(r"```(?!\{toctree).*?```", "", text_of(name), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    return [normpath(str(PurePosixPath(name).parent / target)) for target in found if ":" not in target]


def below(name):
    """What stands below a page in the navigation."""
    entries = [line for tree in re.findall(r"```\{toctree\}\n:hidden:\n\n(.*?)```", text_of(name), re.DOTALL) for line in tree.splitlines()]
    return [entry.partition("<")[2].rstrip(">") or entry for entry in entries]


@pytest.mark.parametrize("name", [name for name in PAGES if links(name)])
def test_every_link_of_a_page_leads_to_another(name):
    elsewhere = {f"../published/{name}.md" for name in ("claims", "textbook", "reports")} | {f"../reference/{id}.md" for id in registry.ENTRIES}
    assert [target for target in links(name) if target not in {*PAGES, *elsewhere} and not (DOCS / "course" / target).resolve().is_file()] == []


def test_every_page_stands_in_the_navigation_exactly_once():
    index = re.findall(r"^course/(\w+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    entries = [f"{name}.md" if f"{name}.md" in PAGES else f"{name}.ipynb" for name in index]
    for name in PAGES:
        entries += below(name)
    assert sorted(entries) == sorted(PAGES)


@pytest.mark.parametrize("exercise", COURSE.exercises.values(), ids=COURSE.exercises)
def test_the_page_of_an_exercise_has_task_stub_and_folded_hints_and_not_the_solution(exercise):
    page = PAGES[f"exercises/{exercise.name}.md"]
    assert exercise.facts["task"].strip() in page and f"{exercise.facts['minutes']} minutes" in page
    assert re.findall(r"<summary>Hint (\d)", page) == ["1", "2", "3", "4"] and page.count("<details>") == page.count("</details>") == 4
    given = exercise.stub.read_text(encoding="utf-8")
    own = [line for line in exercise.solution.read_text(encoding="utf-8").splitlines() if len(line.strip()) > 30 and line not in given]
    assert given.strip() in page and not all(line in page for line in own)


@pytest.mark.parametrize("module", [module for module in COURSE.modules.values() if module.quiz], ids=lambda module: module.id)
def test_the_page_of_a_quiz_folds_an_answer_with_its_reasons_below_each_question(module):
    parts = PAGES[f"quizzes/{module.id}.md"].split("## Question ")[1:]
    assert len(parts) == len(module.quiz)
    for part, question in zip(parts, module.quiz):
        open_, _, folded = part.partition("<details>")
        assert all(option["text"] in open_ for option in question["options"])
        assert all(option["why"] in folded and option["why"] not in open_ for option in question["options"])


def test_a_lesson_s_page_is_its_notebook_and_what_else_the_module_has():
    cells = json.loads(PAGES["m03.ipynb"])["cells"]
    assert cells[:-1] == json.loads(pages.notebook(COURSE.modules["m03"].lesson))["cells"]
    assert "[Three planners](exercises/planners.md) (`planners`) | 60 | moderate" in "".join(cells[-1]["source"])


def test_a_calendar_s_page_links_its_tasks_and_says_which_are_coming():
    page = PAGES["twelve_weeks.md"]
    assert "- [exercise planners (the rest)](exercises/planners.md), 45 min" in page and "[2.2](../published/textbook.md#figure-2-2)" in page
    assert "- exercise write_the_test (coming), 100 min" in page or "write_the_test" in COURSE.exercises


@pytest.mark.parametrize(("kind", "target"), [("claims", "(claim-deadly-triad)="), ("textbook", "(figure-6-5)=")])
def test_results_have_names_that_links_lead_to(kind, target):
    page = pages.published(kind, DOCS / "published")
    assert target in page and "<a id" not in page
    assert all((DOCS / "published" / path).resolve().is_file() for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page))


def test_what_is_no_page_any_more_goes_and_what_has_not_changed_is_left_alone(tmp_path):
    pages.write(tmp_path, COURSE)
    kept, gone = tmp_path / "course" / "modules.md", tmp_path / "course" / "exercises" / "nobody.md"
    gone.write_text("# An exercise that was\n")
    before = kept.stat().st_mtime_ns
    pages.write(tmp_path, COURSE)
    assert not gone.exists() and kept.stat().st_mtime_ns == before


def test_a_figure_in_a_notebook_has_words_for_its_picture_and_a_table_of_its_numbers(monkeypatch):
    shown = []
    monkeypatch.setattr(lesson, "_displayed", lambda content, kind: shown.append((content, kind)) or True)
    numbers = lesson.figure("4.1", alt='Grids of "values"')
    ((content, kind),) = shown
    assert kind == "text/html" and '<img alt="Grids of &quot;values&quot;" src="data:image/png;base64,' in content
    assert content.count("<tr>") == len(numbers) + 1
