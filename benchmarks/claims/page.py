"""All claims of a folder on one page that holds everything: index.html, from the claims' files and their records."""

from __future__ import annotations

import base64
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment

from benchmarks import IntegrityError
from benchmarks.claims import record
from benchmarks.claims.claim import BADGES, TIERS, Claim, find, names
from benchmarks.claims.verdict import VERDICTS
from benchmarks.configs import VERDICTS as VERDICTS_FILE
from benchmarks.report.style import number as with_minus
from benchmarks.store.files import write_whole
from benchmarks.store.plain import content

Found = list[tuple[Claim, dict[str, Any]]]

HEADER = ("number", "measured [95 % interval]", "p (Holm)", "no effect", "counts from", "runs an arm", "verdict")
NO_VALUE = "–"


def facts(claim: Claim) -> list[tuple[str, str]]:
    """What a claim says and how it is decided, (name, words) each."""
    paper = claim.paper
    study = claim.study()
    quoted = [f"{item['what']}: {item['value']}{'' if item['verified'] else ' (not verified)'}" for item in claim.quoted]
    return [
        ("claim", claim.statement),
        ("paper", f"{paper['cite']}, {paper['title']}, {paper['place']}. {paper['url']}"),
        *([("in the paper", "; ".join(quoted))] if quoted else []),
        ("here", f"{claim.badge} ({BADGES[claim.badge]}). {claim.differs}"),
        ("arms", f"{', '.join(study.algorithms)} on {', '.join(study.tasks)}, {len(study.seeds)} seeds each"),
        ("refuted if", claim.falsifier),
        ("tier", f"{claim.tier}: at most {TIERS[claim.tier]} minutes of a core"),
        *([("tried out", claim.pilot["note"])] if claim.pilot.get("note") else []),
    ]


def cells(number: dict[str, Any]) -> tuple[str, ...]:
    """A number of a record as a row of the tables, under HEADER."""
    digits = _digits(number)
    ends = ("low90", "high90") if number["within"] is not None else ("low", "high")
    unit = f" {number['unit']}" if number["unit"] else ""
    bracket = ", ".join(_said(number[end], digits) for end in ends)
    level = "90 % " if number["within"] is not None else ""
    is_one = number["low"] == number["high"] == number["point"]
    if number["point"] is None:  # NaN in the record: no run gave a number
        measured = NO_VALUE
    else:
        measured = f"{_said(round(number['point'], 4))}{unit} in every run" if is_one else f"{_said(number['point'], digits)} [{level}{bracket}]{unit}"
    p = NO_VALUE if number["p_holm"] is None else "< 0.001" if number["p_holm"] < 0.001 else f"{number['p_holm']:.3f}"
    bounds = [] if number["within"] is None else ["any" if bound is None else _said(bound) for bound in number["within"]]
    counts = f"within {' … '.join(bounds)}" if bounds else _said(number["enough"])
    settle = f"; about {number['settle']} an arm would settle it" if number["verdict"] == "not distinguished" and number["settle"] else ""
    return number["says"], measured, p, _said(number["nothing"]), counts, str(number["n"]), f"{number['verdict']}{settle}"


def _said(value: Any, digits: int | None = None) -> str:
    if value is None:
        return NO_VALUE
    return str(value) if isinstance(value, str) else with_minus(value, digits) if digits is not None else f"{value:g}".replace("-", "−")


def _digits(number: dict[str, Any]) -> int:
    ends = [value for value in (number["low"], number["high"], number["point"]) if isinstance(value, int | float)]
    width = max(ends) - min(ends) if ends else 0.0
    return 0 if width >= 20 else 1 if width >= 2 else 2 if width >= 0.2 else 3 if width >= 0.02 else 4


TITLE = "Claims of papers, run again"
INTRODUCTION = (
    "Each claim was written down with its arms, budget, seeds and the smallest effect that would count before the runs that decide it. Reproduced: the "
    "interval lies beyond that effect, and the test agrees. Weaker: there is an effect, but not surely one that counts. Not distinguished: neither. "
    "Contradicted: surely the other way. Void: a control failed or a run is missing. That there is no effect is claimed by equivalence alone (two one-sided "
    "tests). p-values are corrected by Holm over the numbers of a claim. Dots are runs; brackets are 95 % intervals, of equivalence 90 %."
)


def write(out: Path) -> list[dict[str, Any]]:
    """Write both pages of the folder, index.html and README.md for a repository's browser; the records that they show."""
    found = read(out)
    write_whole(out / "index.html", html(found, out))
    write_whole(out / "README.md", markdown(found))
    return [said for _, said in found]


def install(out: Path) -> None:
    """Let reports say these verdicts of the claims about a study's algorithms."""
    lines = [f"{claim.name},{claim.hash},{said['verdict']}\n" for claim, said in read(out)]
    write_whole(VERDICTS_FILE, "".join(["claim,hash,verdict\n", *lines]))


def counts(found: Found) -> list[tuple[str, int]]:
    verdicts = [said["verdict"] for _, said in found]
    return [(verdict, verdicts.count(verdict)) for verdict in (*VERDICTS, record.UNJUDGED) if verdict in verdicts]


def html(found: Found, out: Path) -> str:
    style = (resources.files("benchmarks.report") / "templates" / "report.css").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        (resources.files("benchmarks.claims") / "page.html").read_text(encoding="utf-8")
    )
    families = list(dict.fromkeys(claim.family for claim, _ in found))
    tiers = [tier for tier in TIERS if any(claim.tier == tier for claim, _ in found)]
    filters = [("family", "Family", families), ("verdict", "Verdict", [verdict for verdict, _ in counts(found)]), ("tier", "Tier", tiers)]
    pictures = [(claim, said, _encoded(out / claim.name / record.PICTURE)) for claim, said in found]
    return template.render(
        title=TITLE, style=style, introduction=INTRODUCTION, counts=counts(found), filters=filters, claims=pictures, cells=cells,
        said=lambda value: NO_VALUE if value is None else f"{value:.4g}",
    )  # fmt: skip


def _encoded(picture: Path) -> str:
    """A picture as it stands in an <img>, where no script in it would run: the record may be a stranger's."""
    return base64.b64encode(content(picture)).decode()


def markdown(found: Found) -> str:
    summary = ", ".join(f"{n} {verdict}" for verdict, n in counts(found))
    made = "Made by `sb3-course claim`; [index.html](index.html) is the same to filter."
    lines = [f"# {TITLE}", "", INTRODUCTION, "", f"**{len(found)} claims: {summary}.** {made}", ""]
    lines += ["| claim | paper | verdict | process minutes |", "|---|---|---|--:|"]
    for claim, said in found:
        paper, minutes = f"[{claim.paper['cite']}]({claim.paper['url']})", said["process_seconds"] / 60
        lines.append(f"| [{claim.title}](#{claim.name}) | {paper} | **{said['verdict']}** | {minutes:.1f} |")
    for claim, said in found:
        lines += ["", f'<a id="{claim.name}"></a>', "", f"## {claim.title}: {said['verdict']}", "", claim.statement, ""]
        lines += [f"![{claim.title}]({claim.name}/{record.PICTURE})", "", f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}"]
        lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells(number))} |" for number in said["numbers"]]
        lines += ["", *([f"{said['why']}.", ""] if said["why"] else []), *(f"- {name}: {text}" for name, text in facts(claim)[1:])]
    return "\n".join([*lines, ""])


def read(out: Path) -> Found:
    """The claims of a folder with their records, in the list's order."""
    found: Found = []
    for name in names():
        try:
            found.append((find(name), record.read(out / name)))
        except IntegrityError:
            continue
    return sorted(found, key=lambda pair: (pair[0].row, pair[0].name))
