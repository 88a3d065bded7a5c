"""Play an exported policy: this file, NumPy and onnxruntime are all that is needed (torch instead, for a .pt or .pt2 file).

    policy = load_policy("policy.onnx")
    action, state = policy.predict(observation)                                    # as Stable-Baselines3's predict
    action, state = policy.predict(observation, state, episode_start)              # of one that remembers, or sees the last frames

The file may be copied beside a model, to a machine where nothing else of the library is: `python runtime.py policy.onnx recorded.npz` then checks there that
the actions are still those that were recorded when the policy was exported.
"""

from __future__ import annotations

import json
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

KEY = "sb3_course"  # of the metadata in an ONNX file
EXTRA = "about.json"  # the same in a TorchScript or .pt2 file
FORMATS = {".onnx": "onnx", ".pt": "torchscript", ".pt2": "pt2"}
REMEMBERED = ("state", "episode_start")  # kinds of inputs that belong to what is remembered
SAID = {"algorithm", "observation_space", "action_space", "inputs", "outputs"}  # what load_policy and predict need to know
State = tuple[np.ndarray, ...]


def load_policy(path: str | Path, seed: int | None = None, threads: int = 1) -> Policy:
    """The policy in an exported file. seed: of actions that are sampled; threads: that one action may use (more than one seldom pays).

    A .pt or .pt2 file is a program that torch runs, and a .pt2 file holds pickles: load a stranger's as ONNX only.

    ValueError if the file was not written by `export`, or a .pt or .pt2 file is damaged; ImportError if what plays it is not installed.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"{path}: an exported policy ends in {', '.join(FORMATS)}.")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file.")
    try:
        run, about = {".onnx": _onnx, ".pt": _torchscript, ".pt2": _pt2}[path.suffix](path, threads)
    except ImportError as error:
        raise ImportError(f"{path} is played by {error.name or 'a package'}, which is not installed: pip install {error.name or 'onnxruntime'}") from None
    return Policy(run, about, seed)


def _about(text: str | bytes | None, path: Path) -> dict[str, Any]:
    if not text:
        raise ValueError(f"{path} says nothing of a policy: it was not written by sb3-course export.")
    try:
        about = json.loads(text)
    except ValueError:  # of JSON, or of the text's encoding
        about = None
    if not isinstance(about, dict) or not about.keys() >= SAID:
        raise ValueError(f"{path} does not say what a policy's file says ({', '.join(sorted(SAID))}): sb3-course export did not write it so.")
    return about


def _check_whole(path: Path) -> None:
    """ValueError if a file of torch is no zip file, or was changed since it was written: torch itself reads damaged weights without a word."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{path} cannot be read as {FORMATS[path.suffix]}: {error}") from None
    if broken is not None:
        raise ValueError(f"{path} is damaged: {broken} in it is not what was written.")


def _onnx(path: Path, threads: int) -> tuple[Any, dict[str, Any]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own, of many kinds
        raise ValueError(f"{path} cannot be read as ONNX: {str(error).splitlines()[0][:200]}") from None
    about = _about(session.get_modelmeta().custom_metadata_map.get(KEY), path)
    names, outputs = [each["name"] for each in about["inputs"]], [each["name"] for each in about["outputs"]]
    return lambda values: session.run(outputs, dict(zip(names, values))), about


def _torchscript(path: Path, threads: int) -> tuple[Any, dict[str, Any]]:
    import torch

    _check_whole(path)
    extra = {EXTRA: ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch means to give TorchScript up (docs/deployment.md)
            module = torch.jit.load(str(path), "cpu", _extra_files=extra).eval()
    except RuntimeError as error:
        raise ValueError(f"{path} cannot be read as TorchScript: {str(error).splitlines()[0][:200]}") from None
    return _of_torch(module), _about(extra[EXTRA], path)


def _pt2(path: Path, threads: int) -> tuple[Any, dict[str, Any]]:
    import torch

    _check_whole(path)
    extra = {EXTRA: ""}
    try:
        module = torch.export.load(str(path), extra_files=extra).module()
    except Exception as error:  # of many kinds, as torch reads two formats one after the other
        raise ValueError(f"{path} cannot be read as pt2: {(str(error).strip() or type(error).__name__).splitlines()[0][:200]}") from None
    return _of_torch(module), _about(extra[EXTRA], path)


def _of_torch(module: Any) -> Any:
    import torch

    def run(values: list[np.ndarray]) -> list[np.ndarray]:
        with torch.no_grad():
            found = module(*(torch.from_numpy(np.ascontiguousarray(value)) for value in values))
        return [each.numpy() for each in (found if isinstance(found, tuple | list) else [found])]

    return run


class Policy:
    """A policy in a file. `about` is what the file says of it: algorithm, spaces, versions, how its equality was checked."""

    def __init__(self, run: Any, about: dict[str, Any], seed: int | None = None):
        self.run, self.about = run, about
        self.inputs, self.outputs = about["inputs"], about["outputs"]
        self.observation_space, self.action_space = about["observation_space"], about["action_space"]
        self.rng = np.random.default_rng(seed)
        self.remembers = any(each["kind"] == "state" for each in self.inputs)
        self.takes_masks = any(each["kind"] == "action_masks" for each in self.inputs)
        self._leaves = self.observation_space["spaces"] if self.observation_space["type"] == "Dict" else {None: self.observation_space}

    def __repr__(self) -> str:
        return f"Policy({self.about['algorithm']}, {self.observation_space['type']} → {self.action_space['type']})"

    # ------------------------------------------------------------------------------------------------------------------ playing
    def predict(
        self, observation: Any, state: State | None = None, episode_start: Any = None, deterministic: bool = True, *, action_masks: Any = None, **told: Any
    ) -> tuple[Any, State | None]:
        """Actions for one observation or for n of them, as the environment says and takes them; and what is to be given back the next time.

        state: what was returned the last time, None where episodes begin; episode_start [n]: where a new one has begun since. action_masks: which actions
        are valid, None for all. deterministic=False samples, of a file that was exported with `stochastic`. told: numbers that some policies ask for beside
        the observation, such as a decision transformer's `reward` and `target_return`, one for all or [n].
        """
        seen, several = self._seen(observation)
        n = len(next(iter(seen.values())))
        values: list[np.ndarray] = []
        kept = iter(self._no_state(n) if state is None else state)
        for each in self.inputs:
            kind = each["kind"]
            if kind == "observation":
                values.append(seen[each.get("key")])
            elif kind == "state":
                values.append(np.asarray(next(kept), each["dtype"]))
            elif kind == "episode_start":
                starts = np.zeros(n, bool) if episode_start is None else np.asarray(episode_start, bool).reshape(n)
                values.append(np.ones(n, bool) if state is None else starts)
            elif kind == "action_masks":
                width = each["shape"][-1]
                values.append(np.ones((n, width), bool) if action_masks is None else np.asarray(action_masks).astype(bool).reshape(n, width))
            else:
                value = told.get(each["name"])
                values.append(np.broadcast_to(np.asarray(each["default"] if value is None else value, each["dtype"]), (n,)).copy())
        unknown = set(told) - {each["name"] for each in self.inputs}
        if unknown:
            raise TypeError(f"predict() of this policy takes no {', '.join(sorted(unknown))}.")
        found = dict(zip((each["name"] for each in self.outputs), self.run(values)))
        after = tuple(found[each["name"]] for each in self.outputs if each["kind"] == "state")
        actions = found["action"] if deterministic else self._sampled(found)
        return self._said(actions, several), after or None

    def _seen(self, observation: Any) -> tuple[dict[Any, np.ndarray], bool]:
        """Observations [n, ...] by key, and whether there were several. ValueError if they have another shape."""
        parts, several = {}, False
        for key, space in self._leaves.items():
            if key is not None and (not isinstance(observation, dict) or key not in observation):
                given = sorted(observation) if isinstance(observation, dict) else type(observation).__name__
                raise ValueError(f"The observation has no '{key}': this policy sees {', '.join(self._leaves)}, and was given {given}.")
            x, shape = np.asarray(observation if key is None else observation[key]), tuple(space["shape"])
            if x.shape[-3:] != shape and space.get("image") and len(shape) == 3:  # the other order of an image's axes
                turned = np.moveaxis(x, -1, -3) if x.ndim >= 3 else x
                x = turned if turned.shape[-3:] == shape else np.moveaxis(x, -3, -1) if x.ndim >= 3 else x
            if x.shape == shape:
                x = x[None]
            elif x.shape[1:] == shape and x.ndim == len(shape) + 1:
                several = True
            else:
                name = "The observation" if key is None else f"'{key}' of the observation"
                raise ValueError(f"{name} has the shape {x.shape}: {shape} is expected, or (n, {', '.join(map(str, shape))}) for n of them.")
            parts[key] = np.ascontiguousarray(x, dtype=space["dtype"])
        return parts, several

    def _no_state(self, n: int) -> State:
        """Of n episodes of which nothing was seen."""
        state = []
        for each in self.inputs:
            if each["kind"] == "state":
                shape = list(each["shape"])
                shape[each["batch"]] = n
                state.append(np.zeros(shape, each["dtype"]))
        return tuple(state)

    def _said(self, actions: np.ndarray, several: bool) -> Any:
        """Actions as the environment takes them; of a Tuple or Dict one such, or a list of them."""
        space = self.action_space
        if space["type"] in ("Tuple", "Dict"):
            said = [_put_together(space, iter(row), iter(_parts(space))) for row in actions]
            return said if several else said[0]
        return actions if several else actions[0]

    # ----------------------------------------------------------------------------------------------------------------- sampling
    def _sampled(self, found: dict[str, np.ndarray]) -> np.ndarray:
        drawn = self.about.get("distribution")
        if not drawn:
            raise ValueError("This file holds the deterministic policy alone: export it with stochastic=True (--stochastic) to sample actions.")
        kind = drawn["kind"]
        if kind == "normal":
            mean, log_std = found["mean"], found["log_std"]
            x = mean + np.exp(log_std) * self.rng.standard_normal(mean.shape, dtype=np.float32)
            return _within_bounds(np.tanh(x) if drawn["squash"] else x, self.action_space, drawn["scaled"])
        logits = found["logits"].astype(np.float64)
        gumbel = lambda x: (x - np.log(self.rng.standard_exponential(x.shape))).argmax(-1)
        if kind == "bernoulli":
            a = self.rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
        elif kind == "categorical":
            a = gumbel(logits) + drawn["start"]
        else:
            ends = np.cumsum(drawn["sizes"])
            a = np.stack([gumbel(logits[:, end - size : end]) for size, end in zip(drawn["sizes"], ends)], -1)
        return a.astype(found["action"].dtype).reshape(found["action"].shape)


def _within_bounds(x: np.ndarray, space: dict[str, Any], scaled: bool) -> np.ndarray:
    """Numbers as a Box has them: scaled from [−1, 1], or clipped."""
    low, high = (np.broadcast_to(np.asarray(space[name], np.float32), space["shape"]) for name in ("low", "high"))
    x = x.reshape(len(x), *space["shape"])
    return low + 0.5 * (np.clip(x, -1, 1) + 1) * (high - low) if scaled else np.clip(x, low, high)


def _parts(space: dict[str, Any]) -> list[dict[str, Any]]:
    """The simple spaces within a Tuple or Dict, in their order."""
    if space["type"] not in ("Tuple", "Dict"):
        return [space]
    children = space["spaces"].values() if space["type"] == "Dict" else space["spaces"]
    return [part for child in children for part in _parts(child)]


def _put_together(space: dict[str, Any], numbers: Any, parts: Any) -> Any:
    if space["type"] == "Dict":
        return {key: _put_together(child, numbers, parts) for key, child in space["spaces"].items()}
    if space["type"] == "Tuple":
        return tuple(_put_together(child, numbers, parts) for child in space["spaces"])
    part = next(parts)
    if part["type"] == "Discrete":
        return np.dtype(part["dtype"]).type(round(float(next(numbers)))) + part["start"]
    x = np.array([next(numbers) for _ in range(int(np.prod(part["shape"])))], np.float32).reshape(part["shape"])
    if part["type"] == "Box":
        return np.clip(x.astype(part["dtype"]), np.asarray(part["low"], part["dtype"]), np.asarray(part["high"], part["dtype"]))
    return np.rint(x).astype(part["dtype"]) + np.asarray(part.get("start", 0), part["dtype"])


# ----------------------------------------------------------------------------------------------------------- as it was recorded
def recorded(path: str | Path) -> tuple[Any, dict[str, np.ndarray]]:
    """Observations, and what else was recorded, of a file that `export` wrote beside a policy. No pickle is read."""
    with np.load(path, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    keys = sorted(name for name in found if name.startswith("observations/"))
    obs = {name.partition("/")[2]: found.pop(name) for name in keys} if keys else found.pop("observations", None)
    if obs is None:
        raise ValueError(f"{path} holds no observations: an array of that name, or observations/KEY for each key of a Dict.")
    return obs, found


def replayed(policy: Policy, observations: Any, starts: Any = None, masks: Any = None, **told: Any) -> list[Any]:
    """What a policy does at observations [n, ...] that followed each other, one after another. starts [n]: where an episode began."""
    n = len(next(iter(observations.values())) if isinstance(observations, dict) else observations)
    starts, state, actions = np.eye(1, n, dtype=bool)[0] if starts is None else np.asarray(starts, bool), None, []
    for i in range(n):
        obs = {key: x[i] for key, x in observations.items()} if isinstance(observations, dict) else observations[i]
        more = {} if masks is None or not policy.takes_masks else {"action_masks": masks[i]}
        action, state = policy.predict(obs, state, starts[i : i + 1], **more, **{name: x[i] for name, x in told.items()})
        actions.append(action)
    return actions


def main(arguments: list[str]) -> int:
    """Check on this machine that a policy does what it did when it was exported."""
    if len(arguments) != 2:
        print("usage: python runtime.py policy.onnx recorded.npz", file=sys.stderr)
        return 2
    policy, (obs, more) = load_policy(arguments[0]), recorded(arguments[1])
    told = {name: more[name] for name in ("reward", "target_return") if name in more}
    actions = np.array(replayed(policy, obs, more.get("episode_starts"), more.get("action_masks"), **told))
    difference = float(np.abs(actions.astype(float) - more["actions"].astype(float)).max())
    print(f"{len(actions)} observations: the largest difference of an action is {difference:.3g}")
    return 0 if difference <= 1e-4 else 4


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
