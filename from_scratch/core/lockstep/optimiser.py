"""One step for the ordinary optimizers of many seeds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import optimizer as torch_optimizer

from from_scratch.core.lockstep import blas, far, kernels
from from_scratch.core.lockstep.rows import OwnMemory, Rows
from from_scratch.core.watch import replaced

MOMENTS = {
    torch.optim.Adam: ("exp_avg", "exp_avg_sq"),
    torch.optim.RAdam: ("exp_avg", "exp_avg_sq"),
    torch.optim.RMSprop: ("square_avg",),
}


def _any_step_hook() -> bool:
    return bool(torch_optimizer._global_optimizer_pre_hooks or torch_optimizer._global_optimizer_post_hooks)


EXTRAS = ("amsgrad", "maximize", "capturable", "differentiable", "centered", "momentum", "weight_decay", "decoupled_weight_decay")


class RowOptimizer:
    """One step for the S ordinary optimizers of S networks.

    Adam, RAdam and RMSprop without extras are one pass over all rows, with the bits of torch's own; their moments and step counters are
    views in the optimizers' own `state`, right at any moment, so that `state_dict()` is theirs. Any other optimizer steps itself,
    seed by seed.
    """

    def __init__(self, rows: Rows | OwnMemory, optimizers: Sequence[torch.optim.Optimizer], by_hand: Callable[[str], bool] = lambda name: False):
        """by_hand(name): does somebody else move this parameter? Losses then have no gradient for it, and its optimizer keeps no state of it."""
        self.rows: Any = rows
        self._still: list[int] = []
        if isinstance(rows, Rows):
            rows.still = self._still = [i for name, i in rows.names.items() if by_hand(name)]
        self.optimizers = list(optimizers)
        self.per_seed = len(rows) // len(self.optimizers)  # rows of one seed
        self.in_rows = isinstance(rows, Rows) and rows.dtype == torch.float32 and self._are_plain()
        if self.in_rows:
            self.moments = {name: torch.zeros_like(rows.theta) for name in MOMENTS[type(self.optimizers[0])]}  # type: ignore[union-attr]
            self.steps = torch.zeros(len(rows), len(rows.spans))  # type: ignore[union-attr]  # a counter for each parameter, as the optimizers keep them
            self._counters = self.steps.numpy()
            self._all = self._blocks(slice(None))
            self.bind()
        self.watch()

    def _are_plain(self) -> bool:
        """Do the optimizers what the pass over all rows does, and the same for every seed and parameter?"""
        first = self.optimizers[0]
        alike = type(first) in MOMENTS and all(type(o) is type(first) and len(o.param_groups) == 1 for o in self.optimizers)
        if not alike or any(replaced(o) or o._optimizer_step_pre_hooks or o._optimizer_step_post_hooks for o in self.optimizers) or _any_step_hook():
            return False
        options = [self._options(o) for o in self.optimizers]
        if any(option != options[0] for option in options) or any(options[0][0].get(extra) for extra in EXTRAS):
            return False
        if not isinstance(first.param_groups[0]["lr"], float | int):
            return False
        for k, optimizer in enumerate(self.optimizers):
            mine = [p for r in range(k * self.per_seed, (k + 1) * self.per_seed) for p in self.rows.parameters(r)]
            if {id(p) for p in mine} != {id(p) for p in optimizer.param_groups[0]["params"]}:
                return False
            moved = [p for j, p in enumerate(mine) if j % len(self.rows.spans) not in self._still]
            if len({float(optimizer.state[p]["step"]) if p in optimizer.state else 0.0 for p in moved}) > 1:
                return False  # somebody stepped some of the parameters, or froze them for a while
        return True

    @staticmethod
    def _options(optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
        """Of every group: its options; the learning rate is set anew before each training."""
        return [{name: value for name, value in group.items() if name not in ("params", "lr", "initial_lr")} for group in optimizer.param_groups]

    def watch(self) -> None:
        """Remember how the optimizers are now."""
        self._groups = [group for o in self.optimizers for group in o.param_groups]
        self._getters = [itemgetter(*(name for name in group if name not in ("params", "lr", "initial_lr"))) for group in self._groups]
        sized = [*map(vars, self.optimizers), *(o.param_groups for o in self.optimizers), *self._groups, *(group["params"] for group in self._groups)]
        hooks = [hooks for o in self.optimizers for hooks in (o._optimizer_step_pre_hooks, o._optimizer_step_post_hooks)]
        self._sized: list[Any] = [*sized, *hooks, torch_optimizer._global_optimizer_pre_hooks, torch_optimizer._global_optimizer_post_hooks]
        self._sizes = list(map(len, self._sized))
        self._options_seen = list(map(operator.call, self._getters, self._groups))
        self._states_seen = [o.state for o in self.optimizers] if self.in_rows else []
        self._held = self._holding()

    def _holding(self) -> list[Any]:
        """What the optimizers keep of their parameters, where that is a view of our blocks."""
        return [*chain.from_iterable(map(dict.values, chain.from_iterable(map(dict.values, self._states_seen))))]

    def is_as_seen(self) -> bool:
        """Are options, groups, methods and state of the optimizers as they were, and do their counters still agree?"""
        return (
            list(map(len, self._sized)) == self._sizes
            and all(map(operator.is_, chain.from_iterable([o.param_groups for o in self.optimizers]), self._groups))
            and list(map(operator.call, self._getters, self._groups)) == self._options_seen
            and (not self.in_rows or self._holds())
        )

    def _holds(self) -> bool:
        """Is their state what it was, and has every seed one number of steps for all its parameters?"""
        held, states = self._holding(), [o.state for o in self.optimizers]
        return (
            len(held) == len(self._held)
            and all(map(operator.is_, held, self._held))
            and all(map(operator.is_, states, self._states_seen))
            and all([row[:4] * len(self.rows.spans) == row for row in map(np.ndarray.tobytes, self._counters)])
        )

    def zero_grad(self, active: np.ndarray) -> None:
        """Forget the last gradients of active seeds, where an optimizer steps itself: what gets none now is not to move."""
        if not self.in_rows:
            for k in np.flatnonzero(active):
                self.optimizers[k].zero_grad()

    def _states(self) -> Iterator[tuple[dict, int, int, nn.Parameter]]:
        """For each parameter: the state of the optimizer that owns it, its row and place in it, and the parameter."""
        for r in range(len(self.rows)):
            for i, p in enumerate(self.rows.parameters(r)):
                if i not in self._still:
                    yield self.optimizers[r // self.per_seed].state, r, i, p

    def is_bound(self) -> bool:
        if not self.in_rows:
            return True
        for state, r, i, p in self._states():
            of_p = state.get(p, {})
            if "step" not in of_p or of_p["step"].data_ptr() != self.steps.data_ptr() + (r * self.steps.shape[1] + i) * self.steps.element_size():
                return False
            if any(name not in of_p or of_p[name].data_ptr() != self.rows.address(block, r, i) for name, block in self.moments.items()):
                return False
        return True

    @torch.no_grad()
    def bind(self) -> None:
        """Move the optimizers' state (fresh, or just loaded) into our blocks."""
        if not self.in_rows:
            return
        for state, r, i, p in self._states():
            old, views = state.get(p, {}), {"step": self.steps[r, i], **{name: self.rows.of_row(block, r, i) for name, block in self.moments.items()}}
            for name, view in views.items():
                view.copy_(torch.as_tensor(old[name])) if name in old else view.zero_()
            state[p] = views
        self.steps[:, self._still] = self.steps.amax(1, keepdim=True)  # in step with the others

    def restart(self) -> None:
        """Forget moments and counters, as if no step had been taken."""
        if not self.in_rows:
            for optimizer in self.optimizers:
                optimizer.state.clear()
            return
        for block in (self.steps, *self.moments.values()):
            block.zero_()

    @torch.no_grad()
    def step(self, active: np.ndarray) -> None:
        """Step the rows of active seeds; the others keep their weights and their moments."""
        if not self.in_rows:
            for k in np.flatnonzero(active):
                self._step_of_torch(k)
        elif active.all() and self._counters_agree():
            self._step(*self._all)
        else:
            for k in np.flatnonzero(active):
                self._step(*self._blocks(slice(k * self.per_seed, (k + 1) * self.per_seed)))

    def _step_of_torch(self, k: int) -> None:
        """The optimizer's own step. Parameters that another network trains (a shared features extractor) have no gradient here."""
        if isinstance(self.rows, OwnMemory):
            self.optimizers[k].step()
            return
        self.rows.lend()
        rows = range(k * self.per_seed, (k + 1) * self.per_seed)
        mine = {id(p) for r in rows for i, p in enumerate(self.rows.parameters(r)) if i not in self._still}
        others = [p for group in self.optimizers[k].param_groups for p in group["params"] if id(p) not in mine]
        gradients = [p.grad for p in others]
        for p in others:
            p.grad = None
        self.optimizers[k].step()
        for p, gradient in zip(others, gradients, strict=True):
            p.grad = gradient

    def _counters_agree(self) -> bool:
        steps = self.steps.numpy()[:, 0]
        return len(self.optimizers) == 1 or bool((steps == steps[0]).all())

    def _blocks(self, rows: slice) -> tuple[np.ndarray, list[Any]]:
        """Of some rows: the counters; and θ, gradient and moments, in NumPy where it reaches them."""
        blocks = [block[rows].view(-1) for block in (self.rows.theta, self.rows.grad, *self.moments.values())]
        return self.steps[rows].numpy(), blocks if self.rows.are_far else [block.numpy() for block in blocks]

    def _step(self, steps: np.ndarray, blocks: list[Any]) -> None:
        steps += 1
        if self.rows.are_far:
            far.STEPS[type(self.optimizers[0])](blocks, float(steps[0, 0]), self.optimizers[0].param_groups[0])
            return
        group, single = self.optimizers[0].param_groups[0], np.float32
        t, eps = float(steps[0, 0]), single(group["eps"])
        kind = type(self.optimizers[0])
        if kind is torch.optim.RAdam:  # Liu et al. 2020, arXiv:1908.03265, Algorithm 2, in torch's order of operations
            (beta1, beta2), (theta, g, m, v) = group["betas"], blocks
            rho_inf = 2 / (1 - beta2) - 1
            rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
            rect = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5 if rho > 5 else 0.0
            bias, correction = 1 - beta1**t, (1 - beta2**t) ** 0.5
            moments, scales = (1 - beta1, beta2, 1 - beta2), (bias, group["lr"], correction)
            kernels.radam(blas.SQRT, theta, g, m, v, *map(single, (*moments, *scales)), eps, single(rect))
        elif kind is torch.optim.Adam:  # Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1, in torch's order of operations
            beta1, beta2 = group["betas"]
            correction, step = (1 - beta2**t) ** 0.5, -group["lr"] / (1 - beta1**t)
            theta, g, m, v = blocks
            kernels.adam(blas.SQRT, theta, g, m, v, single(1 - beta1), single(beta2), single(1 - beta2), single(correction), eps, single(step))
        else:  # RMSprop (Tieleman & Hinton 2012), ε outside the root
            alpha, (theta, g, v) = group["alpha"], blocks
            kernels.rmsprop(blas.SQRT, theta, g, v, single(alpha), single(1 - alpha), eps, single(-group["lr"]))


def optimiser_of(
    networks: Sequence[nn.Module], optimizers: Sequence[torch.optim.Optimizer], rows: Callable[[], Rows], apart: str | None, stacked: bool,
    clipped: Sequence[nn.Module] | None = None, by_hand: Callable[[str], bool] = lambda name: False,
) -> RowOptimizer:  # fmt: skip
    """What trains networks: over `rows()`, or in memory of their own if there is a reason to keep them apart.

    Modules whose optimizers step themselves gain nothing from rows, and may lose: a parameter without a gradient is not to move.
    """
    if apart is None:
        optimiser = RowOptimizer(rows(), optimizers, by_hand)
        if optimiser.in_rows or stacked:
            return optimiser
    return RowOptimizer(OwnMemory(networks, clipped), optimizers)
