"""sb3-course list: families in the order in which they are learnt, what is deep, what has a twin; in any terminal."""

import os

import pytest

from from_scratch.registry import ENTRIES, FAMILIES
from sb3_course import cli
from sb3_course.commands import catalogue


def listed(capsys, *arguments):
    assert cli.main(["list", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def test_every_family_has_its_title_and_every_title_a_family():
    assert {entry.family for entry in ENTRIES.values()} == set(FAMILIES)
    assert all(family.title and family.about.endswith(".") for family in FAMILIES.values())


def test_algorithms_stand_under_their_family_in_the_order_of_the_course(capsys):
    lines = listed(capsys)
    known = [family.title for family in FAMILIES.values()]
    titles = [line for line in lines if line in known]
    assert titles == known
    under, title = {}, ""
    for line in lines[lines.index(titles[0]) : lines.index("Stable-Baselines3")]:
        if line.startswith("  "):
            under[line.split()[0]] = title
        elif line:
            title = line
    assert under == {entry.id: FAMILIES[entry.family].title for entry in ENTRIES.values() if entry.is_ours}


def test_what_is_deep_and_what_has_a_twin_can_be_seen(capsys):
    cells = {line.split()[0]: line.split()[1:4] for line in listed(capsys) if line.startswith("  ") and line.split()[0] in ENTRIES}
    assert cells["ppo"] == ["control", "deep", "sb3/ppo"] and cells["sac"] == ["control", "deep", "sb3/sac"]
    assert cells["reinforce"][:2] == ["control", "deep"] and cells["softmax_reinforce"][:2] == ["control", "table"]
    assert cells["lstd"][:2] == ["prediction", "linear"] and cells["q_learning"][:2] == ["control", "table"] and cells["random"][:2] == ["control", "–"]


def test_deep_is_what_takes_a_policy_of_networks():
    """The registry says it without importing anything; here the classes are asked."""
    deep = {id for id, entry in ENTRIES.items() if entry.learns == "deep"}
    assert deep == {id for id, entry in ENTRIES.items() if {"MlpPolicy", "MlpLstmPolicy"} & set(entry.load().policy_aliases)}


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("arguments", [(), ("--envs",)])
def test_no_line_is_wider_than_the_terminal(capsys, monkeypatch, width, arguments):
    monkeypatch.setattr(catalogue.sys.stdout.__class__, "isatty", lambda stream: True, raising=False)
    monkeypatch.setattr(catalogue.shutil, "get_terminal_size", lambda *_, **__: os.terminal_size((width, 24)))
    lines = listed(capsys, *arguments)
    columns = [[(len(entry.id), len(entry.kind), len(entry.twin or "")) for entry in family.entries] for family in FAMILIES.values()]
    longest = [sum(map(max, zip(*lengths, strict=True))) for lengths in columns]
    needed = max(longest) + 16 if not arguments else 85  # ids are never cut
    assert max(map(len, lines)) <= max(width, needed)
    assert width < 160 or not any("…" in line for line in lines)


def test_in_a_pipe_everything_is_said(capsys):
    text = "\n".join(listed(capsys))
    assert "…" not in text and all(entry.title in text and entry.paper in text for entry in ENTRIES.values() if entry.is_ours)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package that offers two algorithms, one under a name of ours; importing it would fail."""
    folder = tmp_path / "offering-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: offering\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[sb3_course.algorithms]\nmine_ppo = offering.algorithms:Mine\nppo = offering.algorithms:Better\n")
    (tmp_path / "offering.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)


def test_what_installed_packages_offer_stands_under_a_title_of_its_own_with_its_module(capsys, installed):
    lines = listed(capsys)
    at = lines.index("Your own, and those of installed packages")
    assert lines[at + 1].split() == ["mine_ppo", "offering.algorithms:Mine"]
    assert lines[at + 2].split() == ["offering.algorithms:Better", "offering.algorithms:Better"]  # `ppo` is ours
    assert lines[at - 1] == "" and at > lines.index("Stable-Baselines3")


def test_how_to_name_one_s_own_is_said_whether_anything_is_installed_or_not(capsys):
    said = " ".join(" ".join(listed(capsys)).split())
    assert "module:Class, for a module in this folder or an installed one, or path/to/file.py:Class" in said
    assert "docs/your_own.md" in said
