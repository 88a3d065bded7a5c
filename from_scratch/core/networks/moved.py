"""All that training moves in a network: its weights, and the statistics that its optimizer keeps of them, as one block that others may share."""

from __future__ import annotations

from typing import Any

import torch

from from_scratch.core.lockstep import spans_of


def statistics_of(policy: Any) -> list[str]:
    """What the optimizer keeps of each parameter, by name."""
    kept = (state for p, state in policy.optimizer.state.items())
    return sorted({name for state in kept for name, x in state.items() if isinstance(x, torch.Tensor)})


def pairs(net: Any, policy: Any, numbers: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(this process's, everyone's) tensors that training changes: weights and statistics. In `numbers` each kind is a row, laid out as Rows are."""
    parameters, optimiser = list(policy.parameters()), net.optimiser
    spans, width = spans_of([p.numel() for p in parameters])
    found = []
    for name, row in zip(("θ", *statistics_of(policy)), numbers.view(-1, width), strict=True):
        if optimiser.in_rows:
            mine = optimiser.rows.theta if name == "θ" else optimiser.steps if name == "step" else optimiser.moments[name]
            found.append((mine.view(-1), row[: mine.numel()]))
            continue
        for i, (p, (start, end)) in enumerate(zip(parameters, spans, strict=True)):
            x = p.data if name == "θ" else policy.optimizer.state.get(p, {}).get(name)
            if x is not None:
                found.append((x, row[start:end].view_as(x) if x.shape == p.shape else row[i]))
    return found


def how_many(policy: Any) -> int:
    """Numbers that `pairs` needs."""
    return spans_of([p.numel() for p in policy.parameters()])[1] * (1 + len(statistics_of(policy)))


def begin_statistics(policy: Any) -> None:
    """Let an optimizer have its statistics before its first step, as they are after none."""
    optimizer, weights = policy.optimizer, [p.detach().clone() for p in policy.parameters()]
    if optimizer.state:
        return
    for p in policy.parameters():
        p.grad = torch.zeros_like(p) if p.requires_grad else None
    optimizer.step()
    with torch.no_grad():
        for p, was in zip(policy.parameters(), weights, strict=True):
            p.copy_(was)
            for x in optimizer.state.get(p, {}).values():
                if isinstance(x, torch.Tensor):
                    x.zero_()
