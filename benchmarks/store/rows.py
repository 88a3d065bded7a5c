"""The rows of tables that somebody else may have written: every column has its type, every row is of its run, and none unpacks to more than there may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import IntegrityError
from benchmarks.store.records import LARGEST, MOST_KEYS, is_text, shown
from benchmarks.store.tables import FLOAT, LONGEST, TABLES, schema_of, types_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from benchmarks.studies.plan import Run

PACKING = ("SNAPPY", "UNCOMPRESSED")  # others pack a thousandfold, and what they unpack to is only the file's word
KEYS = ("algo", "env", "seed")  # columns that say whose a row is


@dataclass(frozen=True)
class Size:
    """How many rows a table may have; exactly that many, where the plan says so."""

    most: int
    is_exact: bool = False

    @classmethod
    def of(cls, name: str, *runs: Run) -> Size:
        """Of one of the TABLES with the rows of these runs, each of which has all its checkpoints."""
        if name == "training":
            return cls(sum(len(run.checkpoints) for run in runs) * MOST_KEYS)
        return cls(sum(len(run.checkpoints) * (run.protocol["eval_episodes"] if name == "episodes" else 1) for run in runs), is_exact=True)


def columns(data: bytes, name: str, where: str, size: Size) -> pa.Table:
    """`table`, `written_out`."""
    return written_out(table(data, name, where, size), name, where)


def written_out(found: pa.Table, name: str, where: str) -> pa.Table:
    """What `table` read with its words in every row. IntegrityError where one is too long for that."""
    import pyarrow as pa

    for column in (column for column, kind in types_of(name).items() if kind == "string"):
        if max((_longest(chunk.dictionary) for chunk in found[column].chunks), default=0) > LONGEST:
            raise IntegrityError(f"{where}: a word of more than {LONGEST} bytes in column {column}")
    try:
        return found.cast(schema_of(name))
    except (pa.ArrowException, ValueError, NotImplementedError, MemoryError) as error:
        raise _unreadable(where, error) from None


def table(data: bytes, name: str, where: str, size: Size) -> pa.Table:
    """One of the TABLES from the bytes of a Parquet file. IntegrityError, one line that begins with `where`, for anything else, or for more rows.

    Bytes are read, not a path: a path may be taken for a pattern, or for a folder whose name says `key=value`. A column of words is a list of the different
    ones, and which of them stands in each row: a long one in every row would fill the memory.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = [column for column, kind in types_of(name).items() if kind == "string"]
    try:
        with pq.ParquetFile(pa.BufferReader(data), arrow_extensions_enabled=False, read_dictionary=words) as file:
            _demand_form(file, name, where, size)
            return file.read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError, MemoryError) as error:
        raise _unreadable(where, error) from None


def _unreadable(where: str, error: BaseException) -> IntegrityError:
    return IntegrityError(f"{where}: cannot be read ({shown(str(error).splitlines()[0] if str(error) else type(error).__name__)})")


def _demand_form(file: Any, name: str, where: str, size: Size) -> None:
    """IntegrityError where columns, types, packing or the number of rows are others, before a row is read."""
    import pyarrow as pa

    schema, metadata = file.schema_arrow, file.metadata
    if schema.names != list(TABLES[name]):
        raise IntegrityError(f"{where}: its columns are {shown(', '.join(schema.names))}; they should be {', '.join(TABLES[name])}")
    for field, wanted in zip(schema, schema_of(name), strict=True):
        if field.type != (pa.dictionary(pa.int32(), pa.string()) if wanted.type == pa.string() else wanted.type):
            raise IntegrityError(f"{where}: column {field.name} is of type {shown(str(field.type))}, not {wanted.type}")
    groups = [metadata.row_group(k) for k in range(metadata.num_row_groups)]
    packed = {group.column(k).compression for group in groups for k in range(group.num_columns)} - set(PACKING)
    if packed:
        raise IntegrityError(f"{where}: packed by {shown(min(packed))}, where tables are packed by Snappy")
    n_rows = sum(group.num_rows for group in groups)
    if size.is_exact and (n_rows != size.most or metadata.num_rows != size.most):
        raise IntegrityError(f"{where}: {n_rows:,} rows, where the plan gives {size.most:,}")
    n_bytes = sum(group.total_byte_size for group in groups)
    if n_rows > size.most or n_bytes > 1_000_000 + 1000 * n_rows:
        raise IntegrityError(f"{where}: {n_rows:,} rows of {n_bytes:,} bytes are more than a run has")


def _longest(words: Any) -> int:
    """How many bytes the longest of these words takes."""
    import pyarrow.compute as pc

    return pc.max(pc.binary_length(words)).as_py() or 0


def fault(frame: pd.DataFrame, name: str, run: Run) -> str:
    """The first thing in a table that is not as a run's is, or nothing: in the values first, then whose they are, then which rows there are."""
    return next((wrong for found in (of_values(frame, name), _of_owner(frame, run), _of_plan(frame, name, run)) for wrong in found), "")


def of_values(frame: pd.DataFrame, name: str) -> Iterator[str]:
    """What in a table nothing can be computed from, whoever's rows they are: what is missing and may not be."""
    for column in frame:
        nullable = name == "training" and column == "value"
        values = frame[column].to_numpy()
        if values.dtype.kind == "i" or nullable or not (np.isnan(values).any() if values.dtype.kind == "f" else frame[column].isna().any()):
            continue
        row = int(frame[column].isna().to_numpy().argmax())
        yield f"{column} in row {row + 1} is missing or NaN, from which nothing can be computed"


def _of_owner(frame: pd.DataFrame, run: Run) -> Iterator[str]:
    for key in KEYS:
        other = frame[key].to_numpy() != getattr(run, key)
        if other.any():
            row = int(other.argmax())
            yield f"{key} in row {row + 1} is {shown(frame[key].iloc[row])}, but the run's is {getattr(run, key)}"


def _of_plan(frame: pd.DataFrame, name: str, run: Run) -> Iterator[str]:
    for column in (column for column, kind in types_of(name).items() if kind == FLOAT):
        values = frame[column].to_numpy()
        large = (np.abs(values) > LARGEST) & ~(np.isinf(values) & (name == "training"))  # what training logged may be infinite: it is shown, not computed with
        if large.any():
            yield f"{column} in row {int(large.argmax()) + 1} is {values[large.argmax()]:g}, from which nothing can be computed"
    steps = frame["step"].tolist()
    if name == "curve":
        if steps != run.checkpoints:
            yield "its steps are not the plan's checkpoints, each once and in order"
        for column in ("seconds", "actual_step"):
            values = frame[column].to_numpy()
            if len(frame) and (values[0] < 0 or (values[1:] < values[:-1]).any()):
                yield f"{column} does not grow from 0 up"
        if (frame["n_episodes"].to_numpy() != run.protocol["eval_episodes"]).any():
            yield f"n_episodes is not {run.protocol['eval_episodes']} at every checkpoint"
    elif name == "episodes":
        n = run.protocol["eval_episodes"]
        if steps != np.repeat(run.checkpoints, n).tolist() or frame["episode"].tolist() != list(range(n)) * len(run.checkpoints):
            yield f"it has not the episodes 0–{n - 1} of each checkpoint, each once and in order"
        if (frame["length"].to_numpy() < 0).any():
            yield "an episode has a negative length"
    else:
        if not set(steps) <= set(run.checkpoints):
            yield "a step is none of the plan's checkpoints"
        keys = frame["key"].tolist()
        if len(set(zip(steps, keys, strict=True))) < len(keys):
            yield "a metric stands twice at one step"
        if not all(is_text(key, 200) for key in set(keys)):
            yield "the name of a metric is not printable"
