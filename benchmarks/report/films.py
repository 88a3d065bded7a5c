"""What the median run does: its model plays the first evaluation episode, as a small moving picture for the report.

The median run of an algorithm on a task, not the best: of the runs in the order of their final scores, the one in the middle (the lower of two).

    STUDY/films/RUN.webp     an animated picture                 STUDY/films/films.json    what is in each, or why a run cannot be shown

A film is made once, by `compare` or with --trust (`make`), and kept: a report shows the files that are there (`films`) and plays nothing. They are
checked to be small pictures of the run that they are named for, not that they show what its model does: no level of verification plays a film.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import IntegrityError
from benchmarks.evidence.records import Analysis, Cell, family_of, is_twin
from benchmarks.report.style import number
from benchmarks.running import models
from benchmarks.store.files import write_whole
from benchmarks.store.plain import MEGABYTE, content, from_json, is_name, listing, one_line
from benchmarks.store.store import Store
from benchmarks.studies import environments
from benchmarks.studies.plan import Run

WIDTH = 240  # pixels
FRAMES = 48  # at most; a longer episode is shown in longer strides
SECONDS = 6.0  # that all of them take, at most
REPEATS = 3  # then it stands still
MOST = 12  # films in a report
FOLDER, INDEX = "films", "films.json"
LARGEST = (4 * WIDTH, MEGABYTE)  # of a film: its height in pixels, its bytes


@dataclass(frozen=True)
class Film:
    """A moving picture as the page holds it; the reason instead, where the run cannot be shown."""

    title: str
    alt: str
    caption: str
    source: str  # data: URL, empty where `reason` says why
    reason: str = ""


def films(store: Store, analysis: Analysis) -> list[Film]:
    """One for each of the `shown`, from the files that the study keeps, and what is left out. IntegrityError for a file that is not what the index says."""
    cells, left_out = shown(analysis)
    index = kept(store)
    return [*(_film(store, cell, index) for cell in cells), *([Film("Not all are shown:", "", "", "", left_out)] if left_out else [])]


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
    runs = _planned(store)
    return [runs[cell.algo, cell.env, median_seed(cell)].id for cell in shown(analysis)[0]]


def median_seed(cell: Cell) -> int:
    order = np.argsort(cell.final, kind="stable")
    return cell.seeds[int(order[(cell.n - 1) // 2])]


def _film(store: Store, cell: Cell, index: Mapping[str, dict[str, Any]]) -> Film:
    seed = median_seed(cell)
    title = f"{cell.algo} on {cell.env}"
    name = _planned(store)[cell.algo, cell.env, seed].id
    known = index.get(name)
    if known is None or known["weights"] != (store.record(name) or {}).get("weights_hash_end"):
        return Film(title, "", "", "", "has no film here: sb3-course report with --trust makes one, if its model was kept")
    if "reason" in known:
        return Film(title, "", "", "", f"cannot be shown here: {known['reason']}")
    score, length, stride = known["return"], known["length"], known["stride"]
    strides = f"every {stride}th step of {length}" if stride > 1 else f"all {length} steps"
    middle = number(float(np.sort(cell.final)[(cell.n - 1) // 2]))
    caption = (f"Seed {seed}, the median of {cell.n} runs by final score ({middle}); its first evaluation episode, with return {number(score)}; {strides}. "
               f"Played {REPEATS} times.{_recorded(store, name, score, length)}")  # fmt: skip
    alt = f"Animation of {title}, seed {seed}: an episode of {length} steps with return {number(score)}."
    return Film(title, alt, caption, f"data:image/webp;base64,{base64.b64encode(_checked(store, name, known)).decode()}")


def _planned(store: Store) -> dict[tuple[str, str, int], Run]:
    return {(run.algo, run.env, run.seed): run for _, run in store.planned()}


def _recorded(store: Store, name: str, score: float, length: int) -> str:
    """What was recorded of that episode in training, where the film's is another one (sums may round differently in one lane than in many)."""
    rows = store.rows(name, "episodes")
    first = rows[(rows["step"] == rows["step"].max()) & (rows["episode"] == 0)]
    if first.empty or (np.isclose(first["return"].iloc[0], score, rtol=1e-9, atol=1e-9) and first["length"].iloc[0] == length):
        return ""
    return f" In training that episode had return {number(float(first['return'].iloc[0]))} in {int(first['length'].iloc[0])} steps: the film shows another."


# --------------------------------------------------------------------------------------------------------------- keeping


def kept(store: Store) -> dict[str, dict[str, Any]]:
    """The study's index of films: run -> {weights, sha256, return, length, stride} or {weights, reason}. IntegrityError for a malformed one."""
    folder = store.path / FOLDER
    if not folder.exists() and not folder.is_symlink():
        return {}
    names = {path.name for path in listing(folder, FOLDER)}
    try:
        index = from_json(content(folder / INDEX, MEGABYTE))
        wrong = next((name for name, known in index.items() if not _is_entry(name, known)), None)
    except (FileNotFoundError, ValueError, AttributeError):
        raise IntegrityError(f"{FOLDER}/{INDEX}: missing, or cannot be read") from None
    if wrong is not None:
        raise IntegrityError(f"{FOLDER}/{INDEX}: cannot be read at {one_line(wrong)[:100]}")
    strays = names - {INDEX} - {f"{name}.webp" for name, known in index.items() if "reason" not in known}
    if strays:
        raise IntegrityError(f"{FOLDER}/{one_line(min(strays))}: not listed in {INDEX}")
    return index


def _is_entry(name: str, known: Any) -> bool:
    if not is_name(name) or not isinstance(known, dict) or not isinstance(known.get("weights"), str | None):
        return False
    if "reason" in known:
        return isinstance(known["reason"], str) and len(known["reason"]) < 1000 and set(known) == {"weights", "reason"}
    kinds = {"weights": (str, type(None)), "sha256": (str,), "return": (int, float), "length": (int,), "stride": (int,)}
    return set(known) == set(kinds) and all(type(known[key]) in kind for key, kind in kinds.items())


def _checked(store: Store, name: str, known: Mapping[str, Any]) -> bytes:
    """A film's bytes, if they are those of the index and a small animated picture."""
    place = f"{FOLDER}/{name}.webp"
    try:
        film = content(store.path / FOLDER / f"{name}.webp", LARGEST[1])
    except FileNotFoundError:
        raise IntegrityError(f"{place}: missing") from None
    if hashlib.sha256(film).hexdigest() != known["sha256"]:
        raise IntegrityError(f"{place}: hash mismatch")
    wrong = not_a_film(film)
    if wrong:
        raise IntegrityError(f"{place}: {wrong}")
    return film


def damage(store: Store) -> tuple[list[str], int]:
    """What is wrong with the study's films, and how many there are: each is a small picture of a planned run that ended with the weights it was made from."""
    try:
        index = kept(store)
    except IntegrityError as error:
        return [str(error)], 0
    planned, wrong = {run.id for run in _planned(store).values()}, []
    for name, known in index.items():
        try:
            if name not in planned or known["weights"] != (store.record(name) or {}).get("weights_hash_end"):
                wrong.append(f"{FOLDER}/{INDEX}: {name} is no run of this study that ended with these weights")
            elif "reason" not in known:
                _checked(store, name, known)
        except IntegrityError as error:
            wrong.append(str(error))
    return wrong, len(index)


def not_a_film(film: bytes) -> str:
    """Why these bytes are no film of ours, or nothing: WebP's container read strictly (RFC 9649), then every frame decoded."""
    from PIL import Image, UnidentifiedImageError

    if film[:4] != b"RIFF" or film[8:12] != b"WEBP" or struct.unpack("<I", film[4:8])[0] + 8 != len(film):
        return "is not a WebP picture"
    kinds = [kind for kind, _ in _chunks(film[12:])]
    frames = kinds.count(b"ANMF")
    if kinds not in ([b"VP8 "], [b"VP8L"], [b"VP8X", b"ANIM", *[b"ANMF"] * frames]) or frames > FRAMES + 1:
        return "holds more than the frames of an animation"
    try:
        with Image.open(io.BytesIO(film), formats=["WEBP"]) as picture:
            if picture.width != WIDTH or picture.height > LARGEST[0] or getattr(picture, "n_frames", 1) != max(frames, 1):
                return f"is {picture.width} × {picture.height} pixels"
            for k in range(max(frames, 1)):
                picture.seek(k)
                picture.load()
    except (UnidentifiedImageError, OSError, EOFError, ValueError, SyntaxError, Image.DecompressionBombError):
        return "cannot be decoded"
    return ""


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a RIFF file; an empty kind where they do not fill it exactly."""
    while data:
        size = struct.unpack("<I", data[4:8])[0] if len(data) >= 8 else len(data)
        end = 8 + size + size % 2
        if end > len(data):
            yield b"", data
            return
        yield data[:4], data[8 : 8 + size]
        data = data[end:]


def copy(source: Store, target: Store) -> None:
    """The films of a study into another folder of it."""
    index = kept(source)
    if index:
        (target.path / FOLDER).mkdir()
        for name, known in index.items():
            if "reason" not in known:
                write_whole(target.path / FOLDER / f"{name}.webp", _checked(source, name, known))
        write_whole(target.path / FOLDER / INDEX, _text(index))


def _text(index: Mapping[str, Any]) -> str:
    return json.dumps(index, indent=1, sort_keys=True, allow_nan=False) + "\n"


# ---------------------------------------------------------------------------------------------------------------- making


def make(store: Store, analysis: Analysis, trusted: bool = False) -> None:
    """Play what is `shown` and has no film yet, and keep the films; those that are shown no longer go.

    It is the plan that says how a run is played, not its record, and models are read without their pickles, unless they are trusted.
    """
    if not store.keeps_models:
        return
    folder = store.path / FOLDER
    known = kept(store)
    index = {}
    for cell in shown(analysis)[0]:
        run = _planned(store)[cell.algo, cell.env, median_seed(cell)]
        record = store.record(run.id)
        assert record is not None  # its score is in the cell
        if run.id in known and known[run.id]["weights"] == record.get("weights_hash_end") and ("reason" not in known[run.id] or not trusted):
            index[run.id] = known[run.id]
        elif "model.zip" in record["files"]:
            index[run.id] = _made(store, run, record, trusted)
    if index == known:
        return
    folder.mkdir(exist_ok=True)
    for name in known.keys() - index.keys():
        (folder / f"{name}.webp").unlink(missing_ok=True)
    write_whole(folder / INDEX, _text(index))
    if not index:
        shutil.rmtree(folder)


def _made(store: Store, run: Run, record: Mapping[str, Any], trusted: bool) -> dict[str, Any]:
    """Play one run and keep its film; what the index says of it."""
    known = {"weights": record.get("weights_hash_end")}
    path = store.path / FOLDER / f"{run.id}.webp"
    try:
        with store.folder(run.id) as folder:
            frames, score, length, stride = play(folder, run, record, trusted)
        film = _encoded(frames)
        wrong = not_a_film(film) or (f"its film has {len(film):,} bytes" if len(film) > LARGEST[1] else "")
        if wrong:
            raise IntegrityError(wrong)
    except Exception as error:  # whatever an environment's renderer raises: a picture is no reason to lose the report
        path.unlink(missing_ok=True)
        said = one_line(str(error).replace(str(store.path), store.path.name).splitlines()[0]) if str(error) else ""
        return known | {"reason": f"{type(error).__name__}: {said}"[:500]}
    path.parent.mkdir(exist_ok=True)
    write_whole(path, film)
    return known | {"sha256": hashlib.sha256(film).hexdigest(), "return": score, "length": length, "stride": stride}


def play(directory: Path, run: Run, record: Mapping[str, Any], trusted: bool = False) -> tuple[list[np.ndarray], float, int, int]:
    """Frames [height, width, 3] of the first evaluation episode, at most FRAMES; its return and length, and how many steps lie between frames."""
    from PIL import Image
    from stable_baselines3.common.vec_env import DummyVecEnv

    from benchmarks.running.evaluation import episode_seeds, masks_for, remembered
    from benchmarks.running.worker import weights_hash

    setup = run.hyperparams
    env = environments.make_env(run.env, run.spec, setup.get("env_wrapper"), "rgb_array", monitor=False)
    with models.playing(run.algo, directory / "model.zip", setup, DummyVecEnv([lambda: env]), directory, trusted) as (model, venv):
        if record.get("weights_hash_end") not in (None, weights_hash(model)):
            raise IntegrityError("model.zip holds other weights than those that were trained")
        venv.seed(episode_seeds(run.protocol["eval_seed"], run.seed, run.protocol["eval_episodes"])[0])
        obs, done, state = venv.reset(), False, None
        frames: list[np.ndarray] = []
        score, length, stride = 0.0, 0, 1
        while not done:
            if length % stride == 0:
                picture = Image.fromarray(np.asarray(env.render(), dtype=np.uint8))
                frames.append(np.asarray(picture.resize((WIDTH, max(1, round(WIDTH * picture.height / picture.width))), Image.Resampling.BILINEAR)))
                if len(frames) > FRAMES:
                    frames, stride = frames[::2], 2 * stride
            told = {**remembered(state, np.zeros(1, dtype=bool)), **masks_for(model, venv)}
            action, state = model.predict(obs, deterministic=run.protocol["deterministic"], **told)
            obs, reward, dones, _ = venv.step(action)
            score, length, done = score + float(reward[0]), length + 1, bool(dones[0])
        return frames, score, length, stride


def _encoded(frames: list[np.ndarray]) -> bytes:
    """Animated WebP; the same frames give the same bytes."""
    from PIL import Image

    pictures = [Image.fromarray(frame) for frame in frames]
    pace = int(min(120, 1000 * SECONDS / len(pictures)))
    buffer = io.BytesIO()
    pictures[0].save(buffer, "WEBP", save_all=True, append_images=pictures[1:], duration=pace, loop=REPEATS, quality=55, method=4, minimize_size=True)
    return buffer.getvalue()
