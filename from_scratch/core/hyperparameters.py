"""Hyper-parameters as class fields: declared once, and the constructor's signature follows from them."""

from __future__ import annotations

import difflib
import inspect
import math
import types
from typing import Any, ClassVar, dataclass_transform

import numpy as np

REQUIRED = inspect.Parameter.empty
HEAD = {"policy": REQUIRED, "env": REQUIRED}
TAIL = {
    "stats_window_size": 100,
    "tensorboard_log": None,
    "policy_kwargs": None,
    "verbose": 0,
    "seed": None,
    "device": "auto",
    "_init_setup_model": True,
}
EXTRA = {"seeds": None, "n_envs": 1}  # what this library adds to SB3's signature: keyword-only, at the end


def _fields_of(cls: type) -> dict[str, Any]:
    """The annotated class attributes of one class, in order; ClassVars and those without a default are none."""
    annotated = inspect.get_annotations(cls)
    return {name: cls.__dict__[name] for name, kind in annotated.items() if name in cls.__dict__ and "ClassVar" not in str(kind)}


def _constants_of(cls: type) -> dict[str, Any]:
    """Its ClassVars: an inherited field that is declared one is no longer the caller's to choose."""
    return {name: cls.__dict__.get(name) for name, kind in inspect.get_annotations(cls).items() if "ClassVar" in str(kind)}


def _signature(fields: dict[str, Any], without: set[str]) -> inspect.Signature:
    kinds = inspect.Parameter
    parameters = [kinds("self", kinds.POSITIONAL_OR_KEYWORD)]
    parameters += [kinds(name, kinds.POSITIONAL_OR_KEYWORD, default=default) for name, default in {**HEAD, **fields, **TAIL}.items() if name not in without]
    parameters += [kinds(name, kinds.KEYWORD_ONLY, default=default) for name, default in EXTRA.items()]
    return inspect.Signature(parameters)


def _bind(cls: type, signature: inspect.Signature, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, defaults filled in. A name that is not there is a TypeError with the nearest one."""
    unknown = [name for name in kwargs if name not in signature.parameters]
    if unknown:
        near = difflib.get_close_matches(unknown[0], [name for name in signature.parameters if not name.startswith("_")], n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise TypeError(f"{cls.__name__}.__init__() got an unexpected keyword argument '{unknown[0]}'.{hint}")
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}.__init__() {'got ' * str(error).startswith('multiple')}{error}") from None
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name != "self"}


def check_range(model: Any, *names: str, low: float = -math.inf, high: float = math.inf, above: float | None = None) -> None:
    """ValueError unless each of these hyper-parameters is finite, lies between low and high, and is more than `above`.

    What the class does not have, or fixes, is passed over, as are None and schedules; of a sequence every number is checked.
    """
    for name in names:
        value = getattr(model, name, None)
        if name not in model.hyperparameters or value is None or callable(value):
            continue
        numbers = np.asarray(value, dtype=float)
        if np.isfinite(numbers).all() and ((numbers >= low) & (numbers <= high)).all() and (above is None or (numbers > above).all()):
            continue
        if -math.inf < low and high < math.inf:
            wanted = f"from {low:g} to {high:g}"
        else:
            least = f"above {above:g}" if above is not None else f"from {low:g} on" if low > -math.inf else ""
            wanted = " and ".join(filter(None, (least, f"up to {high:g}" if high < math.inf else "")))
        raise ValueError(f"{name}={value}: give a {'' if wanted else 'finite '}number{' ' + wanted if wanted else ''}.")


@dataclass_transform(kw_only_default=True)
class Declared:
    """Gives each subclass a constructor and a `learn` whose signatures follow from its annotated fields.

    A subclass inherits its parent's fields, adds its own behind them, may give an inherited one another default, and fixes one
    (takes it out of the signature) by declaring it a ClassVar.
    `log_interval` and the class's name become the defaults of `learn`, as in SB3.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ()
    fixed: ClassVar[dict[str, Any]] = {}  # inherited hyper-parameters with the value that this class gives them
    log_interval = 1

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        constants = _constants_of(cls)
        of_parents = dict.fromkeys(name for parent in reversed(cls.__bases__) for name in getattr(parent, "hyperparameters", ()))
        inherited = {name: getattr(cls, name) for name in of_parents if name not in constants}
        fields = {**inherited, **_fields_of(cls)}
        cls.fixed = {**cls.fixed, **{name: value for name, value in constants.items() if name in of_parents}}
        cls.hyperparameters = tuple(fields)
        signature = _signature(fields, without=set(constants))

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._construct(**_bind(cls, signature, (self, *args), kwargs))

        __init__.__signature__ = signature  # type: ignore[attr-defined]
        __init__.__qualname__ = f"{cls.__name__}.__init__"
        cls.__init__ = __init__  # type: ignore[method-assign]
        learn = getattr(cls, "learn", None)
        if isinstance(learn, types.FunctionType):
            defaults = (None, cls.log_interval, cls.__name__, True, False)  # callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar
            own = types.FunctionType(learn.__code__, learn.__globals__, "learn", defaults, learn.__closure__)
            own.__doc__, own.__annotations__, own.__qualname__ = learn.__doc__, learn.__annotations__, f"{cls.__name__}.learn"
            cls.learn = own  # type: ignore[attr-defined]
