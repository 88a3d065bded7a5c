"""Seeds in lock-step on a GPU: `python -m benchmarks.speed.gpu --out gpu.json`.

PPO on CartPole, SAC and TD3 with 256×256 units on Pendulum: 1, 10 and 100 seeds of ours on the GPU, one run of Stable-Baselines3's there, and 1 and 10
seeds of ours on one core. What is told is steps of the environments per second, of each seed and of all. Runs are bounded in time: whoever has such a
machine for ten minutes gets numbers for it, and what did not fit, or raised, is a row that says so.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # NumPy and torch read these when they are imported
    os.environ[name] = "1"

import argparse  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import traceback  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from copy import deepcopy  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, cast  # noqa: E402

import torch  # noqa: E402

from benchmarks import HarnessError, UserError  # noqa: E402
from benchmarks.speed import measure, tables  # noqa: E402
from from_scratch import registry  # noqa: E402
from from_scratch.envs.vector import vectorised  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
BEGIN, END = "<!-- gpu: begin -->", "<!-- gpu: end -->"
NONE = "No GPU was at hand when this page was written: `python -m benchmarks.speed.gpu --out gpu.json --write-docs` fills in this table."
SCHEMA = 1  # of the JSON
SECONDS = 2.0  # that one contender is timed for in one round
LONGEST = 15.0  # seconds that a contender may take in all
SQUARE = {"policy_kwargs": {"net_arch": [256, 256]}, "buffer_size": 50_000}


@dataclass(frozen=True)
class Case:
    """An algorithm that SB3 has, an environment, and what both sides are given. A run is timed in multiples of `turn` steps, the first `warm_up` are not.

    least: so many steps are timed apart, and taken off, since a long run calls `learn` once: it looks at every network, which for a hundred seeds takes as
    long as dozens of steps. 0 where it is little beside a rollout.
    """

    algorithm: str
    env: str
    warm_up: int
    turn: int
    least: int = 0
    hyperparameters: dict[str, Any] = field(default_factory=dict)


CASES = {
    "ppo-cartpole": Case("ppo", "CartPole-v1", warm_up=2048, turn=2048),
    "sac-pendulum": Case("sac", "Pendulum-v1", warm_up=120, turn=40, least=1, hyperparameters=SQUARE),
    "td3-pendulum": Case("td3", "Pendulum-v1", warm_up=120, turn=40, least=1, hyperparameters=SQUARE),
}


@dataclass(frozen=True)
class Side:
    """Who is timed: SB3 (which trains one seed) or ours, where, and how many seeds of it."""

    name: str
    device: str
    seeds: int

    def model(self, case: Case) -> Any:
        policy, given = registry.find(case.algorithm).policy, deepcopy(case.hyperparameters)
        if self.name == "SB3":
            return registry.load(registry.find(case.algorithm).twin or "")(policy, case.env, seed=0, device=self.device, **given)
        env = vectorised(case.env) if self.seeds > 1 else case.env  # the same numbers; a hundred scalar ones would take half the time
        return registry.load(case.algorithm)(policy, env, seeds=range(self.seeds), device=self.device, **given)


def sides(device: str, seeds: Sequence[int]) -> list[Side]:
    """The GPU's, and for comparison those of one core."""
    return list(dict.fromkeys([Side("SB3", device, 1), *(Side("ours", device, n) for n in seeds), Side("ours", "cpu", 1), Side("ours", "cpu", 10)]))


class Contender:
    """A model that is warmed up and then timed, a few seconds in each round. `row` is what is known of it."""

    def __init__(self, case: Case, side: Side):
        self.case, self.side = case, side
        self.row: dict[str, Any] = {"side": side.name, "device": side.device, "seeds": side.seeds, "steps": [], "seconds": [], "call": []}
        self.spent, self.model = 0.0, cast(Any, None)

    def attempt(self, work: Callable[[], None]) -> None:
        """Do it, unless it has failed before or has had its time; what it raises becomes a part of the row."""
        if "error" in self.row or "stopped" in self.row:
            return
        start = time.perf_counter()
        try:
            work()
        except Exception:
            self.row["error"] = traceback.format_exc()
            self.model = None
        self.spent += time.perf_counter() - start
        if self.spent > LONGEST and "error" not in self.row:
            self.row["stopped"] = f"after {self.spent:.0f} of {LONGEST:.0f} s"

    def warm_up(self) -> None:
        """Make the model, train it to where updates are the rule, and look how long a turn takes."""
        start = time.perf_counter()
        self.model = self.side.model(self.case)
        self.model.learn(self.case.warm_up)
        self._settle()
        self.row["warm_up"] = time.perf_counter() - start
        call = self._seconds(self.case.least) if self.case.least else 0.0
        self.turns = max(1, round(SECONDS / max(self._seconds(self.case.turn) - call, 1e-3)))

    def time(self) -> None:
        """One round."""
        steps, least = self.turns * self.case.turn, self.case.least
        call = self._seconds(least) if least else 0.0
        self.row["call"].append(call)
        self.row["steps"].append(steps)
        self.row["seconds"].append(self._seconds(steps + least) - call)
        of_each = [n / s for n, s in zip(self.row["steps"], self.row["seconds"], strict=True)]
        self.row["per_seed"] = statistics.median(of_each)
        self.row["total"] = self.row["per_seed"] * self.side.seeds

    def _seconds(self, steps: int) -> float:
        gc.collect()
        self._settle()
        start = time.perf_counter()
        self.model.learn(steps, reset_num_timesteps=False)
        self._settle()
        return time.perf_counter() - start

    def _settle(self) -> None:
        """Wait for what the GPU has still to do."""
        if self.side.device.startswith("cuda"):
            torch.cuda.synchronize()


def measure_case(name: str, case: Case, who: Sequence[Side], rounds: int, until: float, tell: Callable[[list[dict]], None]) -> None:
    """Time the sides by turns, until the clock shows `until` at the latest; tell(rows) hears of every step."""
    contenders = [Contender(case, side) for side in who]
    rows = [contender.row for contender in contenders]
    for r in range(-1, rounds):
        at = r % len(contenders)
        for contender in contenders[at:] + contenders[:at]:  # nobody is always first
            if time.perf_counter() > until:
                if r < 1:
                    contender.row.setdefault("stopped", "the time was over")
                continue
            contender.attempt(contender.warm_up if r < 0 else contender.time)
            tell(rows)
    tell(rows)


def gpu(device: str) -> dict[str, Any]:
    """What is known of the card."""
    if not device.startswith("cuda"):
        return {}
    card = torch.cuda.get_device_properties(device)
    return {"name": card.name, "memory_gb": round(card.total_memory / 2**30), "cuda": torch.version.cuda}


# --------------------------------------------------------------------------------------------------------------------------- table
def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return "–"
    if "error" in row:
        return f"failed: {row['error'].strip().splitlines()[-1]}"
    if not row["seconds"]:
        return f"not timed ({row.get('stopped', 'the time was over')})"
    each, total = (tables.number(float(f"{x:.3g}")) for x in (row["per_seed"], row["total"]))
    return each if row["seeds"] == 1 else f"{each} ({total})"


def markdown(document: dict[str, Any] | None) -> str:
    """The table of a document, or that there is none."""
    if document is None:
        return NONE
    machine, card = document["machine"], document["gpu"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items() if version)
    first = next(iter(document["cases"].values()))["rows"]
    keys = [(row["side"], row["device"], row["seeds"]) for row in first]
    where = lambda device: card.get("name", device) if device == document["device"] else "one core"
    head = ["case", *(f"{side}, {seeds} seed{'s' * (seeds > 1)}, {where(device)}" for side, device, seeds in keys)]
    lines = []
    for name, case in document["cases"].items():
        rows = {(row["side"], row["device"], row["seeds"]): row for row in case["rows"]}
        lines.append([f"`{name}`", *(_cell(rows.get(key)) for key in keys)])
    told = (
        f"Measured on {card.get('name', document['device'])} ({card.get('memory_gb', '?')} GiB, CUDA {card.get('cuda')}) with {machine['cpu']}, "
        f"{machine['cores']} cores, Python {machine['python']}, {packages}. Steps of the environments per second of each seed, and of all seeds in brackets: "
        f"medians of up to {document['rounds']} interleaved rounds of about {SECONDS:.0f} s, after a warm-up and without what a call of `learn` costs. "
        "Several seeds play in vectorised environments ({doc}`vector_envs`)."
    )
    settings = "; ".join(f"`{name}`: {case['algorithm']} on {case['environment']}, `{case['hyperparameters']}`" for name, case in document["cases"].items())
    return "\n\n".join([told, tables.table(head, lines), f"Not SB3's defaults: {settings}."])


# ------------------------------------------------------------------------------------------------------------------------- command
def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m benchmarks.speed.gpu", description="Time seeds in lock-step on a GPU, beside Stable-Baselines3 there.")
    top.add_argument("case", nargs="*", help=f"of {', '.join(CASES)}; all, if none is named")
    top.add_argument("--out", type=Path, metavar="FILE", help="write the measurements there, after each of them")
    top.add_argument("--minutes", type=float, default=4.0, metavar="N", help="stop measuring after so many (default 4)")
    top.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    top.add_argument("--seeds", default="1,10,100", metavar="N,…", help="how many train together on the GPU (default 1,10,100)")
    top.add_argument("--device", default="cuda", help='default "cuda"')
    top.add_argument("--read", type=Path, metavar="FILE", help="measure nothing: take what --out has written")
    top.add_argument("--write-docs", action="store_true", help="put the table into docs/speed.md")
    return top


def run(arguments: list[str] | None = None) -> None:
    args = parser().parse_args(arguments)
    unknown = [name for name in args.case if name not in CASES]
    if unknown:
        raise UserError(f"{unknown[0]}: there are {', '.join(CASES)}")
    if args.read is not None:
        document = json.loads(args.read.read_text(encoding="utf-8"))
    else:
        if args.device.startswith("cuda") and not torch.cuda.is_available():
            raise UserError(f"--device {args.device}: torch {torch.__version__} sees no GPU here")
        document = measured(args)
    print(markdown(document))
    if args.write_docs:
        PAGE.write_text(tables.renewed(PAGE.read_text(encoding="utf-8"), markdown(document), BEGIN, END), encoding="utf-8")


def measured(args: argparse.Namespace) -> dict[str, Any]:
    """Time all cases, each for its share of the minutes."""
    torch.set_num_threads(1)
    start, chosen = time.perf_counter(), args.case or list(CASES)
    end = start + 60 * args.minutes
    document: dict[str, Any] = {"schema": SCHEMA, "machine": measure.machine(), "gpu": gpu(args.device), "device": args.device, "rounds": args.rounds}
    document["cases"] = {}
    who = sides(args.device, [int(word) for word in args.seeds.split(",")])

    def tell(rows: list[dict]) -> None:
        if args.out is not None:
            args.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

    for i, name in enumerate(chosen):
        case, now = CASES[name], time.perf_counter()
        found: dict[str, Any] = {"algorithm": case.algorithm, "environment": case.env, "hyperparameters": case.hyperparameters, "rows": []}
        document["cases"][name] = found

        def note(rows: list[dict], found: dict[str, Any] = found) -> None:
            found["rows"] = rows
            tell(rows)

        measure_case(name, case, who, args.rounds, now + (end - now) / (len(chosen) - i), note)
        for row in found["rows"]:
            print(name, row["side"], row["device"], row["seeds"], _cell(row), f"warm-up {row.get('warm_up', 0):.1f} s", row.get("error", ""), flush=True)
    return document


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    try:
        run(arguments)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
