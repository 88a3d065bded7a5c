"""Environments with known answers, and wrappers that fit others to the algorithms here. Importing this package registers their ids with Gymnasium."""

import importlib

from from_scratch.envs.registration import register_all

# name: the module that it is imported from when it is first used
_MODULES = {
    "AccessControl": "games.access_control",
    "Baird": "chains.baird",
    "BernoulliBandit": "bandits",
    "BlackjackTable": "games.blackjack",
    "InfiniteVariance": "chains.infinite_variance",
    "TicTacToe": "games.tic_tac_toe",
    "KArmedTestbed": "bandits",
    "MaximisationBias": "chains.max_bias",
    "BlockingMaze": "grids.mazes",
    "CarRental": "games.car_rental",
    "CartPoleBins": "wrappers.discretize",
    "CliffWalk": "grids.book_grids",
    "CornerGrid": "grids.book_grids",
    "ChangingMaze": "grids.mazes",
    "DeepSea": "chains.deep_sea",
    "Discretize": "wrappers.discretize",
    "DynaMaze": "grids.mazes",
    "FiniteMDP": "chains.finite",
    "FlattenTuple": "wrappers.flatten",
    "Gambler": "games.gambler",
    "GridWorld": "grids.gridworld",
    "JumpGrid": "grids.book_grids",
    "LongWalk": "chains.long_walk",
    "RandomGrid": "grids.gridworld",
    "RandomWalk": "chains.random_walk",
    "RandomMDP": "chains.random_mdp",
    "RiverSwim": "chains.river_swim",
    "ShortCorridor": "chains.short_corridor",
    "ShortcutMaze": "grids.mazes",
    "WindyGridworld": "grids.windy",
    "WToTwoW": "chains.baird",
    "geometric_chain": "chains.finite",
    "random_map": "grids.gridworld",
    "two_by_two_grid": "chains.finite",
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
