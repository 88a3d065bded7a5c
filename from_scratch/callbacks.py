"""Callbacks beside SB3's own: `from from_scratch.callbacks import ExactCheckpointCallback`."""

from from_scratch.core.resuming.callbacks import ExactCheckpointCallback
from from_scratch.core.stacks import StackEvalCallback, evaluate_each, iqm

__all__ = ["ExactCheckpointCallback", "StackEvalCallback", "evaluate_each", "iqm"]
