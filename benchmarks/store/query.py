"""SQL over the tables of studies, by DuckDB: what is read is checked as everywhere, and the statement sees these tables and nothing else of this machine.

    runs       a row per planned run (benchmarks.store.store.RUN_COLUMNS); hyperparams and host are JSON
    curve      a row per checkpoint; episodes: per evaluation episode; training: per logged value (benchmarks.store.tables.TABLES)

Each has the column `study` besides, the name of the study's folder. Only tables that the statement names are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks import UserError
from benchmarks.store.plain import one_line
from benchmarks.store.store import RUN_COLUMNS, Store
from benchmarks.store.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {"runs": RUN_COLUMNS, **TABLES}


def query(sql: str, stores: Sequence[Store]) -> pd.DataFrame:
    """The result of a statement. UserError, one line, for one that DuckDB refuses."""
    import duckdb
    import pandas as pd

    named = [name for name in COLUMNS if re.search(rf"\b{name}\b", sql, re.IGNORECASE)]
    if not named:
        raise UserError(f"the statement names no table: there are {', '.join(f'{name} ({_columns(name)})' for name in COLUMNS)}")
    connection = duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": "1"})
    try:
        for name in named:
            connection.register(name, pd.concat([_table(store, name) for store in stores], ignore_index=True))
        return connection.sql(sql).df()
    except (duckdb.Error, AttributeError) as error:  # AttributeError: a statement that has no result
        raise UserError(f"DuckDB: {one_line(str(error))[:300]}") from None
    finally:
        connection.close()


def _columns(name: str) -> str:
    return ", ".join(("study", *COLUMNS[name]))


def _table(store: Store, name: str) -> pd.DataFrame:
    frame = {"runs": store.runs, "curve": store.curves, "episodes": store.episodes, "training": store.training}[name]()
    frame.insert(0, "study", store.path.name)
    return frame
