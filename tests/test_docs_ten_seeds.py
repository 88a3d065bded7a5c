"""docs/ten_seeds.md: its code runs as it stands, with three seeds, and leaves the files that the page names."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
import stable_baselines3 as sb3

PAGE = (Path(__file__).parents[1] / "docs" / "ten_seeds.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The folder in which the page's Python ran, what it leaves behind, and what it printed."""
    folder, names = tmp_path_factory.mktemp("ten_seeds"), {}
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as out:
        for code in BLOCKS:
            exec(compile(code.replace("SEEDS = 10", "SEEDS = 3"), "ten_seeds.md", "exec"), names)
    return folder, names, out.getvalue().splitlines()


def test_it_prints_the_seeds_the_scores_and_the_steps(ran):
    assert ran[2] == ["3 [[0], [1], [2]]", "(3,) True", "1024"]


def test_each_seed_has_its_monitor_file_its_curve_and_its_best_model(ran):
    folder = ran[0]
    for seed in range(3):
        assert (folder / "logs" / f"seed_{seed}.monitor.csv").read_text().startswith("#{")
        assert np.load(folder / "logs" / f"seed_{seed}" / "evaluations.npz")["results"].shape == (2, 5)
        assert sb3.PPO.load(folder / "logs" / f"seed_{seed}" / "best_model").num_timesteps in (512, 1024)
        assert (folder / "logs" / f"seed_{seed}" / "vecnormalize.pkl").exists()
    assert sb3.PPO.load(folder / "ppo_seed_3").num_timesteps == 1024


def test_tensorboard_has_the_runs_that_the_page_names(ran):
    runs = {path.parent.relative_to(ran[0] / "tensorboard").as_posix() for path in (ran[0] / "tensorboard").rglob("events.out.*")}
    assert runs == {"PPO_1", *(f"PPO_1/{name}" for name in ("band_low", "band_high", "seed_0", "seed_1", "seed_2"))}


def test_the_stack_as_a_whole_scores_what_its_members_score(ran):
    assert len(ran[1]["means"]) == 3 and ran[1]["mean"] > 5
