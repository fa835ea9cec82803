"""`_adapter.transport` and `_adapter.transport_advice`: what is the same whatever library sends."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import TokenError
from oauth_cc_auth._adapter.transport import Transport
from oauth_cc_auth._adapter.transport_advice import proxy_advice


class Proxied(Transport):
    """An environment that names a proxy for hosts of that name. An error is of the class that it says."""

    def names_proxy(self, url: str) -> bool:
        return "[::1]" in url

    def error_class(self, error: TokenError) -> type[Exception]:
        return {"no_token": KeyError, "callable_failed": OSError}[str(error.reason)]

    def bare(self, request: Any, header_names: tuple[str, ...]) -> Any:
        return request, header_names


@pytest.mark.parametrize(
    ("url", "is_private"),
    [
        ("https://api.example.com", True),
        ("WSS://api.example.com", True),
        ("HTTPS://[::1]/", True),
        ("wss://[::1]/", True),
        ("http://127.0.0.1:1/", True),
        ("http://[::1]/", False),
        ("ws://[::1]/", False),
        ("http://api.example.com", False),
    ],
)
def test_what_no_one_else_sees(url: str, is_private: bool) -> None:
    """TLS protects it, also through a proxy; or it stays on this machine, where a proxy would take it away."""
    assert Proxied().is_private(url) is is_private


@pytest.mark.parametrize(("reason", "cls"), [("no_token", KeyError), ("callable_failed", OSError)])
def test_errors_are_of_the_library_too(reason: Any, cls: type[Exception]) -> None:
    """Each caller has its own, with the request if there is one."""
    error = TokenError("no", reason=reason)
    raised: Any = Proxied().for_caller(error, "request", ("X-Token",))
    assert issubclass(type(raised), cls)
    assert (str(raised.message), raised.reason) == ("no", reason)
    assert raised.request == ("request", ("X-Token",))
    assert not hasattr(Proxied().for_caller(error), "request")


LET_PASS = "have the proxy let this host and port pass, or name the host in NO_PROXY if it needs none"
LOG_IN = "check user and password in the URL of the proxy (HTTPS_PROXY, or that of the token_client)"


@pytest.mark.parametrize(
    ("status", "advice"),
    [(299, None), (300, LET_PASS), (407, LOG_IN), (408, LET_PASS), (499, LET_PASS), (500, None)],
)
def test_what_a_proxy_says_to_connect(status: int, advice: str | None) -> None:
    """Nothing can be done here about a server error."""
    given = proxy_advice(status)
    assert (given if given is None else str(given)) == advice
