"""What the library logs as a WARNING, shown to the person who runs the command."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from oauth_cc_auth._errors import TokenError

from . import console, wording


class _ConsoleHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "reason", None) == "body_for_one_sending":
            console.warning("the API refused the token, and the body cannot be read again: pass it as a file")
            return
        arguments = record.args
        if isinstance(arguments, tuple):
            # An error comes as itself, so it can be put in the words of the command line.
            arguments = tuple(wording.token_error(each) if isinstance(each, TokenError) else each for each in arguments)
        console.warning(logging.makeLogRecord({"msg": record.msg, "args": arguments}).getMessage())


@contextmanager
def warnings_shown() -> Generator[None]:
    """Show them while the block lasts."""
    logger, handler = logging.getLogger("oauth_cc_auth"), _ConsoleHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
