"""The two ways in which a network of all seeds is computed: together, over rows of parameters, or one seed after another by its modules.

`Together` is an equation over the network's parts. A class of SB3's that we know has a subclass each (a few lines: which part sees what);
a network of our own, or a user's, says it itself and needs nothing here: its `forward(obs)` is `outputs(features of obs)`, and `outputs` is
marked @per_seed. `OneByOne` asks any module whatever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import nn

from from_scratch.core.lockstep import Array, ArrayRows, OwnMemory, Rows, StackedMLP, Unknown, is_plain_mlp, stack
from from_scratch.core.networks.inputs import flat, is_single, one

Memory = Rows | OwnMemory


class Together:
    """A network of S seeds as one: [S, M, ...] → [S, M, ...], of tensors with a graph, of Arrays in a program, of NumPy arrays to play."""

    may_be_read = True  # by equations: what it computes is written down in their programs
    of: ClassVar[tuple[type, ...]] = ()  # the classes of modules whose work it does, these and no subclass …
    within: ClassVar[tuple[type, ...]] = ()  # … inside these containers
    anywhere: ClassVar[bool] = True  # on a GPU, too? Not if it computes with NumPy or compiled loops alone

    def __init__(self, networks: Sequence[Any], rows: Rows):
        self.networks: list[Any] = list(networks)
        self.rows: Any = rows

    @classmethod
    def can_serve(cls, policy: BasePolicy, network: nn.Module) -> bool:
        """Does this do what the network would?"""
        return type(network) in cls.of and type(policy) in cls.within and cls.fits(network)

    @classmethod
    def fits(cls, network: Any) -> bool:
        """Is the network, of the right class, made of parts that can be evaluated together?"""
        raise NotImplementedError

    @staticmethod
    def agree(networks: Sequence[Any]) -> bool:
        """Do they differ in nothing but their parameters?"""
        return True

    @staticmethod
    def rows_of(networks: Sequence[Any]) -> list[nn.Module]:
        """The modules that have a row of parameters each."""
        return list(networks)

    @staticmethod
    def skips(network: nn.Module) -> str | None:
        """A part of the names of those parameters that another network trains."""
        return None

    def __call__(self, *data: Any, **more: Any) -> Any:
        raise NotImplementedError

    def play(self, *data: Any, **more: Any) -> np.ndarray:
        """What it gives for observations [S, E, ...], in NumPy."""
        return self(*data)


class OneByOne:
    """The same through the modules: images, Dict observations, whatever a user has made."""

    may_be_read = True

    def __init__(self, networks: Sequence[Any], rows: Memory):
        self.networks, self.rows, self.device = list(networks), rows, rows.device

    def ask(self, network: Any, *data: Any) -> torch.Tensor:
        return network(*data)

    def __call__(self, *data: Any, **more: Any) -> Any:
        obs, *rest = data
        return stack([self.ask(network, one(obs, k, self.device), *(x[k] for x in rest)) for k, network in enumerate(self.networks)])

    @torch.no_grad()
    def play(self, *data: Any, **more: Any) -> np.ndarray:
        return self(*data).cpu().numpy()


# --------------------------------------------------------------------------------------------------------- networks that say it themselves
class Parts:
    """What a module holds, of all seeds: plain MLPs and parts that say their outputs can be called, parameters are [S, 1, *shape], the rest is as it is.

    An equation that a module's class states as a method, `outputs`, is evaluated with this in the module's place.
    """

    may_be_read = True

    def __init__(self, module: nn.Module, rows: Rows, prefix: str = ""):
        self._module, self._rows, self._prefix = module, rows, prefix
        self._made: dict[str, Any] = {}
        self._like: Any = None  # what the equation computes with now

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """That of the module, whose `outputs` may ask its super()."""
        return type(self._module)

    @classmethod
    def can_be(cls, module: nn.Module) -> bool:
        return all(is_plain_mlp(part) or type(part) is FlattenExtractor or (says_outputs(part) and cls.can_be(part)) for part in module.children())

    def __call__(self, x: Any, *more: Any) -> Any:
        self._like = x
        return type(self._module).outputs(self, x, *more)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if isinstance(value, nn.Parameter):
            return self._rows.parameter(self._prefix + name, self._like)[:, None]
        if isinstance(value, nn.Module):
            if name not in self._made:
                mlp = is_plain_mlp(value)
                self._made[name] = StackedMLP.of(self._rows, {f"{self._prefix}{name}": value}) if mlp else Parts(value, self._rows, f"{self._prefix}{name}.")
            return self._made[name]
        if isinstance(value, MethodType) and isinstance(value.__func__, FunctionType):
            return MethodType(value.__func__, self)
        return value


def says_outputs(module: nn.Module) -> bool:
    """Does its class state what `forward` computes from the features, for any number of seeds at once? Not if a class below has another forward."""
    kinds = type(module).__mro__
    if not getattr(getattr(type(module), "outputs", None), "per_seed", False):
        return False
    stated, forward = (next(i for i, kind in enumerate(kinds) if name in vars(kind)) for name in ("outputs", "forward"))
    return stated <= forward


class OwnOutputs(Together):
    """Any network whose class says its `outputs`, for vectors, and for integers as one-hot vectors."""

    def __init__(self, networks: Sequence[Any], rows: Rows):
        super().__init__(networks, rows)
        space = networks[0].observation_space
        self.one_hot = int(space.n) if isinstance(space, spaces.Discrete) else None
        self.parts = Parts(networks[0], rows)
        self.is_mlp = _is_mlp(networks[0])  # NumPy alone will do to play
        self.needs_tensors = False  # to play: `outputs` does what no Array can

    @classmethod
    def can_serve(cls, policy: BasePolicy, network: Any) -> bool:
        if not says_outputs(network) or not is_single(network) or not Parts.can_be(network):
            return False
        space = network.observation_space
        image = isinstance(space, spaces.Box) and network.normalize_images and space.dtype == np.uint8
        return type(network.features_extractor) is FlattenExtractor and isinstance(space, spaces.Box | spaces.Discrete) and not image

    @staticmethod
    def agree(networks: Sequence[Any]) -> bool:
        """Not if they hold other buffers or numbers: those of the first are taken for all."""
        first, *others = map(_held, networks)
        return all(held.keys() == first.keys() and all(map(_equal, held.values(), first.values())) for held in others)

    def features(self, obs: Any) -> Any:
        if self.one_hot is None:
            return flat(obs)
        if isinstance(obs, np.ndarray):
            return flat(np.equal(obs[..., None], np.arange(self.one_hot)))
        if isinstance(obs, Array):
            return flat(obs.one_hot(self.one_hot))
        return flat(F.one_hot(obs.long(), self.one_hot))

    def outputs(self, obs: Any, *more: Any) -> Any:
        """What the network puts out, given more than observations where its `outputs` takes more: numbers [S, M or 1, ...], drawn beforehand."""
        x = self.features(obs)
        y = self.parts(x, *more)
        if isinstance(y, torch.Tensor) and y.shape[:2] != x.shape[:2]:
            raise ValueError(
                f"{type(self.networks[0]).__qualname__}.outputs makes {list(y.shape)} of features {list(x.shape)}, [S, M, n]: S and M must stay in front. "
                "A parameter is [S, 1, *shape] there (docs/lockstep.md)."
            )
        return y

    def __call__(self, obs: Any, *more: Any) -> Any:
        return self.outputs(obs, *more)

    def play(self, obs: Any, *more: Any) -> np.ndarray:
        if self.is_mlp:
            return self.outputs(obs)
        if isinstance(self.rows, ArrayRows) and not self.needs_tensors:
            try:
                return self.rows.run(self._output, obs, *more, gradient=False).loss.value.copy()
            except (Unknown, TypeError, AttributeError) as error:
                self.needs_tensors = True
                self.rows.tell(f"{type(self.networks[0]).__qualname__}.outputs takes the general path, through torch ({error}).")
        with torch.no_grad():
            return self.outputs(*(torch.as_tensor(x, device=self.rows.device) for x in (obs, *more))).cpu().numpy()

    def _output(self, obs: Any, *more: Any) -> tuple[Any, dict[str, Any]]:
        return self.outputs(obs, *more), {}


class _MLPAlone:
    """Stands for a module that holds one MLP, and knows of nothing else."""

    def __init__(self, name: str, mlp: Callable):
        setattr(self, name, mlp)


def _is_mlp(network: nn.Module) -> bool:
    """Is what it says it puts out one MLP of the features, and nothing is done before or after?"""
    names = [name for name, part in network.named_children() if type(part) is not FlattenExtractor]
    features, result = object(), object()
    if len(names) != 1 or not is_plain_mlp(getattr(network, names[0])):
        return False
    try:
        return type(network).outputs(_MLPAlone(names[0], {features: result}.__getitem__), features) is result  # type: ignore[attr-defined]
    except Exception:  # whatever it does with something that is no number
        return False


def _held(network: nn.Module) -> dict[str, Any]:
    """Numbers that it holds, and that nobody trains, by name."""
    numbers = (torch.Tensor, np.ndarray, int, float)
    own = {f"{at}.{name}": x for at, part in network.named_modules() for name, x in vars(part).items() if isinstance(x, numbers) and name != "training"}
    return {**own, **dict(network.named_buffers())}


def _equal(x: Any, y: Any) -> bool:
    return np.array_equal(*(value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value for value in (x, y)))


Kind = Callable[[Sequence[Any], Any], Any]
