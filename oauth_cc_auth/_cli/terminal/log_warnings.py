"""What the library logs as a WARNING, told to the person who runs the command."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from . import console
from .wording import in_terms_of_the_command


class _ConsoleHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "reason", None) == "body_for_one_sending":
            console.warning("the API refused the token, and the body cannot be read again: pass it as a file")
        else:
            console.warning(in_terms_of_the_command(record.getMessage()))


@contextmanager
def warnings_shown() -> Generator[None]:
    """Show them while the block lasts."""
    logger, handler = logging.getLogger("oauth_cc_auth"), _ConsoleHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
