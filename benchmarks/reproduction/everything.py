"""Level 4: the whole study is run again, in a folder that holds nothing else, and old and new are compared run by run."""

from __future__ import annotations

import hmac
import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from benchmarks import IntegrityError, UserError
from benchmarks.evidence.analysis import analyse
from benchmarks.report import against
from benchmarks.reproduction.data_sets import data_sets
from benchmarks.reproduction.findings import Finding, Misuse, Show, dictionary_at
from benchmarks.reproduction.sample import apart_in, changed_in
from benchmarks.running import carry_out, launchers
from benchmarks.store.files import write_whole
from benchmarks.store.store import Store
from benchmarks.studies import plan, provenance
from benchmarks.studies.plan import Run
from benchmarks.studies.study import Study

LOCKSTEP = 10  # seeds that are trained in one process at most


class Made:
    """Which runs of a folder this verification made itself: those with a mark that nobody can make without its secret."""

    def __init__(self, store: Store, secret: str):
        self.store, self.secret, self.path = store, secret.encode(), store.path / ".made-here.json"
        self.marks = {key: value for key, value in dictionary_at(self.path).items() if isinstance(value, str)}

    def _mark(self, run_id: str) -> str:
        record = self.store.record(run_id)
        return hmac.new(self.secret, f"{run_id} {record['seal']}".encode(), "sha256").hexdigest() if record else ""

    def __contains__(self, run_id: str) -> bool:
        try:
            return hmac.compare_digest(self.marks.get(run_id, "").encode(), self._mark(run_id).encode() or b"none")
        except IntegrityError:
            return False

    def enter(self, run_ids: list[str]) -> None:
        """Mark runs that have just been made, in a folder that held no others."""
        new = {run_id: self._mark(run_id) for run_id in run_ids if run_id not in self.marks and self.store.record(run_id)}
        if new:
            self.marks |= new
            write_whole(self.path, json.dumps(self.marks, indent=1))


class Marking(carry_out.Reporter):
    """Marks every run as made here as soon as it is."""

    def __init__(self, made: Made, planned: list[str], show: Show):
        self.made, self.names, self.show, self.done = made, planned, show, 0

    @contextmanager
    def training(self) -> Iterator[Show]:
        yield self._entering
        self.made.enter(self.names)

    def _entering(self, progress: launchers.Progress) -> None:
        if progress.done_runs > self.done:
            self.done = progress.done_runs
            self.made.enter(self.names)
        self.show(progress)


def everything(store: Store, out: Path | None, secret: str | None, workers: int, show: Show) -> Iterator[Finding]:
    study = store.study()
    found, absent = data_sets(4, study, study.envs)
    yield from found
    if absent:
        yield Finding(4, "runs", "unverified", f"not run again: the data set of {', '.join(sorted(absent))} is not here")
        return
    launcher = {"name": "local", "jobs": workers, "attempts": 2, "lockstep_seeds": LOCKSTEP}
    again = plan.pinned(study, source=provenance.source(), keep_models=False, launcher=launcher)
    with nullcontext(out) if out else tempfile.TemporaryDirectory() as place:
        other = Store(place)
        with _locked(other):
            planned = plan.runs_by_id(run for _, run in plan.plan(again))
            made = _only_ours(other, planned, secret)
            kept = sum(run_id in made for run_id in planned)
            carry_out.train(carry_out.to_do(again, other), other, Marking(made, list(planned), show))
        runs = other.runs()
        failed = runs[runs["status"] != "finished"].drop_duplicates("run_id")
        if len(failed):
            row = failed.iloc[0]
            raise IntegrityError(f"{len(failed)} of the runs that finished there do not finish here, such as {row.run_id}: {row.error or row.status}")
        before = f", {kept} of them before it was interrupted" if kept else ""
        yield Finding(4, "runs", "pass", f"{len(planned)} runs made by this verification{before}, and no other used")
        yield from _old_against_new(store, other, study, again)


@contextmanager
def _locked(other: Store) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(other.lock())
        except (UserError, OSError) as error:
            raise Misuse(f"--out {other.path}: {error}") from None
        yield


def _only_ours(other: Store, planned: dict[str, Run], secret: str | None) -> Made:
    """The marks of a folder in which no run is left that this verification did not make. Misuse where it cannot be told, or holds another study's."""
    there = [path.name for path in other.runs_path.iterdir() if not path.name.startswith(".")] if other.runs_path.is_dir() else []
    made = Made(other, secret or secrets.token_hex(16))
    if not there:
        made.marks = {}
        return made
    if secret is None:
        raise Misuse(f"--out {other.path}: it holds runs that this verification did not make, which prove nothing: remove it, choose another, "
                     "or give the --secret that the interrupted verification printed")  # fmt: skip
    ours = [name for name in there if name in made]
    if not ours:
        raise Misuse(f"--out {other.path}: none of its {len(there)} runs was made by the verification of this --secret")
    if not set(ours) <= set(planned):
        raise Misuse(f"--out {other.path}: it holds runs of other code or of another study: remove it, or choose another")
    for name in set(there) - set(ours):  # such as one that was finished, but not marked any more, when it was interrupted
        other.quarantine(name)
    made.marks = {name: made.marks[name] for name in ours}
    return made


def _old_against_new(store: Store, other: Store, study: Study, again: Study) -> Iterator[Finding]:
    """Algorithm by algorithm: passed where every run is the same; where code or machine differ, the statistics of two studies are said, not passed."""
    plans = [{(run.algo, run.env, run.seed): run for _, run in plan.plan(s)} for s in (study, again)]
    apart, changed = {}, {}
    for key, run in plans[0].items():
        if store.status(run)[0] == "finished":
            apart[key] = apart_in(store, run, other, plans[1][key])
            changed[key] = changed_in(store.record(run.id) or {}, other.record(plans[1][key].id) or {}, run, plans[1][key])
    old, new = (analyse(s.study(), s.runs(), s.curves(), allow_partial=True) for s in (store, other))
    for pair in against.pairs(old, new):
        keys = [key for key in apart if key[0] == pair.algo and key[1] in pair.envs]
        different = [key for key in keys if apart[key]]
        name = f"{pair.algo} on {', '.join(pair.envs)}"
        same = f"{len(keys) - len(different)} of {len(keys)} seeds end with the same weights and scores"
        if keys and not different:
            yield Finding(4, name, "pass", same)
            continue
        first = different[0] if different else None
        here = [key for key in different if not changed[key]]
        if first is None:
            yield Finding(4, name, "fail", "no seed of both has finished")
        elif here:
            yield Finding(4, name, "fail", f"{same}, by the same code on the same kind of machine; seed {here[0][2]} on {here[0][1]}: {apart[here[0]]}")
        elif pair.test.tier in ("C", "identical"):
            why = "; ".join(changed[first])
            yield Finding(4, name, "unverified", f"{same} ({why}), so the stored runs were not verified. As two samples: {pair.sentence}")
        else:
            yield Finding(4, name, "fail", f"{same}; {pair.sentence}")
