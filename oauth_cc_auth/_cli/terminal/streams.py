"""stdout and stderr that cannot be written: closed by the shell, full, or without a reader.

A result that is lost is an error. What is lost on stderr is not: warnings and logs are not the result.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TextIO

# A full disk, a full quota, a file that is too large, a closed stream. Not every system has all of them.
UNWRITABLE = {getattr(errno, name, None) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EBADF")} - {None}


def wants_colours(stream: TextIO) -> bool:
    """True on a terminal that shows them, unless NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def open_what_is_closed() -> None:
    """Put a stream in the place of each one that the shell has closed (``>&-``); Python has None there.

    To write to that stdout fails, as it does in any program. What is printed on that stderr goes nowhere.
    """
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # to the end of the process


def let_go_of(stream: TextIO) -> None:
    """Send the buffer of `stream`, and all that follows, nowhere: it would fail again when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def write_to_stderr(text: str = "") -> None:
    """Write `text` and the buffer to stderr, or lose them."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        let_go_of(sys.stderr)
