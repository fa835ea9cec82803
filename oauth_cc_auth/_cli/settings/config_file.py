"""Read the file of ``--config``: TOML or JSON."""

from __future__ import annotations

import json
import os
import stat
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from oauth_cc_auth._cli.terminal.exit import CommandError
from oauth_cc_auth._settings.shown import shown_label

# The standard library has it from Python 3.11 on.
TOML_MODULE = "tomllib" if sys.version_info >= (3, 11) else "tomli"

_LONGEST = 1024 * 1024  # bytes
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(name: str) -> dict[str, Any]:
    """The settings in the file `name`: JSON if its name ends so or it begins with a brace, otherwise TOML.

    Raises:
        CommandError: it cannot be read, is too long, or is neither of the two.
    """
    try:
        text = _bytes_of(name).decode("utf-8-sig")
    except OSError as error:
        problem = error.strerror or type(error).__name__
    except ValueError:  # not UTF-8, or a name with a null character
        problem = "it is not text in UTF-8"
    else:
        return _parsed(name, text)
    raise CommandError(f"--config {name}: {problem}")


def _bytes_of(name: str) -> bytes:
    """All of a file, or of a pipe, as ``<(...)`` of a shell is one. A device may have no end."""
    with Path(name).open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise CommandError(f"--config {name}: it is neither a file nor a pipe")
        content = file.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise CommandError(f"--config {name}: it is longer than 1 MiB, so it is not a file of settings")
    return content


def is_open_to_others(name: str) -> bool:
    """True if other users of the machine may read or write the file."""
    return os.name == "posix" and bool(Path(name).stat().st_mode & _OTHERS)


def _parsed(name: str, text: str) -> dict[str, Any]:
    is_json = Path(name).suffix.lower() == ".json" or text.lstrip().startswith("{")
    try:
        found: Any = json.loads(text, object_pairs_hook=_unique) if is_json else _toml(text)
    except (ValueError, RecursionError) as error:
        # The exception of a parser holds the whole text, with secrets; its message only says the place.
        problem = str(error)
    else:
        if isinstance(found, dict):
            return found
        raise CommandError(f"--config {name}: it must be an object with names of settings and their values")
    raise CommandError(f"--config {name}: it is not valid {'JSON' if is_json else 'TOML'}: {problem}")


def _toml(text: str) -> dict[str, Any]:
    toml: Any = import_module(TOML_MODULE)
    found: dict[str, Any] = toml.loads(text)
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Two values for one name are an error, because one of them would be lost."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{shown_label(next(name for name in names if names.count(name) > 1))} is there twice")
    return found
