"""What is decided about an API request, and what requests needs for that."""

from __future__ import annotations

from typing import Any

from oauth_cc_auth._adapter.policy import ApiPolicy


class RequestsPolicy(ApiPolicy):
    """`ApiPolicy` with what requests needs for tokens that are bound to a key.

    Attributes:
        bound: The module `bound`, if tokens are bound to a key.
    """

    __slots__ = ("bound",)

    bound: Any
