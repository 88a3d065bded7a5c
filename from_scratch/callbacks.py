"""Callbacks for a stack of seeds, beside SB3's own: `from from_scratch.callbacks import StackEvalCallback`."""

from from_scratch.core.stacks import StackEvalCallback, evaluate_each, iqm

__all__ = ["StackEvalCallback", "evaluate_each", "iqm"]
