"""Which equations run as arrays of all seeds, and which through torch's modules and autograd: that one of ours is slow is a decision, and stands here."""

import torch

from tests.contract.probes import every, make, train

GENERAL: dict[str, str] = {  # id: why it will do that its equations take the general path on a plain network, with their default settings
    "edac": "its critics' loss differentiates their slopes, a second derivative, which programs do not know; with eta=0 all runs as programs",
    "decision_transformer": "attention has no kernel of ours: each seed's transformer is asked by itself",
}


def told(capsys, model):
    """What it says of the general path from when it was made until it has trained."""
    train(model)
    return [line for line in capsys.readouterr().out.splitlines() if "general path" in line]


def speaking(entry):
    return make(entry, verbose=1, seeds=[3, 5] if entry.lockstep else [3])


@every()
def test_on_a_plain_network_nobody_takes_the_general_path_who_is_not_listed(entry, capsys):
    said = told(capsys, speaking(entry))
    assert bool(said) == (entry.id in GENERAL), f"{said}: make it fast, or give the reason in this file" if said else "it is fast: take it off the list"


@every(where=lambda entry: entry.learns == "deep", one_of=4)
def test_on_a_network_that_is_not_plain_it_is_said_that_the_general_path_is_taken(entry, capsys):
    model = speaking(entry)
    for module in model.policy.modules():
        module.register_forward_hook(lambda *_: None)  # somebody looks at what every layer puts out
    assert told(capsys, model)


@every(where=lambda entry: entry.learns == "deep", one_of=4)
def test_with_an_activation_that_has_no_kernel_it_is_said_too(entry, capsys):
    assert told(capsys, make(entry, verbose=1, policy_kwargs={"net_arch": [8], "activation_fn": torch.nn.ELU}))
