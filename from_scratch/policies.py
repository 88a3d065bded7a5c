"""Policies, and what learners remember of episodes, at the addresses by which saved models know them.

    from from_scratch.policies import TabularPolicy

A zip holds the module and the name of its policy's class. Definitions may move from one room of core to another; this address stays,
and so do those that files of the past have named.
"""

import importlib as _importlib
import sys as _sys

_HOMES = {
    "TabularPolicy": "core.tabular.tables",
    "GivenPolicy": "core.tabular.prediction",
    "LinearPolicy": "core.linear.policy",
    "ActorPolicy": "core.networks.own",
    "ActorBaselinePolicy": "core.networks.own",
    "HeadsPolicy": "core.networks.heads",
    "HeadsCnnPolicy": "core.networks.heads",
    "HeadsMultiInputPolicy": "core.networks.heads",
    "RecurrentQPolicy": "core.networks.recurrent_values",
    "RecurrentQCnnPolicy": "core.networks.recurrent_values",
    "RecurrentQMultiInputPolicy": "core.networks.recurrent_values",
    "BCQPolicy": "core.networks.batch_constrained",
    "BCQCnnPolicy": "core.networks.batch_constrained",
    "BCQMultiInputPolicy": "core.networks.batch_constrained",
    "ReturnPolicy": "core.networks.transformer",
    "ReturnCnnPolicy": "core.networks.transformer",
    "ReturnMultiInputPolicy": "core.networks.transformer",
    "RainbowPolicy": "core.networks.rainbow",
    "RainbowCnnPolicy": "core.networks.rainbow",
    "RainbowMultiInputPolicy": "core.networks.rainbow",
    "DroQPolicy": "core.networks.dropout",
    "DropoutCritic": "core.networks.dropout",
    "CQLPolicy": "core.networks.conservative",
    "BRACPolicy": "core.networks.conservative",
    "ReBRACPolicy": "core.networks.normalised_critics",
    "NormalisedCritic": "core.networks.normalised_critics",
    "Hybrid": "core.networks.hybrid",
    "HybridActorCriticPolicy": "core.networks.hybrid",
    "HybridActorCriticCnnPolicy": "core.networks.hybrid",
    "HybridMultiInputActorCriticPolicy": "core.networks.hybrid",
    "CriticOfPairs": "core.networks.weighted",
    "AdvantageWeightedPolicy": "core.networks.weighted",
    "AdvantageWeightedCnnPolicy": "core.networks.weighted",
    "AdvantageWeightedMultiInputPolicy": "core.networks.weighted",
    "MinAtarCNN": "core.networks.minatar_cnn",
    "RandomPolicy": "baselines.random_agent",
    "Normalizers": "core.stacks",
    "Episodes": "core.loops.episodes",
    "Generation": "core.loops.population",
    "EpisodeMemory": "core.tabular.episodes",
}
# Modules that files written before version 0.2 name, and that are no more. (Their core.tabular and core.linear are packages now.)
_FORMER = ("core.own_policies", "core.prediction", "core.episodes", "core.tabular_episodes", "random_agent")
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        value = globals()[name] = getattr(_importlib.import_module(f"from_scratch.{_HOMES[name]}"), name)
        return value
    raise AttributeError(f"module 'from_scratch.policies' has no attribute '{name}'. It has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


for _name in _FORMER:
    _sys.modules.setdefault(f"from_scratch.{_name}", _sys.modules[__name__])
