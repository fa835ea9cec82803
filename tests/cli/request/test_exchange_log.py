"""What ``--verbose`` shows: every exchange, in order, and nothing that must stay secret."""

from __future__ import annotations

import re

import pytest

from oauth_cc_auth._cli.request import exchange_log
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import Run, env_fixture, run_fixture, variables

__all__ = ["env_fixture", "run_fixture"]

_TIME = re.compile(r", \d+\.\d ms$", re.MULTILINE)


def shown(err: str, server: LoopbackServer) -> list[str]:
    """The lines, without times, and with names for the server's URLs."""
    assert len(_TIME.findall(err)) * 2 <= err.count("\n")
    text = _TIME.sub("", err).replace(server.token_url, "TOKEN").replace(server.api_url, "API")
    return text.replace(server.origin, "ORIGIN").splitlines()


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_a_renewal(option: str, run: Run, oauth_server: LoopbackServer) -> None:
    """Both ways of authenticating, the refusal, the renewal, and the request that is sent again."""
    oauth_server.accepts, oauth_server.client_secret = ["client_secret_post"], "s3cr3t-9"
    oauth_server.api.next(Answer(401))
    ran = run(
        "request", "POST", f"{oauth_server.api_url}/orders?key=k3y", option, "--data", "x", env=variables(oauth_server)
    )
    assert ran.status == 0
    assert ran.json["token_number"] == 2
    assert shown(ran.err, oauth_server) == [
        "token endpoint: POST TOKEN",
        "    client_secret_basic -> 401 Unauthorized",
        "token endpoint: POST TOKEN",
        "    client_secret_post -> 200 OK",
        "API: POST API/orders?***",
        "    token 1 -> 401 Unauthorized",
        "token endpoint: POST TOKEN",
        "    client_secret_post -> 200 OK",
        "API: POST API/orders?***",
        "    token 2 -> 200 OK",
    ]
    for secret in (*oauth_server.issued, "s3cr3t", "k3y"):
        assert secret not in ran.err


def test_a_redirect(run: Run, oauth_server: LoopbackServer) -> None:
    """Each hop, and that another origin gets no token."""
    with LoopbackServer() as other:
        ran = run(
            *("request", "GET", f"{oauth_server.origin}/redirect?to={other.origin}/open", "-L", "-v"),
            env=variables(oauth_server),
        )
        lines = shown(ran.err, oauth_server)
    assert lines[2:] == [
        "API: GET ORIGIN/redirect?***",
        "    token 1 -> 302 Found",
        f"API: GET {other.origin}/open",
        "    no token -> 200 OK",
    ]


def test_a_redirect_within_the_origin(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """It is the same token, so it has the same number."""
    ran = run("request", "GET", f"{oauth_server.origin}/redirect?to=/api", "-L", "-v", env=env)
    assert [line for line in shown(ran.err, oauth_server) if "->" in line][1:] == [
        "    token 1 -> 302 Found",
        "    token 1 -> 200 OK",
    ]


def test_no_answers(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Why there was none, in the transport's words."""
    oauth_server.token_endpoint.next(Answer.dropped())
    oauth_server.api.always(Answer.dropped())
    ran = run("request", "GET", oauth_server.api_url, "-v", env=env)
    assert ran.status == 4
    lines = shown(ran.err, oauth_server)
    assert lines[:5] == [
        "token endpoint: POST TOKEN",
        "    client_secret_basic -> no answer: Remote end closed connection without response",
        "token endpoint: POST TOKEN",
        "    client_secret_basic -> 200 OK",
        "API: GET API",
    ]
    assert lines[5] == "    token 1 -> no answer: Remote end closed connection without response"


def test_messages_are_the_same(run: Run, env: dict[str, str]) -> None:
    """With --verbose the messages are the same as without."""
    arguments = ("request", "GET", "http://api.example.com")
    told = run(*arguments, env=env).err
    assert "pass --allow-insecure-http if you trust" in told
    assert run(*arguments, "-v", env=env).err == told


def test_of_a_token(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """The command `token` shows its exchanges too."""
    ran = run("token", "-v", env=env)
    assert ran.out == f"{oauth_server.issued[0]}\n"
    assert shown(ran.err, oauth_server) == ["token endpoint: POST TOKEN", "    client_secret_basic -> 200 OK"]


def test_the_limits_of_token_requests_are_kept(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Whoever looks on does not wait longer: headers that drip are cut off as well."""
    oauth_server.token_endpoint.always(Answer(200).slowed(header_delay=0.2))
    ran = run("token", "-v", "--timeout", "0.3", "--deadline", "0.4", env=env)
    assert ran.status == 4
    assert shown(ran.err, oauth_server)[1] == "    client_secret_basic -> no answer: it took longer than 0.3 s"


def test_an_interrupted_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    """It began; nothing is known of its end."""
    log = exchange_log.ExchangeLog()
    with pytest.raises(KeyboardInterrupt), log.exchange("API", "GET", "https://a/", "token 1"):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "API: GET https://a/\n"
