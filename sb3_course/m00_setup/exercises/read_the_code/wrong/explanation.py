"""the comment or docstring is named that tells of it, and not the line that does it"""

from importlib.util import find_spec
from pathlib import Path


def find(file, text):
    """The file, and the number of its first line that holds the text."""
    package, _, rest = file.partition("/")
    source = Path(find_spec(package).submodule_search_locations[0], rest).read_text(encoding="utf-8").splitlines()
    return file, next(number for number, line in enumerate(source, start=1) if text in line)


def last_observation():
    return find("stable_baselines3/common/vec_env/dummy_vec_env.py", "# save final observation where user can get it")


def behind_the_limit():
    return find("stable_baselines3/common/on_policy_algorithm.py", "# Handle timeout by bootstrapping")


def cut_short():
    return find("gymnasium/wrappers/common.py", "with `truncated=True`")


def backup():
    return find("from_scratch/core/exact/mdp.py", "[n_states, n_actions] (S&B eq. 4.6)")


def ties():
    return find("from_scratch/core/tabular/tables.py", "Among equals the lowest index")


if __name__ == "__main__":
    for question in (last_observation, behind_the_limit, cut_short, backup, ties):
        print(question.__name__, *question())
