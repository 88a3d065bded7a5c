"""The measurements as text, as Markdown tables (for the terminal, the README and docs/speed.md), and growth as a figure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import UserError
from benchmarks.report.style import PALETTE
from benchmarks.speed.cases import Case
from benchmarks.speed.measure import BASELINE, PROCESSES, RAW, STACK, Growth, Ratio, Result, Times

BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"


def number(x: float) -> str:
    """Two or three figures that count: 0.046, 0.52, 6.3, 28, 1980."""
    digits = 0 if abs(x) >= 19.95 else 1 if abs(x) >= 0.995 * 2 else 2 if abs(x) >= 0.0995 else 3
    return f"{x:.{digits}f}"


def spread(ratio: Ratio) -> str:
    """median (min–max)"""
    return f"{number(ratio.median)} ({number(ratio.min)}–{number(ratio.max)})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def contender(name: str) -> str:
    return {BASELINE: "other side", "1": "one seed", PROCESSES: "2 processes × 5 seeds"}.get(name, f"{name} seeds")


def columns(results: dict[str, Result]) -> list[str]:
    """The stacks of all cases: by size, then the processes."""
    names = {name for result in results.values() for name in result.stacks()}
    return sorted(names - {PROCESSES}, key=int) + [PROCESSES] * (PROCESSES in names)


def ratios(results: dict[str, Result], clock: str) -> str:
    """One seed's speed-up, and what stacks cost in runs of the other side, by wall or by CPU seconds."""
    stacks = columns(results)
    seconds = {"wall": "wall seconds", "cpu": "CPU seconds"}[clock]
    head = ["case", f"against: {seconds} of one run", "one seed, times faster", *(f"{contender(name)}, in its runs" for name in stacks)]
    rows = []
    for name, result in results.items():
        one = statistics.median(getattr(result.seconds[BASELINE], clock))
        faster = spread(result.speedup(clock)) if "1" in result.seconds else "–"
        costs = (spread(result.in_runs(stack, clock)) if stack in result.seconds else "–" for stack in stacks)
        rows.append([f"`{name}`", f"{result.baseline}: {one:.2f}", faster, *costs])
    return table(head, rows)


def share(result: Result, name: str) -> str:
    if RAW not in result.seconds or name not in result.seconds:
        return "–"
    return f"{100 * result.raw_share(name, 'cpu').median:.0f} %"


def micros(result: Result, name: str) -> str:
    return number(statistics.median(result.update_us[name].cpu)) if name in result.update_us else "–"


def insides(results: dict[str, Result]) -> str:
    """Where time and memory go; times by CPU seconds, which neighbours disturb less."""
    stack = str(STACK)
    head = ["case", f"`env.step`: other side / one seed / {stack} seeds", f"CPU µs per gradient step and seed: other side / one seed / {stack} seeds",
            "peak MB: imports / other side / one seed", f"MB per further seed (of {stack})", "weights apart after the same run"]  # fmt: skip
    rows = []
    for name, result in results.items():
        memory = " / ".join(f"{result.memory_mb[key]:.0f}" for key in ("imports", BASELINE, "1")) if result.memory_mb else "–"
        rows.append([
            f"`{name}`",
            " / ".join(share(result, key) for key in (BASELINE, "1", stack)) if RAW in result.seconds else "–",
            " / ".join(micros(result, key) for key in (BASELINE, "1", stack)) if result.update_us else "–",
            memory,
            number(result.memory_per_seed()) if result.memory_mb else "–",
            "–" if result.weights_apart is None else f"{result.weights_apart:.0e}" if result.weights_apart else "0",
        ])  # fmt: skip
    return table(head, rows)


def settings(results: dict[str, Result]) -> str:
    """What each case runs."""
    head = ["case", "algorithm", "environment", "environments per seed", "warm-up, then timed (steps per seed)", "not SB3's default"]
    rows = []
    for name, result in results.items():
        departs = result.why + (f" (`{result.hyperparameters}`)" if result.hyperparameters else "")
        rows.append([f"`{name}`", f"`{result.algorithm}`", result.environment, str(result.n_envs), f"{result.warm_up:,}, {result.steps:,}", departs or "–"])
    return table(head, rows)


def provenance(document: dict[str, Any]) -> str:
    """Where the numbers come from, in two sentences."""
    machine, rounds = document["machine"], document["rounds"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items() if version)
    size = ", with the shorter runs of `--quick`" if document["quick"] else ""
    shared = ": other work ran beside it" if machine["load_average"] >= 1 else ""
    return (
        f"Measured on {machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}, {packages}, with "
        f"{machine['torch_threads']} torch thread per process. Median (minimum–maximum) of {rounds} interleaved round{'s' * (rounds != 1)}{size}; the load "
        f"average of the machine was {machine['load_average']:.1f} when it began{shared}."
    )


def markdown(document: dict[str, Any], results: dict[str, Result]) -> str:
    """Everything that was measured, as tables."""
    parts = [provenance(document)]
    parts += [f"`{name}` was left out: {reason}" for name, reason in document["skipped"].items()]
    if results:
        parts += ["By wall clock:", ratios(results, "wall"), "By CPU seconds (of both processes where there are two):", ratios(results, "cpu")]
        parts += ["Where time (by CPU seconds) and memory go:", insides(results), "What was run:", settings(results)]
    return "\n\n".join(parts)


def text(name: str, result: Result) -> str:
    """One case for the terminal."""
    one = {clock: statistics.median(getattr(result.seconds[BASELINE], clock)) for clock in ("wall", "cpu")}
    rounds = len(result.seconds[BASELINE].wall)
    lines = [
        f"{name}: {result.algorithm} on {result.environment}, {result.n_envs} × env, {result.steps:,} steps, {rounds} round{'s' * (rounds != 1)}",
        f"  {result.baseline + ', one run':<24} {one['wall']:.2f} s wall, {one['cpu']:.2f} s CPU",
    ]

    def line(what: str, unit: str, wall: Ratio, cpu: Ratio) -> str:
        return f"  {what:<24} {number(wall.median):>6} {unit} (min {number(wall.min)}, max {number(wall.max)}); by CPU {number(cpu.median)}"

    if "1" in result.seconds:
        lines.append(line("one seed", "times faster", result.speedup("wall"), result.speedup("cpu")))
    lines += [line(contender(stack), f"{result.baseline} runs", result.in_runs(stack, "wall"), result.in_runs(stack, "cpu")) for stack in result.stacks()]
    if RAW in result.seconds:
        shares = (f"{contender(key) if key != BASELINE else result.baseline} {share(result, key)}" for key in result.seconds if key not in (RAW, PROCESSES))
        lines.append(f"  {'share of raw env.step':<24} {', '.join(shares)}")
    if result.update_us:
        each = (f"{contender(key) if key != BASELINE else result.baseline} {micros(result, key)}" for key in result.update_us)
        lines.append(f"  {'CPU µs per update, seed':<24} {', '.join(each)}")
    if result.memory_mb:
        peak = result.memory_mb
        lines.append(f"  {'peak memory':<24} {result.baseline} {peak[BASELINE]:.0f} MB, one seed {peak['1']:.0f} MB (imports {peak['imports']:.0f}), "
                     f"each further seed {number(result.memory_per_seed())} MB")  # fmt: skip
    if result.weights_apart is not None:
        lines.append(f"  {'weights apart':<24} {result.weights_apart:.1e} after the same run")
    return "\n".join(lines)


def renewed(page: str, tables: str, first: str = BEGIN, last: str = END) -> str:
    """The page with these tables between its marks; UserError when it does not hold each mark once, in order."""
    before, begin, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end) or page.count(first) > 1 or page.count(last) > 1:
        raise UserError(f"docs/speed.md must hold the line '{first}' once and, below it, '{last}' once: the tables go between them")
    return f"{before}{first}\n{tables}\n{last}{after}"


# -------------------------------------------------------------------------------------------------------------------------- growth
def per_step(times: dict[int, Times]) -> dict[int, float]:
    """Median µs per step for each length of run."""
    return {steps: 1e6 * statistics.median(of.wall) / steps for steps, of in times.items()}


def in_runs(growth: Growth) -> dict[int, Ratio]:
    """What each stack costs, in runs of the other side."""
    return {n: Ratio.of(times.wall, growth.lengths[BASELINE][growth.steps].wall) for n, times in growth.seeds.items()}


def growth_text(name: str, growth: Growth) -> str:
    lines = [f"{name}: {growth.algorithm} on {growth.environment}"]
    for side, label in ((BASELINE, growth.baseline), ("1", "one seed")):
        each = (f"{steps:,}: {number(us)}" for steps, us in per_step(growth.lengths[side]).items())
        lines.append(f"  {'µs per step, ' + label:<24} {', '.join(each)}")
    lines += [f"  {n} seed{'s' * (n > 1):<20} {spread(ratio)} {growth.baseline} runs" for n, ratio in in_runs(growth).items()]
    return "\n".join(lines)


def growth_figure(growths: dict[str, Growth], rounds: int, path: Path) -> None:
    """A row per case: time per step by the length of the run, and the cost of a stack by its number of seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, rows = plt.subplots(len(growths), 2, figsize=(9, 3.2 * len(growths)), squeeze=False, layout="constrained")
    for (name, growth), (left, right) in zip(growths.items(), rows, strict=True):
        for (side, label), color in zip(((BASELINE, growth.baseline), ("1", "ours, one seed")), PALETTE[1::-1], strict=True):
            length = growth.lengths[side]
            us = per_step(length)
            low = [us[n] - 1e6 * min(times.wall) / n for n, times in length.items()]
            high = [1e6 * max(times.wall) / n - us[n] for n, times in length.items()]
            left.errorbar(list(us), list(us.values()), yerr=[low, high], marker="o", capsize=3, color=color, label=label)
        left.set(xscale="log", ylim=(0, None), xlabel="steps of the run", ylabel="wall time per step (µs)", title=f"{name}: length of the run")
        left.set_xticks(list(growth.lengths["1"]), [f"{n:,}" for n in growth.lengths["1"]])
        left.minorticks_off()
        left.legend(frameon=False)
        costs = in_runs(growth)
        n, medians = list(costs), [ratio.median for ratio in costs.values()]
        error = [[r.median - r.min for r in costs.values()], [r.max - r.median for r in costs.values()]]
        right.errorbar(n, medians, yerr=error, marker="o", capsize=3, color=PALETTE[0], label="ours, in lock-step")
        right.plot(n, n, linestyle="--", color=PALETTE[1], label=f"{growth.baseline}, one after another")
        right.set(xscale="log", yscale="log", xlabel="seeds", ylabel=f"wall time (runs of {growth.baseline})", title=f"{name}: number of seeds")
        right.set_xticks(n, [str(k) for k in n])
        right.minorticks_off()
        right.legend(frameon=False)
    figure.suptitle(f"Median of {rounds} interleaved rounds; bars from the fastest to the slowest", fontsize="small")
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot draw {path}: {error}") from None
    plt.close(figure)


def case_list(cases: dict[str, Case]) -> str:
    return "\n".join(f"  {name:<18} {case.algorithm} on {case.env}" + (f" ({case.why})" if case.why else "") for name, case in cases.items())
