"""Environments with known answers, and wrappers that fit others to the algorithms here. Importing this package registers their ids with Gymnasium."""

import importlib

from from_scratch.envs.registration import register_all

# name: the module that it is imported from when it is first used
_MODULES = {
    "AccessControl": "access_control",
    "Baird": "baird",
    "BernoulliBandit": "bandits",
    "BlackjackTable": "blackjack",
    "InfiniteVariance": "infinite_variance",
    "TicTacToe": "tic_tac_toe",
    "KArmedTestbed": "bandits",
    "MaximisationBias": "max_bias",
    "BlockingMaze": "mazes",
    "CarRental": "car_rental",
    "CartPoleBins": "discretize",
    "CliffWalk": "book_grids",
    "CornerGrid": "book_grids",
    "ChangingMaze": "mazes",
    "DeepSea": "deep_sea",
    "Discretize": "discretize",
    "DynaMaze": "mazes",
    "FiniteMDP": "finite",
    "FlattenTuple": "wrappers",
    "Gambler": "gambler",
    "GridWorld": "gridworld",
    "JumpGrid": "book_grids",
    "LongWalk": "long_walk",
    "RandomGrid": "gridworld",
    "RandomWalk": "random_walk",
    "RandomMDP": "random_mdp",
    "RiverSwim": "river_swim",
    "ShortCorridor": "short_corridor",
    "ShortcutMaze": "mazes",
    "WindyGridworld": "windy",
    "WToTwoW": "baird",
    "geometric_chain": "finite",
    "random_map": "gridworld",
    "two_by_two_grid": "finite",
}
__all__ = sorted(_MODULES)

register_all()


def __getattr__(name: str):
    if name in _MODULES:
        value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
        return value
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'. It has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
