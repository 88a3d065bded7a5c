"""What the median run does: its stored model plays the first evaluation episode, as a small moving picture for the report.

The median run of an algorithm on a task, not the best: of the runs in the order of their final scores, the one in the middle (the lower of two).
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import environments, hyperparams
from benchmarks.analysis import Analysis, Cell, family_of, is_twin
from benchmarks.figures import number
from benchmarks.store import Store
from from_scratch import registry

WIDTH = 240  # pixels
FRAMES = 48  # at most; a longer episode is shown in longer strides
SECONDS = 6.0  # that all of them take, at most
REPEATS = 3  # then it stands still
MOST = 12  # films in a report


@dataclass(frozen=True)
class Film:
    """A moving picture as the page holds it; the reason instead, where the run cannot be shown."""

    title: str
    alt: str
    caption: str
    source: str  # data: URL, empty where `reason` says why
    reason: str = ""


def films(store: Store, analysis: Analysis) -> list[Film]:
    """One for each of the `shown`, and what is left out."""
    cells, left_out = shown(analysis)
    return [*(_film(store, cell) for cell in cells), *([Film("Not all are shown:", "", "", "", left_out)] if left_out else [])]


def shown(analysis: Analysis) -> tuple[list[Cell], str]:
    """Each task and algorithm (a twin only where its algorithm is not there); with more than MOST, each task's best algorithm by IQM. What is left out."""
    cells: list[Cell] = []
    for group in analysis.groups:
        algos = {algo for algo, _ in group.cells}
        cells += [cell for (algo, _), cell in group.cells.items() if not (is_twin(algo) and family_of(algo) in algos)]
    if len(cells) <= MOST:
        return cells, ""
    best = list({cell.env: cell for cell in sorted(cells, key=lambda cell: cell.summary.iqm)}.values())
    kept, lost = best[:MOST], [cell.env for cell in best[MOST:]]
    more = f"; left out: {', '.join(lost)}" if lost else ""
    return kept, f"{len(cells)} median runs are more than the {MOST} that a report holds, so of each task its best algorithm by IQM{more}"


def median_runs(store: Store, analysis: Analysis) -> list[str]:
    """The names of the runs that are shown."""
    runs = {(run.algo, run.env, run.seed): run.id for _, run in store.planned()}
    return [runs[cell.algo, cell.env, median_seed(cell)] for cell in shown(analysis)[0]]


def median_seed(cell: Cell) -> int:
    order = np.argsort(cell.final, kind="stable")
    return cell.seeds[int(order[(cell.n - 1) // 2])]


def _film(store: Store, cell: Cell) -> Film:
    seed = median_seed(cell)
    title = f"{cell.algo} on {cell.env}"
    runs = {(run.algo, run.env, run.seed): run for _, run in store.planned()}
    directory = store.runs_path / runs[cell.algo, cell.env, seed].id
    record = store.record(directory.name)
    assert record is not None  # its score is in the cell
    try:
        frames, score, length, stride = play(directory, record)
    except Exception as error:  # whatever an environment's renderer raises: a picture is no reason to lose the report
        return Film(title, "", "", "", f"cannot be shown here: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    strides = f"every {stride}th step of {length}" if stride > 1 else f"all {length} steps"
    middle = number(float(np.sort(cell.final)[(cell.n - 1) // 2]))
    caption = (f"Seed {seed}, the median of {cell.n} runs by final score ({middle}); its first evaluation episode, with return {number(score)}; {strides}. "
               f"Played {REPEATS} times.")  # fmt: skip
    return Film(title, f"Animation of {title}, seed {seed}: an episode of {length} steps with return {number(score)}.", caption, _encoded(frames))


def play(directory: Path, record: dict[str, Any]) -> tuple[list[np.ndarray], float, int, int]:
    """Frames [height, width, 3] of the first evaluation episode, at most FRAMES; its return and length, and how many steps lie between frames."""
    from PIL import Image
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    setup = record["hyperparams"]
    env = environments.make_env(record["env"], record["spec"], setup.get("env_wrapper"), "rgb_array", monitor=False)
    venv: Any = DummyVecEnv([lambda: env])
    if (directory / "vecnormalize.pkl").is_file():
        venv = VecNormalize.load(str(directory / "vecnormalize.pkl"), venv)
        venv.training = venv.norm_reward = False
    elif hyperparams.normalize_arguments(setup):
        raise ValueError("the statistics of its normalisation were not kept")
    venv = environments.wrap(venv, None, setup.get("frame_stack"))
    try:
        model: Any = registry.find(record["algo"]).load()
        model = model.load(directory / "model.zip", device="cpu")
        venv.seed(record["episode_seeds"][0])
        obs, done = venv.reset(), False
        frames: list[np.ndarray] = []
        score, length, stride = 0.0, 0, 1
        while not done:
            if length % stride == 0:
                picture = Image.fromarray(np.asarray(env.render(), dtype=np.uint8))
                frames.append(np.asarray(picture.resize((WIDTH, max(1, round(WIDTH * picture.height / picture.width))), Image.Resampling.BILINEAR)))
                if len(frames) > FRAMES:
                    frames, stride = frames[::2], 2 * stride
            action, _ = model.predict(obs, deterministic=record["protocol"]["deterministic"])
            obs, reward, dones, _ = venv.step(action)
            score, length, done = score + float(reward[0]), length + 1, bool(dones[0])
        return frames, score, length, stride
    finally:
        venv.close()


def _encoded(frames: list[np.ndarray]) -> str:
    """Animated WebP as a data: URL; the same frames give the same text."""
    from PIL import Image

    pictures = [Image.fromarray(frame) for frame in frames]
    pace = int(min(120, 1000 * SECONDS / len(pictures)))
    buffer = io.BytesIO()
    pictures[0].save(buffer, "WEBP", save_all=True, append_images=pictures[1:], duration=pace, loop=REPEATS, quality=55, method=4, minimize_size=True)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
