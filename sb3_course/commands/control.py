"""sb3-course control: an exported policy acts in an environment at a fixed rate, as it would in the world: each period has a deadline, and a watchdog.

The environment's own step counts as the world, and takes no time of the policy's; its next observation is there when the next period begins.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
from pathlib import Path
from typing import Any

from benchmarks import UserError
from benchmarks.running import launchers
from benchmarks.store.files import write_whole
from benchmarks.studies import environments
from benchmarks.studies import study as studies
from sb3_course.commands.enjoy import policy_in


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    import numpy as np
    from gymnasium import spaces

    from from_scratch.deploy.control import ControlLoop, Limits, MonotonicClock

    if not 0 < args.seconds < math.inf:
        raise UserError(f"--seconds {args.seconds:g}: above 0, and finite")
    if not 0 <= args.spin < math.inf:
        raise UserError(f"--spin {args.spin:g}: milliseconds, at least 0")
    if args.json and not Path(args.json).parent.is_dir():
        raise UserError(f"--json {args.json}: there is no folder {Path(args.json).parent}")
    args.env = studies.spelled(args.env)
    environments.check(args.env)
    env = environments.make_env(args.env, {}, monitor=False)
    policy = policy_in(Path(args.policy), args.env, env, args.seed)
    world = World(env, args.seed, has_masks=policy.takes_masks)
    limits = Limits(env.action_space.low, env.action_space.high, args.slew) if isinstance(env.action_space, spaces.Box) else None
    if args.slew is not None and limits is None:
        raise UserError(f"--slew {args.slew:g} limits the numbers of a Box, and {args.env} has {env.action_space}")
    safe = _safe(args.safe, env.action_space, np)
    try:
        loop = ControlLoop(
            world.with_masks(policy), world.observe, world.act, rate=args.rate, safe_action=safe, on_miss=args.on_miss, limits=limits, warm_up=20,
            deadline=None if args.deadline is None else args.deadline / 1e3, most_misses=args.most_misses, clock=MonotonicClock(args.spin / 1e3),
        )  # fmt: skip
    except ValueError as error:
        raise UserError(str(error)) from None
    report = loop.run(seconds=args.seconds)
    env.close()
    print(report)
    print(report.histogram())
    for period, miss, said in report.log[:5]:
        print(f"period {period}: {miss}{': ' if said else ''}{said}")
    ended = f"{world.episodes} episodes ended; mean return {np.mean(world.returns):.2f}" if world.returns else ""
    print(ended or f"no episode ended; return so far {world.total:.2f}")
    if args.json:
        document = {"rate": report.rate, "deadline": report.deadline, "periods": report.periods, "overruns": report.overruns, "limited": report.limited,
                    "misses": dict(report.misses), "stopped": report.stopped,
                    **{name: {key: value if math.isfinite(value) else None for key, value in found().items()}  # nothing was measured: JSON has no NaN
                       for name, found in (("latency", report.latency), ("jitter", report.jitter))},
                    "log": [list(line) for line in report.log]}  # fmt: skip
        write_whole(Path(args.json), json.dumps(document, indent=1) + "\n")
    return 0 if report.stopped in (None, "interrupted") else 3


def _safe(given: str | None, space: Any, np: Any) -> Any:
    """The safe action: what was given, or zeros; UserError if the environment has no such action."""
    if given is None:
        if space.shape is None:
            raise UserError(f"--safe is missing: {space} has no action of zeros")
        action = np.zeros(space.shape, space.dtype)[()] + (space.start if hasattr(space, "start") else 0)
        return action if space.contains(action) else np.clip(action, space.low, space.high) if hasattr(space, "low") else action
    try:
        value = ast.literal_eval(given)
        action = np.asarray(value, space.dtype)[()] if space.shape is not None else value
    except (ValueError, SyntaxError, TypeError):
        raise UserError(f"--safe {given}: write an action, such as 0 or [0.0]") from None
    if np.shape(action) != space.shape or not space.contains(action):
        raise UserError(f"--safe {given} is no action of {space}")
    return action


class World:
    """An environment as something that goes on between periods."""

    def __init__(self, env: Any, seed: int, has_masks: bool):
        self.env, self.has_masks = env, has_masks
        self.obs, _ = env.reset(seed=seed)
        self.start, self.total, self.episodes, self.returns = True, 0.0, 0, []  # type: ignore[var-annotated]

    def observe(self) -> tuple[Any, bool]:
        return self.obs, self.start

    def act(self, action: Any) -> None:
        self.obs, reward, terminated, truncated, _ = self.env.step(action)
        self.total, self.start = self.total + float(reward), False
        if terminated or truncated:
            self.returns.append(self.total)
            self.total, self.start, self.episodes = 0.0, True, self.episodes + 1
            self.obs, _ = self.env.reset()

    def with_masks(self, policy: Any) -> Any:
        if not self.has_masks or not hasattr(self.env.unwrapped, "action_masks"):
            return policy
        return _Masked(policy, self.env.unwrapped.action_masks)


class _Masked:
    def __init__(self, policy: Any, masks: Any):
        self.policy, self.masks = policy, masks

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True) -> tuple[Any, Any]:
        return self.policy.predict(observation, state, episode_start, deterministic, action_masks=self.masks())
