"""What `export` promises: every policy's file does on 1,000 observations what the model does; who has no such file says why."""

import importlib.util
import inspect

import pytest

from from_scratch.deploy import CannotExport, export, load_policy
from from_scratch.registry import ENTRIES
from tests.contract.probes import env_for, make, train

HAS_ONNX = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))
NEVER = ("random", "fqe")  # who draws even if asked not to, and who says what another policy is worth
SMALL = {"n_steps": 8, "batch_size": 8, "learning_starts": 8, "buffer_size": 200, "n_delta": 1}


def model_of(entry):
    """A small model that has learnt something; of the reference implementations, too."""
    if entry.is_ours:
        return train(make(entry, seed=3))
    cls = entry.load()
    known = {name: value for name, value in SMALL.items() if name in inspect.signature(cls).parameters}
    return cls(entry.policy, env_for(entry)(), seed=3, device="cpu", **known).learn(40)


@pytest.mark.slow
@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.id) for entry in ENTRIES.values()])
def test_an_exported_policy_does_what_the_model_does_on_1000_observations(entry, tmp_path):
    path = tmp_path / ("policy.onnx" if HAS_ONNX else "policy.pt")
    if entry.id in NEVER:
        with pytest.raises(CannotExport) as error:
            export(model_of(entry), path)
        assert "\n" not in str(error.value)
        return
    written = export(model_of(entry), path, n_observations=1000)

    assert written.comparison.n == 1000 and written.comparison.largest <= 1e-5
    assert load_policy(path).about["checked"]["n"] == 1000
