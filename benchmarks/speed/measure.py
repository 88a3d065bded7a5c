"""Timing two sides so that they can be compared: interleaved, in one process, one thread, warmed up, and seen to do the same work.

A round runs every contender once, each in a model made anew, over the same steps of the same runs: what differs from round to round
is the machine. A ratio is formed within a round, between neighbours in time; the median over the rounds is the result.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from tqdm import tqdm

from benchmarks import IntegrityError
from benchmarks.speed.cases import Case

BASELINE, RAW, PROCESSES = "baseline", "raw", "2x5"  # contenders beside "1", "2", "10" …, which are ours with so many seeds
PARTS = ("processes", "raw", "update", "memory")  # what is measured beside the seeds
PACKAGES = ("torch", "stable-baselines3", "gymnasium", "numpy", "mujoco")
STACK = 10  # seeds of the stack whose memory, and update if it was timed, are set beside one seed's


# ------------------------------------------------------------------------------------------------------------------------- results
@dataclass
class Times:
    """Seconds of each round. CPU seconds are the process's, of all its threads: more of them than wall seconds betray a second thread."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, wall: float, cpu: float) -> None:
        self.wall.append(wall)
        self.cpu.append(cpu)


@dataclass(frozen=True)
class Ratio:
    """A ratio over the rounds."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, above: Sequence[float], below: Sequence[float]) -> Ratio:
        """Round by round, above / below; ValueError unless both have the same rounds."""
        ratios = [a / b for a, b in zip(above, below, strict=True)]
        return cls(statistics.median(ratios), min(ratios), max(ratios))


@dataclass
class Result:
    """What was measured of one case. Keys of the dicts are contenders.

    seconds: of `steps` steps per seed. timesteps, updates: done in them by each seed. update_us: µs per gradient step and seed.
    memory_mb: peak resident memory of a process of its own that trains; "imports" is what it holds before it makes a model.
    weights_apart: the largest difference between our weights and the baseline's after the same run, None where they draw differently.
    """

    algorithm: str
    environment: str
    baseline: str
    n_envs: int
    hyperparameters: str
    why: str
    warm_up: int
    steps: int
    seconds: dict[str, Times] = field(default_factory=dict)
    timesteps: dict[str, int] = field(default_factory=dict)
    updates: dict[str, int] = field(default_factory=dict)
    weights_apart: float | None = None
    update_us: dict[str, Times] = field(default_factory=dict)
    memory_mb: dict[str, float] = field(default_factory=dict)

    def stacks(self) -> list[str]:
        """Contenders of several seeds, ours."""
        return [name for name in self.seconds if name not in (BASELINE, RAW, "1")]

    def speedup(self, clock: str = "wall") -> Ratio:
        """How many times faster than the baseline one seed of ours is."""
        return Ratio.of(getattr(self.seconds[BASELINE], clock), getattr(self.seconds["1"], clock))

    def in_runs(self, name: str, clock: str = "wall") -> Ratio:
        """What a stack costs, in runs of the baseline (which trains one seed)."""
        return Ratio.of(getattr(self.seconds[name], clock), getattr(self.seconds[BASELINE], clock))

    def raw_share(self, name: str, clock: str = "wall") -> Ratio:
        """The share of a contender's time that stepping as many bare environments would take."""
        n_seeds = 1 if name == BASELINE else int(name)
        ratio = Ratio.of(getattr(self.seconds[RAW], clock), getattr(self.seconds[name], clock))
        return Ratio(n_seeds * ratio.median, n_seeds * ratio.min, n_seeds * ratio.max)

    def memory_per_seed(self) -> float:
        """MB that each further seed of a stack takes."""
        return (self.memory_mb[str(STACK)] - self.memory_mb["1"]) / (STACK - 1)

    def as_json(self) -> dict[str, Any]:
        """The measurements, and the ratios that follow from them."""
        ratios: dict[str, Any] = {}
        if "1" in self.seconds:
            ratios["one_seed_speedup"] = {clock: asdict(self.speedup(clock)) for clock in ("wall", "cpu")}
        ratios["stack_in_baseline_runs"] = {name: {clock: asdict(self.in_runs(name, clock)) for clock in ("wall", "cpu")} for name in self.stacks()}
        if RAW in self.seconds:
            runs = [name for name in self.seconds if name not in (RAW, PROCESSES)]
            ratios["raw_step_share"] = {name: {clock: asdict(self.raw_share(name, clock)) for clock in ("wall", "cpu")} for name in runs}
        return {**asdict(self), "ratios": ratios}


def machine() -> dict[str, Any]:
    """Where and with what it was measured."""
    model = ""
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": model or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "system": platform.system(),
        "python": platform.python_version(),
        "torch_threads": torch.get_num_threads(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


# ---------------------------------------------------------------------------------------------------------------------- contenders
def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds of work()."""
    gc.collect()  # of what others left behind
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


@dataclass(frozen=True)
class Work:
    """What one timed run did: seconds, and steps and updates of each seed in them."""

    wall: float
    cpu: float
    timesteps: int
    updates: int


def weights_of(model: Any) -> list[np.ndarray]:
    """All numbers that are learnt, as one vector per seed."""
    if not hasattr(model, "policy"):
        return [np.array(model.values)]
    policies = getattr(model, "policies", [model.policy])
    return [np.concatenate([np.ravel(value.numpy(force=True)).copy() for value in policy.state_dict().values()]) for policy in policies]


def updates_of(case: Case, model: Any) -> int:
    """Updates of each seed so far. A table is updated with every step, and counts no more than those."""
    if case.plain is not None:
        return model.num_timesteps
    if not case.same_work:
        return model._n_updates
    counts = set(np.atleast_1d(getattr(model, "updates", model._n_updates)).tolist())
    if len(counts) > 1:
        raise IntegrityError(f"the seeds of a stack made different numbers of updates: {sorted(counts)}")
    return int(counts.pop())


class Contender:
    """A model that is made and warmed up, and whose run is then timed. seeds: None for the baseline."""

    def __init__(self, case: Case, steps: int, seeds: Sequence[int] | None):
        self.case, self.steps = case, steps
        self.model = case.baseline() if seeds is None else case.ours(seeds)
        self.model.learn(case.warm_up)

    def go(self) -> Work:
        """Train for the steps that are timed; IntegrityError if nothing was learnt in them."""
        before, steps, updates = weights_of(self.model), self.model.num_timesteps, updates_of(self.case, self.model)
        wall, cpu = timed(lambda: self.model.learn(self.steps, reset_num_timesteps=False))
        idle = [k for k, (old, new) in enumerate(zip(before, weights_of(self.model), strict=True)) if np.array_equal(old, new)]
        if idle and self.case.plain is None:  # a table may see no reward for a while
            raise IntegrityError(f"{type(self.model).__name__} on {self.case.env} did not change its weights in {self.steps} steps (seeds {idle})")
        taken = self.model.num_timesteps - steps
        share = 1 if self.case.same_work else self.steps / taken  # of what was timed: a generation may go on to the end of its last episode
        return Work(wall * share, cpu * share, taken, updates_of(self.case, self.model) - updates)


def step_environment(case: Case, steps: int) -> tuple[float, float]:
    """Wall and CPU seconds of `steps` bare steps with random actions that were drawn before, resets included."""
    env = gym.make(case.env)
    env.action_space.seed(0)
    env.reset(seed=0)
    actions = [env.action_space.sample() for _ in range(steps)]

    def play() -> None:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    seconds = timed(play)
    env.close()
    return seconds


# ----------------------------------------------------------------------------------------------------------------------- processes
def peak_memory() -> float:
    """The most memory that this process has had resident, MB.

    Linux hands ru_maxrss on to a child when it is started, so that a small child of a large parent shows the parent's; VmHWM is the
    process's own.
    """
    if Path("/proc/self/status").is_file():
        line = next(line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _serve(pipe: Any) -> None:
    torch.set_num_threads(1)
    imports = peak_memory()
    try:
        while (asked := pipe.recv()) is not None:
            contender = Contender(*asked)
            pipe.send("ready")
            pipe.recv()
            pipe.send((contender.go(), imports, peak_memory()))
            del contender
    except EOFError:  # whoever asked is gone
        return
    except Exception as error:
        pipe.send(error)


class Worker:
    """A spawned process of one thread that makes a contender, says so, and runs it when told to."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def prepare(self, case: Case, steps: int, seeds: Sequence[int] | None) -> None:
        self.pipe.send((case, steps, seeds))

    def _answer(self) -> Any:
        answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait(self) -> None:
        self._answer()

    def go(self) -> None:
        self.pipe.send("go")

    def result(self) -> tuple[Work, float, float]:
        """The work, and the process's memory in MB: after its imports, and at its peak."""
        return self._answer()

    def close(self) -> None:
        with suppress(BrokenPipeError):  # it has died, and said why
            self.pipe.send(None)
        self.process.join()


@contextmanager
def workers(n: int) -> Iterator[list[Worker]]:
    made = [Worker() for _ in range(n)]
    try:
        yield made
    finally:
        for worker in made:
            worker.close()


def side_by_side(two: Sequence[Worker], case: Case, steps: int) -> Work:
    """Five seeds in each of two processes at once: wall seconds of the slower, CPU seconds of both."""
    for k, worker in enumerate(two):
        worker.prepare(case, steps, range(5 * k, 5 * k + 5))
    for act in (Worker.wait, Worker.go):  # nobody starts before both are ready
        for worker in two:
            act(worker)
    done = [worker.result()[0] for worker in two]
    return Work(max(work.wall for work in done), sum(work.cpu for work in done), done[0].timesteps, done[0].updates)


def memory(case: Case, steps: int, advance: Callable[[], Any]) -> dict[str, float]:
    """Peak MB of a process that trains the baseline, one seed of ours, or a stack; and what its imports take."""
    peaks = {}
    for name, seeds in {BASELINE: None, "1": range(1), str(STACK): range(STACK)}.items():
        with workers(1) as (worker,):
            worker.prepare(case, steps, seeds)
            worker.wait()
            worker.go()
            _, peaks["imports"], peaks[name] = worker.result()
        advance()
    return peaks


# ------------------------------------------------------------------------------------------------------------------------- updates
def update(model: Any) -> tuple[Callable[[], None], int]:
    """Calls of the model's `train` on the experience it has, and how many gradient steps each seed takes in them (about 50)."""
    if hasattr(model, "replay_buffer"):
        return partial(model.train, gradient_steps=50, batch_size=model.batch_size), 50
    samples = model.n_steps * model.n_envs
    per_call = model.n_epochs * -(-samples // model.batch_size) if hasattr(model, "n_epochs") else 1
    calls = max(1, 50 // per_call)

    def work() -> None:
        for _ in range(calls):
            model.train()

    return work, calls * per_call


def time_updates(models: dict[str, Any], rounds: int) -> dict[str, Times]:
    """µs per gradient step and seed, round by round."""
    times: dict[str, Times] = {name: Times() for name in models}
    for r in range(rounds + 1):
        for name, model in models.items():
            work, gradient_steps = update(model)
            seconds = timed(work)
            if r > 0:  # the first round warms up
                times[name].add(*(1e6 * s / gradient_steps / len(weights_of(model)) for s in seconds))
    return times


# --------------------------------------------------------------------------------------------------------------------------- a case
def check_same_work(name: str, result: Result) -> None:
    """IntegrityError unless every contender took the baseline's number of steps and of updates, per seed."""
    expected = (result.timesteps[BASELINE], result.updates[BASELINE])
    for contender, steps in result.timesteps.items():
        if (steps, result.updates[contender]) != expected:
            raise IntegrityError(
                f"{name}: with {contender} seeds ours took {steps} steps and {result.updates[contender]} updates, {result.baseline} {expected[0]} and "
                f"{expected[1]}: they did not do the same work, so their times say nothing."
            )


def apart(ours: Any, baseline: Any) -> float:
    """The largest difference between what one seed of ours and the baseline have learnt."""
    mine, theirs = (np.asarray(ours.values), np.asarray(baseline.values)) if not hasattr(baseline, "policy") else (weights_of(ours)[0], weights_of(baseline)[0])
    return float(np.abs(mine - theirs).max())


def measure(name: str, case: Case, rounds: int, seeds: Sequence[int], steps: int, parts: Sequence[str] = PARTS) -> Result:
    """Time one case; a progress bar on stderr."""
    hyperparameters = ", ".join(f"{key}={value}" for key, value in case.hyperparameters.items())
    result = Result(case.algorithm, case.env, case.baseline_name, case.n_envs, hyperparameters, case.why, case.warm_up, steps)
    contenders: dict[str, Any] = {BASELINE: None, **{str(n): range(n) for n in seeds}}
    names = [*contenders, *([PROCESSES] if "processes" in parts else []), *([RAW] if "raw" in parts and case.plays else [])]
    extra = 3 * ("memory" in parts)
    kept: dict[str, Any] = {}
    with (
        tqdm(total=rounds * len(names) + extra, desc=name, leave=False, dynamic_ncols=True) as bar,
        workers(2 if "processes" in parts else 0) as two,
    ):
        for r in range(rounds):
            for contender in names[r % len(names) :] + names[: r % len(names)]:  # nobody is always first, or always after the same
                bar.set_postfix_str(contender)
                if contender == RAW:
                    result.seconds.setdefault(RAW, Times()).add(*step_environment(case, steps))
                    bar.update()
                    continue
                if contender == PROCESSES:
                    work = side_by_side(two, case, steps)
                else:
                    runner = Contender(case, steps, contenders[contender])
                    work = runner.go()
                    if r == rounds - 1:
                        kept[contender] = runner.model
                    del runner
                result.seconds.setdefault(contender, Times()).add(work.wall, work.cpu)
                result.timesteps[contender], result.updates[contender] = work.timesteps, work.updates
                bar.update()
        result.seconds = {contender: result.seconds[contender] for contender in names}  # rounds begin elsewhere each time
        if case.same_work:
            check_same_work(name, result)
        if case.same_run and "1" in kept:
            result.weights_apart = apart(kept["1"], kept[BASELINE])
        if "update" in parts and case.plain is None:
            bar.set_postfix_str("updates")
            result.update_us = time_updates({c: kept[c] for c in (BASELINE, "1", str(STACK)) if c in kept}, rounds)
        kept.clear()
        if "memory" in parts:
            bar.set_postfix_str("memory")
            result.memory_mb = memory(case, steps, bar.update)
    return result


# -------------------------------------------------------------------------------------------------------------------------- growth
@dataclass
class Growth:
    """Seconds for runs of several lengths (`baseline` and `1`), and for stacks of several sizes at the shortest length."""

    algorithm: str
    environment: str
    baseline: str
    steps: int
    lengths: dict[str, dict[int, Times]] = field(default_factory=dict)
    seeds: dict[int, Times] = field(default_factory=dict)


def measure_growth(name: str, case: Case, rounds: int, steps: int, seeds: Sequence[int]) -> Growth:
    """Runs of n, 2n, 4n and 8n steps, and stacks of so many seeds, interleaved."""
    growth = Growth(case.algorithm, case.env, case.baseline_name, steps)
    lengths = [steps * factor for factor in (1, 2, 4, 8)]
    growth.lengths = {side: {n: Times() for n in lengths} for side in (BASELINE, "1")}
    growth.seeds = {n: Times() for n in seeds}
    runs: list[tuple[Times, int, Sequence[int] | None]] = [(growth.lengths[BASELINE][n], n, None) for n in lengths]
    runs += [(growth.lengths["1"][n], n, range(1)) for n in lengths]
    runs += [(times, steps, range(n)) for n, times in growth.seeds.items()]
    with tqdm(total=rounds * len(runs), desc=f"{name}, growth", leave=False, dynamic_ncols=True) as bar:
        for r in range(rounds):
            for times, n_steps, members in runs[r % len(runs) :] + runs[: r % len(runs)]:
                work = Contender(case, n_steps, members).go()
                times.add(work.wall, work.cpu)
                bar.update()
    return growth
