"""A researcher's day: a package of her own, compared over seeds, edited, run again where it is stale, archived, and verified where nothing of it is.

The commands are those that she types, with the smallest budgets. The package lies outside of this project. test_your_own.py asks the same of more edits and of
every way of naming a part; it is slow.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest

from from_scratch import own
from sb3_course import cli

ROOT = Path(__file__).parents[2]
MORNING = {
    "lab/__init__.py": "import gymnasium as gym\n\ngym.register('lab/Line-v0', entry_point='lab.line:Line', max_episode_steps=20)\n",
    "lab/line.py": '''
import gymnasium as gym


class Line(gym.Env):
    """Five squares in a row: reach the last, at a cost of one for each step."""

    observation_space, action_space = gym.spaces.Discrete(5), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = int(self.np_random.integers(4))
        return self.x, {}

    def step(self, action):
        self.x = min(max(self.x + (1 if action else -1), 0), 4)
        return self.x, -1.0, self.x == 4, False, {}
''',
    "lab/careful.py": '''
from from_scratch import PPO
from from_scratch.core.lockstep import per_seed


class CarefulPPO(PPO):
    """PPO that also pays for every change of the policy."""

    price: float = 0.5

    @per_seed
    def loss(self, b):
        loss, metrics = super().loss(b)
        log_ratio = self.actor_critic.evaluate(b.obs, b.action)[1] - b.log_prob
        return loss + self.price * (log_ratio**2).mean(-1), metrics
''',
    "lab/soft.py": re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S)[1],  # on the contract, as it is shown there
    "suite.yaml": """
name: lab
question: "Does care pay?"
seeds: 2
steps: 64
groups:
  - {name: line, algos: ["lab.careful:CarefulPPO", ppo, "lab.soft:SoftmaxQLearning"], envs: ["lab:lab/Line-v0"]}
algo:
  ppo: {default: {n_steps: 32, batch_size: 32, n_epochs: 2}}
env:
  "lab:lab/Line-v0": {normalise: {random: -12.0, expert: -2.5, source: "by hand"}}
protocol: {eval_points: 1, eval_episodes: 2}
statistics: {reps: 100}
""",
}
COMPARE = ["compare", "suite.yaml", "--trust", "--out", "study", "--launcher", "inprocess"]


def written(files, folder):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def types(tmp_path, monkeypatch, capsys):
    """types("compare", …) is the exit code and the output of what she types in her folder: each time as a new process would begin, without her modules."""
    home = tmp_path / "home"
    written(MORNING, home)
    monkeypatch.chdir(home)
    path = list(sys.path)

    def forget():
        for name in [name for name in sys.modules if name.partition(".")[0] == "lab"]:
            del sys.modules[name]
        own._entry.cache_clear()
        gym.registry.pop("lab/Line-v0", None)
        sys.path[:] = path

    def typed(*words):
        forget()
        code = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out + said.err

    yield typed
    forget()


def elsewhere(*words, at):
    """The same in a process of its own, in a folder where nothing of hers is."""
    at.mkdir()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    program = f"import sys; sys.path.append({str(ROOT)!r}); from sb3_course.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-P", "-c", program, *map(str, words)], cwd=at, env=env, capture_output=True, text=True, timeout=280)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_her_package_is_compared_edited_run_again_where_stale_archived_and_verified_by_a_stranger(types, tmp_path):
    code, said = types(*COMPARE)
    assert code == 0 and "6 runs, 6 to do" in said, said
    assert "lab.careful:CarefulPPO and lab.soft:SoftmaxQLearning" in said  # every pair is compared, no twin needed

    price = Path("lab/careful.py")
    price.write_text(price.read_text(encoding="utf-8").replace("0.5", "0.7"), encoding="utf-8")
    code, said = types(*COMPARE)
    assert code == 0 and "6 runs (4 finished), 2 to do" in said, said
    assert re.findall(r"^  (\S+) on lab:lab/Line-v0: 2 seeds", said, re.M) == ["lab.careful:CarefulPPO"]

    code, said = types("archive", "study", tmp_path / "lab.tar.gz")
    assert code == 0, said

    code, said = elsewhere("reproduce", tmp_path / "lab.tar.gz", "--level", "3", "--sample", "6", "--trust", at=tmp_path / "elsewhere")
    assert code == 0 and said.count("the same weights") == 6 and "FAIL" not in said, said
