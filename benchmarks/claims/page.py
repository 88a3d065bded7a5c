"""All claims of a folder on one page that holds everything: index.html, from the claims' files and their records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import IntegrityError
from benchmarks.claims import record
from benchmarks.claims.claim import BADGES, TIERS, Claim, find, names
from benchmarks.report.style import number as with_minus
from benchmarks.store.files import write_whole

HEADER = ("number", "measured [95 % interval]", "p (Holm)", "no effect", "counts from", "runs an arm", "verdict")


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
    measured = f"{_said(number['point'], digits)} [{level}{bracket}]{unit}"
    p = "–" if number["p_holm"] is None else "< 0.001" if number["p_holm"] < 0.001 else f"{number['p_holm']:.3f}"
    bounds = [] if number["within"] is None else ["any" if bound is None else _said(bound) for bound in number["within"]]
    counts = f"within {' … '.join(bounds)}" if bounds else _said(number["enough"])
    settle = f"; about {number['settle']} an arm would settle it" if number["verdict"] == "not distinguished" and number["settle"] else ""
    return number["says"], measured, p, _said(number["nothing"]), counts, str(number["n"]), f"{number['verdict']}{settle}"


def _said(value: Any, digits: int | None = None) -> str:
    return str(value) if isinstance(value, str) else with_minus(value, digits) if digits is not None else f"{value:g}".replace("-", "−")


def _digits(number: dict[str, Any]) -> int:
    ends = [value for value in (number["low"], number["high"], number["point"]) if isinstance(value, int | float)]
    width = max(ends) - min(ends) if ends else 0.0
    return 0 if width >= 20 else 1 if width >= 2 else 2 if width >= 0.2 else 3 if width >= 0.02 else 4


def write(out: Path) -> list[dict[str, Any]]:
    """Write the folder's page; the records that it shows."""
    found = read(out)
    write_whole(out / "index.html", "\n".join(f"{claim.name} {said['verdict']}" for claim, said in found))
    return [said for _, said in found]


def read(out: Path) -> list[tuple[Claim, dict[str, Any]]]:
    """The claims of a folder with their records, in the list's order."""
    found = []
    for name in names():
        try:
            found.append((find(name), record.read(out / name)))
        except IntegrityError:
            continue
    return sorted(found, key=lambda pair: (pair[0].row, pair[0].name))
