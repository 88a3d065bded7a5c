"""Films of what a model does, as GIF or MP4, made without a display; and the values and arrows of a table, drawn over the grid that it is of."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from benchmarks import UserError
from from_scratch.core.tabular import grids

FASTEST = 50  # frames per second that a GIF can show
COLOURS = 128  # of a GIF
VALUE, ARROW, HALO = (40, 40, 40), (0, 114, 178), (255, 255, 255)
SMALLEST = 24  # pixels of a cell's side in which a number can be read
DIRECTIONS = {"↑": (0, -1), "↓": (0, 1), "←": (-1, 0), "→": (1, 0), "↖": (-1, -1), "↗": (1, -1), "↙": (-1, 1), "↘": (1, 1)}


def check(path: Path) -> None:
    """UserError if no film can be written there."""
    if path.suffix.lower() == ".mp4" and importlib.util.find_spec("moviepy") is None:
        raise UserError('--mp4 needs moviepy: pip install "sb3-course[video]" (--gif needs nothing more)')
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}")


def write(path: Path, frames: Sequence[np.ndarray], fps: float) -> None:
    """Frames [height, width, 3] as a GIF, repeated for ever, or an MP4 (H.264), as the path's ending says."""
    if path.suffix.lower() == ".mp4":
        from moviepy import ImageSequenceClip

        even = [frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2] for frame in frames]  # what H.264 takes
        ImageSequenceClip(even, fps=fps).write_videofile(str(path), codec="libx264", audio=False, logger=None)
        return
    from PIL import Image

    pictures = [Image.fromarray(frame).quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE) for frame in frames]
    duration = round(1000 / min(fps, FASTEST))
    pictures[0].save(path, "GIF", save_all=True, append_images=pictures[1:], duration=duration, loop=0)


class Drawn(gym.Wrapper):
    """An environment whose pictures show what a `model` of tables, once it is given, has learnt of the grid: values and arrows in its cells.

    With `filmed` its `frames` are the pictures of every reset and step.
    """

    model: Any = None

    def __init__(self, env: gym.Env, filmed: bool = False):
        super().__init__(env)
        self.filmed = filmed
        self.frames: list[np.ndarray] = []

    def reset(self, **kwargs: Any) -> Any:
        result = super().reset(**kwargs)
        self._film()
        return result

    def step(self, action: Any) -> Any:
        result = super().step(action)
        self._film()
        return result

    def _film(self) -> None:
        if self.filmed:
            self.frames.append(np.array(self.render(), dtype=np.uint8))

    def render(self) -> Any:
        picture = self.env.render()
        grid = grids.grid_of(self.unwrapped) if hasattr(self.model, "best_actions") else None
        if grid is None or not isinstance(picture, np.ndarray) or len(grid.letters) != self.model.n_states:
            return picture
        return drawn(picture, grid, self.model.values, self.model.learnt_states(), self.model.best_actions())


def drawn(picture: np.ndarray, grid: grids.Grid, values: np.ndarray, learnt: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """A grid's picture [height, width, 3] with numbers and arrows in the cells, as far as these are large enough for them."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(np.ascontiguousarray(picture, dtype=np.uint8))
    draw = ImageDraw.Draw(image)
    columns = len(grid.lines[0])
    width, height = image.width / columns, image.height / len(grid.lines)
    side = min(width, height)
    font = ImageFont.load_default(max(8, side / 4.5))
    for s in np.flatnonzero(learnt & ~grid.closed):
        x, y = (s % columns + 0.5) * width, (s // columns + 0.5) * height
        if side >= SMALLEST:
            text = f"{round(float(values[s]), 2) + 0.0:.2f}"
            draw.text((x, y + 0.46 * height), text, VALUE, font, anchor="md", stroke_width=1, stroke_fill=HALO)
        if grid.ways and actions[s] >= 0:
            _arrow(draw, x, y - 0.1 * height, DIRECTIONS.get(grid.ways[actions[s]]), 0.28 * side)
    return np.asarray(image)


def _arrow(draw: Any, x: float, y: float, way: tuple[int, int] | None, length: float) -> None:
    """A triangle that points that way from (x, y); a disc where the action stays."""
    if way is None:
        draw.ellipse([x - length / 3, y - length / 3, x + length / 3, y + length / 3], fill=ARROW, outline=HALO)
        return
    ahead = np.array(way) / np.hypot(*way) * length
    aside = np.array([-ahead[1], ahead[0]]) / 2
    middle = np.array([x, y])
    draw.polygon([tuple(middle + ahead * 0.7), tuple(middle - ahead * 0.5 + aside), tuple(middle - ahead * 0.5 - aside)], fill=ARROW, outline=HALO)
