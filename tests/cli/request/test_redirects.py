"""The command `request`: a redirect is an answer like others, unless it is to be followed."""

from __future__ import annotations

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import ERROR, Run, env_fixture, run_fixture

__all__ = ["env_fixture", "run_fixture"]


def redirect(server: LoopbackServer, target: str) -> str:
    return f"{server.origin}/redirect?to={target}"


def test_a_redirect_is_an_answer(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """It is printed with its target and its body, and fine."""
    oauth_server.api.always(Answer(302, b"body", {"Location": "/open"}))
    ran = run("request", "GET", oauth_server.api_url, "-i", env=env)
    assert ran.status == 0
    assert b"\r\nLocation: /open\r\n" in ran.raw
    assert ran.raw.endswith(b"\r\n\r\nbody")
    assert len(oauth_server.api_requests) == 1


@pytest.mark.parametrize("location", ["http://[::1:x/", "//", "http://a:b@:99999/"])
def test_an_odd_redirect_is_an_answer(
    location: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """Its target does not matter."""
    oauth_server.api.always(Answer(302, b"body", {"Location": location}))
    assert run("request", "GET", oauth_server.api_url, env=env).raw == b"body"


@pytest.mark.parametrize("option", ["-L", "--location"])
def test_a_redirect_is_followed(option: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """With the token, within the origin."""
    ran = run("request", "GET", redirect(oauth_server, "/api/x"), option, env=env)
    assert (ran.status, ran.json["path"]) == (0, "/api/x")
    assert oauth_server.api_requests[0].token == oauth_server.issued[0]


def test_a_redirect_elsewhere(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Without the token."""
    with LoopbackServer() as other:
        ran = run("request", "GET", redirect(oauth_server, f"{other.origin}/open"), "-L", env=env)
    assert ran.status == 0
    assert "authorization" not in other.requests[0].headers


def test_circles(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """They end."""
    oauth_server.api.always(Answer.redirect("/api"))
    ran = run("request", "GET", oauth_server.api_url, "-L", env=env)
    assert (ran.status, ran.err) == (6, f"{ERROR}GET {oauth_server.api_url}: it redirects in circles\n")


@pytest.mark.parametrize("location", ["http://[::1:x/", "gopher://a/", "http://a:b@:99999/"])
def test_a_redirect_nowhere(location: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """One line, and it is the server's fault."""
    oauth_server.api.always(Answer.redirect(location))
    ran = run("request", "GET", oauth_server.api_url, "-L", env=env)
    assert ran.status == 4
    assert ran.err.startswith(f"{ERROR}GET {oauth_server.api_url}: its redirect cannot be followed: ")
    assert ran.err.count("\n") == 1
