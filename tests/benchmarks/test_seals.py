"""A run seals what its tables say, whichever file says it; a record keeps its seal wherever its rows lie."""

import hashlib
import io
import struct

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from benchmarks.store import seals
from benchmarks.store.tables import TABLES, digest_of, schema_of, write_table

ROWS = [("sarsa", "Cliff-v1", 3, 10, "train/ε", -0.5), ("sarsa", "Cliff-v1", 3, 20, "train/ε", 0.25)]


def table(rows, name="training"):
    return pd.DataFrame(rows, columns=list(TABLES[name])).astype({"seed": "int64", "step": "int64", "value": "float64"})


def digest(rows):
    return digest_of("training", table(rows))


# --- rows


def test_the_digest_of_two_rows_is_that_of_the_bytes_that_the_definition_gives():
    words = [b"sarsa", b"sarsa", b"Cliff-v1", b"Cliff-v1"]
    expected = b'[[["algo","string"],["env","string"],["seed","int64"],["step","int64"],["key","string"],["value","double"]],2]\n'
    expected += b"".join(struct.pack("<q", len(word)) + word for word in words)
    expected += struct.pack("<4q", 3, 3, 10, 20)
    expected += 2 * (struct.pack("<q", 8) + "train/ε".encode()) + struct.pack("<2d", -0.5, 0.25)
    assert digest(ROWS) == hashlib.sha256(expected).hexdigest()


def test_the_digest_of_no_rows_is_that_of_the_head():
    head = b'[[["algo","string"],["env","string"],["seed","int64"],["step","int64"],["key","string"],["value","double"]],0]\n'
    assert digest([]) == hashlib.sha256(head).hexdigest()


def test_every_not_a_number_is_one_and_so_is_a_missing_value():
    other = struct.unpack("<d", (0xFFF8000000000001).to_bytes(8, "little"))[0]
    assert np.isnan(other)
    assert digest([(*ROWS[0][:5], float("nan"))]) == digest([(*ROWS[0][:5], other)]) == digest([(*ROWS[0][:5], None)])


def test_minus_zero_is_not_zero():
    assert digest([(*ROWS[0][:5], -0.0)]) != digest([(*ROWS[0][:5], 0.0)])


def test_letters_do_not_move_from_one_word_to_the_next():
    assert digest([("ab", "c", 0, 0, "k", 0.0)]) != digest([("a", "bc", 0, 0, "k", 0.0)])


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [("step", [1.0, 2.0], "column step is of type float64, not int64"), ("value", [1, 2], "column value is of type int64, not double"),
     ("key", ["a", None], "column key holds None, which is no string"), ("algo", [1, 2], "column algo holds 1, which is no string")],
)  # fmt: skip
def test_a_column_of_another_type_has_no_digest(column, values, said):
    frame = table(ROWS)
    frame[column] = pd.Series(values, dtype=object if column in ("key", "algo") else None)
    with pytest.raises(ValueError, match=said):
        digest_of("training", frame)


def test_other_columns_have_no_digest():
    with pytest.raises(ValueError, match="the columns of training are algo, env, seed, step, key; they should be"):
        digest_of("training", table(ROWS).drop(columns="value"))


WORDS, WHOLE = st.text(st.characters(codec="utf-8"), max_size=8), st.integers(-(2**63), 2**63 - 1)
ANY_ROWS = st.lists(st.tuples(WORDS, WORDS, WHOLE, WHOLE, WORDS, st.floats(width=64)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(ANY_ROWS, st.sampled_from(["snappy", "zstd", "gzip", "none"]), st.booleans(), st.integers(1, 5), st.sampled_from(["1.0", "2.4", "2.6"]))
def test_the_digest_is_the_same_however_a_file_holds_the_rows(rows, compression, dictionary, group, version):
    columns = list(zip(*rows, strict=True)) or [()] * 6
    arrow = pa.table([pa.array(column, field.type) for column, field in zip(columns, schema_of("training"), strict=True)], schema=schema_of("training"))
    file = io.BytesIO()
    pq.write_table(arrow, file, compression=compression, use_dictionary=dictionary, row_group_size=group, version=version)
    assert digest_of("training", pq.read_table(file).to_pandas()) == digest(rows)


@settings(max_examples=60, deadline=None)
@given(ANY_ROWS.filter(len), st.data())
def test_another_value_or_order_is_another_digest(rows, data):
    k, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 5))
    old = rows[k][column]
    kind = {2: WHOLE, 3: WHOLE, 5: st.floats(width=64)}.get(column, WORDS)
    value = data.draw(kind.filter(lambda new: repr(new) != repr(old)))  # of −0.0 and 0.0 too, but not of two that are no number
    changed = [*rows]
    changed[k] = (*rows[k][:column], value, *rows[k][column + 1 :])
    assert digest(changed) != digest(rows)
    turned = rows[::-1]
    assert (digest(turned) == digest(rows)) == (repr(turned) == repr(rows))


def test_a_table_that_was_written_is_read_with_its_digest(tmp_path):
    write_table(tmp_path / "training.parquet", "training", ROWS)
    assert digest_of("training", pd.read_parquet(tmp_path / "training.parquet")) == digest(ROWS)


# --- records

A, B = "a" * 64, "b" * 64
FILES = {"curve.parquet": A, "episodes.parquet": A, "training.parquet": A, "model.zip": B}
FACTS = {"run_id": "x", "status": "finished", "algo": "sarsa", "seed": 3, "files": FILES}


def sealed(record):
    return {**record, "seal": seals.seal_of(record)}


RECORD = sealed({"schema": 2, **FACTS, "rows": dict.fromkeys(TABLES, A)})
OLD = sealed({"schema": 1, **FACTS})


@pytest.mark.parametrize("record", [RECORD, OLD], ids=["by rows", "by files"])
def test_a_sealed_record_is_whole_and_one_with_another_fact_is_not(record):
    assert seals.fault(record, "x") == ""
    for change in ({"seed": 4}, {"status": "failed"}, {"files": {**FILES, "model.zip": A}}, {"more": 1}):
        assert seals.fault(record | change, "x") == "hash mismatch"


def test_the_seal_of_rows_does_not_say_in_which_file_they_lie():
    packed = seals.by_rows(RECORD, {})
    assert packed["files"] == {"model.zip": B} and packed["seal"] == RECORD["seal"] and seals.fault(packed, "x") == ""
    assert seals.fault(RECORD | {"rows": {**RECORD["rows"], "curve": B}}, "x") == "hash mismatch"


def test_what_is_left_out_stays_sealed():
    light = seals.without(RECORD, ("model.zip", "vecnormalize.pkl"))
    assert light["left_out"] == {"model.zip": B} and "model.zip" not in light["files"] and seals.fault(light, "x") == ""
    assert seals.fault(light | {"left_out": {"model.zip": A}}, "x") == seals.fault(light | {"left_out": {}}, "x") == "hash mismatch"


def test_a_file_is_here_or_left_out():
    assert seals.fault(RECORD | {"left_out": {"model.zip": B}}, "x") == "left_out: 'model.zip' is said to be here too"


def test_a_run_sealed_by_files_is_sealed_anew_and_keeps_its_earlier_seal():
    rows = dict.fromkeys(TABLES, B)
    new = seals.by_rows(OLD, rows)
    assert new["rows"] == rows and new["files"] == {"model.zip": B} and seals.fault(new, "x") == ""
    assert new["sealed_before"] == {"schema": 1, "files": FILES, "seal": OLD["seal"]}
    assert new["seal"] != OLD["seal"]


def test_a_fact_that_was_changed_since_the_earlier_seal_is_found_although_it_was_sealed_again():
    new = seals.by_rows(OLD, dict.fromkeys(TABLES, B))
    assert seals.fault(sealed(new | {"seed": 4}), "x") == "sealed_before: its facts are not those that were sealed"


def test_a_model_that_was_left_out_before_files_kept_their_hashes_is_named_without_one():
    new = seals.by_rows(sealed({"schema": 1, **FACTS, "left_out": ["vecnormalize.pkl"]}), dict.fromkeys(TABLES, B))
    assert new["left_out"] == {"vecnormalize.pkl": None} and seals.fault(new, "x") == ""
