"""The environments of this package by Gymnasium id: `import from_scratch.envs` registers them, and imports none of them.

Where nothing of ours is imported, Gymnasium's own way works: gym.make("from_scratch.envs:from_scratch/GridWorld-v0").
"""

from __future__ import annotations

from typing import Any

from gymnasium.envs.registration import register, registry

# id: (module of this package:class or function, further arguments of gymnasium.register)
ENVIRONMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "from_scratch/DynaMaze-v0": ("grids.mazes:DynaMaze", {"max_episode_steps": 10_000}),  # the book's have no limit; evaluating a policy needs one
    "from_scratch/RandomMDP-v0": ("chains.random_mdp:RandomMDP", {"max_episode_steps": 1000}),
    "from_scratch/BlockingMaze-v0": ("grids.mazes:BlockingMaze", {"max_episode_steps": 10_000}),
    "from_scratch/ShortcutMaze-v0": ("grids.mazes:ShortcutMaze", {"max_episode_steps": 10_000}),
    "from_scratch/GridWorld-v0": ("grids.gridworld:GridWorld", {"max_episode_steps": 200}),
    "from_scratch/RandomGrid-v0": ("grids.gridworld:RandomGrid", {"max_episode_steps": 200}),
    "from_scratch/JumpGrid-v0": ("grids.book_grids:JumpGrid", {"max_episode_steps": 100}),
    "from_scratch/CornerGrid-v0": ("grids.book_grids:CornerGrid", {"max_episode_steps": 1000}),
    "from_scratch/CliffWalk-v0": ("grids.book_grids:CliffWalk", {"max_episode_steps": 10_000}),  # the book's has no limit; evaluating a policy needs one
    "from_scratch/CarRental-v0": ("games.car_rental:CarRental", {"max_episode_steps": 100}),
    "from_scratch/Gambler-v0": ("games.gambler:Gambler", {}),
    "from_scratch/RiverSwim-v0": ("chains.river_swim:RiverSwim", {"max_episode_steps": 20}),
    "from_scratch/DeepSea-v0": ("chains.deep_sea:DeepSea", {}),
    "from_scratch/TwoByTwo-v0": ("chains.finite:two_by_two_grid", {"max_episode_steps": 100}),
    "from_scratch/CartPoleBins-v0": ("wrappers.discretize:CartPoleBins", {"max_episode_steps": 500, "reward_threshold": 475.0}),
    "from_scratch/LongWalk-v0": ("chains.long_walk:LongWalk", {}),
    "from_scratch/Baird-v0": ("chains.baird:Baird", {"max_episode_steps": 1000}),
    "from_scratch/WToTwoW-v0": ("chains.baird:WToTwoW", {}),
    "from_scratch/MountainCar-v0": ("control.mountain_car:mountain_car", {}),
    "from_scratch/AccessControl-v0": ("games.access_control:AccessControl", {"max_episode_steps": 1000}),
    # The limit is not the book's: it ends what a deterministic policy would play forever, and a policy with p in [0.05, 0.95] hardly meets it.
    "from_scratch/ShortCorridor-v0": ("chains.short_corridor:ShortCorridor", {"max_episode_steps": 1000}),
    "from_scratch/RandomWalk5-v0": ("chains.random_walk:RandomWalk", {}),
    "from_scratch/RandomWalk19-v0": ("chains.random_walk:RandomWalk", {"kwargs": {"n_states": 19, "left": -1.0}}),
    "from_scratch/WindyGridworld-v0": ("grids.windy:WindyGridworld", {"max_episode_steps": 10_000}),  # the book's has no limit; evaluating a policy needs one
    "from_scratch/KingsWindyGridworld-v0": ("grids.windy:WindyGridworld", {"max_episode_steps": 10_000, "kwargs": {"n_actions": 8}}),
    "from_scratch/StochasticWindyGridworld-v0": ("grids.windy:WindyGridworld", {"max_episode_steps": 10_000, "kwargs": {"n_actions": 8, "stochastic": True}}),
    "from_scratch/MaximisationBias-v0": ("chains.max_bias:MaximisationBias", {}),
    "from_scratch/KArmedTestbed-v0": ("bandits:KArmedTestbed", {"max_episode_steps": 1000}),
    "from_scratch/DriftingTestbed-v0": ("bandits:KArmedTestbed", {"max_episode_steps": 10_000, "kwargs": {"spread": 0.0, "drift": 0.01}}),
    "from_scratch/BernoulliBandit-v0": ("bandits:BernoulliBandit", {"max_episode_steps": 1000}),
    "from_scratch/Blackjack-v0": ("games.blackjack:blackjack", {"kwargs": {"sab": True}}),
    "from_scratch/BlackjackTable-v0": ("games.blackjack:BlackjackTable", {}),
    "from_scratch/InfiniteVariance-v0": ("chains.infinite_variance:InfiniteVariance", {}),
    "from_scratch/TicTacToe-v0": ("games.tic_tac_toe:TicTacToe", {"kwargs": {"opponent": "random"}}),
    "from_scratch/TicTacToeSelfPlay-v0": ("games.tic_tac_toe:TicTacToe", {}),
}


def register_all() -> None:
    """Register what is not registered yet: calling it again changes nothing."""
    for id, (target, more) in ENVIRONMENTS.items():
        if id not in registry:
            register(id, entry_point=f"from_scratch.envs.{target}", **more)
