"""Who draws the trials, and who ends one early: Optuna's, each with every argument that it was given and that it takes by default.

Optuna 5 changed defaults: its TPE draws all hyper-parameters together (multivariate) and counts running trials as bad ones (constant_liar), where Optuna 4 did
neither. So a search says all of them, and the number of its version; `benchmarks.tuning.tuning.Tuning` keeps them.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import warnings
from typing import Any

import numpy as np

from benchmarks import UserError

SAMPLERS = {"tpe": "TPESampler", "random": "RandomSampler", "cmaes": "CmaEsSampler", "gp": "GPSampler", "qmc": "QMCSampler"}
PRUNERS = {"median": "MedianPruner", "halving": "SuccessiveHalvingPruner", "hyperband": "HyperbandPruner", "none": "NopPruner"}
DEPRECATED = ("consider_prior", "prior_weight", "consider_magic_clip", "consider_endpoints", "gamma", "weights", "warn_independent_sampling",
              "constraints_func")  # fmt: skip
PACKAGES = ("optuna", "cmaes", "torch", "numpy", "scipy", "stable-baselines3", "gymnasium")
GIVEN_APART = ("self", "args", "kwargs", "seed")


def optuna() -> Any:
    """The package. UserError, with the way out, where it is not installed."""
    try:
        import optuna
    except ImportError:
        raise UserError('tune needs Optuna: pip install "sb3-course[tune]"') from None
    if int(optuna.__version__.partition(".")[0]) < 5:
        raise UserError(f'tune needs Optuna 5, {optuna.__version__} is here: pip install "sb3-course[tune]"')
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def described_sampler(name: str, startup: int | None = None) -> dict[str, Any]:
    """{name, class, arguments}, arguments being all that decide what is drawn, given or default. startup: trials drawn at random at first."""
    described = _described(name, SAMPLERS, optuna().samplers, "--sampler")
    if startup is not None and "n_startup_trials" in described["arguments"]:
        described["arguments"]["n_startup_trials"] = startup
    if name == "cmaes":
        _need("cmaes", "--sampler cmaes")
        described["arguments"]["warn_independent_sampling"] = False  # choices are drawn at random: docs/tuning.md says it
    if name in ("gp", "qmc"):
        described["arguments"]["warn_independent_sampling"] = False
    if name == "qmc":
        described["arguments"] |= {"scramble": True, "warn_asynchronous_seeding": False}
    return described


def described_pruner(name: str, startup: int | None, eval_points: int) -> dict[str, Any]:
    """The same of a pruner. A step of it is an evaluation, 1 to eval_points."""
    described = _described(name, PRUNERS, optuna().pruners, "--pruner")
    arguments = described["arguments"]
    if name == "median":
        arguments |= {"n_startup_trials": 5 if startup is None else startup, "n_warmup_steps": 1}  # evaluations are numbered from 1: each is judged
    if name == "halving":
        arguments |= {"min_resource": 1, "reduction_factor": 2}
    if name == "hyperband":
        arguments |= {"max_resource": eval_points}
    return described


def _described(name: str, known: dict[str, str], module: Any, flag: str) -> dict[str, Any]:
    if name not in known:
        raise UserError(f"{flag} {name}: one of {', '.join(known)}")
    parameters = inspect.signature(getattr(module, known[name]).__init__).parameters
    return {"name": name, "class": known[name], "arguments": {key: p.default for key, p in parameters.items() if key not in (*DEPRECATED, *GIVEN_APART)}}


def _need(package: str, what: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise UserError(f'{what} needs {package}: pip install "sb3-course[tune]"')


def sampler(described: dict[str, Any], seed: int, n_trials: int) -> Any:
    """The sampler for the next trial. Its random numbers follow from the search's seed and from how many trials there are, so a search that was stopped draws
    what it would have drawn; its memory is the journal."""
    own = int(np.random.SeedSequence([seed, n_trials]).generate_state(1)[0] >> 1)
    if described["name"] == "qmc":  # a sequence of its own: which member is next, the journal says
        own = int(np.random.SeedSequence([seed]).generate_state(1)[0] >> 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some are experimental is in the documentation
        return getattr(optuna().samplers, SAMPLERS[described["name"]])(**described["arguments"], seed=own)


def pruner(described: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(optuna().pruners, PRUNERS[described["name"]])(**described["arguments"])


def versions() -> dict[str, str]:
    """Of the packages that can change a trial."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


