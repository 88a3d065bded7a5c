"""`sb3-course card`: a folder to publish, whose numbers are the study's."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from sb3_course.cli import main

STUDY = str(Path(__file__).parents[2] / "results" / "quickstart")
WORDS = ["card", "--study", STUDY, "--format", "torchscript", "--n-observations", "20"]


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards") / "dqn"
    assert main([*WORDS, "--algo", "dqn", "--env", "Acrobot-v1", "--out", str(folder)]) == 0
    return folder


def front_matter(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    return yaml.safe_load(text.split("---\n")[1]), text


def test_the_folder_has_a_policy_without_a_pickle_and_what_plays_and_checks_it(card):
    names = {str(path.relative_to(card)) for path in card.rglob("*") if path.is_file()}
    assert names == {"README.md", "policy.pt", "runtime.py", "recorded.npz", ".eval_results/Acrobot-v1.yaml"}

    done = subprocess.run([sys.executable, "runtime.py", "policy.pt", "recorded.npz"], cwd=card, capture_output=True, text=True, check=True)
    assert done.stdout == "20 observations: the largest difference of an action is 0\n"


def test_its_scores_are_those_of_the_study_with_their_intervals(card):
    curve = pd.read_parquet(Path(STUDY) / "curve.parquet")
    mine = curve[(curve["algo"] == "dqn") & (curve["env"] == "Acrobot-v1")]
    final = mine.sort_values("step").groupby("seed")["score"].last().to_numpy()
    half = stats.t.ppf(0.975, len(final) - 1) * final.std(ddof=1) / np.sqrt(len(final))
    facts, text = front_matter(card)
    result = facts["model-index"][0]["results"][0]
    assert result["task"]["type"] == "reinforcement-learning" and result["dataset"]["name"] == "Acrobot-v1"
    assert [metric["type"] for metric in result["metrics"]] == ["mean_reward", "iqm_reward"]
    entry = yaml.safe_load((card / ".eval_results" / "Acrobot-v1.yaml").read_text(encoding="utf-8"))[0]
    assert set(entry) == {"dataset", "value", "notes"} and "mean over 10 runs" in entry["notes"]
    assert result["metrics"][0]["value"].startswith(f"{entry['value']:.2f} [") and f"| {entry['value']:.2f} | [" in text
    assert result["metrics"][0]["value"] == f"{final.mean():.2f} [{final.mean() - half:.2f}, {final.mean() + half:.2f}]"


@pytest.mark.skipif(importlib.util.find_spec("huggingface_hub") is None, reason="the extra export (huggingface_hub) is not installed")
def test_the_hub_s_own_reader_understands_it(card):
    from huggingface_hub import ModelCard, parse_eval_result_entries

    entries = parse_eval_result_entries(yaml.safe_load((card / ".eval_results" / "Acrobot-v1.yaml").read_text(encoding="utf-8")))
    assert [(entry.dataset_id, entry.task_id) for entry in entries] == [("gymnasium/Acrobot-v1", "Acrobot-v1")]
    results = ModelCard.load(card / "README.md").data.eval_results
    assert [(result.metric_type, result.dataset_name) for result in results] == [("mean_reward", "Acrobot-v1"), ("iqm_reward", "Acrobot-v1")]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["card"], "card needs --study, --algo and --env"),
        ([*WORDS, "--algo", "sac", "--env", "Acrobot-v1", "--out", "new"], "has no runs of sac on Acrobot-v1"),
        ([*WORDS, "--algo", "dqn", "--env", "Acrobot-v1", "--out", "."], "--out . exists"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(words, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1 and list(tmp_path.iterdir()) == []
