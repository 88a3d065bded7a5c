"""Where walks on the lake without slips lead, and what its text picture marks."""

from sb3_course.teaching.checks import Mistake, array, number, probe


def walked(answer, actions):
    """Cells, as a text, and the return."""
    found = answer.walk(actions)
    if found is None:
        raise Mistake("the result is None: is a `return` missing?")
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Mistake(f"the result is {found!r}, should be two things, cells and total")
    cells = found[0]
    if isinstance(cells, tuple | list) and any(isinstance(cell, tuple | dict) for cell in cells):
        raise Mistake("a cell is a tuple, should be a whole number")
    return " ".join(str(int(cell)) for cell in array(cells, None, "the list of cells").ravel()), number(found[1], "total")


@probe("walk", "no action: cells", expected="0")
def nothing(answer):
    return walked(answer, [])[0]


@probe("walk", "thirty times left", expected=True)
def no_slips(answer):
    if set(walked(answer, [0] * 30)[0].split()) != {"0"}:
        raise Mistake("it leaves cell 0, though there is a wall")
    return True


@probe("walk", "right, right: cells", expected="0 1 2")
def to_the_right(answer):
    return walked(answer, [2, 2])[0]


@probe("walk", "left, up, right: cells", expected="0 0 0 1")
def against_the_wall(answer):
    return walked(answer, [0, 3, 2])[0]


@probe("walk", "right, down, right, right: cells", expected="0 1 5")
def into_a_hole(answer):
    return walked(answer, [2, 1, 2, 2])[0]


@probe("walk", "down, down, right, down, right, right: cells", expected="0 4 8 9 13 14 15")
def to_the_goal(answer):
    return walked(answer, [1, 1, 2, 1, 2, 2])[0]


@probe("walk", "the same: total", expected=1.0)
def paid(answer):
    return walked(answer, [1, 1, 2, 1, 2, 2])[1]


@probe("walk", "the same and two actions more: total", expected=1.0)
def paid_once(answer):
    return walked(answer, [1, 1, 2, 1, 2, 2, 0, 2])[1]


def marked(answer, actions):
    """The number of the cell that a text picture marks."""
    text = answer.picture(actions)
    if text is None:
        raise Mistake("the picture is None: was the environment made with a render_mode, and is there a `return`?")
    if not isinstance(text, str):
        raise Mistake(f"the picture is of type {type(text).__name__}, should be a text")
    rows = [line for line in text.splitlines() if line and not line.startswith("  (")]
    cells = "".join(rows).replace("\x1b[0m", "")
    if "\x1b[41m" not in cells:
        raise Mistake(f"no cell of the picture is marked: {text[:40]!r}")
    return cells.index("\x1b[41m")


@probe("picture", "no action: marked cell", expected=0)
def at_the_start(answer):
    return marked(answer, [])


@probe("picture", "down, down, right: marked cell", expected=9)
def on_the_way(answer):
    return marked(answer, [1, 1, 2])
