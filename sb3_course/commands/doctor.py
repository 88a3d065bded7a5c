"""sb3-course doctor: what is installed against what is known to run together, and what the machine offers."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import sys
from pathlib import Path

from benchmarks import HarnessError

ROOT = Path(__file__).resolve().parents[2]
# The combinations that install quietly and fail later, with what happens then.
PINS = {
    "pandas": ("<3", "with pandas 3, `import rliable.library` raises TypeError"),
    "arch": (">=7,<8", "arch 8 breaks rliable 1.2.0"),
    "mujoco": ("<4", "dm_control 1.0.50 needs mujoco 3.17 or later, below 4"),
    "pillow": ("<12", "moviepy 2.2.1, which writes videos, needs pillow below 12"),
    "stable-baselines3": (">=2.9,<3", "parity is measured against 2.9"),
    "gymnasium": (">=1.4,<2", "environment ids and their numbers are those of 1.4"),
    "hydra-core": (">=1.3,<1.4", "studies are composed by Hydra 1.3"),
}
CORE = ("torch", "numpy", "scipy", "numba", "rliable", "duckdb", "pyarrow", "jinja2", "matplotlib", "omegaconf", "psutil", "rich", "filelock", "PyYAML")
EXTRAS = {  # extra -> (module, what for)
    "atari": ("ale_py", "ALE/Pong-v5 and the other Atari games"),
    "mujoco": ("mujoco", "Hopper-v5, HalfCheetah-v5, ..."),
    "box2d": ("Box2D", "LunarLander-v3, BipedalWalker-v3"),
    "grid": ("minigrid", "MiniGrid"),
    "minatar": ("minatar", "MinAtar/Breakout-v1 and the other four games"),
    "marl": ("pettingzoo", "several agents"),
    "offline": ("h5py", "data sets in Minari's and D4RL's form"),
    "video": ("moviepy", "recording videos"),
}


class Unwell(HarnessError):
    """Something needs mending; the lines above say what and how."""


# Trainings that between them call every compiled loop of the deep algorithms.
FIRST_TRAININGS: tuple[tuple[str, str, dict], ...] = (
    ("ppo", "CartPole-v1", {"n_steps": 32, "batch_size": 32}),
    ("ppo", "Pendulum-v1", {"n_steps": 32, "batch_size": 32}),
    ("a2c", "CartPole-v1", {}),
    ("dqn", "CartPole-v1", {"learning_starts": 8, "buffer_size": 100}),
    ("td3", "Pendulum-v1", {"learning_starts": 8, "buffer_size": 100, "batch_size": 16}),
    ("sac", "Pendulum-v1", {"learning_starts": 8, "buffer_size": 100, "batch_size": 16}),
)


def run(args: argparse.Namespace) -> int:
    if args.warm:
        warm()
        return 0
    problems: list[str] = []
    _python()
    _packages(problems, args.all)
    _extras()
    _machine(problems)
    _bits()
    _display()
    if problems:
        print("\nTo mend:")
        for problem in problems:
            print(f"  - {problem}")
        raise Unwell(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} found")
    print("\nNothing to mend.")
    return 0


def warm() -> None:
    """Compile what first trainings compile; numba keeps it beside our files, or in the user's cache where they are read-only."""
    import torch
    from tqdm import tqdm

    from from_scratch import registry

    torch.set_num_threads(1)
    trainings = tqdm(FIRST_TRAININGS, desc="Compiling, once per machine", leave=False, disable=not sys.stderr.isatty())
    for name, env, settings in trainings:
        for seeds in ([0], [0, 1]):
            registry.load(name)("MlpPolicy", env, seeds=seeds, device="cpu", **settings).learn(40)
    print("Compiled: trainings start at once from now on.")


def _python() -> None:
    print(f"Python {platform.python_version()} at {sys.executable}, {platform.system()} {platform.release()} {platform.machine()}")


def constraints() -> dict[str, str]:
    """Package -> version, of the set that was tested together; empty where constraints.txt is not at hand (an installed package)."""
    path = ROOT / "constraints.txt"
    if not path.is_file():
        return {}
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (re.split(r"==", line.split(";")[0].strip()) for line in lines if "==" in line)
    return {_normal(name): version.strip() for name, version in pairs}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip().split("[")[0]).lower()


def installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def violations() -> list[tuple[str, str, str, str]]:
    """(package, installed version, wanted range, what goes wrong) for every pin that does not hold."""
    from packaging.specifiers import SpecifierSet

    found = []
    for package, (wanted, reason) in PINS.items():
        version = installed(package)
        if version is not None and version not in SpecifierSet(wanted, prereleases=True):
            found.append((package, version, wanted, reason))
    return found


def _packages(problems: list[str], everything: bool) -> None:
    tested = constraints()
    mine = {name: installed(name) for name in [*PINS, *CORE]}
    print("\nPackages (those tested together are in constraints.txt)")
    for name, version in mine.items():
        wanted = tested.get(_normal(name))
        note = "" if version is None or wanted in (None, version.partition("+")[0], version) else f"  tested: {wanted}"
        if version or name in CORE:
            print(f"  {name:20} {version or 'not installed'}{note}")
        if version is None and name in CORE:
            problems.append(f"{name} is not installed: pip install -c constraints.txt -e .")
    for package, version, wanted, reason in violations():
        problems.append(f"{package} {version}: {reason}. pip install '{package}{wanted}'")
    others = [(name, version, installed(name)) for name, version in tested.items()]
    different = [(name, wanted, version) for name, wanted, version in others if version is not None and version.partition("+")[0] != wanted.partition("+")[0]]
    if different:
        print(f"  {len(different)} installed packages differ from constraints.txt" + (":" if everything else " (--all lists them)"))
        for name, wanted, version in different if everything else []:
            print(f"    {name:20} {version}  tested: {wanted}")


def _extras() -> None:
    print("\nOptional parts")
    for extra, (module, purpose) in EXTRAS.items():
        there = importlib.util.find_spec(module) is not None
        print(f"  {extra:10} {'installed' if there else 'not installed'}: {purpose}" + ("" if there else f'   pip install -c constraints.txt -e ".[{extra}]"'))


def _machine(problems: list[str]) -> None:
    import psutil

    from benchmarks.running.launchers import physical_cores

    memory, disk = psutil.virtual_memory(), shutil.disk_usage(Path.cwd())
    print(f"\nMachine: {physical_cores()} physical cores to use ({os.cpu_count()} logical), {memory.total / 2**30:.0f} GiB memory "
          f"({memory.available / 2**30:.0f} free), {disk.free / 2**30:.0f} GiB disk free here")
    print("Threads: studies use one thread per process whatever is set; elsewhere OMP_NUM_THREADS is " + os.environ.get("OMP_NUM_THREADS", "not set"))
    if disk.free < 2**30:
        problems.append(f"only {disk.free / 2**20:.0f} MiB free on this disk: a study of 100 runs takes about 100 MiB")
    if memory.available < 2**30:
        problems.append(f"only {memory.available / 2**20:.0f} MiB of memory free: a training process takes about 500 MiB; use fewer --jobs")


def _bits() -> None:
    from from_scratch.core.lockstep import selfcheck

    found = selfcheck.equalities()
    unlike = [part for part in selfcheck.PARTS if not found[part]]
    print("Arithmetic: " + ("as torch's to the bit (" + ", ".join(selfcheck.PARTS) + "), so weights follow Stable-Baselines3's bit by bit"
          if not unlike else "not torch's to the last bit in " + ", ".join(unlike) + ": weights differ from Stable-Baselines3's by about 1e-7 an update"))
    if not found["products wherever operands lie"]:
        print("  torch's products depend here on where their operands lie; ours lie where a tensor of its own would")


def _display() -> None:
    pygame = installed("pygame-ce") or installed("pygame")
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform != "linux"
    print(f"Rendering: {'pygame ' + pygame if pygame else 'pygame is not installed (pip install pygame-ce)'}; "
          + ("a display is there" if display else "no display: sb3-course enjoy needs --no-render")
          + f"; MUJOCO_GL is {os.environ.get('MUJOCO_GL', 'not set' + ('' if display else ' (egl or osmesa where there is no display)'))}")
