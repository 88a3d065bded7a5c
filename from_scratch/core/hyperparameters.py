"""Hyper-parameters as class fields: declared once; the constructor, its signature, its types and its explanation follow from them."""

from __future__ import annotations

import difflib
import inspect
import math
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.vec_env import VecEnv

from from_scratch.core.arguments import RANGES, Explained

Method = TypeVar("Method", bound=Callable)
Parameter = inspect.Parameter


def _parameters(**given: tuple) -> dict[str, Parameter]:
    """name=(type,) or (type, default)"""
    return {
        name: Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, annotation=kind, default=default[0] if default else Parameter.empty)
        for name, (kind, *default) in given.items()
    }


HEAD = _parameters(policy=(str | type[BasePolicy],), env=(gym.Env | VecEnv | str | Callable[[], Any] | None,))
TAIL = _parameters(
    stats_window_size=(int, 100),
    tensorboard_log=(str | None, None),
    policy_kwargs=(dict[str, Any] | None, None),
    verbose=(int, 0),
    seed=(int | None, None),
    device=(torch.device | str, "auto"),
    _init_setup_model=(bool, True),
)
EXTRA = _parameters(seeds=(Sequence[int] | int | None, None), n_envs=(int, 1))  # what this library adds to SB3's signature: keyword-only, at the end


def _fields_of(cls: type) -> dict[str, Any]:
    """The annotated class attributes of one class, in order; ClassVars and those without a default are none."""
    annotated = inspect.get_annotations(cls)
    return {name: cls.__dict__[name] for name, kind in annotated.items() if name in cls.__dict__ and "ClassVar" not in str(kind)}


def _constants_of(cls: type) -> dict[str, Any]:
    """Its ClassVars: an inherited field that is declared one is no longer the caller's to choose."""
    return {name: cls.__dict__.get(name) for name, kind in inspect.get_annotations(cls).items() if "ClassVar" in str(kind)}


def _type_of(cls: type, name: str) -> Any:
    """What a field's annotation says, where it can be told: a class made inside a function may name what only that function knows."""
    for base in cls.__mro__:
        kind = inspect.get_annotations(base).get(name)
        if isinstance(kind, str):
            try:
                return eval(kind, dict(vars(sys.modules[base.__module__])), dict(vars(base)))
            except Exception:  # whatever a name may do that is not there
                return Parameter.empty
        if kind is not None:
            return kind
    return Parameter.empty


def _signature(cls: type[Declared], fields: dict[str, Any], without: set[str]) -> inspect.Signature:
    mine = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=_type_of(cls, name)) for name, default in fields.items()]
    parameters = [Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)]
    tail = {**TAIL, "device": TAIL["device"].replace(default=cls.device_by_default)}
    parameters += [parameter for parameter in (*HEAD.values(), *mine, *tail.values()) if parameter.name not in without]
    parameters += [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in EXTRA.values()]
    return inspect.Signature(parameters)


# What textbooks and others call an argument: what it may be called here, the first that a class has.
MEANT: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("alpha", "α", "lr", "step_size", "stepsize"), (("learning_rate",),)),
    **dict.fromkeys(
        ("epsilon", "ε", "eps", "exploration_rate", "exploration"),
        (("epsilon",), ("exploration_rate",), ("exploration_initial_eps", "exploration_final_eps"), ("clip_range",)),
    ),
    **dict.fromkeys(("lambda_", "lambd", "lam", "lmbda", "λ"), (("lambda_",), ("gae_lambda",), ("q_lambda",))),
    **dict.fromkeys(("discount", "discount_factor", "discount_rate", "γ"), (("gamma",),)),
    **dict.fromkeys(("n", "n_step"), (("n_steps",),)),
    **dict.fromkeys(("q_init", "init_value", "optimistic"), (("initial_value",),)),
    **dict.fromkeys(("θ",), (("theta",),)),
    **dict.fromkeys(("temperature", "entropy_coef"), (("ent_coef",),)),
}


def other_names(unknown: str, known: Sequence[str]) -> list[str]:
    """What a class whose arguments are known calls what others call so; empty if it has no such thing."""
    names = MEANT.get(unknown, ())
    if unknown in ("alpha", "α") and "target_entropy" in known:
        names = (("ent_coef",),)  # SAC's α is the temperature
    return next((list(names) for names in names if set(names) <= set(known)), [])


def meant_by(unknown: str, known: Sequence[str]) -> list[str]:
    """What an argument that a class does not have is called there, by another name of it or by its spelling; empty if that is not known."""
    return other_names(unknown, known) or difflib.get_close_matches(unknown, [name for name in known if not name.startswith("_")], n=1)


def _refuse(cls: type, unknown: str, known: Sequence[str]) -> None:
    meant = meant_by(unknown, known)
    hint = f" Did you mean {' and '.join(map(repr, meant))}?" if meant else ""
    raise TypeError(f"{cls.__name__}.__init__() got an unexpected keyword argument '{unknown}'.{hint}")


def _bind(cls: type[Declared], model: Declared, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, where the constructor of cls is called for a model that may be of a subclass.

    Positional ones are those of cls, which is what the caller sees; the keywords that are known and the defaults of those left out are
    the model's own class's. What a constructor below cls has set itself is not overwritten by a default that cls does not know.
    A name that is not there is a TypeError with the nearest one.
    """
    mine, known = cls._signature.parameters, type(model)._signature.parameters
    beyond = {name: value for name, value in kwargs.items() if name not in mine}
    for name in kwargs:
        if name not in known:
            _refuse(cls, name, list(known))
    try:
        bound = cls._signature.bind(model, *args, **{name: value for name, value in kwargs.items() if name in mine})
    except TypeError as error:
        raise TypeError(f"{cls.__name__}.__init__() {'got ' * str(error).startswith('multiple')}{error}") from None
    given = {**bound.arguments, **beyond}
    for name in given:
        if name not in known:
            raise TypeError(f"{cls.__name__}.__init__() was given {name}={given[name]}, which {type(model).__name__} fixes as {model.fixed.get(name)}.")
    defaults = {name: p.default for name, p in known.items() if p.default is not p.empty and (name in mine or name not in vars(model))}
    return {name: value for name, value in {**defaults, **given}.items() if name != "self"}


def plain(value: Any) -> Any:
    """A number of NumPy's as Python's own: it may have been computed, and not everything that counts by it takes np.int64."""
    return value.item() if isinstance(value, np.generic) else value


def check_range(
    model: Any, *names: str, low: float = -math.inf, high: float = math.inf, above: float | None = None, whole: bool = False, finite: bool = True
) -> None:
    """ValueError unless each of these hyper-parameters lies between low and high, is more than `above`, a `whole` number if so asked, and `finite`.

    NaN is never allowed. What the class does not have, or fixes, is passed over, as are None, schedules, and words such as "auto"; of a sequence every
    number is checked.
    """
    for name in names:
        value = getattr(model, name, None)
        if name not in model.hyperparameters or value is None or callable(value) or (isinstance(value, str) and not whole):
            continue
        numbers = np.asarray(value, dtype=float) if not whole or isinstance(value, int) else np.asarray(math.nan)
        is_real = np.isfinite(numbers) if finite else ~np.isnan(numbers)
        if is_real.all() and ((numbers >= low) & (numbers <= high)).all() and (above is None or (numbers > above).all()):
            continue
        if -math.inf < low and high < math.inf:
            wanted = f"from {low:g} to {high:g}"
        else:
            least = f"above {above:g}" if above is not None else f"from {low:g} on" if low > -math.inf else ""
            wanted = " and ".join(filter(None, (least, f"up to {high:g}" if high < math.inf else "")))
        kind = "whole number" if whole else "number" if wanted else "finite number"
        raise ValueError(f"{name}={value!r}: give a {kind}{' ' + wanted if wanted else ''}.")


def check_arguments(model: Any) -> None:
    """ValueError for an argument of this library's with a value that it cannot have in any class. One that a user's class declares may mean something else."""
    for name, allowed in RANGES.items():
        if any(_is_ours(base) and name in inspect.get_annotations(base) for base in type(model).__mro__):
            check_range(model, name, **allowed)


def level_of_caller() -> int:
    """The stacklevel with which a warning names the line outside this library that it is about, however many classes lie between."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals["__name__"].startswith(f"{__name__.partition('.')[0]}."):
        frame, level = frame.f_back, level + 1
    return level


def renewed(method: Method) -> Method:
    """Marks a method that classes may be given a copy of. A user's own override has no mark, and is never replaced."""
    method.renewed = method  # type: ignore[attr-defined]
    return method


def is_renewed(method: Any) -> bool:
    return getattr(method, "renewed", None) is method  # functools.wraps hands a mark on, but it is another's


def _is_ours(cls: type, part: str = "") -> bool:
    """Is the class of this library, or of a part of it?"""
    return f"{cls.__module__}.".startswith(f"{__name__.partition('.')[0]}.{part}")


class Declared:
    """Gives each subclass a constructor whose signature follows from its annotated fields.

    A subclass inherits its parent's fields, adds its own behind them, may give an inherited one another default, and fixes one
    (takes it out of the signature) by declaring it a ClassVar. An inherited one that a class of this library declares again behind
    a new one stands there in the signature.

    A class that writes a constructor, or inherits one that somebody wrote (from a mixin in front, say), keeps it, and passes on
    what it is given by super().__init__(...). The same holds for `learn`.

    `log_interval` and the class's name become the defaults of `learn`, as in SB3; subclasses of an algorithm log under its name.
    """

    _signature: ClassVar[inspect.Signature]  # of the constructor that the fields have, self included
    hyperparameters: ClassVar[tuple[str, ...]] = ()
    fixed: ClassVar[dict[str, Any]] = {}  # inherited hyper-parameters with the value that this class gives them
    log_interval = 1
    device_by_default = "auto"
    _constants: ClassVar[set[str]] = set()  # all ClassVars, of parents too

    @renewed
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError(f"{type(self).__name__} has no fields of its own: derive a class from it.")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        constants = _constants_of(cls)
        of_parents = dict.fromkeys(name for parent in reversed(cls.__bases__) for name in getattr(parent, "hyperparameters", ()))
        inherited = {name: getattr(cls, name) for name in of_parents if name not in constants}
        own = _fields_of(cls)
        if _is_ours(cls):  # of a user's class, arguments keep their places
            new = next((i for i, name in enumerate(own) if name not in inherited), len(own))
            inherited = {name: default for name, default in inherited.items() if name not in list(own)[new:]}
        fields = {**inherited, **own}
        cls.fixed = {**cls.fixed, **{name: value for name, value in constants.items() if name in of_parents}}
        cls.hyperparameters = tuple(fields)
        cls._constants = (cls._constants | set(constants)) - set(fields)
        cls._signature = _signature(cls, fields, without=cls._constants)
        if is_renewed(cls.__init__):
            cls.__init__ = _constructor(cls)  # type: ignore[method-assign]
        if is_renewed(getattr(cls, "learn", None)) and (_is_ours(cls) or not _algorithms_above(cls)):
            cls.learn = _learn(cls)  # type: ignore[attr-defined]
        if _is_ours(cls):
            cls.__doc__ = Explained(cls)  # type: ignore[assignment]


def _constructor(cls: type[Declared]) -> Callable:
    @renewed
    def __init__(self: Declared, *args: Any, **kwargs: Any) -> None:
        self._construct(**_bind(cls, self, args, kwargs))  # type: ignore[attr-defined]

    parameters = cls._signature.parameters.values()
    __init__.__signature__ = cls._signature  # type: ignore[attr-defined]
    __init__.__annotations__ = {p.name: p.annotation for p in parameters if p.annotation is not p.empty} | {"return": None}
    __init__.__qualname__, __init__.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    __init__.__doc__ = f"help({cls.__name__}) explains the arguments."
    return __init__


def _algorithms_above(cls: type) -> list[type]:
    """The algorithms of this library that a class is derived from: TensorBoard knows it by their names, as SB3's by theirs."""
    return [base for base in cls.__mro__[1:] if _is_ours(base) and not _is_ours(base, "core.")]


def _learn(cls: Any) -> Callable:
    """`learn` with the defaults of this class."""
    learn: types.FunctionType = cls.learn
    defaults = (None, cls.log_interval, cls.__name__, True, False)  # callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar
    own = types.FunctionType(learn.__code__, learn.__globals__, "learn", defaults, learn.__closure__)
    own.__doc__, own.__annotations__ = learn.__doc__, learn.__annotations__
    own.__qualname__, own.__module__ = f"{cls.__qualname__}.learn", cls.__module__
    return renewed(own)
