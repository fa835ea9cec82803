"""What is decided about an API request, and what httpx needs for that."""

from __future__ import annotations

from typing import Any

from oauth_cc_auth._adapter.policy import ApiPolicy


class HttpxPolicy(ApiPolicy):
    """`ApiPolicy` with what the hot path of httpx wants to know.

    Attributes:
        plain_stream: The class of the body of nearly every request; None if each request needs preparing, because a
            redirect may take its header along.
        bound: The module `bound`, if tokens are bound to a key.
    """

    __slots__ = ("bound", "plain_stream")

    bound: Any
    plain_stream: type[Any] | None
