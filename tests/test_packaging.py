"""What pyproject.toml declares fits together with constraints.txt, with the code and with the Makefile."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CORE = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
EXTRAS = {extra: [Requirement(text) for text in texts] for extra, texts in PYPROJECT["project"]["optional-dependencies"].items()}
EVERYTHING = [*CORE, *(requirement for requirements in EXTRAS.values() for requirement in requirements)]
PACKAGES = ("from_scratch", "benchmarks", "sb3_course")
LINES = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES if not line.startswith("#"))}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("requirement", EVERYTHING, ids=str)
def test_every_requirement_is_pinned_within_its_range(requirement):
    name = canonicalize_name(requirement.name)

    assert name in PINS, f"constraints.txt does not pin {name}"
    assert requirement.specifier.contains(PINS[name]), f"constraints.txt pins {name} {PINS[name]}, outside {requirement.specifier}"


def test_every_import_belongs_to_a_declared_requirement():
    """Third-party names in our packages against the core's requirements and the extras'; what only a dependency brings does not count.

    rl_zoo3 is deliberately none: from_scratch.zoo is for those who have it, and docs/parity.md says how to install it. Nor is d3rlpy, which asks for another
    Gymnasium: benchmarks.speed.d3, which times ours beside it, says how.
    """
    declared = {canonicalize_name(requirement.name) for requirement in EVERYTHING} | {"rl-zoo3", "d3rlpy"}
    distributions = packages_distributions()
    undeclared = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level and node.module else []
            for name in {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names, *PACKAGES}:
                if declared.isdisjoint(map(canonicalize_name, distributions.get(name, [name.replace("_", "-")]))):
                    undeclared.add(f"{path.relative_to(ROOT)}: {name}")
    assert undeclared == set()


def package_data() -> set[Path]:
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"].items()
    return {path for package, globs in patterns for glob in globs for path in (ROOT / package).glob(glob)}


def test_every_folder_with_a_module_is_a_package_or_data():
    """The build finds packages by their __init__.py: a folder without one would be missing from the wheel, but for what is declared as data."""
    without = {path for path in sources() if not (path.parent / "__init__.py").is_file()}
    assert {str(path.relative_to(ROOT)) for path in without - package_data()} == set()


def test_every_data_file_is_declared_as_package_data():
    declared = package_data()
    present = {path for package in PACKAGES for path in (ROOT / package).rglob("*.*") if path.suffix != ".py" and "__pycache__" not in path.parts}

    assert {str(path.relative_to(ROOT)) for path in present - declared} == set()


def test_the_console_script_points_at_a_function():
    module, _, function = PYPROJECT["project"]["scripts"]["sb3-course"].partition(":")
    program = f"from {module} import {function}; assert callable({function})"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr == ""


def test_rliable_imports_with_the_installed_pandas_and_arch():
    """pandas 3 or arch 8 beside rliable 1.2 pass `pip check` and fail here."""
    assert subprocess.run([sys.executable, "-c", "import rliable.library"], capture_output=True, text=True, check=False).returncode == 0


def make(*arguments: str) -> subprocess.CompletedProcess:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # these tests may be run by make themselves
    return subprocess.run(["make", *arguments], cwd=ROOT, env=outside, capture_output=True, text=True, check=False)


def dry_run(*arguments: str) -> str:
    return make("--dry-run", *arguments).stdout


def test_make_installs_with_the_constraints_once_and_again_when_the_requirements_change(tmp_path):
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    assert "--constraint constraints.txt --editable .\n" in dry_run("install", f"VENV={venv}")

    (venv / ".installed-core").touch()
    assert "pip install" not in dry_run("install", f"VENV={venv}")
    assert "pip install" in dry_run("install", f"VENV={venv}", "--what-if=constraints.txt")
    assert "pip install" in dry_run("install", f"VENV={venv}", "--what-if=pyproject.toml")


def test_make_refuses_an_old_python_with_one_clear_line(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text(f"#!/bin/sh\nshift\nexec '{sys.executable}' -c \"import sys; sys.version_info = (3, 9, 0); $1\"\n")
    old.chmod(0o755)
    answer = make("install", f"VENV={tmp_path / 'venv'}", f"PYTHON={old}")

    assert answer.returncode != 0
    assert answer.stderr.startswith(f"Python 3.11 or newer is needed; {old} is 3.9.")
    assert not (tmp_path / "venv").exists()


# ---------------------------------------------------------------------------------------------- conda and containers


def test_the_conda_environment_has_a_python_that_we_support_and_pip_s_constraints():
    facts = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, by_pip = facts["dependencies"]
    assert pip == "pip" and by_pip == {"pip": ["-c constraints.txt", "-e ."]}
    assert SpecifierSet(PYPROJECT["project"]["requires-python"]).contains(python.partition("=")[2])
    assert "# The exact versions that were installed together and run: Python 3.11" in LINES[0] and python == "python=3.11"


def test_the_image_is_built_from_the_python_of_the_constraints_with_the_constraints():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert text.count("\nFROM ") == 1 and "\nFROM python:3.11-slim\n" in text
    assert "pip install" in text and "-c constraints.txt" in text


@pytest.mark.parametrize(("extras", "wanted"), [("", "."), ("minatar,mujoco", ".[minatar,mujoco]")])
def test_the_image_is_asked_for_its_extras_in_words_that_pip_understands(extras, wanted):
    """`.[]` is none: without extras the brackets must go, too."""
    word = re.search(r'-e ("\S+")', (ROOT / "Dockerfile").read_text(encoding="utf-8"))[1]
    assert subprocess.run(["sh", "-c", f"printf %s {word}"], env={"EXTRAS": extras}, capture_output=True, text=True, check=True).stdout == wanted


def test_what_is_made_on_this_machine_does_not_go_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".venv", "**/__pycache__", "studies", "sb3_course_work"} <= set(ignored) and ".git" not in ignored
