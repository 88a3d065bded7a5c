"""The same module as ONNX, as TorchScript, and as torch's own exported program (.pt2)."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from from_scratch.deploy.heads import CannotExport
from from_scratch.deploy.runtime import EXTRA, KEY

OPSET = 18
NEEDS = {"onnx": "onnx", "onnxscript": "onnxscript", "onnxruntime": "onnxruntime"}


def check_available(kind: str) -> None:
    """ImportError, with the way out, if what writes and plays this format is not installed."""
    import importlib.util

    missing = [package for module, package in NEEDS.items() if importlib.util.find_spec(module) is None] if kind == "onnx" else []
    if missing:
        raise ImportError(f'ONNX needs {", ".join(missing)}: pip install "sb3-course[export]". TorchScript (.pt) needs nothing more')
    if kind == "torchscript" and sys.version_info >= (3, 14):
        raise ImportError("TorchScript does not work with Python 3.14 and newer: export to .onnx or .pt2")


class Artifact:
    """A module in one of the formats, before it is a file."""

    def __init__(
        self, kind: str, module: nn.Module, examples: Sequence[torch.Tensor], batch_axes: Sequence[int], names: tuple[list[str], list[str]], opset: int
    ):  # fmt: skip
        self.kind = kind
        with quiet():
            if kind == "torchscript":
                traced = torch.jit.trace(module, tuple(examples), check_trace=False)
                self.script = torch.jit.freeze(traced, optimize_numerics=False)  # which leaves out what does not act, such as critics
                return
            one = torch.export.Dim("n", min=1)
            shapes = {"given": tuple({axis: one} for axis in batch_axes)}
            try:
                self.program = torch.export.export(module, tuple(examples), dynamic_shapes=shapes, strict=False)
            except Exception as error:  # torch's own, of many kinds
                raise CannotExport(f"its network cannot be traced: {str(error).strip().splitlines()[0][:200]}") from None
            if kind == "onnx":
                self.onnx = torch.onnx.export(self.program, dynamo=True, opset_version=opset, input_names=names[0], output_names=names[1], verbose=False)

    def write(self, path: Path, about: dict[str, Any]) -> None:
        text = json.dumps(about)
        with quiet():
            if self.kind == "torchscript":
                torch.jit.save(self.script, str(path), _extra_files={EXTRA: text})
            elif self.kind == "pt2":
                torch.export.save(self.program, str(path), extra_files={EXTRA: text})
            else:
                self._write_onnx(path, text)

    def _write_onnx(self, path: Path, text: str) -> None:
        import onnx

        proto = self.onnx.model_proto  # type: ignore[union-attr]
        _without_places(proto)
        del proto.metadata_props[:]
        proto.metadata_props.add(key=KEY, value=text)
        proto.producer_name = "sb3-course"
        onnx.checker.check_model(proto)
        path.write_bytes(proto.SerializeToString())


def _without_places(proto: Any) -> None:
    """Leave out where on this machine each node's code stands, which torch notes."""
    for part in [proto.graph, *proto.functions]:
        del part.metadata_props[:]
        for node in part.node:
            del node.metadata_props[:]
            node.doc_string = ""
    for each in [*proto.graph.input, *proto.graph.output, *proto.graph.value_info, *proto.graph.initializer]:
        del each.metadata_props[:]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what torch says of its own ways: deprecations, packages that it could also know."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
