"""What is printed of a stranger's study is text: nothing in it moves the cursor, colours a verdict, or is read as markup.

Two edges, and all commands print through one of them: `clean` around stdout and stderr for print(), `SafeConsole` for what rich lays out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

from benchmarks.store.plain import printable


class Clean:
    """A stream whose text is made printable on its way; rich, which writes escapes of its own and cleans its texts itself, is led past it."""

    def __init__(self, stream: TextIO):
        self.rich_proxied_file = stream  # the attribute by which rich knows streams that stand before others

    def write(self, text: str) -> int:
        self.rich_proxied_file.write(printable(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rich_proxied_file, name)


@contextmanager
def clean() -> Iterator[None]:
    """Everything that is printed in here is printable."""
    import sys

    with redirect_stdout(Clean(sys.stdout)), redirect_stderr(Clean(sys.stderr)):  # type: ignore[type-var]
        yield


def console(**options: Any) -> Any:
    """rich's console for texts that strangers may have written: no markup, no emoji codes, every segment printable."""
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
    from rich.segment import Segment

    class Printable:
        def __init__(self, renderable: ConsoleRenderable):
            self.renderable = renderable

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for segment in console.render(self.renderable, options):
                yield segment if segment.control else Segment(printable(segment.text), segment.style)

    class Hook(RenderHook):
        def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
            return [Printable(renderable) for renderable in renderables]  # type: ignore[misc]

    made = Console(markup=False, emoji=False, highlight=False, **options)
    made.push_render_hook(Hook())
    return made
