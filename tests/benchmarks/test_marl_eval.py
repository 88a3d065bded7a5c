"""marl-eval's JSON: read into a score dictionary and into a study's report, and written from both."""

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import UserError
from benchmarks.stats.marl_eval import from_marl_eval, runs_of, to_marl_eval
from benchmarks.store import marl_eval, readers
from sb3_course import cli
from sb3_course.commands import report
from tests.benchmarks.synthetic import CONTROL, TABULAR, SyntheticStore


def step(count, *returns, **others):
    return {"step_count": count, "elapsed_time": count / 10, **others, "episode_return": list(returns)}


def run(*scores, absolute=None):
    """As its JsonLogger writes one: the absolute metrics first."""
    return {"absolute_metrics": {"episode_return": [absolute]} if absolute is not None else {}} | {f"step_{k}": step(100 * k, s) for k, s in enumerate(scores)}


DOCUMENT = {
    "Smax": {
        "2s3z": {"ff_ippo": {"seed_7": run(0.0, 1.0, absolute=1.5), "seed_3": run(0.0, 2.0, absolute=2.5)}},
        "3m": {"ff_ippo": {"seed_7": run(0.0, 3.0, absolute=3.5), "seed_3": run(0.0, 4.0, absolute=4.5)}},
    }
}


@pytest.fixture
def written(tmp_path):
    def write(document, name="metrics.json"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


def changed(*keys, value):
    """DOCUMENT with another value at a place; None: without it."""
    document = json.loads(json.dumps(DOCUMENT))
    place = document
    for key in keys[:-1]:
        place = place[key]
    if value is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return document


# ------------------------------------------------------------------------------------------------------------------ score dictionary


def test_scores_are_the_absolute_metrics_as_marl_eval_takes_them(written):
    assert {name: s.tolist() for name, s in from_marl_eval(written(DOCUMENT)).items()} == {"ff_ippo": [[1.5, 3.5], [2.5, 4.5]]}


def test_frames_are_the_steps(written):
    assert from_marl_eval(written(DOCUMENT), frames=True)["ff_ippo"].tolist() == [[[0.0, 1.0], [0.0, 3.0]], [[0.0, 2.0], [0.0, 4.0]]]


def test_without_absolute_metrics_the_last_step_is_the_score(written):
    document = {"Smax": {"3m": {"ff_ippo": {"run_1": run(0.0, 3.0), "run_2": run(0.0, 4.0)}}}}
    assert from_marl_eval(written(document))["ff_ippo"].tolist() == [[3.0], [4.0]]


def test_a_step_with_several_episodes_is_their_mean_and_steps_are_in_the_order_of_their_counts(written):
    document = {"Smax": {"3m": {"ff_ippo": {"run_1": {"step_10": step(1000, 5.0, 7.0), "step_2": step(200, 1.0, 2.0)}}}}}
    [found], metric = runs_of(json.dumps(document), "x")
    assert (found.steps.tolist(), found.scores.tolist(), found.seconds.tolist()) == ([200, 1000], [1.5, 6.0], [20.0, 100.0])
    assert (found.episodes, metric) == (2, "episode_return")


def test_the_metric_asked_for_is_read(written):
    document = {"Smax": {"3m": {"ff_ippo": {"run_1": {"step_0": step(100, 1.0, win_rate=[0.25])}}}}}
    assert from_marl_eval(written(document), metric="win_rate")["ff_ippo"].tolist() == [[0.25]]


RUN = ("Smax", "3m", "ff_ippo", "seed_7")
TITLE = "environment Smax, task 3m, algorithm ff_ippo, run seed_7"
MALFORMED = {
    "no JSON": ("{", "is not JSON: Expecting"),
    "nested too deeply": ("[" * 100_000, "is not JSON: "),
    "no document": ("[]", "a list is there; expected {environment:"),
    "a number for a run": (changed(*RUN, value=3), f"{TITLE}: a int is there"),
    "an empty task": (changed("Smax", "3m", value={}), "environment Smax, task 3m: nothing is there"),
    "a number for a step": (changed(*RUN, "step_1", value=3), f"{TITLE}, step_1: a int is there"),
    "no step count": (changed(*RUN, "step_1", "step_count", value=None), f"{TITLE}, step_1: no step_count, which every step needs"),
    "half a step": (changed(*RUN, "step_1", "step_count", value=0.5), f"{TITLE}, step_1: step_count is 0.5"),
    "the same step twice": (changed(*RUN, "step_1", "step_count", value=0), f"{TITLE}: two steps have the step_count 0"),
    "no metric": (changed(*RUN, "step_1", "episode_return", value=None), f"{TITLE}, step_1: no episode_return"),
    "no value": (changed(*RUN, "step_1", "episode_return", value=[]), f"{TITLE}, step_1: episode_return has no value"),
    "NaN": (changed(*RUN, "step_1", "episode_return", value=[1.0, math.nan]), rf"{TITLE}, step_1: episode_return is nan \(value 1\)"),
    "a word": (changed(*RUN, "step_1", "episode_return", value=["high"]), f"{TITLE}, step_1: episode_return is high"),
    "only absolute metrics": (changed(*RUN, value={"absolute_metrics": {"episode_return": [1.0]}}), f"{TITLE}: no step but absolute_metrics"),
    "a run twice": ('{"e": {"t": {"a": {"seed_0": {}, "seed_0": {}}}}}', "'seed_0' is there twice"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_none_of_its_files_is_refused_in_one_line_with_its_place(case, written):
    document, said = MALFORMED[case]
    with pytest.raises(UserError, match=said) as raised:
        from_marl_eval(written(document))
    assert "\n" not in str(raised.value)


def test_several_metrics_without_a_known_one_are_asked_about(written):
    document = {"e": {"t": {"a": {"run_1": {"step_0": {"step_count": 1, "coins": [1.0], "keys": [2.0]}}}}}}
    with pytest.raises(UserError, match=r"which of its metrics is the score\? It has coins, keys"):
        from_marl_eval(written(document))


@pytest.mark.parametrize(
    "document, said",
    [
        (changed(*RUN, value=None), r"algorithm ff_ippo has 1 run\(s\) of task 3m, and 2 of another"),
        (changed(*RUN, "absolute_metrics", value=None), f"{TITLE}: no episode_return in absolute_metrics, which other runs have; frames=True"),
        ({**DOCUMENT, "Rware": DOCUMENT["Smax"]}, r"which environment\? It has Smax, Rware"),
    ],
)
def test_what_makes_no_array_is_refused_by_name(document, said, written):
    with pytest.raises(UserError, match=said):
        from_marl_eval(written(document))


def test_runs_of_unequal_length_make_no_array(written):
    with pytest.raises(UserError, match=f"{TITLE} has 1 steps, run seed_7 of task 2s3z 2"):
        from_marl_eval(written(changed(*RUN, "step_1", value=None)), frames=True)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UserError, match=r"metrics\.json cannot be read: No such file"):
        from_marl_eval(tmp_path / "metrics.json")


@pytest.mark.parametrize("frames", [False, True])
def test_what_is_written_is_read_to_the_last_bit(frames, tmp_path):
    x = {name: np.random.default_rng(k).normal(size=(3, 2, 4) if frames else (3, 2)) for k, name in enumerate(("ppo", "dqn"))}
    to_marl_eval(x, tmp_path / "m.json", environment="gym", tasks=["A-v0", "B-v1"], steps=[10, 20, 30, 40] if frames else None)
    again = from_marl_eval(tmp_path / "m.json", frames=frames)
    assert list(again) == list(x)
    for name in x:
        np.testing.assert_array_equal(again[name], x[name])


def test_the_absolute_metrics_are_written_last_where_marl_evals_own_tools_look_for_them():
    made = to_marl_eval({"ppo": np.array([[1.0, 2.0]])}, environment="gym", tasks=["A", "B"], metric="return")
    assert made == {"gym": {"A": {"ppo": {"run_1": {"step_0": {"step_count": 0, "return": [1.0]}, "absolute_metrics": {"return": [1.0]}}}},
                            "B": {"ppo": {"run_1": {"step_0": {"step_count": 0, "return": [2.0]}, "absolute_metrics": {"return": [2.0]}}}}}}  # fmt: skip
    assert list(made["gym"]["A"]["ppo"]["run_1"])[-1] == "absolute_metrics"


def test_names_that_are_not_as_many_as_the_scores_are_refused():
    with pytest.raises(ValueError, match=r"scores of 'ppo' are of 2 tasks and 3 frames; tasks names 1 \(1 different\), steps 0"):
        to_marl_eval({"ppo": np.ones((2, 2, 3))}, environment="gym", tasks=["A"])


# -------------------------------------------------------------------------------------------------------------------------- studies

HOW = readers.Reading(reps=200)


def test_a_file_is_a_study_whose_scores_are_the_last_steps(written):
    found = readers.from_marl_eval([written(DOCUMENT)], HOW)
    last = found.curves().groupby(["env", "seed"])["score"].last()
    assert last.to_dict() == {("2s3z", 7): 1.0, ("2s3z", 3): 2.0, ("3m", 7): 3.0, ("3m", 3): 4.0}
    assert found.curves()["seconds"].max() == 10.0
    assert any("absolute_metrics" in note for note in found.notes)


def test_runs_of_several_files_are_of_one_study(written):
    parts = [written({"Smax": {"3m": {name: {"seed_0": run(0.0, 1.0), "seed_1": run(0.0, 2.0)}}}}, f"{name}.json") for name in ("ff_ippo", "ff_mappo")]
    assert readers.from_marl_eval(parts, HOW).study().groups[0]["algos"] == ["ff_ippo", "ff_mappo"]


def test_a_task_of_two_environments_is_two_tasks(written):
    other = {"3m": {"ff_ippo": {"seed_7": run(0.0, 5.0), "seed_3": run(0.0, 6.0)}}}
    found = readers.from_marl_eval([written({**DOCUMENT, "Mpe": other})], HOW)
    assert sorted(found.curves()["env"].unique()) == ["2s3z", "Mpe/3m", "Smax/3m"]


def test_a_score_of_training_is_not_in_it(written):
    with pytest.raises(UserError, match="hold evaluations"):
        readers.from_marl_eval([written(DOCUMENT)], readers.Reading(scores="training"))


def test_a_link_is_not_read(written, tmp_path):
    (tmp_path / "link.json").symlink_to(written(DOCUMENT))
    with pytest.raises(Exception, match="is not a regular file"):
        readers.from_marl_eval([tmp_path / "link.json"], HOW)


def test_a_study_that_is_written_and_read_has_the_same_scores(tmp_path):
    store = SyntheticStore(groups=(CONTROL,), seeds=3, points=4)
    assert marl_eval.write(tmp_path / "study.json", store.study(), store.runs(), store.curves()) == []
    of = lambda curves: curves.set_index(["algo", "env", "seed", "step"])["score"].sort_index()
    again = readers.from_marl_eval([tmp_path / "study.json"], HOW).curves()
    assert of(again).to_dict() == of(store.curves()).to_dict()


def test_each_group_is_an_environment_whose_arrays_marl_eval_can_make(tmp_path):
    store = SyntheticStore(groups=(CONTROL, TABULAR), seeds=3, points=4)
    marl_eval.write(tmp_path / "study.json", store.study(), store.runs(), store.curves())
    shapes = {name: from_marl_eval(tmp_path / "study.json", environment=f"quickstart: {name}", frames=True) for name in ("control", "tabular")}
    assert {name: {s.shape for s in scores.values()} for name, scores in shapes.items()} == {"control": {(3, 2, 4)}, "tabular": {(3, 2, 4)}}


def test_a_run_that_is_missing_is_said_since_marl_evals_own_tools_refuse_it(tmp_path):
    store = SyntheticStore(groups=(CONTROL,), seeds=3, points=4)
    runs = store.runs()
    runs.loc[0, "status"] = "failed"
    [note] = marl_eval.write(tmp_path / "study.json", store.study(), runs, store.curves())
    assert note.startswith("quickstart: its algorithms and tasks have 2 or 3 runs of 4 steps")


# ----------------------------------------------------------------------------------------------------------------------- command line


def test_the_command_reports_on_a_file(written, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["report", "--from-marl-eval", str(written(DOCUMENT)), "--reps", "200", "--out", "page"]) == 0
    assert "absolute_metrics" in capsys.readouterr().out
    assert (tmp_path / "page" / "report.html").is_file()


def test_the_command_writes_a_study_beside_its_report(tmp_path, monkeypatch, capsys):
    store = SyntheticStore(groups=(CONTROL,), seeds=3, points=4)
    monkeypatch.setattr(report, "open_study", lambda name: store)
    monkeypatch.setattr(report, "list_troubles", lambda *_: None)
    monkeypatch.setattr(report, "render", lambda *_: 0)
    assert cli.main(["report", "quickstart", "--marl-eval", str(tmp_path / "out.json")]) == 0
    assert from_marl_eval(tmp_path / "out.json")["sb3/ppo"].shape == (3, 2)
    assert capsys.readouterr().out == f"marl-eval's JSON: {tmp_path / 'out.json'}\n"


def test_a_report_of_another_kind_is_not_written_as_marl_evals(written, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["report", "--from-marl-eval", str(written(DOCUMENT)), "--marl-eval", "out.json"]) == 2
    assert "--marl-eval out.json" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------------ its own package


def its_own(module):
    """A file of the package, which is not among our requirements: id-marl-eval 0.0.4 (`pip install --no-deps id-marl-eval colorama`). What its __init__s
    import besides, such as Neptune's client, is not needed here."""
    found = importlib.util.find_spec("marl_eval")
    if found is None or importlib.util.find_spec("colorama") is None:
        pytest.skip("needs id-marl-eval and colorama, which nothing here asks for")
    place = Path(found.submodule_search_locations[0]).joinpath(*module.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(module, place)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_its_own_tools_find_in_what_a_study_writes_the_study_s_scores(tmp_path):
    tools = its_own("utils.data_processing_utils")
    store = SyntheticStore(groups=(CONTROL,), seeds=3, points=4)
    marl_eval.write(tmp_path / "study.json", store.study(), store.runs(), store.curves())
    data = tools.data_process_pipeline(json.loads((tmp_path / "study.json").read_text()), [])
    matrices, _ = tools.create_matrices_for_rliable(data, store.study().name, [])
    last = store.curves().sort_values("step").groupby(["algo", "env", "seed"])["score"].last()
    for algo in CONTROL["algos"]:
        assert matrices["mean_episode_return"][algo].tolist() == [[last[algo, env, seed] for env in CONTROL["envs"]] for seed in range(3)]


def test_what_its_own_logger_writes_is_read(tmp_path):
    JsonLogger = its_own("json_tools.json_logger").JsonLogger
    for seed in (0, 1):
        logger = JsonLogger(str(tmp_path), "ff_ippo", "2s3z", "Smax", seed)
        for k in range(3):
            logger.write(100 * (k + 1), "episode_return", float(10 * seed + k), evaluation_step=k)
        logger.write(300, "episode_return", 99.0, is_absolute_metric=True)
    runs, metric = runs_of((tmp_path / "metrics.json").read_text(), "metrics.json")
    assert metric == "episode_return" and [run.name for run in runs] == ["seed_0", "seed_1"]
    assert [(run.steps.tolist(), run.scores.tolist(), run.absolute) for run in runs] == [
        ([100, 200, 300], [0.0, 1.0, 2.0], 99.0), ([100, 200, 300], [10.0, 11.0, 12.0], 99.0)]  # fmt: skip
