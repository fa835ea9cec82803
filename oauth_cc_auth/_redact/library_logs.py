"""Keep secrets out of what client libraries log about a token request with some in its URL, or in its answer's headers.

httpx logs each URL at INFO, urllib3 each path at DEBUG, and httpcore the headers of each answer at DEBUG. A filter on
their loggers masks secrets in what is logged while such a request is sent, in its thread or task; all other records
pass as they are. It is installed with the first one.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from .redact import redact

_LOGGERS = ("httpx", "httpx2", "urllib3.connectionpool")
_HEAD_LOGGERS = tuple(f"{core}.{version}" for core in ("httpcore", "httpcore2") for version in ("http11", "http2"))
_HEAD = "receive_response_headers.complete"
_secrets: ContextVar[tuple[str, ...]] = ContextVar("oauth_cc_auth secrets in a URL", default=())
_is_head_secret: ContextVar[bool] = ContextVar("oauth_cc_auth token in the headers of an answer", default=False)


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


@contextmanager
def hidden_head(*, is_secret: bool) -> Generator[None, None, None]:
    """Hide the headers of answers in the libraries' log records of this thread or task, if they hold a token."""
    if not is_secret:
        yield
        return
    for name in _HEAD_LOGGERS:
        logging.getLogger(name).addFilter(_hide_head)
    before = _is_head_secret.set(True)
    try:
        yield
    finally:
        _is_head_secret.reset(before)


def _hide_head(record: logging.LogRecord) -> bool:
    if _is_head_secret.get() and record.getMessage().startswith(_HEAD):
        record.msg, record.args = f"{_HEAD} (not shown, as the token is in the headers)", ()
    return True


def _mask(record: logging.LogRecord) -> bool:
    secrets = _secrets.get()
    if secrets:
        record.msg, record.args = redact(record.getMessage(), secrets), ()
    return True
