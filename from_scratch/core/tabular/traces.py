"""Eligibility traces by kind: what becomes of the trace of the entry that is visited."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# z is the trace γλz that is left of earlier visits
TRACES: dict[str, Callable[[np.ndarray, float | np.ndarray], np.ndarray]] = {
    "accumulating": lambda z, alpha: z + 1,  # eq. (12.5)
    "replacing": lambda z, alpha: np.ones_like(z),  # eq. (12.12)
    "dutch": lambda z, alpha: (1 - alpha) * z + 1,  # eq. (12.11)
}


def check_traces(lambda_: float, trace: str = "dutch") -> None:
    """ValueError unless λ lies between 0 and 1 and there are traces of that name."""
    if not 0 <= lambda_ <= 1:
        raise ValueError(f"lambda_={lambda_}: λ lies between 0 and 1.")
    if trace not in TRACES:
        raise ValueError(f"trace='{trace}': they are one of {', '.join(TRACES)}.")
