"""sb3-course: the command line over the library, the harness and the course.

An error is one line on stderr. Exit codes: 2 for a user's mistake, 3 for incomplete data and for an exercise that is not passed yet, 4 for damaged data,
1 for a bug of ours, 130 when interrupted. SB3_COURSE_DEBUG=1 shows the traceback.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from benchmarks import HarnessError, UserError
from benchmarks.store.plain import one_line
from from_scratch.registry import ENTRIES, UnknownAlgorithm
from sb3_course import terminal
from sb3_course.teaching import verbs as course_verbs


class Parser(argparse.ArgumentParser):
    """argparse, but its complaints are one line."""

    def error(self, message: str) -> NoReturn:
        invalid = re.match(r"argument (VERB|ACTION): invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if invalid:
            what, word, verbs = invalid[1].lower(), invalid[2], invalid[3].replace("'", "").split(", ")
            near = difflib.get_close_matches(word, verbs, n=1)
            message = f"unknown {what} '{word}': " + (f"did you mean '{near[0]}'?" if near else f"there are {', '.join(verbs)}")
        raise UserError(f"{message} ({self.prog} --help)")


class Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Examples stay as they are written, and a default is told once: where there is one, and the words do not tell it."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        is_told = "default" in (action.help or "") or action.default is None or action.default is False or action.default in ("", [])
        return action.help if is_told else super()._get_help_string(action)


MOST_SAID = 2000  # characters of an error that is printed


Verb = Callable[..., argparse.ArgumentParser]  # verb(name, module, function, help, example) of `parser`


def trust(sub: argparse.ArgumentParser, what: str) -> None:
    sub.add_argument("--trust", action="store_true", help=f"{what}: its author is trusted (docs/safe.md)")


def _add_store(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--store", metavar="URL", help="such as s3://BUCKET/PREFIX: runs that are there are fetched, and those that finish are delivered")


def _of_model(verb: argparse.ArgumentParser) -> None:
    """The words that say which model of a training or a study is meant, as for `enjoy`."""
    verb.add_argument("--algo", help="the algorithm, as for train")
    verb.add_argument("--env", help="of a training or a study's run: the environment, as for train")
    verb.add_argument("-f", "--folder", default="logs", metavar="DIR", help="where train saved it")
    verb.add_argument("--exp-id", type=int, default=0, metavar="ID", help="which of its trainings; 0: the latest")
    verb.add_argument("--study", metavar="STUDY", help="a run of a study instead, by its directory, its name or its archive: the median one by final score")
    verb.add_argument("--run-seed", type=int, metavar="K", help="of a study: the run with this seed instead")
    verb.add_argument("--load-best", action="store_true", help="the best evaluated model, not the last")
    verb.add_argument("--load-checkpoint", type=int, default=0, metavar="N", help="the one that --save-freq saved after N steps, not the last model")
    verb.add_argument("--load-last-checkpoint", action="store_true", help="the last that --save-freq saved")
    trust(verb, "also import wrappers that are not known here, and unpickle a model that cannot be read otherwise")


def _add_track(verb: argparse.ArgumentParser, what: str, required: bool = False) -> None:
    verb.add_argument("--track", action="append", default=[], required=required, metavar="TRACKER",
                      help=f"{what}: tensorboard[:FOLDER], wandb[:PROJECT], trackio[:PROJECT] or mlflow:URI (may be repeated; docs/tracking.md)")


def _add_limits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--address", metavar="HOST:PORT", help="with --launcher ray: of a cluster that runs, or auto (default: one of this machine's own)")
    verb.add_argument("--limit-minutes", type=float, metavar="N", help="of a run: one that takes longer is ended, and has failed (default: none)")
    verb.add_argument("--limit-memory", type=float, metavar="GIB", help="of a run's process, likewise (default: none)")


def _add_study(verb: argparse.ArgumentParser, before: str = "") -> None:
    """The words that say which study: of `compare`, and of `register`, which has to understand the same ones."""
    verb.add_argument("suite", nargs="?", help=f"{before}a suite's name (sb3-course list) or YAML file (default: quickstart)")
    verb.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="Hydra overrides of the suite, such as seeds=3 steps=5000")
    verb.add_argument("--algos", metavar="A,B", help="instead of a suite: algorithms; your own as module:Class or path/to/file.py:Class")
    verb.add_argument("--envs", metavar="X,Y", help="instead of a suite: environments; your own as module:id")
    verb.add_argument("--datasets", metavar="D,E", help="instead of environments, for those who learn from data: data sets by name or path")
    verb.add_argument("--pairs", metavar="A:B,…", help="with --algos: what is compared with what (default: every pair, or the first against the rest)")
    verb.add_argument("--arm", action="append", nargs="+", default=[], metavar=("NAME", "K:V"),
                      help="with --algos: what a variant has over its algorithm, such as dqn~n3 n_steps:3 (may be repeated)")
    verb.add_argument("--seeds", type=int, metavar="N", help="runs of each algorithm on each environment (default: the suite's, or 10)")
    verb.add_argument("-n", "--n-timesteps", type=int, metavar="N", help="training steps of every run (default: the suite's or the tuned numbers)")
    verb.add_argument("--sequential", action="store_true", help="seeds in batches, until the comparisons are decided; --seeds is the stated maximum")
    verb.add_argument("--batch", type=int, default=5, metavar="N", help="with --sequential: seeds in a batch")


def _declare_list(verb: Verb) -> None:
    catalogue = verb("list", "catalogue", "run", "algorithms, environments with tuned settings, suites", example="sb3-course list --envs")
    catalogue.add_argument("--envs", action="store_true", help="instead: the environments of this library")


def _declare_train(verb: Verb) -> None:
    train = verb("train", "train", "run", "train one model, score it as it goes, save it (flags as in the RL Zoo)",
                 example="sb3-course train --algo q_learning --env FrozenLake-v1 -n 20000 --env-kwargs is_slippery:False")
    train.add_argument("--algo", required=True, help="an algorithm's id; sb3/... runs the Stable-Baselines3 twin; your own: module:Class, path/file.py:Class")
    train.add_argument("--env", help="a Gymnasium id; module:id imports that module first")
    train.add_argument("--dataset", help="instead of --env, for those who learn from data: a data set by name or path, which says its environment")
    train.add_argument("-n", "--n-timesteps", type=int, metavar="N", help="training steps (default: the tuned number)")
    train.add_argument("--seed", type=int, default=0, help="of weights, exploration and environments")
    train.add_argument("--n-envs", type=int, help="training environments (default: the tuned number)")
    train.add_argument("-params", "--hyperparams", nargs="+", default=[], metavar="K:V",
                       help='overrides, such as learning_rate:0.01 policy_kwargs:"dict(net_arch=[64])"')
    train.add_argument("-conf", "--conf-file", dest="conf", metavar="FILE", help="settings from there: tune's best.yaml, another suite, or the RL Zoo's form")
    train.add_argument("--study", metavar="DIR", help="settings of a trial of tuning in DIR: with --trial-id")
    train.add_argument("--trial-id", type=int, metavar="N", help="with --study: which trial")
    train.add_argument("--env-kwargs", nargs="+", default=[], metavar="K:V", help="arguments of the environment, such as is_slippery:False")
    train.add_argument("--eval-freq", type=int, default=25000, metavar="N", help="evaluate every N training steps; 0 or less: never")
    train.add_argument("--eval-episodes", type=int, default=5, metavar="N", help="episodes of an evaluation")
    train.add_argument("--save-freq", type=int, default=-1, metavar="N", help="also save the model every N steps (default: at the end only)")
    train.add_argument("--save-replay-buffer", action="store_true", help="with each of these models, and with the best, also its replay memory, if it has one")
    train.add_argument("--checkpoint-freq", type=int, default=-1, metavar="N", help="keep a checkpoint, replaced every N steps, for --resume (default: none)")
    train.add_argument("--resume", action="store_true",
                       help="finish the latest training of this algorithm on this environment, from its checkpoint and by its own settings")
    train.add_argument("--exp-id", type=int, default=0, metavar="ID", help="with --resume: which training; 0: the latest")
    train.add_argument("-f", "--log-folder", default="logs", metavar="DIR", help="where the model, its settings and its evaluations are saved")
    train.add_argument("-tb", "--tensorboard-log", default="", metavar="DIR", help="also write TensorBoard's files there (default: none)")
    _add_track(train, "also tell a tracker, live, of all that is logged")
    train.add_argument("-P", "--progress", action="store_true", help="show a progress bar")
    trust(train, "with -conf or --study: also import wrappers that are not known here; with --resume: a checkpoint that is more than data")
    train.add_argument("--verbose", type=int, default=1, choices=(0, 1, 2), help="0 prints nothing, 1 tables and evaluations, 2 what debugging needs too")


def _declare_enjoy(verb: Verb) -> None:
    enjoy = verb("enjoy", "enjoy", "run", "watch a model that train saved, or one of a study",
                 example="sb3-course enjoy --algo q_learning --env FrozenLake-v1 -n 100 --no-render")
    enjoy.add_argument("--algo", help="the algorithm, as for train; not of a file that was exported")
    enjoy.add_argument("--env", required=True, help="the environment, as for train")
    enjoy.add_argument("-f", "--folder", default="logs", metavar="DIR", help="where train saved it")
    enjoy.add_argument("--exp-id", type=int, default=0, metavar="ID", help="which of its trainings; 0: the latest")
    enjoy.add_argument("--study", metavar="STUDY", help="a run of a study instead, by its directory, its name or its archive: the median one by final score")
    enjoy.add_argument("--run-seed", type=int, metavar="K", help="of a study: the run with this seed instead")
    enjoy.add_argument("--exported", metavar="FILE", help="instead: a policy that export wrote; nothing else of it is needed")
    enjoy.add_argument("-n", "--n-timesteps", type=int, metavar="N", help="steps to play (default: 1000; of a film: the first episode, at most as many)")
    enjoy.add_argument("--load-best", action="store_true", help="the best evaluated model, not the last")
    enjoy.add_argument("--load-checkpoint", type=int, default=0, metavar="N", help="the one that --save-freq saved after N steps, not the last model")
    enjoy.add_argument("--load-last-checkpoint", action="store_true", help="the last that --save-freq saved")
    enjoy.add_argument("--no-render", action="store_true", help="print the returns only")
    enjoy.add_argument("--gif", metavar="FILE", help="no window: write what is played there, as an animated picture")
    enjoy.add_argument("--mp4", metavar="FILE", help="the same as a video (needs sb3-course[video])")
    enjoy.add_argument("--stochastic", action="store_true", help="sample actions")
    enjoy.add_argument("--seed", type=int, default=0, help="of the environment, and of sampled actions")
    trust(enjoy, "also import wrappers that are not known here, and unpickle a model that cannot be read otherwise")


def _declare_export(verb: Verb) -> None:
    export = verb("export", "export", "run", "a model as one ONNX, TorchScript or .pt2 file that equals it where they were compared",
                  example="sb3-course export --algo q_learning --env FrozenLake-v1 --out frozen_lake.pt")
    export.add_argument("model", nargs="?", metavar="MODEL.zip",
                        help="a model's file, of ours or of Stable-Baselines3's; without it a training or a study's run")
    _of_model(export)
    export.add_argument("--out", metavar="FILE", help="ending in .onnx, .pt (TorchScript) or .pt2 (default: the model's name)")
    export.add_argument("--format", choices=("onnx", "torchscript", "pt2"), help="default: as --out ends, or onnx")
    export.add_argument("--vecnormalize", metavar="FILE", help="statistics of normalisation that a MODEL.zip was trained with (vecnormalize.pkl)")
    export.add_argument("--frame-stack", type=int, metavar="N", help="frames that a MODEL.zip was trained to see at once")
    export.add_argument("--check-env", metavar="ID", help="where it is played to compare (default: --env; of a MODEL.zip, observations are drawn)")
    export.add_argument("--observations", metavar="FILE", help="compare at these instead: an .npz with an array observations, or observations/KEY of a Dict")
    export.add_argument("--n-observations", type=int, default=1000, metavar="N", help="at how many it is compared")
    export.add_argument("--stochastic", action="store_true", help="also put out the distribution, so that actions can be sampled")
    export.add_argument("--opset", type=int, metavar="N", help="of ONNX (default: 18)")


def _declare_control(verb: Verb) -> None:
    control = verb("control", "control", "run", "an exported policy in a control loop at a fixed rate: misses, latency, jitter",
                   example="sb3-course control frozen_lake.pt --env FrozenLake-v1 --rate 5 --seconds 1")
    control.add_argument("policy", metavar="FILE", help="that export wrote")
    control.add_argument("--env", required=True, help="the environment that stands for the world")
    control.add_argument("--rate", type=float, default=50.0, metavar="HZ", help="actions a second")
    control.add_argument("--seconds", type=float, default=10.0, metavar="S", help="how long")
    control.add_argument("--deadline", type=float, metavar="MS", help="milliseconds from a period's observation to its action (default: the period)")
    control.add_argument("--on-miss", choices=("safe", "hold"), default="safe", help="what is done instead: the safe action, or the last one for 0.2 s")
    control.add_argument("--safe", metavar="ACTION", help="the safe action, such as 0 or '[0.0]' (default: zeros)")
    control.add_argument("--most-misses", type=int, default=10, metavar="N", help="in a row, after which the loop stops")
    control.add_argument("--slew", type=float, metavar="X", help="by how much a Box's numbers may change in a second")
    control.add_argument("--spin", type=float, default=0.0, metavar="MS", help="how long before a period to stop sleeping and watch the clock")
    control.add_argument("--seed", type=int, default=0, help="of the environment")
    control.add_argument("--json", metavar="FILE", help="also write the report there")


def _declare_compare(verb: Verb) -> None:
    compare = verb("compare", "compare", "compare", "run a study and report it; the same words again continue it",
                   example="sb3-course compare --algos ppo,sb3/ppo --envs CartPole-v1 --seeds 3 -n 2048 --out studies/first")
    _add_study(compare)
    compare.add_argument("--jobs", type=int, metavar="N", help="processes (default: physical cores, or processors of the cluster)")
    compare.add_argument("--launcher", help="local, a pool of processes; ray, a cluster; slurm, its queue; or inprocess, for debugging (default: the suite's)")
    _add_limits(compare)
    compare.add_argument("--out", metavar="DIR", help="where the study lives (default: studies/NAME)")
    _add_store(compare)
    _add_track(compare, "mirror each run, as it finishes, in a tracker")
    compare.add_argument("--allow-partial", action="store_true", help="report although runs are missing, and say so in the report")
    compare.add_argument("--dry-run", action="store_true", help="check everything and print the plan")
    trust(compare, "also import algorithms, environments and wrappers of a suite's file that are not known here")


def _declare_register(verb: Verb) -> None:
    register = verb("register", "register", "run", "a digest of a study's plan, margin, seeds and code, to be posted before it runs",
                    example="sb3-course register --algos ppo,sb3/ppo --envs CartPole-v1 --seeds 3 -n 2048")
    _add_study(register, "a study's directory or archive, or, as for compare, ")
    trust(register, "also import algorithms and environments of a suite's file that are not known here")
    register.set_defaults(jobs=None, launcher=None, address=None, limit_minutes=None, limit_memory=None)


def _declare_status(verb: Verb) -> None:
    status = verb("status", "compare", "status", "what is done, running, failed, missing", example="sb3-course status first")
    status.add_argument("study", nargs="?", default="quickstart", help="a directory, or a name under studies/")


def _declare_retry(verb: Verb) -> None:
    retry = verb("retry", "compare", "retry", "run failed, damaged and missing runs again", example="sb3-course retry first")
    retry.add_argument("study", nargs="?", default="quickstart", help="a directory, or a name under studies/")
    retry.add_argument("--jobs", type=int, metavar="N", help="processes (default: the study's)")
    _add_limits(retry)
    _add_store(retry)
    _add_track(retry, "mirror each run, as it finishes, in a tracker")
    retry.add_argument("--allow-partial", action="store_true", help="report although runs are missing, and say so in the report")
    trust(retry, "also import what is not known here")


def _declare_report(verb: Verb) -> None:
    report = verb("report", "report", "report", "make the report of a study again; of two studies; or of runs that other programs made",
                  example="sb3-course report first\nsb3-course report first --figures pdf --only curves,comparisons --tables per-task")
    report.add_argument("study", nargs="?", help="a directory, or a name under studies/ (default: quickstart)")
    report.add_argument("--allow-partial", action="store_true", help="report although runs are missing, and say so in the report")
    report.add_argument("--pdf", action="store_true", help="also report.pdf (needs the extra report-pdf)")
    report.add_argument("--parquet", action="store_true", help="also the scores and curves as Parquet")
    report.add_argument("--no-animations", action="store_true", help="no animation of the median run, although models are kept")
    trust(report, "make films that are missing, from the stored models")
    report.add_argument("--figures", choices=("pdf", "svg"), help="no report, but its figures for a paper: each as a file, with captions.tex (docs/paper.md)")
    report.add_argument("--only", metavar="NAME,…", help="with --figures: these, such as curves or tasks-control-CartPole-v1 (default: all)")
    report.add_argument("--width", choices=("column", "text"), default="column", help="of figures and tables: a column (3.25 in), or the text of two (6.75 in)")
    report.add_argument("--tables", metavar="NAME,…", help="no report, but these of its tables as .tex files, such as comparisons,per-task; all: every one")
    report.add_argument("--columns", metavar="NAME,…", help="with --tables: these of their columns, such as algorithm,IQM (default: all)")
    report.add_argument("--against", metavar="STUDY", help="this study beside another one, or an archive of one")
    report.add_argument("--from-zoo", metavar="LOGS", help="runs in the folders of the RL Zoo: LOGS/algo/env_1/...")
    report.add_argument("--from-sb3", metavar="PATTERN", help="runs with evaluations.npz, monitor.csv or progress.csv, such as 'runs/{algo}/{env}/{seed}'")
    report.add_argument("--from-csv", nargs="+", metavar="FILE",
                        help="tables with a row for each run and checkpoint, or each run and episode; charts that Weights & Biases exported")
    report.add_argument("--from-wandb", nargs="+", metavar="PLACE",
                        help="runs of Weights & Biases: its folder wandb/, runs exported as JSON, or ENTITY/PROJECT by its API")
    report.add_argument("--from-marl-eval", nargs="+", metavar="FILE", help="the JSON that marl-eval, Mava and BenchMARL write (--column score=METRIC)")
    report.add_argument("--marl-eval", metavar="FILE", help="also write the study's runs there as marl-eval's JSON")
    report.add_argument("--column", action="append", default=[], metavar="MEANING=NAME",
                        help="a column of the CSV: algo, env, seed, step, score, seconds, or run, the run's name")
    report.add_argument("--run-names", metavar="PATTERN|FILE", help="how the names of runs read, such as '{algo}-{env}-{seed}' (default: CleanRL's), "
                                                                    "or a CSV table of the runs: name, algo, env, seed")
    report.add_argument("--known", action="append", default=[], metavar="MEANING=VALUE", help="what all runs of the CSV share: algo, env or seed")
    report.add_argument("--scores", choices=("auto", "evaluations", "training"), default="auto",
                        help="evaluations.npz, or the episodes of training; auto: evaluations where there are any")
    report.add_argument("--points", type=int, default=20, metavar="N", help="checkpoints for scores from episodes of training")
    report.add_argument("--window", type=int, default=100, metavar="N", help="a score from episodes of training is the mean of the last N")
    report.add_argument("--normalise", metavar="FILE", help="YAML with random and expert scores of each environment (known ones have theirs)")
    report.add_argument("--reps", type=int, default=50_000, metavar="N", help="bootstrap repetitions, for runs that other programs made")
    report.add_argument("--name", help="title, for runs that other programs made")
    report.add_argument("--out", metavar="DIR", help="where it is written (default: the study's report/, or reports/NAME; for a paper, figures/NAME)")


def _declare_reproduce(verb: Verb) -> None:
    reproduce = verb("reproduce", "reproduce", "run", "verify a study: 1 its files, 2 its numbers, 3 a sample of its runs, 4 all of them",
                     example="sb3-course reproduce first --level 2")
    reproduce.add_argument("study", help="a directory, a name under studies/, or an archive")
    reproduce.add_argument("--level", type=int, default=2, choices=(1, 2, 3, 4), help="each includes those before it")
    reproduce.add_argument("--sample", type=int, default=2, metavar="K", help="level 3: how many runs are trained again")
    reproduce.add_argument("--seed", type=int, help="level 3: draw the runs that another verification drew (default: by chance)")
    reproduce.add_argument("--run", action="append", default=[], metavar="NAME", help="level 3: this run, by the name of its folder (may be repeated)")
    reproduce.add_argument("--jobs", type=int, metavar="N", help="processes (default: 1, and at level 4 the physical cores)")
    reproduce.add_argument("--out", metavar="DIR", help="level 4: an empty folder where the new runs are kept (default: nowhere)")
    reproduce.add_argument("--secret", metavar="WORD", help="level 4: continue in --out what an interrupted verification printed this for")
    reproduce.add_argument("--registered", metavar="DIGEST", help="that the author posted before the runs (sb3-course register)")
    reproduce.add_argument("--json", metavar="FILE", help="also write the findings there")
    trust(reproduce, "levels 3 and 4: also import what is not known here")


def _declare_archive(verb: Verb) -> None:
    archive = verb("archive", "report", "pack", "a study as one file that reproduce verifies elsewhere",
                   example="sb3-course archive first first.tar.gz")
    archive.add_argument("study", help="a directory, or a name under studies/")
    archive.add_argument("file", nargs="?", help="its name, ending in .tar.gz (default: the study's)")
    archive.add_argument("--no-models", action="store_true", help="leave the trained models out")


def _declare_query(verb: Verb) -> None:
    query = verb("query", "query", "run", "SQL over the tables of studies: runs, curve, episodes, training",
                 example="sb3-course query 'SELECT algo, env, avg(score) FROM curve GROUP BY ALL' first")
    query.add_argument("sql", metavar="SQL", help="a statement of DuckDB's; every table has a column study besides its own (docs/scale.md)")
    query.add_argument("study", nargs="+", help="directories, or names under studies/: their tables are read as one")
    query.add_argument("--csv", metavar="FILE", help="write all rows there instead of showing the first")


def _declare_compact(verb: Verb) -> None:
    compact = verb("compact", "query", "compact", "a finished study in a few files instead of a folder for each run; it is read as before",
                   example="sb3-course compact first studies/first-compact")
    compact.add_argument("study", help="a directory, or a name under studies/")
    compact.add_argument("target", metavar="NEW", help="a folder that does not exist")
    compact.add_argument("--no-models", action="store_true", help="leave the trained models out")


def _declare_mirror(verb: Verb) -> None:
    mirror = verb("mirror", "mirror", "run", "the runs of a study in a tracker: TensorBoard, Weights & Biases, Trackio, MLflow; again: what it lacks",
                  example="sb3-course mirror first --track tensorboard")
    mirror.add_argument("study", help="a directory, a name under studies/, or an archive")
    _add_track(mirror, "where", required=True)
    mirror.add_argument("--attach", action="append", default=[], metavar="WHAT", help="also keep there: report, models (may be repeated)")


def _declare_card(verb: Verb) -> None:
    card = verb("card", "card", "run", "a folder to publish: a study's policy as a file without a pickle, and a model card with intervals",
                example="sb3-course card --study first --algo ppo --env CartPole-v1 --format torchscript --out ppo-cartpole")
    card.add_argument("--study", metavar="STUDY", help="whose runs they are: its directory, its name or its archive")
    card.add_argument("--algo", help="the algorithm")
    card.add_argument("--env", help="the environment")
    card.add_argument("--run-seed", type=int, metavar="K", help="the run with this seed, instead of the median one")
    card.add_argument("--out", metavar="DIR", help="a folder that does not exist (default: ALGO-ENV)")
    card.add_argument("--format", choices=("onnx", "torchscript", "pt2"), help="of the policy (default: onnx)")
    card.add_argument("--n-observations", type=int, default=1000, metavar="N", help="at how many the file is compared with the model")
    card.add_argument("--push", metavar="REPO", help="upload it to the Hugging Face Hub, such as name/ppo-CartPole-v1 (needs sb3-course[export], and a login)")
    card.set_defaults(load_best=False, load_checkpoint=0, load_last_checkpoint=False)
    trust(card, "also import wrappers that are not known here, and unpickle a model that cannot be read otherwise")


def _declare_power(verb: Verb) -> None:
    power = verb("power", "power", "run", "how many seeds: power by simulation from a study's scores, or from a given spread and effect",
                 example="sb3-course power first --effect 50 --seeds 5,10,20 --reps 200")
    power.add_argument("study", nargs="?", help="a directory, or a name under studies/; without one, give --sd")
    power.add_argument("--effect", type=float, help="the difference to be found, in the scores' unit (default: each comparison's margin)")
    power.add_argument("--margin", type=float, help="of equivalence, in the scores' unit (default: the study's)")
    power.add_argument("--sd", type=float, metavar="SD", help="without a study: the standard deviation of a run's score")
    power.add_argument("--failing", type=float, default=0.0, metavar="SHARE", help="without a study: the share of runs that fail (score --failed-at SDs lower)")
    power.add_argument("--failed-at", type=float, default=5.0, metavar="SDS", help="without a study: how many standard deviations lower failed runs score")
    power.add_argument("--seeds", default="3,5,10,15,20,30", metavar="N,…", help="numbers of seeds to try")
    power.add_argument("--reps", type=int, default=1000, metavar="N", help="simulated studies for each number of seeds")
    power.add_argument("--seed", type=int, default=0, help="of the simulation")
    power.add_argument("--comparisons", type=int, metavar="N", help="of the table that Holm corrects (default: those of the study's group; without a study, 1)")
    power.add_argument("--power", type=float, default=0.8, help="the power asked for")
    power.add_argument("--json", metavar="FILE", help="also write the numbers there")


def _declare_parity(verb: Verb) -> None:
    parity = verb("parity", "parity", "run", "compare an algorithm with its Stable-Baselines3 twin, case by case, from the same seed",
                  example="sb3-course parity dqn --list")
    parity.add_argument("algo", help=f"an algorithm with a twin: {', '.join(entry.id for entry in ENTRIES.values() if entry.twin)}")
    parity.add_argument("--case", nargs="+", metavar="NAME", help="only these cases")
    parity.add_argument("--list", action="store_true", help="name the cases")
    parity.add_argument("--seed", type=int, default=0, help="of both sides")
    parity.add_argument("--json", metavar="FILE", help="also write the outcomes there")


def _declare_figure(verb: Verb) -> None:
    figure = verb("figure", "figure", "run", "rerun figures of Sutton & Barto's textbook, their numbers beside those expected",
                  example="sb3-course figure 6.5 --quick")
    figure.add_argument("figures", nargs="*", metavar="ID", help="such as 6.5, ex6.2, or all")
    figure.add_argument("--list", action="store_true", help="name the figures")
    figure.add_argument("--out", default="studies/textbook", metavar="DIR", help="where pictures, numbers and their page are written")
    figure.add_argument("--json", metavar="FILE", help="also write all numbers there")
    figure.add_argument("--jobs", type=int, metavar="N", help="processes (default: physical cores)")
    figure.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="change a hyper-parameter of its algorithms, such as alpha=0.2: drawn into DIR/changed, not judged")
    figure.add_argument("--runs", type=int, metavar="N", help="as many runs instead of the book's: likewise not judged")
    figure.add_argument("--quick", action="store_true", help="a twentieth of the runs, for a first look: numbers are shown, not judged")


def _declare_claim(verb: Verb) -> None:
    claim = verb("claim", "claim", "run", "run claims of papers again: whether the effect is there, with intervals and a verdict",
                 example="sb3-course claim --list\nsb3-course claim gae-lambda --show\nsb3-course claim gae-lambda --quick")
    claim.add_argument("claims", nargs="*", metavar="NAME", help="such as gae-lambda, or all")
    claim.add_argument("--tier", choices=("S", "M", "L"), help="those of this tier: S takes up to 2 minutes of a core, M 15, L 90")
    claim.add_argument("--family", metavar="WORD", help="those of a family, such as 'policy gradient'")
    claim.add_argument("--state", metavar="VERDICT", help="those whose record in DIR says so: reproduced, weaker, contradicted, …, or missing")
    claim.add_argument("--list", action="store_true", help="name them, with what their records say")
    claim.add_argument("--show", action="store_true", help="what the claims say, how they are decided, and what came of them; nothing runs")
    claim.add_argument("--quick", action="store_true", help="a fortieth of the budget on other seeds: tries the machinery and judges nothing")
    claim.add_argument("--out", default=None, metavar="DIR", help="where runs, records, pictures and their page are written (default: studies/claims)")
    claim.add_argument("--json", metavar="FILE", help="also write the records there")
    claim.add_argument("--jobs", type=int, metavar="N", help="processes (default: physical cores)")


def _declare_dataset(verb: Verb) -> None:
    dataset = verb("dataset", "dataset", "run", "recorded steps to learn from: what there is, a card of each, ours made again and checked",
                   example="sb3-course dataset list\nsb3-course dataset show maze/stitching-v0 --out maze.svg\nsb3-course dataset make gamble\n"
                           "sb3-course dataset check grid/soft-v0")
    actions = dataset.add_subparsers(dest="action", metavar="ACTION", required=True, help="what is done; each has a --help of its own")

    def action(name: str, help: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=help, description=help, formatter_class=Help)

    action("list", "ours, and what else is in the folders that are looked into")
    shown = action("show", "a card: steps, episodes, returns, spaces, by whom it was played")
    shown.add_argument("name", metavar="NAME|PATH", help="such as pendulum/medium-v0; a folder of Minari's, an HDF5 file in D4RL's form")
    shown.add_argument("--out", metavar="FILE", help="also draw its returns there, as .svg or .png")
    made = action("make", "make ours: train what plays them, and record it; what is there stays")
    made.add_argument("names", nargs="+", metavar="NAME", help="of a data set or of a family of them, such as hopper; all: every one")
    made.add_argument("--out", metavar="DIR", help="where they are written (default: the folder that the library looks into, docs/datasets.md)")
    made.add_argument("--pack", action="store_true", help="each as one small .npz file, as those that come with the library")
    checked = action("check", "whether a data set is what its manifest says")
    checked.add_argument("name", metavar="NAME|PATH", help="as for show")
    checked.add_argument("--level", type=int, default=2, choices=(1, 2), help="1: its steps as they lie; 2: also made again")


def _declare_tune(verb: Verb) -> None:
    tune = verb("tune", "tune", "run", "search for hyper-parameters with Optuna, over several seeds a trial; the same words again continue it",
                example="sb3-course tune --algo q_learning --env FrozenLake-v1 -n 2000 --trials 6 --out studies/tuned\nsb3-course tune --show studies/tuned")
    tune.add_argument("--algo", help="the algorithm, as for train")
    tune.add_argument("--env", help="the environment, as for train")
    tune.add_argument("--dataset", help="instead of --env, for those who learn from data: a data set by name or path")
    tune.add_argument("--trials", type=int, default=50, metavar="N", help="settings that are tried, those of earlier commands in DIR among them; the first is "
                                                                         "what is tuned from")
    tune.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each setting, in lock-step where the class can")
    tune.add_argument("-n", "--n-timesteps", type=int, metavar="N", help="training steps of a seed (default: the tuned number)")
    tune.add_argument("--n-envs", type=int, metavar="N", help="training environments (default: the tuned number)")
    tune.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that search, of one thread each")
    tune.add_argument("--out", metavar="DIR", help="where the search lives (default: studies/tune-ALGO-ENV)")
    tune.add_argument("--space", metavar="FILE", help="YAML of what is drawn, as docs/tuning.md says (default: the algorithm's own space)")
    tune.add_argument("--sampler", default="tpe", help="tpe, random, cmaes, gp or qmc")
    tune.add_argument("--pruner", default="median", help="which ends hopeless trials early: median, halving, hyperband or none")
    tune.add_argument("--startup", type=int, metavar="N", help="trials before the sampler draws, and the pruner ends, by what was found (default: 10, and 5)")
    tune.add_argument("--seed", type=int, default=0, help="of the sampler; the trials' own are 10000 and those behind, which no study uses by itself")
    tune.add_argument("-params", "--hyperparams", nargs="+", default=[], metavar="K:V", help="settings that are given, and not drawn")
    tune.add_argument("--env-kwargs", nargs="+", default=[], metavar="K:V", help="arguments of the environment")
    tune.add_argument("--eval-points", type=int, default=5, metavar="N", help="evaluations of a trial, after each of which it may be ended")
    tune.add_argument("--eval-episodes", type=int, default=10, metavar="N", help="episodes of an evaluation, for each seed")
    tune.add_argument("--last", type=int, default=1, metavar="N", help="a seed's score is the mean of its last N evaluations")
    tune.add_argument("--confirm", type=int, default=0, metavar="K", help="train the best K, and what is tuned from, again on fresh seeds, and choose by these")
    tune.add_argument("--confirm-seeds", type=int, default=10, metavar="N", help="with --confirm: how many fresh seeds")
    tune.add_argument("--show", metavar="DIR", help="no search: show what was found there, and write its page again")
    tune.add_argument("--dry-run", action="store_true", help="check everything and print what would be drawn")


def _declare_doctor(verb: Verb) -> None:
    doctor = verb("doctor", "doctor", "run", "check this installation, and say how to mend it", example="sb3-course doctor")
    doctor.add_argument("--warm", action="store_true", help="compile now what a first training would compile, and stop")
    doctor.add_argument("--all", action="store_true", help="list every pinned package, not only those that differ")


VERBS: tuple[Callable[[Verb], None], ...] = (  # as they are listed
    _declare_list, _declare_train, _declare_enjoy, _declare_export, _declare_control, _declare_compare, _declare_register, _declare_status,
    _declare_retry, _declare_report, _declare_reproduce, _declare_archive, _declare_query, _declare_compact, _declare_mirror, _declare_card,
    _declare_power, _declare_parity, _declare_figure, _declare_claim, _declare_dataset, _declare_tune, course_verbs.declare, _declare_doctor,
)


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="sb3-course", description="Train, compare and watch reinforcement learning algorithms, from scratch and Stable-Baselines3's.",
                 epilog="sb3-course VERB --help explains a verb, with an example.")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, module: str, function: str, help: str, example: str = "") -> argparse.ArgumentParser:
        """example: lines that can be typed as they stand; those of the verbs on studies follow each other."""
        epilog = "for example:\n" + "\n".join(f"  {line}" for line in example.splitlines()) if example else None
        sub = verbs.add_parser(name, help=help, description=help, epilog=epilog, formatter_class=Help)
        sub.set_defaults(module=f"sb3_course.commands.{module}", function=function)
        return sub

    for declare in VERBS:
        declare(verb)
    return top


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """argparse leaves words that follow a flag; for `compare` they are overrides, elsewhere a mistake."""
    top = parser()
    args, rest = top.parse_known_args(arguments)
    if rest:
        if args.verb not in ("compare", "register") or any(word.startswith("-") or "=" not in word for word in rest):
            raise UserError(f"unrecognized arguments: {' '.join(rest)} (sb3-course {args.verb} --help)")
        args.overrides += rest
    return args


def main(arguments: list[str] | None = None) -> int:
    """The exit code. Whatever is printed on the way is printable: names and errors may be a stranger's."""
    with terminal.clean():
        return _main(arguments)


def _main(arguments: list[str] | None) -> int:
    debug = os.environ.get("SB3_COURSE_DEBUG", "") not in ("", "0")
    try:
        args = parse(arguments)
        return getattr(importlib.import_module(args.module), args.function)(args) or 0
    except KeyboardInterrupt:
        return _say("interrupted: what was finished is kept; the same command continues", 130)
    except BrokenPipeError:  # the reader, such as head, had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        if isinstance(error, UnknownAlgorithm):
            return _say(str(error), 2)
        if isinstance(error, HarnessError):
            return _say(str(error), error.exit_code)
        return _say(f"unexpected {type(error).__name__}: {one_line(str(error))[:300]} (SB3_COURSE_DEBUG=1 shows where)", 1)


def _say(line: str, code: int) -> int:
    print(one_line(line[:MOST_SAID]), file=sys.stderr)  # an error may quote what a file holds
    return code


if __name__ == "__main__":
    sys.exit(main())
