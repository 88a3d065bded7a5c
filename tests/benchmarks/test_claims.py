"""A claim of a paper from its file to its record: frozen, carried out, judged, verified, and shown on a page."""

import copy
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from benchmarks import IntegrityError, UserError
from benchmarks.claims import claim as claims
from benchmarks.claims import page, picture, record
from benchmarks.configs import CONFIGS
from benchmarks.measures.gradient_variance import GradientVariance
from benchmarks.reproduction import publish
from benchmarks.reproduction.verify import verify
from benchmarks.store.store import Store
from sb3_course import cli
from tests.benchmarks import browser
from tests.some import some

LEARNS = "learns-beyond-chance"
SAID = {
    "row": 1,
    "title": "Q-learning beats chance",
    "family": "tabular",
    "paper": {"cite": "Watkins 1989", "title": "Learning from Delayed Rewards", "url": "https://example.org/", "place": "chapter 7"},
    "quoted": [{"what": "a number", "value": "42", "verified": False}],
    "statement": "Q-learning finds a shorter way over the cliff's edge than chance does.",
    "badge": "analogue",
    "tier": "S",
    "differs": "A smaller budget.",
    "falsifier": "Chance is as good.",
    "pilot": {"seeds": [0, 1], "note": "Five thousand steps suffice."},
    "paired": True,
    "study": {
        "seeds": [100, 101, 102, 103, 104, 105],
        "steps": 5000,
        "groups": [{"name": "all", "algos": ["q_learning", "random"], "envs": ["CliffWalking-v1~short"]}],
        "env": {"CliffWalking-v1~short": {"max_episode_steps": 100, "eval_episodes": 2}},
        "protocol": {"eval_points": 4, "eval_episodes": 2},
        "launcher": {"name": "inprocess"},
        "statistics": {"reps": 200},
    },
    "numbers": {
        "gain": {
            "says": "final return of Q-learning beyond that of chance", "metric": "score", "contrast": {"q_learning": 1, "random": -1},
            "nothing": 0, "enough": 50,
        }
    },
    "controls": [{"says": "Q-learning arrives", "cell": "q_learning", "metric": "score", "at_least": -50}],
}  # fmt: skip


@pytest.fixture
def said():
    return copy.deepcopy(SAID)


@pytest.fixture(scope="module")
def carried(tmp_path_factory):
    """A claim that was carried out: its folder, of which tests take copies."""
    out = tmp_path_factory.mktemp("claims")
    record.carry(claims.claim_of(LEARNS, SAID), out)
    return out


@pytest.fixture
def folder(carried, tmp_path, monkeypatch):
    """A copy of it, and the claim among those that there are."""
    known(monkeypatch, SAID)
    subprocess.run(["cp", "-r", str(carried), str(tmp_path / "claims")], check=True)
    return tmp_path / "claims"


def known(monkeypatch, said):
    one = claims.claim_of(LEARNS, said)
    monkeypatch.setattr(claims, "names", lambda: [LEARNS])
    monkeypatch.setattr(claims, "find", lambda name: one)
    monkeypatch.setattr(page, "names", lambda: [LEARNS])
    monkeypatch.setattr(page, "find", lambda name: one)


def findings(folder):
    """What fails of a claim's record, at the second level."""
    return [finding.said for finding in verify(Store(folder / LEARNS), 2) if finding.state == "fail"]


# ------------------------------------------------------------------------------------------------------------ the record


def test_a_claim_that_holds_is_reproduced(carried):
    said = record.read(carried / LEARNS)
    assert (said["verdict"], said["why"], said["seeds"]) == ("reproduced", "", SAID["study"]["seeds"])
    assert said["numbers"][0]["low"] >= 50


@pytest.mark.slow
def test_two_starts_give_the_same_verdict_file(carried, tmp_path):
    record.carry(claims.claim_of(LEARNS, SAID), tmp_path)
    for name in (record.VERDICT, record.PICTURE):
        assert (tmp_path / LEARNS / name).read_bytes() == (carried / LEARNS / name).read_bytes()


def test_a_record_verifies(folder):
    assert findings(folder) == []


def test_a_published_record_is_packed_and_verifies(folder, tmp_path):
    assert publish.publish_claims(publish.claims_in(folder), tmp_path / "results") == [LEARNS]
    assert Store(tmp_path / "results" / LEARNS).is_packed
    assert findings(tmp_path / "results") == []
    assert (tmp_path / "results" / LEARNS / record.VERDICT).read_bytes() == (folder / LEARNS / record.VERDICT).read_bytes()


def test_the_picture_of_a_published_record_is_drawn_again_without_training(folder, said, monkeypatch, tmp_path):
    packed = publish.publish_claims([Store(folder / LEARNS)], tmp_path / "packed") and tmp_path / "packed"
    verdict = (packed / LEARNS / record.VERDICT).read_bytes()
    said["title"] = "Q-learning beats chance by far"
    known(monkeypatch, said)
    monkeypatch.setattr(record.carry_out, "carry_out", lambda *_, **__: pytest.fail("it trained"))
    record.carry(claims.find(LEARNS), packed)
    assert "by far" in (packed / LEARNS / record.PICTURE).read_text() and (packed / LEARNS / record.VERDICT).read_bytes() == verdict
    assert all(finding.state in ("pass", "note") for finding in verify(Store(packed / LEARNS), 2) if finding.what in ("claim", "picture"))


def test_a_changed_file_no_longer_verifies_and_says_so(folder, said, monkeypatch):
    said["numbers"]["gain"]["enough"] = 10
    known(monkeypatch, said)
    assert any("its file hashes to" in text and "it was changed since" in text for text in findings(folder))


def test_a_reference_may_be_mended_afterwards(folder, said, monkeypatch):
    said["paper"]["place"] = "chapter 8"
    said["pilot"]["note"] = "Said better."
    said["tier"], said["badge"] = "M", "same task"
    said["numbers"]["gain"]["says"] = said["controls"][0]["says"] = "The same in better words."
    known(monkeypatch, said)
    assert findings(folder) == []


def test_a_changed_number_no_longer_verifies_and_is_named(folder):
    path = folder / LEARNS / record.VERDICT
    changed = json.loads(path.read_text())
    changed["numbers"][0]["arms"]["q_learning on CliffWalking-v1~short"][2] += 1
    path.write_text(json.dumps(changed))
    assert any("numbers[0].arms.q_learning on CliffWalking-v1~short[2]" in text for text in findings(folder))


def test_a_dropped_seed_no_longer_verifies_and_is_named(folder):
    store = Store(folder / LEARNS)
    store.save_study(store.study().asking(seeds=SAID["study"]["seeds"][:-1]))
    assert any("its file gives other seeds than study.yaml has" in text for text in findings(folder))
    assert record.write(store, claims.find(LEARNS))["verdict"] == "void"


def test_a_picture_that_was_changed_is_called_unverified(folder):
    drawn = folder / LEARNS / record.PICTURE
    drawn.write_text(drawn.read_text().replace("<svg ", '<svg onload="alert(1)" '))
    (found,) = [finding for finding in verify(Store(folder / LEARNS), 2) if finding.what == "picture"]
    assert found.state == "unverified"


@pytest.mark.parametrize("name", record.FILES)
def test_a_part_of_a_record_that_is_missing_is_named(folder, name):
    (folder / LEARNS / name).unlink()
    assert any(f"{name}: missing" in line for line in findings(folder))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (record.VERDICT, "{}"),
        (record.VERDICT, "{"),
        (record.VERDICT, '{"hash": "0", "verdict": "proved", "why": "", "numbers": [], "controls": []}'),
        (record.MADE, "{}"),
    ],
)
def test_a_record_that_is_not_whole_counts_as_missing(folder, name, text, capsys):
    (folder / LEARNS / name).write_text(text)
    assert cli.main(["claim", "--list", "--out", str(folder)]) == 0
    assert "missing" in capsys.readouterr().out
    assert cli.main(["claim", LEARNS, "--show", "--out", str(folder)]) == 0
    assert page.write(folder) == []


def test_a_record_without_its_picture_is_not_on_the_page(folder):
    (folder / LEARNS / record.PICTURE).unlink()
    assert page.write(folder) == []


def test_a_number_without_a_value_is_shown_as_a_dash(folder, capsys):
    path = folder / LEARNS / record.VERDICT
    said = json.loads(path.read_text())
    said["numbers"][0] |= dict.fromkeys(("point", "low", "high", "low90", "high90", "p_holm")) | {"verdict": "void"}
    said["controls"][0]["mean"] = None
    path.write_text(json.dumps(said))
    assert cli.main(["claim", LEARNS, "--show", "--out", str(folder)]) == 0
    assert page.cells(said["numbers"][0])[1:3] == ("–", "–") and said["numbers"][0]["says"] in capsys.readouterr().out
    page.write(folder)
    assert "chance: <span class=\"value\"><b>–</b></span>; no effect 0" in (folder / "index.html").read_text()


def test_a_missing_run_makes_the_verdict_void(folder):
    run = next((folder / LEARNS / "runs").iterdir())
    subprocess.run(["rm", "-r", str(run)], check=True)
    said = record.write(Store(folder / LEARNS), claims.find(LEARNS))
    assert (said["verdict"], said["why"]) == ("void", "1 of 6 seeds have not finished")


def test_a_failed_control_makes_the_verdict_void(folder, said):
    said["controls"][0]["at_least"] = 0
    assert record.write(Store(folder / LEARNS), claims.claim_of(LEARNS, said))["verdict"] == "void"


@pytest.mark.slow
def test_arms_that_are_the_same_are_not_distinguished(said, tmp_path):
    said["study"]["groups"][0]["algos"] = ["q_learning", "q_learning~again"]
    said["numbers"]["gain"]["contrast"] = {"q_learning": 1, "q_learning~again": -1}
    assert record.carry(claims.claim_of(LEARNS, said), tmp_path)["verdict"] == "not distinguished"


# -------------------------------------------------------------------------------------------------------------- frozen


def test_a_claim_that_was_changed_after_its_runs_is_refused(folder, said):
    said["numbers"]["gain"]["enough"] = 10
    with pytest.raises(UserError, match="was changed after runs of it were made"):
        record.carry(claims.claim_of(LEARNS, said), folder)


def test_seeds_of_the_pilot_are_refused(said):
    said["pilot"]["seeds"] = [0, 1, 103]
    with pytest.raises(claims.BadClaim, match="seeds 103 were used to try it out"):
        claims.claim_of(LEARNS, said).study()


def test_a_quick_look_uses_other_seeds_and_judges_nothing(said, tmp_path):
    found = record.carry(claims.claim_of(LEARNS, said), tmp_path, quick=True)
    assert (found["verdict"], found["why"]) == ("not judged", record.LOOK)
    assert not set(found["seeds"]) & {*SAID["study"]["seeds"], *SAID["pilot"]["seeds"]}


@pytest.mark.parametrize("name", some((name for name in claims.names() if claims.find(name).tier == "S"), every=8))
def test_the_machinery_of_every_claim_of_tier_s(name, tmp_path, monkeypatch):
    monkeypatch.setattr(GradientVariance.__init__, "__defaults__", (20,))  # episodes, of 2000
    assert record.carry(light(claims.find(name)), tmp_path, launcher={"name": "inprocess"}, quick=True)["verdict"] == "not judged"


def light(claim):
    """The same claim, with a hundred updates where its study makes thousands at once: a quick look has fewer steps, but not fewer updates in each."""
    settings = copy.deepcopy(dict(claim.study_settings))
    for of_tasks in settings.get("algo", {}).values():
        for given in of_tasks.values():
            if "gradient_steps" in given:
                given["gradient_steps"] = min(given["gradient_steps"], 100)
    return dataclasses.replace(claim, study_settings=settings)


# ------------------------------------------------------------------------------------------------------------- a killing


@pytest.mark.slow
def test_a_killed_claim_goes_on_where_it_was_and_ends_with_the_same_verdict(carried, tmp_path):
    """The runs are killed once the first has finished."""
    script = (
        "import sys, yaml; from pathlib import Path; from benchmarks.claims import claim, record; "
        f"record.carry(claim.claim_of('{LEARNS}', yaml.safe_load(Path(sys.argv[1]).read_text())), Path(sys.argv[2]))"
    )
    alone = copy.deepcopy(SAID)
    alone["study"]["launcher"]["lockstep_seeds"] = 1  # how it is run does not enter the hash
    (tmp_path / "said.yaml").write_text(yaml.safe_dump(alone))
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "said.yaml"), str(tmp_path)], env=os.environ)
    runs = tmp_path / LEARNS / "runs"
    while not (runs.is_dir() and [path for path in runs.iterdir() if not path.name.startswith(".")]):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path.name: path.stat().st_mtime_ns for path in runs.iterdir() if not path.name.startswith(".")}
    assert not (tmp_path / LEARNS / record.VERDICT).exists()
    record.carry(claims.claim_of(LEARNS, alone), tmp_path)
    assert {name: (runs / name).stat().st_mtime_ns for name in finished} == finished
    ours, theirs = (json.loads((folder / LEARNS / record.VERDICT).read_text()) for folder in (tmp_path, carried))
    assert ours["numbers"] == theirs["numbers"]


# --------------------------------------------------------------------------------------------------------- command line


def test_the_command_lists_shows_and_counts(folder, capsys):
    assert cli.main(["claim", "--list", "--out", str(folder)]) == 0
    assert "reproduced" in capsys.readouterr().out
    assert cli.main(["claim", LEARNS, "--show", "--out", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert SAID["statement"] in " ".join(shown.split()) and "a number: 42 (not verified)" in shown
    assert cli.main(["claim", "--state", "contradicted", "--list", "--out", str(folder)]) == 0
    assert LEARNS not in capsys.readouterr().out


def test_the_command_ends_with_3_where_a_claim_is_not_reproduced(folder, said, monkeypatch, tmp_path, capsys):
    assert cli.main(["claim", LEARNS, "--out", str(folder), "--json", str(tmp_path / "all.json")]) == 0
    assert json.loads((tmp_path / "all.json").read_text())["claims"][0]["verdict"] == "reproduced"
    said["study"]["seeds"] = [200, 201]
    said["numbers"]["gain"]["enough"] = 10_000
    known(monkeypatch, said)
    assert cli.main(["claim", LEARNS, "--out", str(tmp_path / "other")]) == 3
    assert "1 not distinguished" in capsys.readouterr().out or "1 weaker" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["claim"], "name a claim, as in sb3-course claim gae-lambda"),
        (["claim", "gae-lamda"], "unknown claim 'gae-lamda': did you mean 'gae-lambda'?"),
        (["claim", "--list", "--family", "policy gradiant"], "did you mean 'policy gradient'?"),
        (["claim", "--list", "--state", "proved"], "--state proved: one of reproduced, weaker"),
        (["claim", "gae-lambda", "--jobs", "0"], "--jobs 0: at least 1 process"),
    ],
)
def test_a_mistake_is_one_line(words, line, capsys):
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1


@pytest.mark.parametrize(("option", "place"), [("--out", "a file/claims"), ("--json", "nowhere/all.json"), ("--json", ".")])
def test_a_place_that_cannot_be_written_to_is_refused_before_anything_runs(option, place, said, monkeypatch, tmp_path, capsys):
    known(monkeypatch, said)
    monkeypatch.setattr(record, "carry", lambda *_: pytest.fail("it ran"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").write_text("")
    assert cli.main(["claim", LEARNS, option, place]) == 2
    assert capsys.readouterr().err.startswith(f"{option} {place}: name a ") or option == "--out"


def test_one_claim_that_cannot_be_carried_out_does_not_keep_the_others_from_it(folder, monkeypatch, capsys):
    one, carry = claims.find(LEARNS), record.carry
    other = dataclasses.replace(one, name="broken")
    monkeypatch.setattr(claims, "names", lambda: ["broken", LEARNS])
    monkeypatch.setattr(claims, "find", {"broken": other, LEARNS: one}.__getitem__)
    monkeypatch.setattr(record, "carry", lambda claim, *rest: _broken() if claim is other else carry(claim, *rest))
    assert cli.main(["claim", "all", "--out", str(folder)]) == 1
    said = capsys.readouterr()
    assert "broken: rows were changed" in said.err and "1 claim in" in said.out and "1 reproduced" in said.out


def _broken():
    raise IntegrityError("rows were changed")


# --------------------------------------------------------------------------------------------------------------- the page

SEEN = """(() => {
  const width = document.documentElement.clientWidth;
  const shown = () => [...document.querySelectorAll('.claim')].filter(c => !c.hidden).length;
  const all = shown();
  const select = document.querySelector('select[data-key=verdict]');
  select.insertAdjacentHTML('beforeend', '<option>contradicted</option>');
  select.value = 'contradicted'; select.dispatchEvent(new Event('change'));
  const none = shown();
  select.value = 'reproduced'; select.dispatchEvent(new Event('change'));
  const wide = [...document.querySelectorAll('body *')].filter(e => !e.closest('svg') && e.getBoundingClientRect().right > width + 1).map(e => e.tagName);
  const svg = document.querySelector('.claim img').getBoundingClientRect();
  const picture = svg.width > 300 && svg.right <= width;
  return { all, none, some: shown(), wide, picture, page: document.documentElement.scrollWidth <= width, title: document.title };
})()"""


@pytest.mark.skipif(browser.find() is None, reason="no Chromium on this machine (apt install chromium)")
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_filters_and_asks_the_network_for_nothing(folder, width):
    drawn = folder / LEARNS / record.PICTURE
    drawn.write_text(drawn.read_text().replace("<svg ", '<svg onload="document.title = 0" '))  # a stranger's: nothing of it runs
    page.write(folder)
    with browser.Browser() as chromium:
        seen = chromium.open((folder / "index.html").as_uri(), width, SEEN)
    assert seen.requests == [] and seen.errors == []
    assert seen.result == {"all": 1, "none": 0, "some": 1, "wide": [], "picture": True, "page": True, "title": page.TITLE}


def test_every_claim_names_the_paper_and_its_place():
    for name in claims.names():
        one = claims.find(name)
        assert one.paper["url"].startswith("https://") and one.statement.endswith("."), name
        assert (CONFIGS / "claim" / f"{name}.yaml").is_file()


def test_long_words_of_a_number_take_lines_of_their_own():
    lines = [picture._wrapped(number.says, picture.LABEL).split("\n") for name in claims.names() for number in claims.find(name).numbers]
    assert max(len(line) for words in lines for line in words) <= picture.LABEL
    assert any(len(words) == 2 for words in lines) and all(len(words) <= 2 for words in lines)
