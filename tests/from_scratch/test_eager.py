"""Under from_scratch.eager() losses run with tensors at every update, with the programs' numbers; a loss that prints or counts is told of the switch."""

import os
import subprocess
import sys
import warnings

import pytest
import torch

import from_scratch
from from_scratch.core.lockstep import Program, effects, per_seed, programs
from from_scratch.core.lockstep.selfcheck import follows_torch
from tests.some import some

SMALL = {"learning_starts": 20, "batch_size": 32, "device": "cpu"}
ROLLOUTS = {"n_steps": 32, "batch_size": 16, "n_epochs": 4, "device": "cpu"}
TWINS = {
    "PPO": lambda **seeds: from_scratch.PPO("MlpPolicy", "CartPole-v1", **ROLLOUTS, **seeds),
    "A2C": lambda **seeds: from_scratch.A2C("MlpPolicy", "CartPole-v1", device="cpu", **seeds),
    "DQN": lambda **seeds: from_scratch.DQN("MlpPolicy", "CartPole-v1", **SMALL, **seeds),
    "DDPG": lambda **seeds: from_scratch.DDPG("MlpPolicy", "Pendulum-v1", policy_kwargs={"net_arch": [40, 24]}, **SMALL, **seeds),
    "TD3": lambda **seeds: from_scratch.TD3("MlpPolicy", "Pendulum-v1", policy_kwargs={"net_arch": [40, 24]}, **SMALL, **seeds),
    "SAC": lambda **seeds: from_scratch.SAC("MlpPolicy", "Pendulum-v1", policy_kwargs={"net_arch": [40, 24]}, **SMALL, **seeds),
}


@pytest.mark.numerical
@pytest.mark.parametrize("seeds", [{"seed": 0}, {"seeds": [0, 1]}], ids=["one", "stack"])
@pytest.mark.parametrize("name", TWINS)
def test_eager_training_gives_the_programs_weights(name, seeds, monkeypatch):
    made = []
    steps = 64 if follows_torch() else 28  # where programs and torch compute other bits, Adam's first steps magnify the last one
    known = Program.__init__
    monkeypatch.setattr(Program, "__init__", lambda self, equation, *more: made.append(equation.__name__) or known(self, equation, *more))
    with_programs = TWINS[name](**seeds).learn(steps)
    assert any("loss" in equation for equation in made)
    made.clear()
    with from_scratch.eager():
        eager = TWINS[name](**seeds).learn(steps)
    assert not any("loss" in equation for equation in made)
    for mine, theirs in zip(eager.policy.parameters(), with_programs.policy.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=0)


class Looks(from_scratch.PPO):
    """Prints and counts."""

    def build(self):
        super().build()
        self.seen, self.count = [], 0

    @per_seed
    def loss(self, b):
        loss, metrics = super().loss(b)
        print("looked at", type(loss).__name__)
        self.count += 1
        self.seen.append(type(b.obs))
        return loss, metrics


def test_a_print_and_a_counter_work_at_every_update(capsys):
    with from_scratch.eager():
        model = Looks("MlpPolicy", "CartPole-v1", seed=0, **ROLLOUTS).learn(64)
    assert model.count == 2 * 4 * 2  # rollouts, epochs, minibatches
    assert capsys.readouterr().out.splitlines() == ["looked at Tensor"] * model.count
    assert model.seen == [torch.Tensor] * model.count


def test_the_switch_may_be_turned_between_trainings_and_within(capsys):
    model = TWINS["PPO"](seed=0).learn(32)
    rows, batch = model.actor_critic.rows, next(iter(model.minibatches(model.samples(), 16)))
    kinds = [type(rows.differentiate(model.loss, batch)[0])]
    with from_scratch.eager():
        kinds.append(type(rows.differentiate(model.loss, batch)[0]))
        with from_scratch.eager(False):
            kinds.append(type(rows.differentiate(model.loss, batch)[0]))
        kinds.append(type(rows.differentiate(model.loss, batch)[0]))
    kinds.append(type(rows.differentiate(model.loss, batch)[0]))
    assert kinds == [Program, torch.Tensor, Program, torch.Tensor, Program]


def test_an_error_within_leaves_the_switch_as_it_was():
    with pytest.raises(ZeroDivisionError), from_scratch.eager():
        1 / 0  # noqa: B018
    assert not programs.EAGER


@pytest.mark.parametrize("value, on", some([("1", True), ("0", False), ("", False), (None, False)], every=2))
def test_the_environment_variable_turns_it_on_for_a_process(value, on):
    env = {name: text for name, text in os.environ.items() if name != "FROM_SCRATCH_EAGER"} | ({} if value is None else {"FROM_SCRATCH_EAGER": value})
    asks = "from from_scratch.core.lockstep import programs; print(programs.EAGER)"
    out = subprocess.run([sys.executable, "-c", asks], env=env, capture_output=True, text=True)
    assert out.stdout.strip() == str(on), out.stderr


# ------------------------------------------------------------------------------------------------------------- who is told of it
COUNTER = 0


class Plain(from_scratch.A2C):
    @per_seed
    def loss(self, b):
        loss, metrics = super().loss(b)
        scaled = [x for x in (loss * 2,)]
        metrics["twice"] = scaled[0]
        metrics.update(thrice=loss * 3)
        return loss, metrics


class Prints(from_scratch.A2C):
    @per_seed
    def loss(self, b):
        print("here")
        return super().loss(b)


class PrintsBelow(Prints):
    @per_seed
    def loss(self, b):
        return super().loss(b)


class CallsOnePrinting(from_scratch.A2C):
    def show(self):
        print("here")

    @per_seed
    def loss(self, b):
        self.show()
        return super().loss(b)


class Breaks(from_scratch.A2C):
    @per_seed
    def loss(self, b):
        if b is None:
            breakpoint()
        return super().loss(b)


class Debugs(from_scratch.A2C):
    @per_seed
    def loss(self, b):
        if b is None:
            import pdb

            pdb.set_trace()
        return super().loss(b)


class CountsOnSelf(from_scratch.A2C):
    calls = 0

    @per_seed
    def loss(self, b):
        self.calls += 1
        return super().loss(b)


class CountsOnItsClass(from_scratch.A2C):
    calls = 0

    @per_seed
    def loss(self, b):
        type(self).calls += 1
        return super().loss(b)


class CountsGlobally(from_scratch.A2C):
    @per_seed
    def loss(self, b):
        global COUNTER
        COUNTER += 1
        return super().loss(b)


class Collects(from_scratch.A2C):
    seen: "list" = []

    @per_seed
    def loss(self, b):
        self.seen.append(1)
        return super().loss(b)


def counts_around():
    n = 0

    class CountsAround(from_scratch.A2C):
        @per_seed
        def loss(self, b):
            nonlocal n
            n += 1
            return super().loss(b)

    return CountsAround


TOLD = {
    Prints: "calls print",
    PrintsBelow: "calls print",
    CallsOnePrinting: "calls print",
    Breaks: "calls breakpoint",
    Debugs: "calls pdb",
    CountsOnSelf: "sets calls",
    CountsOnItsClass: "sets calls",
    CountsGlobally: "sets COUNTER, which is not its own",
    Collects: "calls seen.append",
    counts_around(): "sets n, which is not its own",
}


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.__name__)
def test_a_loss_that_does_more_than_compute_is_told_of_the_switch_once(kind, capsys):
    model = kind("MlpPolicy", "CartPole-v1", seed=0, device="cpu")
    with pytest.warns(UserWarning) as told:
        model.learn(20)
    assert [str(warning.message) for warning in told] == [
        f"{kind.loss.__qualname__} {TOLD[kind]}: only its first evaluation does, since a program of what it computes is repeated from then on. Train within "
        "from_scratch.eager(), or with FROM_SCRATCH_EAGER=1, to have it run at every update (docs/lockstep.md)."
    ]
    assert told[0].filename == __file__


@pytest.mark.parametrize("make", [*TWINS.values(), lambda seed: Plain("MlpPolicy", "CartPole-v1", seed=seed, device="cpu")], ids=[*TWINS, "a user's"])
def test_a_loss_that_only_computes_is_told_nothing(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        make(seed=0).learn(64)


def test_nobody_is_told_who_trains_eagerly():
    with warnings.catch_warnings(), from_scratch.eager():
        warnings.simplefilter("error", UserWarning)
        model = CountsOnSelf("MlpPolicy", "CartPole-v1", seed=0, device="cpu").learn(20)
    assert model.calls == 4


def test_our_own_equations_have_no_effects():
    for make in TWINS.values():
        model = make(seed=0)
        names = [name for name in dir(type(model)) if getattr(getattr(type(model), name), "per_seed", False)]
        assert names and not any(effects.effect_of(getattr(model, name)) for name in names)
