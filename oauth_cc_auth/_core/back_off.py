"""Waiting longer each time. The one law: a wait doubles with every one before it, up to a minute."""

from __future__ import annotations

FIRST = 1.0  # seconds
LONGEST = 60.0  # seconds


def back_off(before: int, first: float = FIRST) -> float:
    """Seconds to wait after `before` waits in a row; `first` seconds if there was none."""
    return min(first * 2.0 ** min(before, 16), LONGEST)  # 16, because a float cannot hold every power of two
