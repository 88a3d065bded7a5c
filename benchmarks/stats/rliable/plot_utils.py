"""Pictures of estimates, profiles, curves and P(improvement), under rliable's names and arguments; they return what rliable's return.

Drawn with Matplotlib alone, in one palette that is safe for the colour-blind (`benchmarks.stats.colours`). Where an interval is NaN, the point
stands without one. color_palette: "colorblind" (that palette), a list of colours, or the name of a colour map of Matplotlib's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from benchmarks.stats.colours import FAINT, INK, PALETTE

Colours = Mapping[str, Any] | None


def palette(color_palette: Any, n_colors: int) -> list[Any]:
    """So many colours; a palette with fewer begins again."""
    if not isinstance(color_palette, str):
        colours = list(color_palette)
    elif color_palette == "colorblind":
        colours = list(PALETTE)
    elif color_palette in matplotlib.colormaps:
        colours = list(matplotlib.colormaps[color_palette](np.linspace(0, 1, max(n_colors, 1))))
    else:
        raise ValueError(f"color_palette='{color_palette}': 'colorblind', a list of colours, or a colour map of Matplotlib such as 'viridis'")
    return [colours[k % len(colours)] for k in range(n_colors)]


def _coloured(names: Sequence[str], colors: Colours, color_palette: Any) -> Mapping[str, Any]:
    return colors or dict(zip(names, palette(color_palette, len(names)), strict=True))


def _bounds(interval: Any) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.asarray(interval, dtype=np.float64)
    return low, high


def _bar(ax: Axes, y: float, low: float, high: float, point: float, colour: Any, alpha: float, height: float, label: str) -> None:
    """An interval as a bar, and its point as a line across."""
    ax.use_sticky_edges = False  # a bar that begins anywhere but at 0 has room at both ends
    if np.isfinite(low) and np.isfinite(high):
        ax.barh(y=y, width=high - low, left=low, height=height, color=colour, alpha=alpha, label=label)
    else:
        ax.barh(y=y, width=0, left=point, height=height, color=colour, alpha=alpha, label=label)
    ax.vlines(point, y - height / 2, y + height / 2, colors=INK, linewidth=1.6)


# ------------------------------------------------------------------------------------------------------------------------- axes


def decorate_axis(ax: Axes, wrect: float = 10, hrect: float = 10, ticklabelsize: Any = "large") -> Axes:
    """Axes without a frame above and at the right, their lines moved out: hrect, wrect points to the left and down."""
    for side in ("right", "top"):
        ax.spines[side].set_visible(False)
    for side, outward in (("left", hrect), ("bottom", wrect)):
        ax.spines[side].set(linewidth=1.2, color=FAINT)
        ax.spines[side].set_position(("outward", outward))
    ax.tick_params(length=0, labelsize=ticklabelsize, labelcolor=INK)
    return ax


def annotate_and_decorate_axis(
    ax: Axes,
    labelsize: Any = "x-large",
    ticklabelsize: Any = "x-large",
    xticks: Any = None,
    xticklabels: Any = None,
    yticks: Any = None,
    legend: bool = False,
    grid_alpha: float = 0.2,
    legendsize: Any = "x-large",
    xlabel: str = "",
    ylabel: str = "",
    wrect: float = 10,
    hrect: float = 10,
) -> Axes:
    """Labels, ticks, grid and legend of axes."""
    ax.set_xlabel(xlabel, fontsize=labelsize, color=INK)
    ax.set_ylabel(ylabel, fontsize=labelsize, color=INK)
    if xticks is not None:
        ax.set_xticks(xticks, xticklabels)
    if yticks is not None:
        ax.set_yticks(yticks)
    ax.set_axisbelow(True)
    ax.grid(True, alpha=grid_alpha)
    decorate_axis(ax, wrect, hrect, ticklabelsize)
    if legend:
        ax.legend(fontsize=legendsize, frameon=False)
    return ax


_decorate_axis, _annotate_and_decorate_axis = decorate_axis, annotate_and_decorate_axis  # rliable's names, by which notebooks call them


# ------------------------------------------------------------------------------------------------------------------------ plots


def plot_interval_estimates(
    point_estimates: Mapping[str, Any],
    interval_estimates: Mapping[str, Any],
    metric_names: Sequence[str],
    algorithms: Sequence[str] | None = None,
    colors: Colours = None,
    color_palette: Any = "colorblind",
    max_ticks: int = 4,
    subfigure_width: float = 3.4,
    row_height: float = 0.37,
    xlabel_y_coordinate: float | None = None,
    xlabel: str = "Normalized Score",
    **kwargs: Any,
) -> tuple[Figure, Any]:
    """A panel for each metric with a bar for each algorithm, its interval, and a line at its point estimate.

    point_estimates: name -> [metrics]; interval_estimates: name -> [2, metrics]. Returns the figure and its axes: an array, or one where there is one
    metric. kwargs: interval_height, wspace.
    """
    names = list(algorithms or point_estimates)
    points = {name: np.ravel(point_estimates[name]) for name in names}
    n = len(points[names[0]])
    if len(metric_names) != n:
        raise ValueError(f"{len(metric_names)} metric_names ({', '.join(metric_names)}) for {n} estimates of '{names[0]}'")
    height, wspace = kwargs.pop("interval_height", 0.6), kwargs.pop("wspace", 0.2)
    if kwargs:
        raise TypeError(f"plot_interval_estimates takes no {', '.join(kwargs)}; beside its own arguments: interval_height, wspace")
    colours = _coloured(names, colors, color_palette)
    figure, axes = plt.subplots(nrows=1, ncols=n, figsize=(subfigure_width * n, row_height * len(names)))
    for k, (ax, metric) in enumerate(zip(np.atleast_1d(axes), metric_names, strict=True)):
        for row, name in enumerate(names):
            low, high = (np.ravel(bound)[k] for bound in _bounds(interval_estimates[name]))
            _bar(ax, row, low, high, points[name][k], colours[name], 0.75, height, name)
        ax.set_yticks(range(len(names)) if k == 0 else [], names if k == 0 else [])
        ax.set_ylim(-0.6, len(names) - 0.4)
        ax.xaxis.set_major_locator(plt.MaxNLocator(max_ticks))
        ax.set_title(metric, fontsize="xx-large", color=INK)
        decorate_axis(ax, wrect=5, ticklabelsize="x-large")
        ax.spines["left"].set_visible(False)
        ax.set_axisbelow(True)
        ax.grid(True, axis="x", alpha=0.25)
    figure.subplots_adjust(wspace=wspace)
    middle = (figure.subplotpars.left + figure.subplotpars.right) / 2
    y, below = (figure.subplotpars.bottom, -30) if xlabel_y_coordinate is None else (xlabel_y_coordinate, 0)  # points below the axes: under their ticks
    place = figure.transFigure + ScaledTranslation(0, below / 72, figure.dpi_scale_trans)
    figure.text(middle, y, xlabel, transform=place, ha="center", va="top", fontsize="x-large", color=INK)
    return figure, axes


def plot_performance_profiles(
    performance_profiles: Mapping[str, Any],
    tau_list: Any,
    performance_profile_cis: Mapping[str, Any] | None = None,
    use_non_linear_scaling: bool = False,
    ax: Axes | None = None,
    colors: Colours = None,
    color_palette: Any = "colorblind",
    alpha: float = 0.15,
    figsize: tuple[float, float] = (10, 5),
    xticks: Any = None,
    yticks: Any = None,
    xlabel: str = r"Normalized Score ($\tau$)",
    ylabel: str = r"Fraction of runs with score $> \tau$",
    linestyles: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> Axes:
    """A line for each algorithm's profile [taus], with its interval [2, taus] shaded.

    use_non_linear_scaling: a stretch of the x axis is as wide as the share of runs, averaged over algorithms, that scores within it; xticks are then some
    of tau_list. kwargs: linewidth, and those of `annotate_and_decorate_axis`.
    """
    ax = ax or plt.subplots(figsize=figsize)[1]
    names = list(performance_profiles)
    colours, linewidth = _coloured(names, colors, color_palette), kwargs.pop("linewidth", 2.0)
    x, labels = np.asarray(tau_list, dtype=np.float64), xticks
    if use_non_linear_scaling:
        x, xticks, labels = _by_share(performance_profiles, x, xticks)
    for name in names:
        ax.plot(x, performance_profiles[name], color=colours[name], linestyle=(linestyles or {}).get(name, "solid"), linewidth=linewidth, label=name)
        if performance_profile_cis is not None and name in performance_profile_cis:
            ax.fill_between(x, *_bounds(performance_profile_cis[name]), color=colours[name], alpha=alpha, linewidth=0)
    yticks = [0.0, 0.25, 0.5, 0.75, 1.0] if yticks is None else yticks
    return annotate_and_decorate_axis(ax, xticks=xticks, xticklabels=labels, yticks=yticks, xlabel=xlabel, ylabel=ylabel, **kwargs)


def _by_share(profiles: Mapping[str, Any], taus: np.ndarray, xticks: Any, n_ticks: int = 5) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Where each τ stands: at the share of runs that score no more than it. With the places of the ticks and what they read."""
    x = 1 - np.mean([np.asarray(profile) for profile in profiles.values()], axis=0)
    if xticks is None:  # those nearest to places at equal distances
        places = np.unique([np.abs(x - place).argmin() for place in np.linspace(x.min(), x.max(), n_ticks)])
    else:
        places = np.array([np.abs(taus - tick).argmin() for tick in xticks], dtype=int)
        missing = [tick for tick, place in zip(xticks, places, strict=True) if not np.isclose(taus[place], tick, rtol=1e-9, atol=1e-12)]
        if missing:
            raise ValueError(f"xticks with use_non_linear_scaling must be in tau_list; {missing[0]} is not")
    return x, x[places], [float(f"{taus[p]:.4g}") for p in places]


def plot_sample_efficiency_curve(
    frames: Any,
    point_estimates: Mapping[str, Any],
    interval_estimates: Mapping[str, Any],
    algorithms: Sequence[str] | None = None,
    colors: Colours = None,
    color_palette: Any = "colorblind",
    figsize: tuple[float, float] = (7, 5),
    xlabel: str = "Number of Frames (in millions)",
    ylabel: str = "Aggregate Human Normalized Score",
    ax: Axes | None = None,
    labelsize: Any = "xx-large",
    ticklabelsize: Any = "xx-large",
    **kwargs: Any,
) -> Axes:
    """An aggregate [frames] over the course of training, with its interval [2, frames] shaded, for each algorithm.

    kwargs: marker, linewidth, and those of `annotate_and_decorate_axis`.
    """
    ax = ax or plt.subplots(figsize=figsize)[1]
    names = list(algorithms or point_estimates)
    colours, marker, linewidth = _coloured(names, colors, color_palette), kwargs.pop("marker", "o"), kwargs.pop("linewidth", 2)
    for name in names:
        ax.plot(frames, point_estimates[name], color=colours[name], marker=marker, markersize=5, linewidth=linewidth, label=name)
        ax.fill_between(frames, *_bounds(interval_estimates[name]), color=colours[name], alpha=0.2, linewidth=0)
    return annotate_and_decorate_axis(ax, xlabel=xlabel, ylabel=ylabel, labelsize=labelsize, ticklabelsize=ticklabelsize, **kwargs)


def plot_probability_of_improvement(
    probability_estimates: Mapping[str, Any],
    probability_interval_estimates: Mapping[str, Any],
    pair_separator: str = ",",
    ax: Axes | None = None,
    figsize: tuple[float, float] = (4, 3),
    colors: Sequence[Any] | None = None,
    color_palette: Any = "colorblind",
    alpha: float = 0.75,
    xticks: Any = None,
    xlabel: str = "P(X > Y)",
    left_ylabel: str = "Algorithm X",
    right_ylabel: str = "Algorithm Y",
    **kwargs: Any,
) -> Axes:
    """A bar for each pair "X,Y", X named at the left and Y at the right, with a line at one half, where neither is ahead.

    colors: one for each pair. kwargs: interval_height, ylabel_x_coordinate, and those of `annotate_and_decorate_axis`.
    """
    ax = ax or plt.subplots(figsize=figsize)[1]
    height, x_coordinate = kwargs.pop("interval_height", 0.6), kwargs.pop("ylabel_x_coordinate", 0.2)
    labelsize, ticklabelsize = kwargs.pop("labelsize", "x-large"), kwargs.pop("ticklabelsize", "x-large")
    pairs = [tuple(name.split(pair_separator)) for name in probability_estimates]
    odd = [name for name, pair in zip(probability_estimates, pairs, strict=True) if len(pair) != 2]
    if odd:
        raise ValueError(f"'{odd[0]}' is not a pair X{pair_separator}Y; pair_separator={pair_separator!r} parts them")
    colours = colors or palette(color_palette, len(pairs))
    for row, (name, colour) in enumerate(zip(probability_estimates, colours, strict=False)):
        low, high = (float(np.ravel(bound)[0]) for bound in _bounds(probability_interval_estimates[name]))
        _bar(ax, row, low, high, float(np.ravel(probability_estimates[name])[0]), colour, alpha, height, pairs[row][0])
    ax.axvline(0.5, color=FAINT, linestyle="--", linewidth=1.2, zorder=0)
    right = ax.twinx()
    place: dict[str, Any] = {"rotation": "horizontal", "fontweight": "bold", "va": "bottom"}
    for axes, label, where, names in ((ax, left_ylabel, -x_coordinate, [x for x, _ in pairs]), (right, right_ylabel, 1 + x_coordinate, [y for _, y in pairs])):
        axes.set_ylim(-0.6, len(pairs) - 0.4)
        options = {"wrect": 5, **kwargs, **({"grid_alpha": 0.0} if axes is right else {})}
        annotate_and_decorate_axis(axes, xticks=xticks, xticklabels=xticks, yticks=range(len(pairs)), xlabel=xlabel, labelsize=labelsize,
                                   ticklabelsize=ticklabelsize, **options)  # fmt: skip
        axes.set_yticks(range(len(pairs)), names)
        axes.set_ylabel(label, fontsize=labelsize, ha="center", **place)
        axes.yaxis.set_label_coords(where, 1.0)
        axes.spines["left"].set_visible(False)
    return ax
