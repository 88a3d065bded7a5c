"""The course as pages of the documentation: lessons and proofs as notebooks, exercises, quizzes and calendars from their data.

    from sb3_course.teaching import pages
    pages.write(docs)          # docs/conf.py calls it; what is in docs/course and no page of the course any more goes
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date
from os.path import relpath
from pathlib import Path
from typing import Any

from benchmarks.claims import claim as claims
from from_scratch import registry
from sb3_course.teaching import further, homes, reading
from sb3_course.teaching import plan as plans
from sb3_course.teaching.cards import Card
from sb3_course.teaching.cards import cards as all_cards
from sb3_course.teaching.course import Course, Exercise, Module
from sb3_course.teaching.notebooks import notebook

LEVELS = {1: "easy", 2: "moderate", 3: "hard", 4: "very hard"}


def write(docs: Path, course: Course | None = None) -> None:
    """All pages, into course/ and published/ of the documentation. A file that has not changed is left alone, so that Sphinx does not read it again."""
    write_pages(docs / "course", Pages(course or Course()).all())
    reports = {path.parents[1].name: path.read_text(encoding="utf-8") for path in sorted((plans.ROOT / "results").glob("*/report/report.html"))}
    results = {f"{kind}.md": published(kind, docs / "published") for kind in ("claims", "textbook")} | {"reports.md": _reports(list(reports))}
    write_pages(docs / "published", results | {f"site/reports/{name}.html": text for name, text in reports.items()})


def write_pages(folder: Path, pages: dict[str, str]) -> None:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and path.relative_to(folder).as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


class Pages:
    """The pages by their names, such as "m03.ipynb" or "exercises/planners.md", and the links between them."""

    def __init__(self, course: Course):
        self.course = course

    def all(self) -> dict[str, str]:
        pages = {"modules.md": self.modules(), "calendars.md": self.calendars()}
        for module in self.course.modules.values():
            if module.folder is None:
                continue
            pages[self.of_module(module.id)] = self.module(module)
            if module.quiz:
                pages[f"quizzes/{module.id}.md"] = self.quiz(module)
            for exercise in module.exercises:
                pages[f"exercises/{exercise.name}.md"] = self.exercise(exercise)
        pages |= {"syllabus.md": self.syllabus(), "exhibits.ipynb": self.exhibits(), "ledger.md": self.ledger()}
        pages["reading.md"] = self.reading()
        pages |= {f"reading/{name}.md": self.reading_map(name, facts) for name, facts in reading.maps().items()}
        pages |= {f"reading/{name}.md": page(self) for name, page in further.PAGES.items()}
        pages["cards.md"] = self.cards()
        pages |= {f"cards/{name}.md": self.card(card) for name, card in all_cards().items()}
        pages |= {f"capstones/{path.parent.name}.md": path.read_text(encoding="utf-8") for path in self.briefs()}
        pages["capstones.md"] = _page(
            "# Capstones", "`sb3-course capstone` starts one, and says what is reached.", _tree(f"capstones/{path.parent.name}.md" for path in self.briefs())
        )
        for name, path in self.course.proofs.items():
            pages[f"{name}.ipynb"] = notebook(path)
        for name in ("twelve_weeks", "six_months"):
            pages[f"{name}.md"] = self.calendar(name)
        return pages

    # ------------------------------------------------------------------------------------------------------------- links

    def of_module(self, id: str) -> str:
        return f"{id}.ipynb" if self.course.modules[id].lesson else f"{id}.md"

    def target(self, kind: str, name: str) -> str | None:
        """The page of "lesson m03", "exercise planners", "quiz m03", "proof P1", "hunt tab-1", "figure 6.5", "study deadly-triad"; None if it is coming."""
        match kind:
            case "lesson":
                return self.of_module(name) if self.course.modules[name].lesson else None
            case "module":
                return self.of_module(name) if self.course.modules[name].folder else None
            case "quiz":
                return f"quizzes/{name}.md" if self.course.modules[name].quiz else None
            case "exercise" | "hunt":
                return f"exercises/{name}.md" if name in self.course.exercises else None
            case "wrong":
                return f"exercises/{name.partition('/')[0]}.md"
            case "proof":
                return f"{name}.ipynb" if name in self.course.proofs else None
            case "figure":
                return f"../published/textbook.md#figure-{name.replace('.', '-')}"
            case "study":
                if (plans.ROOT / "results" / "claims" / name).is_dir():
                    return f"../published/claims.md#claim-{name}"
                return "../published/reports.md" if (plans.ROOT / "results" / name / "report" / "report.html").is_file() else None
            case "claim":
                return f"../published/claims.md#claim-{name}"
            case "algorithm":
                return f"../reference/{name}.md" if registry.ENTRIES[name].is_ours else "../algorithms.md"
            case "page":
                return f"../{name}.md"
            case "path":
                return "modules.md"
            case "calendar":
                return f"{name}.md"
            case "command" | "notebook":
                return "../course.md"
            case "exhibit":
                return f"exhibits.ipynb#{_slug(homes.exhibits()[name])}"
            case "ledger":
                return f"ledger.md#ledger-{name}"
            case "capstone":
                return f"capstones/{name}.md"
            case "card":
                return f"cards/{name}.md"
            case "reading":
                return f"reading/{name}.md"
            case "track":
                return f"{self.of_module('m10')}#{_slug(self.course.tracks[name])}"
        return None

    def link(self, page: str, kind: str, name: str, text: str = "") -> str:
        """A link from a page to what is named, or the words and "coming"."""
        text = text or f"{kind} {name}"
        target = self.target(kind, name)
        if target is None:
            return f"{text} (coming)"
        return f"[{text}]({relpath(target, Path(page).parent)})"

    def home(self, page: str, home: homes.Home) -> str:
        """A link to where something is taken up; only its name and "coming" where that does not exist yet."""
        words = str(home).replace("wrong ", "wrong answer ") if home.kind == "wrong" else str(home)
        if not home.is_there(self.course):
            return f"{words} (coming)"
        target = self.target(home.kind, home.name)
        if target is None:
            return f"{home.kind} `{home.name}`"
        if home.section:
            target += f"#{_slug(home.title(self.course) or '')}"
        return f"[{words}]({relpath(target, Path(page).parent)})"

    def syllabus(self) -> str:
        """The syllabi's lines, each with links to where it is taken up."""

        def with_homes(line: re.Match[str]) -> str:
            found = [self.home("syllabus.md", homes.Home.of(text)) for text in self.course.facts["syllabus"][line[1]]]
            return f"{line[0]}\\\n  → {', '.join(found)}"

        return homes.LINE.sub(with_homes, homes.SYLLABUS.read_text(encoding="utf-8"))

    def exhibits(self) -> str:
        """The errors on show, each with links to where it is taken up."""
        facts, error = json.loads(notebook(homes.EXHIBITS)), ""
        for cell in facts["cells"]:
            if cell["cell_type"] != "markdown":
                continue
            first, *parts = re.split(r"^(?=## E\d+\. )", "".join(cell["source"]), flags=re.MULTILINE)
            texts = [first]
            for part in parts:
                texts += [self._homes_of(error), part]
                error = part.partition(".")[0].removeprefix("## ")
            cell["source"] = "".join(texts).splitlines(keepends=True)
        facts["cells"].append({"cell_type": "markdown", "id": "last", "metadata": {}, "source": self._homes_of(error).splitlines(keepends=True)})
        return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"

    def _homes_of(self, error: str) -> str:
        if not error:
            return ""
        links = [self.home("exhibits.ipynb", homes.Home.of(text)) for text in self.course.facts["exhibits"][error]]
        return f"{error} in the course: {', '.join(links)}\n\n"

    def ledger(self) -> str:
        """What the syllabi claim, with the verdicts."""
        entries = homes.ledger()
        counts = [(verdict, sum(entry["verdict"] == verdict for entry in entries.values())) for verdict in homes.VERDICTS]
        parts = []
        for name, entry in entries.items():
            words = f"“{entry['quoted']}”" if "quoted" in entry else entry["summary"]
            where = f"{'Quoted from' if 'quoted' in entry else 'A summary of'} line `{entry['line']}` of [the syllabi](syllabus.md)."
            parts += [f"(ledger-{name})=\n## {words}", f"{where} Verdict: **{entry['verdict']}**.", entry["because"]]
            rows = ["| tested by | number | it is |", "|---|---|---|"]
            for facts in entry["evidence"]:
                kind = next(iter(facts))
                number = f"{facts['scores']}: {facts['take']}" if "scores" in facts else facts.get("number", "")
                rows.append(f"| {self.home('ledger.md', homes.Home(kind, facts[kind]))} | {number} | {facts.get('is', '')} |")
            parts += _block(rows) if entry["evidence"] else []
        about = "What the two syllabi promise or claim, and what came out when it was run. What stands in quotation marks is word for word theirs."
        return _page("# Ledger of claims", about, f"Verdicts: {', '.join(f'{verdict} {count}' for verdict, count in counts if count)}.", *parts)

    def briefs(self) -> list[Path]:
        return sorted(self.course.folder.glob("capstones/*/brief.md"))

    def reading(self) -> str:
        """The maps, and the syllabus's orders of reading and coding with where each station is here."""
        maps, parts = reading.maps(), []
        for order in reading.orders().values():
            stations = [f"{k}. {one['text']}: {', '.join(self.home('reading.md', homes.Home.of(home)) for home in one['homes'])}"
                        for k, one in enumerate(order["stations"], start=1)]  # fmt: skip
            parts += [f"## {order['title']}", f"As line `{order['line']}` of [the syllabi](syllabus.md) has it.", *_block(stations)]
        rows = [f"- [{facts['title']}](reading/{name}.md)" for name, facts in maps.items()]
        rows += [f"- [{reading.other(name)['title']}](reading/{name}.md)" for name in reading.OTHERS]
        about = "What to read beside the course, and which module takes it up. A paper has [a page of its own](cards.md)."
        return _page("# Reading", about, *_block(rows), *parts, _tree(f"reading/{name}.md" for name in reading.PAGES))

    def reading_map(self, name: str, facts: dict[str, Any]) -> str:
        page, with_answers = f"reading/{name}.md", any("does" in one for one in facts["parts"])
        rows = [f"| {facts['word']} | title | module |{' here |' * with_answers}", f"|---|---|---|{'---|' * with_answers}"]
        for one in facts["parts"]:
            modules = ", ".join(self.link(page, "module", id, f"{id} {self.course.modules[id].title}") for id in one["modules"]) or "none"
            here = f" {self.home(page, homes.Home.of(one['does'])) if 'does' in one else ''} |" * with_answers
            rows.append(f"| {one['part']} | {one['title']} | {modules} |{here}")
        return _page(f"# {facts['title']}", facts["about"], *_block(rows))

    def cards(self) -> str:
        found = all_cards()
        rows = [f"- [{card.paper['title']}](cards/{name}.md), {_authors(card)}" for name, card in found.items()]
        about = "A page for a paper: what it asks, its idea, the line of our code that is its equation, what became of its claim here, and three questions."
        return _page("# Papers", about, *_block(rows), _tree(f"cards/{name}.md" for name in found))

    def card(self, card: Card) -> str:
        facts, page = card.facts, f"cards/{card.name}.md"
        by = f"{_authors(card)}. <{card.address}>" if card.address else _authors(card)
        lines = "\n\n".join(f"```python\n# {where}\n{line}\n```" for where, line in card.lines())
        ours = ", ".join(self.home(page, homes.Home("algorithm", id)) for id in card.algorithms)
        tested = []
        for name in facts["claims"]:
            verdict = _json(plans.ROOT / "results" / "claims" / name / "verdict.json")["verdict"]
            tested.append(f"- {claims.find(name).statement} Here: **{verdict}** ({self.home(page, homes.Home('claim', name))}).")
        questions = [part for k, item in enumerate(facts["questions"], start=1) for part in (f"{k}. {item['ask']}", *_folded(f"Answer {k}", item["answer"]))]
        return _page(
            f"# {card.paper['title']}", f"{by}. Here: {ours}.", "## Question", facts["question"], "## Idea", facts["idea"],
            "## Its equation in our code", lines, "## What was tested", *_block(tested), *([facts["why_not"]] if "why_not" in facts else []),
            "## What it leaves out", facts["leaves_out"], "## Questions", *questions,
        )  # fmt: skip

    # ----------------------------------------------------------------------------------------------------------- modules

    def modules(self) -> str:
        rows = ["| module | hours | exercises | what else |", "|---|---|---|---|"]
        for module in self.course.modules.values():
            names = [exercise.name for exercise in module.exercises]
            coming = [name for name in module.plan.get("exercises", ()) if name not in names]
            more = "coming" if module.folder is None else ", ".join(filter(None, [
                self.link("modules.md", "quiz", module.id, "quiz") if module.quiz else "",
                f"{len(coming)} exercises are coming" if len(coming) > 1 else "one exercise is coming" if coming else "",
                "the lesson is coming" if module.lesson is None else ""]))  # fmt: skip
            title = self.link("modules.md", "module", module.id, f"{module.id} {module.title}") if module.folder else f"{module.id} {module.title}"
            links = ", ".join(self.link("modules.md", "exercise", name, name) for name in names)
            rows.append(f"| {title} | {module.minutes // 60} | {links} | {more} |")
        paths = []
        for path in self.course.paths.values():
            stations = [("exercise", name) for name in path.get("exercises", ())] or [("module", name) for name in path.get("modules", ())]
            paths.append(f"- **{path['title']}**: " + ", ".join(self.link("modules.md", kind, name, name) for kind, name in stations))
        there = [f"{module.id} {module.title} <{self.of_module(module.id)}>" for module in self.course.modules.values() if module.folder]
        return _page("# Modules", "Thirteen modules, in order. Nothing is locked: begin where you like.", *_block(rows), *_block(paths), _tree(there))

    def module(self, module: Module) -> str:
        """The lesson, and behind it what else the module has."""
        page = self.of_module(module.id)
        about = self._about(module, page)
        if module.lesson is None:
            goals = [f"- {goal}" for goal in module.facts["goals"]]
            return _page(f"# {module.id}. {module.title}", "The lesson of this module is coming.", "## Goals", *_block(goals), about)
        facts = json.loads(notebook(module.lesson))
        facts["cells"].append({"cell_type": "markdown", "id": "module", "metadata": {}, "source": about.splitlines(keepends=True)})
        return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"

    def _about(self, module: Module, page: str) -> str:
        rows = ["| exercise | minutes | difficulty |", "|---|---|---|"]
        for exercise in module.exercises:
            name = self.link(page, "exercise", exercise.name, exercise.title)
            rows.append(f"| {name} (`{exercise.name}`) | {exercise.facts['minutes']} | {LEVELS[exercise.facts['difficulty']]} |")
        proofs = [name for name, path in self.course.proofs.items() if path.parent.parent == module.folder]
        more = [f"- {self.link(page, 'proof', name, f'Proof {name}')}" for name in proofs]
        if module.quiz:
            more.append(f"- {self.link(page, 'quiz', module.id, 'The quiz')}: {len(module.quiz)} questions, each option with its reason")
        more.append(f"- To read: {'; '.join(module.facts['reading'])}")
        more.append(f"- Milestone: {module.facts['milestone']['text']}")
        below = [f"exercises/{exercise.name}.md" for exercise in module.exercises] + [f"{name}.ipynb" for name in proofs]
        below += [f"quizzes/{module.id}.md"] if module.quiz else []
        return _page(f"## Exercises of {module.id}", *(_block(rows) if module.exercises else ["They are coming."]), *_block(more), _tree(below))

    # --------------------------------------------------------------------------------------------------------- exercises

    def exercise(self, exercise: Exercise) -> str:
        facts, page = exercise.facts, f"exercises/{exercise.name}.md"
        module = self.course.modules[exercise.module]
        number = f", number {self.course.numbered.index(exercise.name) + 1} of the first seven" if exercise.name in self.course.numbered else ""
        needs = f' It needs `pip install "sb3-course[{",".join(exercise.extras)}]"`.' if exercise.extras else ""
        hints = []
        names = ("a question", "the idea", "the equation", "the line in words")
        for k, (name, hint) in enumerate(zip(names, exercise.hints), start=1):
            hints += _folded(f"Hint {k}: {name}", hint)
        return _page(
            f"# {exercise.title}",
            f"Exercise `{exercise.name}` of {self.link(page, 'module', module.id, f'{module.id}, {module.title}')}{number}. "
            f"{facts['minutes']} minutes, {LEVELS[facts['difficulty']]}.{needs}",
            "## Task",
            facts["task"].rstrip(),
            f"To write: {', '.join(f'`{name}`' for name in exercise.functions)}.",
            f"```sh\nsb3-course exercise start {exercise.name}\nsb3-course exercise check {exercise.name}\n```",
            *([_deeper(exercise.symptom.rstrip())] if exercise.symptom else []),
            "## What you are given",
            f"```python\n{exercise.stub.read_text(encoding='utf-8').rstrip()}\n```",
            "## Hints",
            *hints,
        )

    def quiz(self, module: Module) -> str:
        page = f"quizzes/{module.id}.md"
        parts = []
        for k, question in enumerate(module.quiz, start=1):
            letters = [(chr(ord("a") + place), option) for place, option in enumerate(question["options"])]
            parts += [f"## Question {k}", question["question"].strip(), "\n".join(f"- **{letter}.** {option['text']}" for letter, option in letters)]
            right = next(letter for letter, option in letters if option.get("right"))
            reasons = [f"- **{letter}.** {'Right. ' if option.get('right') else ''}{option['why']}" for letter, option in letters]
            parts += _folded(f"Answer to question {k}", f"It is {right}.\n\n" + "\n".join(reasons))
        about = f"What {self.link(page, 'module', module.id, 'the module')} was about. In the terminal: `sb3-course lesson quiz {module.id}`."
        return _page(f"# Quiz of {module.id}: {module.title}", about, *parts)

    # --------------------------------------------------------------------------------------------------------- calendars

    def calendars(self) -> str:
        names = ("twelve_weeks", "six_months")
        lines = []
        for name in names:
            plan = plans.read(self.course.folder, name)
            lines.append(f"- [{plan.title}]({name}.md): {len(plan.weeks)} weeks")
        about = "Dates, what is done and a file for a calendar program come from `sb3-course calendar`."
        return _page("# Calendars", about, *_block(lines), _tree([f"{name}.md" for name in names]))

    def calendar(self, name: str) -> str:
        plan = plans.read(self.course.folder, name)
        page, parts = f"{name}.md", []
        week = None
        for day in plan.days(date(2026, 1, 5)):  # the dates are not printed
            if day.week != week:
                week = day.week
                parts += [f"## Week {week}: {day.theme}"]
            tasks = [self._task(task, page) for task in day.tasks]
            parts.append("\n".join([f"### Week {week}, day {day.number}: {sum(task.minutes for task in day.tasks)} minutes", "", *tasks]))
            if day.milestone:
                parts.append(f"**Milestone** {day.milestone}")
        command = "sb3-course calendar --weeks 12" if name == "twelve_weeks" else "sb3-course calendar --months 6"
        return _page(f"# {plan.title}", plan.about.strip(), f"With dates and what you have done: `{command}`.", *parts)

    def _task(self, task: plans.Task, page: str) -> str:
        minutes = f", {task.minutes} min"
        if task.kind in ("write", "run"):
            return f"- {f'`{task.target}`' if task.kind == 'run' else task.target}{minutes}"
        if task.kind in ("read", "watch"):
            return f"- {task.text()}{minutes}"
        if not task.is_there(self.course):
            return f"- {task.text()} (coming){minutes}"
        if task.kind == "figure":
            ids = task.target.replace(",", " ").split()
            return f"- figure {', '.join(self.link(page, 'figure', id, id) for id in ids)}{minutes}"
        name, _, rest = task.target.partition(" ")
        if task.kind == "study" and self.target("study", name) is None:
            return f"- {task.text()}: `{task.command(self.course)}`{minutes}"
        words = f"{task.kind} {task.target}"
        if task.kind in ("exercise", "hunt"):
            words = f"{task.kind} {name}" + (f" {rest}" if rest else "")
        return f"- {self.link(page, task.kind, name, words)}{minutes}"


# ------------------------------------------------------------------------------------------------------------- MyST's Markdown


def _page(*parts: str) -> str:
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _block(lines: list[str]) -> list[str]:
    return ["\n".join(lines)] if lines else []


def _tree(names: Iterable[str]) -> str:
    """A list for the navigation alone."""
    return "\n".join(["```{toctree}", ":hidden:", "", *names, "```"])


def _authors(card: Card) -> str:
    names = [name.partition(",")[0] for name in card.paper["author"].split(" and ")]
    return f"{', '.join(names[:3])}{' and others' if len(names) > 3 else ''} {card.paper['year']}"


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _slug(title: str) -> str:
    """The name of a heading in links, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", title.lower().strip()).replace(" ", "-")


def _folded(title: str, text: str) -> list[str]:
    """Opened by a click, or by Enter on its title."""
    return [f"<details>\n<summary>{title}</summary>", text, "</details>"]


def _deeper(text: str) -> str:
    """With its headings one level further down."""
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in text.splitlines())


def published(kind: str, folder: Path) -> str:
    """The page of results/claims or results/textbook, of whose parts each has a name that links lead to: #claim-deadly-triad, #figure-6-5."""
    text = (plans.ROOT / "results" / kind / "README.md").read_text(encoding="utf-8")
    prefix = "claim-" if kind == "claims" else ""
    text = re.sub(r'<a id="([\w-]+)"></a>', rf"({prefix}\1)=", text)
    text = re.sub(r"\]\(#([\w-]+)\)", rf"](#{prefix}\1)", text)
    text = re.sub(r"(!\[[^\]]*\])\(([^)]+)\)", rf"\1({relpath(plans.ROOT / 'results' / kind, folder)}/\2)", text)
    return text.replace("; [index.html](index.html) is the same to filter", "")


def _reports(names: list[str]) -> str:
    links = [f'- <a href="../reports/{name}.html">{name}</a>: `sb3-course reproduce results/{name}` asks whether it follows from its runs' for name in names]
    return _page("# Reports of studies", "What `sb3-course compare` wrote of studies that are published here.", "\n".join(links))
