"""A training that is told to trackers while it goes on, by what Stable-Baselines3's logger is told anyway:

    from benchmarks.tracking.live import TrackingCallback
    model.learn(50_000, callback=TrackingCallback("trackio:my-project", config={"algo": "ppo", "env": "CartPole-v1", "seed": 0}))

It works with any model of Stable-Baselines3's API. A tracker that fails is left alone, with one warning, and the training goes on.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter

from benchmarks.tracking.tracker import Card, Tolerant, Tracked, Tracker, group_name, numeric, trackers


class TrackingCallback(BaseCallback):
    """Tells one tracker or several of everything that the model logs, at the step at which it was logged, and of the model's end.

    to: as for `benchmarks.tracking.tracker.trackers`. id: of the run, to go on with one that was told before; a new one by default. warn: is given a line.
    """

    needs_no_values = True  # ours then computes values and log-probabilities in one pass after the rollout

    def __init__(self, to: str | Iterable[str], *, config: Mapping[str, Any] | None = None, name: str | None = None, group: str | None = None,
                 tags: Iterable[str] = (), id: str | None = None, warn: Callable[[str], Any] | None = None):  # fmt: skip
        super().__init__()
        self.to = Tolerant(trackers([to] if isinstance(to, str) else to), warn or (lambda line: warnings.warn(line, stacklevel=2)),
                           "; training goes on without")  # fmt: skip
        self.id = id or uuid.uuid4().hex
        self.config, self.name, self.group, self.tags = dict(config or {}), name, group, tuple(tags)
        self.open: list[tuple[Tracker, Tracked]] = []

    def _on_training_start(self) -> None:
        self.logger.output_formats.append(_Writer(self))
        if self.open:  # its last training was stopped by an exception, of which it has not been told
            return
        self.to.failed.clear()
        algo = self.config.get("algo") or type(self.model).__name__
        spec = getattr(self.training_env, "spec", None) or getattr(getattr(self.training_env, "envs", [None])[0], "spec", None)
        config = {"algo": algo, "env": spec.id if spec else "", "seed": self.model.seed, **self.config}
        config = {key: value for key, value in config.items() if value is not None}
        name = self.name or "-".join(str(config[key]).replace("/", "_") for key in ("algo", "env", "seed") if config.get(key) not in (None, ""))
        card = Card(self.id, f"{name}-{self.id[:8]}", self.group or group_name("training", str(algo), str(config["env"])), config, ("sb3-course", *self.tags))
        for tracker in self.to.trackers:
            self._try(tracker, lambda tracker=tracker: self.open.append((tracker, tracker.open(card))))

    def _on_step(self) -> bool:
        return True

    def told(self, step: int, values: Mapping[str, Any], excluded: Mapping[str, tuple[str, ...]]) -> None:
        """Numbers that the logger dumps; not those that are excluded from a tracker by its name."""
        for tracker, tracked in self._working():
            kept = numeric({key: value for key, value in values.items() if tracker.kind not in (excluded.get(key) or ())})
            if kept and (tracked.resumed_at is None or step >= tracked.resumed_at):
                self._try(tracker, lambda tracked=tracked, kept=kept: tracked.log(step, kept))

    def _on_training_end(self) -> None:
        self.finish()

    def finish(self, status: str = "finished", **summary: Any) -> None:
        """The end of the run, if it has not been told yet: for a training that was stopped by an exception, say it with status="interrupted"."""
        steps = {"steps": self.num_timesteps} if self.num_timesteps else {}
        for tracker, tracked in self._working():
            self._try(tracker, lambda tracked=tracked: tracked.finish({**steps, **summary}, status))
        self.open = []
        if self.model is not None:
            self.logger.output_formats[:] = [writer for writer in self.logger.output_formats if not isinstance(writer, _Writer) or writer.callback is not self]

    def _working(self) -> list[tuple[Tracker, Tracked]]:
        return [(tracker, tracked) for tracker, tracked in self.open if tracker in self.to.working]

    def _try(self, tracker: Tracker, call: Callable[[], Any]) -> None:
        try:
            call()
        except Exception as error:  # whatever a tracker's package raises
            self.to.give_up(tracker, error)


class _Writer(KVWriter):
    def __init__(self, callback: TrackingCallback):
        self.callback = callback

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        self.callback.told(step, key_values, key_excluded)

    def close(self) -> None:
        """The run ends with its training."""
