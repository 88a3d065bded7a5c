"""Level 2: every number and every word of the report is made again by this code from the stored rows, and is the same."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.claims import claim, record
from benchmarks.evidence import sequential
from benchmarks.report import page
from benchmarks.reproduction.differences import around, differences, leaves, numbers_only, paired_floats, table_differences
from benchmarks.reproduction.findings import Finding, judged
from benchmarks.reproduction.integrity import MOST_FILE, TABLES_TOO, refuse_longer
from benchmarks.stats.sequential import SequentialTest
from benchmarks.store import records
from benchmarks.store.plain import MEGABYTE, content, is_regular
from benchmarks.store.store import Store
from benchmarks.studies import provenance
from benchmarks.studies.study import Study

ROUNDING = 1e-9  # relative; what sums may differ by between processors and library versions
PICTURES = re.compile(r"<svg\b.*?</svg>|(?<=<img src=.)data:image/webp;base64,[A-Za-z0-9+/=]*", re.DOTALL)
DRAWING = ("matplotlib", "pillow", "pygame-ce", "gymnasium", "mujoco")  # packages that decide what a picture looks like


def analysis(store: Store) -> Iterator[Finding]:
    directory = store.path / "report"
    if store.study().claim:
        yield from claimed(store)
        if not directory.is_dir():  # its record is what is reported of it
            return
    if not (directory / "repro.json").is_file():
        yield Finding(2, "numbers", "fail", f"no report to check against: sb3-course report {store.path} makes one")
        return
    recorded, reported = (records.read_json(directory / name) for name in ("repro.json", "report.json"))
    if not isinstance(reported, dict) or not isinstance(recorded, dict) or records.of_rendering(recorded.get("rendering")):
        yield Finding(2, "numbers", "fail", f"no report to check against: sb3-course report {store.path} makes one")
        return
    rendering, worded = records.filled(recorded["rendering"], store.study())
    built = page.build(store, allow_partial=reported.get("is_partial") is True, rendering=rendering)
    # Whether the record says that this very code made the report. It decides what a difference is called, never whether it counts.
    otherwise = [*(["reporting code"] if rendering["code"] != provenance.reporting_code() else []), *worded]
    new = {name: _text(made) for name, made in built.files.items() if not name.endswith(".parquet")}
    for name in new:
        refuse_longer(directory / name, len(new[name]))
    old = {name: _old(directory / name).decode("utf-8", "replace") for name in new}
    if built.analysis.sequential is not None:
        yield sequence(store.study(), built.analysis.sequential)
    yield _numbers(old["report.json"], reported, new["report.json"], bool(otherwise))
    for name in ("scores.csv", "curves.csv"):
        yield judged(2, name, table_differences(name, old[name], new[name]), "every value again")
    for name in ("report.html", "tables.tex", "references.bib"):
        yield _page(name, old[name], new[name], otherwise, rendering)
    for name in TABLES_TOO:
        if name in built.files:
            made = built.files[name]
            assert isinstance(made, bytes)
            same = _same_rows(_old(directory / name), made)
            yield judged(2, name, [] if same else [f"{name}: other rows than the runs give"], "every value again")
    computed = json.loads(new["repro.json"])
    wrong = {key: differences(recorded.get(key), computed.get(key), key) for key in {*recorded, *computed} - {"rendering", "files"}}
    wrong |= {key: [f"{key} is none of its parts"] for key in recorded.keys() - computed.keys()}
    lines = [f"repro.json: {line}" for key in sorted(wrong) for line in wrong[key]]
    if otherwise and lines and all(key == "checklist" for key in wrong if wrong[key]):
        yield Finding(2, "repro.json", "unverified", f"its checklist is worded by other code than this ({', '.join(otherwise)})")
    elif worded and not lines:
        yield Finding(2, "repro.json", "unverified", f"its part rendering says otherwise than this program: {', '.join(worded)}")
    else:
        yield judged(2, "repro.json", lines, "every fact that follows from the runs again")


def claimed(store: Store) -> Iterator[Finding]:
    """Whether the record of a paper's claim is what its runs and the claim's file give: its verdict, every number, every run's metric, its picture."""
    name = (store.study().claim or {}).get("name", "")
    if name not in claim.names():
        yield Finding(2, "claim", "unverified", f"this program knows no claim '{records.shown(name)}', so that its verdict was not looked at")
        return
    one = claim.find(name)
    wrong, is_same_picture = record.faults(store, one)
    yield judged(2, "claim", wrong, f"the verdict of {name} and all its numbers follow from its runs and its file ({one.hash[:12]})")
    if is_same_picture:
        yield Finding(2, "picture", "pass", f"{record.PICTURE} is drawn of these runs: the same bytes")
    elif is_regular(store.path / record.PICTURE):
        yield Finding(2, "picture", "unverified", f"{record.PICTURE} is not what is drawn here: by other versions, in other words, or it was changed")


def sequence(study: Study, test: SequentialTest) -> Finding:
    """Whether a sequential study stopped where its rule says: at another look, which is the author's choice, its intervals and equivalences are others."""
    used = sum(set(seeds) <= set(study.seeds) for seeds in sequential.batches(study))
    if used > test.taken:
        return Finding(2, "sequence", "fail", f"its comparisons were decided after look {test.taken}, but its seeds go on to look {used} of {test.looks}")
    if not test.is_finished:
        return Finding(2, "sequence", "unverified", f"it stopped after look {test.taken} of {test.looks}, before its comparisons were decided")
    return Finding(2, "sequence", "pass", f"it stopped where its rule says, after look {test.taken} of {test.looks}")


def _old(path: Path) -> bytes:
    """A file of the report; nothing where there is none, or a link to another."""
    return content(path, MOST_FILE) if is_regular(path) else b""


def _text(made: str | bytes) -> str:
    return made if isinstance(made, str) else made.decode()


def _same_rows(old: bytes, new: bytes) -> bool:
    """Whether two Parquet files hold the same table, by whatever version they were written."""
    import pyarrow.parquet as pq

    if old == new:
        return True
    if not old or len(old) > 4 * len(new) + MEGABYTE:
        return False
    a, b = (pq.ParquetFile(io.BytesIO(data)) for data in (old, new))
    if a.metadata.num_rows != b.metadata.num_rows or not a.schema_arrow.equals(b.schema_arrow):
        return False
    return a.read().to_pandas(ignore_metadata=True).equals(b.read().to_pandas(ignore_metadata=True))


def _numbers(text: str, reported: Any, computed_text: str, other_words: bool) -> Finding:
    """report.json against the same made again. Sums of another processor or library may round otherwise, by at most ROUNDING; words may not."""
    computed = json.loads(computed_text)
    count = sum(1 for _, value in leaves(computed) if isinstance(value, int | float) and not isinstance(value, bool))
    if text == computed_text:
        return Finding(2, "numbers", "pass", f"{count} numbers of report.json computed again: equal to the last bit")
    wrong = differences(reported, computed, tolerance=ROUNDING)
    pairs = paired_floats(reported, computed)
    gap = max((abs(a - b) / max(abs(a), abs(b)) for a, b in pairs if a != b), default=0.0)
    agree = f"{count} numbers of report.json computed again: they agree to {gap:.1e}, rounded otherwise by another processor or library (allowed: {ROUNDING:g})"
    if not wrong and page.as_json(reported) == text:
        return Finding(2, "numbers", "pass", agree)
    if other_words and not differences(numbers_only(reported), numbers_only(computed), extra=False, tolerance=ROUNDING):
        return Finding(2, "numbers", "unverified", f"{agree}; its words are not those of this version of the reporting code, and were not verified")
    return judged(2, "numbers", [f"report.json: {line}" for line in wrong] or ["report.json: not in the form in which a report is written"], "")


def _page(name: str, old: str, new: str, otherwise: list[str], rendering: dict[str, Any]) -> Finding:
    """The page and the tables, byte for byte. What other code words otherwise, and what another matplotlib draws otherwise, was not verified."""
    a, b = (page.DATE.sub("", text, count=1) if name == "report.html" else text for text in (old, new))
    if a == b:
        return Finding(2, name, "pass", "the same bytes" + (" but for the date" if name == "report.html" else ""))
    if not old:
        return Finding(2, name, "fail", f"report/{name} is missing")
    pictures = [PICTURES.findall(text) for text in (a, b)]
    if PICTURES.sub("", a) == PICTURES.sub("", b) and len(pictures[0]) == len(pictures[1]):
        n = sum(x != y for x, y in zip(*pictures, strict=True))
        installed = rendering["packages"]["installed"], provenance.packages()["installed"]
        there, here = ([p for p in lines if p.lower().partition("==")[0] in DRAWING] for lines in installed)
        how = f"drawn by {', '.join(there)} there, by {', '.join(here)} here" if there != here else "by the same packages"
        state = "unverified" if there != here or rendering["machine"] != provenance.machine() else "fail"
        return Finding(2, name, state, f"the same words and tables, but {n} of {len(pictures[0])} pictures are others, {how}: they were not verified")
    a_lines, b_lines = a.split("\n"), b.split("\n")
    line = next((k for k, (x, y) in enumerate(itertools.zip_longest(a_lines, b_lines)) if x != y), 0)
    where = f"report/{name} line {line + 1}: {around(a_lines, b_lines, line)}"
    if otherwise:
        return Finding(2, name, "unverified", f"the page was not verified: it is not what this code writes ({', '.join(otherwise)} differ): {where}")
    return Finding(2, name, "fail", where)
