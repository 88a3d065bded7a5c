"""sb3-course card: a folder to publish, of a study's run: the policy as a file without a pickle, and a model card whose scores have their intervals.

    OUT/  README.md  policy.onnx  runtime.py  recorded.npz  .eval_results/ENV.yaml

The scores are those of all finished runs of the algorithm on the environment, the policy is the median one's. Nothing is uploaded unless --push says where.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import math
import shutil
from pathlib import Path
from typing import Any

import yaml

from benchmarks import UserError, stats
from benchmarks.evidence.records import Statistics
from benchmarks.reproduction import archive
from benchmarks.running import launchers
from benchmarks.store import records
from benchmarks.store.files import made_whole
from benchmarks.studies import study as studies
from from_scratch import registry
from sb3_course.commands import export as exporting
from sb3_course.commands.train import folder_name

DATASET = "gymnasium/{}"  # of .eval_results, where nobody says another


def run(args: argparse.Namespace) -> int:
    launchers.one_thread()
    if not args.study or not args.algo or not args.env:
        raise UserError("card needs --study, --algo and --env: its numbers are those of a study's runs")
    args.algo, args.env = studies.spelled(args.algo), studies.spelled(args.env)
    if args.push and importlib.util.find_spec("huggingface_hub") is None:
        raise UserError('--push needs huggingface_hub: pip install "sb3-course[export]"')
    out = Path(args.out or f"{folder_name(args.algo)}-{folder_name(args.env)}")
    if out.exists():
        raise UserError(f"--out {out} exists: give the name of a folder that does not")
    facts = scores(args)
    file = "policy" + exporting.ENDINGS[args.format or "onnx"]
    words = argparse.Namespace(**vars(args), vecnormalize=None, frame_stack=None, observations=None, stochastic=False, opset=None)
    with made_whole(out) as folder:
        with exporting.opened(args) as (model, _, saved):
            told = {"study": facts["study"], "study_hash": facts["hash"], "run_seed": facts["seed"]}
            written = exporting.export(model, folder / file, words, None, more=told)
        write(folder, file, facts, written, dict(saved.raw))
    print(f"{out}: {', '.join(sorted(str(path.relative_to(out)) for path in out.rglob('*') if path.is_file()))}")
    print(f"mean return {facts['mean']:.2f}, {facts['confidence']:.0%} interval {interval(facts)}, {facts['n']} runs")
    if args.push:
        push(out, args.push)
    return 0


def scores(args: argparse.Namespace) -> dict[str, Any]:
    """What the study says of the algorithm on the environment."""
    import numpy as np

    from sb3_course.commands.enjoy import _chosen

    with archive.opened(args.study) as store:
        study = store.study()
        records.demand(study)
        with contextlib.redirect_stdout(io.StringIO()):
            chosen = _chosen(store, args)
        runs = [run for _, run in store.planned() if (run.algo, run.env) == (args.algo, args.env)]
        finished = [run for run in runs if store.status(run)[0] == "finished"]
        curves = {run.seed: store.table(run, "curve").sort_values("step") for run in finished}
        how = Statistics.of(study)
        final = {seed: float(curve["score"].iloc[-1]) for seed, curve in sorted(curves.items())}
        found: dict[str, Any] = {
            "algo": args.algo, "env": args.env, "study": study.name, "hash": study.hash, "seed": chosen.seed, "n": len(final), "planned": len(runs),
            "final": final, "steps": int(curves[chosen.seed]["step"].iloc[-1]), "episodes": (study.protocol or {}).get("eval_episodes", "the protocol's"),
            "is_median": args.run_seed is None, "confidence": how.confidence, "reps": how.reps, "source": study.source or {}, "of_run": final[chosen.seed],
        }  # fmt: skip
    summary = stats.task_summary(np.array(list(final.values())), **how.options)
    iqm = summary.bootstrap
    return found | {"mean": summary.mean, "low": float(summary.t.low), "high": float(summary.t.high), "sd": summary.sd, "median": summary.median,
                    "note": summary.t.note, "iqm": summary.iqm, "iqm_low": float(iqm.low), "iqm_high": float(iqm.high), "iqm_note": iqm.note}  # fmt: skip


def write(folder: Path, file: str, facts: dict[str, Any], written: Any, raw: dict[str, Any]) -> None:
    """What lies beside the policy."""
    import numpy as np

    from from_scratch.deploy import runtime

    shutil.copy(Path(runtime.__file__), folder / "runtime.py")
    seen, recorded = written.recorded.observations, written.recorded
    if not isinstance(recorded.actions[0], dict | tuple):
        obs = {f"observations/{key}": x for key, x in seen.items()} if isinstance(seen, dict) else {"observations": seen}
        masks = {} if recorded.masks is None else {"action_masks": recorded.masks}
        np.savez_compressed(folder / "recorded.npz", **obs, **masks, **recorded.told, episode_starts=recorded.starts, actions=np.array(recorded.actions))
    (folder / ".eval_results").mkdir()
    results = yaml.safe_dump(eval_results(facts), sort_keys=False, allow_unicode=True)
    (folder / ".eval_results" / f"{folder_name(facts['env'])}.yaml").write_text(results, encoding="utf-8")
    (folder / "README.md").write_text(page(file, facts, written, raw), encoding="utf-8")


def interval(facts: dict[str, Any], of: str = "") -> str:
    low, high = facts[f"{of}low"], facts[f"{of}high"]
    return f"[{low:.2f}, {high:.2f}]" if math.isfinite(low) and math.isfinite(high) else f"no interval: {facts[f'{of}note'] or 'too few runs'}"


def in_words(facts: dict[str, Any]) -> str:
    return (f"mean over {facts['n']} runs, each with a seed of its own, of the mean return over {facts['episodes']} episodes after training; "
            f"{facts['confidence']:.0%} t interval: {interval(facts)}")  # fmt: skip


def eval_results(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The Hub's .eval_results/*.yaml. It shows them where the data set is one of its benchmarks."""
    dataset = {"id": DATASET.format(folder_name(facts["env"])), "task_id": folder_name(facts["env"])}
    return [{"dataset": dataset, "value": round(facts["mean"], 4), "notes": in_words(facts)}]


def metadata(facts: dict[str, Any]) -> dict[str, Any]:
    """The front matter, with the Hub's model-index."""
    values = f"{facts['mean']:.2f} {interval(facts)}"
    metrics = [
        {"type": "mean_reward", "name": f"mean return, {facts['confidence']:.0%} t interval over {facts['n']} runs", "value": values, "verified": False},
        {"type": "iqm_reward", "name": f"interquartile mean, {facts['confidence']:.0%} bootstrap interval over {facts['n']} runs",
         "value": f"{facts['iqm']:.2f} {interval(facts, 'iqm_')}", "verified": False},
    ]  # fmt: skip
    task = {"type": "reinforcement-learning", "name": "reinforcement-learning"}
    result = {"task": task, "dataset": {"name": facts["env"], "type": facts["env"]}, "metrics": metrics}
    tags = [facts["env"], facts["algo"], "reinforcement-learning", "stable-baselines3", "sb3-course"]
    return {"library_name": "sb3-course", "tags": tags, "model-index": [{"name": facts["algo"], "results": [result]}]}


def page(file: str, facts: dict[str, Any], written: Any, raw: dict[str, Any]) -> str:
    entry = registry.find(facts["algo"])
    settings = yaml.safe_dump(raw, sort_keys=True, allow_unicode=True) if raw else "{}\n"
    versions = ", ".join(f"{name} {version}" for name, version in written.about["versions"].items() if version)
    commit = facts["source"].get("commit") if isinstance(facts["source"], dict) else None
    each = ", ".join(f"{seed}: {score:.2f}" for seed, score in facts["final"].items())
    which = "the median by final score of" if facts["is_median"] else "chosen among"
    missing = "" if facts["n"] == facts["planned"] else f" Of {facts['planned']} planned runs {facts['planned'] - facts['n']} are missing."
    last = "" if not commit else f", commit `{commit}`"
    few = "" if facts["n"] >= 10 else f" {facts['n']} runs are few: intervals from fewer than ten are wide, and may be too narrow all the same."
    return f"""---
{yaml.safe_dump(metadata(facts), sort_keys=False, allow_unicode=True)}---

# {entry.title} on {facts["env"]}

{entry.title} ({entry.paper}), trained for {facts["steps"]:,} steps. The policy in `{file}` is that of seed {facts["seed"]}, {which} {facts["n"]} runs.

## How good it is

| what | value | {facts["confidence"]:.0%} interval | kind |
| --- | --- | --- | --- |
| mean return of a run | {facts["mean"]:.2f} | {interval(facts)} | t, over {facts["n"]} runs |
| interquartile mean of runs | {facts["iqm"]:.2f} | {interval(facts, "iqm_")} | bootstrap, {facts["reps"]:,} repetitions over {facts["n"]} runs |
| this file's run | {facts["of_run"]:.2f} | – | mean over {facts["episodes"]} episodes |

The intervals are of what training gives with another seed, not of one policy's episodes. Final scores by seed: {each}.{missing}{few}

## How it is played

```python
from runtime import load_policy                # the file here: NumPy and {"onnxruntime" if file.endswith(".onnx") else "torch"} are all it needs

policy = load_policy("{file}")
action, state = policy.predict(observation)    # as the environment says observations, and takes actions
```

`python runtime.py {file} recorded.npz` checks that it does here what it did when it was exported: {written.comparison}.
With sb3-course: `sb3-course enjoy --exported {file} --env {facts["env"]}`.

## How it was trained

Study `{facts["study"]}` (hash `{str(facts["hash"])[:12]}`){last}. Exported with {versions}; SHA-256 of the weights
`{written.about["weights_sha256"]}`.

```yaml
{settings}```

## Limitations

It was trained and scored in {facts["env"]} alone, in simulation; nothing is known of it elsewhere. Scores are those at the end of training. It has no
notion of safety: where it moves something real, put limits and a watchdog between (`from_scratch.deploy.ControlLoop`).
"""


def push(folder: Path, repo: str) -> None:
    """Upload the folder to the Hub, into a repository that is made if it is missing."""
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        api.create_repo(repo, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path=folder)
    except Exception as error:  # the Hub's, of many kinds
        raise UserError(f"--push {repo}: {str(error).strip().splitlines()[0][:200]}; the folder {folder} stays") from None
    print(f"pushed to https://huggingface.co/{repo}")
