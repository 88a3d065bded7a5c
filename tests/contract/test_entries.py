"""What entries say of what an algorithm cannot do: names of checks, with a reason each."""

import re

from tests.contract.probes import CHECKS, every


@every()
def test_whoever_cannot_do_something_says_what_and_why_in_a_line(entry):
    assert set(entry.cannot) <= set(CHECKS), "the names of checks are those of CHECKS in probes.py"
    assert all(re.fullmatch(r"[^\n]{10,120}[^.\s]", reason) for reason in entry.cannot.values())
