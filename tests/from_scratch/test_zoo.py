"""from_scratch.zoo puts our classes into the RL Zoo's table."""

import importlib
import subprocess
import sys
import types

import pytest

import from_scratch as ours


def imported_with(monkeypatch, table):
    """from_scratch.zoo, imported anew beside a Zoo with this table."""
    zoo, utils = types.ModuleType("rl_zoo3"), types.ModuleType("rl_zoo3.utils")
    utils.ALGOS = zoo.ALGOS = table
    monkeypatch.setitem(sys.modules, "rl_zoo3", zoo)
    monkeypatch.setitem(sys.modules, "rl_zoo3.utils", utils)
    monkeypatch.delitem(sys.modules, "from_scratch.zoo", raising=False)
    return importlib.import_module("from_scratch.zoo")


def test_the_six_are_swapped_in_the_table_itself_and_the_others_stay(monkeypatch):
    names = ("a2c", "ddpg", "dqn", "ppo", "sac", "td3")
    table = {name: object() for name in (*names, "tqc", "ars")}
    kept = table["ars"], table["tqc"]
    module = imported_with(monkeypatch, table)
    assert module.ALGOS is table
    assert {name: table[name] for name in names} == {name: getattr(ours, name.upper()) for name in names}
    assert (table["ars"], table["tqc"]) == kept or all(table[name].__module__.startswith("from_scratch.") for name in ("ars", "tqc") if table[name] not in kept)


def test_what_the_zoo_calls_ppo_lstm_is_recurrent_ppo(monkeypatch):
    table = {"ppo_lstm": object()}
    imported_with(monkeypatch, table)
    assert table == {"ppo_lstm": ours.RecurrentPPO}


def test_without_the_zoo_one_line_says_how_to_install_it():
    script = "import sys; sys.modules['rl_zoo3'] = None\nimport from_scratch.zoo"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ours.__path__[0] + "/..")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("ImportError: from_scratch.zoo needs the RL Zoo: pip install --no-deps rl_zoo3")


def test_what_the_zoo_itself_misses_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rl_zoo3", types.ModuleType("rl_zoo3"))
    monkeypatch.setitem(sys.modules, "rl_zoo3.utils", None)
    monkeypatch.delitem(sys.modules, "from_scratch.zoo", raising=False)
    with pytest.raises(ImportError, match="rl_zoo3"):
        importlib.import_module("from_scratch.zoo")
