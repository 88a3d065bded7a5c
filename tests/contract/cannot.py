"""What an algorithm cannot do, and why."""

from __future__ import annotations

from from_scratch.registry import ENTRIES, Entry


def cannot(entry: Entry) -> dict[str, str]:
    return CANNOT.get(entry.id, {})


ALIKE = "it plans without random numbers"
ONE_ENV = "an update is of one step of one seed, and its compiled loop plays one environment each"
CANNOT: dict[str, dict[str, str]] = {
    "random": {
        "deterministic": "it draws whether or not it is asked to be deterministic",
        **dict.fromkeys(("learns", "learns on", "seeds"), "there is nothing to learn"),
    },
    "linear_programming": {"learns on": "the first step solves the program"},
    "uniform_updates": {"seeds": ALIKE},
    **{
        id: {"seeds": ALIKE}
        for id in ("value_iteration", "policy_iteration", "policy_evaluation", "modified_policy_iteration", "gauss_seidel_value_iteration",
                   "prioritised_value_iteration", "linear_programming")
    },  # fmt: skip
    **{entry.id: {"n_envs": ONE_ENV} for entry in ENTRIES.values() if entry.learns == "linear"},
}
CANNOT["linear_programming"]["learns on"] = "the first step solves the program"


def loop_of(entry: Entry) -> str:
    if hasattr(entry, "loop"):
        return entry.loop
    names = [base.__name__ for base in entry.load().__mro__]
    if entry.unit == "backups":
        return "planning"
    if entry.learns == "–":
        return "none"
    return next((loop for base, loop in {"OnPolicy": "on_policy", "OffPolicy": "replay", "Episodic": "episodes"}.items() if base in names), "stepwise")
