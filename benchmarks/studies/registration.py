"""One digest of what a study asks and how it will be judged, to be posted before anything runs: sb3-course register.

It covers all of the resolved study that decides a number or a verdict, and the code version of every algorithm on every task (its own sources, those that
measure, and the packages that can change a run). Afterwards `sb3-course reproduce --registered DIGEST` tells whether the study is the one that was posted.
"""

from __future__ import annotations

from typing import Any

from benchmarks import IntegrityError
from benchmarks.studies.plan import code_of
from benchmarks.studies.study import NOT_HASHED, Study, digest

COVERS = ("name and question, algorithms, tasks and comparisons, seeds, budgets, hyper-parameters, environments, evaluation protocol, margin and statistics, "
          "reference scores, declared tuning, code versions")  # fmt: skip


def content(study: Study) -> dict[str, Any]:
    """What the digest is of. A sequential study registers its maximum of seeds and its rule: which seeds that comes to is known only afterwards."""
    asked = {key: value for key, value in study.as_dict().items() if key not in NOT_HASHED}
    if study.sequential:
        asked["seeds"] = study.sequential["maximum"]
    return {"study": asked, "code": code_of(study)}


def digest_of(study: Study) -> str:
    """64 hexadecimal digits; IntegrityError where the study holds what has no canonical form."""
    try:
        return digest(content(study))
    except (TypeError, ValueError) as error:
        raise IntegrityError(f"the study cannot be registered: {str(error).splitlines()[0]}") from None


def described(study: Study) -> list[tuple[str, str]]:
    """The main points that the digest covers, to be read and posted beside it."""
    seeds, how = study.sequential["maximum"] if study.sequential else study.seeds, study.statistics or {}
    rows = [("question", str(study.question))]
    for group in study.groups:
        pairs = ", ".join(" against ".join(pair) for pair in group["comparisons"])
        rows.append((f"group {group['name']}", f"{', '.join(group['algos'])} on {', '.join(group['envs'])}; {pairs or 'no comparison'}"))
    budgets = {env: ", ".join(f"{algo} {steps:,}" for algo, steps in of_algo.items()) for env, of_algo in study.budget.items()}
    rows.append(("budgets", "; ".join(f"{env}: {words}" for env, words in budgets.items())))
    rows.append(("seeds", f"{len(seeds)}{' at most, in batches' if study.sequential else ''}: {', '.join(map(str, seeds))}"))
    rows.append(("statistics", ", ".join(f"{key} {value}" for key, value in how.items())))
    scales = [f"{env} {scale.get('random')} to {scale.get('expert')}" for env, scale in (study.normalise or {}).items()]
    rows.append(("references", ", ".join(scales) or "none"))
    rows.append(("code", digest(content(study)["code"])[:16]))
    return rows
