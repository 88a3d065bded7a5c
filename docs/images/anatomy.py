"""Draws anatomy.svg: one step's way from env.step to changed weights, PPO's and DQN's. `python docs/images/anatomy.py`.

Letters are 13 pixels or more at the width of a page, and the card has its own background, so that it reads the same in a light and a dark theme.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import NamedTuple

PPO, DQN, BOTH = (16, 392), (420, 304), (16, 708)  # x and width: of a column, of what both share
LINE, GAP = 19, 46  # from one line of text to the next; between two boxes, where the shape of what passes is written
INK, SOFT, PAPER, CARD, STOP, WAY, LOOK = "#1d232b", "#4d5662", "#ffffff", "#f3f4f1", "#e7e3da", "#0b62a4", "#9a4a00"


class Box(NamedTuple):
    """A stay on the way: its number in docs/anatomy.md, `file: function` as there, what happens, and the shape of what leaves it."""

    number: int
    file: str
    functions: str
    says: tuple[str, ...]
    leaves: str = ""
    stop: bool = False  # a place where one may stop reading
    look: bool = False  # a place where a callback may look


ABOVE = (
    Box(1, "core/algorithm.py", "Algorithm.by_seed", (
        "act: the networks of all seeds choose for [S, E, …]; chance comes from core/rng.py.",
    ), "actions [S·E, …]"),
    Box(2, "core/vec_env.py", "step_lanes", (
        "env.step: every lane takes a step, and resets by itself where an episode ended.",
        "You may stop here: it is SB3's vector environment, with fewer copies.",
    ), "obs, r, done, infos  [S·E, …]", stop=True),
    Box(3, "core/loops/rollout.py", "Rollout.show, Rollout.heed", (
        "callback.on_step() may look at all of this, and change it. You may stop here:",
        "core/callbacks.py says what it sees, core/watch.py notices what it did.",
    ), "the same, as the callback left it", stop=True, look=True),
    Box(4, "core/data.py", "Step.truncated, Step.terminated, Step.successor", (
        "How did episodes end? By death, or by a time limit?",
    ), "Step(obs, r, done, infos)  [S·E, …]"),
)  # fmt: skip
OF_PPO = (
    Box(5, "core/loops/on_policy.py", "OnPolicy.collect_rollouts", (
        "Time limit: r ← r + γ V(s′). Death: nothing is added.",
    ), "[S·E, …]"),
    Box(6, "core/loops/rollout.py", "Rollout.store, Rollout.end", (
        "T steps into SB3's buffer, [T, S·E, …]. Then V(s) and",
        "log π(a|s) in one pass, time-major [S, T·E, …],",
        "and back: Algorithm.by_time, OnPolicy.from_time.",
    ), "[T, S·E, …]"),
    Box(7, "core/loops/on_policy.py", "OnPolicy._look_back", (
        "Advantages Â and returns: core/returns.py: gae.",
    ), "[T, S·E]"),
    Box(8, "core/loops/on_policy.py", "OnPolicy.samples, OnPolicy.minibatches", (
        "Environment-major [S, E·T, …]: SB3's order, which",
        "its permutations assume. Then shuffled and cut.",
    ), "[S, M, …]"),
    Box(9, "policy_gradient/ppo.py", "PPO.update, PPO.loss", (
        "K epochs of minibatches: ratio, clip, value, entropy.",
    ), "loss [S]"),
)  # fmt: skip
OF_DQN = (
    Box(5, "core/loops/off_policy.py", "OffPolicy._store_transition", (
        "s′ is the true successor, never what",
        "is seen after the reset.",
    ), "[S·E, …]"),
    Box(6, "core/replay/storage.py", "PackedStorage.add", (
        "A row for each transition, with",
        "whether it terminated or was cut.",
    ), "[N, S, E, …]"),
    Box(8, "core/replay/forms.py", "OneStep.of", (
        "M rows of every seed. discount is 0",
        "after death, γ after a time limit.",
    ), "[S, M, …]"),
    Box(9, "value_based/dqn.py", "DQN.update, DQN.loss", (
        "y = r + discount · max Q(s′, ·; θ⁻),",
        "Huber's loss of Q(s, a; θ) − y.",
    ), "loss [S]"),
)  # fmt: skip
BELOW = (
    Box(10, "core/algorithm.py", "Algorithm.minimise", (
        "differentiate, log, stop seeds that are through, clip, step.",
    ), "loss [S] → gradient [S, D] → θ [S, D]"),
    Box(11, "core/lockstep/__init__.py", "ArrayRows, RowOptimizer", (
        "Each seed's weights are a row of θ, and one optimiser moves them all. You may stop here:",
        "it is trusted as others trust torch. If you go on: docs/lockstep.md.",
    ), "", stop=True),
)  # fmt: skip
BOXES = (*ABOVE, *OF_PPO, *OF_DQN, *BELOW)


def height(box: Box) -> int:
    return 14 + LINE * (2 + len(box.says))


def words(x: float, y: float, text: str, size: int = 14, color: str = INK, **more: str) -> str:
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{color}"{attributes}>{escape(text)}</text>'


def arrow(x: float, y: float, to: float, label: str = "") -> list[str]:
    drawn = [f'<path d="M{x} {y} V{to - 3}" stroke="{WAY}" stroke-width="2" fill="none" marker-end="url(#tip)"/>']
    return [*drawn, words(x + 12, (y + to) / 2 + 5, label, 14, WAY, font_weight="600")] if label else drawn


def drawn(box: Box, column: tuple[int, int], y: float) -> list[str]:
    x, width = column
    look = [words(x + width - 14, y + 22, "callbacks look here", 13, LOOK, text_anchor="end", font_weight="700")] if box.look else []
    mark = [words(x + width - 14, y + 22, "stop", 13, LOOK, text_anchor="end", font_weight="700")] if box.stop and not box.look else []
    dashes = ' stroke-dasharray="7 5"' if box.stop else ""
    fill = STOP if box.stop else PAPER
    return [
        f'<rect x="{x}" y="{y}" width="{width}" height="{height(box)}" rx="8" fill="{fill}" stroke="{SOFT}" stroke-width="1.5"{dashes}/>',
        f'<circle cx="{x + 22}" cy="{y + 22}" r="13" fill="{INK}"/>',
        words(x + 22, y + 27, str(box.number), 14, PAPER, text_anchor="middle", font_weight="700"),
        words(x + 44, y + 20, box.functions, 14, INK, font_weight="700"),
        words(x + 44, y + 20 + LINE, f"{box.file}", 13, SOFT, font_family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"),
        *(words(x + 44 if width == BOTH[1] else x + 14, y + 20 + LINE * (i + 2), line, 14) for i, line in enumerate(box.says)),
        *look, *mark,
    ]  # fmt: skip


def chain(boxes: tuple[Box, ...], column: tuple[int, int], y: float, end: float | None = None, at: float = 0.5) -> tuple[list[str], float]:
    """Boxes one below the other, their gaps widened so that the last arrow reaches `end`; and where that is."""
    x = column[0] + at * column[1]
    natural = sum(map(height, boxes)) + GAP * len(boxes)
    gap = GAP if end is None else GAP + (end - y - natural) / len(boxes)
    parts: list[str] = []
    for box in boxes:
        parts += drawn(box, column, y)
        y += height(box)
        parts += arrow(x, y, y + gap, box.leaves)
        y += gap
    return parts, y


def picture() -> str:
    x_ppo, x_dqn = PPO[0] + 0.3 * PPO[1], DQN[0] + 0.3 * DQN[1]
    parts, y = chain(ABOVE[:-1], BOTH, 20, at=0.15)
    last = ABOVE[-1]
    parts += drawn(last, BOTH, y)
    y += height(last)
    parts += [*arrow(x_ppo, y, y + 62), *arrow(x_dqn, y, y + 62)]
    parts += [words((x_ppo + x_dqn) / 2, y + 24, last.leaves, 14, WAY, text_anchor="middle", font_weight="600")]
    parts += [words(PPO[0], y + 54, "PPO", 20, INK, font_weight="700"), words(DQN[0], y + 54, "DQN", 20, INK, font_weight="700")]
    ppo, end = chain(OF_PPO, PPO, y + 62, at=0.3)
    dqn, _ = chain(OF_DQN, DQN, y + 62, end, at=0.3)
    below, y = chain(BELOW, BOTH, end, at=0.15)
    unseen = (
        "Not on the way: construction (core/hyperparameters.py, core/arguments.py), logging, and",
        "core/finite.py, which refuses NaN and changes nothing. Dashed: you may stop reading here.",
    )
    more = [words(BOTH[0], y + 26 + LINE * i, line, 14, SOFT) for i, line in enumerate(unseen)]
    tall = y + 26 + LINE * len(unseen)
    back = f'<path d="M{BOTH[0] + BOTH[1] * 0.15} {y} H748 V42 H{BOTH[0] + BOTH[1] + 3}" stroke="{WAY}" stroke-width="2" fill="none" marker-end="url(#tip)"/>'
    note = words(BOTH[0] + BOTH[1] * 0.15 + 12, y - 14, "changed weights: the next step is chosen by them", 14, WAY, font_weight="600")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 764 {tall:g}" width="764" height="{tall:g}" role="img" '
        'font-family="system-ui, -apple-system, \'Segoe UI\', Roboto, \'DejaVu Sans\', Arial, sans-serif">'
    )
    tip = (
        '<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="6" refY="4" orient="auto" markerUnits="userSpaceOnUse">'
        f'<path d="M0 0 L9 4 L0 8 Z" fill="{WAY}"/></marker></defs>'
    )
    card = f'<rect width="764" height="{tall:g}" rx="10" fill="{CARD}"/>'
    title = "<title>One step's way from env.step to changed weights</title>"
    return "\n".join([head, title, tip, card, *parts, *ppo, *dqn, *below, back, note, *more, "</svg>", ""])


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(picture(), encoding="utf-8")
