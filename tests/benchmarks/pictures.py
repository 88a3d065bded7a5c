"""Reports without drawing."""

import contextlib

import pytest

from benchmarks.report import figures, style


@contextlib.contextmanager
def plain():
    """Drawing takes most of a report's time and is looked at in test_figures.py; here a picture is its alternative text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "svg", lambda canvas, key, alt: f'<svg role="img" aria-label="{style.escape(alt)}"></svg>')
        yield
