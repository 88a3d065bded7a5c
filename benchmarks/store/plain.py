"""Files that a stranger may have written, read as plain data: nothing in them is run, followed, expanded or believed to be small.

Used wherever a study, an archive, a suite or a report is opened; docs/safe.md says which command opens what.
"""

from __future__ import annotations

import io
import json
import os
import re
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks import IntegrityError

if TYPE_CHECKING:
    import numpy as np

MEGABYTE = 2**20
MOST_TEXT = 64 * MEGABYTE  # of a file that is read as text
MOST_NODES = 1_000_000  # of a YAML file, every alias counted as often as it is used
MOST_DIGITS = 400  # of a number in it: those of base 60 take a time that grows with their square

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}")
_SURROGATE = re.compile("[\ud800-\udfff]")


# ----------------------------------------------------------------------------------------------------------------- words


def _pictures() -> dict[int, str]:
    """What a terminal obeys or a reader cannot see -> a sign that stands for it."""
    hidden = [*range(0x7F, 0xA0), 0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), *range(0xD800, 0xE000), 0xFEFF,
              *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)]  # fmt: skip
    return {code: "\ufffd" for code in hidden} | {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: "\u2421"}


_PICTURES = _pictures()
_HIDDEN = re.compile(f"[{''.join(map(re.escape, map(chr, _PICTURES)))}]")


def printable(text: str) -> str:
    """The text with every control character, escape and change of writing direction as a visible sign; tabs and line ends stay."""
    return _HIDDEN.sub(lambda found: _PICTURES[ord(found[0])], text)


def one_line(text: str) -> str:
    """The same on one line, whatever it held."""
    return " ".join(printable(text).split())


def anchor(text: str) -> str:
    """A name as a part of a page's addresses: two that differ in capitals or punctuation alone have the same."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def is_name(text: Any) -> bool:
    """Whether this can name a file on every system: one component of a path, in letters, digits and ._+- alone."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and not text.endswith(".")


# ----------------------------------------------------------------------------------------------------------------- files


def is_regular(path: Path) -> bool:
    """Whether a regular file is here, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def content(path: Path, most: int = MOST_TEXT) -> bytes:
    """The bytes of a regular file. IntegrityError for a link, a device, a pipe, or more bytes than `most`; FileNotFoundError where there is nothing."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise
    except OSError:
        raise IntegrityError(f"{path} is not a regular file") from None
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise IntegrityError(f"{path} is not a regular file")
        if facts.st_size > most:
            raise IntegrityError(f"{path} has {facts.st_size:,} bytes, more than the {most:,} that are read")
        with os.fdopen(handle, "rb", closefd=False) as file:  # which no folder can be
            return file.read(facts.st_size)
    finally:
        os.close(handle)


def listing(directory: Path, what: str) -> list[Path]:
    """The files of a folder, sorted. IntegrityError, beginning with `what`, for a folder that is a link, and for anything in it that is no regular file."""
    if directory.is_symlink() or not directory.is_dir():
        raise IntegrityError(f"{what} is a link or no folder")
    paths = sorted(directory.iterdir())
    for path in paths:
        if not is_regular(path):
            raise IntegrityError(f"{what}/{one_line(path.name)}: {'a link' if path.is_symlink() else 'not a regular file'}")
    return paths


# ------------------------------------------------------------------------------------------------------------ JSON, YAML


def from_json(text: str | bytes) -> Any:
    """The value of a JSON text. ValueError for what is none, nested too deeply included."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def from_yaml(text: str, source: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """The value of one YAML document: plain types, aliases only as far as they stay small. IntegrityError, naming the source, for anything else."""
    reader = None
    try:
        reader = loader(text)
        node = reader.get_single_node()
        if node is None:
            return None
        size = _expanded(node, {})
        if size > MOST_NODES:
            raise IntegrityError(f"{source} stands for {size:,} values once its aliases are written out; at most {MOST_NODES:,} are read")
        for scalar in _nodes(node):
            if scalar.tag in _NUMBERS and len(scalar.value) > MOST_DIGITS:
                line = scalar.start_mark.line + 1
                raise IntegrityError(f"{source} cannot be read as YAML: line {line}: a number of {len(scalar.value):,} digits; at most {MOST_DIGITS} are read")
        return _plain(reader.construct_document(node), source)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, IndexError, AttributeError) as error:
        raise IntegrityError(f"{source} cannot be read as YAML: {one_line(str(error))[:200]}") from None
    except RecursionError:
        raise IntegrityError(f"{source} cannot be read as YAML: nested too deeply") from None
    finally:
        if reader is not None:
            reader.dispose()


def refuse_interpolations(text: str, source: str) -> None:
    """IntegrityError where a YAML file of a stranger's asks for values of this machine, such as ${oc.env:HOME}; also for what `from_yaml` refuses."""
    from_yaml(text, source)
    root = yaml.compose(text, yaml.SafeLoader)
    for node in _nodes(root) if root is not None else ():
        if isinstance(node, yaml.ScalarNode) and "${" in node.value:
            raise IntegrityError(f"{source} line {node.start_mark.line + 1}: '{one_line(node.value)[:60]}': a suite in a file has plain values, no ${{…}}")


def _nodes(root: yaml.Node) -> list[yaml.Node]:
    found, waiting, seen = [], [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            found.append(node)
            waiting += _children(node)
    return found


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _expanded(node: yaml.Node, known: dict[int, int | None]) -> int:
    """How many nodes a YAML node stands for, every alias written out. ValueError for one that holds itself."""
    size = known.get(id(node), 0)
    if size is None:
        raise ValueError("an alias stands for what it is a part of")
    if not size:
        known[id(node)] = None
        size = known[id(node)] = 1 + sum(_expanded(child, known) for child in _children(node))
    return size


def _plain(value: Any, source: str) -> Any:
    if isinstance(value, dict):
        kinds = {type(key) for key in value}
        if kinds and kinds not in ({str}, {int}):
            raise IntegrityError(f"{source}: keys are words, not {', '.join(sorted(kind.__name__ for kind in kinds))}")
        for item in value.values():
            _plain(item, source)
    elif isinstance(value, list):
        for item in value:
            _plain(item, source)
    elif value is not None and not isinstance(value, str | int | float):
        raise IntegrityError(f"{source}: values are plain, not of the type {type(value).__name__}")
    for text in value if isinstance(value, dict) else [value]:
        if isinstance(text, str) and _SURROGATE.search(text):
            raise IntegrityError(f"{source}: half a character, which no file can hold: {one_line(text)[:60]}")
    return value


# ---------------------------------------------------------------------------------------------------------------- tables


def from_npz(data: bytes, most: int) -> dict[str, np.ndarray]:
    """The arrays of an npz file, `most` bytes of them unpacked. ValueError for one that holds Python objects, which would be pickles."""
    import numpy as np

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > most:
        raise ValueError(f"it unpacks to {unpacked:,} bytes, more than the {most:,} that are read")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except MemoryError:  # the head of an array may promise more than follows it
        raise ValueError("an array in it is said to be larger than this machine's memory") from None
