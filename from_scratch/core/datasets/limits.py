"""Time limits that a file tells as deaths: whoever learns from it learns that nothing follows where the clock ran out (Pardo et al. 2018, arXiv:1712.00378)."""

from __future__ import annotations

import numpy as np

from from_scratch.core.datasets.dataset import BadDataset

ROUND = 50  # a length that many episodes share, and that is a multiple of this, is somebody's limit


def refuse_limits_told_as_deaths(terminations: np.ndarray, truncations: np.ndarray, where: str, time_limit: int | None, told_apart: bool = False) -> None:
    """BadDataset if nothing was ever cut alone, and episodes "terminate" at one and the same longest length. A step that has both marks has died.

    All of them, or several of them at a round one. told_apart: the file has a field for each, so equal lengths alone are no suspicion.
    time_limit: what the user said: the limit, or 0 for none.
    """
    if time_limit is not None or (truncations & ~terminations)[:-1].any():
        return
    lengths = np.diff(np.flatnonzero(terminations), prepend=-1)
    if len(lengths) < 2:
        return
    longest, share = int(lengths.max()), int((lengths == lengths.max()).sum())
    is_round = share > 1 and longest % ROUND == 0
    if is_round or (share == len(lengths) and not told_apart):
        raise BadDataset(
            f"{where}: nothing was ever cut{' alone' if truncations[:-1].any() else ''}, and {share} of {len(lengths)} episodes terminate after exactly "
            f"{longest} steps, the longest of all: "
            f"a time limit told as death. If so, give as_dataset(…, time_limit={longest}); if nothing follows there, time_limit=0."
        )


def with_limit(terminations: np.ndarray, truncations: np.ndarray, time_limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Both, where an episode of `time_limit` steps was cut and did not terminate."""
    if not time_limit:
        return terminations, truncations
    terminations, truncations, since = terminations.copy(), truncations.copy(), 0
    for i in range(len(terminations)):
        since += 1
        if since == time_limit:
            terminations[i], truncations[i] = False, True
        if terminations[i] or truncations[i]:
            since = 0
    return terminations, truncations
