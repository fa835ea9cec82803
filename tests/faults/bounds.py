"""The limits of what a fault may cost."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

HANGS = 30.0  # seconds; more than a hundred times what anything here takes
MOST_MEMORY = 32 * 1024 * 1024  # bytes


@contextmanager
def bounded(*, memory: bool) -> Iterator[None]:
    """Fail if the block hangs, or takes more memory than a token is worth."""
    started, peak = time.monotonic(), 0
    if memory:
        tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    assert time.monotonic() - started < HANGS
