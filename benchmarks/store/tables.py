"""The tables of a run: their columns, and the digest of their rows.

A run seals what its tables say, not the bytes of the files in which they lie: the same seal holds whichever version of a library wrote the file, and
whether a run's rows stand alone or among those of other runs. The digest of a table is sha256 over these bytes, numbers with the least significant byte first:

    head       JSON of [[column, type], …], …, then the number of rows, without spaces, and a line feed:  [[["algo","string"],…],20]
    columns    one after the other, in the order of TABLES; of each, its values in the order of the rows:
               string   the number of its UTF-8 bytes (8 bytes), and these
               int64    8 bytes, two's complement
               double   8 bytes, IEEE 754; each NaN, and a missing value, which is read as one, is 7ff8000000000000. −0.0 is not 0.0.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABLES = {
    "curve": ("algo", "env", "seed", "step", "actual_step", "seconds", "score", "score_std", "episode_length", "n_episodes"),
    "episodes": ("algo", "env", "seed", "step", "episode", "return", "length"),
    "training": ("algo", "env", "seed", "step", "key", "value"),
}
TYPES = {"algo": "string", "env": "string", "key": "string", "seed": "int64", "step": "int64", "actual_step": "int64", "episode": "int64", "length": "int64",
         "n_episodes": "int64"}  # fmt: skip
FLOAT = "double"  # of every other column
LONGEST = 1000  # bytes of a word
MOST_TABLE = 1024**3  # bytes of a table's file
MISSING = np.array([0x7FF8000000000000], dtype="<u8").view("<f8")[0]


@functools.cache
def types_of(name: str) -> dict[str, str]:
    """column -> type of one of TABLES, in order."""
    return {column: TYPES.get(column, FLOAT) for column in TABLES[name]}


@functools.cache
def schema_of(name: str) -> Any:
    """The Arrow schema of one of TABLES."""
    import pyarrow as pa

    kinds = {"string": pa.string(), "int64": pa.int64(), FLOAT: pa.float64()}
    return pa.schema([(column, kinds[kind]) for column, kind in types_of(name).items()])


def write_table(path: Path, name: str, rows: Sequence[tuple]) -> None:
    """One of TABLES, the rows of a run, as Parquet, packed by Snappy; `digest_as_written` knows it for a while."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(TABLES[name])
    table, data = write_columns(path, name, columns)
    words = {word for column, kind in zip(columns, types_of(name).values(), strict=True) if kind == "string" for word in column}
    if all(len(word) <= LONGEST // 4 for word in words):  # of UTF-8 a character has at most four bytes
        with contextlib.suppress(ValueError):  # nobody wants this digest but to save time
            _written[name, hashlib.sha256(data).hexdigest()] = digest_of(name, table), len(table)
            while len(_written) > 100:
                _written.popitem(last=False)


def write_columns(path: Path, name: str, columns: Iterable[Any]) -> tuple[pa.Table, pa.Buffer]:
    """`write_table` of columns: sequences or arrays, in the order of TABLES. What was written, and its bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, file = schema_of(name), pa.BufferOutputStream()
    # numpy makes arrays of Python's numbers ten times faster than Arrow does; Arrow refuses what is of another type.
    arrays = [pa.array(column if field.type == pa.string() else np.asarray(column), field.type) for column, field in zip(columns, schema, strict=True)]
    table = pa.table(arrays, schema=schema)
    pq.write_table(table, file, write_statistics=False, store_schema=False)  # which nothing here asks for, and are half of a small file
    data = file.getvalue()
    path.write_bytes(data)
    return table, data


_written: OrderedDict[tuple[str, str], tuple[str, int]] = OrderedDict()  # by table and hash of a file: the digest of its rows, and how many they are


def digest_as_written(name: str, file_hash: str, most: int) -> str | None:
    """The digest of the rows in a file with this hash, if this process wrote it a short while ago and they are at most so many: then it need not be read."""
    digest, n_rows = _written.get((name, file_hash), (None, 0))
    return digest if n_rows <= most else None


def digest_of(name: str, frame: pd.DataFrame | pa.Table) -> str:
    """The digest of the rows of one of TABLES, as this module defines it. ValueError for other columns, or for a column of another type."""
    kinds = types_of(name)
    names = list(frame.columns) if hasattr(frame, "iloc") else frame.column_names
    if names != list(kinds):
        raise ValueError(f"the columns of {name} are {', '.join(map(str, names))}; they should be {', '.join(kinds)}")
    total = hashlib.sha256(head(name, len(frame)))
    for column, kind in kinds.items():
        total.update(_bytes_of(column, kind, frame[column]))
    return total.hexdigest()


@functools.lru_cache(maxsize=1000)
def head(name: str, n_rows: int) -> bytes:
    """What the digest of a table begins with."""
    return json.dumps([list(map(list, types_of(name).items())), n_rows], separators=(",", ":")).encode() + b"\n"


def _bytes_of(column: str, kind: str, values: pd.Series | pa.ChunkedArray) -> bytes:
    if kind == "string":
        words = values.to_list() if hasattr(values, "to_list") else values.to_pylist()
        distinct = set(words)
        if any(type(word) is not str for word in distinct):
            raise ValueError(f"column {column} holds {next(word for word in words if type(word) is not str)!r}, which is no string")
        codes = {word: counted(word) for word in distinct}  # few words stand in many rows
        return b"".join([codes[word] for word in words])
    wanted = "i" if kind == "int64" else "f"
    numbers = values.to_numpy()
    if len(numbers) and (numbers.dtype.kind != wanted or numbers.dtype.itemsize != 8):
        raise ValueError(f"column {column} is of type {numbers.dtype}, not {kind}")
    if kind == "int64":
        return numbers.astype("<i8").tobytes()
    return canonical(numbers).tobytes()


def counted(word: str) -> bytes:
    """A word as it enters a digest."""
    code = word.encode("utf-8", "surrogatepass")
    return len(code).to_bytes(8, "little") + code


def canonical(numbers: np.ndarray) -> np.ndarray:
    """Doubles as they enter a digest, [N]."""
    numbers = numbers.astype("<f8")
    return np.where(np.isnan(numbers), MISSING, numbers).astype("<f8", copy=False)
