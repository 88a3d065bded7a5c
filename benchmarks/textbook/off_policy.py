"""Chapter 11: Baird's counterexample."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.textbook.changes import load
from benchmarks.textbook.figure import Context, Number, Outcome, curve, figure
from from_scratch.core.exact.linear import LinearSystem
from from_scratch.core.exact.mdp import model_of
from from_scratch.core.linear.features import Tabulated
from from_scratch.envs import Baird
from from_scratch.envs.vector import vectorised

STEPS = 1000
NOTHING = np.zeros(8)  # v before learning
WEIGHTS = tuple(f"w{k}" for k in "₁₂₃₄₅₆₇₈")


def system() -> LinearSystem:
    env = Baird()
    return LinearSystem(model_of(env), env.features, env.pi, env.gamma, env.behaviour)


def sampled(algorithm: str, seeds: range, alpha: float, **more: Any) -> np.ndarray:
    """w of every seed after each of STEPS steps, [S, STEPS + 1, 8], from the book's first weights."""
    model = load(algorithm)(
        "LinearPolicy", vectorised(Baird), seeds=seeds, gamma=Baird.gamma, learning_rate=alpha, pi=Baird.pi, behaviour=Baird.behaviour,
        features=Tabulated, features_kwargs={"table": Baird.features}, **more,
    )  # fmt: skip
    model.w[:] = Baird.first_weights
    path = []

    def watch(local: Any, _: Any) -> bool:
        path.append(model.w.copy())  # called between a step and what is learnt from it
        return True

    model.learn(STEPS, callback=watch)
    return np.stack([*path, model.w.copy()], axis=1)


def expected(step: Any) -> np.ndarray:
    """w in expectation after each of STEPS updates, [STEPS + 1, 8]; `step` takes the state (w, …) to the next."""
    state, path = (Baird.first_weights.copy(),), []
    for _ in range(STEPS + 1):
        path.append(state[0])
        state = step(*state)
    return np.array(path)


def weights(ax: Any, path: np.ndarray, title: str, **limits: Any) -> None:
    t = np.arange(path.shape[-2])
    for name, k, colour in ((f"{WEIGHTS[0]} … {WEIGHTS[5]}", 0, 0), (WEIGHTS[6], 6, 1), (WEIGHTS[7], 7, 2)):
        curve(ax, t, path[..., k], name, colour)
    ax.set(title=title, xlabel="updates", **limits)


@figure("11.2", title="Baird's counterexample: semi-gradient methods diverge", cost="5 s")
def divergence(context: Context) -> Outcome:
    exact = system()
    path = expected(lambda w: (exact.td_step(w, 0.01),))
    runs = sampled("semi_gradient_td", context.seeds(100), 0.01)
    errors = np.array([exact.value_error(w) for w in path])
    last = runs[:, -1]
    middle = np.quantile(last[:, 7], 0.5)
    spread = np.median(np.abs(last[:, 7] - middle)) * 1.4826 * np.sqrt(np.pi / 2 / len(last))  # a median's standard error, near enough

    def draw(canvas: Any) -> None:
        left, right = canvas.subplots(1, 2, sharey=True)
        weights(left, runs[:1], "semi-gradient TD, one run")
        weights(right, path, "dynamic programming")
        left.set_ylabel("weight")
        right.legend()

    return Outcome(
        [
            Number("DP, w₁ … w₆ after 1000 sweeps", path[1000, 0], "114.4", source="exact"),
            Number("DP, w₇", path[1000, 6], "6.9", source="exact"),
            Number("DP, w₈", path[1000, 7], "335", source="exact"),
            Number("DP, √VE after 1000 sweeps", errors[1000], "581", source="exact"),
            Number("DP, √VE after 500 sweeps", errors[500], "135", source="exact"),
            Number("DP, √VE after 100 sweeps", errors[100], ("19.5", "19.6"), source="exact"),
            Number("semi-gradient TD, median of w₈ after 1000 steps", middle, "340", se=float(spread), runs=len(last)),
        ],
        draw,
        notes=(f"α = 0.01. The error after 100 sweeps is {errors[100]:.4f}; the 19.6 that is expected for it seems to have been rounded twice.",),
        size=(8.0, 3.8),
    )


@figure("11.5", title="TDC and GTD2 on Baird's counterexample", cost="5 s", aliases=("11.6tdc",))
def gradient_td(context: Context) -> Outcome:
    exact = system()
    paths = {
        "TDC": expected(lambda w, v=NOTHING: exact.tdc_step(w, v, 0.005, 0.05)),
        "GTD2": expected(lambda w, v=NOTHING: exact.gtd2_step(w, v, 0.005, 0.05)),
    }
    projected = {name: np.array([exact.projected_bellman_error(w) for w in path]) for name, path in paths.items()}
    value = {name: np.array([exact.value_error(w) for w in path]) for name, path in paths.items()}
    runs = {name: sampled(name.lower(), context.seeds(30), 0.005, beta=0.05) for name in paths}

    def draw(canvas: Any) -> None:
        axes = canvas.subplots(2, 2, sharex=True, sharey=True)
        for row, name in enumerate(paths):
            weights(axes[row, 0], runs[name][:1], f"{name}, one run", ylim=(-4, 12))
            weights(axes[row, 1], paths[name], f"{name}, in expectation")
            curve(axes[row, 1], np.arange(STEPS + 1), projected[name], "√PBE", 3, linestyle="--")
            curve(axes[row, 1], np.arange(STEPS + 1), value[name], "√VE", 4, linestyle=":")
        axes[0, 1].legend(ncols=2)

    pbe, ve, w = projected["TDC"], value["TDC"], paths["TDC"]
    sampled_errors = [exact.projected_bellman_error(w) for w in runs["TDC"][:, -1]]
    return Outcome(
        [
            Number("TDC, √PBE after the first update", pbe[1], "8.23", source="exact", note=f"{pbe[0]:.2f} before it"),
            Number("TDC, √PBE after 100", pbe[100], "2.78", source="exact"),
            Number("TDC, √PBE after 200", pbe[200], ".65", source="exact"),
            Number("TDC, √PBE after 1000", pbe[1000], ".007", source="exact"),
            Number("TDC, √VE after 1000", ve[1000], "1.94", source="exact"),
            Number("TDC, w₈ after 1000", w[1000, 7], "-2.34", source="exact"),
            Number("TDC, w₇ after 1000", w[1000, 6], "6.63", source="exact"),
            Number("GTD2, √PBE after 1000", projected["GTD2"][1000], ".007", source="exact"),
            Number("GTD2, √VE after 1000", value["GTD2"][1000], "1.94", source="exact"),
            Number.of("TDC, √PBE after 1000 sampled steps", sampled_errors, "8.22", source="book", relation="<"),
        ],
        draw,
        notes=("α = 0.005, β = 0.05. The projected error goes to 0, the value error does not: the weights end far from one of their many solutions.",),
        size=(8.0, 6.0),
    )


@figure("11.6", title="Emphatic TD on Baird's counterexample, in expectation", cost="2 s")
def emphasis(context: Context) -> Outcome:
    exact = system()
    path = expected(lambda w, m=exact.mu: exact.emphatic_td_step(w, m, 0.03))
    errors = np.array([exact.value_error(w) for w in path])
    single = np.array([[exact.value_error(w) for w in run] for run in sampled("emphatic_td", context.seeds(10), 0.03)])

    def draw(canvas: Any) -> None:
        left, right = canvas.subplots(1, 2)
        weights(left, path, "in expectation")
        curve(left, np.arange(STEPS + 1), errors, "√VE", 3, linestyle="--")
        left.legend()
        for k, run in enumerate(single):
            right.plot(np.maximum(run, 1e-3), color=str(0.3 + 0.05 * k), linewidth=0.8)
        right.set(title=f"sampled, {len(single)} runs", xlabel="updates", ylabel="√VE", yscale="log")

    return Outcome(
        [
            Number("largest √VE", errors.max(), "10.7", source="exact"),
            Number("√VE after 100 updates", errors[100], ".957", source="exact"),
            Number("√VE after 500 updates", errors[500], "0.000", source="exact"),
            Number("sampled: largest √VE of all runs", float(np.nanmax(single)), note="its variance is so large that the book calls it hopeless in practice"),
        ],
        draw,
        notes=("α = 0.03. The expectation is over states from μ, with E[M_t | S_t = s] followed exactly.",),
        size=(8.0, 3.8),
    )
