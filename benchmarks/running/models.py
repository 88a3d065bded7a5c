"""Trained models and normalisers read without their pickles: the class is built anew, and its weights and statistics are filled in from arrays.

A model's zip (Stable-Baselines3's format) holds weights, which torch reads as tensors alone, and a JSON text in which whatever JSON cannot hold
is a pickle, that is, a program. Only the weights and a few plain numbers are taken from it; the rest follows from the registry, the
hyper-parameters and the environment. Statistics of a normalisation lie beside it twice: vecnormalize.pkl as SB3 reads it, vecnormalize.npz for here.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.save_util import recursive_getattr

from benchmarks import IntegrityError, UserError
from benchmarks.store.plain import MEGABYTE, content, from_json, from_npz, one_line
from benchmarks.studies import hyperparams
from from_scratch import registry

MOST = 2048 * MEGABYTE  # of a model, and of what it unpacks to
RATIO = 20  # of what a model unpacks to, to itself: weights hardly pack at all
PICKLED, ARRAYS = "vecnormalize.pkl", "vecnormalize.npz"
NUMBERS = ("num_timesteps", "exploration_rate", "best_return", "usual_reward", "return_unit")  # of the JSON text: what predict() depends on besides the weights
LISTS = ("state_mean", "state_scale")  # and, of a model that normalises its states, by what
SETTINGS = ("clip_obs", "clip_reward", "epsilon", "gamma")
MOMENTS = ("mean", "var", "count")


def rebuilt(algo: str, path: Path, raw: Mapping[str, Any], venv: Any) -> Any:
    """The model in `path`, without unpickling anything. raw: its hyper-parameters in the Zoo's notation; venv: what it is to play.

    IntegrityError if the weights do not fit the model that these hyper-parameters make, or are no weights.
    """
    entry = registry.find(algo)
    cls: Any = entry.load()
    hyperparams.check(algo, cls, dict(raw))
    arguments = hyperparams.constructor_arguments(dict(raw), venv.action_space)
    if "buffer_size" in inspect.signature(cls).parameters:
        arguments["buffer_size"] = 1  # nothing is trained here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what would be trained: a batch that does not divide the rollout of one environment
            model = cls(raw.get("policy", entry.policy), venv, device="cpu", **arguments)
    except Exception as error:  # whatever a class says of arguments that it was not made for
        raise IntegrityError(f"{path}: these hyper-parameters make no {algo}: {_short(error)}") from None
    wanted = [name for name in model._get_torch_save_params()[0] if "optimizer" not in name]
    weights, numbers = _read(path, wanted)
    try:
        model.set_parameters(weights, exact_match=False, device="cpu")
        for name in wanted:  # all of them and no others: exact_match would ask for the optimisers too
            _compare(recursive_getattr(model, name).state_dict(), weights[name])
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{path}: its weights are not those of {algo} with these hyper-parameters: {_short(error)}") from None
    for name in NUMBERS:
        if hasattr(model, name) and type(numbers.get(name)) in (int, float):
            setattr(model, name, numbers[name])
    for name in LISTS:
        if name in numbers and np.shape(numbers[name]) == venv.observation_space.shape and np.asarray(numbers[name]).dtype.kind == "f":
            setattr(model, name, numbers[name])
    model.policy.set_training_mode(False)
    return model


def _compare(own: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    apart = sorted(set(own) ^ set(given))
    if apart:
        raise ValueError(f"{apart[0]} is in one of them only")


def _read(path: Path, wanted: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """These modules' tensors of a model's zip, and its JSON text, in which pickles stay the text that they are."""
    import torch

    try:
        with zipfile.ZipFile(io.BytesIO(content(path, MOST))) as archive:
            names = ["data", *(f"{name}.pth" for name in wanted)]
            unpacked = sum(archive.getinfo(name).file_size for name in names)
            most = min(MOST, 64 * MEGABYTE + RATIO * path.stat().st_size)
            if unpacked > most or archive.getinfo("data").file_size > 64 * MEGABYTE:
                raise IntegrityError(f"{path} unpacks to {unpacked:,} bytes, more than a model of its size has")
            numbers = from_json(archive.read("data"))
            weights = {name: torch.load(io.BytesIO(archive.read(f"{name}.pth")), map_location="cpu", weights_only=True) for name in wanted}
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, ValueError, KeyError, EOFError, OSError, TypeError, NotImplementedError) as error:
        raise IntegrityError(f"{path} is no model that can be read without running it: {_short(error)}") from None
    return weights, numbers if isinstance(numbers, dict) else {}


def unpickled(algo: str, path: Path, venv: Any) -> Any:
    """The model in `path` as Stable-Baselines3 loads it, which runs what its pickles say: only for files whose author is trusted."""
    entry = registry.find(algo)
    cls: Any = entry.load()
    try:
        return cls.load(path, env=venv, device="cpu", **({"trust": True} if entry.is_ours else {}))
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError) as error:
        raise IntegrityError(f"{path} cannot be loaded as {algo}: {_short(error)}") from None


def _short(error: BaseException) -> str:
    return one_line(str(error).splitlines()[0])[:200] if str(error).strip() else type(error).__name__


# ----------------------------------------------------------------------------------------------------------- normalisers


def save_normaliser(normaliser: Any, directory: Path) -> None:
    """The statistics of a VecNormalize: as SB3 reads them, and as plain arrays."""
    normaliser.save(str(directory / PICKLED))
    np.savez(directory / ARRAYS, allow_pickle=False, **_arrays(normaliser))  # type: ignore[arg-type]


def _arrays(normaliser: Any) -> dict[str, Any]:
    rms = normaliser.obs_rms if isinstance(normaliser.obs_rms, dict) else {"": normaliser.obs_rms}
    found = {f"obs/{key}/{moment}": np.asarray(getattr(of_key, moment)) for key, of_key in rms.items() for moment in MOMENTS if normaliser.norm_obs}
    return found | {name: np.asarray(getattr(normaliser, name)) for name in (*SETTINGS, "norm_obs")}


def normaliser(place: Path, venv: Any, trusted: bool = False) -> Any:
    """A VecNormalize around venv with the statistics in a folder, for playing: they stay as they are, and rewards are the environment's own.

    place: the folder, or a pickle of them, as checkpoints have it. None where there are none. A pickle, which the RL Zoo leaves alone, is read as data;
    UserError where it is more, unless it is trusted.
    """
    from stable_baselines3.common.running_mean_std import RunningMeanStd
    from stable_baselines3.common.vec_env import VecNormalize

    path, kept = place / ARRAYS, place if place.suffix == ".pkl" else place / PICKLED
    if not path.exists():
        if not kept.exists():
            return None
        from from_scratch.core.files import UnsafeFileError, load_vec_normalize

        try:
            wrapped = load_vec_normalize(io.BytesIO(content(kept, 64 * MEGABYTE)), venv, trusted)
        except UnsafeFileError as error:
            raise UserError(f"{kept} is more than data: {error} Here that is --trust") from None
        except ValueError as error:
            raise IntegrityError(f"{kept} holds no statistics: {_short(error)}") from None
        wrapped.training = wrapped.norm_reward = False
        return wrapped
    try:
        arrays = from_npz(content(path, 64 * MEGABYTE), 64 * MEGABYTE)
        keys = sorted({name.split("/")[1] for name in arrays if name.startswith("obs/")})
        settings: dict[str, Any] = {name: float(arrays[name]) for name in SETTINGS}
        if keys not in ([], [""]):
            settings["norm_obs_keys"] = keys
        wrapped = VecNormalize(venv, training=False, norm_obs=bool(arrays["norm_obs"]), norm_reward=False, **settings)
        for key in keys:
            here: RunningMeanStd = wrapped.obs_rms[key] if key else wrapped.obs_rms  # type: ignore[index,assignment]
            for moment in ("mean", "var"):
                value = np.asarray(arrays[f"obs/{key}/{moment}"], dtype=np.float64)
                if value.shape != getattr(here, moment).shape:
                    raise ValueError(f"{moment} has the shape {value.shape}, the observation {getattr(here, moment).shape}")
                setattr(here, moment, value)
            here.count = float(arrays[f"obs/{key}/count"])
    except (ValueError, KeyError, TypeError, IndexError, EOFError, OSError, zipfile.BadZipFile, AttributeError) as error:
        raise IntegrityError(f"{path} holds no statistics for this environment: {_short(error)}") from None
    return wrapped


@contextlib.contextmanager
def playing(algo: str, path: Path, raw: Mapping[str, Any], venv: Any, statistics: Path, trusted: bool = False) -> Iterator[tuple[Any, Any]]:
    """(model, vector environment) to play with: the normaliser in `statistics` and frame stacking around venv, and the model of `path`.

    Nothing is unpickled unless it is trusted and cannot be read otherwise.
    """
    from benchmarks.studies import environments

    wrapped = normaliser(statistics, venv, trusted)
    if wrapped is None and hyperparams.normalize_arguments(dict(raw)):
        raise UserError(f"the statistics of its normalisation are not in {statistics}")
    frames = raw.get("frame_stack")
    if frames is not None and (type(frames) is not int or not 1 <= frames <= 1000):
        raise IntegrityError(f"frame_stack: {one_line(str(frames))[:60]} is no number of frames")
    wrapped = environments.wrap(venv if wrapped is None else wrapped, None, frames)
    try:
        try:
            model = rebuilt(algo, path, raw, wrapped)
        except (IntegrityError, UserError) as error:
            if not trusted:
                raise type(error)(f"{error}. With --trust it is unpickled instead, which runs what its author put there") from None
            model = unpickled(algo, path, wrapped)
        yield model, wrapped
    finally:
        wrapped.close()
