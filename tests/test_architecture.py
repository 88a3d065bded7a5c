"""Dependencies point one way, and what that means is said here:

    sb3_course → benchmarks → from_scratch.registry → <family>/__init__.py → from_scratch.core.entry
                                                      <family>/<algorithm>.py → from_scratch.core → torch, numpy, gymnasium, SB3
"""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = ("from_scratch", "benchmarks", "sb3_course", "tests", "results")
# What others import: they know algorithms by name alone.
FACES = ("from_scratch", "from_scratch.callbacks", "from_scratch.noise", "from_scratch.own", "from_scratch.policies", "from_scratch.registry",
         "from_scratch.stub", "from_scratch.zoo")  # fmt: skip
DEPLOY = "from_scratch.deploy"  # policies as files, and the loop that plays them: it knows policies by their classes in core, and no algorithm
ROUND_THEM = ("from_scratch.core", "from_scratch.envs", DEPLOY)  # what is neither a family nor an algorithm
BELOW_CORE = {"torch", "numpy", "numba", "llvmlite", "gymnasium", "stable_baselines3", "sb3_contrib", "h5py", *sys.stdlib_module_names}
# Within core: which other rooms a room may import, each name a folder or a single module. A room without a line may import all of core.
FLOOR = ("addresses", "arguments", "callbacks", "data", "distributions", "files", "finite", "hyperparameters", "masks", "product", "returns", "rng", "stacks",
         "vec_env", "watch")  # fmt: skip
ROOMS = {  # a room of core: the others that it may import
    "linear": ("tabular", "loops", *FLOOR),
    "tabular": ("loops", *FLOOR),
    "loops": ("algorithm", "datasets", "networks", "replay", "resuming", *FLOOR),
    "algorithm": ("networks", "lockstep", "resuming", *FLOOR),
    "networks": ("lockstep", "addresses", "atoms", "data", "distributions", "finite", "product", "rng", "watch"),
    "replay": ("lockstep", "data", "datasets", "rng", "watch"),  # a compiled loop
    "datasets": ("data",),
    "distributions": ("product", "rng"),
    "returns": ("lockstep",),  # a compiled loop
    "quantiles": ("lockstep",),  # the same
    "atoms": ("lockstep", "hyperparameters"),  # the same, and what they are given
    "rng": ("lockstep",),
    "hyperparameters": ("arguments",),
    "resuming": ("vec_env",),
    "stacks": ("addresses", "callbacks", "checkpoints", "files", "masks", "resuming", "vec_env"),
    "checkpoints": ("callbacks", "resuming"),
    "files": ("addresses",),
    "masks": ("vec_env",),
    "lockstep": ("watch",),
    "exact": (),  # answers without sampling stand alone
    **dict.fromkeys(("addresses", "arguments", "callbacks", "data", "entry", "finite", "noise", "product", "vec_env", "watch"), ()),
}
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".html", ".j2", ".css", ".js", ".tex", ""}
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
ABSOLUTE = re.compile(r"(?<![\w.:/-])/(home|work|Users|root|tmp)/")


def modules(package: str, root: Path = ROOT):
    """(dotted name, path) of every module below the package."""
    for path in sorted((root / package).rglob("*.py")):
        yield ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"), path


def imported(path: Path, root: Path = ROOT) -> set[str]:
    """The dotted names of all modules that a file imports, at its top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(root).parts[: -node.level]) if node.level else ""
            source = ".".join(filter(None, (package, node.module)))
            for alias in node.names:
                place = root.joinpath(*source.split("."), alias.name)
                names.add(f"{source}.{alias.name}" if place.is_dir() or place.with_suffix(".py").is_file() else source)
    return names


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def is_family(name: str) -> bool:
    """A family's `__init__.py`: what is known of its algorithms without importing them."""
    return name.startswith("from_scratch.") and name.count(".") == 1 and name not in FACES and not within(name, *ROUND_THEM)


def is_algorithm(name: str) -> bool:
    return within(name, "from_scratch") and name not in FACES and not is_family(name) and not within(name, *ROUND_THEM)


def room(name: str) -> str:
    """Which room of core a dotted name lies in."""
    return name.removeprefix("from_scratch.core").lstrip(".").partition(".")[0]


def may_import(module: str, name: str) -> bool:
    """Whether the arrows let this module of the project import that name."""
    if within(module, "from_scratch.core"):
        here, there = room(module), room(name)
        return within(name, *BELOW_CORE) or (within(name, "from_scratch.core") and there in (here, "", *ROOMS.get(here, (there,))))
    if not within(name, *PROJECT):
        return True
    if within(module, "from_scratch.envs"):
        return within(name, "from_scratch.core", "from_scratch.envs")
    if within(module, DEPLOY):
        return within(name, "from_scratch.core", "from_scratch.envs", DEPLOY)
    if is_family(module):
        return name == "from_scratch.core.entry"
    if module == "from_scratch.registry":
        return name in ("from_scratch.core.entry", "from_scratch.own") or is_family(name)
    if module == "from_scratch.own":
        return name == "from_scratch.core.entry"
    if module in FACES:
        of_callbacks = ("from_scratch.core.checkpoints", "from_scratch.core.resuming.callbacks", "from_scratch.core.stacks")
        own = {"from_scratch.callbacks": of_callbacks, "from_scratch.noise": ("from_scratch.core.noise",)}
        return name in ("from_scratch.policies", "from_scratch.registry", *own.get(module, ()))
    if is_algorithm(module):
        return within(name, "from_scratch.core", "from_scratch.envs") or is_algorithm(name)
    if within(module, "benchmarks"):
        return within(name, "benchmarks", "from_scratch.own", "from_scratch.registry", "from_scratch.core", "from_scratch.envs", DEPLOY)
    return within(name, "sb3_course", "benchmarks", "from_scratch")


def against_the_arrows(root: Path = ROOT) -> list[str]:
    return [
        f"{module} imports {name}"
        for package in ("from_scratch", "benchmarks", "sb3_course")
        for module, path in modules(package, root)
        for name in sorted(imported(path, root))
        if not may_import(module, name)
    ]


def parents(root: Path = ROOT) -> dict[str, list[str]]:
    """The other algorithms that each algorithm's file imports."""
    return {module: sorted(filter(is_algorithm, imported(path, root) - {module})) for module, path in modules("from_scratch", root) if is_algorithm(module)}


def project_files() -> list[Path]:
    """The text files of the project; the runs' own outputs and what tools leave behind are not among them."""
    outside = {"results", "studies", "runs", "logs", "outputs", "build", "dist", "_build", "_generated", "__pycache__"}
    inside = [ROOT / ".ci" / "run", ROOT / ".pre-commit-config.yaml"]
    inside += [path for path in ROOT.rglob("*") if not any(part in outside or part.startswith(".") for part in path.relative_to(ROOT).parts)]
    return sorted(path for path in inside if path.is_file() and path.suffix in TEXT and ".egg-info" not in str(path))


def test_dependencies_point_one_way():
    assert against_the_arrows() == []


def test_an_algorithm_imports_at_most_one_parent_algorithm():
    assert {module: names for module, names in parents().items() if len(names) > 1} == {}


def test_each_arrow_turned_round_is_seen(tmp_path):
    """The rules above bite: one wrong import of every kind, in a small project made for it."""
    files = {
        "from_scratch/core/algorithm.py": "from from_scratch.value_based import dqn",
        "from_scratch/core/lockstep/mlp.py": "def build():\n    import pandas",
        "from_scratch/core/replay/memory.py": "from ... import registry",
        "from_scratch/registry.py": "import from_scratch.value_based.dqn",
        "from_scratch/value_based/__init__.py": "from from_scratch.core.entry import Family\nfrom from_scratch.value_based.dqn import DQN",
        "from_scratch/value_based/dqn.py": "from benchmarks.store.store import Store",
        "from_scratch/value_based/rainbow.py": "from from_scratch.value_based.dqn import DQN\nfrom ..policy_gradient.ppo import PPO",
        "from_scratch/policy_gradient/ppo.py": "import torch\nfrom from_scratch.core import networks",
        "benchmarks/running/worker.py": "from from_scratch import PPO",
        "benchmarks/store/store.py": "import sb3_course.cli",
        "sb3_course/cli.py": "from tests import conftest\nfrom benchmarks import store",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    assert set(against_the_arrows(tmp_path)) == {
        "from_scratch.core.algorithm imports from_scratch.value_based.dqn",
        "from_scratch.core.lockstep.mlp imports pandas",
        "from_scratch.core.replay.memory imports from_scratch.registry",
        "from_scratch.registry imports from_scratch.value_based.dqn",
        "from_scratch.value_based imports from_scratch.value_based.dqn",
        "from_scratch.value_based.dqn imports benchmarks.store.store",
        "benchmarks.running.worker imports from_scratch",
        "benchmarks.store.store imports sb3_course.cli",
        "sb3_course.cli imports tests",
    }
    assert parents(tmp_path)["from_scratch.value_based.rainbow"] == ["from_scratch.policy_gradient.ppo", "from_scratch.value_based.dqn"]


@pytest.mark.parametrize(
    ("here", "there"),
    [("tabular", "linear"), ("tabular", "networks"), ("loops", "tabular"), ("loops", "linear"), ("loops", "exact"), ("linear", "exact"), ("exact", "tabular"),
     ("exact", "algorithm"), ("linear", "replay"), ("algorithm", "loops"), ("networks", "algorithm"), ("networks", "loops"), ("replay", "loops"),
     ("lockstep", "networks"), ("lockstep", "data"), ("rng", "data"), ("data", "algorithm")],
)  # fmt: skip
def test_each_arrow_between_rooms_of_core_turned_round_is_seen(here, there, tmp_path):
    path = tmp_path / "from_scratch" / "core" / here / "module.py"
    path.parent.mkdir(parents=True)
    path.write_text(f"from from_scratch.core.{here}.other import x\nfrom from_scratch.core.{there} import y\n")

    assert against_the_arrows(tmp_path) == [f"from_scratch.core.{here}.module imports from_scratch.core.{there}"]


def test_every_room_that_has_arrows_is_there_and_so_is_where_they_lead():
    rooms = {room(name) for name, _ in modules("from_scratch") if within(name, "from_scratch.core")}
    assert {*ROOMS, *(name for arrows in ROOMS.values() for name in arrows)} <= rooms


def test_no_file_names_a_place_on_somebody_s_disk_or_leaves_a_note_for_later():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in project_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if UNFINISHED.search(line) or (ABSOLUTE.search(line) and path != Path(__file__))
    ]
    assert found == []


# --- the rooms of the harness

# Room -> the rooms that it may import, all of which stand above it: so there is no circle. Everyone may import the errors (benchmarks itself).
HARNESS: dict[str, tuple[str, ...]] = {
    "configs": (),
    "plain": (),  # store/plain.py and store/files.py: text and files, whatever is in them; they know no study
    "studies": ("configs", "plain"),
    "stats": (),
    "evidence": ("stats", "studies"),
    "store": ("configs", "plain", "stats", "studies"),  # stats: the form of marl-eval's files
    "tracking": ("plain", "store", "studies"),
    "running": ("evidence", "plain", "store", "studies"),  # evidence: a sequential study asks after each batch whether it is decided
    "measures": ("running", "studies"),  # running takes them by their names
    "report": ("configs", "evidence", "plain", "running", "stats", "store", "studies"),  # running: its films play models
    "claims": ("configs", "plain", "report", "running", "stats", "store", "studies"),
    "datasets": ("plain", "report", "running", "studies"),
    "reproduction": ("claims", "configs", "evidence", "plain", "report", "running", "stats", "store", "studies"),
    "tuning": ("plain", "report", "running", "stats", "studies"),
    "textbook": ("plain", "report", "running", "stats", "store", "studies"),
    "speed": ("report", "reproduction", "running", "store", "studies"),  # what a study of many runs costs, from its plan to its compact form
    "calibration": ("plain", "stats"),
    "parity": (),
}


def room_of(module: str) -> str:
    """The room of a module of benchmarks; "" for what lies in none."""
    if module in ("benchmarks.store.plain", "benchmarks.store.files"):
        return "plain"
    return "".join(module.split(".")[1:2])


def between_rooms(root: Path = ROOT) -> list[str]:
    """The imports of benchmarks from a room that the table does not name."""
    return [
        f"{module} imports {name}"
        for module, path in modules("benchmarks", root)
        for name in sorted(imported(path, root))
        if within(name, "benchmarks") and room_of(name) not in ("", room_of(module), *HARNESS.get(room_of(module), ()))
    ]


def test_the_rooms_of_the_harness_import_what_stands_above_them():
    assert between_rooms() == []


def test_every_room_of_the_harness_stands_in_the_table_below_those_that_it_imports():
    rooms = list(HARNESS)
    assert {room_of(module) for module, _ in modules("benchmarks")} - {""} == set(rooms)
    assert [(room, other) for k, room in enumerate(rooms) for other in HARNESS[room] if other not in rooms[:k]] == []


def test_a_wrong_arrow_between_rooms_is_seen(tmp_path):
    files = {
        "benchmarks/stats/power.py": "from benchmarks.evidence.records import Statistics",
        "benchmarks/studies/plan.py": "from benchmarks.store.plain import content\nfrom benchmarks.store.store import Store",
        "benchmarks/store/plain.py": "from benchmarks import IntegrityError",
        "benchmarks/store/store.py": "from benchmarks.studies.plan import plan\nfrom ..report import page",
        "benchmarks/evidence/analysis.py": "def analyse():\n    from benchmarks import running",
        "benchmarks/running/worker.py": "from benchmarks.evidence import sequential",
        "benchmarks/report/page.py": "from benchmarks.reproduction import verify",
        "benchmarks/calibration/measure.py": "from benchmarks.store.files import write_whole\nfrom benchmarks.report.style import number",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    assert between_rooms(tmp_path) == [
        "benchmarks.calibration.measure imports benchmarks.report.style",
        "benchmarks.evidence.analysis imports benchmarks.running",
        "benchmarks.report.page imports benchmarks.reproduction",
        "benchmarks.stats.power imports benchmarks.evidence.records",
        "benchmarks.store.store imports benchmarks.report.page",
        "benchmarks.studies.plan imports benchmarks.store.store",
    ]
