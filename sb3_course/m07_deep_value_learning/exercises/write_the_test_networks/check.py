"""On right agents the learner's tests must pass, on those with a fault they must fail."""

import copy

import torch
from torch import nn

from sb3_course.teaching.checks import Mistake, measured, probe

torch.set_num_threads(1)


class Agent:
    """A right one, in parts that can be replaced; with plain gradient descent, since torch's optimisers take seconds to be imported."""

    stream = 0  # other weights with the same seeds
    rate = 0.02

    def __init__(self, n_obs, n_actions, seed=0):
        self.n_obs, self.n_actions, self.learnt = n_obs, n_actions, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed_of(seed))
            self.q = self.network()
            self.start(self.q)
        self.q_target = self.copied(self.q)
        self.learning = [*self.taught()]

    def seed_of(self, seed):
        return int(seed or 0) + 1_000_003 * self.stream

    def network(self):
        return nn.Sequential(nn.Linear(self.n_obs, 16), nn.ReLU(), nn.Linear(16, self.n_actions))

    def start(self, q):
        """Its weights, where they are not torch's own."""

    def copied(self, q):
        return copy.deepcopy(q)

    def taught(self):
        return self.q.parameters()

    def learn(self, obs, action, y):
        self.learnt += 1
        assert self.learnt <= 20_000, "20,000 steps were learnt: the test would never end"
        chosen = self.q(obs).gather(1, action.long()[:, None])[:, 0]
        gradients = torch.autograd.grad(self.loss(chosen, y), self.learning, allow_unused=True)
        with torch.no_grad():
            for p, g in zip(self.learning, gradients):
                if g is not None:
                    p -= self.rate * g

    def loss(self, chosen, y):
        return ((chosen - y) ** 2).mean()

    def sync(self):
        self.q_target.load_state_dict(self.q.state_dict())


class TwoHiddenLayers(nn.Module):
    def __init__(self, n_obs, n_actions):
        super().__init__()
        self.inner, self.middle, self.outer = nn.Linear(n_obs, 12), nn.Linear(12, 8), nn.Linear(8, n_actions)

    def forward(self, obs):
        return self.outer(torch.tanh(self.middle(torch.tanh(self.inner(obs)))))


class Elsewise(Agent):
    """Right, too: other layers, no nn.Sequential, another learning rate, Huber's loss."""

    rate = 0.05

    def network(self):
        return TwoHiddenLayers(self.n_obs, self.n_actions)

    def loss(self, chosen, y):
        return nn.functional.smooth_l1_loss(chosen, y)


# --------------------------------------------------------------------------------------------------------------- faults


class OneObject(Agent):
    def copied(self, q):
        return q


class DeadCopy(Agent):
    def sync(self):
        q_target = copy.deepcopy(self.q)  # noqa: F841  another network, which nobody keeps


class TheSameFromThenOn(Agent):
    def sync(self):
        self.q_target = self.q


class SyncsOnce(Agent):
    def sync(self):
        if not hasattr(self, "synced"):
            super().sync()
        self.synced = True


class BeginsElsewhere(Agent):
    def copied(self, q):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(12345)
            return self.network()


class LearnsAlong(Agent):
    def learn(self, obs, action, y):
        super().learn(obs, action, y)
        with torch.no_grad():
            for old, new in zip(self.q_target.parameters(), self.q.parameters()):
                old.lerp_(new, 0.1)


class Zeros(Agent):
    """But for the biases of the last layer, so that the seed is seen."""

    def start(self, q):
        for p in [*q.parameters()][:-1]:
            nn.init.zeros_(p)


class AllAlike(Agent):
    def start(self, q):
        with torch.no_grad():
            for p in q.parameters():
                p.copy_(p[:1].expand_as(p))


class TooLarge(Agent):
    def start(self, q):
        for p in q.parameters():
            nn.init.normal_(p, 0, 10)


class OneSeed(Agent):
    def seed_of(self, seed):
        return 77


class NoSeed(Agent):
    made = 0

    def seed_of(self, seed):
        NoSeed.made += 1
        return 1000 + NoSeed.made


class FrozenFirst(Agent):
    def taught(self):
        return [*self.q.parameters()][2:]


class FrozenLast(Agent):
    def taught(self):
        return [*self.q.parameters()][:2]


class OptimiserOfACopy(Agent):
    def taught(self):
        return copy.deepcopy(self.q).parameters()


class Uphill(Agent):
    def loss(self, chosen, y):
        return -super().loss(chosen, y)


FAULTS = {
    "test_target": {
        "one whose q_target is the same object as q": OneObject,
        "one whose sync makes a copy and drops it": DeadCopy,
        "one whose sync makes q_target the same object as q": TheSameFromThenOn,
        "one that syncs the first time only": SyncsOnce,
        "one whose q_target begins with other weights": BeginsElsewhere,
        "one whose q_target follows q in every step": LearnsAlong,
    },
    "test_init": {
        "one whose weights are 0": Zeros,
        "one in which all units of a layer begin alike": AllAlike,
        "one whose weights are far too large": TooLarge,
        "one that has the same weights with every seed": OneSeed,
        "one that has other weights each time, whatever the seed": NoSeed,
    },
    "test_learning": {
        "one whose first layer is frozen": FrozenFirst,
        "one whose last layer is frozen": FrozenLast,
        "one whose optimiser holds the weights of a copy": OptimiserOfACopy,
        "one that climbs up the loss": Uphill,
    },
}


def called(answer, name, cls):
    """The learner's test on a class, which it sees under the name Agent."""
    getattr(answer, name)(type("Agent", (cls,), {}))


def alarms(answer, name):
    """True. Mistake if any of 10 right agents, which begin with other weights, is taken for wrong."""
    found = 0
    for k in range(1, 11):
        try:
            called(answer, name, type("Other", (Agent,), {"stream": k}))
        except AssertionError:
            found += 1
    if found:
        raise Mistake(f"takes {found} of them for wrong")
    return True


def noticed(answer, name):
    """True. Mistake if there are faults that it does not see."""
    missed = []
    for words, cls in FAULTS[name].items():
        try:
            called(answer, name, cls)
            missed.append(words)
        except Exception:
            continue
    if missed:
        raise Mistake(f"passes on {missed[0]}" + (f", and on {len(missed) - 1} more" if len(missed) > 1 else ""))
    return measured(True, note=f"It notices all {len(FAULTS[name])} faults.")


def probes(name):
    """Of one test: right agents, other weights, agents with a fault."""

    def passes(answer):
        called(answer, name, Agent)
        return True

    def passes_again(answer):
        called(answer, name, Elsewise)
        return True

    def no_alarm(answer):
        return alarms(answer, name)

    def faults(answer):
        return noticed(answer, name)

    for run in (passes, passes_again, no_alarm, faults):
        run.__name__ = f"{name}_{run.__name__}"
    return [
        probe(name, "an agent that is right, on which it has to pass", expected=True)(passes),
        probe(name, "another right agent, with other layers and another loss: it has to pass, too", expected=True)(passes_again),
        probe(name, "10 right agents with other weights, on which it has to pass", expected=True, twice=False)(no_alarm),
        probe(name, "agents with a fault, on which it has to fail", expected=True, twice=False)(faults),
    ]


target_1, target_2, target_3, target_4 = probes("test_target")
init_1, init_2, init_3, init_4 = probes("test_init")
learning_1, learning_2, learning_3, learning_4 = probes("test_learning")
