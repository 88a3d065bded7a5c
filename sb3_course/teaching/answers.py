"""Learners' files, solutions and wrong answers as modules, without leaving anything beside them; what went wrong in one, in lines."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
import traceback
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from sb3_course.teaching.course import Exercise


def load(path: Path, name: str) -> ModuleType:
    """The module that a file makes. SyntaxError, or whatever it raises while it is imported."""
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look there
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    exec(code, module.__dict__)
    return module


def unreadable(path: Path) -> list[str] | None:
    """Why a file is no Python, in lines: the place, the line itself and a caret. None if it is."""
    try:
        source = path.read_bytes()
    except OSError as error:
        return [f"{path.name} cannot be read: {error.strerror}"]
    try:
        source.decode(tokenize.detect_encoding(io.BytesIO(source).readline)[0])  # the parser looks over what stands in comments
        ast.parse(source, str(path))
    except (SyntaxError, ValueError) as error:
        return _place(source, path.name, error)
    except RecursionError:
        return [f"{path.name} is nested too deeply to be read"]
    return None


def _place(source: bytes, name: str, error: SyntaxError | ValueError) -> list[str]:
    try:
        source.decode("utf-8")
    except UnicodeDecodeError as broken:
        if b"coding" not in b"".join(source.splitlines()[:2]):
            line = source[: broken.start].count(b"\n") + 1
            return [f"{name}, line {line}: byte 0x{source[broken.start]:02x} is not UTF-8. Save the file as UTF-8."]
    if not isinstance(error, SyntaxError) or error.lineno is None:
        return [f"{name} is not Python: {error}"]
    lines = [f"{name}, line {error.lineno}: {error.msg}"]
    if error.text is not None:
        text = error.text.rstrip("\n")
        lines.append("    " + text.lstrip())
        lines.append("    " + " " * max(0, (error.offset or 1) - 1 - (len(text) - len(text.lstrip()))) + "^")
    return lines


def frames(error: BaseException, path: Path) -> list[tuple[int, str, str]]:
    """The frames of an error that lie in the learner's file: line number, function, the line itself; the innermost last."""
    return [(frame.lineno or 0, frame.name, frame.line or "") for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]


def line_of(path: Path, function: str) -> int | None:
    """Where a function (or Class.method) is defined in a file; None if it is not there."""
    try:
        body = ast.parse(path.read_bytes()).body
    except (SyntaxError, ValueError, OSError):
        return None
    found: int | None = None
    for part in function.split("."):
        node = next((node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part), None)
        if node is None:
            return None
        body, found = node.body, node.lineno
    return found


def called(path: Path, function: str) -> set[str]:
    """The functions, and classes, of a file that a function (or Class.method) names, and those that they name in turn; of methods also "Class.method"."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return set()
    named = dict[str, set[str]]()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            named[node.name] = _named(node, "")
        owner = node.name if isinstance(node, ast.ClassDef) else ""
        for inner in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(inner, ast.FunctionDef):
                named[f"{owner}.{inner.name}"] = _named(inner, owner)
    found, left = set[str](), [function]
    while left:
        more = named.get(left.pop(), set()) & named.keys() - found
        found |= more
        left += more
    return found - {function}


def _named(node: ast.AST, owner: str) -> set[str]:
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    own = {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "self"}
    return names | {f"{owner}.{name}" for name in own}


@dataclass(frozen=True)
class Wrong:
    """A wrong answer: a whole file that errs where people err; its docstring says what comes out when one does."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def told(self) -> list[str]:
        """What the learner is told: the docstring's first line, and the paragraphs behind it."""
        text = ast.get_docstring(ast.parse(self.path.read_text(encoding="utf-8"))) or ""
        first, _, rest = text.partition("\n")
        return [first.rstrip(".") + ".", *(" ".join(part.split()) for part in rest.split("\n\n") if part.strip())]

    @cached_property
    def module(self) -> ModuleType:
        return load(self.path, f"wrong_{self.name}")


def wrong_answers(exercise: Exercise) -> list[Wrong]:
    return [Wrong(path) for path in exercise.wrong]
