"""Ours and its Stable-Baselines3 twin side by side: the same run from the same seed, and the same update from the same batch.

Tier A trains both from one seed and follows, step by step: random streams, actions, rewards, observations, weights, rollout and
replay memory, logged values, warnings, and at the end the zip. Tier B gives both the same weights and the same data and lets each
train once. A case names the first step and the first quantity that differ, or how near the two stayed.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import KVWriter, Logger, configure
from stable_baselines3.common.save_util import load_from_zip_file, save_to_pkl

from from_scratch import registry
from from_scratch.core.loops.population import Generation

WEIGHTS = 1e-6  # nearer is the same run: an ulp grows to 1.2e-7 in some hundred steps, a wrong draw shows as 3e-3 or more
PLAYED = 1e-5  # observations, actions, values: the environment and the networks magnify it
LOGGED = 1e-4  # means of differences, ratios of variances: what is logged magnifies an ulp
CLOCKS = ("time/fps", "time/time_elapsed")


@dataclass(frozen=True)
class Case:
    """One way to use an algorithm: an environment, made anew for each side, and hyper-parameters, copied for each."""

    env: Callable[[], Any]
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    policy: str = "MlpPolicy"
    steps: int = 256
    heavy: bool = False  # more than a second or two
    tells_steps: bool = True  # do the twin's callbacks find in their locals what each step brought?

    def build(self, algorithm: type, seed: int) -> Any:
        return algorithm(self.policy, self.env(), seed=seed, device="cpu", **deepcopy(self.hyperparameters))


@dataclass(frozen=True)
class Outcome:
    """How a case ended: `difference` is the first one, in words, or None; `largest` is the largest distance between weights.

    `exact`: weights, actions and observations agree to the bit.
    """

    tier: str
    difference: str | None
    largest: float
    exact: bool
    compared: int  # quantities
    seconds: float

    @property
    def same(self) -> bool:
        return self.difference is None

    def __str__(self) -> str:
        if self.difference is not None:
            return f"differs: {self.difference}"
        what = "run" if self.tier == "A" else "update"
        return f"same {what} (bit-equal)" if self.exact else f"same {what} (≤1e-6, max {self.largest:.1e})"


# -------------------------------------------------------------------------------------------------------------------- recording
@dataclass(frozen=True)
class Quantity:
    step: int
    name: str
    value: Any
    tolerance: float = 0.0


class Trace(KVWriter):
    """What happened, in order."""

    def __init__(self) -> None:
        self.quantities: list[Quantity] = []

    def note(self, step: int, name: str, value: Any, tolerance: float = 0.0) -> None:
        if isinstance(value, dict):
            for key, part in value.items():
                self.note(step, f"{name} {key}", part, tolerance)
            return
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        self.quantities.append(Quantity(step, name, deepcopy(value), tolerance))

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        for key in sorted(key_values):
            if key not in CLOCKS:
                self.note(step, f"logged {key}", key_values[key], LOGGED)
                self.note(step, f"logged {key} is kept from", key_excluded[key])

    def close(self) -> None:
        pass


class Follow(BaseCallback):
    """Writes a training run into a trace."""

    needs_no_values = True  # ours may leave values and log-probabilities for after the rollout: the buffer is compared

    def __init__(self, trace: Trace, tells_steps: bool = True):
        super().__init__()
        self.trace, self.tells_steps = trace, tells_steps

    def _on_training_start(self) -> None:
        self._streams()

    def _on_rollout_start(self) -> None:
        self._weights()
        self._streams()

    def _on_step(self) -> bool:
        for name in ("actions", "buffer_actions", "rewards", "dones", "new_obs"):
            if name in self.locals and self.tells_steps:
                self.trace.note(self.num_timesteps, name, self.locals[name], 0.0 if name == "dones" else PLAYED)
        return True

    def _on_rollout_end(self) -> None:
        buffer: Any = getattr(self.model, "rollout_buffer", None)
        for name in ("observations", "actions", "rewards", "episode_starts", "values", "log_probs", "advantages", "returns"):
            if buffer is not None:
                self.trace.note(self.num_timesteps, f"rollout {name}", getattr(buffer, name), PLAYED)
        for name in ("hidden_states_pi", "cell_states_pi", "hidden_states_vf", "cell_states_vf"):
            if hasattr(buffer, name):
                self.trace.note(self.num_timesteps, f"rollout {name}", getattr(buffer, name), PLAYED)

    def _on_training_end(self) -> None:
        self._weights()
        self._streams()
        buffer: Any = getattr(self.model, "replay_buffer", None)
        for name in ("observations", "next_observations", "actions", "rewards", "dones", "timeouts"):
            if buffer is not None and hasattr(buffer, name):
                self.trace.note(self.num_timesteps, f"replay {name}", _used(getattr(buffer, name), buffer), PLAYED)

    def _weights(self) -> None:
        for name, value in getattr(self.model.policy, "_orig_mod", self.model.policy).state_dict().items():
            self.trace.note(self.num_timesteps, f"weights {name}", value, WEIGHTS)
        log_ent_coef = getattr(self.model, "log_ent_coef", None)
        if log_ent_coef is not None:
            self.trace.note(self.num_timesteps, "weights log_ent_coef", log_ent_coef, WEIGHTS)

    def _streams(self) -> None:
        """Where the generators stand: one draw too many, too few or in another order shows here at once."""
        self.trace.note(self.num_timesteps, "torch's stream", _digest(torch.get_rng_state().numpy().tobytes()))
        self.trace.note(self.num_timesteps, "NumPy's stream", _digest(*(np.asarray(part).tobytes() for part in np.random.get_state())))
        self.trace.note(self.num_timesteps, "the action space's stream", _digest(json.dumps(_stream_of(self.model.action_space), default=str)))


def _stream_of(space: Any) -> Any:
    parts = getattr(space, "spaces", None)
    return space.np_random.bit_generator.state if parts is None else [_stream_of(part) for part in parts]


def _digest(*parts: Any) -> str:
    return hashlib.blake2b(b"|".join(part if isinstance(part, bytes) else str(part).encode() for part in parts), digest_size=8).hexdigest()


def _used(memory: Any, buffer: Any) -> Any:
    """The rows that were written."""
    n = buffer.size()
    return {key: part[:n] for key, part in memory.items()} if isinstance(memory, dict) else memory[:n]


# -------------------------------------------------------------------------------------------------------------------- comparing
def distance(expected: Any, found: Any) -> float:
    """The largest difference, relative where numbers exceed 1; infinite where kinds, shapes or words differ."""
    if isinstance(expected, str | tuple | None) or isinstance(found, str | tuple | None):
        return 0.0 if type(expected) is type(found) and expected == found else np.inf
    a, b = np.asarray(expected), np.asarray(found)
    if a.shape != b.shape or (a.dtype.kind != b.dtype.kind and a.ndim > 0):
        return np.inf
    if np.array_equal(a, b):  # as nearly all are
        return 0.0
    a, b = a.astype(float), b.astype(float)
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):  # ∞ − ∞ where they are equal
        apart = np.where(equal, 0.0, np.abs(a - b) / np.maximum(1, np.abs(a)))
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))


def first_difference(expected: Trace, found: Trace) -> str | None:
    """The first quantity that is not the same, with its step."""
    for a, b in zip(expected.quantities, found.quantities):
        if (a.step, a.name) != (b.step, b.name):
            return f"step {a.step}: SB3 has {a.name}, ours {b.name}" + (f" at step {b.step}" if a.step != b.step else "")
        apart = distance(a.value, b.value)
        if apart > a.tolerance and isinstance(a.value, tuple):
            return f"step {a.step}: {a.name}, only SB3 has {sorted({*a.value} - {*b.value})}, only ours {sorted({*b.value} - {*a.value})}"
        if apart > a.tolerance:
            return f"step {a.step}: {a.name}" + (f" by {apart:.1e}" if np.isfinite(apart) else f", {_short(a.value)} and {_short(b.value)}")
    longer, who = (expected, "SB3") if len(expected.quantities) > len(found.quantities) else (found, "ours")
    if len(expected.quantities) != len(found.quantities):
        extra = longer.quantities[min(len(expected.quantities), len(found.quantities))]
        return f"step {extra.step}: only {who} has {extra.name}"
    return None


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 6:
        return f"{value.dtype}{list(value.shape)}"
    return str(value)


def nearness(expected: Trace, found: Trace) -> tuple[float, bool]:
    """The largest distance between weights, and whether weights, actions and observations are the same to the bit."""
    apart = {"weights": 0.0, "played": 0.0}
    for a, b in zip(expected.quantities, found.quantities):
        if a.name.startswith(("weights", "actions", "new_obs")):
            kind = "weights" if a.name.startswith("weights") else "played"
            apart[kind] = max(apart[kind], distance(a.value, b.value))
    return apart["weights"], not any(apart.values())


# ------------------------------------------------------------------------------------------------------------------------ tier A
def train(algorithm: type, case: Case, seed: int = 0) -> tuple[Any, Trace]:
    """The trained model and the trace of its run."""
    trace = Trace()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = case.build(algorithm, seed)
        model.set_logger(Logger(None, [trace]))
        model.learn(case.steps, callback=Follow(trace, case.tells_steps), log_interval=2)
    for kind, n in sorted({w.category.__name__: sum(v.category is w.category for v in caught) for w in caught}.items()):
        trace.note(case.steps, f"warnings of kind {kind}", n)
    for key, value in sorted(model.logger.name_to_value.items()):
        if key not in CLOCKS:
            trace.note(case.steps, f"logged {key}, at the end", value, LOGGED)
    _note_zip(trace, model, case.steps)
    return model, trace


def _note_zip(trace: Trace, model: Any, step: int) -> None:
    file = io.BytesIO()
    model.save(file)
    with zipfile.ZipFile(file) as archive:
        trace.note(step, "zip members", tuple(sorted(archive.namelist())))
        data = json.loads(archive.read("data"))
    trace.note(step, "zip data keys", tuple(sorted(data)))
    file.seek(0)
    known, params, variables = load_from_zip_file(file)
    assert known is not None, "a model's file has data"
    for key in sorted(data):
        value = known[key].item() if isinstance(known[key], np.generic) else data[key]  # a number is the same as Python's and as NumPy's
        serialized = isinstance(value, dict) and ":serialized:" in value
        if key == "ep_info_buffer" and not serialized:
            value = len(value)  # its numbers were rounded on the way
        if key not in ("start_time", "policy_kwargs"):
            trace.note(step, f"zip data {key}", value[":type:"] if serialized else json.dumps(value))
    for name, state in params.items():
        _note_state(trace, step, f"zip {name}", state)
    for name, value in (variables or {}).items():
        trace.note(step, f"zip variable {name}", value, WEIGHTS)


def _note_state(trace: Trace, step: int, name: str, state: Any) -> None:
    """A state dict, nested as an optimizer's is."""
    if isinstance(state, dict):
        for key, part in state.items():
            _note_state(trace, step, f"{name}.{key}", part)
    elif isinstance(state, list):
        for i, part in enumerate(state):
            _note_state(trace, step, f"{name}[{i}]", part)
    else:
        trace.note(step, name, state, WEIGHTS)


def same_run(ours: type, twin: type, case: Case, seed: int = 0) -> Outcome:
    """Tier A."""
    begin = time.perf_counter()
    _, expected = train(twin, case, seed)
    _, found = train(ours, case, seed)
    return Outcome("A", first_difference(expected, found), *nearness(expected, found), len(expected.quantities), time.perf_counter() - begin)


# ------------------------------------------------------------------------------------------------------------------------ tier B
class KeepRollout(BaseCallback):
    """Keeps the last rollout as it was before the update that learns from it."""

    buffer: Any = None

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.buffer = deepcopy(getattr(self.model, "rollout_buffer", None))


def same_update(ours: type, twin: type, case: Case, seed: int = 0) -> Outcome:
    """Tier B: the twin trains for a while; then both sides take its weights, its optimizers' state and its memory, and train once."""
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rollout = KeepRollout()
        teacher = case.build(twin, seed).learn(case.steps // 2, callback=rollout)
        file, memory = io.BytesIO(), io.BytesIO()
        teacher.save(file)
        on_policy, has_memory = rollout.buffer is not None, hasattr(teacher, "replay_buffer")
        if has_memory:
            save_to_pkl(memory, teacher.replay_buffer)
        traces = []
        algorithm: Any
        for algorithm in (twin, ours):
            file.seek(0), memory.seek(0)
            env = case.env()
            trusted = {"trust": True} if algorithm.__module__.startswith("from_scratch.") else {}  # a file of this process, with users' classes and functions
            model = algorithm.load(file, env=make_vec_env(env) if isinstance(env, str) else env, device="cpu", **trusted)
            model.set_logger(configure(None, []))
            if on_policy:
                model.rollout_buffer = deepcopy(rollout.buffer)
            elif has_memory:
                model.load_replay_buffer(memory)
            model.set_random_seed(seed)
            if on_policy:
                model.train()
            elif has_memory:
                model.train(gradient_steps=2, batch_size=model.batch_size)  # 2: a delayed policy's turn too
            else:
                _search_once(model)
            trace = Trace()
            for name in model.get_parameters():
                _note_state(trace, 0, f"weights {name}", model.get_parameters()[name])
            trace.note(0, "logged", {key: value for key, value in sorted(model.logger.name_to_value.items())}, LOGGED)
            traces.append(trace)
    difference = first_difference(*traces)
    return Outcome("B", difference and difference.removeprefix("step 0: "), *nearness(*traces), len(traces[0].quantities), time.perf_counter() - begin)


def _search_once(model: Any) -> None:
    """One update from a population whose returns follow from the candidates' weights alone."""

    def returns(candidates: torch.Tensor, *_: Any) -> torch.Tensor:
        return -((candidates - 0.1) ** 2).sum(-1)

    if hasattr(model, "evaluate_candidates"):
        model.weights = torch.nn.utils.parameters_to_vector(model.policy.parameters()).detach()  # SB3-Contrib's load() leaves them as they are at first
        model.evaluate_candidates = returns
        model._do_one_update(None, None)
        return
    candidates, noise = model.propose(0)
    tried = model.generations[0] = Generation(candidates, noise, model._current_progress_remaining, *model.rounds(len(candidates)))
    tried.returns[:] = returns(candidates)
    model._log_interval = None
    model._learn(0)


def pair(algorithm: str) -> tuple[type, type]:
    """Our class and its twin's, for a registry's id."""
    entry = registry.find(algorithm)
    if entry.twin is None:
        raise LookupError(algorithm)
    return entry.load(), registry.load(entry.twin)


def run(algorithm: str, cases: dict[str, Case], seed: int = 0) -> Iterator[tuple[str, Outcome, Outcome]]:
    """Both tiers of each case."""
    ours, twin = pair(algorithm)
    for name, case in cases.items():
        yield name, same_run(ours, twin, case, seed), same_update(ours, twin, case, seed)
