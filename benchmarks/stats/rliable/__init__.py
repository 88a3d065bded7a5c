"""rliable's modules under their own names, computed by `benchmarks.stats`: change the import, and a notebook written for rliable runs.

    from benchmarks.stats.rliable import library as rly, metrics, plot_utils

    library      get_interval_estimates, create_performance_profile, StratifiedBootstrap, StratifiedIndependentBootstrap
    metrics      aggregate_mean, aggregate_median, aggregate_iqm, aggregate_optimality_gap, probability_of_improvement
    plot_utils   plot_interval_estimates, plot_performance_profiles, plot_sample_efficiency_curve, plot_probability_of_improvement

Scores are a dictionary of arrays [runs, tasks] or [runs, tasks, frames]. Names, arguments, types and shapes are those of rliable 1.2.0, plus `seed`;
neither it nor arch, pandas or seaborn is needed. docs/rliable.md sets the calls side by side and says where the answers differ, and why.
"""
