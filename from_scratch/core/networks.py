"""Networks of S seeds evaluated together: the weights are rows of a block, the data [S, M, in]."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from from_scratch.core.lockstep import Rows

ACTIVATIONS = {nn.Tanh: (torch.tanh, np.tanh), nn.ReLU: (torch.relu, lambda x, out: np.maximum(x, 0, out=out))}


def is_plain_mlp(*modules: nn.Module) -> bool:
    """Nothing but Linear layers with biases and one kind of activation that we know, which a stack can evaluate."""
    layers = [layer for module in modules for layer in (module if isinstance(module, nn.Sequential) else [module])]
    linear = [type(layer) is nn.Linear for layer in layers]
    alternate = linear == [i % 2 == 0 for i in range(len(layers))] and bool(layers) and linear[-1]
    kinds = {type(layer) for layer in layers if type(layer) is not nn.Linear}
    return alternate and len(kinds) <= 1 and kinds <= set(ACTIVATIONS) and all(layer.bias is not None for layer in layers[::2])


class StackedMLP:
    """The same multi-layer perceptron of S seeds, [S, M, in] → [S, M, out].

    `layers` are the layers of the first seed's modules, `names` the names of its Linear layers within `rows`.
    Torch tensors give torch tensors with a graph; NumPy arrays give NumPy arrays, for acting.
    """

    def __init__(self, rows: Rows, layers: list[nn.Module], names: list[str]):
        kinds = {type(layer) for layer in layers if type(layer) is not nn.Linear}
        self.activation, self.activation_numpy = ACTIVATIONS[kinds.pop() if kinds else nn.Tanh]
        self.leaves = [(rows.leaf(f"{name}.weight"), rows.leaf(f"{name}.bias")) for name in names]
        self.numpy = [(w.detach().mT.numpy(), b.detach().unsqueeze(1).numpy()) for w, b in self.leaves] if rows.device.type == "cpu" else None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        for w, b in self.leaves[:-1]:
            x = self.activation(torch.baddbmm(b.unsqueeze(1), x, w.mT))
        w, b = self.leaves[-1]
        if w.shape[1] == 1:  # a product of width 1 uses another kernel for one seed than for many: a sum does not
            return (x * w).sum(-1, keepdim=True) + b.unsqueeze(1)
        return torch.baddbmm(b.unsqueeze(1), x, w.mT)

    def play(self, x: np.ndarray) -> np.ndarray:
        """[S, E, in] → [S, E, out] in NumPy: a tenth of torch's overhead where the batch is a handful of environments."""
        last = len(self.numpy) - 1
        for i, (w, b) in enumerate(self.numpy):
            x = np.matmul(x, w)
            x += b
            if i < last:
                self.activation_numpy(x, out=x)
        return x
