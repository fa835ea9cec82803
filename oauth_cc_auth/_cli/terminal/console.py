"""Where the command prints: results on stdout, everything else on stderr, in colour only for a person at a terminal.

rich decides in its own way about colours and terminals (FORCE_COLOR, TTY_COMPATIBLE, Jupyter). So we decide here, and
pass that on.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import NoReturn, TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from .streams import let_go_of, wants_colours

PROGRAM = "oauth-cc-auth"

_TIME_LIMIT = 1.0  # seconds before the person sees what the command is waiting for


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        # rich would end the process with a status of its own.
        raise BrokenPipeError


def stdout() -> Console:
    """The console for results."""
    return _console(sys.stdout, wants_colours(sys.stdout))


def stderr() -> Console:
    """The console for warnings, errors, progress and the log of exchanges."""
    return _console(sys.stderr, wants_colours(sys.stderr))


def error(message: str) -> None:
    """One line on stderr, however long."""
    _say("error", "bold red", message)


def warning(message: str) -> None:
    """One line on stderr, however long."""
    _say("warning", "bold yellow", message)


def print_line(line: Text) -> None:
    """One line on stderr, however long; lost if stderr cannot be written."""
    try:
        stderr().print(line, soft_wrap=True)
    except OSError:
        let_go_of(sys.stderr)


@contextmanager
def progress(text: str, after: float = _TIME_LIMIT) -> Generator[None]:
    """Show `text` on stderr, if that is a terminal, once the block takes longer than `after` seconds."""
    console = stderr()
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    # ASCII, because a character that the encoding lacks would end the thread; and our own streams are not redirected.
    spinner = Spinner("line", Text(text))
    live = Live(spinner, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    lock, ended = threading.Lock(), False

    def show() -> None:
        with lock:
            if not ended:
                live.start(refresh=True)

    timer = threading.Timer(after, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            ended = True
            live.stop()


# Two streams, each with and without colours. One console for one stream: it knows what the last line shows, and prints
# messages above it.
@lru_cache(maxsize=4)
def _console(stream: TextIO, colours: bool) -> Console:
    if not (stream.encoding or "utf-8").lower().startswith("utf"):
        _never_fail(stream)
    return _Console(
        file=stream,
        force_terminal=stream.isatty(),
        force_jupyter=False,
        color_system="auto" if colours else None,
        no_color=not colours,
        highlight=False,
        markup=False,
        emoji=False,
    )


def _never_fail(stream: TextIO) -> None:
    """Make `stream` print a question mark for what its encoding lacks, because we quote servers."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _say(kind: str, style: str, message: str) -> None:
    line = Text.assemble(f"{PROGRAM}: ", (f"{kind}:", style), f" {message}")
    print_line(line)
