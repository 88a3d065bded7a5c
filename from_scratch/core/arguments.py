"""What the constructors' arguments mean, for `help(PPO)`.

A field is explained where it is declared, by the comment behind it: `n_steps: int = 2048  # T  steps per environment between updates`,
the paper's symbol first. What means the same in several classes is explained once, here, and so are the values that it may have (RANGES); there the comment is
the symbol alone, or nothing.
"""

from __future__ import annotations

import inspect
import linecache
import re
import sys
import textwrap
from typing import Any

TEXTS = {
    # What every class takes.
    "policy": "the name of a policy, such as \"MlpPolicy\", or a policy class",
    "env": "the environment: its id, an environment, a vector of them, or a function that makes one; None where nothing is to be learnt",
    "stats_window_size": "how many of the last episodes the logged means of returns and lengths are taken over",
    "tensorboard_log": "the folder for TensorBoard's files; None writes none",
    "policy_kwargs": "further arguments of the policy's constructor, such as the sizes of its networks",
    "verbose": "0 prints nothing, 1 says what happens, 2 says more",
    "seed": "of the process's random numbers, and of the environment's; None leaves them as they are",
    "device": "where the networks live: \"cpu\", \"cuda\", …; \"auto\" takes a GPU if there is one",
    "_init_setup_model": "build networks and memory now; load() does it later",
    "seeds": "train an independent model for each of these seeds, all together (10 means range(10)); `env` is then an id or a function, and `seed` is left out",
    "n_envs": "how many environments each seed plays in, where `env` is an id or a function",
    # Learning with networks.
    "learning_rate": "the step size, or a function of the remaining part of training, which falls from 1 to 0",
    "gamma": "how much a reward counts that comes a step later",
    "gae_lambda": "trades the bias of advantage estimates, at 0, for their variance, at 1",
    "batch_size": "samples in a minibatch",
    "ent_coef": "how much the policy's entropy counts in the loss",
    "vf_coef": "how much the value function's loss counts in the loss",
    "max_grad_norm": "longer gradients are scaled down to this norm; None leaves them",
    "normalize_advantage": "give the advantages of a minibatch zero mean and unit variance",
    "clip_range": "how far the ratio of new to old probability of an action may leave 1, or a function of the remaining part of training",
    "n_epochs": "how often each rollout is gone through",
    "rms_prop_eps": "added to RMSprop's denominator, so that it is never 0",
    "cg_max_steps": "iterations of conjugate gradients for a step of the policy",
    "cg_damping": "added to the diagonal of the Fisher matrix: more makes the step safer, and more like the plain gradient's",
    "line_search_shrinking_factor": "what is left of the policy's step after a try that failed",
    "line_search_max_iter": "tries; after the last one the policy stays as it was",
    "n_critic_updates": "how often the value function goes through each rollout",
    "use_sde": "explore by a noise that depends on the state (gSDE) instead of one drawn anew for each action",
    "sde_sample_freq": "draw that noise anew every so many steps; −1: only where a rollout begins",
    "use_sde_at_warmup": "explore by that noise before learning starts, too, instead of uniformly",
    "rollout_buffer_class": "the class of the rollout's memory; None chooses by the observations",
    "rollout_buffer_kwargs": "further arguments of its constructor",
    # Learning from a replay memory.
    "buffer_size": "transitions that the replay memory holds; then the oldest is forgotten",
    "learning_starts": "steps played before the first update",
    "tau": "how far the target networks move towards the trained ones; 1 copies them",
    "train_freq": "steps between updates, or (n, \"episode\")",
    "gradient_steps": "gradient steps of an update; −1: as many as steps were played",
    "action_noise": "noise added to the actions while exploring; None adds none",
    "replay_buffer_class": "the class of the replay memory; None chooses by the observations",
    "replay_buffer_kwargs": "further arguments of its constructor",
    "optimize_memory_usage": "store each observation once, which takes half the memory, not twice, as this one's and as the last one's successor",
    "target_update_interval": "steps between two updates of the target network (of SAC: gradient steps)",
    "n_target_critics": "critics, drawn anew for each update, whose minimum the target takes",
    "top_quantiles_to_drop_per_net": "the largest quantiles that the target leaves out, for each critic",
    "target_entropy": "the entropy that the temperature is tuned towards",
    "policy_delay": "updates of the critics for each one of the actor and the targets",
    "target_policy_noise": "the standard deviation of the noise on the target's actions",
    "target_noise_clip": "how large that noise may be",
    "exploration_fraction": "the part of training in which ε falls, linearly",
    "exploration_initial_eps": "the probability ε of a random action at the start",
    "exploration_final_eps": "the probability ε of a random action when it has fallen",
    "n_steps": "steps until a return bootstraps from the value function",
    # Learning from a data set.
    "dataset": "what is learnt from: a Dataset, the name or path of one, a mapping of arrays, or a ReplayBuffer",
    "normalise_states": "give the networks states with the data set's mean and deviation taken out; both are kept with the model",
    # Learning from whole episodes.
    "episodes_per_update": "whole episodes played for each update",
    "baseline_learning_rate": "the step size of the baseline, like learning_rate",
    # Tables and features.
    "learning_rate_decay": "the n-th update of an entry has step size α / n^ω; 0 keeps it constant",
    "initial_value": "what every value is estimated at before learning",
    "lambda_": "how fast eligibility traces fade: 0 looks one step ahead, 1 to the episode's end",
    "trace": "how a trace grows where a state is visited again: \"accumulating\", \"replacing\" or \"dutch\"",
    "beta": "a second step size, of what is learnt beside the weights (or of the average reward)",
    "epsilon": "the probability of a random action",
    "exploration_rate": "the probability of a random action",
    "theta": "a change below it counts as none",
    "features_kwargs": "further arguments of the features",
    "planning_steps": "updates from the model for each real step",
    "max_sweeps": "sweeps after which it stops all the same; None: never",
    "evaluation_sweeps": "sweeps of evaluation between two improvements of the policy",
    "in_place": "use new values within the sweep that finds them",
    "exact": "solve the linear equations instead of iterating",
    "exact_evaluation": "solve the linear equations of each policy instead of iterating",
    "kappa": "how much an action counts as better for not having been tried for long",
    "baseline": "compare rewards with their average so far",
    "prior_successes": "successes assumed of every arm before the first pull",
    "prior_failures": "failures assumed of every arm before the first pull",
    "prior_mean": "the reward expected of every arm before the first pull",
    "prior_std": "how uncertain that is",
}  # fmt: skip

FRACTION: dict[str, Any] = {"low": 0, "high": 1}
COUNT: dict[str, Any] = {"low": 1, "whole": True}
INTERVAL: dict[str, Any] = {"low": 1}
ANY: dict[str, Any] = {}
NOT_NEGATIVE: dict[str, Any] = {"low": 0}
BOUND: dict[str, Any] = {"low": 0, "finite": False}  # infinity switches it off

# The values that an argument may have in every class, as check_range takes them: not those that merely work badly, but those that mean nothing.
RANGES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("gamma", "gae_lambda", "q_lambda", "tau"), FRACTION),
    **dict.fromkeys(("n_steps", "batch_size", "buffer_size", "n_epochs", "baseline_steps", "n_target_critics"), COUNT),
    **dict.fromkeys(("cg_max_steps", "line_search_max_iter", "sub_sampling_factor"), COUNT),
    **dict.fromkeys(("cg_damping", "kl_coef"), NOT_NEGATIVE),
    **dict.fromkeys(("line_search_shrinking_factor",), FRACTION),
    **dict.fromkeys(("target_update_interval", "policy_delay"), INTERVAL),
    **dict.fromkeys(("ent_coef", "vf_coef", "target_entropy"), ANY),
    **dict.fromkeys(("target_policy_noise", "rms_prop_eps", "exploration_fraction"), NOT_NEGATIVE),
    **dict.fromkeys(("target_noise_clip", "clip_range", "target_kl"), BOUND),
    "n_critic_updates": {"low": 0, "whole": True},  # 0: V is never fitted
    "top_quantiles_to_drop_per_net": {"low": 0, "whole": True},
    "max_grad_norm": {"above": 0, "finite": False},
}

FIELD = re.compile(r"^    (\w+)\s*:[^#\n]*=[^#\n]*?(?:#\s*(.*))?$")
SYMBOL = re.compile(r"^([^\s,]+)(?:,.*)?$")  # "γ": the sentence is the common one
SYMBOL_AND_WORDS = re.compile(r"^(\S+(?: > 0)?)  (.+)$")  # "T  steps per environment between updates": it is this one
SYMBOL_AND_MORE = re.compile(r"^([^\s;]+)(; .+)$")  # "α; a sequence has one for each seed": it is the common one, and this


def comments_of(cls: type) -> dict[str, str]:
    """What stands behind the fields that a class declares in its own body, by name; nothing where its source is not to be had."""
    module = sys.modules.get(cls.__module__)
    lines = linecache.getlines(getattr(module, "__file__", None) or "")
    start = next((i for i, line in enumerate(lines) if re.match(rf"class {cls.__name__}\b", line)), None)
    found: dict[str, str] = {}
    last = None
    for line in lines[start + 1 :] if start is not None else []:
        if re.match(r"\S", line) and not line.startswith(("#", ")")):
            break
        field = FIELD.match(line.rstrip())
        if field:
            last = field[1]
            found[last] = field[2] or ""
        elif last and re.match(r"\s+#", line):
            found[last] += " " + line.strip(" #\n")
        else:
            last = None
    return found


def explain(cls: Any) -> dict[str, str]:
    """A sentence for each argument of a class's constructor, in their order, the paper's symbol in front."""
    said: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if "hyperparameters" in vars(base):
            said |= {name: comment for name, comment in comments_of(base).items() if comment or name not in said}
    return {name: _sentence(said.get(name, ""), TEXTS.get(name, "")) for name in list(cls._signature.parameters)[1:]}


def _sentence(comment: str, common: str) -> str:
    """What a field's comment and the common sentence say together."""
    if match := SYMBOL_AND_WORDS.match(comment):
        return f"{match[1]}: {match[2]}"
    if match := common and SYMBOL_AND_MORE.match(comment):
        return f"{match[1]}: {common}{match[2]}"
    if match := common and SYMBOL.match(comment):
        return f"{match[1]}: {common}"
    if common and comment.startswith(("of ", "with ")):  # it narrows what the name says
        return f"{common}; {comment}"
    return common if comment.startswith(("…", "or ")) else comment or common


class Explained:
    """The docstring of a class of this library: its file's first sentence, what was written there, and what its arguments mean."""

    def __init__(self, cls: type):
        self.text = cls.__dict__.get("__doc__")

    def __get__(self, model: Any, cls: Any = None) -> str:
        title = "" if ".core." in cls.__module__ else (sys.modules[cls.__module__].__doc__ or "").partition("\n\n")[0]
        width = max(map(len, cls._signature.parameters)) + 6
        arguments = [textwrap.fill(text, 130, initial_indent=f"    {name}".ljust(width), subsequent_indent=" " * width) for name, text in explain(cls).items()]
        return "\n\n".join(filter(None, (title, inspect.cleandoc(self.text or ""), "Arguments:\n" + "\n".join(arguments)))) + "\n"
