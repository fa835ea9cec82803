"""What the library logs as a WARNING, shown to the person who runs the command."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from oauth_cc_auth._advice import Advice, Words
from oauth_cc_auth._errors import TokenError, worded

from . import console


class _ConsoleHandler(logging.Handler):
    def __init__(self, words: Words) -> None:
        super().__init__(logging.WARNING)
        self._words = words

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "reason", None) == "body_for_one_sending":
            console.warning("the API refused the token, and the body cannot be read again: pass it as a file")
            return
        arguments = record.args
        if isinstance(arguments, tuple):
            # Errors and advice come as themselves, so they can be put in the words of the command line.
            arguments = tuple(map(self._worded, arguments))
        console.warning(logging.makeLogRecord({"msg": record.msg, "args": arguments}).getMessage())

    def _worded(self, argument: object) -> object:
        if isinstance(argument, Advice):
            return argument.worded(self._words)
        return worded(argument, self._words) if isinstance(argument, TokenError) else argument


@contextmanager
def warnings_shown(words: Words) -> Generator[None]:
    """Show them in these words while the block lasts."""
    logger, handler = logging.getLogger("oauth_cc_auth"), _ConsoleHandler(words)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
