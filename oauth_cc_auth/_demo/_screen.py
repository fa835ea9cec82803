"""Prints the demo: 80 columns, colours on a terminal, ASCII if the encoding has nothing else."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable
from typing import NamedTuple, TextIO

from oauth_cc_auth._cli.terminal.streams import wants_colours

from ._checks import Check
from ._rows import Row

WIDTH = 78  # columns, which leaves a margin on a terminal with 80

_INDENT = "     "
_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN = "1", "2", "31", "32", "33", "36"


class Symbols(NamedTuple):
    """Characters that some encodings lack."""

    arrow: str
    tick: str
    cross: str
    missing: str
    rule: str
    times: str
    ellipsis: str


UNICODE = Symbols(
    "\N{RIGHTWARDS ARROW}",
    "\N{CHECK MARK}",
    "\N{BALLOT X}",
    "\N{MIDDLE DOT}",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}",
    "\N{MULTIPLICATION SIGN}",
    "\N{HORIZONTAL ELLIPSIS}",
)
ASCII = Symbols("->", "[ok]", "[FAILED]", "[--]", "-", "x", "...")


class Screen:
    """Prints on `stream`. It writes and flushes every line as a whole."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._encoding = stream.encoding or "utf-8"
        self._symbols = _symbols(self._encoding)
        self._colours = _wants_colours(stream)

    def blank(self) -> None:
        """An empty line."""
        self._line()

    def title(self, name: str, subtitle: str) -> None:
        """The name of the package and a subtitle."""
        self._line()
        self._line(f"{self._in(name, _BOLD)}  {self._in(subtitle, _DIM)}")
        self._line()

    def paragraph(self, text: str) -> None:
        """Running text."""
        self._wrapped(text, "")
        self._line()

    def found(self, name: str, version: str) -> None:
        """A library that is installed."""
        self._line(f"  {self._in(self._symbols.tick, _GREEN)} {name:9} {version} found")

    def missing(self, name: str, remedy: str) -> None:
        """A library that is not installed."""
        self._line(f"  {self._in(self._symbols.missing, _YELLOW)} {name:9} {remedy}")

    def table(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Terms and their meaning."""
        for word, meaning in pairs:
            self._line(f"  {self._in(f'{word:12}', _BOLD)} {meaning}")
        self._line()

    def code(self, lines: Iterable[str]) -> None:
        """Code to copy."""
        for line in lines:
            self._line(f"    {self._in(line, _CYAN)}")
        self._line()

    def section(self, heading: str) -> None:
        """The heading of a section."""
        rule = self._symbols.rule * (WIDTH - len(heading) - 4)
        self._line()
        self._line(f"{self._in(self._symbols.rule * 2, _DIM)} {self._in(heading, _BOLD)} {self._in(rule, _DIM)}")
        self._line()

    def scene(self, number: int, title: str, story: str | None) -> None:
        """The start of a scene."""
        self._line(f"  {self._in(str(number), _BOLD)}  {self._in(title, _BOLD)}")
        if story is not None:
            self._wrapped(story, _INDENT)
            self._line()

    def rows(self, rows: Iterable[Row]) -> None:
        """The HTTP exchanges of a scene."""
        for row in rows:
            self._line(self._columns(row))

    def check(self, check: Check) -> None:
        """The end of a scene: the claim, and what went wrong if it was not true."""
        if check.passed:
            self._marked(True, check.claim, _INDENT)
        else:
            self._marked(False, f"Not as promised: {check.claim}", _INDENT)
            self._wrapped(check.expected, f"{_INDENT}  expected  ")
            self._wrapped(check.actual, f"{_INDENT}  actual    ")
        self._line()

    def verdict(self, good: bool, text: str, *, indented: bool = False) -> None:
        """The result of several checks."""
        self._marked(good, text, _INDENT if indented else "")

    def item(self, text: str) -> None:
        """An item of a list."""
        self._wrapped(text, "  - ")

    def _columns(self, row: Row) -> str:
        symbols = self._symbols
        # The count goes into the indent, so that it fits beside the longest name.
        times = f"{row.times} {symbols.times} " if row.times > 1 else ""
        who = f"app {symbols.arrow} {row.server}"
        presented = row.presented.replace(UNICODE.ellipsis, symbols.ellipsis)
        status = "---" if row.status is None else str(row.status)
        return (
            f"{times:>{len(_INDENT)}}{who:18}  {self._in(f'{row.request:18}', _DIM)}  {presented:18}  "
            f"{self._in(status, _status_colour(row.status))} {self._in(_time(row.milliseconds), _DIM)}"
        )

    def _marked(self, good: bool, text: str, indent: str) -> None:
        mark = self._symbols.tick if good else self._symbols.cross
        colour = _GREEN if good else _RED
        lines = textwrap.wrap(text, WIDTH - len(indent) - len(mark) - 1)
        self._line(f"{indent}{self._in(mark, colour)} {self._in(lines[0], colour)}")
        for line in lines[1:]:
            self._line(f"{indent}{' ' * len(mark)} {self._in(line, colour)}")

    def _wrapped(self, text: str, first_indent: str) -> None:
        for line in textwrap.wrap(text, WIDTH, initial_indent=first_indent, subsequent_indent=" " * len(first_indent)):
            self._line(line)

    def _in(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text

    def _line(self, text: str = "") -> None:
        # Errors may contain characters that the encoding lacks.
        printable = text.rstrip().encode(self._encoding, "replace").decode(self._encoding)
        self._stream.write(f"{printable}\n")
        self._stream.flush()


def _symbols(encoding: str) -> Symbols:
    try:
        "".join(UNICODE).encode(encoding)
    except UnicodeEncodeError:
        return ASCII
    return UNICODE


def _wants_colours(stream: TextIO) -> bool:
    """An old Windows console would show the escape sequences themselves."""
    is_old_console = os.name == "nt" and "WT_SESSION" not in os.environ
    return wants_colours(stream) and not is_old_console


def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds:6.1f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:6.1f} s"


def _status_colour(status: int | None) -> str:
    if status is None or status >= 500:
        return _RED
    return _GREEN if status < 300 else _YELLOW
