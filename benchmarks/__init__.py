"""The harness: studies, runs, statistics, reports. It knows the registry and the BaseAlgorithm API, never an algorithm's inside."""


class HarnessError(Exception):
    """An error whose one line is all that a user needs; `exit_code` is the command line's."""

    exit_code = 1


class UserError(HarnessError):
    """A mistake in what was asked for: an unknown name, an impossible combination, a misspelt option."""

    exit_code = 2


class IncompleteData(HarnessError):
    """Runs are missing or failed."""

    exit_code = 3


class IntegrityError(HarnessError):
    """What is stored is not what was written."""

    exit_code = 4


def first_line(error: BaseException) -> str:
    """What an exception says first; its type, where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
