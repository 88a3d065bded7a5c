"""SB3's callbacks that save a model, with all that the model needs beside its weights: the statistics of VecNormalize, and the replay memory if asked.

A policy has learnt to act on observations as they were normalised at that moment. With the statistics of another moment it is another policy, and the
score that it was saved for is not its own (rl-baselines3-zoo, issues 278 and 282).
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stable_baselines3.common import callbacks
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize, unwrap_vec_normalize

from from_scratch.core.callbacks import is_users
from from_scratch.core.resuming.files import replaced_at_once

BEST, STATISTICS, MEMORY = "best_model.zip", "vecnormalize.pkl", "replay_buffer.pkl"


def save_all(model: Any, path: str | os.PathLike, statistics: str | os.PathLike | None, memory: str | os.PathLike | None) -> None:
    """Save a model of one seed or many, and to the other two paths, unless they are None, its normaliser's statistics and its replay memory, if it has any.

    The model comes last: where its file is new, so are those beside it.
    """
    if memory is not None and getattr(model, "replay_buffer", None) is not None:
        with replaced_at_once(Path(memory)) as file:
            model.save_replay_buffer(file)
    normalizer = model.get_vec_normalize_env()
    if statistics is not None and normalizer is not None:
        with replaced_at_once(Path(statistics)) as file:
            pickle.dump(normalizer, file)  # as its own save() does, which takes no open file
    with replaced_at_once(Path(path)) as file:
        model.save(file)


def save_best(model: Any, folder: str | os.PathLike, with_memory: bool) -> None:
    """The files of the best model so far."""
    folder = Path(folder)
    save_all(model, folder / BEST, folder / STATISTICS, folder / MEMORY if with_memory else None)


def ready_to_evaluate(training: Sequence[VecNormalize | None], evaluating: Sequence[VecNormalize | None]) -> None:
    """Evaluation normalises as training does, gathers no statistics of its own, and tells rewards as they are."""
    if all(training) and not all(evaluating):
        raise ValueError("Training normalises (VecNormalize) and evaluation would not: let eval_env be a function that returns VecNormalize(…), too; "
                         "of one seed, an environment within one.")  # fmt: skip
    for normalizer in filter(None, evaluating):
        normalizer.training = normalizer.norm_reward = False


class CheckpointCallback(callbacks.CheckpointCallback):
    """SB3's, whose checkpoints are complete: every `save_freq` steps of the environments the model, of one seed or many, and its normaliser's statistics.

    In `save_path`, under SB3's names: rl_model_1000_steps.zip, rl_model_vecnormalize_1000_steps.pkl, and with save_replay_buffer
    rl_model_replay_buffer_1000_steps.pkl. Each file appears when it is whole, the model last.
    """

    def __init__(
        self,
        save_freq: int,
        save_path: str,
        name_prefix: str = "rl_model",
        save_replay_buffer: bool = False,
        save_vecnormalize: bool = True,
        verbose: int = 0,
    ):
        super().__init__(save_freq, save_path, name_prefix, save_replay_buffer, save_vecnormalize, verbose)

    @property
    def needs_no_values(self) -> bool:
        """It looks at no step, unless a user's subclass does."""
        return type(self) is CheckpointCallback

    def _on_step(self) -> bool:
        if self.n_calls % self.save_freq:
            return True
        path = self._checkpoint_path(extension="zip")
        statistics = self._checkpoint_path("vecnormalize_", "pkl") if self.save_vecnormalize else None
        memory = self._checkpoint_path("replay_buffer_", "pkl") if self.save_replay_buffer else None
        save_all(self.model, path, statistics, memory)
        if self.verbose >= 2:
            print(f"Saved a checkpoint to {path}")
        return True


class EvalCallback(callbacks.EvalCallback):
    """SB3's, which keeps beside best_model.zip the statistics it was scored with, vecnormalize.pkl, and with save_replay_buffer its memory, replay_buffer.pkl.

    Before every evaluation eval_env gets the statistics of training; it gathers none itself. StackEvalCallback does the same for a stack of seeds.
    """

    def __init__(self, *args: Any, save_replay_buffer: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.save_replay_buffer = save_replay_buffer

    @property
    def needs_no_values(self) -> bool:
        """It looks at no step, unless a user's callback inside of it does."""
        return type(self) is EvalCallback and not (is_users(self.callback) or is_users(self.callback_on_new_best))

    def _init_callback(self) -> None:
        super()._init_callback()
        ready_to_evaluate([self.model.get_vec_normalize_env()], [unwrap_vec_normalize(self.eval_env)])

    def _on_step(self) -> bool:
        best, folder, others = self.best_mean_reward, self.best_model_save_path, (self.callback_on_new_best, self.callback)
        self.best_model_save_path = self.callback_on_new_best = self.callback = None
        try:
            super()._on_step()  # scores, and logs
        finally:
            self.best_model_save_path = folder
            self.callback_on_new_best, self.callback = others
        is_best, is_due = self.best_mean_reward > best, self.eval_freq > 0 and self.n_calls % self.eval_freq == 0
        if is_best and folder is not None:
            save_best(self.model, folder, self.save_replay_buffer)
        return call_others(self, is_best) if is_due else True


def call_others(evaluation: Any, is_best: bool) -> bool:
    """What SB3's EvalCallback calls at the end: whether training is to go on."""
    on_best: BaseCallback | None = evaluation.callback_on_new_best
    go_on = on_best.on_step() if is_best and on_best is not None else True
    return go_on and evaluation._on_event() if evaluation.callback is not None else go_on
