"""Where token_url is not the token endpoint, the server is asked what is: without any secret, and on its own host."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from oauth_cc_auth._cli.check.probe.discovery import documents
from tests.cli.check.checks import diagnosis, direct
from tests.contract.raw_endpoint import RawEndpoint, Wire, head

__all__ = ["direct"]

RIGHT = "https://login.example.com/oauth2/token"


def server(
    described: dict[str, Any], status: str = "404 Not Found", talk: Callable[[Wire], object] | None = None
) -> RawEndpoint:
    """A server that has these documents by path, and the status for everything else."""

    def answer(wire: Wire) -> None:
        method, path = endpoint.requests[-1].split(b" ")[:2]
        document = described.get(path.decode()) if method == b"GET" else None
        if talk is not None and method == b"GET":
            talk(wire)
        elif document is None:
            wire.send(head(status, "Location: /elsewhere", "Content-Length: 0"))
        else:
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            wire.send(head("200 OK", f"Content-Length: {len(content)}") + content)

    endpoint = RawEndpoint(answer)
    return endpoint


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("404 Not Found", "path_not_found"),
        ("405 Method Not Allowed", "post_not_allowed"),
        ("302 Found", "redirected"),
    ],
)
def test_what_the_server_says_is_the_remedy(status: str, cause: str) -> None:
    """Better than any advice."""
    with server({"/.well-known/openid-configuration": {"token_endpoint": RIGHT}}, status) as endpoint:
        result = diagnosis(endpoint.url)
    assert result.fatal == [cause]
    assert result.findings.discovered == RIGHT
    assert result.cause(cause).remedy == (
        f"Set --token-url to the token endpoint that the server itself names: {RIGHT}"
    )
    questions = [request for request in endpoint.requests if request.startswith(b"GET ")]
    assert len(questions) == 1
    assert b"authorization" not in questions[0].lower()


def test_a_web_page_leads_there_too() -> None:
    """The most common mistake of all."""
    pages = {"/.well-known/oauth-authorization-server": {"token_endpoint": RIGHT}}

    def talk(wire: Wire) -> None:
        path = endpoint.requests[-1].split(b" ")[1].decode()
        content = json.dumps(pages[path]).encode() if path in pages else b"<html>"
        wire.send(head("200 OK", f"Content-Length: {len(content)}") + content)

    with RawEndpoint(talk) as endpoint:
        result = diagnosis(endpoint.url)
    assert result.fatal == ["web_page"]
    assert RIGHT in result.cause("web_page").remedy


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("", ["", ""]),
        ("/token", ["", "", "/token"]),
        ("/realms/a/protocol/openid-connect/token", ["", "", "/realms/a/protocol", "/realms/a", "/realms"]),
    ],
)
def test_where_servers_describe_themselves(path: str, places: list[str]) -> None:
    """At their root, or below a tenant or realm."""
    root = "https://login.example.com"
    names = ["openid-configuration", "oauth-authorization-server"] + ["openid-configuration"] * 3
    assert documents(f"{root}{path}?a=b") == [
        f"{root}{place}/.well-known/{name}" for place, name in zip(places, names, strict=False)
    ]


@pytest.mark.parametrize(
    "document",
    [
        b"no JSON",
        b"[" * 30_000,
        [],
        {},
        {"token_endpoint": 3},
        {"token_endpoint": "/oauth2/token"},
        {"token_endpoint": "http://login.example.com/token"},
    ],
    ids=["text", "deep", "list", "empty", "number", "path", "http"],
)
def test_documents_that_do_not_help(document: Any) -> None:
    """Then the advice is the usual one."""
    with server({"/.well-known/openid-configuration": document}) as endpoint:
        result = diagnosis(endpoint.url)
    assert result.findings.discovered is None
    assert "letter by letter" in result.cause("path_not_found").remedy


def test_a_server_that_names_the_same() -> None:
    """It is no news."""
    described: dict[str, Any] = {}
    with server(described) as endpoint:
        described["/.well-known/openid-configuration"] = {"token_endpoint": endpoint.url}
        assert diagnosis(endpoint.url).findings.discovered is None


def test_a_server_that_does_not_answer_the_question() -> None:
    """It is not asked again."""
    with server({}, talk=lambda wire: None) as endpoint:
        assert diagnosis(endpoint.url).findings.discovered is None
    assert len([request for request in endpoint.requests if request.startswith(b"GET ")]) == 1


def test_where_the_endpoint_is_right_nobody_asks() -> None:
    """A wrong secret is no reason to look elsewhere."""
    with server({}, "401 Unauthorized") as endpoint:
        result = diagnosis(endpoint.url)
    assert result.fatal == ["wrong_credentials"]
    assert [request for request in endpoint.requests if request.startswith(b"GET ")] == []
