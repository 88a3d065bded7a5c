"""Every algorithm that can be named in a study: ours, gathered from the families' pages, and the reference implementations that they are compared with.

An algorithm of ours is a line in its family's `__init__.py`. Classes are imported when they are asked for, so that listing costs nothing. One's own are
named by their class, `my_algo:KLPenaltyPPO`, and stand in no list (`from_scratch.own`).
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

from from_scratch import (
    bandits,
    baselines,
    continuous_control,
    derivative_free,
    dynamic_programming,
    eligibility_traces,
    linear,
    model_based,
    monte_carlo,
    offline,
    own,
    policy_gradient,
    temporal_difference,
    value_based,
)
from from_scratch.core.entry import ALL_ACTIONS, OF_PARTS, Entry, Family, Updates, algorithm

_OURS = (  # in the order in which they are learnt
    baselines.FAMILY,
    bandits.FAMILY,
    dynamic_programming.FAMILY,
    monte_carlo.FAMILY,
    temporal_difference.FAMILY,
    eligibility_traces.FAMILY,
    model_based.FAMILY,
    linear.FAMILY,
    value_based.FAMILY,
    policy_gradient.FAMILY,
    continuous_control.FAMILY,
    derivative_free.FAMILY,
    offline.FAMILY,
)


def _sb3(name: str) -> dict[str, Any]:
    """The twin of one of ours, of which the same is true."""
    id = f"sb3/{name.lower()}"
    ours = next(entry for family in _OURS for entry in family.entries if entry.twin == id)
    actions = tuple(kind for kind in ours.actions if kind not in OF_PARTS)
    return algorithm(id, f":{name}", f"{name} of Stable-Baselines3", ours.paper, actions=actions, loop=ours.loop, updates=ours.updates)


def _contrib(name: str, paper: str, actions: tuple[str, ...], loop: str, updates: Updates | None, id: str = "", **facts: Any) -> dict[str, Any]:
    return algorithm(f"contrib/{id or name.lower()}", f":{name}", f"{name} of SB3-Contrib", paper, actions=actions, loop=loop, updates=updates, **facts)


_REFERENCES = (
    Family.of(
        "stable_baselines3",
        title="Stable-Baselines3",
        about="The twins: the same algorithms in Stable-Baselines3, with the same settings and seeds.",
        package="stable_baselines3",
        shared={"lockstep": False},
        algorithms=[_sb3("DQN"), _sb3("PPO"), _sb3("A2C"), _sb3("DDPG"), _sb3("TD3"), _sb3("SAC")],
    ),
    Family.of(
        "sb3_contrib",
        title="SB3-Contrib",
        about="More reference implementations, of the package that Stable-Baselines3's authors keep beside it.",
        package="sb3_contrib",
        shared={"lockstep": False},
        algorithms=[
            _contrib("TRPO", "Schulman et al. 2015", ALL_ACTIONS, "on_policy", Updates(times=("n_critic_updates", 10), every=("batch_size", 128))),
            _contrib("QRDQN", "Dabney et al. 2018", ("Discrete",), "replay", Updates(times=("gradient_steps", 1), every=("train_freq", 4))),
            _contrib("TQC", "Kuznetsov et al. 2020", ("Box",), "replay", Updates(times=("gradient_steps", 1), every=("train_freq", 1))),
            _contrib("CrossQ", "Bhatt et al. 2024", ("Box",), "replay", Updates(times=("gradient_steps", 1), every=("train_freq", 1))),
            _contrib("ARS", "Mania et al. 2018", ("Box", "Discrete"), "population", None),
            _contrib("RecurrentPPO", "Schulman et al. 2017; Hausknecht & Stone 2015", ALL_ACTIONS, "on_policy",
                     Updates(times=("n_epochs", 10), every=("batch_size", 128)), id="recurrent_ppo", policy="MlpLstmPolicy", remembers=True),
            _contrib("MaskablePPO", "Huang & Ontañón 2022", ALL_ACTIONS[1:], "on_policy", Updates(times=("n_epochs", 10), every=("batch_size", 64)),
                     id="maskable_ppo", needs="action_masks"),
        ],
    ),
)  # fmt: skip

FAMILIES: dict[str, Family] = {family.key: family for family in (*_OURS, *_REFERENCES)}
ENTRIES: dict[str, Entry] = {entry.id: entry for family in FAMILIES.values() for entry in family.entries}


VARIANT = "~"  # behind it an id has a name of somebody's choosing: dqn~n3 is dqn with other settings, an arm of its own in a study


class UnknownAlgorithm(ValueError):
    """Raised for an identifier that the registry does not hold, and that names no class either."""


def known(id: str) -> Entry | None:
    """The entry of an algorithm that the registry holds, or of a variant of one; None for any other. Nothing is imported."""
    base, _, variant = id.partition(VARIANT)
    return ENTRIES.get(id) if not variant else _varied(id, ENTRIES[base]) if base in ENTRIES else None


def _varied(id: str, entry: Entry) -> Entry:
    """A variant has its algorithm's facts and settings, but is nobody's twin."""
    return replace(entry, id=id, title=f"{entry.title}, {id.partition(VARIANT)[2]}", twin=None, tuned_as=entry.settings)


def find(id: str) -> Entry:
    """The entry of an algorithm; raises UnknownAlgorithm with the nearest name. One of somebody's own is imported to find out."""
    entry = known(id)
    if entry is not None:
        return entry
    base, _, variant = id.partition(VARIANT)
    if variant:
        return _varied(id, find(base))
    try:
        found = own.entry_of(id, ENTRIES)
    except own.NoSuchPart as error:
        raise UnknownAlgorithm(str(error)) from None
    if found is not None:
        return found
    near = difflib.get_close_matches(id, [*ENTRIES, *own.offered()], n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise UnknownAlgorithm(f"unknown algorithm '{id}': {hint}(sb3-course list)")


def load(id: str) -> type:
    """The algorithm's class, imported now."""
    return find(id).load()


def settings_of(id: str) -> str:
    """The name under which an algorithm's tuned settings are kept, which it shares with its twin; its own where the registry does not hold it.

    Nothing is imported: of one's own algorithms `find` knows more.
    """
    entry = known(id)
    return id.partition(VARIANT)[0] if entry is None else entry.settings
