"""A grid of rooms and walls to walk in, drawn as text, with its transition table.

    #####        # wall      . floor      S start (several: one at random)
    #S..#        G goal: +1 and the end           X pit: −1 and the end
    #.#G#        any other letter is a floor that `rewards` may give a reward to
    #####

The four actions are up, down, left, right; a wall or the edge stops. States number all cells in rows, walls too, so that values reshape to the map.
With probability `slip` a step goes to one side instead, half of that to each: 0.2 is Russell & Norvig's world of 4 × 3 ("4x3").
"""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from from_scratch.envs.chains.finite import FiniteMDP, Outcome

UP, DOWN, LEFT, RIGHT = range(4)
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
SIDES = {UP: (LEFT, RIGHT), DOWN: (LEFT, RIGHT), LEFT: (UP, DOWN), RIGHT: (UP, DOWN)}
ARROWS = "↑↓←→"

MAPS = {
    "4x4": ["S...", ".X.X", "...X", "X..G"],
    "4x3": ["...G", ".#.X", "S..."],  # Russell & Norvig, Artificial Intelligence, ch. 17; slip = 0.2, step_reward = −0.04
    "empty8x8": ["S.......", *["........"] * 6, ".......G"],
    "four_rooms": [  # Sutton, Precup & Singh 1999
        "#############",
        "#S....#.....#",
        "#.....#.....#",
        "#...........#",
        "#.....#.....#",
        "#.....#.....#",
        "##.####.....#",
        "#.....###.###",
        "#.....#.....#",
        "#.....#.....#",
        "#...........#",
        "#.....#....G#",
        "#############",
    ],
    "bridge": ["XXXXXXX", "S.....G", "XXXXXXX"],
}


class GridWorld(FiniteMDP):
    """`desc` is the map as lines of text, or `map_name` one of MAPS. A step into a cell pays `step_reward` plus what `rewards` says of its letter;
    the letters in `terminal` end the episode. It begins in a cell of one of the letters in `starts`, at random."""

    ways = ARROWS

    def __init__(
        self,
        map_name: str = "four_rooms",
        desc: Sequence[str] | None = None,
        slip: float = 0.0,
        step_reward: float = 0.0,
        rewards: Mapping[str, float] | None = None,
        terminal: str = "GX",
        starts: str = "S",
        render_mode: str | None = None,
    ):
        if isinstance(desc, str):
            by_name = difflib.get_close_matches(desc, MAPS, n=1)
            hint = f"Did you mean map_name='{by_name[0]}'?" if by_name else f"map_name takes a name, one of {', '.join(MAPS)}."
            raise ValueError(f"desc='{desc}': a map is given as a list of lines of text. {hint}")
        if desc is None and map_name not in MAPS:
            near = difflib.get_close_matches(str(map_name), MAPS, n=1)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            another = "Give another map as desc, lines of text, or as random_map(rows, columns)."
            raise ValueError(f"map_name='{map_name}' is none of {', '.join(MAPS)}. {hint}{another}")
        if not 0 <= slip <= 1:
            raise ValueError(f"slip={slip}: a probability lies between 0 and 1.")
        self.desc = list(MAPS[map_name] if desc is None else desc)
        if not self.desc or len({len(line) for line in self.desc}) > 1:
            raise ValueError(f"The lines of a map are equally long; these have lengths {[len(line) for line in self.desc]}.")
        self.slip, self.step_reward, self.terminal = slip, step_reward, terminal
        self.rewards = {"G": 1.0, "X": -1.0, **(rewards or {})}
        self.shape = (len(self.desc), len(self.desc[0]))
        self.letters = "".join(self.desc)
        begin = np.array([letter in starts for letter in self.letters], dtype=float)
        if not begin.any():
            raise ValueError(f"The map has nowhere to start: none of its letters is one of starts='{starts}'.")
        super().__init__([[self.outcomes(s, a) for a in range(4)] for s in range(len(self.letters))], begin / begin.sum(), self.desc, render_mode)

    def outcomes(self, s: int, a: int) -> list[Outcome]:
        """What may happen: the row P[s][a]."""
        if self.letters[s] == "#" or self.letters[s] in self.terminal:
            return [(1.0, s, 0.0, True)]  # never acted in
        first, second = SIDES[a]
        chances = ((1 - self.slip, a), (self.slip / 2, first), (self.slip / 2, second))
        return [(probability, *self.move(s, way)) for probability, way in chances if probability > 0]

    def move(self, s: int, way: int) -> tuple[int, float, bool]:
        """(s', reward, terminated) of one step that does not slip."""
        row, column = divmod(s, self.shape[1])
        row, column = row + MOVES[way][0], column + MOVES[way][1]
        inside = 0 <= row < self.shape[0] and 0 <= column < self.shape[1] and self.desc[row][column] != "#"
        s_next = row * self.shape[1] + column if inside else s
        letter = self.letters[s_next]
        return s_next, self.step_reward + self.rewards.get(letter, 0.0), letter in self.terminal

    def arrows(self, policy: np.ndarray) -> str:
        """A policy, actions [n_states] or probabilities [n_states, 4], as a map of arrows; the likeliest action where there are several."""
        actions = policy.argmax(-1) if np.ndim(policy) == 2 else policy
        text = "".join(letter if letter == "#" or letter in self.terminal else ARROWS[a] for letter, a in zip(self.letters, actions, strict=True))
        return "\n".join(text[i : i + self.shape[1]] for i in range(0, len(text), self.shape[1]))


class RandomGrid(GridWorld):
    """A GridWorld on a `random_map`: always the same one for the same `map_seed`. `kwargs` are GridWorld's."""

    def __init__(self, rows: int = 8, columns: int = 8, density: float = 0.3, map_seed: int = 0, **kwargs: Any):
        super().__init__(desc=random_map(rows, columns, density, map_seed), **kwargs)


def random_map(rows: int = 8, columns: int = 8, density: float = 0.3, seed: int | None = None) -> list[str]:
    """A map with S in the upper left corner, G in the lower right, a way between them, and walls on about `density` of the cells.

    A way is drawn first, the shortest one under random costs of the cells, and the walls then go anywhere else. Where the way leaves too few
    cells for that many walls, all others are walls.
    """
    if rows * columns < 2 or min(rows, columns) < 1:
        raise ValueError(f"A map of {rows} × {columns} has no room for a start and a goal.")
    if not 0 <= density < 1:
        raise ValueError(f"density={density}: a fraction of the cells, at least 0 and less than 1.")
    rng = np.random.default_rng(seed)
    way = _cheapest_way(rng.random((rows, columns)))
    cells = np.full(rows * columns, ".")
    free = np.array([s for s in range(rows * columns) if s not in way], dtype=int)
    cells[rng.permutation(free)[: round(density * rows * columns)]] = "#"
    cells[0], cells[-1] = "S", "G"
    return ["".join(line) for line in cells.reshape(rows, columns)]


def _cheapest_way(cost: np.ndarray) -> set[int]:
    """The cells of the cheapest way from the first cell to the last (Dijkstra 1959)."""
    rows, columns = cost.shape
    best, before, waiting = {0: 0.0}, {0: 0}, [(0.0, 0)]
    while waiting:
        so_far, s = heapq.heappop(waiting)
        if s == cost.size - 1:
            break
        for down, right in MOVES:
            row, column = s // columns + down, s % columns + right
            if 0 <= row < rows and 0 <= column < columns:
                s_next, price = row * columns + column, so_far + cost[row, column]
                if price < best.get(s_next, np.inf):
                    best[s_next], before[s_next] = price, s
                    heapq.heappush(waiting, (price, s_next))
    way, s = {0}, cost.size - 1
    while s:
        way.add(s)
        s = before[s]
    return way
