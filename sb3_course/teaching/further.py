"""Pages of reading that are no map of a book: the field as a tree, references, open problems, papers to reproduce. Their data are in reading/."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks.claims import claim as claims
from from_scratch import registry
from sb3_course.teaching import homes, reading
from sb3_course.teaching.plan import ROOT

if TYPE_CHECKING:
    from sb3_course.teaching.pages import Pages


def survey(pages: Pages) -> str:
    """The registry's algorithms as leaves: a section for a family, a line for what tells its algorithms apart."""
    facts, name = reading.other("survey"), "reading/survey.md"
    parts = [f"# {facts['title']}", facts["about"]]
    for branch in facts["branches"]:
        modules = ", ".join(pages.link(name, "module", id, f"{id} {pages.course.modules[id].title}") for id in branch["modules"])
        parts += [f"## {branch['title']}", f"{branch['question']} {registry.FAMILIES[branch['family']].about} Taken up by {modules}."]
        parts.append("\n".join(f"- {text}: {', '.join(_leaf(pages, name, id) for id in ids)}" for text, ids in twigs(branch)))
    return _page(*parts, "## What is not here", facts["missing"])


def twigs(branch: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What tells a family's algorithms apart, and which these are; those that the file does not name come last, so that none is missing."""
    found = [(twig["text"], list(twig["algorithms"])) for twig in branch["twigs"]]
    named = {id for _, ids in found for id in ids}
    others = [entry.id for entry in registry.FAMILIES[branch["family"]].entries if entry.id not in named]
    return [*found, ("others", others)] if others else found


def _leaf(pages: Pages, page: str, id: str) -> str:
    return pages.link(page, "algorithm", id, registry.ENTRIES[id].title)


def references(pages: Pages) -> str:
    """What the syllabi name as sources, what has become of each, and where it is taken up."""
    facts, name = reading.other("references"), "reading/references.md"
    rows = ["| source | line | now | here |", "|---|---|---|---|"]
    for one in facts["references"]:
        here = ", ".join(pages.home(name, homes.Home.of(home)) for home in one["homes"])
        rows.append(f"| [{one['name']}]({one['address']}) | `{one['line']}` | {one['now']} | {here} |")
    return _page(f"# {facts['title']}", facts["about"], "\n".join(rows))


def open_problems(pages: Pages) -> str:
    """Twelve questions: why each is open, where it is seen here, and papers. A claim is named with its verdict."""
    facts, name = reading.other("open_problems"), "reading/open_problems.md"
    parts = [f"# {facts['title']}", facts["about"]]
    for k, one in enumerate(facts["problems"], start=1):
        seen = [_with_verdict(pages, name, homes.Home.of(home)) for home in one["seen"]]
        experiment = f"**Seen here** in {', '.join(seen)}. {one['shows']}" if seen else f"**Seen here** nowhere. {one['missing']}"
        papers = "; ".join(f"[{paper['name']}]({paper['address']})" for paper in one["papers"])
        parts += [f"## {k}. {one['title']}", f"**Why it is open.** {one['why'].strip()}", experiment, f"**To read.** {papers}."]
    return _page(*parts)


def reproductions(pages: Pages) -> str:
    """Twelve claims that are not settled here: what was found, at what cost, what would be next, and what that might cost."""
    facts, name = reading.other("reproductions"), "reading/reproductions.md"
    capstone = pages.home(name, homes.Home("capstone", "5"))
    parts = [f"# {facts['title']}", f"{facts['about'].strip()} ({capstone})"]
    for k, one in enumerate(facts["targets"], start=1):
        claim, minutes = claims.find(one["claim"]), minutes_of(one["claim"])
        verdict = _with_verdict(pages, name, homes.Home("claim", one["claim"]))
        cost = f"It took {minutes:.0f} minutes of a processor; {one['times']} times that are about {minutes * one['times'] / 60:.1f} hours."
        paper = f"[{claim.paper['cite']}, *{claim.paper['title']}*]({claim.paper['url']})"
        parts += [f"## {k}. {claim.title}", f"{paper}. {claim.statement}", f"**Here**: {verdict}. {claim.differs}", f"**Next.** {one['next']} {cost}"]
    return _page(*parts)


def minutes_of(claim: str) -> float:
    """Of a processor, that the published runs of a claim took."""
    made = json.loads((ROOT / "results" / "claims" / claim / "made.json").read_text(encoding="utf-8"))
    return float(made["process_seconds"]) / 60


def _with_verdict(pages: Pages, page: str, home: homes.Home) -> str:
    if home.kind != "claim":
        return pages.home(page, home)
    verdict = json.loads((ROOT / "results" / "claims" / home.name / "verdict.json").read_text(encoding="utf-8"))["verdict"]
    return f"{pages.home(page, home)} ({verdict})"


def _page(*parts: str) -> str:
    return "\n\n".join(part.strip() for part in parts) + "\n"


PAGES: dict[str, Callable[[Pages], str]] = {"survey": survey, "references": references, "open_problems": open_problems, "reproductions": reproductions}
