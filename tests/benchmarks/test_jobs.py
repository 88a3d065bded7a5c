"""Runs are named by all that decides them, and grouped into jobs."""

import ast

import pytest

from benchmarks.studies import plan as jobs
from benchmarks.studies import study


@pytest.fixture(scope="module")
def smoke():
    return study.compose("smoke")


def _ids(resolved):
    return [run.id for _, run in jobs.plan(resolved)]


def test_the_same_study_plans_the_same_runs_and_a_longer_one_keeps_them(smoke):
    assert _ids(smoke) == _ids(study.compose("smoke"))
    assert set(_ids(smoke)) < set(_ids(study.compose("smoke", ["seeds=3"])))


@pytest.mark.parametrize(
    "override",
    ["steps=2048", "protocol.eval_episodes=4", "protocol.eval_points=3", "protocol.eval_seed=1", "algo.ppo.CartPole-v1.gamma=0.5",
     "+env.CartPole-v1.kwargs.sutton_barto_reward=true", "env.CartPole-v1.max_episode_steps=100"],
)  # fmt: skip
def test_everything_that_decides_a_run_is_in_its_name(smoke, override):
    assert not {i for i in _ids(smoke) if "ppo" in i} & set(_ids(study.compose("smoke", [override])))


def test_what_decides_no_run_is_not_in_its_name(smoke):
    for override in ("statistics.reps=7", "launcher.jobs=5", "question=why", "+normalise_note=1"):
        assert _ids(smoke) == _ids(study.compose("smoke", [override]))


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A project of three modules in which the code version is looked for."""
    package = tmp_path / "from_scratch"
    (package / "core").mkdir(parents=True)
    (package / "core" / "__init__.py").write_text("")
    (package / "core" / "returns.py").write_text('"""Returns."""\nGAMMA = 0.9\n')
    (package / "ppo.py").write_text("from from_scratch.core import returns\n\n\ndef f():\n    return returns.GAMMA\n")
    (package / "dqn.py").write_text("X = 1\n")
    monkeypatch.setattr(jobs, "ROOT", tmp_path)
    yield package
    jobs._source.cache_clear()


def _closure(module):
    jobs._source.cache_clear()
    return jobs._closure([module])


def test_a_run_depends_on_its_algorithms_imports_but_not_on_other_algorithms(sources):
    before = _closure("from_scratch.ppo")
    assert set(before) == {"from_scratch.ppo", "from_scratch.core", "from_scratch.core.returns"}
    (sources / "dqn.py").write_text("X = 2\n")
    assert _closure("from_scratch.ppo") == before
    (sources / "core" / "returns.py").write_text("GAMMA = 0.8\n")
    assert _closure("from_scratch.ppo") != before


def test_what_a_family_s_page_says_of_its_algorithms_makes_no_new_runs(sources):
    """Titles, papers and other algorithms' lines stand there; a file may import its sibling through the package all the same."""
    family = sources / "value_based"
    family.mkdir()
    (family / "__init__.py").write_text("TITLE = 'Values'\n")
    (family / "dqn.py").write_text("X = 1\n")
    (family / "c51.py").write_text("from from_scratch.value_based import dqn\n")
    before = _closure("from_scratch.value_based.c51")
    (family / "__init__.py").write_text("TITLE = 'Deep values'\n")
    assert _closure("from_scratch.value_based.c51") == before
    (family / "dqn.py").write_text("X = 2\n")
    assert _closure("from_scratch.value_based.c51") != before


def test_comments_and_docstrings_do_not_make_new_runs(sources):
    before = _closure("from_scratch.ppo")
    (sources / "core" / "returns.py").write_text('"""Other words."""\n# Why not?\nGAMMA    = 0.9\n')
    assert _closure("from_scratch.ppo") == before


def test_the_code_version_covers_measuring_but_not_reporting():
    covered = jobs._closure(jobs.MEASURING)
    assert set(jobs.MEASURING) <= set(covered)
    assert not any("report" in module or "stats" in module or "launchers" in module for module in covered)
    for module in jobs.MEASURING:
        assert ast.parse(jobs._file(module).read_text(encoding="utf-8"))


def _runs(algo, n, **hyper):
    protocol = {"eval_points": 2, "eval_episodes": 2, "eval_seed": 0, "deterministic": True}
    return [jobs.Run(algo, "CartPole-v1", seed, 1000, hyper, {}, protocol, "c") for seed in range(n)]


def test_seeds_go_together_where_the_class_can_and_alone_where_it_cannot():
    assert [len(job.runs) for job in jobs.group(_runs("ppo", 10), workers=2)] == [5, 5]
    assert [len(job.runs) for job in jobs.group(_runs("ppo", 10), workers=1, lockstep_seeds=4)] == [4, 3, 3]
    assert [len(job.runs) for job in jobs.group(_runs("sb3/ppo", 3), workers=2)] == [1, 1, 1]
    assert [len(job.runs) for job in jobs.group(_runs("sac", 10), workers=1)] == [5, 5]  # more of its large networks gain little


def test_jobs_hold_every_run_once_and_the_longest_come_first():
    runs = _runs("ppo", 7) + _runs("sb3/dqn", 3, gradient_steps=-1) + _runs("sb3/ppo", 2)
    grouped = jobs.group(runs, workers=2)
    assert sorted(run.id for job in grouped for run in job.runs) == sorted(run.id for run in runs)
    costs = [jobs.cost(job) for job in grouped]
    assert costs == sorted(costs, reverse=True)


def test_runs_with_different_hyperparameters_are_never_one_job():
    grouped = jobs.group(_runs("ppo", 2) + _runs("ppo", 2, gamma=0.5), workers=1)
    assert all(len({run.hyperparams.get("gamma") for run in job.runs}) == 1 for job in grouped)


def test_checkpoints_are_evenly_spaced_and_end_with_the_budget():
    run = _runs("ppo", 1)[0]
    assert run.checkpoints == [500, 1000]
    tiny = jobs.Run("ppo", "CartPole-v1", 0, 3, {}, {}, {"eval_points": 20}, "c")
    assert tiny.checkpoints == [1, 2, 3], "never the same step twice"
