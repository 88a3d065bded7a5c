"""Paper and plumbing, counted: what one reads to follow a step from `env.step` to changed weights. `python -m tests.reading [--list]`.

A short training is run, and every function of from_scratch that is called between the first step's answer and the last update counts with
all its code lines (no blanks, comments and docstrings). Where one may stop reading is said below, with the reason; docs/anatomy.md draws the way.
"""

from __future__ import annotations

import argparse
import ast
import io
import sys
import tokenize
from collections import defaultdict
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import from_scratch

ROOT = Path(from_scratch.__file__).parent

STOPS = {  # a file or room: why one need not open it
    "core/lockstep/": "the array layer: trusted as others trust torch",
    "core/rng.py": "numbers that are drawn: their names say which",
    "core/vec_env.py": "inside env.step: SB3's vector environment, with fewer copies",
    "core/finite.py": "refuses NaN and changes nothing",
    "core/watch.py": "notices what users do to a model between two steps",
    "core/callbacks.py": "what callbacks see",
    "core/hyperparameters.py": "construction",
    "core/arguments.py": "what arguments mean",
    "envs/": "inside env.step",
}
ASIDE = {  # functions on no way from an observation to a weight
    "what users did to the model, asked before training": ("begin_training", "adopt", "heed", "heed_rollout", "prepare_training", "set_training_mode",
                                                           "_with_a_mode"),
    "users' buffers and callbacks: is there one, and what it sees": ("_is_plain", "rollout_of", "show", "show_last"),
    "logging": ("_record_progress", "_update_info_buffer", "dump_logs", "end_training", "log_is_due", "note", "record", "record_metrics", "record_rollout",
                "explained_variance", "_explained_variance", "use_learning_rate"),
    "learn's beginning": ("learn", "_setup_learn", "_complete", "_take_plain_numbers", "locals_at_start"),
}  # fmt: skip

CASES: dict[str, tuple[str, str, str, dict[str, Any], int]] = {
    "PPO": ("PPO", "MlpPolicy", "CartPole-v1", {"n_steps": 64, "batch_size": 32, "n_epochs": 2}, 64),
    "DQN": ("DQN", "MlpPolicy", "CartPole-v1", {"learning_starts": 20, "buffer_size": 200, "target_update_interval": 20}, 80),
    "SAC": ("SAC", "MlpPolicy", "Pendulum-v1", {"learning_starts": 20, "buffer_size": 200, "policy_kwargs": {"net_arch": [8]}}, 220),
    "Q-learning": ("QLearning", "TabularPolicy", "FrozenLake-v1", {}, 60),
}
FILES = {"PPO": "policy_gradient/ppo.py", "DQN": "value_based/dqn.py", "SAC": "continuous_control/sac.py", "TD3": "continuous_control/td3.py"}


@cache
def _code_lines(path: Path) -> frozenset[int]:
    """The numbers of a file's lines that hold code."""
    text = path.read_text(encoding="utf-8")
    lines: set[int] = set()
    nothing = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in nothing:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            lines.difference_update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return frozenset(lines)


@cache
def _spans(path: Path) -> dict[int, tuple[str, int, int]]:
    """By first line: the name, first and last line of every function and method of a file; nested ones belong to the outermost."""
    found: dict[int, tuple[str, int, int]] = {}

    def walk(node: ast.AST, prefix: str, outer: tuple[str, int, int] | None) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.Lambda):
                first = child.decorator_list[0].lineno if isinstance(child, ast.FunctionDef) and child.decorator_list else child.lineno
                name = f"{prefix}{child.name}" if isinstance(child, ast.FunctionDef) else f"{prefix}<lambda>"
                mine = outer or (name, first, child.end_lineno or child.lineno)
                found.setdefault(first, mine)
                walk(child, prefix, mine)
            else:
                walk(child, f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix, outer)

    walk(ast.parse(path.read_text(encoding="utf-8")), "", None)
    return found


def may_stop(path: str) -> bool:
    return any(path.startswith(stop) for stop in STOPS)


def way(case: str) -> dict[str, dict[str, int]]:
    """What is read of each file: the names of its functions with their code lines."""
    name, policy, env, kwargs, steps = CASES[case]
    model = getattr(from_scratch, name)(policy, env, seed=0, device="cpu", **kwargs)
    called: set[CodeType] = set()
    aside = {name for names in ASIDE.values() for name in names}

    def look(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            called.add(frame.f_code)

    _, model._callback = model._setup_learn(steps)  # what `learn` does, but for serving the networks again
    model._log_interval, model._iteration = None, 0
    sys.setprofile(look)
    try:
        while model.num_timesteps < steps:
            model.iterate()
    finally:
        sys.setprofile(None)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for code in called:
        file = Path(code.co_filename)
        if not file.is_relative_to(ROOT) or may_stop(path := file.relative_to(ROOT).as_posix()):
            continue
        span = _spans(file).get(code.co_firstlineno)
        if span is None or span[0].rpartition(".")[2] in aside:
            continue
        qualified, first, last = span
        found[path][qualified] = len(_code_lines(file) & set(range(first, last + 1)))
    return dict(found)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.reading", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--list", action="store_true", help="name every function")
    args = parser.parse_args()
    print(f"{'':12} files functions lines")
    for case in CASES:
        read = way(case)
        print(f"{case:12} {len(read):5} {sum(map(len, read.values())):9} {sum(sum(of.values()) for of in read.values()):5}")
        if args.list:
            for path, functions in sorted(read.items()):
                print(f"    {path} ({sum(functions.values())}): " + ", ".join(f"{name} {lines}" for name, lines in sorted(functions.items())))
    for name, path in FILES.items():
        print(f"{path:34} {len(_code_lines(ROOT / path))} code lines ({name})")


if __name__ == "__main__":
    main()
