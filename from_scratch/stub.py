"""Writes __init__.pyi, by which type checkers and editors know the constructors: `python -m from_scratch.stub`.

The constructors are made from the classes' fields when the classes are, which no type checker runs. typing.dataclass_transform could
tell them of the fields, but not of SB3's order: policy and env in front, the seven that every class has behind a subclass's own, all of
them positional. So the signatures are written out, by the classes themselves; a test fails where the file is not what they say.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from from_scratch.registry import ENTRIES

HERE = Path(__file__).with_name("__init__.pyi")
HEADER = '''"""The constructors, for type checkers and editors. Written by `python -m from_scratch.stub` from the classes' fields: do not edit."""'''


def _kind(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return "typing.Any"
    return inspect.formatannotation(annotation) if inspect.isclass(annotation) else repr(annotation)


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
    entries = sorted((entry for entry in ENTRIES.values() if entry.target.startswith("from_scratch.")), key=lambda entry: entry.class_name)
    known = [entry.load() for entry in entries]
    classes = "".join(_class(cls, known) for cls in known)
    modules = sorted({match.rpartition(".")[0] for match in re.findall(r"(?<![\w.])[a-z_0-9]+(?:\.\w+)+", re.sub(r'"[^"]*"|\'[^\']*\'', "", classes))})
    imports = [f"import {module}" for module in modules if not module[0].isdigit()]
    imports += [f"from {cls.__module__} import {cls.__name__} as _{cls.__name__}" for cls in sorted(known, key=lambda cls: (cls.__module__, cls.__name__))]
    names = "".join(f'    "{cls.__name__}",\n' for cls in known)
    return f"{HEADER}\n\n" + "\n".join(imports) + f"\n\n__all__ = [\n{names}]\n{classes}"


if __name__ == "__main__":
    HERE.write_text(text(), encoding="utf-8")
