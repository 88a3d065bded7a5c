"""Chapter 12: λ-returns and eligibility traces on the random walk of 19 states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.textbook.episodes import Errors, sweep
from benchmarks.textbook.figure import Context, Number, Outcome, figure
from benchmarks.textbook.temporal_difference import STEP_SIZES, by_step_size, least, truth

LAMBDAS = (0.0, 0.4, 0.8, 0.9, 0.95, 0.975, 0.99, 1.0)


def errors_of(context: Context, id: str, alphas: np.ndarray, lambdas: Sequence[float] = LAMBDAS) -> dict[float, np.ndarray]:
    """The error of V over the first 10 episodes, [step sizes, runs], for each λ; 100 runs."""
    errors = {}
    for lambda_ in context.progress(lambdas, "λ ="):
        recorder = Errors(10, truth(n_states=19, left=-1.0))
        errors[lambda_] = sweep(recorder, id, "from_scratch/RandomWalk19-v0", alphas, context.runs(100), lambda_=lambda_, gamma=1.0).mean(-1)
    return errors


def outcome(alphas: np.ndarray, errors: dict[float, np.ndarray], expected: dict[float, tuple[str, float | None]], *more: Number) -> Outcome:
    numbers = [least(f"λ = {lambda_:g}", alphas, errors[lambda_], value, alpha) for lambda_, (value, alpha) in expected.items()]
    curves = {f"λ = {lambda_:g}": values for lambda_, values in errors.items()}
    return Outcome([*numbers, *more], lambda canvas: by_step_size(canvas, alphas, curves))


@figure("12.3", title="The off-line λ-return algorithm", cost="50 s")
def offline(context: Context) -> Outcome:
    errors = errors_of(context, "offline_lambda_return", STEP_SIZES)
    expected: dict[float, tuple[str, float | None]] = {
        0.8: ("0.265", 0.4), 0.9: ("0.286", None), 0.4: ("0.292", None), 0.0: ("0.368", None), 1.0: ("0.512", None),
    }  # fmt: skip
    return outcome(STEP_SIZES, errors, expected)


# With large λ and α accumulating traces diverge, and the best step sizes are small.
FINE = np.array([0.005, 0.01, 0.02, 0.03, *STEP_SIZES])


@figure("12.6", title="TD(λ) with accumulating traces", cost="50 s")
def accumulating(context: Context) -> Outcome:
    errors = errors_of(context, "td_lambda", FINE)
    expected: dict[float, tuple[str, float | None]] = {0.8: ("0.265", 0.3), 0.4: ("0.275", None), 0.0: ("0.346", None), 1.0: ("0.501", 0.01)}
    at_one = errors[1.0][-1]
    diverged = 100.0 * float(np.mean(~(at_one < 1000)))  # NaN too
    return outcome(FINE, errors, expected, Number("λ = 1, α = 1: runs that diverge (error above 1000)", diverged, "100", unit="%", source="book",
                                                  runs=len(at_one)))  # fmt: skip


@figure("12.8", title="True online TD(λ)", cost="1 min")
def true_online(context: Context) -> Outcome:
    errors = errors_of(context, "true_online_td_lambda", FINE)
    expected: dict[float, tuple[str, float | None]] = {0.8: ("0.257", 0.4), 0.4: ("0.275", None), 0.9: ("0.279", None), 1.0: ("0.490", None)}
    more = []
    for lambda_, of_traces in errors_of(context, "td_lambda", FINE, (0.4, 0.8, 1.0)).items():  # on the same walks
        ours, theirs = (values[np.nanargmin(values.mean(1))] for values in (errors[lambda_], of_traces))
        more.append(Number.of(f"λ = {lambda_:g}: least error, less that of TD(λ)", ours - theirs, "0.000", relation="≤"))
    return outcome(FINE, errors, expected, *more)
