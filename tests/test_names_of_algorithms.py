"""The harness and the command line know no algorithm by its name: they ask its entry. What names some on purpose is listed here, with the reason."""

import ast
import re
from pathlib import Path

import pytest

from from_scratch.registry import ENTRIES

ROOT = Path(__file__).parent.parent
ON_PURPOSE = {
    "benchmarks/textbook": "a figure of the book is about certain algorithms",
    "benchmarks/speed": "what is timed, and plain programs of it to compare with",
    "benchmarks/parity/cases.py": "cases are written for one algorithm each",
    "sb3_course/readme.py": "the page of algorithms shows on one how a class is imported and how it is named elsewhere",
    "sb3_course/cli.py": "the examples of its help are to be typed as they stand",
    "sb3_course/commands/doctor.py": "its short trainings call every compiled loop between them",
}
LESSONS = re.compile(r"sb3_course/(m\d\d_|notebooks/|exhibits)")  # a lesson of the course is about certain algorithms
WORDS = {"random", "bc"}  # ids that are words, too, or other names
NAMES = ({entry.id for entry in ENTRIES.values()} | {entry.class_name for entry in ENTRIES.values()}) - WORDS
NAMED = re.compile(rf"(?<![\w/-])({'|'.join(map(re.escape, sorted(NAMES, key=len, reverse=True)))})(?![\w/-])")
PREFIXES = {entry.id.rpartition("/")[0] + "/" for entry in ENTRIES.values() if "/" in entry.id}


def names_in(code: str) -> list[str]:
    """Algorithms that a program names, in its strings, identifiers and attributes; its comments and docstrings may."""
    tree = ast.parse(code)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in told:
                found += NAMED.findall(text) + [prefix for prefix in PREFIXES if text == prefix]
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in NAMES:
                found.append(name)
    return found


def sources() -> list[str]:
    paths = [path.relative_to(ROOT).as_posix() for package in ("benchmarks", "sb3_course") for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in paths if not any(path == part or path.startswith(f"{part}/") for part in ON_PURPOSE) and not LESSONS.match(path))


@pytest.mark.parametrize("path", sources())
def test_no_algorithm_is_known_by_its_name(path):
    assert names_in((ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    ['CASES = {"dqn": 1}', 'x.startswith("sb3/")', 'name == "sb3/ppo"', 'help = "one of a2c, td3"', "entry.class_name == 'QLearning'", "run(PPO)", "zoo.DQN"],
)
def test_a_name_in_code_is_seen(code):
    assert names_in(code)


@pytest.mark.parametrize("code", ['"""Like ppo."""', "# dqn", "normalise['random']", '"sb3/… is a twin"', '"logs/ppo"', '"dqn-like"'])
def test_words_about_an_algorithm_are_not(code):
    assert names_in(code) == []


@pytest.mark.parametrize("path", ON_PURPOSE)
def test_what_names_algorithms_on_purpose_does(path):
    files = [ROOT / path] if path.endswith(".py") else (ROOT / path).rglob("*.py")
    assert any(names_in(file.read_text(encoding="utf-8")) for file in files)
