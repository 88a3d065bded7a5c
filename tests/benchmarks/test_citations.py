"""What a report gives to cite: an entry for everything that it names, and no entry with a hole."""

import re
from importlib import resources
from pathlib import Path

import pytest

from benchmarks import configs
from benchmarks.report import citations
from benchmarks.studies import provenance
from from_scratch import registry
from from_scratch.envs.registration import ENVIRONMENTS
from tests.benchmarks.synthetic import SyntheticStore

ENTRIES = {key: citations.fields(entry) for key, entry in citations.entries().items()}
CONFIGURED = sorted(path.relative_to(root).with_suffix("").as_posix() for root in (Path(configs.__file__).parent / "env",) for path in root.rglob("*.yaml"))
TEMPLATES = resources.files("benchmarks.report") / "templates"
NO_LOCATOR = {"Rummery 1995"}  # a thesis that has no address we could verify


@pytest.mark.parametrize("algo", registry.ENTRIES)
def test_every_paper_of_the_registry_has_an_entry(algo):
    assert set(citations.papers_of(algo)) <= set(ENTRIES)
    assert citations.papers_of(algo) or algo == "random"


@pytest.mark.parametrize("env", [*CONFIGURED, *ENVIRONMENTS])
def test_every_environment_with_settings_here_has_an_entry(env):
    papers = citations.papers_of_environment(env)
    assert papers is not None and set(papers) <= set(ENTRIES)
    assert papers or env.removeprefix("from_scratch/") in ("GridWorld-v0", "RandomGrid-v0", "TwoByTwo-v0"), "only what was made here has no paper"


def test_every_library_whose_version_a_report_prints_has_an_entry():
    assert set(provenance.PACKAGES) == set(citations.LIBRARIES) and set(citations.LIBRARIES.values()) <= set(ENTRIES)


NAMED = {  # words by which the pages and sentences of a report name a method -> what to cite
    "rliable": "rliable", "permutation test": "Chung & Romano 2013", "Welch": "Welch 1947", "Yuen": "Yuen 1974", "Holm": "Holm 1979", "TOST": "Schuirmann 1987",
    "Boschloo": "Boschloo 1970", "McNemar": "McNemar 1947", "Hedges": "Hedges 1981", "Cliff": "Cliff 1993", "olerance interval": "Wilks 1941",
    "Kaplan": "Kaplan & Meier 1958", "Brookmeyer": "Brookmeyer & Crowley 1982", "expanded": "Hesterberg 2015", "simultaneous": "Mandel & Betensky 2008",
    "weighings": "Rubin 1981", "failures not seen": "Learned-Miller & Thomas 2019", "Reproducibility Checklist": "Pineau et al. 2021",
}  # fmt: skip


def test_every_method_that_a_report_names_is_cited_whether_runs_are_pairs_or_not():
    cited = {*citations.STATISTICS, *citations.SOLVED.values()}
    assert set(NAMED.values()) == cited and cited | {"Mathieu et al. 2024"} <= set(ENTRIES)


def test_the_words_by_which_methods_are_sought_stand_in_the_reports_sources():
    rooms = [Path(citations.__file__).parent, Path(citations.__file__).parents[1] / "evidence", Path(citations.__file__).parents[1] / "stats"]
    text = " ".join(path.read_text(encoding="utf-8") for room in rooms for path in room.rglob("*") if path.suffix in (".py", ".html"))
    assert [word for word in NAMED if word not in text] == []


def test_every_author_and_year_in_the_reports_words_is_cited():
    """"(Brookmeyer and Crowley 1982)" in a caption: its surname and year are those of an entry."""
    rooms = [Path(citations.__file__).parent / name for name in ("figures.py", "tables.py", "verdicts.py", "page.py", "templates/report.html")]
    said = {found for path in rooms for found in re.findall(r"([A-Z]\w+)(?: et al\.?| (?:and|&) [A-Z]\w+)?,? \(?((?:19|20)\d\d)\)?", path.read_text("utf-8"))}
    known = {(author.split(",")[0], entry["year"]) for entry in ENTRIES.values() for author in entry["author"].split(" and ")[:1]}
    versions = {("Pineau", "2020")}  # the checklist's version 2.0; its report is of 2021
    assert said and said - versions <= known


@pytest.mark.parametrize("key", ENTRIES)
def test_no_entry_lacks_what_its_type_requires(key):
    entry = ENTRIES[key]
    assert [name for name in citations.REQUIRED[entry["type"]] if not entry.get(name)] == []
    assert re.fullmatch(r"(18|19|20)\d\d", entry["year"])


@pytest.mark.parametrize("key", ENTRIES)
def test_every_entry_says_where_it_is_found(key):
    entry = ENTRIES[key]
    assert any(entry.get(name) for name in citations.LOCATORS) != (key in NO_LOCATOR)
    assert "eprint" not in entry or (re.fullmatch(r"\d{4}\.\d{4,5}", entry["eprint"]) and entry["archiveprefix"] == "arXiv")
    assert "doi" not in entry or re.match(r"10\.\d{4,5}/\S+$", entry["doi"])
    assert "url" not in entry or re.match(r"https?://\S+$", entry["url"])


def test_entries_are_whole_and_their_keys_differ():
    for entry in citations.entries().values():
        assert entry.count("{") == entry.count("}") and entry.endswith("\n}") and not re.search(r"\}\n +\w+ *=", entry), "a comma between fields"
    keys = [re.match(r"@\w+\{(.*),", entry)[1] for entry in citations.entries().values()]
    assert len(keys) == len(set(keys))


def test_a_study_cites_what_it_uses_and_nothing_else():
    text = citations.bibliography(SyntheticStore(reps=100).study(), provenance.PACKAGES)
    assert all(f"{key}," in text for key in ("schulman2017proximal", "barto1983neuronlike", "raffin2021stable", "paszke2019pytorch", "boschloo1970raised"))
    assert not any(f"{key}," in text for key in ("haarnoja2018soft", "todorov2012mujoco", "mathieu2024adastop", "mcnemar1947note")) and "%" not in text


def test_a_sequential_study_and_one_of_pairs_cite_their_own_tests():
    study = SyntheticStore(reps=100).ask({"paired": True}).study()
    text = citations.bibliography(study, [], sequential=True)
    assert "mathieu2024adastop," in text and "mcnemar1947note," in text and "boschloo1970raised," not in text


def test_what_has_no_entry_is_named_in_a_comment(monkeypatch):
    store = SyntheticStore(({"name": "mine", "algos": ["ppo"], "envs": ["CartPole-v1"], "comparisons": []},), reps=100)
    store.ask(groups=[{"name": "mine", "algos": ["ppo", "my_algo:KL"], "envs": ["CartPole-v1", "my_envs:LineReach-v0"], "comparisons": []}])
    text = citations.bibliography(store.study(), ["a-package-of-others"])
    assert "% no entry here for the algorithm my_algo:KL\n\n% no entry here for the environment my_envs:LineReach-v0" in text
    monkeypatch.setattr(citations, "papers_of", lambda algo: ["Nobody 1900"])
    assert "% no entry here for Nobody 1900" in citations.bibliography(store.study(), ["a-package-of-others"])
