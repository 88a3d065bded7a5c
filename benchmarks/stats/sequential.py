"""Stop when there is enough: a group-sequential permutation test (AdaStop: Mathieu et al. 2024, TMLR, arXiv:2306.10882, Algorithm 1).

Seeds come in batches, at most K of them. After each batch, for the comparisons C that are still open:

    T_c(σ) = |Σ_{i ≤ k} (mean of x − mean of y in batch i after σ_i)| / s_c      σ_i permutes the runs of batch i between x and y
    b_k    = the least b such that a share ≤ αk/K of the permutations σ has crossed by now: max_{c ∈ C} T_c > b_j at some look j ≤ k
    while max_c T_c(id) > b_k: that comparison is decided, for the side that is ahead; the rest are tried again without it (step-down)

The error, to call any two equal algorithms different at any look, is at most α: the observed labelling is one of the permutations, and
all are equally likely if the algorithms are equal. After K looks, what is open stays undecided; it is not said to be equal.
Where a comparison spans several tasks, runs are permuted within each and the tasks' differences are averaged; BySeed, all runs of a seed
change sides together. Paired runs change sides as pairs.

Two things differ from the paper. s_c, the spread of the sum over the permutations, is 1 there: then the comparison whose runs vary most sets
the bound for all, and three comparisons of equal algorithms had a false one in 5.6 % of 7,500 simulated studies instead of 5 %; with it,
comparisons in different units can stand together, too. And the optional early acceptance is left out: it saves seeds at the price
of power, and would not show equivalence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.stats.bootstrap import BadScores, Sample, check_paired, pair_of, pooled, stream
from benchmarks.stats.comparisons import ALPHA

Batch = tuple[Sequence[np.ndarray], Sequence[np.ndarray]]  # the scores of x and of y, one array [runs] per task


@dataclass(frozen=True)
class Decision:
    """look: the number of the look at which x was found "larger" or "smaller" than y; 0 while it is "undecided"."""

    verdict: str
    look: int


@dataclass
class SequentialTest:
    """All comparisons of a study under one error α. `look` takes one batch after another; `is_finished` says when to stop.

    names: of the comparisons. looks: K, the most batches that there will be, stated before the first.
    """

    names: Sequence[str]
    looks: int
    alpha: float = ALPHA
    reps: int = 10_000
    seed: int = 0
    paired: bool = False  # run i of x and run i of y belong together: they change sides together
    taken: int = 0
    decisions: dict[str, Decision] = field(default_factory=dict)
    boundaries: list[float] = field(default_factory=list)  # b_k, of the comparisons that stayed open
    _sums: dict[str, np.ndarray] = field(default_factory=dict)  # [reps]: Σ_i of the permuted differences; entry 0 is the observed one
    _paths: dict[str, list[np.ndarray]] = field(default_factory=dict)  # T at every look

    def __post_init__(self) -> None:
        if self.looks < 1:
            raise ValueError(f"looks={self.looks}: a sequential test needs at least 1 look")
        if not 0 < self.alpha < 1 or self.reps * self.alpha / self.looks < 1:
            raise ValueError(f"alpha={self.alpha} over {self.looks} looks needs at least {self.looks / self.alpha:.0f} permutations; reps={self.reps}")
        if not self.names or len(set(self.names)) < len(self.names):
            raise ValueError(f"a sequential test needs comparisons, each named once; it was given {', '.join(self.names) or 'none'}")
        self.decisions = {name: Decision("undecided", 0) for name in self.names}
        self._sums = {name: np.zeros(self.reps) for name in self.names}
        self._paths = {name: [] for name in self.names}

    @property
    def open(self) -> list[str]:
        return [name for name, decision in self.decisions.items() if not decision.look]

    @property
    def is_finished(self) -> bool:
        return not self.open or self.taken == self.looks

    def look(self, batch: Mapping[str, Batch]) -> dict[str, Decision]:
        """Enter one batch of runs of every open comparison (of all, at no harm) and decide what can be decided."""
        if self.is_finished:
            raise ValueError(f"the sequential test is over after {self.taken} of {self.looks} looks; more runs would spend more than α = {self.alpha}")
        for number, name in enumerate(self.names):
            if self.decisions[name].look:
                continue
            if name not in batch:
                raise BadScores(f"look {self.taken + 1} has no runs for {name}, which is undecided")
            self._sums[name] = self._sums[name] + self._permuted(*batch[name], number)
            spread = float(self._sums[name].std())
            self._paths[name].append(np.round(np.abs(self._sums[name]) / (spread or 1.0), 9))  # what differs by rounding only is a tie
        self.taken += 1
        while self.open:
            candidates = self.open
            boundary = self._boundary(candidates)
            farthest = max(candidates, key=lambda name: self._paths[name][-1][0])
            if not self._paths[farthest][-1][0] > boundary:
                self.boundaries.append(boundary)
                break
            self.decisions[farthest] = Decision("larger" if self._sums[farthest][0] > 0 else "smaller", self.taken)
        return self.decisions

    def _permuted(self, x: Sequence[np.ndarray], y: Sequence[np.ndarray], number: int) -> np.ndarray:
        """The difference of the batch, averaged over tasks, under each permutation: [reps]; the first is the identity."""
        a, b = pair_of(x, y)
        if self.paired:
            check_paired(a, b)
        if a.unit is not None:  # of the difference averaged over tasks, a seed's average is all that matters
            a, b = _of_seeds(a), _of_seeds(b)
        rng = stream(self.seed, self.taken * len(self.names) + number)
        total = np.zeros(self.reps)
        for task, n_x, n_y in zip(pooled(a, b).tasks(), a.runs, b.runs, strict=True):
            is_x = np.zeros((n_x + n_y, self.reps))
            is_x[:n_x] = 1
            if self.paired:
                is_x[:n_x, 1:] = rng.integers(0, 2, size=(n_x, self.reps - 1))
                is_x[n_x:] = 1 - is_x[:n_x]
            else:
                is_x[:, 1:] = rng.permuted(is_x[:, 1:], axis=0)
            scores = task[:, 0] - task[0, 0]  # so that equal runs differ by nothing, rather than by rounding
            sum_x = scores @ is_x
            total += sum_x / n_x - (scores.sum() - sum_x) / n_y
        return total / len(a.runs)

    def _boundary(self, names: Sequence[str]) -> float:
        """b_k for these comparisons."""
        farthest = [np.max([self._paths[name][k] for name in names], axis=0) for k in range(self.taken)]
        crossed = np.zeros(self.reps, dtype=bool)
        for path, bound in zip(farthest[:-1], self.boundaries, strict=True):
            crossed |= path > bound
        allowed = int(np.floor(self.alpha * self.taken / self.looks * self.reps + 1e-9)) - int(crossed.sum())
        waiting = np.sort(farthest[-1][~crossed])
        if allowed <= 0 or not len(waiting):
            return float("inf")
        return float(waiting[-allowed - 1]) if allowed < len(waiting) else -1.0


def _of_seeds(sample: Sample) -> Sample:
    """Each seed's average over the tasks, as the runs of one task."""
    assert sample.unit is not None
    runs, tasks = int(sample.runs[0]), len(sample.runs)
    if not np.all(np.bincount(sample.unit) == tasks):
        raise BadScores("a sequential test by seed needs the same seeds on every task of a batch")
    return Sample(sample.summed(sample.values) / tasks, np.zeros(runs, dtype=int), np.array([runs]), sample.has_checkpoints)
