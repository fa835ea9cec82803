"""The client secret by hand: a line of standard input, or typed without echo."""

from __future__ import annotations

import sys
import warnings
from typing import TextIO

from oauth_cc_auth._cli.terminal.exit import CommandError
from oauth_cc_auth._cli.terminal.streams import write_to_stderr

from .given import Given

VISIBLE = (
    "--client-secret shows the secret to everyone on this machine (ps) and to the history of the shell; set "
    "OAUTH_CC_CLIENT_SECRET, or pass --client-secret - and the secret on standard input"
)


def from_standard_input() -> Given:
    """One line of standard input. On a terminal the person is asked for it, without echo.

    Raises:
        CommandError: there is no line of text.
    """
    if _is_terminal(sys.stdin):
        return typed()
    line = _line()
    if not line.strip():
        raise CommandError("--client-secret - found no line of text on standard input; pass the secret there")
    return Given(line, "the secret on standard input")


def _line() -> str:
    try:
        return "" if sys.stdin is None else sys.stdin.readline().rstrip("\r\n")
    except ValueError:  # it is not in the encoding of standard input
        return ""


def can_be_typed() -> bool:
    """True if there is a person at a terminal who sees the question."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None: closed by the shell


def typed() -> Given:
    """What the person types, without echo.

    Raises:
        CommandError: nothing was typed, or the terminal would show it.
    """
    from getpass import GetPassWarning, getpass

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", GetPassWarning)
            secret = getpass("Client secret: ")
    except KeyboardInterrupt:
        write_to_stderr("\n")  # or the prompt of the shell would follow the question on its line
        raise
    except EOFError:
        write_to_stderr("\n")
        secret = ""
    except GetPassWarning:
        secret = ""
    if not secret.strip():
        raise CommandError("client_secret is missing: nothing was typed; set OAUTH_CC_CLIENT_SECRET")
    return Given(secret, "the client secret that was typed")
