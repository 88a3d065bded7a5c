"""What an equation reads from its model is seen when it changes, or refused; and a switch compares its program with autograd."""

from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import from_scratch
from from_scratch.core.lockstep import ArrayRows, Rows, per_seed, programs

SMALL = {"n_steps": 32, "batch_size": 16, "n_epochs": 1}


class Weighted(from_scratch.PPO):
    """A loss times a number that its model keeps somewhere; `find` says where."""

    find = staticmethod(lambda model: 1.0)

    @per_seed
    def loss(self, b):
        loss, metrics = super().loss(b)
        return loss * float(type(self).find(self)), metrics


def gradients(model, batch):
    """By its own rows, and by autograd."""
    rows = model.actor_critic.rows
    loss, _ = rows.differentiate(model.loss, batch)
    rows.backward(loss)
    mine = rows.grad.clone()
    general, _ = Rows.differentiate(rows, model.loss, batch)
    Rows.backward(rows, general)
    return mine, rows.grad.clone()


class Config:
    def __init__(self):
        self.inner = {"weights": [1.0]}


class Slots:
    __slots__ = ("w",)

    def __init__(self):
        self.w = 1.0


PLACES = {  # where the number is, how it is read, how it is changed in place, and whether the equation may then be a program
    "in a list": ([1.0], lambda model: model.place[0], lambda place: place.__setitem__(0, 3.0), True),
    "in a dict": ({"w": 1.0}, lambda model: model.place["w"], lambda place: place.update(w=3.0), True),
    "in a list in a dict": ({"w": [1.0]}, lambda model: model.place["w"][0], lambda place: place["w"].__setitem__(0, 3.0), True),
    "in an array": (np.ones(3), lambda model: model.place[1], lambda place: place.__setitem__(1, 3.0), True),
    "in a tensor": (torch.ones(3), lambda model: model.place[1], lambda place: place.__setitem__(1, 3.0), True),
    "on an object": (SimpleNamespace(w=1.0), lambda model: model.place.w, lambda place: setattr(place, "w", 3.0), True),
    "deep in an object": (Config(), lambda model: model.place.inner["weights"][0], lambda place: place.inner["weights"].__setitem__(0, 3.0), True),
    "in an array too large to compare": (np.ones(1000), lambda model: model.place[1], lambda place: place.__setitem__(1, 3.0), False),
    "on an object that cannot be looked into": (Slots(), lambda model: model.place.w, lambda place: setattr(place, "w", 3.0), False),
    "on a module": (nn.Linear(1, 1), lambda model: getattr(model.place, "w", 1.0), lambda place: setattr(place, "w", 3.0), False),
}


@pytest.mark.parametrize("where", PLACES)
def test_a_number_that_changes_in_place_is_seen_or_refused(where, monkeypatch, capsys):
    place, find, change, may_be_program = PLACES[where]
    monkeypatch.setattr(Weighted, "find", staticmethod(find))
    model = Weighted("MlpPolicy", "CartPole-v1", seed=0, device="cpu", verbose=1, **SMALL)
    model.place = place
    model.learn(32)
    batch = next(iter(model.minibatches(model.samples(), 16)))

    before, _ = gradients(model, batch)
    change(place)
    mine, autograds = gradients(model, batch)

    torch.testing.assert_close(mine, autograds, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(mine, 3 * before, atol=1e-6, rtol=1e-5)
    told = [line for line in capsys.readouterr().out.splitlines() if "general path" in line]
    assert (not told) == may_be_program
    assert may_be_program or "it reads place, where" in told[0]


def test_a_list_that_outgrows_what_is_compared_sends_its_equation_alone_through_autograd(monkeypatch):
    monkeypatch.setattr(Weighted, "find", staticmethod(lambda model: model.place[0]))
    model = Weighted("MlpPolicy", "CartPole-v1", seed=0, device="cpu", **SMALL)
    model.place = [1.0]
    model.learn(32)
    model.place.extend([0.0] * 300)
    rows, batch = model.actor_critic.rows, next(iter(model.minibatches(model.samples(), 16)))

    for size in (3, 4):  # other equations of these rows meet new shapes, and look which programs still hold
        model.actor_critic.evaluate_numpy(np.zeros((1, size, 4), np.float32), np.zeros((1, size), np.int64))
    mine, autograds = gradients(model, batch)
    torch.testing.assert_close(mine, autograds, atol=1e-6, rtol=1e-5)
    assert model.actor_critic.served._judge.__func__ not in rows._need_tensors


FACTOR = [1.0]


class OfItsClass(from_scratch.A2C):
    factor = 1.0

    @per_seed
    def loss(self, b):
        loss, metrics = super().loss(b)
        return loss * self.factor * FACTOR[0], metrics


def test_a_number_of_the_class_of_the_module_or_of_a_function_around_is_seen_too():
    around = 1.0

    class OfAFunction(OfItsClass):
        @per_seed
        def loss(self, b):
            loss, metrics = super().loss(b)
            return loss * around, metrics

    def change():
        nonlocal around
        around = 3.0

    def of_class(value):
        OfItsClass.factor = value

    _three_times(OfItsClass, lambda: of_class(3.0), lambda: of_class(1.0))
    _three_times(OfItsClass, lambda: FACTOR.__setitem__(0, 3.0), lambda: FACTOR.__setitem__(0, 1.0))
    _three_times(OfAFunction, change, lambda: None)


SETTINGS = SimpleNamespace(factor=1.0)
elsewhere = ModuleType("elsewhere")
elsewhere.shared = 1.0


class OfOtherPlaces(from_scratch.A2C):
    @per_seed
    def loss(self, b):
        loss, metrics = super().loss(b)
        return loss * SETTINGS.factor * elsewhere.shared, metrics


@pytest.mark.parametrize(("place", "name"), [(SETTINGS, "factor"), (elsewhere, "shared")], ids=["an object", "a module"])
def test_so_is_a_number_of_an_object_or_a_module_that_the_equation_names(place, name):
    _three_times(OfOtherPlaces, lambda: setattr(place, name, 3.0), lambda: setattr(place, name, 1.0))


def _three_times(kind, change, back):
    model = kind("MlpPolicy", "CartPole-v1", seed=0, device="cpu").learn(20)
    batch = next(iter(model.minibatches(model.samples())))
    before, _ = gradients(model, batch)
    change()
    try:
        mine, autograds = gradients(model, batch)
    finally:
        back()
    torch.testing.assert_close(mine, autograds, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(mine, 3 * before, atol=1e-6, rtol=1e-5)


def test_what_is_read_and_does_not_change_costs_no_second_program():
    model = from_scratch.PPO("MlpPolicy", "CartPole-v1", seed=0, device="cpu", **SMALL).learn(32)
    rows, batch = model.actor_critic.rows, next(iter(model.minibatches(model.samples(), 16)))
    assert rows.differentiate(model.loss, batch)[0] is rows.differentiate(model.loss, batch)[0]


TRAININGS = {
    "PPO": lambda: from_scratch.PPO("MlpPolicy", "Pendulum-v1", seeds=[0, 1], device="cpu", **SMALL),
    "A2C": lambda: from_scratch.A2C("MlpPolicy", "CartPole-v1", seeds=[0, 1], device="cpu"),
    "DQN": lambda: from_scratch.DQN("MlpPolicy", "CartPole-v1", seeds=[0, 1], device="cpu", learning_starts=20),
    "TD3": lambda: from_scratch.TD3("MlpPolicy", "Pendulum-v1", seeds=[0, 1], device="cpu", learning_starts=20, policy_kwargs={"net_arch": [16]}),
    "SAC": lambda: from_scratch.SAC("MlpPolicy", "Pendulum-v1", seeds=[0, 1], device="cpu", learning_starts=20, policy_kwargs={"net_arch": [16]}),
}


@pytest.mark.numerical
@pytest.mark.parametrize("name", TRAININGS)
def test_programs_and_autograd_agree_throughout_a_training_and_comparing_changes_no_bit(name, monkeypatch):
    plain = TRAININGS[name]().learn(64)
    compared = []
    known = ArrayRows._compare
    monkeypatch.setattr(ArrayRows, "_compare", lambda self, *args: compared.append(1) or known(self, *args))
    monkeypatch.setattr(programs, "EVERY", 3)
    checked = TRAININGS[name]().learn(64)
    assert compared
    for mine, theirs in zip(checked.policies.parameters(), plain.policies.parameters(), strict=True):
        assert torch.equal(mine, theirs)


class Counts(from_scratch.A2C):
    """An equation that counts how often it is evaluated: a program evaluates it once."""

    calls = 0

    @per_seed
    def loss(self, b):
        type(self).calls += 1
        loss, metrics = super().loss(b)
        return loss * float(type(self).calls), metrics


@pytest.mark.filterwarnings("ignore:Counts.loss sets calls")
def test_an_equation_that_is_not_what_it_was_is_found_by_comparing(monkeypatch):
    monkeypatch.setattr(programs, "EVERY", 2)
    with pytest.raises(programs.EquationsDiffer, match=r"Counts\.loss: the gradient of its program is up to .*docs/lockstep\.md"):
        Counts("MlpPolicy", "CartPole-v1", seed=0, device="cpu").learn(40)
