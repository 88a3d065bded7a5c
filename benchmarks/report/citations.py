"""What a study stands on, as BibTeX: the papers of its algorithms and environments, of the statistics that its report names, and the libraries it lists."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from importlib import resources

from benchmarks.studies.environments import base
from benchmarks.studies.study import Study
from from_scratch import registry

BOOK, GYM = "Sutton & Barto 2018", "OpenAI Gym"
STATISTICS = ("rliable", "Hesterberg 2015", "Mandel & Betensky 2008", "Chung & Romano 2013", "Yuen 1974", "Holm 1979", "Schuirmann 1987", "Welch 1947",
              "Rubin 1981", "Learned-Miller & Thomas 2019", "Cliff 1993", "Hedges 1981", "Wilks 1941", "Kaplan & Meier 1958", "Brookmeyer & Crowley 1982",
              "Pineau et al. 2021")  # fmt: skip
SOLVED = {False: "Boschloo 1970", True: "McNemar 1947"}  # the test of shares of solved runs, where runs are pairs or not
LIBRARIES = {  # packages that a report names with their versions (benchmarks.studies.provenance.PACKAGES) -> what to cite
    "stable-baselines3": "Stable-Baselines3", "sb3-contrib": "Stable-Baselines3", "gymnasium": "Gymnasium", "torch": "PyTorch", "numpy": "NumPy",
    "scipy": "SciPy", "numba": "Numba", "llvmlite": "Numba", "pandas": "pandas", "pyarrow": "Apache Arrow", "duckdb": "DuckDB", "hydra-core": "Hydra",
    "matplotlib": "Matplotlib",
}  # fmt: skip
GYMNASIUMS = {  # environments of Gymnasium without their versions -> where they come from, as Gymnasium's own pages say
    "CartPole": ("Barto, Sutton & Anderson 1983",), "Acrobot": ("Sutton 1996",), "MountainCar": ("Moore 1990",), "MountainCarContinuous": ("Moore 1990",),
    "Pendulum": (GYM,), "LunarLander": (GYM,), "LunarLanderContinuous": (GYM,), "BipedalWalker": (GYM,), "FrozenLake": (GYM,), "Blackjack": (BOOK,),
    "CliffWalking": (BOOK,), "Taxi": ("Dietterich 2000",), "Ant": ("MuJoCo", "Schulman et al. 2016"), "HalfCheetah": ("MuJoCo", "Wawrzyński 2009"),
    "Hopper": ("MuJoCo", "Erez et al. 2011"), "Walker2d": ("MuJoCo", "Erez et al. 2011"), "Swimmer": ("MuJoCo", "Coulom 2002"),
}  # fmt: skip
OURS = {  # environments of this library that are of no chapter of the book
    "GridWorld": (), "RandomGrid": (), "TwoByTwo": (), "RiverSwim": ("Strehl & Littman 2008",), "DeepSea": ("Osband et al. 2019",),
    "CartPoleBins": ("Barto, Sutton & Anderson 1983",), "CartPoleNoVel": ("Barto, Sutton & Anderson 1983",), "PendulumNoVel": (GYM,),
    "MemoryChain": ("Osband et al. 2020",), "MountainCar": ("Moore 1990", "Singh & Sutton 1996"),
}  # fmt: skip
REQUIRED = {  # type of an entry -> the fields without which BibTeX complains, or a reader does not find it
    "article": ("author", "title", "journal", "year"), "inproceedings": ("author", "title", "booktitle", "year"),
    "book": ("author", "title", "publisher", "year"), "phdthesis": ("author", "title", "school", "year"),
    "techreport": ("author", "title", "institution", "year"), "misc": ("author", "title", "year"),
}  # fmt: skip
LOCATORS = ("doi", "eprint", "url")
_VERSION = re.compile(r"-v\d+$")


@functools.cache
def entries() -> dict[str, str]:
    """Every entry of references.bib, by the name under which it is cited here."""
    text = (resources.files("benchmarks.report") / "templates" / "references.bib").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for part in re.split(r"(?m)^% ", text)[1:]:
        title, _, entry = part.partition("\n")
        found[title] = entry.strip()
    return found


def fields(entry: str) -> dict[str, str]:
    """The fields of an entry as BibTeX reads them, and its "type"."""
    kind = re.match(r"@(\w+)\{", entry)
    assert kind is not None, entry
    return {"type": kind[1], **dict(re.findall(r"(?m)^\s+(\w+)\s*=\s*\{(.*)\},?$", entry))}


def papers_of(algo: str) -> list[str]:
    """The papers of an algorithm, as references.bib names them."""
    entry = registry.known(algo)
    paper = "–" if entry is None else entry.paper
    return [] if paper == "–" else [re.sub(r", §.*", "", part) for part in paper.split("; ")]


def papers_of_environment(env: str) -> tuple[str, ...] | None:
    """Where an environment comes from, as references.bib names it; None where that is not known here."""
    room, _, name = env.rpartition("/")
    name = _VERSION.sub("", base(name))
    if room == "from_scratch":
        return OURS.get(name, (BOOK,))
    return GYMNASIUMS.get(name) if not room else None


def bibliography(study: Study, packages: Iterable[str], sequential: bool = False) -> str:
    """BibTeX entries of all that the report of a study names, these packages included. What has none here is named in a comment."""
    references = [algo for algo in study.algorithms if (entry := registry.known(algo)) and not entry.is_ours]
    paired = (study.statistics or {}).get("paired") is True
    places = {env: papers_of_environment(env) for env in study.tasks}
    wanted = [*STATISTICS, SOLVED[paired], *(["Mathieu et al. 2024"] if sequential else []),
              *(["Stable-Baselines3"] if references else []), *(["RL Baselines3 Zoo"] if _names_the_zoo(study) else []),
              *(paper for algo in study.algorithms for paper in papers_of(algo)), *(paper for found in places.values() for paper in found or ()),
              *(LIBRARIES[name] for name in packages if name in LIBRARIES)]  # fmt: skip
    known = entries()
    unknown = [f"the algorithm {algo}" for algo in study.algorithms if registry.known(algo) is None]
    unknown += [f"the environment {env}" for env, found in places.items() if found is None]
    text = [known.get(key, f"% no entry here for {key}") for key in dict.fromkeys(wanted)]
    return "\n\n".join([*text, *(f"% no entry here for {' '.join(thing.split())}" for thing in unknown)])


def _names_the_zoo(study: Study) -> bool:
    """Whether settings, budgets or scores of the RL Zoo stand in the report."""
    return any("Zoo" in str(part) for part in (study.provenance, study.normalise, study.references)) or bool(study.zoo_budget)
