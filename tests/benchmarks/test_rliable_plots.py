"""benchmarks.stats.rliable.plot_utils draws what it is given, and returns what rliable's functions return."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from benchmarks.report import style
from benchmarks.stats.rliable import plot_utils

POINTS = {"ppo": np.array([0.5, 0.6]), "dqn": np.array([0.7, 0.8])}
INTERVALS = {"ppo": np.array([[0.4, 0.5], [0.6, 0.7]]), "dqn": np.array([[0.6, 0.7], [0.9, 1.0]])}


@pytest.fixture(autouse=True)
def headless():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def bars(ax):
    """(left, right, middle, colour) of each bar."""
    return [(round(b.get_x(), 9), round(b.get_x() + b.get_width(), 9), b.get_y() + b.get_height() / 2, to_hex(b.get_facecolor())) for b in ax.patches]


def test_intervals_are_bars_in_a_panel_for_each_metric():
    figure, axes = plot_utils.plot_interval_estimates(POINTS, INTERVALS, ["Median", "IQM"], algorithms=["dqn", "ppo"])
    assert isinstance(figure, Figure) and axes.shape == (2,)
    assert [ax.get_title() for ax in axes] == ["Median", "IQM"]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["dqn", "ppo"]
    assert bars(axes[1]) == [(0.7, 1.0, 0.0, "#0072b2"), (0.5, 0.7, 1.0, "#d55e00")]


def test_one_metric_has_axes_and_no_array_of_them():
    _, ax = plot_utils.plot_interval_estimates({"ppo": 0.5}, {"ppo": np.array([[0.4], [0.6]])}, ["IQM"])
    assert isinstance(ax, Axes)


def test_an_interval_of_nan_is_a_point_without_a_bar():
    _, ax = plot_utils.plot_interval_estimates({"ppo": [0.5]}, {"ppo": np.full((2, 1), np.nan)}, ["IQM"])
    assert [right - left for left, right, *_ in bars(ax)] == [0.0]
    assert ax.collections[0].get_segments()[0][:, 0].tolist() == [0.5, 0.5]


def test_metric_names_that_are_not_as_many_as_the_estimates_are_refused():
    with pytest.raises(ValueError, match=r"1 metric_names \(IQM\) for 2 estimates of 'ppo'"):
        plot_utils.plot_interval_estimates(POINTS, INTERVALS, ["IQM"])


def test_an_unknown_option_is_refused_by_name():
    with pytest.raises(TypeError, match="takes no hight"):
        plot_utils.plot_interval_estimates(POINTS, INTERVALS, ["Median", "IQM"], hight=2)


PROFILES = {"ppo": np.array([1.0, 0.5, 0.25, 0.0]), "dqn": np.array([1.0, 0.7, 0.25, 0.0])}
TAUS = np.array([0.0, 0.5, 1.0, 1.5])


def test_every_profile_is_a_line_of_the_width_asked_for_with_its_band():
    cis = {name: np.stack([p - 0.1, p + 0.1]) for name, p in PROFILES.items()}
    ax = plot_utils.plot_performance_profiles(PROFILES, TAUS, cis, linewidth=3, linestyles={"dqn": "--"}, legend=True)
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [p.tolist() for p in PROFILES.values()]
    assert [(line.get_linewidth(), line.get_linestyle()) for line in ax.get_lines()] == [(3, "-"), (3, "--")]
    assert len(ax.collections) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ppo", "dqn"]


def test_with_non_linear_scaling_each_tau_stands_at_the_share_that_scores_no_more():
    ax = plot_utils.plot_performance_profiles(PROFILES, TAUS, use_non_linear_scaling=True, xticks=[0.5, 1.5])
    np.testing.assert_allclose(ax.get_lines()[0].get_xdata(), [0.0, 0.4, 0.75, 1.0])
    np.testing.assert_allclose(ax.get_xticks(), [0.4, 1.0])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.5", "1.5"]


def test_a_tick_is_a_tau_up_to_rounding():
    taus = np.linspace(0, 1.5, 51)
    assert 0.9 not in taus
    ax = plot_utils.plot_performance_profiles({"ppo": 1 - taus / 1.5}, taus, use_non_linear_scaling=True, xticks=[0.9])
    np.testing.assert_allclose(ax.get_xticks(), [0.6])


def test_a_tick_that_is_no_tau_is_refused_where_the_scale_is_not_linear():
    with pytest.raises(ValueError, match=r"0\.7 is not"):
        plot_utils.plot_performance_profiles(PROFILES, TAUS, use_non_linear_scaling=True, xticks=[0.7])


def test_a_sample_efficiency_curve_is_drawn_into_the_axes_given():
    _, ax = plt.subplots()
    found = plot_utils.plot_sample_efficiency_curve([1, 2], POINTS, INTERVALS, algorithms=["dqn"], ax=ax, xlabel="steps")
    assert found is ax and ax.get_xlabel() == "steps"
    assert [line.get_ydata().tolist() for line in ax.get_lines()] == [[0.7, 0.8]]


def test_pairs_stand_with_x_at_the_left_and_y_at_the_right_around_one_half():
    ax = plot_utils.plot_probability_of_improvement({"ppo;dqn": 0.3, "ppo;sac": 0.6}, {"ppo;dqn": [[0.2], [0.4]], "ppo;sac": [[0.5], [0.7]]}, ";")
    right = next(other for other in ax.figure.axes if other is not ax)
    names = lambda axes: [label.get_text() for label in axes.get_yticklabels()]
    assert (names(ax), names(right)) == (["ppo", "ppo"], ["dqn", "sac"])
    assert [bar[:3] for bar in bars(ax)] == [(0.2, 0.4, 0.0), (0.5, 0.7, 1.0)]
    assert [line.get_xdata() for line in ax.get_lines()] == [[0.5, 0.5]]


def test_a_name_that_is_no_pair_is_refused():
    with pytest.raises(ValueError, match="'ppo' is not a pair X,Y"):
        plot_utils.plot_probability_of_improvement({"ppo": 0.3}, {"ppo": [0.2, 0.4]})


def test_the_palette_is_the_reports_and_others_can_be_given():
    assert tuple(plot_utils.palette("colorblind", 9)) == (*style.PALETTE, style.PALETTE[0])
    assert plot_utils.palette(["red"], 2) == ["red", "red"]
    assert len(set(map(tuple, plot_utils.palette("viridis", 3)))) == 3
    with pytest.raises(ValueError, match="color_palette='husl': 'colorblind', a list of colours"):
        plot_utils.palette("husl", 3)
