"""What callbacks see of a training loop: SB3's `locals`, whose dear entries are computed when they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback, ConvertCallback


def is_users(callback: BaseCallback | None) -> bool:
    """Might this callback look at a step, or change the model? A user's may, alone or inside of SB3's; SB3's own only count, save and evaluate.

    A callback of a user that declares `needs_no_values = True` promises to do neither.
    """
    if callback is None or getattr(callback, "needs_no_values", False):
        return False
    if isinstance(callback, ConvertCallback) and type(callback).__module__.startswith("stable_baselines3."):
        return callback.callback is not None and not _is_sb3s(getattr(callback.callback, "__module__", None))
    if not _is_sb3s(type(callback).__module__):
        return True
    attributes = vars(callback)
    children = [attributes.get("callback"), attributes.get("callback_on_new_best"), *attributes.get("callbacks", [])]
    return any(is_users(child) for child in children)


def _is_sb3s(module: str | None) -> bool:
    return module is not None and module.startswith(("stable_baselines3.", "sb3_contrib."))


class Locals(dict):
    """The local variables of a loop. What is `due` counts as there, and is computed when it is first read.

    One object serves a whole training: callbacks get it when training starts and find each step's variables in it, as in SB3.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.due: dict[str, Callable[[], Any]] = {}
        self.computed: list[str] = []

    @classmethod
    def of(cls, callback: BaseCallback) -> Locals:
        """Those that the callback got when training started; new ones where a loop runs without `learn`."""
        return callback.locals if type(callback.locals) is cls else cls()

    def show(self, variables: dict[str, Any], due: dict[str, Callable[[], Any]]) -> Locals:
        """A new step: these variables, and the functions that compute the others."""
        if self.computed or due is not self.due:
            for name in (*self.computed, *due):  # of the step before
                dict.pop(self, name, None)
            self.computed, self.due = [], due
        dict.update(self, variables)
        return self

    def __missing__(self, name: str) -> Any:
        if name not in self.due:
            raise KeyError(name)
        value = self[name] = self.due[name]()
        self.computed.append(name)
        return value

    def _complete(self) -> None:
        for name in self.due:
            self[name]

    def update(self, other: Any = (), /, **kwargs: Any) -> None:
        if other is not self:  # SB3's update_locals(locals_) comes to that, and there is nothing new
            dict.update(self, other, **kwargs)

    def get(self, name: Any, default: Any = None) -> Any:
        if name in self.due:
            return self[name]
        return super().get(name, default)

    def __contains__(self, name: Any) -> bool:
        return dict.__contains__(self, name) or name in self.due

    def __reduce_ex__(self, protocol: Any) -> tuple:
        """Copies are plain dicts."""
        return dict, (dict(self),)

    def setdefault(self, name: Any, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]


def _of_all(method: Callable) -> Callable:
    def of_all(self: Locals, *args: Any) -> Any:
        self._complete()
        return method(self, *args)

    return of_all


OF_ALL = "__iter__ __len__ __reversed__ __eq__ __or__ __ror__ __repr__ keys values items copy pop popitem __delitem__"  # what looks at every entry
for _name in OF_ALL.split():
    setattr(Locals, _name, _of_all(getattr(dict, _name)))
