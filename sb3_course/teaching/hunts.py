"""Hunts: agents with one bug each, among which a learner's `diagnose` must tell its own.

A hunt is an exercise in hunts/NAME/ of a module, with two files more: symptom.md, what is seen, and suspect.py, with a class `Right` and a class
`Suspect(Right)` in which one method is overridden. All hunts whose names begin alike (tab-1, tab-2, …) have agents that are used alike; those of tab:

    agent = Agent(n_states, n_actions, gamma=1.0, epsilon=0.1, seed=0);  agent.learn(env, episodes);  agent.choose(s);  agent.Q

Those of dqn-1 and sac-1 see vectors, and learn for a number of steps; their stubs say how they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sb3_course.teaching import answers
from sb3_course.teaching.course import Course
from sb3_course.teaching.outputs import Mistake, short

Step = tuple[float, int, str]  # reward, next state, and "on", "end" (terminated) or "cut" (truncated)


class Script:
    """An environment that plays its episodes in turn, whatever is done. Each is a list of steps; it begins in state 0.

    seen: a row for each state; then a state's row is observed instead of its number, always in the same array, as fast environments do.
    """

    def __init__(self, *episodes: list[Step], seen: Any = None):
        self.episodes, self.k = episodes, -1
        self.seen = None if seen is None else np.array(seen, dtype=np.float32)
        self.obs = None if self.seen is None else np.zeros_like(self.seen[0])

    def look(self, s: int) -> Any:
        if self.seen is None or self.obs is None:
            return s
        self.obs[:] = self.seen[s]
        return self.obs

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.k, self.t = (self.k + 1) % len(self.episodes), 0
        return self.look(0), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reward, s_next, how = self.episodes[self.k][self.t]
        self.t += 1
        return self.look(s_next), reward, how == "end", how == "cut", {}


class OneHot(Script):
    """The same with vectors of n numbers for states, 1 in the state's place. `played` is what was done, one after another."""

    def __init__(self, n: int, *episodes: list[Step]):
        super().__init__(*episodes)
        self.n, self.played = n, list[Any]()

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        s, info = super().reset()
        return np.eye(self.n)[s], info

    def step(self, action: Any) -> Any:
        self.played.append(action)
        s, *rest = super().step(action)
        return np.eye(self.n)[s], *rest


class Aim:
    """An episode goes through the states 0, 1, … once. In each the reward is its worth − (a − its goal)², one component; seen: a row for each."""

    def __init__(self, worths: list[float], goals: list[float], seen: Any):
        self.worths, self.goals, self.seen = worths, goals, np.array(seen, dtype=np.float32)

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.s = 0
        return self.seen[0], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        reward = self.worths[self.s] - float((action[0] - self.goals[self.s]) ** 2)
        self.s += 1
        ends = self.s == len(self.goals)
        return self.seen[0 if ends else self.s], reward, ends, False, {}


def agents(name: str) -> dict[str, type]:
    """The agents on which a diagnosis is tried, by what they are called: the suspect of this hunt, it without its bug, those of its kin."""
    found: dict[str, type] = {}
    for path in sorted(Course().folder.glob(f"m[0-9][0-9]_*/hunts/{name.partition('-')[0]}-*/suspect.py"), key=lambda path: path.parent.name != name):
        module, whose = answers.load(path, f"suspect_{path.parent.name}"), path.parent.name
        found |= {"the suspect" if whose == name else f"the suspect of {whose}": module.Suspect,
                  "the right class" if whose == name else f"the right class of {whose}": module.Right}  # fmt: skip
    return found


def diagnosed(name: str) -> dict[str, bool]:
    """What a right diagnosis says of each."""
    return {who: who == "the suspect" for who in agents(name)}


def diagnosis(diagnose: Callable[[type], Any], name: str) -> dict[str, bool]:
    """What a learner's says of each. Mistake if it is not True or False."""
    found = {}
    for who, agent in agents(name).items():
        said = diagnose(agent)
        if type(said).__name__ not in ("bool", "bool_"):
            raise Mistake(f"cannot be judged: of {who} diagnose says {short(said)}, should be True or False")
        found[who] = bool(said)
    return found


def repaired(found: Any) -> type:
    """The class that `repaired` gives. Mistake if it is none."""
    if not isinstance(found, type):
        raise Mistake(f"cannot be judged: repaired gives {short(found)}, should be a class")
    return found
