"""Whatever a learner's file does: one clear line, nothing left running, and the file as it was."""

import os
import time
from textwrap import dedent

import psutil
import pytest

from sb3_course.teaching import runner

RIGHT = """
def noisy(values, rng):
    return values + rng.normal(size=len(values))
"""


@pytest.fixture
def check(course, tmp_path):
    """check(text of a file, seconds=…) → its events; the file is called sums.py, and must be the same afterwards."""
    places = iter(range(100))

    def run(text, seconds=10.0, folder=None, exercise=None):
        place = folder or tmp_path / f"work {next(places)}" / "é ł"
        place.mkdir(parents=True, exist_ok=True)
        path = place / "sums.py"
        data = text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode()
        path.write_bytes(data)
        events = list(runner.check(exercise or course.exercises["sums"], path, tmp_path / "plots", seconds=seconds))
        assert path.read_bytes() == data and sorted(file.name for file in place.iterdir()) == ["sums.py"]
        assert left_over() == []
        return events

    return run


@pytest.fixture(autouse=True)
def marked(monkeypatch):
    """Other people's checks may be running: ours inherit this."""
    monkeypatch.setenv("SB3_COURSE_TEST", f"{os.getpid()}")


def left_over():
    """Processes of these tests' checks that are still there."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SB3_COURSE_TEST") == f"{os.getpid()}" and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return found


def lines(events):
    return {event["function"]: event["lines"] for event in events if event["event"] == "result"}


def statuses(events):
    return {event["function"]: event["status"] for event in events if event["event"] == "result"}


# ------------------------------------------------------------------------------------------------- loops that never end


def test_an_endless_loop_is_named_by_its_line_and_its_usual_cause_and_what_came_before_stays(check):
    text = """
        def total(n):
            k, s = 0, 0
            if n > 3:
                while True:
                    s += k
            return sum(range(n + 1))
    """
    events = check(dedent(text) + RIGHT, seconds=1.5)
    assert statuses(events) == {"total": "failed", "noisy": "unreached"}
    assert lines(events)["total"] in (
        ["0 + … + 1000: total was still running after 1.5 s, at line 4: `while True:`"],
        ["0 + … + 1000: total was still running after 1.5 s, at line 5: `s += k`"],
    )
    assert (events[0]["misconception"], events[0]["told"]) == ("backwards", ["the numbers are counted the wrong way."])


def test_an_endless_loop_at_import_is_one_too(check):
    events = check("while True:\n    pass\n", seconds=1.0)
    assert events[0]["event"] == "unimportable"
    assert events[0]["lines"][0].startswith("sums.py was still running after 1 s, at line ") and events[0]["lines"][0].endswith(", while it was imported")
    assert statuses(events) == {}


def test_a_wait_for_input_gets_none(check):
    events = check("def total(n):\n    return int(input('n? '))\n" + RIGHT)
    assert lines(events)["total"][1] == "EOFError: EOF when reading a line" and statuses(events)["noisy"] == "passed"


# -------------------------------------------------------------------------------------------------- other ways to stop


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("import sys; sys.exit(3)", "the file ends the program (sys.exit)"),
        ("quit()", "the file ends the program (sys.exit)"),
        ("raise KeyError('a')", "KeyError: 'a'"),
        ("return [1] * 10**10", "MemoryError: more memory than the check allows"),
        ("return bytearray(10**10)", "MemoryError: more memory than the check allows"),
    ],
)
def test_what_a_function_does_to_itself_is_said_at_its_line_and_the_others_are_checked(statement, line, check):
    events = check(f"def total(n):\n    {statement}\n" + RIGHT)
    assert lines(events)["total"] == ["0 + 1 + 2 + 3:", line, f"  line 2, in total: {statement}", "the call: total(3)"]
    assert statuses(events)["noisy"] == "passed"


@pytest.mark.parametrize(
    ("statement", "how"),
    [
        ("import os; os._exit(0)", "ended the process with exit code 0 (os._exit?)"),
        ("import os; os._exit(7)", "ended the process with exit code 7 (os._exit?)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended the process by signal SIGSEGV"),
        ("import os, signal; os.killpg(0, signal.SIGKILL)", "ended the process by signal SIGKILL (no memory left?)"),
    ],
)
def test_a_process_that_is_gone_is_blamed_on_the_function_that_was_tried(statement, how, check):
    events = check(f"def total(n):\n    {statement}\n" + RIGHT)
    assert lines(events) == {"total": [f"0 + 1 + 2 + 3: total {how}"], "noisy": []}


def test_memory_that_many_processes_take_is_seen_from_outside(check):
    text = """
        import os, time

        def total(n):
            for _ in range(8):
                if os.fork() == 0:
                    block = b"x" * (140 * 2**20)
                    time.sleep(60)
            time.sleep(60)
    """
    events = check(dedent(text) + RIGHT, seconds=20)
    assert lines(events)["total"] == ["0 + 1 + 2 + 3: total took more than 812 MB of memory"]


# ---------------------------------------------------------------------------------------------------------- processes


def test_a_fork_that_goes_on_checking_is_ended_and_counts_once(check):
    events = check("import os\nos.fork()\n\ndef total(n):\n    return sum(range(n + 1))\n" + RIGHT)
    assert [event.get("function") for event in events] == ["total", "noisy", None]
    assert statuses(events) == {"total": "passed", "noisy": "passed"}


def test_processes_that_went_far_away_are_found_and_ended(check):
    text = """
        import subprocess, sys

        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)

        def total(n):
            return sum(range(n + 1))
    """
    events = check(dedent(text) + RIGHT)
    assert statuses(events) == {"total": "passed", "noisy": "passed"}
    assert events[-1]["notes"] == ["processes that your code had started were still running: they were ended"]


def test_a_thread_that_never_ends_holds_nothing_up(check):
    text = """
        import threading, time

        threading.Thread(target=lambda: time.sleep(600)).start()

        def total(n):
            return sum(range(n + 1))
    """
    began = time.monotonic()
    assert statuses(check(dedent(text) + RIGHT)) == {"total": "passed", "noisy": "passed"}
    assert time.monotonic() - began < 10


def test_two_checks_at_once_do_not_disturb_each_other(course, tmp_path):
    texts = {"good": "def total(n):\n    return sum(range(n + 1))\n", "bad": "def total(n):\n    return sum(range(n))\n"}
    running = {}
    for name, text in texts.items():
        path = tmp_path / f"{name}.py"
        path.write_text(text + RIGHT)
        running[name] = runner.check(course.exercises["sums"], path, tmp_path)
    firsts = {name: next(events)["status"] for name, events in running.items()}
    rests = {name: [event.get("status") for event in events] for name, events in running.items()}
    assert firsts == {"good": "passed", "bad": "failed"}
    assert rests == {"good": ["passed", None], "bad": ["passed", None]}
    assert left_over() == []


def test_closing_early_ends_the_process(course, tmp_path):
    path = tmp_path / "sums.py"
    path.write_text("import time\ndef total(n):\n    return sum(range(n + 1))\ndef noisy(values, rng):\n    time.sleep(600)\n")
    events = runner.check(course.exercises["sums"], path, tmp_path)
    assert next(events)["status"] == "passed"
    events.close()
    assert left_over() == []


# ----------------------------------------------------------------------------------------------- files that are no Python


def test_a_syntax_error_is_its_place_its_line_and_a_caret(check):
    events = check("def total(n):\n    return sum(range(n)\n\nx = 1\n")
    assert events[0]["lines"] == ["sums.py, line 2: '(' was never closed", "    return sum(range(n)", "              ^"]
    assert [event["event"] for event in events] == ["unimportable", "end"]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("def total(n):\n    # größer\n    return n\n".encode("latin-1"), "sums.py, line 2: byte 0xf6 is not UTF-8. Save the file as UTF-8."),
        (b"x = 1\x00\n", "source code string cannot contain null bytes"),
        (b"def total(n):\nreturn n\n", "sums.py, line 2: expected an indented block after function definition on line 1"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(data, line, check):
    assert line in check(data)[0]["lines"][0]


def test_an_error_at_import_shows_only_the_learner_s_lines(check):
    events = check("import numpy as np\n\ny = np.zeros(3)[5]\n")
    assert events[0]["lines"] == ["IndexError: index 5 is out of bounds for axis 0 with size 3", "  line 3, in <module>: y = np.zeros(3)[5]"]


# ------------------------------------------------------------------------------------------------------ what is judged


def test_a_wrong_answer_is_named_and_others_are_not(check):
    events = check("def total(n):\n    t = 0\n    for k in range(n):\n        t = t + k\n    return t\n" + RIGHT)
    assert lines(events)["total"] == ["0 + 1 + 2 + 3 is 3, should be 6"]
    assert (events[0]["misconception"], events[0]["told"]) == ("short", ["the last number is left out (E1).", "It shows everywhere."])
    other = check("def total(n):\n    return 5 * n\n" + RIGHT)
    assert lines(other)["total"] == ["0 + 1 + 2 + 3 is 15, should be 6"] and "misconception" not in other[0]


def test_a_mistake_in_a_number_that_only_looks_like_a_wrong_answer_s_is_not_named(check):
    """3 is what comes out without the last number, but the other probe tells another story: then nothing is said of a cause."""
    events = check("def total(n):\n    return 6 if n == 3 else 499500 + 1\n" + RIGHT)
    assert lines(events)["total"] == ["0 + … + 1000 is 499501, should be 500500"] and "misconception" not in events[0]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("return values", "three values with noise: entry [2] is 2.000, should be 2.640 (to 0.001); 2 more are wrong"),
        ("return list(values + rng.normal(size=3))", None),
        ("return (values + rng.normal(size=3))[:, None]", "three values with noise: the result has shape (3, 1), should be (3,)"),
        ("return None", "three values with noise: the result is None: is a `return` missing?"),
        ("return 'noise'", "three values with noise: the result is 'noise', a str; should be numbers of shape (3,)"),
        ("return values / 0 * 0", "three values with noise: the result is NaN at [0], the first of 3"),
        ("return 3.0", "three values with noise: the result is one number, 3; should have shape (3,)"),
    ],
)
def test_shape_type_and_nan_are_named(body, line, check):
    text = f"import numpy as np\nnp.seterr(all='ignore')\n\ndef total(n):\n    return sum(range(n + 1))\n\ndef noisy(values, rng):\n    {body}\n"
    events = check(text)
    assert lines(events)["noisy"] == ([line] if line else [])
    assert statuses(events)["noisy"] == ("failed" if line else "passed")


@pytest.mark.parametrize("draw", ["np.random.normal(size=3)", "np.array([random.random() for _ in range(3)])", "np.random.default_rng().normal(size=3)"])
def test_hidden_randomness_is_seen(draw, check):
    text = f"import random\nimport numpy as np\n\ndef total(n):\n    return sum(range(n + 1))\n\ndef noisy(values, rng):\n    return values + {draw}\n"
    said = lines(check(text))["noisy"]
    assert said[0].startswith("three values with noise: the same call with the same `rng` gave array([") and said[1].endswith("(E11).")


def test_a_function_that_waits_for_another_one_says_for_which(check, course):
    text = "def total(n):\n    return helper(n)\n\ndef helper(n):\n    raise NotImplementedError('your turn: help')\n" + RIGHT
    events = check(text)
    assert (statuses(events)["total"], lines(events)["total"]) == ("unwritten", ["it calls helper, which is not written yet"])


def test_a_function_that_is_gone_is_missed(check):
    assert lines(check(RIGHT))["total"] == ["0 + 1 + 2 + 3: cannot be tried: there is no `total` in the file any more"]


def test_the_call_can_be_pasted(check):
    events = check("def total(n):\n    return sum(range(n + 1))\n\ndef noisy(values, rng):\n    return values\n")
    assert events[1]["call"] == "noisy(np.array([2.1, 1.0, 2.0]), np.random.default_rng(0))"


def test_a_call_with_what_no_line_can_make_is_left_out(check):
    text = RIGHT + "\nclass Odd:\n    pass\n\ndef total(n, odd=Odd()):\n    return inner(n, Odd())\n\ndef inner(n, odd):\n    return 0\n"
    assert check(text)[0]["call"] == "total(3)"


# ---------------------------------------------------------------------------------------------------- prints and plots


def test_a_warning_from_one_line_is_shown_once_whatever_numbers_it_has(check):
    text = "import warnings\n\ndef total(n):\n    warnings.warn(f'{n} is a size')\n    return sum(range(n + 1))\n"
    assert [line for line in check(text + RIGHT)[-1]["printed"] if "UserWarning" in line][1:] == []


def test_the_last_twenty_lines_that_the_code_prints_are_kept_apart_from_the_results(check):
    text = "def total(n):\n    print('{\"event\": \"result\"}')\n    for k in range(1000):\n        print('line', k)\n    return sum(range(n + 1))\n"
    events = check(text + RIGHT)
    assert statuses(events) == {"total": "passed", "noisy": "passed"}
    assert events[-1]["printed"] == [f"line {k}" for k in range(980, 1000)]


def test_a_plot_that_is_left_open_goes_to_the_workspace(check, tmp_path):
    text = "import matplotlib.pyplot as plt\n\ndef total(n):\n    plt.plot([1, 2])\n    plt.show()\n    return sum(range(n + 1))\n"
    assert check(text + RIGHT)[-1]["plots"] == ["sums-1.png"]
    assert (tmp_path / "plots" / "sums-1.png").read_bytes().startswith(b"\x89PNG")


def test_a_file_may_import_another_one_beside_it_and_nothing_is_left_there(course, tmp_path):
    folder = tmp_path / "two"
    folder.mkdir()
    (folder / "helper.py").write_text("def add(n):\n    return sum(range(n + 1))\n")
    (folder / "sums.py").write_text("import helper\n\ndef total(n):\n    return helper.add(n)\n" + RIGHT)
    assert statuses(runner.check(course.exercises["sums"], folder / "sums.py", tmp_path)) == {"total": "passed", "noisy": "passed"}
    assert sorted(file.name for file in folder.iterdir()) == ["helper.py", "sums.py"]
