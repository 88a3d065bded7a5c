"""`python docs/images/rliable.py`: the pictures of docs/rliable.md, drawn by the page's own code, as one image beside this file."""

import io
import re
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

HERE = Path(__file__).parent
BLOCKS = re.findall(r"```python\n(.*?)```", (HERE.parent / "rliable.md").read_text(encoding="utf-8"), re.S)
WIDTH = 1500  # pixels


def picture(figure) -> np.ndarray:
    """[height, width, 3] in 0 to 1."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, bbox_inches="tight", pad_inches=0.15, facecolor="white")
    buffer.seek(0)
    return plt.imread(buffer)[..., :3]


def padded(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """In the middle of a white image."""
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    whole = np.ones((height, width, 3), dtype=image.dtype)
    whole[top : top + image.shape[0], left : left + image.shape[1]] = image
    return whole


def row(*images: np.ndarray) -> np.ndarray:
    height, spare = max(image.shape[0] for image in images), WIDTH - sum(image.shape[1] for image in images)
    return np.concatenate([padded(image, height, image.shape[1] + spare // len(images)) for image in images], axis=1)


if __name__ == "__main__":
    matplotlib.use("Agg")
    names: dict = {}
    for code in BLOCKS[:2]:
        exec(compile(code, "rliable.md", "exec"), names)
    intervals, improvement, curve, profile, scaled = (picture(plt.figure(k)) for k in plt.get_fignums())
    rows = [row(intervals), row(curve, improvement), row(profile)]
    width = max(part.shape[1] for part in rows)
    plt.imsave(HERE / "rliable.png", np.concatenate([padded(part, part.shape[0], width) for part in rows]))
