"""`python -m benchmarks.speed --commands`: how long the lists of the course take."""

import pytest

from benchmarks.speed import __main__ as speed
from benchmarks.speed import commands


def test_each_list_of_the_course_is_timed_in_a_process_of_its_own(capsys):
    assert speed.main(["--commands", "--rounds", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" s,")[0].rpartition(" ")[0].split() for line in lines] == [["sb3-course", *command.split()] for command in commands.LISTS]


def test_a_command_that_fails_is_not_timed():
    with pytest.raises(RuntimeError, match="sb3-course lesson show m77 ends with 2: no module 'm77'"):
        commands.timed("lesson show m77", rounds=1)
