"""A control loop: a policy that acts at a fixed rate, and what is done when it, or what it sees, is late, missing or wrong.

    loop = ControlLoop(policy, observe, act, rate=50, safe_action=np.zeros(1))
    report = loop.run(seconds=10)
    print(report)

Every period 1/rate it asks `observe()`, the policy, and hands an action to `act`. A watchdog stands between: a miss is

    late            the action was there only after the deadline; it is not taken, for it answers a world that has moved on
    no observation  observe() gave None, raised, or what it gave is older than `stale_after`
    bad observation it holds NaN or infinity
    policy failed   predict() raised
    bad action      it holds NaN or infinity

and in its place the safe action is taken, or the last one held (`on_miss`). After `most_misses` in a row, or when act() itself fails, the loop stops with the
safe action. Nothing is caught up: a period that was overrun is counted, and the next one begins on the grid of the clock. This is one thread of Python, whose
garbage collector and operating system give no guarantee: what must not fail belongs into hardware below it.
"""

from __future__ import annotations

import inspect
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

MISSES = ("late", "no observation", "bad observation", "policy failed", "bad action")
ON_MISS = ("safe", "hold")
LOGGED = 1000  # misses of which the log tells


class Clock(Protocol):
    def now(self) -> float: ...

    def sleep_until(self, t: float) -> None: ...


class MonotonicClock:
    """The machine's, in seconds. The last `spin` of a wait is spent looking at it, because sleeping wakes up late."""

    def __init__(self, spin: float = 0.0):
        self.spin = spin

    def now(self) -> float:
        return time.perf_counter()

    def sleep_until(self, t: float) -> None:
        rest = t - self.now() - self.spin
        if rest > 0:
            time.sleep(rest)
        while self.spin and self.now() < t:
            pass


class SimulatedClock:
    """One that only moves when it is told to, or waited for: for tests, and for simulations faster than the world."""

    def __init__(self) -> None:
        self.t = 0.0

    def now(self) -> float:
        return self.t

    def advance(self, seconds: float) -> None:
        self.t += seconds

    def sleep_until(self, t: float) -> None:
        self.t = max(self.t, t)


@dataclass(frozen=True)
class Limits:
    """What an action may be, numbers or one for each part: its bounds, and by how much it may change in a second. None: no limit."""

    low: Any = None
    high: Any = None
    per_second: Any = None

    def __call__(self, action: Any, last: Any, seconds: float) -> Any:
        """The action within the limits, of its own type."""
        x = np.asarray(action)
        y = x.astype(np.float64)
        if self.per_second is not None and last is not None:
            most = np.asarray(self.per_second, float) * seconds
            y = np.clip(y, np.asarray(last, float) - most, np.asarray(last, float) + most)
        if self.low is not None or self.high is not None:
            y = np.clip(y, self.low, self.high)
        return action if np.array_equal(y, x) else y.astype(x.dtype)


@dataclass
class Report:
    """What a loop did. Times in seconds; latency is from asking for an observation to having the action, jitter how late a period began."""

    rate: float
    deadline: float
    periods: int = 0
    overruns: int = 0  # periods that were skipped, because the one before took too long
    limited: int = 0  # actions that the limits changed
    misses: Counter = field(default_factory=Counter)
    stopped: str | None = None  # why, if not by the budget
    latencies: list[float] = field(default_factory=list)
    jitters: list[float] = field(default_factory=list)
    log: list[tuple[int, str, str]] = field(default_factory=list)  # (period, miss, what was said)

    @property
    def n_misses(self) -> int:
        return sum(self.misses.values())

    def latency(self) -> dict[str, float]:
        """p50, p95, p99 and the largest."""
        return quantiles(self.latencies)

    def jitter(self) -> dict[str, float]:
        return quantiles(self.jitters)

    def histogram(self, bins: int = 10, width: int = 40) -> str:
        """Latencies as bars, a line each, in milliseconds: as many for each factor between the smallest and the largest."""
        x = np.asarray(self.latencies) * 1e3
        if not len(x) or x.max() <= 0:
            return ""
        edges = np.geomspace(max(x.min(), x.max() / 1e4), x.max(), bins + 1)
        counts = np.histogram(np.clip(x, edges[0], edges[-1]), edges)[0]
        return "\n".join(f"{low:8.3f} – {high:8.3f} ms {'#' * round(width * n / max(counts.max(), 1)):{width}} {n}"
                         for low, high, n in zip(edges, edges[1:], counts))  # fmt: skip

    def __str__(self) -> str:
        ms = lambda q: ", ".join(f"{name} {1e3 * value:.3f}" for name, value in q.items())
        missed = ", ".join(f"{name} {n}" for name, n in sorted(self.misses.items())) or "none"
        lines = [
            f"{self.periods} periods at {self.rate:g} Hz, deadline {1e3 * self.deadline:.3g} ms",
            f"latency (ms): {ms(self.latency())}",
            f"jitter  (ms): {ms(self.jitter())}",
            f"misses: {missed}; overruns: {self.overruns}; limited actions: {self.limited}",
        ]
        return "\n".join(lines + ([f"stopped: {self.stopped}"] if self.stopped else []))


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, by the nearest rank: a time that was measured, not one between two."""
    if not len(seconds):
        return dict.fromkeys(("p50", "p95", "p99", "max"), float("nan"))
    x = np.sort(np.asarray(seconds, float))
    rank = lambda q: float(x[max(0, int(np.ceil(q * len(x))) - 1)])
    return {"p50": rank(0.5), "p95": rank(0.95), "p99": rank(0.99), "max": float(x[-1])}


class _Missed(Exception):
    def __init__(self, what: str, said: str = ""):
        super().__init__(what)
        self.what, self.said = what, said


class ControlLoop:
    """`observe()` gives an observation, or (observation, episode_start), or (observation, episode_start, the clock's time at which it was made), or None;
    `act(action)` hands one over. An observation that is itself a tuple is given as (observation, False).

    policy: with SB3's `predict`; it remembers what its state is, across misses too. rate: periods a second. deadline: seconds from when a period's
    observation is asked for to its action (the period). safe_action: what is always allowed. on_miss: "safe", or "hold" the last action as long as hold_for
    seconds, then safe. stale_after: how old an observation may be.
    warm_up: how often the policy is asked at the first observation before the clock starts, as first calls are
    slow. clock: MonotonicClock().

    ValueError for what contradicts itself. What `observe` or `predict` raise is a miss; what `act` raises stops the loop.
    """

    def __init__(
        self, policy: Any, observe: Callable[[], Any], act: Callable[[Any], Any], *, rate: float, safe_action: Any, deadline: float | None = None,
        on_miss: str = "safe", hold_for: float = 0.2, most_misses: int = 10, stale_after: float | None = None, limits: Limits | None = None,
        deterministic: bool = True, warm_up: int = 0, clock: Clock | None = None,
    ):  # fmt: skip
        if not 0 < rate < math.inf:
            raise ValueError(f"rate={rate}: periods a second, above 0.")
        if deadline is not None and not 0 < deadline <= 1 / rate:
            raise ValueError(f"deadline={deadline}: between 0 and the period of {1 / rate:g} s.")
        if on_miss not in ON_MISS:
            raise ValueError(f"on_miss={on_miss!r}: there are {', '.join(ON_MISS)}.")
        if most_misses < 1:
            raise ValueError(f"most_misses={most_misses}: at least 1.")
        if safe_action is None:
            raise ValueError("safe_action=None: say what is always allowed, such as an action of zeros.")
        self.policy, self.observe, self.act = policy, observe, act
        self.period, self.rate, self.deadline = 1 / rate, rate, 1 / rate if deadline is None else deadline
        self.safe_action, self.on_miss, self.hold_for, self.most_misses = safe_action, on_miss, hold_for, most_misses
        self.stale_after, self.limits, self.deterministic, self.clock = stale_after, limits, deterministic, clock or MonotonicClock()
        self.warm_up = warm_up
        self.remembers = {"state", "episode_start"} <= set(inspect.signature(policy.predict).parameters)

    def run(self, seconds: float | None = None, periods: int | None = None) -> Report:
        """As long as this, or until it has to stop; KeyboardInterrupt stops it, too. At its end the safe action is handed over."""
        if seconds is None and periods is None:
            raise ValueError("Give seconds or periods: a loop without an end is one that nobody watches.")
        if seconds is not None and not 0 <= seconds < math.inf:
            raise ValueError(f"seconds={seconds}: a number of seconds, with an end.")
        most = periods if periods is not None else max(1, round((seconds or 0.0) * self.rate))
        report = Report(self.rate, self.deadline)
        self._state, self._start, self._last, self._last_good, in_a_row, k = None, True, None, None, 0, 0
        try:
            self._warm_up()
            begin = self.clock.now()
            while report.periods < most and report.stopped is None:
                self.clock.sleep_until(begin + k * self.period)
                at = self.clock.now()
                report.jitters.append(at - (begin + k * self.period))
                in_a_row = 0 if self._one(at, report) else in_a_row + 1
                report.periods += 1
                if in_a_row >= self.most_misses:
                    report.stopped = report.stopped or f"{in_a_row} misses in a row"
                due = max(k + 1, math.ceil((self.clock.now() - begin) / self.period - 1e-9))  # the next that is not over yet
                report.overruns += due - k - 1
                k = due
        except KeyboardInterrupt:
            report.stopped = "interrupted"
        finally:
            self._safely(report)
        return report

    def _warm_up(self) -> None:
        """What fails here will fail in its period, and be a miss there."""
        try:
            for obs in [self._seen(self.clock.now())] if self.warm_up else []:
                for _ in range(self.warm_up):
                    self.policy.predict(obs, deterministic=self.deterministic)
        except Exception:
            return

    def _safely(self, report: Report) -> None:
        try:
            self.act(self.safe_action)
        except Exception as error:  # whatever the hardware says
            report.stopped = f"{report.stopped or 'at the end'}; the safe action failed: {_said(error)}"

    def _one(self, at: float, report: Report) -> bool:
        """One period: was it as it should be?"""
        try:
            action, missed = self._chosen(at), None
        except _Missed as miss:
            action, missed = self._instead(at), miss
            report.misses[miss.what] += 1
            if len(report.log) < LOGGED:
                report.log.append((report.periods, miss.what, miss.said))
        if self.limits is not None:
            within = self.limits(action, self._last, self.period)
            report.limited += within is not action
            action = within
        if missed is None:
            self._last_good = at
        self._last = action
        report.latencies.append(self.clock.now() - at)
        try:
            self.act(action)
        except Exception as error:
            report.stopped = f"act() failed: {_said(error)}"
        return missed is None

    def _chosen(self, at: float) -> Any:
        obs = self._seen(at)
        more = {"state": self._state, "episode_start": np.array([self._start])} if self.remembers else {}
        try:
            action, self._state = self.policy.predict(obs, deterministic=self.deterministic, **more)
        except Exception as error:  # a policy's own, of any kind
            raise _Missed("policy failed", _said(error)) from None
        self._start = False
        if not _is_finite(action):
            raise _Missed("bad action", str(action)[:100])
        taken = self.clock.now() - at
        if taken > self.deadline:
            raise _Missed("late", f"{1e3 * taken:.3f} ms")
        return action

    def _seen(self, at: float) -> Any:
        try:
            seen = self.observe()
        except Exception as error:  # a sensor's own
            raise _Missed("no observation", _said(error)) from None
        if isinstance(seen, tuple) and not 1 <= len(seen) <= 3:
            raise _Missed("bad observation", f"a tuple of {len(seen)}: observe() gives (observation, episode_start, time), also of a tuple")
        obs, start, made = (seen + (False, None)[len(seen) - 1 :]) if isinstance(seen, tuple) else (seen, False, None)
        if obs is None:
            raise _Missed("no observation")
        self._start = self._start or bool(start)
        if made is not None and self.stale_after is not None and at - made > self.stale_after:
            raise _Missed("no observation", f"{1e3 * (at - made):.3f} ms old")
        if not _is_finite(obs):
            raise _Missed("bad observation", str(obs)[:100])
        return obs

    def _instead(self, at: float) -> Any:
        held = self.on_miss == "hold" and self._last_good is not None and at - self._last_good <= self.hold_for
        return self._last if held else self.safe_action


def _is_finite(x: Any) -> bool:
    if isinstance(x, dict):
        return all(map(_is_finite, x.values()))
    if isinstance(x, tuple | list):
        return all(map(_is_finite, x))
    array = np.asarray(x)
    return array.dtype.kind in "biu" or (array.dtype.kind == "f" and bool(np.isfinite(array).all()))


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200] if str(error).strip() else ''}"
