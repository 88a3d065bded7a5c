"""Workers that search, over Optuna's journal: one file to which every process appends, so that whatever is killed, what was told stays told.

One command at a time conducts a folder; its workers are processes of one thread each that end with it. A worker claims a trial (draws it, and says that it
is running), trains it, and tells its score. What a killed worker leaves is seen by the conductor, or by the next command: that trial has failed, and its
setting is drawn again, at most ATTEMPTS times if it was the worker itself that died. A Python error, or a score that is no number, is the trial's result.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import HarnessError, UserError, first_line
from benchmarks.running.launchers import die_with_parent, one_thread
from benchmarks.tuning import record, samplers, scores, trial, tuning
from benchmarks.tuning import space as spaces
from benchmarks.tuning.record import Confirmed, Record
from benchmarks.tuning.tuning import CONFIRMING_SEEDS, Tuning

JOURNAL = "journal.log"
ATTEMPTS = 3  # at a setting whose worker dies, as of a study's runs
MOST_TRACEBACK = 20_000  # characters
POLL = 0.5  # seconds between two looks at the journal


class Told:
    """What is said while a search goes on; each does nothing here."""

    def begun(self, folder: Path, asked: Tuning, found: Record, n_trials: int, jobs: int) -> None: ...

    def finished(self, one: dict[str, Any], found: Record) -> None: ...

    def died(self, number: int | None, exit_code: int | None) -> None: ...

    def confirmed(self, number: int, how: Confirmed) -> None: ...


def search(folder: Path, asked: Tuning, n_trials: int, jobs: int = 1, confirm: int = 0, confirm_seeds: int = 10, told: Told | None = None) -> Record:
    """Search until n_trials trials are finished in the folder, those of earlier commands among them, then train the best `confirm` on fresh seeds.

    jobs: processes; 0 searches in this one. UserError where the folder is of another search, or where another command searches in it.
    """
    told = told or Told()
    if n_trials < 1 or confirm < 0 or confirm_seeds < 1 or jobs < 0:
        raise UserError(f"trials={n_trials}, jobs={jobs}, confirm={confirm}, confirm-seeds={confirm_seeds}: give whole numbers of at least 1")
    known = tuning.refuse_another(folder, asked)
    with locked(folder):
        asked = known if known.command else asked
        if not (folder / tuning.FILE).exists():
            asked.save(folder)
        mend(folder / JOURNAL)
        study = opened(folder, asked)
        sweep(study)
        if not study.get_trials(deepcopy=False):
            _begin(study, asked)
        found = record.write(folder, study)
        told.begun(folder, asked, found, n_trials, jobs)
        try:
            _conduct(folder, study, jobs, _search, (n_trials,), told)
            if confirm:
                numbers = record.read(folder).candidates(confirm)
                _conduct(folder, study, jobs, _confirm, (numbers, confirm_seeds), told)
        finally:
            sweep(study)
            found = record.write(folder, study)
        return found


# --- the journal


def opened(folder: Path, asked: Tuning) -> Any:
    """Optuna's study in the folder's journal, made if it is not there."""
    optuna = samplers.optuna()
    backend = optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL))
    return optuna.create_study(storage=optuna.storages.JournalStorage(backend), study_name=f"{asked.algo} on {asked.env}", direction="maximize",
                               load_if_exists=True, sampler=samplers.sampler(asked.sampler, asked.seed, 0), pruner=samplers.pruner(asked.pruner))  # fmt: skip


def mend(journal: Path) -> None:
    """Drop what a process that was killed left at the journal's end: half a line, which Optuna could not read past, and its lock. Nobody else writes now."""
    Path(f"{journal}.lock").unlink(missing_ok=True)
    if not journal.exists():
        return
    with journal.open("r+b") as file:
        text = file.read()
        if text and not text.endswith(b"\n"):
            file.truncate(text.rfind(b"\n") + 1)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One command at a time conducts a folder. UserError for another one."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise UserError(f"{folder}: another command tunes there now. Wait for it, or give it more processes with --jobs") from None


def _begin(study: Any, asked: Tuning) -> None:
    """Say in the journal what is searched, and let the settings that are tuned from be trial 0."""
    for name, value in (("sampler", asked.sampler), ("pruner", asked.pruner), ("seeds", asked.seeds), ("steps", asked.steps), ("code", asked.code)):
        study.set_user_attr(name, value)
    drawn, differing = spaces.default_draw(asked.drawn_from, asked.base, asked.algo)
    study.enqueue_trial(drawn, user_attrs={"default": True, "nearest": differing})


def distributions(asked: Tuning) -> dict[str, Any]:
    """What is drawn, as Optuna names it."""
    kinds = samplers.optuna().distributions
    made = {"float": kinds.FloatDistribution, "int": kinds.IntDistribution, "categorical": kinds.CategoricalDistribution}
    found = {}
    for parameter in asked.drawn_from:
        if parameter.is_drawn:
            said = parameter.distribution()
            found[parameter.name] = made[said.pop("kind")](**said)
    return found


def sweep(study: Any, worker: int | None = None) -> list[int]:
    """Trials that say they are running, of this worker or of all, have failed: nobody trains them. Their settings are drawn again; their numbers.

    Of a worker that died the attempt counts; of a search that was stopped it does not. With a worker: the caller keeps others from claiming meanwhile.
    """
    optuna = samplers.optuna()
    swept = []
    for frozen in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        said = frozen.user_attrs
        if worker is not None and said.get("worker", worker) != worker:
            continue
        attempt = said.get("attempt", 1)
        gives_up = worker is not None and attempt >= ATTEMPTS
        live = optuna.trial.Trial(study, frozen._trial_id)
        why = "its process died" if worker is not None else "its search was stopped"
        live.set_user_attr("error", f"{why}, {ATTEMPTS} times" if gives_up else why)
        live.set_user_attr("killed", not gives_up)
        drawn = frozen.system_attrs.get("fixed_params") or frozen.params
        if drawn and not gives_up:
            kept = {key: said[key] for key in ("default", "nearest") if key in said}
            study.enqueue_trial(drawn, user_attrs={**kept, "retry_of": frozen.number, "attempt": attempt + (worker is not None)})
        study.tell(frozen.number, state=optuna.trial.TrialState.FAIL)  # last, so that whoever is killed before tries it twice rather than never
        swept.append(frozen.number)
    return swept


# --- conducting


def _conduct(folder: Path, study: Any, jobs: int, task: Callable[..., None], given: tuple, told: Told) -> None:
    """Let workers carry out a task, tell what comes of it, and replace those that die."""
    teller = _Teller(folder, study, told)
    if jobs == 0:
        task(folder, 0, 1, *given)
        teller.look()
        return
    context = multiprocessing.get_context("spawn")

    def start(k: int) -> Any:
        process = context.Process(target=_worker, args=(task, folder, k, jobs, given), daemon=True)
        process.start()
        return process

    crew = {k: start(k) for k in range(jobs)}
    try:
        while crew:
            multiprocessing.connection.wait([process.sentinel for process in crew.values()], timeout=POLL)
            teller.look()
            for k, process in list(crew.items()):
                if process.is_alive():
                    continue
                process.join()
                del crew[k]
                if process.exitcode:
                    with _claiming(folder):
                        swept = sweep(study, process.pid)
                    told.died(swept[0] if swept else None, process.exitcode)
                    if not swept:
                        raise HarnessError(f"a worker ended with code {process.exitcode} and had no trial: nothing can be trained here (sb3-course doctor)")
                    crew[k] = start(k)
        teller.look()
    finally:
        for process in crew.values():
            process.terminate()
        for process in crew.values():
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()
        mend(folder / JOURNAL)


class _Teller:
    """Says once what was not said before, and keeps trials.json at what the journal says."""

    def __init__(self, folder: Path, study: Any, told: Told):
        self.folder, self.study, self.told = folder, study, told
        self.seen = {one["number"] for one in record.of(study).trials if one["state"] in record.FINISHED}
        self.confirmed = set(record.of(study).confirmed)

    def look(self) -> None:
        found = record.of(self.study)
        new = [one for one in found.trials if one["state"] in record.FINISHED and one["number"] not in self.seen]
        fresh = [number for number in found.confirmed if number not in self.confirmed]
        if new or fresh:
            record.write(self.folder, self.study)
        for one in new:
            self.seen.add(one["number"])
            self.told.finished(one, found)
        for number in fresh:
            self.confirmed.add(number)
            self.told.confirmed(number, found.confirmed[number])


# --- workers


def _worker(task: Callable[..., None], folder: Path, k: int, jobs: int, given: tuple) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the conductor's affair
    die_with_parent()
    one_thread()
    task(folder, k, jobs, *given)


def _search(folder: Path, k: int, jobs: int, n_trials: int) -> None:
    asked = tuning.read(folder)
    study = opened(folder, asked)
    while (live := _claimed(folder, study, asked, n_trials)) is not None:
        _carry_out(study, asked, live)


def _claiming(folder: Path) -> Any:
    from filelock import FileLock

    return FileLock(folder / ".claim")


def _claimed(folder: Path, study: Any, asked: Tuning, n_trials: int) -> Any:
    """The next trial, drawn and said to be running; None when there are enough. One worker at a time claims: so there is never one too many."""
    with _claiming(folder):
        trials = study.get_trials(deepcopy=False)
        if sum(not one.user_attrs.get("killed") and one.state.name != "WAITING" for one in trials) >= n_trials:
            return None
        study.sampler = samplers.sampler(asked.sampler, asked.seed, len(trials))
        live = study.ask(distributions(asked))
        live.set_user_attr("worker", os.getpid())
        return live


def _carry_out(study: Any, asked: Tuning, live: Any) -> None:
    """Train a trial, and tell what came of it."""
    state = samplers.optuna().trial.TrialState
    settings = dict(asked.base) if live.user_attrs.get("default") else spaces.settings(asked.drawn_from, live.params, asked.base)
    for name, value in (("settings", settings), ("code", asked.code), ("versions", samplers.versions())):
        live.set_user_attr(name, value)
    outcome, failure = trial.Outcome(), None

    def stop(number: int, score: float) -> bool:
        live.report(score, number)
        return bool(live.should_prune())

    try:
        trial.train([asked.run(settings, seed) for seed in asked.seeds], outcome, stop)
    except Exception as error:
        kind, said = type(error).__name__, first_line(error)
        failure = kind if said == kind else f"{kind}: {said}"
        live.set_user_attr("error", failure)
        live.set_user_attr("traceback", traceback.format_exc()[-MOST_TRACEBACK:])
    live.set_user_attr("outcome", {"curve": {str(step): of_seeds for step, of_seeds in outcome.curve.items()}, "pruned_at": outcome.pruned_at,
                                   "steps": outcome.steps, "eval_steps": outcome.eval_steps, "seconds": round(outcome.seconds, 3)})  # fmt: skip
    if failure:
        study.tell(live, state=state.FAIL)
    elif outcome.pruned_at is not None:
        study.tell(live, state=state.PRUNED)
    else:
        study.tell(live, scores.iqm(scores.by_seed(outcome.curve, asked.last, len(asked.seeds))))


def _confirm(folder: Path, k: int, jobs: int, numbers: Sequence[int], n_seeds: int) -> None:
    """This worker's share of the trials whose settings are trained again, on seeds that no trial had."""
    asked = tuning.read(folder)
    study = opened(folder, asked)
    found = record.of(study)
    seeds = list(range(CONFIRMING_SEEDS, CONFIRMING_SEEDS + n_seeds))
    for number in list(numbers)[k::jobs]:
        known = found.confirmed.get(number)
        if known and (known.get("error") or known["seeds"] == seeds):
            continue
        outcome = trial.Outcome()
        said: dict[str, Any]
        try:
            trial.train([asked.run(found.trial(number)["settings"], seed) for seed in seeds], outcome)
            said = {"scores": scores.by_seed(outcome.curve, asked.last, len(seeds))}
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {first_line(error)}", "scores": []}
        cost = {"steps": outcome.steps, "eval_steps": outcome.eval_steps, "seconds": round(outcome.seconds, 3)}
        study.set_user_attr(f"{record.CONFIRMED}{number}", {"seeds": seeds, **said, **cost})
