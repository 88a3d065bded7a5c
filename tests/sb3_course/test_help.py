"""The help of every verb: words for each option, a default told once, and an example that can be typed as it stands."""

import argparse
import re
import shlex

import pytest

from benchmarks.store.store import Store
from sb3_course import cli

VERBS = next(action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction)).choices
OPTIONS = [(verb, action) for verb, parser in VERBS.items() for action in parser._actions]
NAMES = [f"{verb} {'/'.join(action.option_strings) or action.dest}" for verb, action in OPTIONS]
EXAMPLES = {verb: [line.strip() for line in (parser.epilog or "").splitlines() if line.startswith("  ")] for verb, parser in VERBS.items()}


def test_every_verb_has_an_example():
    assert [verb for verb, lines in EXAMPLES.items() if not lines] == []


@pytest.mark.parametrize(("verb", "line"), [(verb, line) for verb, lines in EXAMPLES.items() for line in lines])
def test_an_example_is_of_its_verb_and_the_parser_understands_it(verb, line):
    program, *words = shlex.split(line)
    assert program == "sb3-course" and cli.parse(words).verb == verb


@pytest.mark.parametrize(("verb", "action"), OPTIONS, ids=NAMES)
def test_an_option_has_words_and_tells_its_default_once(verb, action):
    formatter = VERBS[verb]._get_formatter()
    assert action.help and action.help != argparse.SUPPRESS
    told = formatter._expand_help(action)
    assert told.count("(default") <= 1 and "None" not in told


def test_a_default_that_is_no_word_but_a_number_is_told():
    assert re.search(r"--seed SEED .*\(default: 0\)", " ".join(VERBS["train"].format_help().split()))


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_prints_its_example_unbroken(verb, capsys):
    with pytest.raises(SystemExit):
        cli.parse([verb, "--help"])
    out = capsys.readouterr().out
    assert all(f"\n  {line}\n" in out for line in EXAMPLES[verb])


@pytest.mark.slow
def test_the_examples_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    """train before enjoy, and the verbs on studies in their order: each as it is printed. `retry` finds nothing left to do."""
    monkeypatch.chdir(tmp_path)
    for verb, lines in EXAMPLES.items():
        for line in lines:
            assert cli.main(shlex.split(line)[1:]) == 0, f"{verb}: {capsys.readouterr().err}"
    assert len(Store("studies/first").runs()) == 6 and (tmp_path / "first.tar.gz").is_file()
    assert {path.name for path in (tmp_path / "figures" / "first").iterdir()} >= {"captions.tex"}
