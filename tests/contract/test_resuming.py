"""What checkpoints promise: training that goes on from one ends with the weights of a training that was never stopped, from the file alone."""

import io

import pytest

from from_scratch.callbacks import ExactCheckpointCallback
from tests.contract.probes import STEPS, assert_learnt_on, assert_same_state, env_for, every, learnt, make, needs, same, train

pytestmark = [pytest.mark.numerical, pytest.mark.filterwarnings("ignore:The number of environments used is greater:UserWarning")]  # as SB3's, of DQN


class First(ExactCheckpointCallback):
    """Keeps the first of its checkpoints, and what had been learnt by then."""

    def __init__(self, every):
        super().__init__(io.BytesIO(), every)
        self.learnt = None

    def between_iterations(self):
        if self.learnt is None:
            super().between_iterations()
            if self.last:
                self.learnt = learnt(self.model)


def assert_goes_on(entry, **seeds):
    """Train, keeping the first checkpoint; then go on from it in another model, with environments made anew by the same recipe."""
    model, first = make(entry, **seeds), First(STEPS // 2)
    train(model, STEPS, callback=first, reset_num_timesteps=True)
    over = first.learnt is None  # it was done within one iteration
    if over:
        model.save(first.path, exact=True)
        first.learnt, first.last = learnt(model), model.num_timesteps
    first.path.seek(0)
    loaded = type(model).load(first.path, env=env_for(entry), device="cpu", **needs(entry))
    assert same(learnt(loaded), first.learnt)
    assert (loaded.num_timesteps, loaded.remaining_timesteps) == (first.last, 0 if over else max(0, STEPS - first.last))
    loaded.resume(log_interval=None)
    assert_same_state(loaded, model)
    assert loaded.resumptions == [(first.last, None)]
    assert_learnt_on(entry, first.learnt, model)


@every("continue")
def test_a_training_that_goes_on_from_a_checkpoint_is_one_that_was_never_stopped(entry):
    assert_goes_on(entry, seed=3)


@every("continue", where=lambda entry: entry.lockstep, one_of=3)
def test_so_it_is_with_a_stack(entry):
    assert_goes_on(entry, seeds=[3, 5])
