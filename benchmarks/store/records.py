"""What the files of somebody else's study may hold, before anything is computed from them or printed: every value has a type and a form.

study.yaml and the runs' records are checked key by key, and of repro.json the part that says where the report was made (the rows of tables:
`benchmarks.store.rows`). What is wrong is said in one line; free text is left where only the author can know (name, question, sources, errors).
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import IntegrityError
from benchmarks.store.plain import anchor, content
from benchmarks.store.seals import BY_FILES, BY_ROWS, TABLE_FILES
from benchmarks.store.tables import TABLES
from benchmarks.studies import provenance
from benchmarks.studies.plan import Run
from benchmarks.studies.study import ID, Study

HASH, VERSION, WORD = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]{0,60}"), re.compile(r"[\w.+-]{1,64}", re.ASCII)
NAME = re.compile(rf"(?=.{{1,120}}\Z){ID.pattern}")  # of an algorithm or a task: no room for a sentence, and no path that leads elsewhere
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
LARGEST = 1e60  # of a score: beyond, its powers overflow; a float32 ends at 3e38
MOST_CHECKPOINTS, MOST_EPISODES, MOST_SEEDS, MOST_REPS, MOST_KEYS = 10_000, 1_000_000, 10_000, 1_000_000, 1000
MOST_RESAMPLED = 50_000_000  # checkpoints times bootstrap repetitions: what a report holds in less than 2 GB
MOST_VALUES = 1_000_000  # in study.yaml, and lists and dictionaries in a JSON file
SIMPLE = (str, int, float, bool, type(None))

Test = Callable[[Any], bool]


# ------------------------------------------------------------------------------------------------------------ plain values


def is_text(value: Any, most: int = 2000, lines: bool = False) -> bool:
    """Printable text: no control characters, no invisible ones that turn the direction of what follows."""
    return isinstance(value, str) and len(value) <= most and not any(unicodedata.category(c)[0] == "C" and not (lines and c in "\n\t") for c in value)


def is_whole(value: Any, least: int = 0, most: int = 2**63 - 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: Any, least: float = -LARGEST, most: float = LARGEST) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most  # NaN is neither, and no whole number too large


def is_hash(value: Any) -> bool:
    return matches(HASH)(value)


def matches(pattern: re.Pattern[str]) -> Test:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def one_of(*values: Any) -> Test:
    return lambda value: any(value is v or (type(value) is type(v) and value == v) for v in values)


def optional(test: Test) -> Test:
    return lambda value: value is None or test(value)


def list_of(test: Test, most: int = 100_000) -> Test:
    return lambda value: isinstance(value, list) and len(value) <= most and all(test(item) for item in value)


def dict_of(test: Test, key: Test = is_text) -> Test:
    return lambda value: isinstance(value, dict) and all(key(k) and test(v) for k, v in value.items())


def plain(value: Any) -> bool:
    """Nested lists and dictionaries of printable text and finite numbers."""
    if isinstance(value, dict):
        return all(is_text(k) and plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(plain(v) for v in value)
    return is_text(value) or is_number(value) or isinstance(value, bool) or value is None


def faults(what: str, value: Any, forms: Mapping[str, Test], required: frozenset[str] | set[str], others: bool = False) -> list[str]:
    """Which keys of a dictionary are missing, are not of their form, or (unless there may be others) are none of its keys."""
    if not isinstance(value, dict):
        return [f"{what}: {shown(value)}, where a dictionary is expected"]
    found = [f"{what}: no '{key}'" for key in sorted(required - value.keys())]
    found += [f"{what}: {key} is {shown(value[key])}, which is not of its form" for key, test in forms.items() if key in value and not test(value[key])]
    return found + ([] if others else [f"{what}: '{shown(key)}' is none of its keys" for key in value if key not in forms])


def shown(value: Any) -> str:
    """Any value as a few printable characters."""
    if isinstance(value, dict | list):
        return f"{'a dictionary' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = value if isinstance(value, str) else repr(value)[:200]
    text = "".join(c if unicodedata.category(c)[0] != "C" else "?" for c in text[:60])
    return f"{text}…" if len(str(value)[:61]) > 60 else text


def read_json(path: Path) -> Any:
    """The content of a JSON file in which no key stands twice and no number is NaN or infinite; IntegrityError, one line, if it cannot be read.

    A link is not followed, and a pipe or device not waited for.
    """
    try:
        return strict_json(content(path), path.name)
    except FileNotFoundError:
        raise IntegrityError(f"{path.name}: missing") from None
    except OSError as error:
        raise IntegrityError(f"{path.name}: cannot be read ({str(error).splitlines()[0][:100]})") from None


def strict_json(text: bytes, where: str) -> Any:
    """`read_json` of bytes; `where` is what the error's line begins with."""
    try:
        if text.count(b"[") + text.count(b"{") > MOST_VALUES:  # each takes thirty times its place in the file
            raise IntegrityError(f"{where}: more than {MOST_VALUES:,} lists and dictionaries")
        return json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refused)
    except RecursionError:
        raise IntegrityError(f"{where}: nested too deeply") from None
    except ValueError as error:
        raise IntegrityError(f"{where}: cannot be read ({str(error).splitlines()[0][:100]})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


# --------------------------------------------------------------------------------------------------------------- study.yaml

_of_pair = lambda test: dict_of(dict_of(test, matches(NAME)), matches(NAME))
PROTOCOL: dict[str, Test] = {
    "name": matches(WORD), "eval_episodes": lambda v: is_whole(v, 1, MOST_EPISODES), "eval_points": lambda v: is_whole(v, 1, MOST_CHECKPOINTS),
    "deterministic": one_of(True, False), "eval_seed": is_whole, "measures": list_of(matches(WORD), MOST_KEYS),
    "mixed_budgets": one_of(True, False),
}  # fmt: skip
STATISTICS: dict[str, Test] = {
    "reps": lambda v: is_whole(v, 100, MOST_REPS), "confidence": lambda v: is_number(v, 0.5, 0.9999), "seed": is_whole, "threshold": is_number,
    "paired": one_of(True, False), "margin": lambda v: is_number(v, 1e-12),
}  # fmt: skip
TUNED: dict[str, Test] = {"method": is_text, "trials": lambda v: is_whole(v, 1), "seeds": list_of(is_whole, MOST_SEEDS), "source": is_text,
                          "cost": is_text, "confirmed": lambda v: not faults("confirmed", v, AGAIN, set(AGAIN))}  # fmt: skip
AGAIN: dict[str, Test] = {"trials": lambda v: is_whole(v, 1), "seeds": list_of(is_whole, MOST_SEEDS)}
SEQUENCE: dict[str, Test] = {
    "maximum": lambda v: STUDY["seeds"](v), "batch": lambda v: is_whole(v, 2), "alpha": lambda v: is_number(v, 0.001, 0.5), "reps": STATISTICS["reps"],
    "seed": is_whole,
}  # fmt: skip
SOURCE: dict[str, Test] = {"commit": optional(matches(WORD)), "dirty": one_of(True, False, None), "diff_hash": optional(is_hash)}
_module = matches(re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,199}"))
MODULE: dict[str, Test] = {"file": matches(WORD), "sha256": is_hash, "source": lambda v: isinstance(v, str) and len(v) <= 1_000_000}
OWN: dict[str, Test] = {
    **dict.fromkeys(("algorithms", "environments"), dict_of(list_of(_module, MOST_KEYS), matches(NAME))),
    "modules": dict_of(lambda v: not faults("own: modules", v, MODULE, set(MODULE)), _module),
    "packages": dict_of(matches(VERSION), matches(WORD)),
    "places": dict_of(is_text, _module),
}
DATASET: dict[str, Test] = {"name": lambda v: is_text(v, 400), "steps": lambda v: is_whole(v, 1), "hash": is_hash}
STUDY: dict[str, Test] = {
    "name": lambda v: is_text(v, 200),
    "question": optional(is_text),
    "seeds": lambda v: list_of(is_whole, MOST_SEEDS)(v) and 0 < len(v) == len(set(v)),
    "groups": lambda v: isinstance(v, list) and len(v) > 0,
    "protocol": lambda v: isinstance(v, dict),
    "statistics": lambda v: isinstance(v, dict),
    "hyperparams": _of_pair(lambda v: isinstance(v, dict) and plain(v)),
    "budget": _of_pair(lambda v: is_whole(v, 1, 10**13)),
    "zoo_budget": _of_pair(optional(lambda v: is_whole(v, 1, 10**13))),
    "provenance": _of_pair(is_text),
    "envs": dict_of(key=matches(NAME), test=lambda v: isinstance(v, dict) and set(v) <= {"kwargs", "max_episode_steps", "eval_episodes", "dataset"}
                    and plain(v) and ("dataset" not in v or not faults("dataset", v["dataset"], DATASET, set(DATASET)))
                    and optional(lambda k: isinstance(k, dict))(v.get("kwargs"))
                    and all(optional(lambda n: is_whole(n, 1, MOST_EPISODES))(v.get(k)) for k in ("max_episode_steps", "eval_episodes"))),
    "normalise": dict_of(lambda v: isinstance(v, dict) and set(v) <= {"random", "expert", "source"} and plain(v)
                         and all(optional(is_number)(v.get(k)) for k in ("random", "expert")) and optional(is_text)(v.get("source"))),
    "references": dict_of(list_of(lambda v: isinstance(v, dict) and plain(v) and is_text(v.get("label")) and is_number(v.get("score")))),
    "launcher": lambda v: isinstance(v, dict) and plain(v),
    "keep_models": one_of(True, False, "median"),
    "hash": is_hash,
    "command": optional(lambda v: is_text(v, 100_000)),
    "code": _of_pair(is_hash),
    "own": optional(lambda v: not faults("own", v, OWN, set(OWN) - {"places"})),
    "source": optional(lambda v: not faults("source", v, SOURCE, set())),
    "tuning": dict_of(key=matches(NAME), test=lambda v: not faults("tuning", v, TUNED, set(TUNED) - {"cost", "confirmed"})),
    "sequential": lambda v: not faults("sequential", v, SEQUENCE, set(SEQUENCE)),
    "claim": optional(lambda v: not faults("claim", v, {"name": matches(WORD), "hash": is_hash}, {"name", "hash"})),
}  # fmt: skip
REQUIRED = {"name", "seeds", "groups", "protocol", "statistics", "hyperparams", "budget", "envs", "hash"}
GROUP: dict[str, Test] = {"name": is_text, "algos": list_of(matches(NAME)), "envs": list_of(matches(NAME)),
                          "comparisons": list_of(list_of(matches(NAME), 2))}  # fmt: skip


def of_study(study: Any) -> list[str]:
    """What in study.yaml is not as a study has it. The words that stand for runs of other programs (protocol.words, seed_rule, is_foreign) are none of it."""
    if _more_than(study, MOST_VALUES):
        return [f"study.yaml: more than {MOST_VALUES:,} values"]
    found = faults("study.yaml", study, STUDY, REQUIRED)
    if found:
        return found
    found += faults("study.yaml: protocol", study["protocol"], PROTOCOL, set(PROTOCOL) - {"name", "measures", "mixed_budgets"})
    found += faults("study.yaml: statistics", study["statistics"], STATISTICS, set())
    names = []
    for group in study["groups"]:
        wrong = faults("study.yaml: a group", group, GROUP, set(GROUP))
        found += wrong
        names += [] if wrong else [anchor(group["name"])]
        found += [] if wrong else _of_group(group, study)
    resampled = (study["protocol"].get("eval_points"), study["statistics"].get("reps", 50_000))
    if all(map(is_whole, resampled)) and resampled[0] * resampled[1] > MOST_RESAMPLED:
        found.append(f"study.yaml: {resampled[1]:,} bootstrap repetitions of {resampled[0]:,} checkpoints: at most {MOST_RESAMPLED:,} values are resampled")
    for algo, how in (study.get("tuning") or {}).items():
        if {*how["seeds"], *(how.get("confirmed") or {"seeds": []})["seeds"]} & set(study["seeds"]):
            found.append(f"study.yaml: tuning of {algo}: a seed of it is among the study's, and a report says that none is")
    sequence = study.get("sequential")
    if sequence and study["seeds"] not in [sequence["maximum"][:k] for k in [*range(0, len(sequence["maximum"]), sequence["batch"]), len(sequence["maximum"])]]:
        found.append("study.yaml: its seeds are not the first batches of its sequence")
    return found if len(set(names)) == len(names) else [*found, "study.yaml: two groups have one name, but for capitals and punctuation"]


def demand(study: Study) -> None:
    """IntegrityError, one line, for the first thing in a study that is not as a study has it, before numbers are computed from it.

    Only verification asks that its words be printable: elsewhere they are shown as signs.
    """
    wrong = of_study(_printable(study.as_dict()))
    if wrong:
        raise IntegrityError(wrong[0])


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return "".join(c if unicodedata.category(c)[0] != "C" else "?" for c in value) if isinstance(value, str) else value


def _of_group(group: dict[str, Any], study: dict[str, Any]) -> Iterator[str]:
    where = f"study.yaml: group {group['name']}"
    for kind in ("algos", "envs"):
        if not group[kind] or len(set(group[kind])) < len(group[kind]):
            yield f"{where}: {kind} are none, or not each once"
    for pair in group["comparisons"]:
        if len(set(pair)) != 2 or not set(pair) <= set(group["algos"]):
            yield f"{where}: {' against '.join(pair)} is no comparison of two of its algorithms"
    if len({frozenset(pair) for pair in group["comparisons"]}) < len(group["comparisons"]):
        yield f"{where}: a comparison stands there twice, and would be corrected for twice"
    for algo in group["algos"]:
        for env in group["envs"]:
            known = {"hyperparams": (study["hyperparams"].get(algo) or {}).get(env), "budget": (study["budget"].get(env) or {}).get(algo),
                     "envs": study["envs"].get(env), "code": (study.get("code") or {algo: {env: ""}}).get(algo, {}).get(env)}
            yield from (f"study.yaml: no {key} of {algo} on {env}" for key, value in known.items() if value is None)
            episodes = (study["envs"].get(env) or {}).get("eval_episodes") or study["protocol"].get("eval_episodes")
            points = study["protocol"].get("eval_points")
            if is_whole(episodes) and is_whole(points) and episodes * points > 100 * MOST_EPISODES:
                yield f"study.yaml: {episodes * points:,} evaluation episodes a run on {env}"


def _more_than(value: Any, most: int) -> bool:
    """Whether a nested value has more parts than that; counted without recursion, and no further."""
    waiting, n = [value], 0
    while waiting:
        item = waiting.pop()
        n += 1
        if n > most:
            return True
        waiting += list(item.values()) if isinstance(item, dict) else item if isinstance(item, list) else []
    return False


# ------------------------------------------------------------------------------------------------------------------ records

_files = dict_of(is_hash, matches(WORD))
RECORD: dict[str, Test] = {
    "schema": one_of(BY_FILES, BY_ROWS),
    "model_seed": is_whole,
    "episode_seeds": list_of(is_whole, MOST_EPISODES),
    "error": one_of(None),
    "traceback": one_of(None),
    "actual_steps": is_whole,
    "unit": lambda v: is_text(v, 40),
    "lockstep": lambda v: is_whole(v, 1, MOST_SEEDS),
    "train_seconds": lambda v: is_number(v, 0),
    "eval_seconds": lambda v: is_number(v, 0),
    "steps_per_second": optional(lambda v: is_number(v, 0)),
    "weights_hash_start": is_hash,
    "weights_hash_end": is_hash,
    "diverged": one_of(True, False),
    "host": dict_of(lambda v: isinstance(v, SIMPLE) and plain(v) and len(str(v)) <= 200, matches(WORD)),
    "finished_at": matches(INSTANT),
    "files": _files,
}
OF_SOME: dict[str, Test] = {  # that went on from a checkpoint: at which steps, and why not exactly, or None
    "resumed": list_of(lambda v: isinstance(v, list) and len(v) == 2 and is_whole(v[0]) and optional(lambda why: is_text(why, 1000))(v[1]), 10_000),
}
OF_A_FAILURE: dict[str, Test] = {
    "schema": RECORD["schema"],
    "model_seed": optional(is_whole),
    "error": optional(lambda v: is_text(v, 10_000)),
    "traceback": optional(lambda v: is_text(v, 1_000_000, lines=True)),
    "host": optional(RECORD["host"]),
    "finished_at": matches(INSTANT),
    "files": _files,
}
SEALED_BEFORE: dict[str, Test] = {"schema": one_of(BY_FILES), "files": _files, "left_out": list_of(matches(WORD), 10), "seal": is_hash}
SEALED_BY_ROWS: dict[str, Test] = {
    "rows": dict_of(is_hash, one_of(*TABLES)),
    "left_out": dict_of(optional(is_hash), matches(WORD)),
    "sealed_before": lambda v: not faults("sealed_before", v, SEALED_BEFORE, {"schema", "files", "seal"}),
}


def of_run(run: Run, record: Any, where: str | None = None) -> list[str]:
    """What in a run's record is not of its form, or is not this run's. where: at which place it stands, in words."""
    where = where or f"run {run.id}/run.json"
    if not isinstance(record, dict):
        return [f"{where}: {shown(record)}, where a dictionary is expected"]
    if record.get("status") not in ("finished", "failed"):
        return [f"{where}: status is {shown(record.get('status'))}, where it is finished or failed"]
    is_finished, by_rows = record["status"] == "finished", record.get("schema") == BY_ROWS
    forms = RECORD if is_finished else OF_A_FAILURE
    required = set(forms) - (set() if is_finished else {"model_seed", "host", "error", "traceback"})
    if is_finished:
        forms = {**forms, **OF_SOME}
    if by_rows:
        forms, required = {**forms, **SEALED_BY_ROWS}, {*required, "rows"}
    found = faults(where, record, forms, required, others=True)
    if record.get("run_id") != run.id:
        found.append(f"{where}: run_id is {shown(record.get('run_id'))}")
    found += [f"{where}: {key} is not the plan's" for key in run.__dataclass_fields__ if not _equal(record.get(key), getattr(run, key))]
    if is_finished and not found:
        listed = [f"{name}.parquet" for name in record["rows"]] if by_rows else record["files"]
        found += [f"{where}: lists no {name}" for name in TABLE_FILES if name not in listed]
    return found


def _equal(a: Any, b: Any) -> bool:
    """Equal to the type: 1, 1.0 and True are three values."""
    return type(a) is type(b) and json.dumps(a, sort_keys=True, default=str) == json.dumps(b, sort_keys=True, default=str)


# ---------------------------------------------------------------------------------------------------------------- repro.json

MACHINE: dict[str, Test] = {"os": matches(WORD), "machine": matches(WORD), "vector_instructions": list_of(matches(WORD), 100)}
OPTIONS: dict[str, Test] = {key: one_of(True, False) for key in ("pdf", "parquet", "animations")}
PACKAGES: dict[str, Test] = {
    "python": matches(VERSION),
    "main": dict_of(matches(VERSION), one_of(*provenance.PACKAGES)),
    "installed": list_of(matches(re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,80}==[0-9A-Za-z][0-9A-Za-z.+!_-]{0,60}")), 20_000),
    "hash": is_hash,
}
RENDERING: dict[str, Test] = {
    "code": is_hash,
    "machine": lambda v: not faults("machine", v, MACHINE, set(MACHINE)),
    "packages": lambda v: not faults("packages", v, PACKAGES, set(PACKAGES)),
    "options": lambda v: not faults("options", v, OPTIONS, set(OPTIONS)),
    "deviations": dict_of(list_of(lambda v: is_text(v, 10_000))),
    "environments": dict_of(lambda v: not faults("environment", v, ENVIRONMENT, {"kwargs"})),
}
ENVIRONMENT: dict[str, Test] = {
    "kwargs": lambda v: isinstance(v, dict) and plain(v),
    "source": one_of("unknown here", provenance.OWN),
    "entry_point": matches(re.compile(r"[A-Za-z_][\w.]{0,200}:[A-Za-z_]\w{0,100}", re.ASCII)),
    "files": dict_of(is_hash, matches(WORD)),
    "note": is_text,
}


def of_rendering(rendering: Any) -> list[str]:
    """What in the part "rendering" of repro.json is not of its form, or contradicts itself."""
    found = faults("repro.json: rendering", rendering, RENDERING, set(RENDERING))
    if found:
        return found
    packages = rendering["packages"]
    installed = packages["installed"]
    if hashlib.sha256("\n".join(installed).encode()).hexdigest() != packages["hash"]:
        found.append("repro.json: rendering: the list of packages does not hash to its hash")
    versions = {line.partition("==")[0].lower().replace("_", "-"): line.partition("==")[2] for line in installed}
    found += [f"repro.json: rendering: {name} is {version} among the main packages, {versions.get(name, 'not there')} in the list of all"
              for name, version in packages["main"].items() if versions.get(name) != version]  # fmt: skip
    return found


def filled(rendering: dict[str, Any], study: Study) -> tuple[dict[str, Any], list[str]]:
    """The rendering with which the page is made again, and what in the record's is worded otherwise by this code.

    Versions, hashes and the machine are the record's (their forms were checked; nobody else can know them). Sentences are this program's own.
    """
    here = provenance.the_rendering(study)
    environments, other = {}, []
    for env, known in here["environments"].items():
        said = rendering["environments"].get(env) or {}
        taken = {key: said[key] for key in ("source", "entry_point", "files") if key in said}
        if "entry_point" in taken:
            taken["entry_point"] = known.get("entry_point", taken["entry_point"])
        environments[env] = {"kwargs": known["kwargs"], **taken, **({"note": known["note"]} if "note" in said and "note" in known else {})}
        if environments[env] != said:
            other.append(f"environment {env}")
    other += [f"environment {env}" for env in rendering["environments"] if env not in environments]
    other += ["known differences from Stable-Baselines3"] if rendering["deviations"] != here["deviations"] else []
    kept = {key: rendering[key] for key in ("code", "machine", "packages", "options")}
    return {**kept, "deviations": here["deviations"], "environments": environments}, other
