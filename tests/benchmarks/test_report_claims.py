"""A report leads on to what papers claim of its algorithms."""

import pytest

from benchmarks.report import claims, page
from tests.benchmarks.synthetic import CONTROL, SyntheticStore

pytestmark = pytest.mark.usefixtures("plain_pictures")


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """One published verdict."""
    file = tmp_path / "verdicts.csv"
    file.write_text("claim,hash,verdict\ngae-lambda,0,weaker\n")
    monkeypatch.setattr(claims, "VERDICTS", file)


def test_claims_about_an_algorithm_are_found_by_its_arms_and_by_its_twin(installed):
    ours, twins = (claims.of_algorithms([algo]) for algo in ("ppo", "sb3/ppo"))
    assert ours == twins
    assert {claim.name: claim.verdict for claim in ours}["gae-lambda"] == "weaker"
    assert "gae-lambda" not in [claim.name for claim in claims.of_algorithms(["q_learning"])]


def test_a_claim_without_a_published_verdict_is_said_to_be_unrun(installed):
    assert {claim.verdict for claim in claims.of_algorithms(["q_learning"])} == {"not run yet"}


def test_a_report_names_the_claims_with_their_verdicts(installed, tmp_path):
    rendered = page.render_store(SyntheticStore(groups=[CONTROL], reps=200), tmp_path)
    html = rendered.path.read_text(encoding="utf-8")
    assert "What papers claim" in html and "<code>gae-lambda</code>) <b>weaker</b>" in html
