"""Keep secrets out of what client libraries log about a token request whose URL holds some.

httpx logs each URL at INFO, urllib3 each path at DEBUG. A filter on their loggers masks secrets in what is logged while
such a request is sent, in its thread or task; all other records pass as they are. It is installed with the first one.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from .redact import redact

_LOGGERS = ("httpx", "httpx2", "urllib3.connectionpool")
_secrets: ContextVar[tuple[str, ...]] = ContextVar("oauth_cc_auth secrets in a URL", default=())


@contextmanager
def masked(secrets: tuple[str, ...]) -> Generator[None, None, None]:
    """Mask `secrets` in the libraries' log records of this thread or task; nothing is done without any."""
    if not secrets:
        yield
        return
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_mask)  # once: it is the same filter
    before = _secrets.set(secrets)
    try:
        yield
    finally:
        _secrets.reset(before)


def _mask(record: logging.LogRecord) -> bool:
    secrets = _secrets.get()
    if secrets:
        record.msg, record.args = redact(record.getMessage(), secrets), ()
    return True
