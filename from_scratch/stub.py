"""Writes __init__.pyi, by which type checkers and editors know the constructors: `python -m from_scratch.stub`.

The constructors are made from the classes' fields when the classes are, which no type checker runs. typing.dataclass_transform could
tell them of the fields, but not of SB3's order: policy and env in front, the seven that every class has behind a subclass's own, all of
them positional. So the signatures are written out, by the classes themselves; a test fails where the file is not what they say.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from from_scratch.registry import ENTRIES

HERE = Path(__file__).with_name("__init__.pyi")
EAGER = "from from_scratch.core.lockstep import eager as eager"
HEADER = '''"""The constructors, for type checkers and editors. Written by `python -m from_scratch.stub` from the classes' fields: do not edit."""'''


def _kind(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return "typing.Any"
    return inspect.formatannotation(annotation) if inspect.isclass(annotation) and annotation is not Any else repr(annotation)


def _argument(parameter: inspect.Parameter) -> str:
    default = parameter.default
    if default is inspect.Parameter.empty:
        return f"{parameter.name}: {_kind(parameter.annotation)}"
    literal = json.dumps(default) if isinstance(default, str) else repr(default) if default is None or isinstance(default, bool | int | float) else "..."
    return f"{parameter.name}: {_kind(parameter.annotation)} = {literal}"


def _constructor(cls: type) -> str:
    parameters = list(inspect.signature(cls).parameters.values())
    positional = [_argument(p) for p in parameters if p.kind is not p.KEYWORD_ONLY]
    keyword = [_argument(p) for p in parameters if p.kind is p.KEYWORD_ONLY]
    return "".join(f"        {part},\n" for part in ("self", *positional, "*", *keyword))


def _class(cls: type, known: Sequence[type]) -> str:
    """A class that adds its constructor to what its file says; above it those of its parents that are here, too."""
    parents = [parent for parent in cls.__mro__[1:] if parent in known]
    nearest = [parent.__name__ for parent in parents if not any(issubclass(other, parent) for other in parents if other is not parent)]
    bases = ", ".join((f"_{cls.__name__}", *nearest))
    return f"\nclass {cls.__name__}({bases}):\n    def __init__(\n{_constructor(cls)}    ) -> None: ...\n"


def text() -> str:
    """What __init__.pyi should hold."""
    entries = sorted((entry for entry in ENTRIES.values() if entry.is_ours), key=lambda entry: entry.class_name)
    known = [entry.load() for entry in entries]
    classes = "".join(_class(cls, known) for cls in known)
    without_strings = re.sub(r'"[^"]*"', "", classes)
    modules = sorted({name.rpartition(".")[0] for name in re.findall(r"\b[a-z]\w*(?:\.\w+)+", without_strings)})
    sections = ([], [], [])  # type: tuple[list[str], list[str], list[str]]
    for module in modules:
        root = module.partition(".")[0]
        sections[0 if root in sys.stdlib_module_names else 2 if root == "from_scratch" else 1].append(f"import {module}")
    known = sorted(known, key=lambda cls: (cls.__module__, cls.__name__))
    sections[2].extend(sorted([EAGER, *(f"from {cls.__module__} import {cls.__name__} as _{cls.__name__}" for cls in known)]))
    imports = "\n\n".join("\n".join(section) for section in sections)
    return f"{HEADER}\n\n{imports}\n\n__all__: list[str]\n{classes}"


if __name__ == "__main__":
    HERE.write_text(text(), encoding="utf-8")
