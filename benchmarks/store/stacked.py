"""The rows of many runs checked together: by whole columns, where one run after another would be the most of what a report of thousands of runs takes.

What passes here would pass `rows.fault` and `tables.digest_of` run by run. What does not is for them to look at: they say what it is, and of which run.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.store.records import LARGEST, is_text
from benchmarks.store.rows import KEYS
from benchmarks.store.tables import FLOAT, LONGEST, canonical, counted, head, types_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from benchmarks.studies.plan import Run


class NotPlain(ValueError):
    """A column holds what is missing where nothing may be, or a word that is too long: see `rows`."""


@dataclass(frozen=True)
class Stacked:
    """The rows of one of the TABLES, of one run after another.

    numbers: the columns that are numbers, [N]; words: of the others, the different words, and which of them stands in each row [N]; bounds: where the rows of
    each run begin, and the last ones end, [runs + 1].
    """

    name: str
    numbers: dict[str, np.ndarray]
    words: dict[str, tuple[list[str], np.ndarray]]
    bounds: np.ndarray

    @classmethod
    def of(cls, name: str, table: pa.Table, bounds: Sequence[int]) -> Stacked:
        """Of what `rows.table` reads. NotPlain where a value is missing, but for what training logged, or a word is longer than LONGEST bytes."""
        numbers, words = {}, {}
        for column, kind in types_of(name).items():
            values = table[column]
            if values.null_count and (name, column) != ("training", "value"):
                raise NotPlain(f"{column} holds a missing value")
            if kind == "string":
                one = values.unify_dictionaries().combine_chunks()
                known, codes = one.dictionary.to_pylist(), one.indices.to_numpy(zero_copy_only=False)
                if any(type(word) is not str or len(word.encode()) > LONGEST for word in known):
                    raise NotPlain(f"{column} holds no word, or one of more than {LONGEST} bytes")
                words[column] = known, codes
            else:
                numbers[column] = values.to_numpy()
        return cls(name, numbers, words, np.asarray(bounds, dtype=np.int64))

    def without_nan(self) -> Stacked:
        """These. NotPlain where a number is none that may not be: see `rows.of_values`."""
        for column, values in self.numbers.items():
            if values.dtype.kind == "f" and (self.name, column) != ("training", "value") and np.isnan(values).any():
                raise NotPlain(f"{column} holds NaN")
        return self

    def value(self, column: str, row: int) -> str | int | float:
        """What stands there."""
        if column in self.words:
            known, codes = self.words[column]
            return known[codes[row]]
        return self.numbers[column][row].item()

    def frame(self, start: int = 0, stop: int | None = None) -> pd.DataFrame:
        """These rows, numbered from 0."""
        import pandas as pd

        columns = {}
        for column in types_of(self.name):
            if column in self.words:
                known, codes = self.words[column]
                columns[column] = np.array(known, dtype=object)[codes[start:stop]]
            else:
                columns[column] = self.numbers[column][start:stop]
        return pd.DataFrame(columns)

    def digests(self) -> list[str]:
        """Of each run, the digest of its rows (`tables.digest_of`)."""
        columns = [self._bytes_of(column, kind) for column, kind in types_of(self.name).items()]
        found = []
        for start, stop in itertools.pairwise(self.bounds.tolist()):
            total = sha256(head(self.name, stop - start))
            for bytes_of in columns:
                total.update(bytes_of(start, stop))
            found.append(total.hexdigest())
        return found

    def _bytes_of(self, column: str, kind: str) -> Callable[[int, int], bytes | memoryview]:
        """What gives the bytes of a column's rows from here to there, as they enter a digest."""
        if kind == "string":
            known, codes = self.words[column]
            words, listed = [counted(word) for word in known], codes.tolist()
            return lambda start, stop: b"".join([words[code] for code in listed[start:stop]])
        values = self.numbers[column]
        view = (canonical(values) if kind == FLOAT else np.ascontiguousarray(values, dtype="<i8")).data.cast("B")
        return lambda start, stop: view[8 * start : 8 * stop]

    def are_as_planned(self, runs: Sequence[Run]) -> bool:
        """Whether each run's rows are its own, as the plan gives them, with values from which something can be computed: `rows.fault` has the same rules."""
        counts = np.diff(self.bounds)
        return (
            len(counts) == len(runs)
            and all(self._owners_are([getattr(run, key) for run in runs], key, counts) for key in KEYS)
            and all(self._can_be_computed_with(column) for column, kind in types_of(self.name).items() if kind == FLOAT)
            and getattr(self, f"_is_{self.name}")(runs, counts)
        )

    def _owners_are(self, owners: list, key: str, counts: np.ndarray) -> bool:
        if key not in self.words:
            return bool((self.numbers[key] == np.repeat(np.array(owners, dtype=np.int64), counts)).all())
        known, codes = self.words[key]
        place = {word: code for code, word in enumerate(known)}
        return bool((codes == np.repeat(np.array([place.get(owner, -1) for owner in owners], dtype=np.int64), counts)).all())

    def _can_be_computed_with(self, column: str) -> bool:
        values = self.numbers[column]
        if self.name == "training":  # what it logged is shown, not computed with, and may be anything but a finite number too large
            return not ((np.abs(values) > LARGEST) & ~np.isinf(values)).any()
        return bool((np.abs(values) <= LARGEST).all())  # which NaN is not

    def _is_curve(self, runs: Sequence[Run], counts: np.ndarray) -> bool:
        first = self.bounds[:-1][counts > 0]
        episodes = np.repeat(np.array([run.protocol["eval_episodes"] for run in runs], dtype=np.int64), counts)
        grows = all(self._grows(column, first) for column in ("seconds", "actual_step"))
        return grows and self._steps_are(runs, [1] * len(runs)) and bool((self.numbers["n_episodes"] == episodes).all())

    def _grows(self, column: str, first: np.ndarray) -> bool:
        """Whether it grows from 0 up within each run. first: the row with which each begins."""
        values = self.numbers[column]
        falls = values[1:] < values[:-1]
        falls[first[1:] - 1] = False  # from one run to the next
        return not falls.any() and bool((values[first] >= 0).all())

    def _is_episodes(self, runs: Sequence[Run], counts: np.ndarray) -> bool:
        n = [run.protocol["eval_episodes"] for run in runs]
        within = np.arange(self.bounds[-1]) - np.repeat(self.bounds[:-1], counts)  # its run's rows
        are_in_order = (self.numbers["episode"] == within % np.repeat(np.array(n, dtype=np.int64), counts)).all()
        return self._steps_are(runs, n) and bool(are_in_order and (self.numbers["length"] >= 0).all())

    def _steps_are(self, runs: Sequence[Run], each: Sequence[int]) -> bool:
        """Whether the steps are the plan's checkpoints in order, each as often as `each` says of its run."""
        known: dict[tuple, np.ndarray] = {}
        planned = []
        for run, n in zip(runs, each, strict=True):
            key = run.steps, run.protocol["eval_points"], n
            if key not in known:
                known[key] = np.repeat(np.array(run.checkpoints, dtype=np.int64), n)
            planned.append(known[key])
        return list(map(len, planned)) == np.diff(self.bounds).tolist() and bool((self.numbers["step"] == np.concatenate(planned)).all())

    def _is_training(self, runs: Sequence[Run], counts: np.ndarray) -> bool:
        known, codes = self.words["key"]
        steps = self.numbers["step"]
        owners = np.repeat(np.arange(len(runs)), counts)
        alike = defaultdict(list)
        for k, run in enumerate(runs):
            alike[run.steps, run.protocol["eval_points"]].append(k)
        for members in alike.values():
            mine = steps[np.isin(owners, members)] if len(alike) > 1 else steps
            if not np.isin(mine, runs[members[0]].checkpoints).all():
                return False
        order = np.lexsort((codes, steps, owners))
        twice = np.ones(max(len(order) - 1, 0), dtype=bool)
        for values in (owners, steps, codes):
            twice &= values[order][1:] == values[order][:-1]
        return not twice.any() and all(is_text(key, 200) for key in known)
