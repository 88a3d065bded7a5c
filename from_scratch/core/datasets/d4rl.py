"""Files in the form of D4RL (Fu et al. 2020, arXiv:2004.07219): one HDF5 array for each field, all episodes one behind the other.

    observations [N, ...]  actions [N, ...]  rewards [N]  terminals [N]  timeouts [N]   and, in some, next_observations [N, ...]; infos are not read
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gymnasium import spaces

from from_scratch.core.datasets import hdf5
from from_scratch.core.datasets.dataset import BadDataset, Dataset
from from_scratch.core.datasets.limits import refuse_limits_told_as_deaths, with_limit

NEEDED = ("observations", "actions", "rewards", "terminals")


def read(path: Path, observation_space: spaces.Space | None = None, action_space: spaces.Space | None = None, time_limit: int | None = None) -> Dataset:
    """The file's steps. It does not say its spaces: those not given are an unbounded Box, and D4RL's [−1, 1] for actions.

    Without `next_observations` they are the next row's. Where an episode was cut the next row is another episode's, so its last step is dropped, as
    D4RL's own qlearning_dataset does; where one terminated nothing depends on them, and they are the last observation.
    """
    with hdf5.opened(path) as file:
        missing = [name for name in NEEDED if name not in file]
        if missing:
            raise BadDataset(f"{path} lacks {', '.join(missing)}; it has {', '.join(file) or 'nothing'}.")
        found = {name: hdf5.array(file, name, path) for name in (*NEEDED, "timeouts", "next_observations") if name in file}
    n = len(found["rewards"])
    wrong = [f"{len(x)} {name}" for name, x in found.items() if len(x) != n]
    if wrong or n == 0:
        raise BadDataset(f"{path} has {n} rewards and {', '.join(wrong) or 'no step'}: there is one of each for a step.")
    dead = found["terminals"].reshape(n).astype(bool)
    cut = found["timeouts"].reshape(n).astype(bool) if "timeouts" in found else np.zeros(n, bool)
    if not (dead.any() or cut.any() or time_limit):
        raise BadDataset(f"{path} says of no step that an episode ended there: give as_dataset(…, time_limit=1000), or what the limit was.")
    refuse_limits_told_as_deaths(dead, cut, str(path), time_limit)
    dead, cut = with_limit(dead, cut, time_limit)
    cut[-1] |= not dead[-1]
    obs, kept = found["observations"], np.ones(n, bool)
    if "next_observations" in found:
        next_obs = found["next_observations"]
    else:
        next_obs = np.where((dead | cut).reshape(n, *[1] * (obs.ndim - 1)), obs, np.roll(obs, -1, axis=0))
        kept = ~cut | dead
        cut[:-1] |= ~kept[1:] & ~dead[:-1]  # the step before a dropped one is its episode's last now
    observation_space = observation_space or spaces.Box(-np.inf, np.inf, obs.shape[1:], obs.dtype)  # type: ignore[arg-type]
    if action_space is None:
        if found["actions"].dtype.kind != "f":
            raise BadDataset(f"{path} has whole numbers as actions, and does not say of how many: give as_dataset(path, observation_space, action_space).")
        action_space = spaces.Box(-1, 1, found["actions"].shape[1:], found["actions"].dtype)  # type: ignore[arg-type]
    actions, shape = found["actions"], (n, *(action_space.shape or ()))
    actions = actions.reshape(shape) if actions.size == np.prod(shape) else actions  # [N, 1] for [N], as some have it
    return Dataset(
        observations=obs[kept], actions=actions[kept], rewards=found["rewards"].reshape(n)[kept], next_observations=next_obs[kept],
        terminations=dead[kept], truncations=cut[kept], observation_space=observation_space, action_space=action_space, name=path.stem,
    )  # fmt: skip
