"""The exit statuses of the command, and the exception that carries one. They are documented, so they never change."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
REFUSED = 3
UNREACHABLE = 4
CLIENT_ERROR = 5
SERVER_ERROR = 6
UNWRITABLE = 7
# What a shell reports for a program that the signal ended: 128 and its number.
INTERRUPTED = 130  # SIGINT
PIPE_CLOSED = 141  # SIGPIPE

MEANINGS = {
    OK: "fine; of request: the API answered 2xx or 3xx",
    FAILED: "a check failed, the demo broke a promise, or the cache was not cleared",
    USAGE: "wrong usage or settings, or an extra is not installed",
    REFUSED: "no token: the token endpoint rejected the request, or sent none",
    UNREACHABLE: "no answer, or only part of one, from the token endpoint or the API",
    CLIENT_ERROR: "the API answered 4xx",
    SERVER_ERROR: "the API answered 5xx, or redirected in circles",
    UNWRITABLE: "the output could not be written: the disk is full, or stdout is closed",
    INTERRUPTED: "interrupted by Ctrl-C",
    PIPE_CLOSED: "the reader of the output has gone",
}


class CommandError(Exception):
    """The command ends here, with `status` and one line on stderr.

    Attributes:
        message: What happened and what to do about it, without any secret.
        status: One of `MEANINGS`.
    """

    def __init__(self, message: str, status: int = USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
