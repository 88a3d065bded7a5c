"""A study of many runs: asked by SQL, compacted, and no dearer by the run than by itself."""

import pandas as pd
import pytest

from benchmarks import IncompleteData, UserError
from benchmarks.reproduction import publish
from benchmarks.running import launchers
from benchmarks.speed import store as many
from benchmarks.store.query import query
from benchmarks.store.store import Store
from benchmarks.studies import plan
from sb3_course import cli


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A study of twenty runs, with invented scores."""
    store = Store(tmp_path_factory.mktemp("many") / "twenty")
    store.save_study(many.asked(20, points=2, episodes=2))
    launchers.launch(plan.group([run for _, run in store.planned()], 1), store, {"name": "inprocess"}, worker=many.WORKER)
    return store


def test_a_statement_sees_the_tables_of_the_store(store):
    found = query("SELECT env, count(*) AS n, max(score) AS best FROM curve GROUP BY env ORDER BY env", [store])
    expected = store.curves().groupby("env")["score"].agg(["size", "max"])
    assert found["env"].tolist() == expected.index.tolist()
    assert found["n"].tolist() == expected["size"].tolist() and found["best"].tolist() == expected["max"].tolist()


def test_studies_are_asked_together_and_told_apart(store, tmp_path):
    other = publish.compacted(store, tmp_path / "other")
    found = query("SELECT study, count(*) AS n FROM runs WHERE status = 'finished' GROUP BY study ORDER BY study", [store, other])
    assert list(zip(found["study"], found["n"], strict=True)) == [("other", 20), ("twenty", 20)]


def test_the_settings_of_a_run_are_asked_as_json(store):
    found = query("SELECT count(*) AS n FROM runs WHERE host->>'threads' = '1'", [store])
    assert found["n"].tolist() == [20]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 1", "the statement names no table: there are runs (study, run_id, algo, "),
        ("SELECT nothing FROM curve", "DuckDB: Binder Error"),
        ("SELEC * FROM curve", "DuckDB: Parser Error"),
        ("SELECT * FROM curve, read_csv('/etc/hostname')", "disabled"),
        ("COPY curve TO 'stolen.csv'", "disabled"),
    ],
)
def test_a_statement_that_does_not_work_or_leaves_the_study_is_one_line(store, sql, said):
    with pytest.raises(UserError) as error:
        query(sql, [store])
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_compact_study_has_the_same_rows_in_five_files(store, tmp_path):
    small = publish.compacted(store, tmp_path / "small")
    assert sum(1 for path in small.path.rglob("*") if path.is_file()) == 5
    pd.testing.assert_frame_equal(small.curves(), store.curves())
    pd.testing.assert_frame_equal(small.runs(), store.runs())


def test_a_study_with_missing_runs_is_not_compacted(tmp_path):
    store = Store(tmp_path / "twenty")
    store.save_study(many.asked(20, points=2, episodes=2))
    many.finish(store.planned()[0][1], store)
    with pytest.raises(IncompleteData, match=r"19 runs of .* are not finished"):
        publish.compacted(store, tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_the_command_line_asks_and_compacts(store, tmp_path, capsys):
    assert cli.main(["compact", str(store.path), str(tmp_path / "small")]) == 0
    assert "20 runs in 5 files" in capsys.readouterr().out
    words = ["query", "SELECT algo, count(*) AS n FROM runs GROUP BY algo ORDER BY algo", str(tmp_path / "small")]
    assert cli.main(words) == 0
    assert "double_q_learning" in capsys.readouterr().out
    assert cli.main([*words, "--csv", str(tmp_path / "found.csv")]) == 0
    assert (tmp_path / "found.csv").read_text().splitlines()[:2] == ["algo,n", "double_q_learning,4"]


def test_the_folder_is_listed_once_for_all_missing_runs(store, tmp_path, monkeypatch):
    """Not once for each, which takes the square of their number."""
    empty = Store(tmp_path)
    empty.save_study(store.study())
    listed = []
    temporary = Store._temporary
    monkeypatch.setattr(Store, "_temporary", lambda self: listed.append(1) or temporary(self))
    assert empty.runs()["status"].tolist() == ["missing"] * 20
    assert listed == [1]
