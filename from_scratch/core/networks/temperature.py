"""SAC's temperature α, one number per seed: fixed, or tuned by an optimizer of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from from_scratch.core.lockstep import OwnMemory, RowOptimizer
from from_scratch.core.networks.kinds import OneByOne, Together
from from_scratch.core.networks.net import KINDS, Net


class Temperature(nn.Module):
    """log α of one seed, with the optimizer that tunes it."""

    def __init__(self, initial: float, learning_rate: float, device: torch.device):
        super().__init__()
        self.log_ent_coef = nn.Parameter(torch.log(torch.ones(1, device=device) * initial))
        self.optimizer = torch.optim.Adam(self.parameters(), lr=learning_rate)


class LogTemperature(Together):
    """log α, [S, 1], to compute with numbers like these."""

    @classmethod
    def can_serve(cls, policy: BasePolicy, network: nn.Module) -> bool:
        return True

    def __call__(self, like: Any = None) -> Any:
        return self.rows.parameter("log_ent_coef", like)


class LogTemperatures(OneByOne):
    def __call__(self, like: Any = None) -> torch.Tensor:
        return self.rows.parameter("log_ent_coef", like)


KINDS[Temperature] = LogTemperature, LogTemperatures


class OwnTensor(OwnMemory):
    """A tensor that a model holds, as the only parameter of its one seed."""

    def __init__(self, model: Any, name: str):
        super().__init__([model.policy])
        self.model, self.name = model, name

    def parameter(self, name: str, like: Any = None) -> torch.Tensor:
        return getattr(self.model, self.name).unsqueeze(0)


def _number(ent_coef: str | float, part: str | float) -> float:
    try:
        return float(part)
    except ValueError:
        raise ValueError(f'ent_coef={ent_coef!r}: give a number, "auto", or "auto_0.1" with where it starts.') from None


class TemperatureNet(Net):
    """α of all seeds. The model has SB3's attributes, of the first seed: log_ent_coef and ent_coef_optimizer, or ent_coef_tensor if α is fixed."""

    def __init__(self, model: Any, ent_coef: str | float):
        """ent_coef: a number, "auto", or "auto_0.1" with where it starts."""
        super().__init__(model, "temperatures")
        self.start: torch.Tensor | None = None  # log α, where it is tuned from; None if it is fixed
        model.log_ent_coef = model.ent_coef_optimizer = None
        if not (isinstance(ent_coef, str) and ent_coef.startswith("auto")):
            model.ent_coef_tensor = torch.tensor(_number(ent_coef, ent_coef), device=model.device)
            return
        initial = _number(ent_coef, ent_coef.split("_")[1]) if "_" in ent_coef else 1.0
        assert initial > 0, "The initial value of ent_coef must be greater than 0"
        model.temperatures = nn.ModuleList(Temperature(initial, model.lr_schedule(1), model.device) for _ in model._policies)
        model.log_ent_coef, model.ent_coef_optimizer = model.temperatures[0].log_ent_coef, model.temperatures[0].optimizer
        self.start = model.log_ent_coef.detach().clone()

    def restart(self) -> None:
        """Set α of all seeds to where its tuning starts."""
        if self.start is not None and self.is_tuned:
            for log_ent_coef in (self.model.log_ent_coef, *(temperature.log_ent_coef for temperature in self.modules)):
                log_ent_coef.data.copy_(self.start)

    @property
    def modules(self) -> list[Any]:
        return list(vars(self.model).get("temperatures", []))

    def watched_attributes(self) -> list[tuple[Any, Sequence[str]]]:
        return [*((temperature, ["optimizer"]) for temperature in self.modules), (self.model, ["log_ent_coef", "ent_coef_optimizer"])]

    def names_in_files(self, k: int, at: str, policy: str) -> tuple[list[str], list[str]]:
        if not self.is_tuned:
            return [], ["ent_coef_tensor"]
        mine = f"temperatures.{k}." if at else ""  # of one seed they have SB3's names
        return [f"{mine}optimizer" if mine else "ent_coef_optimizer"], [f"{mine}log_ent_coef"]

    @property
    def is_tuned(self) -> bool:
        return self.model.log_ent_coef is not None and self.model.ent_coef_optimizer is not None

    @property
    def alpha(self) -> torch.Tensor:
        """α of every seed, [S]."""
        return self().detach()[:, 0].exp() if self.is_tuned else self.model.ent_coef_tensor.expand(self.model.n_seeds)

    def serve(self, follower: Net | None = None) -> None:
        model = self.model
        self.optimiser = None
        if not self.is_tuned:
            return
        first = model.temperatures[0]
        if model.log_ent_coef is first.log_ent_coef and model.ent_coef_optimizer is first.optimizer:
            self.programs = model.nets["actor"].is_stacked  # whose log π its loss takes
            super().serve()
            return
        if model.n_seeds > 1:  # the user's own
            raise ValueError(f"log_ent_coef or its optimizer was replaced, but this model has {model.n_seeds}: replace those of model.temperatures[k].")
        self.optimiser = RowOptimizer(OwnTensor(model, "log_ent_coef"), [model.ent_coef_optimizer])
        self._served(LogTemperatures, [model.policy], self.optimiser.rows)
