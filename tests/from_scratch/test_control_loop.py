"""The control loop and its watchdog, on a clock that only moves when it is told to."""

from types import SimpleNamespace

import numpy as np
import pytest

from from_scratch.deploy import ControlLoop, Limits, SimulatedClock
from from_scratch.deploy.control import quantiles


class World:
    """Observations 0, 1, 2, …, with what happens in between; a policy that does what it sees, in `takes(k)` seconds."""

    def __init__(self, says=lambda k: float(k), takes=lambda k: 0.001, predicts=lambda k, obs: obs):
        self.clock, self.done, self.k = SimulatedClock(), [], -1
        self.says, self.takes, self.predicts = says, takes, predicts

    def observe(self):
        self.k += 1
        said = self.says(self.k)
        if isinstance(said, Exception):
            raise said
        return said if said is None or isinstance(said, tuple) else np.array([said])

    def predict(self, obs, state=None, episode_start=None, deterministic=True):
        self.clock.advance(self.takes(self.k))
        action = self.predicts(self.k, obs)
        if isinstance(action, Exception):
            raise action
        return action, state

    def act(self, action):
        self.done.append(round(float(np.asarray(action).item()), 6))

    def loop(self, **more):
        given = {"rate": 10, "safe_action": np.array([-1.0]), **more}
        return ControlLoop(SimpleNamespace(predict=self.predict), self.observe, self.act, clock=self.clock, **given)


def test_it_acts_at_its_rate_and_ends_with_the_safe_action():
    world = World()
    report = world.loop().run(periods=4)

    assert world.done == [0, 1, 2, 3, -1]
    assert report.periods == 4 and report.n_misses == 0 and report.overruns == 0 and report.stopped is None
    assert world.clock.now() == pytest.approx(0.301)  # the last of the periods began at 0.3
    np.testing.assert_allclose(report.latencies, 0.001, atol=1e-12)


def test_seconds_are_as_many_periods_as_they_hold():
    assert World().loop(rate=50).run(seconds=0.2).periods == 10


def test_an_action_that_is_late_is_not_taken():
    world = World(takes=lambda k: 0.03 if k == 1 else 0.001)
    report = world.loop(deadline=0.02).run(periods=3)

    assert world.done == [0, -1, 2, -1]
    assert report.misses == {"late": 1} and report.log == [(1, "late", "30.000 ms")]


def test_a_period_that_was_overrun_is_counted_and_nothing_is_caught_up():
    world = World(takes=lambda k: 0.25 if k == 0 else 0.001)  # the periods at 0.1 and 0.2 are over when it is done
    report = world.loop().run(periods=3)

    assert report.overruns == 2 and report.misses == {"late": 1}
    assert world.clock.now() == pytest.approx(0.401)  # the next ones began at 0.3 and 0.4, on the grid


@pytest.mark.parametrize(
    ("what", "says", "predicts"),
    [
        ("no observation", lambda k: None, lambda k, obs: obs),
        ("no observation", lambda k: OSError("unplugged"), lambda k, obs: obs),
        ("bad observation", lambda k: np.nan, lambda k, obs: obs),
        ("bad observation", lambda k: (1.0, 2.0, 3.0, 4.0), lambda k, obs: obs),  # an observation that is a tuple, not given as (observation, False)
        ("policy failed", lambda k: 1.0, lambda k, obs: RuntimeError("shape")),
        ("bad action", lambda k: 1.0, lambda k, obs: np.array([np.inf])),
    ],
)
def test_whatever_is_missing_or_wrong_is_a_miss_with_the_safe_action_in_its_place(what, says, predicts):
    world = World(says=lambda k: says(k) if k == 1 else float(k), predicts=lambda k, obs: predicts(k, obs) if k == 1 else obs)
    report = world.loop().run(periods=3)

    assert world.done == [0, -1, 2, -1]
    assert report.misses == {what: 1}


def test_an_observation_that_is_too_old_is_none():
    world = World(says=lambda k: (np.array([float(k)]), False, 0.1 * k - (0.3 if k == 2 else 0.0)))
    report = world.loop(stale_after=0.2).run(periods=3)

    assert world.done == [0, 1, -1, -1]
    assert report.misses == {"no observation": 1} and "300.000 ms old" in report.log[0][2]


def test_the_last_action_is_held_for_a_while_and_then_the_safe_one_is_taken():
    world = World(says=lambda k: 5.0 if k == 0 else None)
    world.loop(on_miss="hold", hold_for=0.25).run(periods=5)

    assert world.done == [5, 5, 5, -1, -1, -1]


def test_too_many_misses_in_a_row_stop_it():
    world = World(says=lambda k: float(k) if k in (0, 3) else None)
    report = world.loop(most_misses=3).run(periods=100)

    assert report.periods == 7  # two misses, one observation, three misses
    assert report.stopped == "3 misses in a row" and world.done[-1] == -1


def test_an_actuator_that_fails_stops_it_and_the_safe_action_is_tried():
    world = World()
    tried = []

    def act(action):
        tried.append(float(np.asarray(action).item()))
        if len(tried) == 2:
            raise OSError("no answer")

    loop = world.loop()
    loop.act = act
    report = loop.run(periods=10)

    assert tried == [0, 1, -1] and report.stopped == "act() failed: OSError: no answer"


def test_an_interruption_ends_with_the_safe_action_too():
    world = World(says=lambda k: float(k))
    loop = world.loop()
    act = loop.act
    loop.act = lambda action: act(action) if len(world.done) != 2 else (world.done.append(99), (_ for _ in ()).throw(KeyboardInterrupt))[0]
    report = loop.run(periods=10)

    assert report.stopped == "interrupted" and world.done == [0, 1, 99, -1]


def test_actions_change_no_faster_than_they_may():
    world = World(says=lambda k: [0.0, 10.0, 10.0, -10.0][k])
    report = world.loop(limits=Limits(low=-3, high=3, per_second=20)).run(periods=4)  # by 2 in a tenth of a second

    assert world.done == [0, 2, 3, 1, -1]
    assert report.limited == 3


def test_what_is_remembered_goes_along_and_a_new_episode_is_told():
    told = []

    def predict(obs, state=None, episode_start=None, deterministic=True):
        told.append((state, bool(episode_start[0])))
        return np.zeros(1), (state or 0) + 1

    world = World(says=lambda k: (np.zeros(1), k == 2))
    loop = world.loop()
    loop.policy = SimpleNamespace(predict=predict)
    loop.run(periods=4)

    assert told == [(None, True), (1, False), (2, True), (3, False)]


def test_an_episode_that_began_at_a_miss_is_told_at_the_next_observation():
    told = []

    def predict(obs, state=None, episode_start=None, deterministic=True):
        told.append(bool(episode_start[0]))
        return np.zeros(1), 1

    world = World(says=lambda k: (np.full(1, np.nan if k == 1 else 0.0), k == 1))
    loop = world.loop()
    loop.policy = SimpleNamespace(predict=predict)
    loop.run(periods=3)

    assert told == [True, True]


def test_a_policy_is_warmed_up_before_the_clock_starts():
    world = World(takes=lambda k: 0.05)
    report = world.loop(warm_up=3).run(periods=1)

    assert world.clock.now() == pytest.approx(4 * 0.05) and report.latencies == [pytest.approx(0.05)]


def test_quantiles_are_times_that_were_measured():
    assert quantiles([0.001 * k for k in range(1, 101)]) == {"p50": 0.05, "p95": 0.095, "p99": 0.099, "max": 0.1}
    assert quantiles([3.0]) == {"p50": 3.0, "p95": 3.0, "p99": 3.0, "max": 3.0}


def test_the_report_says_what_was_missed_in_a_few_lines():
    world = World(says=lambda k: None if k == 1 else float(k))
    report = world.loop(deadline=0.05).run(periods=3)

    assert str(report).splitlines()[0] == "3 periods at 10 Hz, deadline 50 ms"
    assert "misses: no observation 1; overruns: 0; limited actions: 0" in str(report)
    assert report.histogram().count("\n") == 9


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"rate": 0}, "rate=0"),
        ({"rate": float("inf")}, "rate=inf"),
        ({"deadline": 0.2}, "deadline=0.2: between 0 and the period of 0.1 s"),
        ({"on_miss": "go"}, "on_miss='go': there are safe, hold"),
        ({"safe_action": None}, "safe_action=None"),
        ({"most_misses": 0}, "most_misses=0"),
    ],
)
def test_what_contradicts_itself_is_refused_in_a_line(more, says):
    with pytest.raises(ValueError, match=says) as error:
        World().loop(**more)
    assert "\n" not in str(error.value)
