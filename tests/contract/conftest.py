"""What tests of from_scratch watch, these watch too."""

from tests.from_scratch.conftest import distributions_check_their_parameters, every_operand_is_aligned  # noqa: F401
