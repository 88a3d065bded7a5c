"""On right memories the learner's tests must pass, on those with a fault they must fail."""

from typing import NamedTuple

import numpy as np

from sb3_course.teaching.checks import Mistake, measured, probe


class Batch(NamedTuple):
    obs: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    next_obs: np.ndarray
    terminated: np.ndarray


class Memory:
    """The right one of the stub, in parts that can be replaced."""

    stream = 0  # which random numbers its draws use, with any seed

    def __init__(self, size, n, seed=0):
        self.obs, self.next_obs = np.zeros((size, n)), np.zeros((size, n))
        self.action, self.reward, self.terminated = np.zeros(size, dtype=int), np.zeros(size), np.zeros(size)
        self.size, self.head, self.filled, self.seed, self.drawn = size, 0, 0, (int(seed or 0), self.stream), 0
        self.rng = np.random.default_rng(self.seed)

    def add(self, obs, action, reward, next_obs, terminated, truncated, info):
        k = self.head
        self.action[k], self.reward[k], self.terminated[k] = action, reward, self.end(terminated, truncated)
        self.keep(k, obs, self.successor(next_obs, terminated, truncated, info))
        self.advance()

    def keep(self, k, obs, next_obs):
        self.obs[k], self.next_obs[k] = obs, next_obs

    def successor(self, next_obs, terminated, truncated, info):
        return info["final_obs"] if terminated or truncated else next_obs

    def end(self, terminated, truncated):
        return terminated

    def advance(self):
        self.head, self.filled = (self.head + 1) % self.size, min(self.filled + 1, self.size)

    def __len__(self):
        return self.filled

    def places(self, m):
        return self.rng.integers(self.filled, size=m)

    def sample(self, m):
        self.drawn += 1
        assert self.drawn <= 20_000, "20,000 batches were drawn from one memory: the test would never end"
        return self.batch(self.places(m))

    def batch(self, i):
        return Batch(self.obs[i], self.action[i], self.reward[i], self.next_obs[i], self.terminated[i])


class InLists:
    """Right, too: the newest steps in a list, in single precision, and no attribute has the name of the stub's."""

    def __init__(self, size, n, seed=0):
        self._most, self._steps, self._draws = size, [], np.random.default_rng((int(seed or 0), 99))

    def add(self, obs, action, reward, next_obs, terminated, truncated, info):
        after = info["final_obs"] if terminated or truncated else next_obs
        step = (np.array(obs, dtype=np.float32), int(action), np.float32(reward), np.array(after, dtype=np.float32), np.float32(terminated))
        self._steps = [*self._steps, step][-self._most :]

    def __len__(self):
        return len(self._steps)

    def sample(self, m):
        return Batch(*map(np.array, zip(*(self._steps[int(k)] for k in (self._draws.random(m) * len(self._steps))))))


# --------------------------------------------------------------------------------------------------------------- faults


class DropsNew(Memory):
    def add(self, *step):
        if self.filled < self.size:
            super().add(*step)


class OverwritesTheNewest(Memory):
    def advance(self):
        self.head, self.filled = min(self.head + 1, self.size - 1), min(self.filled + 1, self.size)


class TurnsTooEarly(Memory):
    def advance(self):
        self.head, self.filled = (self.head + 1) % max(self.size - 1, 1), min(self.filled + 1, self.size)


class DrawsWhatIsEmpty(Memory):
    def places(self, m):
        return self.rng.integers(min(self.filled + 1, self.size), size=m)


class NeverDrawsTheNewest(Memory):
    def places(self, m):
        others = np.delete(np.arange(self.filled), (self.head - 1) % self.size) if self.filled > 1 else np.arange(1)
        return self.rng.choice(others, size=m)


class AfterTheReset(Memory):
    def successor(self, next_obs, terminated, truncated, info):
        return next_obs


class AfterTheResetOfACut(Memory):
    def successor(self, next_obs, terminated, truncated, info):
        return info["final_obs"] if terminated else next_obs


class DoneForTerminated(Memory):
    def end(self, terminated, truncated):
        return terminated or truncated


class NeverTerminated(Memory):
    def end(self, terminated, truncated):
        return False


class SharesObs(Memory):
    shared, field = 0, "obs"

    def keep(self, k, obs, next_obs):
        super().keep(k, obs, next_obs)
        if not hasattr(self, "given"):
            self.given = {}
        self.given[k] = (obs, next_obs)[self.shared]

    def batch(self, i):
        return super().batch(i)._replace(**{self.field: np.array([self.given[int(k)] for k in i], dtype=float)})


class SharesNextObs(SharesObs):
    shared, field = 1, "next_obs"


class OneStepABatch(Memory):
    def places(self, m):
        return np.full(m, self.rng.integers(self.filled))


class TheSameBatch(Memory):
    def places(self, m):
        return np.random.default_rng(self.seed).integers(self.filled, size=m)


class FieldsApart(Memory):
    def batch(self, i):
        return super().batch(i)._replace(next_obs=self.next_obs[self.places(len(i))])


FAULTS = {
    "test_ring": {
        "one that drops new steps when it is full": DropsNew,
        "one that overwrites its newest step when it is full": OverwritesTheNewest,
        "one whose ring turns one place too early": TurnsTooEarly,
        "one that also draws the next empty place": DrawsWhatIsEmpty,
        "one that never draws its newest step": NeverDrawsTheNewest,
    },
    "test_ends": {
        "one that stores the observation after the reset": AfterTheReset,
        "one that stores the observation after the reset where an episode is cut": AfterTheResetOfACut,
        "one that stores `terminated or truncated`": DoneForTerminated,
        "one that forgets that an episode terminated": NeverTerminated,
    },
    "test_copies": {
        "one that keeps the caller's obs itself, no copy": SharesObs,
        "one that keeps the caller's next_obs itself": SharesNextObs,
    },
    "test_sampling": {
        "one whose batch is one step many times": OneStepABatch,
        "one that draws the same batch every time": TheSameBatch,
        "one whose next_obs are drawn apart from the rest": FieldsApart,
    },
}


def called(answer, name, cls):
    """The learner's test on a class, which it sees under the name Memory."""
    given = type("Memory", (cls,), {})
    getattr(answer, name)(given)


def alarms(answer, name):
    """True. Mistake if any of 20 right memories, which draw other random numbers, is taken for wrong."""
    found = 0
    for k in range(1, 21):
        try:
            called(answer, name, type("Other", (Memory,), {"stream": k}))
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
    """Three probes of a test: right memories, other random numbers, those with a fault."""

    def passes(answer):
        called(answer, name, Memory)
        return True

    def passes_again(answer):
        called(answer, name, InLists)
        return True

    def no_alarm(answer):
        return alarms(answer, name)

    def faults(answer):
        return noticed(answer, name)

    for run in (passes, passes_again, no_alarm, faults):
        run.__name__ = f"{name}_{run.__name__}"
    return [
        probe(name, "a memory that is right, on which it has to pass", expected=True)(passes),
        probe(name, "another right memory, which keeps its steps in a list: it has to pass, too", expected=True)(passes_again),
        probe(name, "20 right memories with other random numbers, on which it has to pass", expected=True)(no_alarm),
        probe(name, "memories with a fault, on which it has to fail", expected=True)(faults),
    ]


ring_1, ring_2, ring_3, ring_4 = probes("test_ring")
ends_1, ends_2, ends_3, ends_4 = probes("test_ends")
copies_1, copies_2, copies_3, copies_4 = probes("test_copies")
sampling_1, sampling_2, sampling_3, sampling_4 = probes("test_sampling")
