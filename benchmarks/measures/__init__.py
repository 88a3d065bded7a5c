"""Measures of models while they train, one per file; `benchmarks.studies.measured` lists them. A measure looks and does not touch: training makes the same
run with and without it.
"""
