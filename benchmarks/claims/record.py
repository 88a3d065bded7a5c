"""A claim's record: what is written down of its verdict, made from the store alone, so that it can be made again and compared.

A claim's folder is the folder of its study (benchmarks.store.store), and beside it

    verdict.json   the verdict, its numbers and controls, every run's metric: follows from the runs and the claim's file, to the last bit
    picture.svg    the effect
    made.json      where and when it was made, and what it cost: differs from one making to the next
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import IntegrityError, UserError
from benchmarks.claims import picture
from benchmarks.claims.claim import WORDS_OF_PARTS, Claim
from benchmarks.claims.metrics import Results
from benchmarks.claims.verdict import VERDICTS, Outcome, judge
from benchmarks.running import carry_out
from benchmarks.running.carry_out import Reporter
from benchmarks.store import records
from benchmarks.store.files import write_whole
from benchmarks.store.plain import content, is_regular
from benchmarks.store.store import Store, without_nan
from benchmarks.studies import plan, provenance
from benchmarks.studies.study import Study

VERDICT, MADE, PICTURE = "verdict.json", "made.json", "picture.svg"
FILES = (VERDICT, MADE, PICTURE)
OF_VERDICT: Mapping[str, Any] = {"hash": str, "verdict": str, "why": str, "numbers": list, "controls": list}  # what is shown of a record
OF_MADE: Mapping[str, Any] = {"process_seconds": int | float}
UNJUDGED, LOOK = "not judged", "a quick look on a fortieth of the budget, which judges nothing"
QUICK_SEEDS, QUICK_SHARE, QUICK_POINTS = [10_000, 10_001, 10_002], 40, 4  # of a quick look: seeds that no verdict uses, a fortieth of the budget

Record = dict[str, Any]


def study_of(claim: Claim, quick: bool = False) -> Study:
    """The study that decides a claim; quick: a small one that decides nothing, on seeds that no verdict uses."""
    study = claim.study()
    if not quick:
        return study
    budget = {env: {algo: max(steps // QUICK_SHARE, min(steps, 200)) for algo, steps in of_env.items()} for env, of_env in study.budget.items()}
    protocol = {**study.protocol, "eval_points": min(QUICK_POINTS, study.protocol["eval_points"]), "eval_episodes": 2}
    envs = {env: {**spec, "eval_episodes": None} for env, spec in study.envs.items()}
    return study.asking(name=f"{study.name}-quick", seeds=QUICK_SEEDS, budget=budget, protocol=protocol, envs=envs)


def carry(
    claim: Claim, out: Path, reporter: Reporter | None = None, launcher: Mapping[str, Any] | None = None, command: str = "", quick: bool = False
) -> Record:  # fmt: skip
    """Train what of a claim's study is missing in `out`/NAME, judge it, and write the record. An interrupted one goes on where it was; of a packed one
    the record alone is written again, such as its picture after words of the claim were mended.

    launcher: settings of the study's launcher that are other here, such as jobs.
    """
    store = Store(out / claim.name)
    study = study_of(claim, quick)
    if store.exists():
        _refuse_another(claim, store, study)
        if store.is_packed and (store.runs()["status"] == "finished").all():  # published: nothing is trained any more
            return write(store, claim)
    study = plan.pinned(study, command=command, source=provenance.source())
    carry_out.carry_out(study.launched(**(launcher or {})), store, reporter=reporter)
    return write(store, claim)


def _refuse_another(claim: Claim, store: Store, study: Study) -> None:
    """UserError where runs are there that another version of the claim had seen: a claim is frozen before its runs."""
    before = store.study()
    if before.claim != study.claim and (store.runs()["status"] == "finished").any():
        said = (before.claim or {}).get("hash", "")
        raise UserError(f"claim {claim.name} was changed after runs of it were made in {store.path} ({said[:12]}, now {claim.hash[:12]}): its seeds have been "
                        "looked at. Name them in its pilot and give its study others, or remove that folder if nothing but words was changed")  # fmt: skip


def results_of(store: Store) -> Results:
    """What the finished runs of a study left; a seed counts if all its runs have finished."""
    runs = store.runs()
    whole = runs.groupby("seed")["status"].agg(lambda states: (states == "finished").all())
    return Results([int(seed) for seed in store.study().seeds if whole.get(seed, False)], store.curves(), store.training())


def outcome_of(store: Store, claim: Claim) -> tuple[Outcome, Results]:
    """The verdict that the stored runs give, and the runs. It needs all seeds that the claim's file names, whatever the store has."""
    results = results_of(store)
    return judge(claim, results, study_of(claim, is_quick(store.study())).seeds), results


def is_quick(study: Study) -> bool:
    return study.seeds == QUICK_SEEDS


def write(store: Store, claim: Claim) -> Record:
    """Judge the runs of a claim's study, write its record beside them, and return it."""
    records.demand(store.study())
    outcome, results = outcome_of(store, claim)
    write_whole(store.path / VERDICT, as_text(verdict_record(claim, store.study(), outcome)))
    write_whole(store.path / PICTURE, picture.drawn(claim, outcome, results, is_quick(store.study())))
    write_whole(store.path / MADE, as_text(_made(store)))
    return read(store.path)


def verdict_record(claim: Claim, study: Study, outcome: Outcome) -> Record:
    """What of a verdict follows from the runs and from the claim's file."""
    unjudged = is_quick(study)
    numbers = [
        {
            "name": judged.number.name, "says": judged.number.says, "unit": judged.number.unit, "nothing": judged.number.nothing,
            "enough": judged.number.enough, "within": judged.number.within, "verdict": UNJUDGED if unjudged else judged.verdict,
            **dataclasses.asdict(judged.estimate), "p_holm": judged.p_holm, "arms": judged.arms,
        }
        for judged in outcome.numbers
    ]  # fmt: skip
    controls = [
        {"says": held.control.says, "mean": held.mean, "at_least": held.control.at_least, "at_most": held.control.at_most, "holds": held.holds}
        for held in outcome.controls
    ]
    return {
        "claim": claim.name, "hash": claim.hash, "study": study.hash, "seeds": study.seeds, "verdict": UNJUDGED if unjudged else outcome.verdict,
        "why": LOOK if unjudged else outcome.why, "numbers": numbers, "controls": controls,
    }  # fmt: skip


def _made(store: Store) -> Record:
    runs = store.runs().drop_duplicates("run_id")
    seconds = math.fsum(runs[f"{kind}_seconds"].fillna(0).sum() for kind in ("train", "eval", "build") if f"{kind}_seconds" in runs)
    return {
        "process_seconds": round(seconds, 1), "runs": len(runs), "steps": int(runs["steps"].sum()), "hosts": provenance.hosts(runs),
        "source": store.study().source, "command": store.study().command, "packages": provenance.packages()["main"],
        "judged_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def as_text(record: Record) -> str:
    return json.dumps(without_nan(_plain(record)), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Infinite bounds as words, which JSON has no numbers for."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return "infinite" if value == math.inf else "−infinite" if value == -math.inf else value


def read(folder: Path) -> Record:
    """A claim's record as it was written, with what it cost. IntegrityError where it cannot be read, or is not whole."""
    found: Record = {}
    for name, parts in ((VERDICT, OF_VERDICT), (MADE, OF_MADE)):
        value = records.read_json(folder / name)
        if not isinstance(value, dict) or not all(isinstance(value.get(key), kind) for key, kind in parts.items()):
            raise IntegrityError(f"{folder / name}: no record of a claim")
        found |= value
    if found["verdict"] not in (*VERDICTS, UNJUDGED):
        raise IntegrityError(f"{folder / VERDICT}: {found['verdict'][:40]} is no verdict")
    if not is_regular(folder / PICTURE):
        raise IntegrityError(f"{folder / PICTURE}: missing")
    return found


def faults(store: Store, claim: Claim) -> tuple[list[str], bool]:
    """Where a claim's record is not what its runs and its file give, a line each: another file, another study, another number, a part that is missing.

    And whether its picture is, to the byte, what is drawn of them here: other versions of matplotlib draw otherwise, and words may have been mended.
    """
    study = store.study()
    wrong = [f"{name}: missing, or no file of the record" for name in FILES if not is_regular(store.path / name)]
    said = (study.claim or {}).get("hash", "")
    if said != claim.hash:
        wrong.append(f"claim {claim.name}: its file hashes to {claim.hash[:16]}, but its runs were made for {said[:16]}: it was changed since")
    planned = study_of(claim, is_quick(study))
    for part in ("seeds", "groups", "hyperparams", "budget", "protocol", "envs"):
        if getattr(planned, part) != getattr(study, part):
            wrong.append(f"claim {claim.name}: its file gives other {part} than study.yaml has")
    outcome, results = outcome_of(store, claim)
    again = json.loads(as_text(verdict_record(claim, study, outcome)))
    if is_regular(store.path / VERDICT):
        wrong += [f"{VERDICT}: {line}" for line in _differences(records.read_json(store.path / VERDICT), again)]
    drawn = picture.drawn(claim, outcome, results, is_quick(study)).encode()
    return wrong, is_regular(store.path / PICTURE) and content(store.path / PICTURE) == drawn


def _differences(recorded: Any, again: Any, place: str = "") -> list[str]:
    if isinstance(recorded, dict) and isinstance(again, dict):
        keys = [key for key in {**again, **recorded} if key not in WORDS_OF_PARTS]
        return [line for key in keys for line in _differences(recorded.get(key), again.get(key), f"{place}.{key}".lstrip("."))]
    if isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        return [line for k, pair in enumerate(zip(recorded, again, strict=True)) for line in _differences(*pair, f"{place}[{k}]")]
    return [] if recorded == again and type(recorded) is type(again) else [f"{place} is {str(recorded)[:60]}, but the runs give {str(again)[:60]}"]
