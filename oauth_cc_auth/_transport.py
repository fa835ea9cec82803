"""Saying in one line what went wrong in a transport, whatever tower of exceptions it built."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from ._wire import TransportFailure


def transport_failure(error: BaseException, *, timed_out: bool, retryable: bool) -> TransportFailure:
    """The failure that `error` stands for; a certificate that is not trusted will not be so at the next try."""
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        retryable = False
    return TransportFailure(text_of(causes[-1]), timed_out=timed_out, retryable=retryable)


def text_of(error: BaseException) -> str:
    """What `error` says of itself, or its name where it says nothing or fails to."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001  # a __str__ of anybody's
        return type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what is behind it, the innermost last: urllib3 keeps it in `reason` or `args`, others in chains."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        hidden = [getattr(current, "reason", None), *current.args, current.__cause__, current.__context__]
        current = next((cause for cause in hidden if isinstance(cause, BaseException)), None)
