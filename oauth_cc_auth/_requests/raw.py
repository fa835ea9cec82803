"""Reading the body of a response piece by piece, as it came over the wire.

One law: a `raw` that is not urllib3's is asked only for what requests itself asks for, `stream` or else ``read(size)``.
Recorded cassettes, adapters for WSGI and Pyodide have nothing else. What they give is not decoded, since requests does
not decode it either; what urllib3 gives is left encoded, so that our own limits count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import takewhile
from typing import Any

from oauth_cc_auth._http.interrupts import Ignoring


def has_been_read(response: Any) -> bool:
    """True if a hook or a mock has read the body before, or there never was a stream: `content` is all there is."""
    return response.raw is None or getattr(response, "_content", False) is not False


def is_encoded(raw: Any) -> bool:
    """True if `pieces_of` gives the body with its content codings still on."""
    return hasattr(raw, "stream") and hasattr(raw, "decode_content")


def pieces_of(raw: Any, size: int) -> Iterator[bytes]:
    """The body in pieces of at most about `size` bytes, each as soon as it is there if `raw` can do that."""
    if not is_encoded(raw):
        if hasattr(raw, "stream"):
            return iter(raw.stream(size, decode_content=True))
        return _until_the_end(partial(raw.read, size))
    # read1 returns what there is; read blocks until a whole piece has come. Old cassettes have no read1 below.
    has_read1 = hasattr(raw, "read1") and hasattr(getattr(raw, "_fp", None), "read1")
    return _until_the_end(partial(raw.read1 if has_read1 else raw.read, size, decode_content=False))


def _until_the_end(read: Callable[[], bytes | None]) -> Iterator[bytes]:
    return takewhile(bool, iter(read, None))  # no generator, whose frame would hold the piece before


def close(response: Any) -> None:
    """Let go of the connection. requests closes a `raw` only if it is asked to, so some have no `close`."""
    with Ignoring(Exception):
        response.close()
