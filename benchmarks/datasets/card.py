"""What is printed of a data set, and the picture of its returns."""

from __future__ import annotations

import io
from typing import Any

import matplotlib
import numpy as np
from gymnasium import spaces

from benchmarks.report.style import FAINT, INK, PALETTE, STYLE, Canvas, count, new_canvas, number, svg
from from_scratch.core.datasets import Dataset

QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
SIZE = (6.4, 4.2)  # inches


def rows(data: Dataset) -> list[tuple[str, str]]:
    """The card: what is asked of every data set, in pairs of words."""
    facts = data.facts
    returns, lengths, ended = data.returns, data.lengths, data.terminations
    said = [
        ("steps", count(len(data))),
        ("episodes", f"{count(data.n_episodes)}, of which {count(int(ended.sum()))} terminated and {count(data.n_episodes - int(ended.sum()))} were cut"),
        ("lengths", f"{lengths.min()} to {lengths.max()}, median {number(float(np.median(lengths)), 0)}"),
        ("returns", f"mean {number(float(returns.mean()))}; " + ", ".join(f"{percent(q)} {number(float(np.quantile(returns, q)))}" for q in QUANTILES)),
        ("rewards", f"{number(float(data.rewards.min()))} to {number(float(data.rewards.max()))}"),
        ("observations", str(data.observation_space)),
        ("actions", f"{data.action_space}; {_range(data)}"),
    ]
    if "env" in facts:
        arguments = ", ".join(f"{key}={value}" for key, value in (facts.get("env_kwargs") or {}).items())
        said.append(("environment", f"{facts['env']}{f' with {arguments}' if arguments else ''}"))
    if "behaviour" in facts:
        said.append(("played by", _behaviour(facts["behaviour"])))
    for name, score in (facts.get("reference") or {}).items():
        said.append((f"{name} score", number(score["score"]) + (" (exact)" if score.get("exact") else f" (mean of {score['episodes']} episodes)")))
    if "source" in facts and facts["source"].get("commit"):
        said.append(("made at", facts["source"]["commit"][:12] + (", with changes that were not committed" if facts["source"].get("dirty") else "")))
    if "licence" in facts:
        said.append(("licence", str(facts["licence"])))
    return [*said, ("hash", data.hash)]


def percent(q: float) -> str:
    return {0.0: "least", 0.5: "median", 1.0: "most"}.get(q, f"{100 * q:.0f} %")


def _range(data: Dataset) -> str:
    a = data.actions
    if isinstance(data.action_space, spaces.Discrete):
        shares = np.bincount(a - int(data.action_space.start), minlength=int(data.action_space.n)) / len(a)
        return "taken " + ", ".join(f"{k + int(data.action_space.start)}: {100 * share:.0f} %" for k, share in enumerate(shares))
    return f"taken from {number(float(a.min()))} to {number(float(a.max()))}"


def _behaviour(said: dict[str, Any]) -> str:
    if said.get("algorithm") == "table":
        shown = said.get("policy") or f"{len(said.get('demonstrators', ()))} kinds of demonstrators"
        return f"{shown}, seed {said.get('seed')}" if shown != "uniform" else f"a uniformly random policy, seed {said.get('seed')}"
    if said.get("algorithm") == "random":
        return f"a uniformly random policy, seed {said.get('seed')}"
    more = [f"{said['trained_for']} steps of training" if "trained_for" in said else "", said.get("replay", ""), " and ".join(said.get("joined", ()))]
    more += [f"ε = {said['epsilon']}" if said.get("epsilon") else ""]
    return ", ".join(filter(None, [f"{said.get('algorithm', 'unknown')} of seed {said.get('seed', 'unknown')}", *more]))


def drawn(data: Dataset) -> Canvas:
    """Returns and lengths: a histogram of each, and the returns in the order of recording, which shows a replay memory's learning."""
    with matplotlib.rc_context(STYLE):
        canvas = new_canvas(*SIZE)
        grid = canvas.add_gridspec(2, 2)
        top, left, right = canvas.add_subplot(grid[0, :]), canvas.add_subplot(grid[1, 0]), canvas.add_subplot(grid[1, 1])
        canvas.suptitle(f"{data.name}: {count(len(data))} steps in {count(data.n_episodes)} episodes", x=0.02, ha="left", fontsize=10, color=INK)
        died = data.terminations[data.ends]
        order = np.arange(data.n_episodes)
        for which, colour, words in ((died, PALETTE[1], "terminated"), (~died, PALETTE[0], "cut")):
            if which.any():
                top.plot(order[which], data.returns[which], ".", color=colour, markersize=3.5, label=f"{words} ({count(int(which.sum()))})")
        for name, score in (data.facts.get("reference") or {}).items():
            if name in ("random", "expert"):
                top.axhline(score["score"], color=FAINT, linewidth=0.9, linestyle="--")
                top.annotate(f" {name}", (1, score["score"]), xycoords=("axes fraction", "data"), ha="left", va="center", fontsize=7.5, color=FAINT)
        top.set(xlabel="episode, in the order of recording", ylabel="return")
        top.legend(loc="lower right", bbox_to_anchor=(1, 1.0), ncols=2, handletextpad=0.1, borderaxespad=0.1, markerscale=2)
        left.hist(data.returns, bins=bins(data.returns).tolist(), color=PALETTE[0])
        left.set(xlabel="return", ylabel="episodes")
        right.hist(data.lengths, bins=bins(data.lengths).tolist(), color=PALETTE[2])
        right.set(xlabel="steps of an episode", ylabel="episodes")
    return canvas


def bins(x: np.ndarray) -> np.ndarray:
    """Edges of at most 40 bins, with the least and the most value in the middle of the outer ones."""
    least, most = float(x.min()), float(x.max())
    n = min(40, round(most - least) + 1) if (x == np.round(x)).all() else min(40, max(10, len(np.unique(x))))
    half = (most - least) / (n - 1) / 2 if n > 1 and most > least else max(0.5, abs(least) / 20)
    return np.linspace(least - half, most + half, n + 1 if most > least else 2)


def as_svg(data: Dataset) -> str:
    """The picture as an SVG file, the same bytes each time."""
    with matplotlib.rc_context(STYLE):
        text = svg(drawn(data), f"dataset-{data.name}", alt=f"returns and lengths of the episodes of {data.name}")
    return text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def as_png(data: Dataset) -> bytes:
    """The picture as a PNG file."""
    file = io.BytesIO()
    drawn(data).savefig(file, format="png", dpi=150)
    return file.getvalue()
