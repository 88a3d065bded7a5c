"""SB3's callbacks that save models, with all that belongs to a model, and those for a stack of seeds: `from from_scratch.callbacks import EvalCallback`."""

from from_scratch.core.checkpoints import CheckpointCallback, EvalCallback
from from_scratch.core.resuming.callbacks import ExactCheckpointCallback
from from_scratch.core.stacks import StackEvalCallback, evaluate_each, iqm

__all__ = ["CheckpointCallback", "EvalCallback", "ExactCheckpointCallback", "StackEvalCallback", "evaluate_each", "iqm"]
