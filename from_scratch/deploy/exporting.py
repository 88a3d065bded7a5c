"""`export`: a model's deterministic policy, and what stands before it, as one file without a pickle; checked before it is there.

    export(model, "policy.onnx")                                        # of a model with its environment, VecNormalize and VecFrameStack are found
    export(model, "policy.pt", vec_normalize="vecnormalize.pkl", env="Pendulum-v1")

The file takes observations as the environment says them and gives actions as the environment takes them.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.metadata
import os
import uuid
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import (
    VecCheckNan,
    VecFrameStack,
    VecMonitor,
    VecNormalize,
    VecTransposeImage,
    VecVideoRecorder,
)
from torch import nn

from from_scratch.core.data import tree_map
from from_scratch.core.files import load_pickle
from from_scratch.core.product import Product
from from_scratch.deploy import formats, recording
from from_scratch.deploy.eyes import Eye, Pipeline, Standardised, chain, innermost, leaves
from from_scratch.deploy.heads import Answer, CannotExport, Head, head_of, space_of_actions, standard_of
from from_scratch.deploy.recording import Comparison, Recorded
from from_scratch.deploy.runtime import FORMATS, load_policy

FORMAT = 1  # of what a file says of itself
UNSEEN = (VecMonitor, VecCheckNan, VecVideoRecorder)  # wrappers that change no observation
PLAIN_WRAPPERS = ("Monitor", "TimeLimit", "OrderEnforcing", "PassiveEnvChecker")  # of one environment, likewise
VERSIONS = ("sb3-course", "stable-baselines3", "sb3-contrib", "torch", "numpy", "gymnasium")


@dataclass(frozen=True)
class Exported:
    """What was written, and how its equality was seen."""

    path: Path
    about: dict[str, Any]
    comparison: Comparison
    recorded: Recorded

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    def __str__(self) -> str:
        return f"{self.path} ({self.size / 1000:.0f} kB): {self.comparison}"


class Graph(nn.Module):
    """Raw observations, states, masks → actions, parameters, states: what is exported. Its arguments and results are in the order of `inputs` and `outputs`."""

    def __init__(self, pipeline: Pipeline, head: Head, n_parameters: int, standard: tuple[np.ndarray, np.ndarray] | None):
        super().__init__()
        self.standardise = None if standard is None else Standardised(*standard)
        raw, seen = leaves(pipeline.space), leaves(pipeline.model_space)
        self.keys = list(raw)
        self.eyes = nn.ModuleList(Eye(raw[key], seen[key], pipeline, key) for key in self.keys)
        self.types = [_dtype(seen[key]) for key in self.keys]
        self.head, self.n_parameters = head, n_parameters
        self.n_frames = len(self.keys) if pipeline.frames else 0
        self.remembers = bool(pipeline.frames) or any(each.kind == "state" for each in head.takes)

    def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        n = len(self.keys)
        starts = given[n] if self.remembers else None
        rest = list(given[n + self.remembers :])
        frames: list[Any] = [*rest[: self.n_frames]] or [None] * n
        seen, after = {}, []
        for key, eye, dtype, x, old in zip(self.keys, self.eyes, self.types, given, frames, strict=False):
            y, new = eye(x, old, starts)
            y = y if dtype is None else y.to(dtype)
            seen[key] = y if self.standardise is None else self.standardise(y)
            after += [new] if new is not None else []
        answer: Answer = self.head(seen.get(None, seen), starts, rest[self.n_frames :])
        return (answer.action, *answer.parameters[: self.n_parameters], *after, *answer.states)


def _dtype(space: spaces.Space) -> torch.dtype | None:
    return torch.from_numpy(np.zeros(1, space.dtype)).dtype if space.dtype is not None else None


def export(
    model: Any, path: str | Path, *, vec_normalize: Any = None, frame_stack: int | None = None, env: Any = None, observations: Any = None,
    n_observations: int = 1000, stochastic: bool = False, opset: int = formats.OPSET, tolerance: float = 1e-5, more: Mapping[str, Any] | None = None,
) -> Exported:  # fmt: skip
    """Write the policy of a model, ours or Stable-Baselines3's, into a file: .onnx, .pt (TorchScript) or .pt2 (torch.export).

    vec_normalize: a VecNormalize, or its file; None: that of the model's environment, False: none. frame_stack: how many frames a VecFrameStack shows the
    model; None: as many as in its environment. env: an id, an environment, or a function that makes one, in which the policy is played for n_observations
    steps to compare; None: the model's own, made anew. observations [n, ...], or a dict of them: compare at these instead. Without either they are drawn from
    the observation space. stochastic: the parameters of the distribution also come out, so that actions can be sampled. opset: of ONNX. tolerance: by how much
    numbers may differ, in units of an action's range. more: what else the file is to say of itself.

    CannotExport says in one line why a policy has no such form, NotEqual where what was exported differs. In both cases there is no new file; one that was
    there before stays. A model on a GPU is not moved: its copy is exported on the CPU.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"{path}: the ending says the format: {', '.join(f'{ending} ({name})' for ending, name in FORMATS.items())}.")
    if n_observations < 1:
        raise ValueError(f"n_observations={n_observations}: at least one is needed to compare.")
    formats.check_available(FORMATS[path.suffix])
    if getattr(model, "n_seeds", 1) > 1:
        raise ValueError(f"This model is a stack of {model.n_seeds} seeds: export one of them, as in export(model[0], …).")
    venv = _made(model, env)
    pipeline = _pipeline(model, None if venv is None else venv.observation_space, vec_normalize, frame_stack)
    twin = _on_cpu(model)
    head = head_of(twin)
    recorded = _recorded(twin, pipeline, venv, observations, n_observations, head, env)
    artifact, about = _artifact(twin, pipeline, head, recorded, path, stochastic, opset)
    about.update(more or {})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
    try:
        artifact.write(part, about)
        comparison = recording.compare(load_policy(part), recorded, space_of_actions(twin), tolerance)
        about["checked"] = {
            "n": comparison.n, "observations": comparison.source, "largest_difference": comparison.largest, "ties": comparison.ties, "tolerance": tolerance,
        }  # fmt: skip
        artifact.write(part, about)
        load_policy(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return Exported(path, about, comparison, recorded)


# --------------------------------------------------------------------------------------------------------------- what there is
def _on_cpu(model: Any) -> Any:
    """The model itself, or a copy on the CPU of one that is elsewhere, in evaluation mode."""
    if model.device.type != "cpu":
        model = _copied(model)
        model.policy.to("cpu")
        for part in model.policy.modules():
            if hasattr(part, "device") and "device" in vars(part):
                part.device = torch.device("cpu")
        model.device = torch.device("cpu")
    model.policy.set_training_mode(False)
    return model


def _copied(model: Any) -> Any:
    import io

    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    return type(model).load(file, device="cpu", **({"trust": True} if hasattr(model, "hyperparameters") else {}))


def _made(model: Any, env: Any) -> Any:
    """The environment to play in, without wrappers around the vector; None where there is none."""
    import gymnasium as gym

    if isinstance(env, str):
        import from_scratch.envs  # noqa: F401

        return recording.one_env(lambda: gym.make(env))
    if env is not None:
        return recording.one_env(innermost(env) if chain(env) else env)
    own = innermost(getattr(model, "env", None))
    envs = getattr(own, "envs", None)
    if not envs:
        return None
    try:
        return recording.one_env(copy.deepcopy(envs[0]))  # with its wrappers; playing in it disturbs no training
    except Exception:  # whatever an environment says that cannot be copied
        spec = getattr(envs[0].unwrapped, "spec", None)
        alone = all(type(each).__name__ in PLAIN_WRAPPERS for each in _wrappers_of(envs[0]))
        return recording.one_env(lambda: gym.make(spec)) if spec is not None and alone else None


def _wrappers_of(env: Any) -> list[Any]:
    import gymnasium as gym

    found = []
    while isinstance(env, gym.Wrapper):
        found.append(env)
        env = env.env
    return found


def _pipeline(model: Any, space: spaces.Space | None, vec_normalize: Any, frame_stack: int | None) -> Pipeline:
    """What stands between the environment and the model."""
    wrappers = chain(getattr(model, "env", None))
    normaliser = _normaliser(model, vec_normalize)
    stacks = [wrapper for wrapper in wrappers if isinstance(wrapper, VecFrameStack)]
    frames = frame_stack if frame_stack is not None else stacks[0].stacked_obs.n_stack if stacks else None
    if frames is not None and frames < 1:
        raise ValueError(f"frame_stack={frames}: a number of frames is at least 1.")
    foreign = [w for w in wrappers if not isinstance(w, (VecNormalize, VecFrameStack, VecTransposeImage, *UNSEEN))]
    if foreign:
        warnings.warn(f"{type(foreign[0]).__name__} stands between the environment and the model, and is not in the file: give the file what it gives on.",
                      stacklevel=3)  # fmt: skip
    order = [type(wrapper) for wrapper in wrappers if isinstance(wrapper, VecNormalize | VecFrameStack)]
    frames_first = len(order) == 2 and order[0] is VecFrameStack
    raw = space or _before(model, wrappers, normaliser, frames)
    if not order and normaliser is not None and frames and normaliser.norm_obs:
        rms = normaliser.obs_rms
        shape = next(iter(rms.values())).mean.shape if isinstance(rms, dict) else rms.mean.shape
        frames_first = shape == next(iter(leaves(model.observation_space).values())).shape and frames > 1
    found = Pipeline(raw, model.observation_space, normaliser, frames, not frames_first)
    _check_fits(found)
    return found


def _normaliser(model: Any, given: Any) -> VecNormalize | None:
    if given is False:
        return None
    if given is None:
        return model.get_vec_normalize_env()
    if isinstance(given, VecNormalize):
        return given
    found = load_pickle(given)
    if not isinstance(found, VecNormalize):
        raise ValueError(f"{given} holds a {type(found).__name__}, not a VecNormalize.")
    return found


def _before(model: Any, wrappers: list[Any], normaliser: VecNormalize | None, frames: int | None) -> spaces.Space:
    """The space of one observation before the wrappers, as far as the model tells it."""
    if getattr(model, "env", None) is not None:
        return innermost(model.env).observation_space

    def one(key: str | None, space: Any) -> Any:
        if not isinstance(space, spaces.Box) or not (frames or normaliser):
            return space
        shape, dtype = list(space.shape), space.dtype
        if frames:
            axis = 0 if len(shape) == 3 and shape[0] < shape[-1] else -1
            if shape[axis] % frames:
                raise ValueError(f"frame_stack={frames}: observations {tuple(shape)} are no stack of as many frames.")
            shape[axis] //= frames
        normalised = normaliser is not None and normaliser.norm_obs and (key is None or key in normaliser.obs_rms)  # type: ignore[operator]
        return spaces.Box(-np.inf, np.inf, tuple(shape), np.float64) if normalised else _box(space, tuple(shape), dtype)

    parts = {key: one(key, space) for key, space in leaves(model.observation_space).items()}
    return parts[None] if None in parts else spaces.Dict(parts)  # type: ignore[arg-type]


def _box(space: spaces.Box, shape: tuple[int, ...], dtype: Any) -> spaces.Box:
    at = tuple(slice(0, n) for n in shape)
    return spaces.Box(space.low[at], space.high[at], shape, dtype)


def _check_fits(pipeline: Pipeline) -> None:
    """ValueError if the model sees something else than what comes out of the pipeline."""
    for (key, raw), (other, seen) in zip(leaves(pipeline.space).items(), leaves(pipeline.model_space).items(), strict=False):
        shape = Eye(raw, seen, pipeline, key).state_shape or raw.shape
        if key != other or (shape != seen.shape and sorted(shape) != sorted(seen.shape)):
            what = f" with {pipeline.frames} frames" if pipeline.frames else ""
            raise ValueError(f"The environment says observations of the shape {raw.shape}{what}, and the model sees {seen.shape}: give frame_stack, or "
                             "another env.")  # fmt: skip


def _recorded(model: Any, pipeline: Pipeline, venv: Any, observations: Any, n: int, head: Head, env: Any) -> Recorded:
    masks = [each for each in head.takes if each.kind == "action_masks"]
    if observations is not None:
        recorded = observations if isinstance(observations, Recorded) else _given(observations, pipeline)
    elif venv is not None:
        spec = getattr(getattr(venv, "envs", [None])[0], "spec", None)
        where = env if isinstance(env, str) else spec.id if spec is not None else "its environment"
        return recording.played(model, pipeline, venv, n, f"played in {where}", bool(masks))
    else:
        recorded = recording.drawn(pipeline.space, n, masks[0].shape[-1] if masks else 0)
    return recording.shown(model, pipeline, recorded, bool(masks))


def _given(observations: Any, pipeline: Pipeline) -> Recorded:
    arrays = tree_map(np.asarray, observations)
    for key, space in leaves(pipeline.space).items():
        x = arrays if key is None else arrays.get(key) if isinstance(arrays, dict) else None
        if x is None or x.shape[1:] != space.shape or not len(x):
            found = "nothing" if x is None else f"the shape {x.shape}"
            raise ValueError(f"observations{'' if key is None else f' of {key!r}'}: (n, {', '.join(map(str, space.shape))}) is expected, {found} was given.")
    arrays = {key: arrays[key].astype(space.dtype) for key, space in leaves(pipeline.space).items()} if isinstance(arrays, dict) else arrays.astype(
        pipeline.space.dtype
    )
    n = len(next(iter(arrays.values())) if isinstance(arrays, dict) else arrays)
    return Recorded("that were given", arrays, np.eye(1, n, dtype=bool)[0])


# ------------------------------------------------------------------------------------------------------------------- the artifact
def _artifact(
    model: Any, pipeline: Pipeline, head: Head, recorded: Recorded, path: Path, stochastic: bool, opset: int
) -> tuple[formats.Artifact, dict[str, Any]]:  # fmt: skip
    _refuse_chance(model, pipeline)
    if stochastic and head.distribution is None:
        raise CannotExport(f"{type(model).__name__} with {type(model.policy).__name__} has no distribution to sample from: leave stochastic out")
    shown_parameters = [name for name in head.gives if stochastic or name in ("values", "logits")]
    graph = Graph(pipeline, head, len(shown_parameters), standard_of(model)).eval()
    inputs = _inputs(pipeline, head, graph)
    examples = [_example(each, recorded, 2) for each in inputs]
    with torch.no_grad(), formats.quiet():
        found = graph(*examples)
    wanted = np.asarray(recorded.actions[0] if not isinstance(recorded.actions[0], dict | tuple) else 0)
    outputs = [{"name": "action", "kind": "action"}, *({"name": name, "kind": "parameters"} for name in shown_parameters)]
    outputs += [{"name": f"{each['name']}_after", "kind": "state"} for each in inputs if each["kind"] == "state"]
    assert len(outputs) == len(found)
    if not isinstance(model.action_space, Product) and not isinstance(space_of_actions(model), spaces.Tuple | spaces.Dict):
        graph = Typed(graph, wanted.dtype).eval()
    names = [each["name"] for each in inputs], [each["name"] for each in outputs]
    with torch.no_grad():
        artifact = formats.Artifact(FORMATS[path.suffix], graph, examples, [each["batch"] for each in inputs], names, opset)
    distribution = dict(head.distribution) if stochastic and head.distribution else None
    return artifact, _about(model, pipeline, inputs, outputs, distribution, opset if path.suffix == ".onnx" else None)


class Typed(nn.Module):
    """The action in the type that `predict` gives it."""

    def __init__(self, graph: Graph, dtype: Any):
        super().__init__()
        self.untyped, self.dtype = graph, torch.from_numpy(np.zeros(1, dtype)).dtype

    def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        action, *rest = self.untyped(*given)
        return (action.to(self.dtype), *rest)


def _refuse_chance(model: Any, pipeline: Pipeline) -> None:
    """CannotExport if the model draws, although it is asked to be deterministic."""
    space = copy.deepcopy(pipeline.model_space)
    space.seed(0)
    obs = recording.tree_map_list([tree_map(lambda x: np.asarray(x)[None], space.sample()) for _ in range(40)])
    one, other = (model.predict(obs, deterministic=True)[0] for _ in range(2))
    if recording._difference(space_of_actions(model), one[0], other[0]) > 0 or repr(one) != repr(other):
        raise CannotExport(f"{type(model).__name__} draws its actions even when it is asked to be deterministic: there is no function to export")


def _inputs(pipeline: Pipeline, head: Head, graph: Graph) -> list[dict[str, Any]]:
    raw = leaves(pipeline.space)
    found: list[dict[str, Any]] = []
    for key, space in raw.items():
        name = "observation" if key is None else f"observation/{key}"
        found.append({"name": name, "kind": "observation", "key": key, "shape": [1, *space.shape], "dtype": np.dtype(space.dtype).name, "batch": 0})
    if graph.remembers:
        found.append({"name": "episode_start", "kind": "episode_start", "shape": [1], "dtype": "bool", "batch": 0})
    for key, eye in zip(raw, graph.eyes, strict=True):
        if eye.state_shape is not None:
            dtype = str(eye.state_dtype).removeprefix("torch.")
            name = "frames" if key is None else f"frames/{key}"
            found.append({"name": name, "kind": "state", "shape": [1, *eye.state_shape], "dtype": dtype, "batch": 0})
    for each in head.takes:
        entry = {"name": each.name, "kind": each.kind, "shape": list(each.shape), "dtype": each.dtype, "batch": each.batch}
        found.append({**entry, "default": each.default} if each.kind == "told" else entry)
    return found


def _example(each: dict[str, Any], recorded: Recorded, n: int) -> torch.Tensor:
    if each["kind"] == "observation":
        x = recorded.observations if each["key"] is None else recorded.observations[each["key"]]
        return torch.as_tensor(np.resize(x, (n, *x.shape[1:])).astype(each["dtype"]))
    shape = list(each["shape"])
    shape[each["batch"]] = n
    return torch.as_tensor(np.ones(shape, bool) if each["dtype"] == "bool" else np.zeros(shape, each["dtype"]))


# ------------------------------------------------------------------------------------------------------------- what a file says
def _about(
    model: Any, pipeline: Pipeline, inputs: list[dict], outputs: list[dict], distribution: dict[str, Any] | None, opset: int | None
) -> dict[str, Any]:
    normaliser = pipeline.normaliser
    about = {
        "format": FORMAT,
        "algorithm": type(model).__name__,
        "class": f"{type(model).__module__}.{type(model).__name__}",
        "policy": type(model.policy).__name__,
        "observation_space": spec_of(pipeline.space),
        "action_space": spec_of(space_of_actions(model)),
        "inputs": inputs,
        "outputs": outputs,
        "normalisation": None if normaliser is None or not normaliser.norm_obs else {"clip": normaliser.clip_obs, "epsilon": normaliser.epsilon},
        "frame_stack": pipeline.frames,
        "distribution": distribution,
        "num_timesteps": int(getattr(model, "num_timesteps", 0)),
        "seed": _plain(getattr(model, "seed", None)),
        "weights_sha256": digest(model.policy),
        "versions": {name: _version(name) for name in VERSIONS},
    }
    return about | ({"opset": opset} if opset else {})


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _plain(value: Any) -> int | None:
    return int(value) if isinstance(value, int | np.integer) else None


def digest(policy: nn.Module) -> str:
    """Of all weights by name: what was exported, whatever the file around it is."""
    whole = hashlib.sha256()
    for name, tensor in sorted(policy.state_dict().items()):
        array = np.ascontiguousarray(tensor.detach().cpu().numpy()) if isinstance(tensor, torch.Tensor) else np.zeros(0)
        whole.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return whole.hexdigest()


def spec_of(space: Any) -> dict[str, Any]:
    """A space in plain values, as runtime.py reads it."""
    kind = type(space).__name__
    if isinstance(space, spaces.Dict):
        return {"type": "Dict", "spaces": {key: spec_of(child) for key, child in space.spaces.items()}}
    if isinstance(space, spaces.Tuple):
        return {"type": "Tuple", "spaces": [spec_of(child) for child in space.spaces]}
    found = {"type": kind, "shape": list(space.shape), "dtype": np.dtype(space.dtype).name}
    if isinstance(space, spaces.Box):
        from stable_baselines3.common.preprocessing import is_image_space

        bounds = {name: _bound(getattr(space, name)) for name in ("low", "high")}
        return {**found, **bounds, **({"image": True} if is_image_space(space) else {})}
    if isinstance(space, spaces.Discrete):
        return {**found, "n": int(space.n), "start": int(space.start)}
    if isinstance(space, spaces.MultiDiscrete):
        return {**found, "nvec": space.nvec.tolist(), "start": space.start.tolist()}
    return {**found, "n": space.shape[0]} if isinstance(space, spaces.MultiBinary) else found


def _bound(x: np.ndarray) -> Any:
    """One number where all are the same; infinite ones as Python's JSON writes them."""
    return float(x.flat[0]) if x.size and (x == x.flat[0]).all() else x.tolist()
