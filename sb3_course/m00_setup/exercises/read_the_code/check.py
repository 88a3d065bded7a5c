"""Where the five lines are, in the versions that are installed: searched for, so that the numbers need not be known."""

import importlib.util
from pathlib import Path

from sb3_course.teaching.checks import Mistake, number, probe


def line_of(found, file, text):
    """Whether an answer is the line of the file that holds the text. True, or a Mistake that says what is there instead."""
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"the answer is {found!r}, should be two things, a file and a line")
    named, where = str(found[0]).replace("\\", "/"), number(found[1], "the line")
    package, _, rest = file.partition("/")
    spec = importlib.util.find_spec(package)  # imports nothing
    folder = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else ""
    source = Path(folder, rest).read_text(encoding="utf-8").splitlines()
    if named != file and not named.endswith("/" + file):
        raise Mistake(f"the file is {named}; it is another one")
    if not 1 <= where <= len(source) or where != int(where):
        raise Mistake(f"there is no line {where:g}: the file has {len(source)}")
    there = source[int(where) - 1].strip()
    if text not in there:
        raise Mistake(f"line {where:g} is `{there[:100]}`, and that does not do it" if there else f"line {where:g} is empty")
    return True


@probe("last_observation", "where DummyVecEnv keeps the last observation", expected=True)
def first(answer):
    return line_of(answer.last_observation(), "stable_baselines3/common/vec_env/dummy_vec_env.py", '["terminal_observation"] = obs')


@probe("behind_the_limit", "where the value behind a time limit is added", expected=True)
def second(answer):
    return line_of(answer.behind_the_limit(), "stable_baselines3/common/on_policy_algorithm.py", "rewards[idx] += self.gamma * terminal_value")


@probe("cut_short", "where TimeLimit sets truncated", expected=True)
def third(answer):
    return line_of(answer.cut_short(), "gymnasium/wrappers/common.py", "truncated = True")


@probe("backup", "where a Model computes all values at once", expected=True)
def fourth(answer):
    return line_of(answer.backup(), "from_scratch/core/exact/mdp.py", "return self.r + gamma *")


@probe("ties", "where equally good actions are told apart by chance", expected=True)
def fifth(answer):
    return line_of(answer.ties(), "from_scratch/core/tabular/tables.py", "return np.where(q == q.max(-1, keepdims=True), noise")
