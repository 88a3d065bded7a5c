"""For tests of reports."""

import pytest

from tests.benchmarks import pictures


@pytest.fixture(scope="module")
def plain_pictures():
    with pictures.plain():
        yield
