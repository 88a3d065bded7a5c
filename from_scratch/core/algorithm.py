"""Algorithm: SB3's BaseAlgorithm with hyper-parameters as fields, three verbs, and S seeds in lock-step.

A subclass declares its hyper-parameters and says how it builds (`build`), chooses actions (`act`) and does one turn of its
pseudo-code's outer loop (`iterate`). Everything else that SB3's users reach for is here, once.

A lane is one environment of one seed; lane k·E + e is environment e of seed k. S is the number of seeds, E = `n_envs` of each.
"""

from __future__ import annotations

import copyreg
import io
import pathlib
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from types import FunctionType
from typing import Any, ClassVar, Self

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.save_util import recursive_getattr
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, TensorDict
from stable_baselines3.common.utils import check_for_correct_spaces, safe_mean
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, unwrap_vec_normalize
from torch import nn

from from_scratch.core.data import tree_map
from from_scratch.core.files import content_of, objects_in, tensors_only
from from_scratch.core.finite import NotANumber
from from_scratch.core.hyperparameters import TAIL, Declared, check_arguments, is_renewed, plain, renewed
from from_scratch.core.lockstep import RowOptimizer, Rows
from from_scratch.core.networks.net import Net
from from_scratch.core.networks.policies import Policies
from from_scratch.core.resuming import files as checkpoints
from from_scratch.core.resuming import model as standing
from from_scratch.core.resuming.callbacks import ExactCheckpointCallback
from from_scratch.core.rng import Rng
from from_scratch.core.stacks import Normalizers, Note, OfAllSeeds, all_callbacks, count_per_seed, refuse_callbacks_for_one, show_means, told_by
from from_scratch.core.vec_env import (
    UNREGISTERED,
    LockstepVecEnv,
    SerialVecEnv,
    is_recipe,
    make_vec_env,
    make_vec_envs,
    normalizers,
    with_nearest,
)
from from_scratch.core.watch import OURS, Watch, altered, has_own_code, has_own_rollout_code

OF_BASE = ("learning_rate", "use_sde", "sde_sample_freq")  # fields that SB3's base class keeps for us


class StopTraining(Exception):
    """Training is over before its budget: a callback returned False, or there is nothing left to do."""


class UnsupportedActionSpace(AssertionError, ValueError):
    """SB3 raises an AssertionError here; a ValueError is what it is."""


def _checked_seeds(seeds: Sequence[int] | int, name: str, lockstep: bool) -> list[int]:
    if isinstance(seeds, int | np.integer):
        if isinstance(seeds, bool) or seeds < 1:
            raise ValueError(f"seeds={seeds}: how many models to train, from 1 on, or which seeds, as in seeds=range(10).")
        seeds = range(seeds)
    seeds = [int(seed) for seed in seeds]
    if not seeds:
        raise ValueError("seeds is empty: give at least one, as in seeds=range(10).")
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds={seeds} names a seed twice; each trains a model of its own.")
    if len(seeds) > 1 and not lockstep:
        raise ValueError(f"{name} trains one seed at a time (lockstep = False), but {len(seeds)} were given. Use seeds=[k] for each, or sb3-course compare.")
    return seeds


def _with_a_mode(policy: BasePolicy) -> list[nn.Module] | None:
    """The modules whose `training` flag set_training_mode sets (SB3 leaves target networks out); walking the tree each time costs more than a step.

    None if somebody's own class does more than set it.
    """
    modules = list(policy.modules())
    setter = getattr(type(policy), "set_training_mode", None)  # a compiled policy passes it on
    if setter is None or not setter.__module__.startswith("stable_baselines3.") or any(type(m).train is not nn.Module.train for m in modules):
        return None
    before = [module.training for module in modules]
    policy.set_training_mode(True)
    on = [module.training for module in modules]
    policy.set_training_mode(False)
    changed = [module for module, was in zip(modules, on, strict=True) if was and not module.training]
    for module, mode in zip(modules, before, strict=True):
        module.training = mode
    return changed


class Algorithm(Declared, BaseAlgorithm):
    """The base of every algorithm here.

    Beside SB3's arguments the constructor takes, by keyword, `seeds` (train one independent model per seed, together; `env` is then
    an id or a factory; 10 means range(10)) and `n_envs` (environments per seed). `num_timesteps` and `learn(total_timesteps)` count per seed.
    A stack has its seeds' models as a list would: `len(model)`, `model[k]` as `model.member(k)`, and `for each in model`.
    """

    lockstep: ClassVar[bool] = True  # can several seeds train in one process?
    plays: ClassVar[bool] = True  # in environments, while it learns?
    support_multi_env: ClassVar[bool] = True
    supported_action_spaces: ClassVar[tuple[type[spaces.Space], ...] | None] = None
    max_grad_norm = None  # a class that clips declares it
    clips: ClassVar[bool] = True  # to max_grad_norm; SB3-Contrib's TRPO holds a 0 there, which its files keep
    saved: ClassVar[tuple[str, ...]] = ()  # attributes that build() makes and that files keep all the same: `_kept_in_files` names them all
    not_copied: ClassVar[tuple[str, ...]] = ("_callback", "_checkpoint")  # attributes that learn() or adopt() make, and that no deep copy or pickle takes along
    of_one_learn: ClassVar[tuple[str, ...]] = ("_iteration", "active")  # those that each learn() begins anew, and one that goes on exactly does not
    kept_exactly: ClassVar[tuple[str, ...]] = ()  # those that SB3's files leave out, and training needs to go on exactly
    resumptions: ClassVar[Sequence[tuple[int, str | None]]] = ()  # where training went on from a checkpoint: the step, and why not exactly, or None
    _checkpoint: ClassVar[tuple[Any, list] | None] = None  # of the file that the model was loaded from, until learn() goes on from it
    _is_within = False  # an iteration
    _is_over = False  # has the last learn() come to its end, by its budget or otherwise?

    # ------------------------------------------------------------------------------------------------------------ construction
    def _construct(self, policy: Any, env: Any, seeds: Sequence[int] | int | None, n_envs: int, _init_setup_model: bool, **given: Any) -> None:
        if seeds is not None and given["seed"] is not None:
            said = seeds if isinstance(seeds, int | np.integer) else list(seeds)
            raise ValueError(f"seed={given['seed']} and seeds={said} were both given. Use seed= for one model, seeds= for one or many.")
        if n_envs < 1:
            raise ValueError(f"n_envs={n_envs}: at least one environment per seed is needed.")
        self.seeds = None if seeds is None else _checked_seeds(seeds, type(self).__name__, self.lockstep)
        if seeds is None and isinstance(env, LockstepVecEnv) and not _init_setup_model:
            self.seeds = list(range(env.n_seeds))  # load() knows them, and says them next
        env_id = env
        try:
            env = self._make_env(env, n_envs, given["seed"])
        except UNREGISTERED as error:
            raise with_nearest(error, env_id) from None
        to_base = {name: plain(given.pop(name)) for name in (*TAIL, *OF_BASE) if name in given}
        try:
            super(Declared, self).__init__(
                policy, env, support_multi_env=self.support_multi_env or self.n_seeds > 1, supported_action_spaces=self.supported_action_spaces,
                **{"learning_rate": 0.0, **to_base},
            )  # fmt: skip
        except UNREGISTERED as error:
            raise with_nearest(error, env_id) from None
        except AssertionError as error:
            if self.supported_action_spaces and "The algorithm only supports" in str(error):
                needed = " or ".join(space.__name__ for space in self.supported_action_spaces)
                of_parts = isinstance(self.env.action_space, spaces.Tuple | spaces.Dict)
                way_out = ". Tuple and Dict actions are for PPO, A2C and what is derived from them." if of_parts else ""
                found = f"{type(self).__name__} needs a {needed} action space; this one is {self.env.action_space}. {error}"
                raise UnsupportedActionSpace(found + way_out) from None
            raise
        for name, value in {**self.fixed, **given}.items():
            setattr(self, name, plain(value))
        if self.env is not None:
            self.n_envs = self.env.num_envs // self.n_seeds
            if not self.support_multi_env and self.n_envs > 1:
                raise ValueError(f"{type(self).__name__} plays one environment per seed, but {self.n_envs} were given.")
        self.updates = np.zeros(self.n_seeds, dtype=int)
        check_arguments(self)
        self.check()
        if _init_setup_model:
            self._setup_model()

    def _get_policy_from_name(self, policy_name: str) -> type[BasePolicy]:
        if policy_name not in self.policy_aliases:
            names = [f'"{name}"' for name in self.policy_aliases]
            holds = {'"TabularPolicy"': "learns tables, which", '"LinearPolicy"': "learns weights of features, which"}.get("".join(names), "")
            takes = f"{holds} need {names[0]}" if holds else f"takes {', '.join(names)}, or a policy class"
            raise ValueError(f"Policy {policy_name} unknown: {type(self).__name__} {takes}.")
        return super()._get_policy_from_name(policy_name)

    def _make_env(self, env: Any, n_envs: int, seed: int | None) -> Any:
        """What SB3's constructor may be given: a VecEnv for ids and factories that need one, anything else as it is."""
        recipe = is_recipe(env)
        if env is None or (self.seeds is not None and recipe) or self.n_seeds > 1 or isinstance(env, LockstepVecEnv):
            return self._env_for(env, self.seeds, n_envs, seed)
        if recipe and (n_envs > 1 or not isinstance(env, str)):
            return make_vec_env(env, n_envs, seed)
        if n_envs > 1 and n_envs != getattr(env, "num_envs", 1):
            raise ValueError(f"n_envs={n_envs}, but the given {type(env).__name__} holds {getattr(env, 'num_envs', 1)}. Leave n_envs out.")
        return env

    @classmethod
    def _env_for(cls, env: Any, seeds: Sequence[int] | None, n_envs: int, seed: int | None = None) -> Any:
        """Environments for these seeds (None: one model, seeded with `seed`): what an id or a function makes, or those given, if they can be it."""
        if is_recipe(env):
            return make_vec_env(env, n_envs, seed) if seeds is None else make_vec_envs(env, seeds, n_envs, cls._wrap_env)
        wanted, stacked = len(seeds or [seed]), env.n_seeds if isinstance(env, LockstepVecEnv) else 1
        if env is None or wanted == stacked:
            return env
        if wanted == 1:
            raise ValueError(f"This {type(env).__name__} holds the environments of {stacked} seeds, and the model has one: give it env.of_seed(k).")
        given = f"the environments of {stacked} seeds" if stacked > 1 else f"{type(env).__name__} is one for all"
        raise ValueError(f"seeds={list(seeds or ())} need an environment each, and {given}: give an id or a factory that makes one seed's.")

    @staticmethod
    def _wrap_env(env: Any, verbose: int = 0, monitor_wrapper: bool = True) -> VecEnv:
        """As SB3's; where the caller gave a single environment, the vector around it is ours to choose."""
        venv = BaseAlgorithm._wrap_env(env, verbose, monitor_wrapper)
        if not isinstance(env, VecEnv):
            inner = getattr(venv, "venv", venv)
            if type(inner) is DummyVecEnv:
                inner.__class__ = SerialVecEnv
        return venv

    @property
    def n_seeds(self) -> int:
        """S"""
        return len(self.seeds) if self.seeds else 1

    @property
    def n_lanes(self) -> int:
        """S·E"""
        return self.n_seeds * self.n_envs

    def check(self) -> None:
        """Refuse hyper-parameters that contradict each other or the environment. Start counters and rates here, not in build()."""

    def build(self) -> None:
        """Make what is derived from hyper-parameters and policies, the networks by `net`. load() calls it again."""

    def _kept_in_files(self) -> list[str]:
        return list(self.saved)

    def net(self, name: str = "policy", **more: Any) -> Net:
        """The networks that the policies hold under this name, of all seeds: for `build`. A name that ends in _target follows the one without."""
        self.nets[name] = net = Net(self, name, **more)
        return net

    @property
    def trained(self) -> list[str]:
        """Names of a policy's networks that gradients move, the first of them acts; none: the policy itself."""
        return [name for name, net in self.nets.items() if name != "policy" and hasattr(self._policies[0], name) and not net.follows]

    @property
    def following(self) -> list[str]:
        """Names of its target networks."""
        return [name for name, net in self.nets.items() if net.follows]

    def serve(self) -> None:
        """Let every network be computed and trained the fastest way that it allows now.

        Called after build(), and again whenever a user changed something that the last answer took for granted.
        """
        for name, net in self.nets.items():
            if not net.follows:
                net.serve(self.nets.get(f"{name}_target"))

    def new_policy(self) -> BasePolicy:
        return self.policy_class(self.observation_space, self.action_space, self.lr_schedule, **self.policy_kwargs)

    def _setup_model(self) -> None:
        self._take_plain_numbers()
        if self.env is not None:
            self.n_envs = self.env.num_envs // self.n_seeds
        self._setup_lr_schedule()
        self.set_random_seed(self.seed)
        self._setup_buffers()
        self._make_policies()
        self._rebuild()

    def _take_plain_numbers(self) -> None:
        """Whoever set a hyper-parameter, and load(), may have used a number of NumPy's."""
        for name in self.hyperparameters:
            value = self.__dict__.get(name)
            if isinstance(value, np.generic):
                self.__dict__[name] = plain(value)

    def _make_policies(self) -> None:
        policies = []
        for stream in self._rng.streams:
            with stream.as_process():
                policies.append(self.new_policy().to(self.device))
        self._policies = policies
        if len(policies) == 1:
            self.policy = policies[0]
        else:
            self.policy = self.policies = Policies(policies)  # type: ignore[assignment]

    def _refuse_hidden_methods(self) -> None:
        """An attribute of a user's class must not take the place of a method that the loop calls. Another function there is a replacement, and welcome."""
        for name, value in self.__dict__.items():
            method = None if name in self.hyperparameters else getattr(type(self), name, None)
            if isinstance(method, FunctionType) and method.__module__.startswith(OURS) and (isinstance(value, nn.Module) or not callable(value)):
                kind = type(self).__name__
                raise TypeError(f"{kind}.{name} is a method that {kind} trains by, hidden here by an attribute, a {type(value).__name__}: rename that.")

    def _rebuild(self) -> None:
        self._refuse_hidden_methods()
        known = set(self.__dict__)
        self._metrics: dict[str, list[torch.Tensor]] = {}
        self.noted: dict[str, torch.Tensor] = {}
        self._moded: tuple[list[dict], list[BasePolicy]] | None = None  # found when first needed, anew in each learn()
        self.active = np.ones(self.n_seeds, dtype=bool)
        self.nets: dict[str, Net] = {}
        self.build()
        self.heeds = self.heeds_rollouts = False
        self._serve_and_watch()
        self._derived = [*getattr(self, "_derived", []), *(name for name in self.__dict__ if name not in known and name not in self._kept_in_files())]

    def _setup_buffers(self) -> None:
        """Make the memory for experience, if the algorithm has one (before the policies, as SB3 does)."""

    def set_random_seed(self, seed: int | None = None) -> None:
        """`seed=`: seed the process's generators as SB3 does. `seeds=`: private streams with the same numbers."""
        if self.seeds is None:
            super().set_random_seed(seed)
            self._rng = Rng.of_process(getattr(self, "action_space", None))
            return
        self._rng = Rng.private(self.seeds, self.action_space)
        self._seed_env()

    def _seed_env(self) -> None:
        if self.env is None:
            return
        if isinstance(self.env, LockstepVecEnv) and self.seeds is not None:
            self.env.seed_each(self.seeds)
        elif self.seeds is not None or self.seed is not None:
            self.env.seed(self.seeds[0] if self.seeds is not None else self.seed)

    def set_env(self, env: GymEnv | str | Callable[..., Any], force_reset: bool = True) -> None:
        """As in SB3. An id or a function that makes environments may be given as to the constructor, and what it makes is seeded as there.

        A stack's normalisers keep their statistics. Environments that a stack cannot use are a ValueError.
        """
        made = is_recipe(env)
        env = self._env_for(env, self.seeds, self.n_envs, self.seed)
        if self.n_seeds > 1:
            if env.num_envs != self.n_lanes:
                raise ValueError(f"A stack of {self.n_seeds} seeds × {self.n_envs} environments needs {self.n_lanes}, and these are {env.num_envs}.")
            check_for_correct_spaces(env, self.observation_space, self.action_space)
            if made:
                self._hand_statistics_to(env, self.get_vec_normalize_env())
            self.env, self._last_obs = env, None if force_reset else self._last_obs
            self.__dict__.pop("normalizers_of_seeds", None)
        else:
            super().set_env(env, force_reset)
        if made:
            self._seed_env()

    def get_vec_normalize_env(self) -> Any:
        """As in SB3; of a stack all seeds' VecNormalize, as a sequence that can `save` and `load`, or None."""
        if self.n_seeds == 1:
            return super().get_vec_normalize_env()
        each = self.__dict__.get("normalizers_of_seeds") or normalizers(self.env)
        return Normalizers(each) if all(each) else None

    @staticmethod
    def _hand_statistics_to(env: Any, known: Normalizers | None) -> None:
        """Let a stack's new environments normalise as the old ones did."""
        if known is None:
            return
        if not all(normalizers(env)):
            raise ValueError(f"{len(known)} seeds were trained with VecNormalize, and these environments have none: let the function return VecNormalize(…).")
        Normalizers(normalizers(env)).take(known.each)

    # ------------------------------------------------------------------------------------------------------------------ learning
    @renewed
    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int | None = 1,
        tb_log_name: str = "run",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Self:
        """Train for total_timesteps steps of each seed (counted as `num_timesteps`), with SB3's callbacks and logger."""
        total_timesteps, callback = self._setup_learn(total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar)
        self._callback, self._log_interval, self._iteration = callback, log_interval, 0
        self._go_on(callback, reset_num_timesteps)
        self._is_over = False
        self.adopt()
        callback.on_training_start(self.locals_at_start(locals()), globals())
        self.adopt()  # as the callback left it
        savers = [each for each in all_callbacks(callback) if isinstance(each, ExactCheckpointCallback)]
        try:
            with self.at_work():
                while self.num_timesteps < total_timesteps:
                    self._is_within = True
                    self.iterate()
                    self._is_within = False
                    for saver in savers:
                        saver.between_iterations()
        except StopTraining:
            self._is_within = False
        except NotANumber as error:
            raise error.at(self) from None
        self._is_over = True
        callback.on_training_end()
        return self

    @property
    def remaining_timesteps(self) -> int:
        """Steps that the last `learn` still had to do when it was interrupted; of a loaded model when it was saved. 0 where it had come to its end."""
        return 0 if self._is_over else max(0, self._total_timesteps - self.num_timesteps)

    def resume(self, callback: MaybeCallback = None, **more: Any) -> Self:
        """Finish the training that was under way when the model was saved: learn(remaining_timesteps, reset_num_timesteps=False).

        Schedules go on over the budget that was given in the beginning. Callbacks of the same classes as then go on with what they had counted. `more` are
        further arguments of `learn`. From a file that was saved with exact=True, or by an ExactCheckpointCallback, and loaded with an environment, training
        goes on as if it had never been stopped; `resumptions` says where it did not.
        """
        return self.learn(self.remaining_timesteps, callback, reset_num_timesteps=False, **more)

    def _go_on(self, callback: BaseCallback, anew: bool) -> None:
        """What learn() has just begun anew stands where the checkpoint left it."""
        found = self.__dict__.pop("_checkpoint", None)
        if anew:
            self.__dict__.pop("resumptions", None)
        elif found is not None:
            standing.go_on(self, found[0], found[1], list(all_callbacks(callback)))

    def at_work(self) -> AbstractContextManager:
        """What is there while `iterate` is called, and gone behind it, however learning ends: other processes, say."""
        return nullcontext()

    def iterate(self) -> None:
        """One turn of the outer loop: a sweep, an episode, a step, a rollout and its updates. Raises StopTraining if a callback says so."""
        raise NotImplementedError(f"{type(self).__name__} must say what one iteration is.")

    def _setup_learn(
        self, total_timesteps: int, callback: MaybeCallback = None, reset_num_timesteps: bool = True, tb_log_name: str = "run", progress_bar: bool = False
    ) -> Any:
        if total_timesteps < 0:
            raise ValueError(f"total_timesteps={total_timesteps}: give a number from 0 on.")
        self._complete()
        self._refuse_hidden_methods()
        self._take_plain_numbers()
        total_timesteps, callback = super()._setup_learn(total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar)
        if self.n_seeds > 1 and not self._custom_logger:
            show_means(self.logger.output_formats, self.seeds)
        if isinstance(self.env, LockstepVecEnv) and self.env.normalizes:
            self._last_original_obs = self.env.get_original_obs()
        if self.n_seeds == 1:
            self.ep_info_buffers, self.ep_success_buffers = [self.ep_info_buffer], [self.ep_success_buffer]
        elif self.num_timesteps == 0 or not hasattr(self, "ep_info_buffers"):
            self.ep_info_buffers = [deque(maxlen=self._stats_window_size) for _ in range(self.n_seeds)]
            self.ep_success_buffers = [deque(maxlen=self._stats_window_size) for _ in range(self.n_seeds)]
        self._join_buffers()
        return total_timesteps, callback

    def _init_callback(self, callback: MaybeCallback, progress_bar: bool = False) -> BaseCallback:
        if self.n_seeds > 1:
            refuse_callbacks_for_one(callback, self.n_seeds)
        initialised = super()._init_callback(callback, progress_bar)
        if self.n_seeds > 1:
            count_per_seed(initialised)
        return initialised

    def _join_buffers(self) -> None:
        """What SB3's users read of all seeds' episodes."""
        if self.n_seeds > 1 and hasattr(self, "ep_info_buffers"):
            self.ep_info_buffer, self.ep_success_buffer = OfAllSeeds(self.ep_info_buffers), OfAllSeeds(self.ep_success_buffers)  # type: ignore[assignment]

    def locals_at_start(self, variables: dict[str, Any]) -> dict[str, Any]:
        """The dict that callbacks know as their `locals` through the whole of training."""
        return variables

    # -------------------------------------------------------------------------------------------------- what users do to the model
    def adopt(self) -> None:
        """Before training: whatever was done to the policy, its networks and its optimizers is taken for granted from now on."""
        callback = getattr(self, "_callback", None)
        heeded, self.heeds = self.heeds, has_own_code(callback) or not type(self).__module__.startswith(OURS)  # may it be altered meanwhile?
        self.heeds_rollouts = True  # whatever happened until now
        known = self._policies[0] if self.n_seeds == 1 else self.policies
        stale = self.policy is not known or (heeded != self.heeds and self.serves_by_heeding())
        if stale or not self._is_as_seen() or list(map(altered, self._policies)) != self._altered:
            self.adopt_again()
        self.heeds_rollouts = self.heeds and (has_own_rollout_code(callback) or not type(self).__module__.startswith(OURS))
        self._moded, self._lent = None, False
        for optimiser in self.optimisers():  # of those who make their rows in build()
            if isinstance(optimiser.rows, Rows) and not optimiser.rows.lives_here():
                optimiser.rows.bind()
            if not optimiser.is_bound():
                optimiser.bind()

    def adopt_again(self) -> None:
        """Look anew at the policies, and serve them as they are."""
        policy: Any = self.policy
        policies = [policy] if self.n_seeds == 1 else list(self.policies)
        if self.n_seeds > 1 and policy is not self.policies:
            raise ValueError("model.policy was replaced, but this model trains several seeds. Replace the policy of a member: model.policies[k] = …")
        replaced = any(new is not old for new, old in zip(policies, self._policies, strict=True))
        self._policies = policies
        if replaced and not (self.n_seeds == 1 and any(isinstance(vars(self).get(name), nn.Module) for name in self.trained)):
            self._rebuild()
        else:
            self._serve_and_watch()

    def heed(self) -> None:
        """After a user's code ran: whatever it changed of what acts is taken for granted from now on. Costs a few microseconds."""
        if self.heeds and not self.acting.holds():
            self.adopt_again()

    def heed_rollout(self) -> None:
        """The same at the beginning of a rollout, if there is code that runs just then."""
        if self.heeds_rollouts:
            self.heed()

    def prepare_training(self) -> None:
        """What heed() does, for what trains: once before each training. The gradients of the parameters can be seen from now on."""
        if self.heeds and not self._is_as_seen():
            self.adopt_again()
        if self.heeds or not self._lent:
            self._lent = True
            for optimiser in self._optimisers:
                optimiser.rows.lend()

    def _is_as_seen(self) -> bool:
        acts_on = not self.heeds_rollouts or self.acting.holds()  # else it was seen after the last step
        return acts_on and self.watched.is_whole() and all(optimiser.is_as_seen() for optimiser in self._optimisers)

    def networks(self, name: str) -> list[nn.Module]:
        """Every seed's network of that name, to be trained. As SB3, a model trains the one that it calls so itself, whatever its policy has by then."""
        alias = vars(self).get(name)
        if name == "policy":
            return self._policies
        if isinstance(alias, nn.ModuleList):  # the model's own, one for each seed
            return list(alias)
        if self.n_seeds == 1 and isinstance(alias, nn.Module):
            return [alias]
        if isinstance(alias, nn.Module) and alias is not getattr(self._policies[0], name):
            raise ValueError(f"model.{name} was replaced, but this model trains several seeds. Replace that of a member: model.policies[k].{name} = …")
        return [getattr(policy, name) for policy in self._policies]

    def serves_by_heeding(self) -> bool:
        """Does what serve() makes depend on whether a user's code is about?"""
        return False

    def acting_modules(self) -> list[Any]:
        """What is played with."""
        return list(self._policies)

    def watched_objects(self) -> list[Any]:
        """What else has methods that a user may replace."""
        return list(self._policies)

    def _serve_and_watch(self) -> None:
        untouched = [p for policy in self._policies for p in policy.parameters() if p.grad is None]
        self.serve()
        for p in untouched:  # nobody has trained it yet
            p.grad = None
        self._moded = None
        self._watch()

    def _watch(self) -> None:
        """Remember how everything is that serve() took for granted."""
        self._altered = list(map(altered, self._policies))
        aliases = [name for name in ("policy", *self.trained, *self.following) if name in vars(self)]
        owners = dict.fromkeys([*self._policies, *(getattr(policy, name) for policy in self._policies for name in self.trained)])
        acting = [(owner, ["action_dist"]) for owner in owners if "action_dist" in vars(owner)]
        training = [pair for net in self.nets.values() for pair in net.watched_attributes()]
        players, objects = self.acting_modules(), self.watched_objects()
        self.acting = Watch(players, [(self, ["policy"]), *acting, *self.acting_attributes()], objects)
        trained = [network for name in self.trained for network in self.networks(name)] or self._policies
        policies = self._policies if self.n_seeds == 1 else [self.policies]
        every = dict.fromkeys([*policies, *trained, *(network for name in self.following for network in self.networks(name))])
        seen = {id(module) for player in players for module in player.modules()}
        rest = [module for module in every if id(module) not in seen]
        self.watched = Watch(
            [*rest, *self.also_watched()], [(self, aliases), *training, *self.watched_attributes()], objects, [*trained, *self.also_watched()], seen
        )
        self._optimisers, self._lent = self.optimisers(), False
        self._at_own_rates = [net for net in self.nets.values() if net.learning_rate is not None]

    def acting_attributes(self) -> list[tuple[Any, Sequence[str]]]:
        """(object, names of attributes) pairs that are to stay the very same while it is played."""
        return []

    def watched_attributes(self) -> list[tuple[Any, Sequence[str]]]:
        """Those that are to stay the same from one training to the next."""
        return []

    def also_watched(self) -> list[nn.Module]:
        """Modules with parameters to train that are not the policies'."""
        return [module for name, net in self.nets.items() if name != "policy" and not hasattr(self._policies[0], name) for module in net.modules]

    def optimisers(self) -> list[RowOptimizer]:
        return [net.optimiser for net in self.nets.values() if net.optimiser is not None]

    def begin_training(self) -> None:
        """What every `train` begins with."""
        self.prepare_training()
        self.set_training_mode(True)
        self.use_learning_rate()

    def end_training(self, last: Sequence[str] = ()) -> None:
        """What every `train` ends with: count the updates, and log; `last` as for record_metrics."""
        self._n_updates = int(self.updates.max())
        self.record("train/n_updates", self.updates, exclude="tensorboard")
        self.record_metrics(last)

    def minimise(self, equation: Callable, *data: Any, by: Net) -> bool:
        """One step of this network's weights down equation(*data) = (loss [S], metrics {name: [S]}), its gradient clipped to `max_grad_norm` if there is one.

        Seeds for which `stop_early(metrics)` holds are frozen until the caller sets `active` again; False if none is left.
        """
        loss, metrics = by.rows.differentiate(equation, *data)
        self.note(**metrics)
        stopped = self.stop_early(metrics)
        if stopped is not None:
            self.active &= ~stopped
            if not self.active.any():
                return False
        by.optimiser.zero_grad(self.active)
        by.rows.backward(loss)
        if self.max_grad_norm is not None and self.clips:
            by.rows.clip(self.max_grad_norm)
        by.optimiser.step(self.active)
        return True

    def note(self, **metrics: torch.Tensor) -> None:
        """Remember numbers of one update, [S] each, for `record_metrics`. Those of each sample, [S, M], are not logged, but `noted` until the next update."""
        self.noted = {name: value.detach() for name, value in metrics.items() if value.dim() > 1}
        for name, value in metrics.items():
            if name not in self.noted:
                self._metrics.setdefault(name, []).append(value.detach())

    def stop_early(self, metrics: dict[str, torch.Tensor]) -> np.ndarray | None:
        """Which seeds to stop updating, [S], judged before the step; None for none."""
        return None

    def use_learning_rate(self) -> None:
        """Set today's learning rate, and log it; networks with a schedule of their own take that."""
        self._update_learning_rate([optimizer for optimiser in self._optimisers for optimizer in optimiser.optimizers])
        for net in self._at_own_rates:
            net.use_learning_rate()

    def set_training_mode(self, mode: bool) -> None:
        """Training or evaluation mode of every seed's networks (dropout and batch normalisation)."""
        if self._moded is None:
            found = [(policy, _with_a_mode(policy)) for policy in self._policies]
            self._moded = [vars(module) for _, modules in found for module in modules or []], [policy for policy, modules in found if modules is None]
        attributes, others = self._moded
        for each in attributes:
            each["training"] = mode
        for policy in others:
            policy.set_training_mode(mode)

    def _tell(self, line: str) -> None:
        if self.verbose >= 1:
            print(line)

    def log_is_due(self, episodes_before: int, log_interval: int | None) -> bool:
        """Did the episodes since then complete another `log_interval` of them, per seed?"""
        every = (log_interval or 0) * self.n_seeds
        return every > 0 and self._episode_num // every > episodes_before // every

    def now(self, schedule: Callable[[float], float]) -> float:
        """The schedule's value at this moment of training."""
        return schedule(self._current_progress_remaining)

    def by_seed(self, x: Any) -> Any:
        """[S·E, ...] → [S, E, ...], for an array or a dict of them."""
        return tree_map(lambda a: a.reshape(self.n_seeds, -1, *a.shape[1:]), x)

    def by_time(self, x: Any) -> Any:
        """[T, S·E, ...] → [S, T·E, ...], time-major within a seed: for one pass of the networks."""
        S, E = self.n_seeds, self.n_envs
        return tree_map(lambda a: np.ascontiguousarray(a.reshape(len(a), S, E, *a.shape[2:]).swapaxes(0, 1)).reshape(S, -1, *a.shape[2:]), x)

    def as_tensors(self, x: Any) -> Any:
        """An array, or each of a dict of them, as tensors where the policy is."""
        return tree_map(lambda a: torch.as_tensor(a, device=self.device), x)

    def begin_again(self, k: int) -> None:
        """Reset the environments of seed k, and no other's."""
        if self.n_seeds == 1:
            self._last_obs = self.env.reset()
            return
        first, lanes = self.env.reset_seed(k), slice(k * self.n_envs, (k + 1) * self.n_envs)
        self._last_obs = tree_map(np.copy, self._last_obs)
        for mine, new in [(self._last_obs, first)] if not isinstance(first, dict) else [(self._last_obs[key], first[key]) for key in first]:
            mine[lanes] = new

    # ------------------------------------------------------------------------------------------------------------------- logging
    def record(self, key: str, values: Any, exclude: str | None = None) -> None:
        """Log one value per seed, [S]: under SB3's key for one seed, under key@seed for each of several."""
        if self.n_seeds == 1:
            self.logger.record(key, np.asarray(values).item(), exclude=exclude)
            return
        each = np.asarray(values).tolist()
        for seed, value in zip(self.seeds, each if isinstance(each, list) else [each] * self.n_seeds, strict=True):
            self.logger.record(f"{key}@{seed}", value, exclude=exclude)

    def record_metrics(self, last: Sequence[str] = ()) -> None:
        """Log the mean of each metric over the updates since the last call; of those named in `last` the last value."""
        for name, values in self._metrics.items():
            self.record(f"train/{name}", (values[-1] if name in last or len(values) == 1 else torch.stack(values).mean(0)).cpu().numpy())
        self._metrics.clear()

    def _update_info_buffer(self, infos: list[dict[str, Any]], dones: np.ndarray | None = None) -> None:
        """Count what the infos [S·E] tell: `episode` at any step, for an outer wrapper may join several, and `is_success` where one is done."""
        at_ends = dones is not None and getattr(type(self.env), "tells_episodes_at_their_ends", False)
        for lane in dones.nonzero()[0].tolist() if at_ends else range(len(infos)):
            info = infos[lane]
            if "episode" in info and info["episode"] is not None:
                self.ep_info_buffers[lane // self.n_envs].append(info["episode"])
            if "is_success" in info and dones is not None and dones[lane] and info["is_success"] is not None:
                self.ep_success_buffers[lane // self.n_envs].append(info["is_success"])

    def dump_logs(self, iteration: int = 0) -> None:
        """Write what was recorded, with SB3's keys."""
        elapsed = max((time.time_ns() - self.start_time) / 1e9, sys.float_info.epsilon)
        if iteration > 0:
            self.logger.record("time/iterations", iteration, exclude="tensorboard")
        self._record_progress()
        if all(len(buffer) > 0 and len(buffer[0]) > 0 for buffer in self.ep_info_buffers):
            self.record("rollout/ep_rew_mean", [safe_mean([episode["r"] for episode in buffer]) for buffer in self.ep_info_buffers])
            self.record("rollout/ep_len_mean", [safe_mean([episode["l"] for episode in buffer]) for buffer in self.ep_info_buffers])
        self.logger.record("time/fps", int((self.num_timesteps - self._num_timesteps_at_start) / elapsed))
        self.logger.record("time/time_elapsed", int(elapsed), exclude="tensorboard")
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        if all(len(buffer) > 0 for buffer in self.ep_success_buffers):
            self.record("rollout/success_rate", [safe_mean(buffer) for buffer in self.ep_success_buffers])
        self.logger.dump(step=self.num_timesteps)

    def _record_progress(self) -> None:
        """Log what else says how far training is."""

    # --------------------------------------------------------------------------------------------------------- acting and members
    def act(self, obs: Any, deterministic: bool = False) -> np.ndarray:
        """Actions [S, E, ...] for observations [S, E, ...], drawn from the seeds' streams unless deterministic."""
        raise NotImplementedError(f"{type(self).__name__} must say how it acts.")

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False) -> tuple[np.ndarray, Any]:
        """As in SB3. A stack takes observations [S·n, ...], the first n of them for the first seed, and returns as many actions."""
        return super().predict(observation, state, episode_start, deterministic)

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        """Actions as the environments take them: within the bounds."""
        if not isinstance(self.action_space, spaces.Box):
            return actions
        if getattr(self.policy, "squash_output", False):
            return self.policy.unscale_action(actions)
        return np.clip(actions, self.action_space.low, self.action_space.high)

    def member(self, k: int) -> Self:
        """The k-th seed's model on its own: the same as if that seed had been trained alone.

        Weights, optimizer and random streams are copies. The environment and a replay memory are the stack's own, so continue
        training either the member or the stack, not both.
        """
        if not 0 <= k < self.n_seeds:
            raise IndexError(f"member({k}): this model has members 0 … {self.n_seeds - 1}, for the seeds {self.seeds or [self.seed]}.")
        model: Any = object.__new__(type(self))
        of_fields = next(cls.__init__ for cls in type(self).__mro__ if is_renewed(vars(cls).get("__init__")))  # a user's own may take anything
        of_fields(model, self.policy_class, None, device=self.device, _init_setup_model=False)
        skip = {*self._excluded_save_params(), "env", "policies", "updates", "ep_info_buffers", "ep_success_buffers", "normalizers_of_seeds"}
        skip |= set(self._kept_in_files())
        model.__dict__.update({name: value for name, value in self.__dict__.items() if name not in skip})
        model.seeds = None if self.seeds is None else [self.seeds[k]]
        model.env = self.env.of_seed(k) if isinstance(self.env, LockstepVecEnv) else self.env
        of_file = self.__dict__.get("normalizers_of_seeds")
        model._vec_normalize_env = unwrap_vec_normalize(model.env) if model.env is not None else of_file and of_file[k]
        model._rng = Rng([self._rng.streams[k].copy()])
        lanes = slice(k * self.n_envs, (k + 1) * self.n_envs)
        for name in ("_last_obs", "_last_original_obs", "_last_episode_starts"):
            value = getattr(self, name)
            setattr(model, name, None if value is None else tree_map(lambda x: x[lanes].copy(), value))
        if getattr(self, "ep_info_buffers", None):
            model.ep_info_buffer, model.ep_success_buffer = self.ep_info_buffers[k].copy(), self.ep_success_buffers[k].copy()
        model.updates, model._n_updates = self.updates[k : k + 1].copy(), int(self.updates[k])
        self._hand_over(model, k)
        with Rng([self._rng.streams[k].copy()]).streams[0].as_process():  # initial weights that are overwritten next
            model._policies = [model.new_policy().to(model.device)]
        model.policy = model._policies[0]
        model._rebuild()
        (names, tensors), (own_names, own_tensors) = self._torch_names(k), model._torch_names(0)
        for name, own in zip(names, own_names, strict=True):
            recursive_getattr(model, own).load_state_dict(recursive_getattr(self, name).state_dict())
        for name, own in zip(tensors, own_tensors, strict=True):
            recursive_getattr(model, own).data.copy_(recursive_getattr(self, name).data)
        model.adopt()
        return model

    def __len__(self) -> int:
        return self.n_seeds

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, k: int) -> Self:
        """`member(k)`; −1 is the last."""
        if not isinstance(k, int | np.integer):
            raise TypeError(f"model[{k!r}]: give the place of one seed, 0 … {self.n_seeds - 1}, as to member(k).")
        return self.member(int(k) + (self.n_seeds if k < 0 else 0))

    def __iter__(self) -> Iterator[Self]:
        return map(self.member, range(self.n_seeds))

    def _hand_over(self, model: Any, k: int) -> None:
        """Give the k-th member its memory of experience."""
        model._setup_buffers()

    # ------------------------------------------------------------------------------------------------------------------- files
    def _torch_names(self, k: int) -> tuple[list[str], list[str]]:
        """Where seed k's modules and optimizers, and its single tensors, are found from here. For one seed these are SB3's names."""
        policy = "policy" if self.n_seeds == 1 else f"policies.{k}"
        at = "" if self.n_seeds == 1 else f"policies.{k}."
        names: list[str] = [policy]
        tensors: list[str] = []
        for net in self.nets.values():
            more = net.names_in_files(k, at, policy)
            names, tensors = [*names, *more[0]], [*tensors, *more[1]]
        return names, tensors

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        names, tensors = zip(*(self._torch_names(k) for k in range(self.n_seeds)), strict=True)
        return list(chain(*names)), list(chain(*tensors))

    def _excluded_save_params(self) -> list[str]:
        ours = ["_policies", "_rng", "_callback", "_log_interval", "_iteration", "_checkpoint", "_is_within", "_is_over", "_derived", "updates"]
        ours += getattr(self, "_derived", [])
        if self.seeds is None:
            ours.append("seeds")
        for net in self.nets.values():  # what is in a part of its own, under SB3's name for the first seed
            ours += [name.partition(".")[0] for name in chain(*net.names_in_files(0, "", "policy")) if not name.startswith("policy")]
        # SB3's ep_info_buffer and ep_success_buffer hold the same
        ours += ["ep_info_buffers", "ep_success_buffers"] if self.n_seeds == 1 else ["ep_info_buffer", "ep_success_buffer"]
        return [*super()._excluded_save_params(), *ours]

    def save(
        self,
        path: str | pathlib.Path | io.BufferedIOBase,
        exclude: Iterable[str] | None = None,
        include: Iterable[str] | None = None,
        *,
        exact: bool = False,
    ) -> None:
        """As in SB3: a zip that plain SB3 opens. A model with `seeds` keeps its random streams in it.

        A stack keeps every seed's VecNormalize, too; plain SB3 opens the files of its members.

        exclude and include name attributes to leave out and to keep beside those that are kept anyway.

        exact=True adds what training needs to go on as if it had never been stopped, and warns of what cannot be told: where the environments stand and what
        they draw from, the statistics of their wrappers, the replay memory, random streams, counters, and where callbacks and the logger are. The file that was
        there is replaced when the new one is whole.
        """
        if exact:
            self._save_exactly(path, exclude, include)
            return
        if self.seeds is not None:
            self.stream_states = self._rng.get_state()
        if self.n_seeds > 1:
            seeds, name = ", ".join(map(str, self.seeds or ())), type(self).__name__
            self.about_this_file = Note(f"This file holds a stack of {self.n_seeds} seeds ({seeds}), which plain Stable-Baselines3 cannot load: "
                                        f"use {name}.load of from_scratch, and model[k].save(path) for a file of one seed that it can.")  # fmt: skip
        kept = "normalizers_of_seeds" in self.__dict__  # those of a file that was loaded without environments
        if self.n_seeds > 1 and all(normalizers(self.env)) and not kept:
            self.normalizers_of_seeds = normalizers(self.env)
        super().save(path, exclude, include)
        self.__dict__.pop("stream_states", None)
        self.__dict__.pop("about_this_file", None)
        if not kept:
            self.__dict__.pop("normalizers_of_seeds", None)

    def _save_exactly(self, path: Any, exclude: Iterable[str] | None, include: Iterable[str] | None) -> None:
        state, arrays = standing.state_of(self, list(all_callbacks(getattr(self, "_callback", None))))
        if state["because"]:
            warnings.warn(f"Training will not go on exactly from this file: {state['because']}.", stacklevel=3)
        with checkpoints.replaced_at_once(path) as file:
            self.save(file, exclude, include)
            checkpoints.add(file, state, arrays)

    def why_not_exact(self) -> str | None:
        """Why training cannot go on exactly from here, whatever is saved; None if it can."""
        return "it was saved within an iteration (an ExactCheckpointCallback waits for its end)" if self._is_within else None

    def plain_of_build(self) -> dict[str, Any]:
        """What build() made, and is numbers and arrays."""
        made = {name: self.__dict__[name] for name in self._derived if name in self.__dict__}
        return {name: value for name, value in made.items() if _is_data(value)}

    def put_plain_of_build(self, data: dict[str, Any]) -> None:
        for name, value in data.items():
            self.__dict__[name] = _put_into(self.__dict__.get(name), value)

    def state_of_memory(self) -> tuple[Any, list[np.ndarray]]:
        """The memory of experience, as plain data and arrays; None for the former where there is none."""
        return None, []

    def put_memory(self, data: Any, arrays: list[np.ndarray]) -> None:
        """Fill the memory with what `state_of_memory` said."""

    def state_of_noises(self) -> tuple[Any, list[np.ndarray]]:
        """Where the noise stands that actions are disturbed by."""
        return None, []

    def put_noises(self, data: Any, arrays: list[np.ndarray]) -> None:
        """The way back."""

    @classmethod
    def load(
        cls,
        path: str | pathlib.Path | io.BufferedIOBase,
        env: GymEnv | str | Callable[..., Any] | None = None,
        device: torch.device | str = "auto",
        custom_objects: dict[str, Any] | None = None,
        print_system_info: bool = False,
        force_reset: bool = True,
        *,
        trust: bool = False,
        exact: bool = True,
        **kwargs: Any,
    ) -> Self:
        """A model from a zip that `save` wrote, ours or SB3's; env has priority over the one that was saved, if any.

        Nothing in the file is run: it is made of weights, numbers and the types that are known here, and a file that wants more, such as a schedule
        that is a function, or a class of the user's own, is an UnsafeFileError that says what. custom_objects are used instead, by name; trust reads
        a file of one's own as SB3 does, which runs what it says (docs/loading.md).

        kwargs change attributes before the networks are built. An env is reset before training unless force_reset is off. `set_parameters` loads
        into a model that is there.

        env may be an id or a function that makes environments, as for the constructor; a stack needs one, or what another stack's get_env() gave.
        Then the statistics of a stack's VecNormalize come back.

        A file that was saved with exact=True, loaded with an env, stands where it was saved, its environments and random numbers too: `resume` goes on from
        there, and force_reset is not asked. What cannot be put back is told in a warning and in `resumptions`; then the environments are reset. exact=False
        takes such a file for an ordinary one.
        """
        made, content, custom_objects = is_recipe(env), path, {"about_this_file": None, **(custom_objects or {})}
        if not trust:
            content = content_of(path)
            instead = {name: value for name, value in kwargs.items() if name != "policy_kwargs"}  # which SB3 compares with the file's
            custom_objects = objects_in(content, path, {**custom_objects, **instead})
        exact = exact and (env is not None or not cls.plays) and checkpoints.is_exact(content)
        if env is not None:
            told = {**told_by(content), **custom_objects, **kwargs}
            env = cls._env_for(env, told.get("seeds"), told.get("n_envs") or 1, told.get("seed"))
        with tensors_only(path):
            model = super().load(content, env, device, custom_objects, print_system_info, force_reset and not exact, **kwargs)
        model.__dict__.pop("about_this_file", None)
        known = model.__dict__.get("normalizers_of_seeds", [])
        for normalizer in known:  # VecNormalize leaves these out of a file, and is not written into another one without
            normalizer.class_attributes, normalizer.returns = {}, None
        if env is not None:
            model.__dict__.pop("normalizers_of_seeds", None)
            if made and known:
                cls._hand_statistics_to(model.env, Normalizers(known))
        states = model.__dict__.pop("stream_states", None)
        if states is not None:
            model._rng.set_state(states)
        model.adopt()  # SB3 replaced the memory of single tensors, such as log α
        model._join_buffers()
        model.updates = np.full(model.n_seeds, model._n_updates)
        if model.env is not None and model._last_obs is not None:
            model.env.unwrapped._reset_seeds()  # the environment goes on where it is: seeds set while loading must not wait for its next reset
        if exact:
            model._stand_where(*checkpoints.read(content))
        return model

    def _stand_where(self, state: Any, arrays: list[np.ndarray]) -> None:
        self._is_over, because = state["over"], standing.put_into(self, state, arrays)
        self._checkpoint = state, arrays  # type: ignore[misc]
        before = [(step, why) for step, why in self.resumptions]  # a file has lists
        self.resumptions = [*before, (self.num_timesteps, because)]  # type: ignore[misc]
        if because:
            warnings.warn(f"Training does not go on exactly from step {self.num_timesteps}, and the environments are reset: {because}.", stacklevel=3)

    def set_parameters(self, load_path_or_dict: str | TensorDict, exact_match: bool = True, device: torch.device | str = "auto") -> None:
        """Load weights and optimizers' state from a zip, or from what get_parameters() gave; exact_match asks for every name and no other."""
        with tensors_only(load_path_or_dict):
            super().set_parameters(load_path_or_dict, exact_match, device)
        self.adopt()

    # ------------------------------------------------------------------------------------------------------------------ copies
    def __reduce_ex__(self, protocol: Any) -> tuple:
        """For deep copies and pickles: what build() makes stays behind, and is made anew from the copied policies, because it reads and writes
        their weights through memory of its own. Numbers and arrays that it holds, and tensors that are no policy's, go along.
        """
        state = self.__getstate__()  # a user's own, perhaps
        return copyreg.__newobj__, (type(self),), self._without_views(state) if isinstance(state, dict) else state  # type: ignore[attr-defined]

    def _without_views(self, state: dict[str, Any]) -> dict[str, Any]:
        state = {name: value for name, value in state.items() if name not in self.not_copied}
        logger = state.pop("_logger", None)
        if logger is not None and not logger.output_formats:  # a file has one writer: learn() gives the copy a logger of its own
            state["_logger"] = logger
        else:
            state["_custom_logger"] = False
        state["_normalized"] = [(normalizer, normalizer.venv, normalizer.returns) for normalizer in normalizers(self.env) if normalizer is not None]
        made = {name: state.pop(name) for name in state.pop("_derived", ()) if name in state}
        modules, tensors = self._get_torch_save_params() if made else ([], [])
        state["_of_build"] = (
            {name: value for name, value in made.items() if _is_data(value)},
            {name: recursive_getattr(self, name).state_dict() for name in modules if self._is_apart(name)},
            {name: recursive_getattr(self, name).detach().clone() for name in tensors},
        )
        return state

    def _is_apart(self, name: str) -> bool:
        """Is this module or optimizer none of a policy's?"""
        root = name.partition(".")[0]
        return root not in ("policy", "policies") and not hasattr(self._policies[0], root)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._complete()

    def _complete(self) -> None:
        """Make what a deep copy or a pickle has left behind. A user's own __setstate__ leaves that to learn()."""
        if "_of_build" not in self.__dict__:
            return
        data, modules, tensors = self.__dict__.pop("_of_build")
        for normalizer, venv, returns in self.__dict__.pop("_normalized"):  # VecNormalize leaves out of its own copies what it normalises
            normalizer.set_venv(venv)
            normalizer.returns = returns
        if "_policies" not in self.__dict__:
            return
        self._rebuild()
        for name, values in modules.items():
            recursive_getattr(self, name).load_state_dict(values)
        for name, tensor in tensors.items():
            recursive_getattr(self, name).data.copy_(tensor)
        for name, value in data.items():
            self.__dict__[name] = _put_into(self.__dict__.get(name), value)
        self.adopt()

    def __copy__(self) -> Self:
        """A shallow copy shares everything, as SB3's does: training it trains the model that it was made of."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin


def _is_data(value: Any) -> bool:
    """Is this a number, a string, an array, or a collection of them?"""
    if isinstance(value, dict):
        return _is_data(list(value.values()))
    return all(map(_is_data, value)) if isinstance(value, list | tuple) else value is None or isinstance(value, int | float | str | np.ndarray | np.generic)


def _put_into(there: Any, value: Any) -> Any:
    """value, in the arrays that are there where they have its shapes: others may look at them."""
    if isinstance(value, np.ndarray) and isinstance(there, np.ndarray) and (there.shape, there.dtype) == (value.shape, value.dtype) and there.flags.writeable:
        there[...] = value
        return there
    if isinstance(value, list | tuple) and type(there) is type(value) and len(there) == len(value):
        parts = [_put_into(*pair) for pair in zip(there, value, strict=True)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict) and isinstance(there, dict):
        return {name: _put_into(there.get(name), part) for name, part in value.items()}
    return value
