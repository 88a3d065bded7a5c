"""What every network promises on a GPU: it learns there what it learns on the CPU, up to rounding, and its files go from one to the other.

On a GPU torch computes, the networks of all seeds in one call, and neither NumPy nor our compiled loops do. The first check has that done with the CPU's
memory, wherever it runs; the others need a GPU.
"""

import numpy as np
import pytest
import torch

from from_scratch.core.lockstep import rows
from tests.contract.probes import every, learnt, make, observations, same, saved, train

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are trying to run .* on the GPU:UserWarning"),  # as SB3's, of PPO
    pytest.mark.filterwarnings("ignore:The number of environments used is greater:UserWarning"),  # of DQN
]

LEAST = 24  # steps: each has been updated by then
NONE = "" if torch.cuda.is_available() else f"torch {torch.__version__} sees no GPU here"
on_a_gpu = [pytest.mark.gpu, pytest.mark.skipif(bool(NONE), reason=NONE)]


def deep(entry):
    return entry.learns == "deep"


def seeds(entry):
    return [3, 4, 5] if entry.lockstep else [3]


def on(device, entry, seeds):
    """A small model there. Nothing is dropped at random where torch draws it, which a GPU does from a generator of its own."""
    return make(entry, seeds=seeds, device=device, **({"dropout": 0.0} if "dropout" in entry.load().hyperparameters else {}))


def assert_close(mine, theirs):
    """What two devices have learnt of the same numbers."""
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        torch.testing.assert_close(value.cpu(), theirs[name].cpu(), atol=1e-4, rtol=1e-4, msg=lambda said, name=name: f"{name}: {said}")


@every(where=deep)
def test_what_torch_computes_for_all_seeds_in_one_call_is_what_each_learns_on_the_cpu(entry, monkeypatch):
    here = train(make(entry, seeds=seeds(entry)), LEAST)
    monkeypatch.setattr(rows, "AS_ON_A_GPU", True)
    there = make(entry, seeds=seeds(entry))
    before = learnt(there)
    assert_close(learnt(train(there, LEAST)), learnt(here))
    assert same(before, learnt(there)) == ("learns" in entry.cannot)


DRAWN_THERE = {"crossq", "recurrent_ppo"}  # whose modules draw actions for themselves: on a GPU by its own generator, other numbers than the CPU's


def gpu(check=None):
    def marked(test):
        for mark in on_a_gpu:
            test = mark(test)
        return every(check, where=deep)(test)

    return marked


@gpu()
def test_the_same_seed_learns_the_same_on_a_gpu_again_alone_and_in_a_stack(entry):
    first, alone, stack = (train(on("cuda", entry, each), LEAST) for each in ([3], [3], seeds(entry)))
    for other in (alone, stack.member(0)):
        assert_close(learnt(first), learnt(other))


@gpu()
def test_one_seed_learns_on_a_gpu_what_it_learns_on_the_cpu(entry):
    if entry.id in DRAWN_THERE:
        pytest.skip("its actions are drawn by the GPU's generator")
    there = on("cuda", entry, [3])
    assert {p.device.type for p in there.policy.parameters()} == {"cuda"}
    assert_close(learnt(train(there, LEAST)), learnt(train(on("cpu", entry, [3]), LEAST)))


@gpu()
def test_a_stack_learns_on_a_gpu_what_it_learns_on_the_cpu(entry):
    if entry.id in DRAWN_THERE:
        pytest.skip("its actions are drawn by the GPU's generator")
    assert_close(*(learnt(train(on(device, entry, seeds(entry)), LEAST)) for device in ("cuda", "cpu")))


@gpu("deterministic")
def test_what_was_learnt_on_a_gpu_predicts_the_same_on_the_cpu_when_it_is_loaded_there(entry):
    model = train(on("cuda", entry, seeds(entry)), LEAST)
    loaded = type(model).load(saved(model), device="cpu")
    assert {p.device.type for p in loaded.policy.parameters()} == {"cpu"}
    obs = observations(model)
    np.testing.assert_allclose(*(each.predict(obs, deterministic=True)[0] for each in (model, loaded)), atol=1e-4)


@gpu()
def test_a_model_from_a_file_goes_on_on_a_gpu(entry):
    model = train(make(entry, seeds=seeds(entry)), LEAST)
    data = {"dataset": model.dataset} if hasattr(model, "dataset") else {}  # a file does not hold it
    loaded = type(model).load(saved(model), env=model.env, device="cuda", **data)
    before = learnt(loaded)
    train(loaded, LEAST)
    assert same(before, learnt(loaded)) == ("learns on" in entry.cannot)
