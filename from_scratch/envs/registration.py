"""Every environment of this package, in one table: `import from_scratch.envs` registers their Gymnasium ids, and imports none of them.

Where nothing of ours is imported, Gymnasium's own way works: gym.make("from_scratch.envs:from_scratch/GridWorld-v0").
"""

from __future__ import annotations

import importlib.util
from typing import Any

from gymnasium.envs.registration import register, registry

# The book's walks have no limit; evaluating a policy needs one.
_LONG: dict[str, Any] = {"max_episode_steps": 10_000}

# Module of this package: its classes and functions, and for each the ids of Gymnasium that it makes, with further arguments of gymnasium.register.
TABLE: dict[str, dict[str, dict[str, dict[str, Any]]]] = {
    "grids.gridworld": {
        "GridWorld": {"GridWorld-v0": {"max_episode_steps": 200}},
        "RandomGrid": {"RandomGrid-v0": {"max_episode_steps": 200}},
        "random_map": {},
    },
    "grids.book_grids": {
        "JumpGrid": {"JumpGrid-v0": {"max_episode_steps": 100}},
        "CornerGrid": {"CornerGrid-v0": {"max_episode_steps": 1000}},
        "CliffWalk": {"CliffWalk-v0": _LONG},
    },
    "grids.shaped": {"ShapedGrid": {"ShapedGrid-v0": {"max_episode_steps": 1000}}},
    "grids.corridor": {"Corridor": {"Corridor-v0": {"max_episode_steps": 50}}},
    "grids.invalid_actions": {"InvalidActionGrid": {"InvalidActionGrid-v0": {"max_episode_steps": 100}}},
    "grids.stop_zone": {"StopZone": {"StopZone-v0": {"max_episode_steps": 200}}},
    "grids.windy": {
        "WindyGridworld": {
            "WindyGridworld-v0": _LONG,
            "KingsWindyGridworld-v0": {**_LONG, "kwargs": {"n_actions": 8}},
            "StochasticWindyGridworld-v0": {**_LONG, "kwargs": {"n_actions": 8, "stochastic": True}},
        },
    },
    "grids.mazes": {
        "DynaMaze": {"DynaMaze-v0": _LONG},
        "BlockingMaze": {"BlockingMaze-v0": _LONG},
        "ShortcutMaze": {"ShortcutMaze-v0": _LONG},
        "ChangingMaze": {},
    },
    "grids.stitching_maze": {"StitchingMaze": {"StitchingMaze-v0": {"max_episode_steps": 50}}},
    "chains.random_mdp": {"RandomMDP": {"RandomMDP-v0": {"max_episode_steps": 1000}}},
    "chains.river_swim": {"RiverSwim": {"RiverSwim-v0": {"max_episode_steps": 20}}},
    "chains.deep_sea": {"DeepSea": {"DeepSea-v0": {}}},
    "chains.blind_cliffwalk": {"BlindCliffwalk": {"BlindCliffwalk-v0": {}}},
    "chains.two_loops": {"TwoLoops": {"TwoLoops-v0": {"max_episode_steps": 100}}},
    "chains.memory_chain": {"MemoryChain": {"MemoryChain-v0": {}}},
    "chains.finite": {
        "FiniteMDP": {},
        "geometric_chain": {},
        "two_by_two_grid": {"TwoByTwo-v0": {"max_episode_steps": 100}},
    },
    "chains.gamble": {"TwoStateGamble": {"TwoStateGamble-v0": {}}},
    "games.gambler": {"Gambler": {"Gambler-v0": {}}},
    "games.car_rental": {"CarRental": {"CarRental-v0": {"max_episode_steps": 100}}},
    "games.access_control": {"AccessControl": {"AccessControl-v0": {"max_episode_steps": 1000}}},
    "chains.random_walk": {
        "RandomWalk": {"RandomWalk5-v0": {}, "RandomWalk19-v0": {"kwargs": {"n_states": 19, "left": -1.0}}},
    },
    "chains.long_walk": {"LongWalk": {"LongWalk-v0": {}}},
    "chains.max_bias": {"MaximisationBias": {"MaximisationBias-v0": {}}},
    "chains.baird": {
        "Baird": {"Baird-v0": {"max_episode_steps": 1000}},
        "WToTwoW": {"WToTwoW-v0": {}},
    },
    "chains.infinite_variance": {"InfiniteVariance": {"InfiniteVariance-v0": {}}},
    # The limit is not the book's: it ends what a deterministic policy would play forever, and a policy with p in [0.05, 0.95] hardly meets it.
    "chains.short_corridor": {"ShortCorridor": {"ShortCorridor-v0": {"max_episode_steps": 1000}}},
    "games.blackjack": {
        "blackjack": {"Blackjack-v0": {"kwargs": {"sab": True}}},
        "BlackjackTable": {"BlackjackTable-v0": {}},
    },
    "games.tic_tac_toe": {
        "TicTacToe": {"TicTacToe-v0": {"kwargs": {"opponent": "random"}}, "TicTacToeSelfPlay-v0": {}},
    },
    "games.catch": {"Catch": {"Catch-v0": {}}},
    "games.bit_flipping": {"BitFlipping": {"BitFlipping-v0": {}}},
    "bandits": {
        "KArmedTestbed": {
            "KArmedTestbed-v0": {"max_episode_steps": 1000},
            "DriftingTestbed-v0": {"max_episode_steps": 10_000, "kwargs": {"spread": 0.0, "drift": 0.01}},
        },
        "BernoulliBandit": {"BernoulliBandit-v0": {"max_episode_steps": 1000}},
    },
    "wrappers.discretize": {
        "CartPoleBins": {"CartPoleBins-v0": {"max_episode_steps": 500, "reward_threshold": 475.0}},
        "Discretize": {},
    },
    "wrappers.flatten": {"FlattenTuple": {}},
    "wrappers.mask_velocity": {
        "MaskVelocity": {},
        "CartPoleNoVel": {"CartPoleNoVel-v1": {"max_episode_steps": 500, "reward_threshold": 475.0}},
        "PendulumNoVel": {"PendulumNoVel-v1": {"max_episode_steps": 200}},
    },
    "wrappers.flicker": {"Flicker": {}},
    "wrappers.timeout": {"TimeoutIsDeath": {}},
    "wrappers.scale_reward": {"ScaleReward": {}},
    "wrappers.noisy_reward": {"NoisyReward": {}},
    "control.mountain_car": {"mountain_car": {"MountainCar-v0": {}}},
    "control.moving": {"Moving": {"Moving-v0": {"max_episode_steps": 100}}},
    "control.sine_reward": {"SineReward": {"SineReward-v0": {"max_episode_steps": 50}}},
    "control.pendulum": {"Pendulum": {"Pendulum-v0": {"max_episode_steps": 200}}},
}

# name: the module of this package that it is imported from
MODULES: dict[str, str] = {name: module for module, names in TABLE.items() for name in names}
# id: (module of this package:class or function, further arguments of gymnasium.register)
ENVIRONMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    f"from_scratch/{id}": (f"{module}:{name}", more) for module, names in TABLE.items() for name, ids in names.items() for id, more in ids.items()
}

# MinAtar (Young & Tian 2019), where it is installed: by its own ids and arguments, with the actions that a game has a use for. It leaves its registration to
# a plug-in that Gymnasium no longer looks for.
MINATAR = {f"MinAtar/{game.title().replace('_', '')}-v1": game for game in ("asterix", "breakout", "freeway", "seaquest", "space_invaders")}


def register_all() -> None:
    """Register what is not registered yet: calling it again changes nothing."""
    for id, (target, more) in ENVIRONMENTS.items():
        if id not in registry:
            register(id, entry_point=f"from_scratch.envs.{target}", **more)
    if importlib.util.find_spec("minatar") is not None:
        for id, game in MINATAR.items():
            if id not in registry:
                register(id, entry_point="minatar.gym:BaseEnv", kwargs={"game": game, "use_minimal_action_set": True})
