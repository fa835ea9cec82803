"""The command `request`: method, URL and headers."""

from __future__ import annotations

import socket
from typing import Any

import certifi
import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import ERROR, WARNING, Run, env_fixture, run_fixture

__all__ = ["env_fixture", "run_fixture"]

API = "https://api.example.com/orders"


def test_a_get(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """With the token, and only the body on stdout."""
    oauth_server.api.always(Answer(200, b"\x00\xff body"))
    ran = run("request", "get", oauth_server.api_url + "/orders?a=b", env=env)
    assert (ran.status, ran.raw, ran.err) == (0, b"\x00\xff body", "")
    (record,) = oauth_server.api_requests
    assert (record.method, record.path, record.query) == ("GET", "/api/orders", "a=b")
    assert record.token == oauth_server.issued[0]
    assert record.headers["user-agent"].startswith("oauth-cc-auth/")


def test_headers(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Several, and one that is given twice has both values."""
    ran = run(
        *("request", "GET", oauth_server.api_url, "--header", "X-A: 1", "--header", "x-a:2", "--header", "X-B:c:d"),
        *("--header", "User-Agent: mine", "--header", "X-C:"),
        env=env,
    )
    assert ran.status == 0
    headers = oauth_server.api_requests[0].headers
    assert [headers[name] for name in ("X-A", "X-B", "User-Agent", "X-C")] == ["1, 2", "c:d", "mine", ""]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("authorization: x", "--header cannot set authorization, which carries the token"),
        ("X-A", "--header must be NAME:VALUE"),
        ("X-\N{SNOWMAN}: a", "--header must be NAME:VALUE of printable characters"),
        ("X A: secret", "--header must be NAME:VALUE of printable characters"),
        ("X-A: a\nb", "--header must be NAME:VALUE of printable characters"),
        ("X-A: \N{SNOWMAN}", "--header must be NAME:VALUE of printable characters"),
    ],
)
def test_a_wrong_header(header: str, message: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Nothing is sent, not even for a token."""
    ran = run("request", "GET", oauth_server.api_url, "--header", header, env=env)
    assert (ran.status, ran.out, ran.err) == (2, "", f"{ERROR}{message}\n")
    assert oauth_server.requests == ()


def test_another_origin(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """With api_origins the token stays away from others. One line says so, because the API's 401 does not."""
    oauth_server.api.always(Answer(401))
    elsewhere = {**env, "OAUTH_CC_API_ORIGINS": "https://api.example.com"}
    ran = run("request", "GET", oauth_server.api_url, env=elsewhere)
    assert (ran.status, ran.err.splitlines()[0]) == (
        5,
        f"{WARNING}the request is sent without a token, because {oauth_server.origin} is not in api_origins",
    )
    assert oauth_server.api_requests[0].token is None
    same = {**env, "OAUTH_CC_API_ORIGINS": oauth_server.origin}
    oauth_server.api.always(Answer(200))
    assert run("request", "GET", oauth_server.api_url, env=same).err == ""


@pytest.mark.parametrize(
    ("method", "url", "message"),
    [
        ("G ET", API, "METHOD must be an HTTP method, such as GET or POST"),
        ("GET", "/orders", "URL must be a full URL, such as https://api.example.com/orders"),
        ("GET", "ftp://api.example.com/", "URL must be a full URL, such as https://api.example.com/orders"),
        ("GET", "https:///orders", "URL must be a full URL, such as https://api.example.com/orders"),
        ("GET", "https://[::1", "URL must be a full URL, such as https://api.example.com/orders"),
    ],
)
def test_wrong_arguments(method: str, url: str, message: str, run: Run, env: dict[str, str]) -> None:
    """Told before anything else, also before settings are looked at."""
    assert run("request", method, url).err == f"{ERROR}{message}\n"
    assert run("request", method, url, env=env).status == 2


@pytest.fixture(name="no_such_host")
def _no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo

    def fail(host: Any, *args: Any, **kwargs: Any) -> Any:
        if str(host).startswith("xn--"):
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", fail)


@pytest.mark.usefixtures("no_such_host")
def test_a_host_that_is_not_ascii(run: Run, env: dict[str, str]) -> None:
    """It is called by the name that requests gives it, also in api_origins."""
    url = "https://stra\u00dfe.example/orders"
    ran = run("request", "GET", url, env={**env, "OAUTH_CC_API_ORIGINS": "https://stra\u00dfe.example"})
    advice = "check the host in the URL, and whether this machine can look it up"
    assert (ran.status, ran.err) == (4, f"{ERROR}GET {url}: no answer: [Errno -2] no such host; {advice}\n")
    checked = run("check", "--json", "--api-url", url, env=env).json
    assert (checked["api"]["withheld"], [cause["name"] for cause in checked["causes"]]) == (None, ["api_unreachable"])


def test_an_api_that_does_not_speak_tls(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """OpenSSL's words are about versions, and help no one."""
    ran = run("request", oauth_server.api_url.replace("http://", "https://"), env=env)
    assert ran.status == 4
    assert ran.err.endswith("; check host and port in the URL, and that this port speaks https\n")


def test_an_api_whose_certificate_is_not_trusted(
    run: Run, env: dict[str, str], oauth_tls_server: LoopbackServer
) -> None:
    """The token came over another connection. There is no option of requests here, but a variable."""
    ran = run("request", oauth_tls_server.api_url, env={**env, "REQUESTS_CA_BUNDLE": certifi.where()})
    assert ran.status == 4
    assert "CERTIFICATE_VERIFY_FAILED" in ran.err
    assert ran.err.endswith("set REQUESTS_CA_BUNDLE to a file with its certificate\n")


def test_what_requests_does_not_send(run: Run, env: dict[str, str]) -> None:
    """The query, which may hold secrets, is not in the message."""
    ran = run("request", "GET", "https://xn--\N{SNOWMAN}.example/?key=s3cr3t", env=env)
    assert ran.status == 2
    assert "s3cr3t" not in ran.err


def test_a_wrong_time_out(run: Run) -> None:
    """It is the API's, not the token endpoint's."""
    ran = run("request", "GET", API, "--api-timeout", "0")
    assert ran.err == f"{ERROR}--api-timeout must be a positive number of seconds, not 0.0\n"


def test_plain_http(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Refused before anything is sent, with the option that permits it."""
    ran = run("request", "GET", "http://api.example.com/orders", env=env)
    assert ran.status == 2
    assert "pass --allow-insecure-http if you trust the network (service mesh, test host)\n" in ran.err
    assert oauth_server.requests == ()
