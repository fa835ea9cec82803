"""The command `request`: one call with a token, its body in any form, its answer as it came."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from oauth_cc_auth._cli import _body
from oauth_cc_auth._cli._exit import CommandError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import ERROR, WARNING, Run, env_fixture, run_fixture, started

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


@pytest.mark.parametrize(
    ("method", "url", "message"),
    [
        ("G ET", API, "METHOD must be one such as GET or POST"),
        ("GET", "/orders", "URL must be a full one, such as https://api.example.com/orders"),
        ("GET", "ftp://api.example.com/", "URL must be a full one, such as https://api.example.com/orders"),
        ("GET", "https:///orders", "URL must be a full one, such as https://api.example.com/orders"),
        ("GET", "https://[::1", "URL must be a full one, such as https://api.example.com/orders"),
    ],
)
def test_wrong_arguments(method: str, url: str, message: str, run: Run, env: dict[str, str]) -> None:
    """Told before anything else, also before settings are looked at."""
    assert run("request", method, url).err == f"{ERROR}{message}\n"
    assert run("request", method, url, env=env).status == 2


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
    assert "pass --allow-insecure-http where the network is trusted" in ran.err
    assert oauth_server.requests == ()


# The body.


@pytest.fixture(name="file")
def file_fixture(tmp_path: Path) -> str:
    (tmp_path / "body").write_bytes(b'{"from": "file"}')
    return str(tmp_path / "body")


@pytest.mark.parametrize(
    ("arguments", "body", "content_type"),
    [
        (["--data", "a=b"], b"a=b", None),
        (["--data", "ä"], "ä".encode(), None),
        (["--data", ""], b"", None),
        (["--data", "@FILE"], b'{"from": "file"}', None),
        (["--data", "-"], b'{"from": "stdin"}', None),
        (["--data", "@-"], b'{"from": "stdin"}', None),
        (["--data-file", "FILE"], b'{"from": "file"}', None),
        (["--data-file", "-"], b'{"from": "stdin"}', None),
        (["--data-file", os.devnull], b"", None),
        (["--json", '{"a": 1}'], b'{"a": 1}', "application/json"),
        (["--json", "@FILE"], b'{"from": "file"}', "application/json"),
        (["--json", "-"], b'{"from": "stdin"}', "application/json"),
        (["--json", "1", "--header", "content-type: a/b"], b"1", "a/b"),
        ([], b"", None),
    ],
)
def test_a_body(
    *,
    arguments: list[str],
    body: bytes,
    content_type: str | None,
    file: str,
    run: Run,
    env: dict[str, str],
    oauth_server: LoopbackServer,
) -> None:
    """Text, a file, or standard input; sent with its length, so that every server takes it."""
    given = [argument.replace("FILE", file) for argument in arguments]
    ran = run("request", "POST", oauth_server.api_url, *given, env=env, stdin=b'{"from": "stdin"}')
    assert (ran.status, ran.err) == (0, "")
    (record,) = oauth_server.api_requests
    assert record.body == body
    assert record.headers.get("content-type") == content_type
    assert record.headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    ("arguments", "body"),
    [(["--data-file", "FILE"], b'{"from": "file"}'), (["--data", "-"], b"stdin"), (["--json", "[]"], b"[]")],
)
def test_a_refused_body_is_sent_again_whole(
    *, arguments: list[str], body: bytes, file: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """A file is rewound, and a short stream has been kept."""
    oauth_server.api.next(Answer(401))
    given = [argument.replace("FILE", file) for argument in arguments]
    ran = run("request", "POST", oauth_server.api_url, *given, env=env, stdin=b"stdin")
    assert (ran.status, ran.err) == (0, "")
    assert [(record.body, record.status) for record in oauth_server.api_requests] == [(body, 401), (body, 200)]


def test_a_long_stream(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """It is passed on in chunks, and not sent again; the person is told."""
    body = b"0123456789abcdef" * (_body.KEPT // 16 + 10_000)
    oauth_server.api.next(Answer(401))
    ran = run("request", "POST", oauth_server.api_url, "--data-file", "-", env=env, stdin=body)
    assert ran.status == 5
    (record,) = oauth_server.api_requests
    assert record.body == body
    assert record.headers["transfer-encoding"] == "chunked"
    warning, error = ran.err.splitlines()
    assert warning.startswith(f"{WARNING}a refused POST request to {oauth_server.origin} was not sent again")
    assert error == f"{ERROR}POST {oauth_server.api_url}: 401 Unauthorized"


def test_a_file_as_standard_input(file: str, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """With `< file` it is the file itself, which can be rewound."""
    oauth_server.api.next(Answer(401))
    with Path(file).open("rb") as stdin:
        process = started("request", "PUT", oauth_server.api_url, "--data", "-", env=env, stdin=stdin, stdout=-1)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert [record.body for record in oauth_server.api_requests] == [b'{"from": "file"}'] * 2


def test_no_standard_input(run: Run, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed by the shell."""
    body = _body.Body("--data", file="-")
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(CommandError, match=r"^--data - found standard input closed$"), _body.opened(body):
        pass


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "{"], "--json is no valid JSON: Expecting property name"),
        (["--json", ""], "--json is no valid JSON: Expecting value"),
        (["--json", "-"], "--json is no valid JSON: it is not UTF-8"),
        (["--json", "[" * 100_000], "--json is no valid JSON: "),
        (["--data", "@missing"], "--data missing: No such file or directory"),
        (["--data-file", "/"], "--data-file /: Is a directory"),
        (["--data-file", "a\0b"], "--data-file a"),
    ],
    ids=range(7),
)
def test_a_wrong_body(
    arguments: list[str], message: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """One line, and nothing is sent."""
    ran = run("request", "POST", oauth_server.api_url, *arguments, env=env, stdin=b"\xff")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"{ERROR}{message}")
    assert ran.err.count("\n") == 1
    assert oauth_server.requests == ()


def test_one_body_only(run: Run, env: dict[str, str]) -> None:
    """Which would it be?"""
    assert run("request", "POST", API, "--data", "a", "--json", "1", env=env).status == 2


# The answer.


@pytest.mark.parametrize(
    ("status", "expected", "words"),
    [
        (200, 0, ""),
        (204, 0, ""),
        (304, 0, ""),
        (404, 5, "404 Not Found"),
        (499, 5, "499"),
        (500, 6, "500 Internal Server Error"),
        (503, 6, "503 Service Unavailable"),
    ],
)
def test_the_status_decides(
    *, status: int, expected: int, words: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """The body is there in every case; a line on stderr says what was wrong."""
    body = b"" if status in (204, 304) else b"body"
    oauth_server.api.always(Answer(status, body))
    ran = run("request", "GET", f"{oauth_server.api_url}?key=s3cr3t", env=env)
    assert (ran.status, ran.raw) == (expected, body)
    assert ran.err == (f"{ERROR}GET {oauth_server.api_url}?***: {words}".rstrip() + "\n" if expected else "")


@pytest.mark.parametrize("option", ["-i", "--include"])
def test_status_and_headers(option: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """As they came, each as often as it was sent, and then the body."""
    oauth_server.api.always(Answer(201, b"body", [("X-A", "1"), ("X-A", "2"), ("Content-Type", "text/plain")]))
    head, _, body = run("request", "GET", oauth_server.api_url, option, env=env).raw.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 201 Created"
    assert [line for line in lines if line.startswith("X-")] == ["X-A: 1", "X-A: 2"]
    assert body == b"body"


def test_an_odd_status_line(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """HTTP/1.0, and no reason."""
    oauth_server.api.always(Answer.raw(b"HTTP/1.0 200 \r\nX-A: \xe4\r\n\r\nbody"))
    assert run("request", "GET", oauth_server.api_url, "-i", env=env).raw == b"HTTP/1.0 200\r\nX-A: \xe4\r\n\r\nbody"


def test_a_head(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """No body, and no waiting for one."""
    ran = run("request", "HEAD", oauth_server.api_url, env=env)
    assert (ran.status, ran.raw) == (0, b"")


@pytest.mark.parametrize(
    "answer", [Answer.gzipped(b"body" * 50_000), Answer(200, b"body" * 50_000, content_length=False)]
)
def test_a_decoded_body(answer: Answer, run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Compressed or in chunks on the way: that is nothing to see."""
    oauth_server.api.always(answer)
    assert run("request", "GET", oauth_server.api_url, env=env).raw == b"body" * 50_000


@pytest.mark.parametrize(
    "answer",
    [
        Answer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbody"),
        Answer.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\nx"),
        Answer.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nbody"),
    ],
    ids=["length", "chunked", "gzip"],
)
def test_an_answer_that_breaks_off(answer: Answer, run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """What was sent is printed, and the status says that it is not all."""
    oauth_server.api.always(answer)
    ran = run("request", "GET", oauth_server.api_url, env=env)
    assert ran.status == 4
    assert ran.raw in (b"", b"body")
    assert ran.err.startswith(f"{ERROR}GET {oauth_server.api_url}: the answer broke off: ")


def test_no_answer(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Neither status nor body."""
    oauth_server.api.always(Answer.dropped())
    ran = run("request", "GET", oauth_server.api_url, env=env)
    assert (ran.status, ran.raw) == (4, b"")
    assert ran.err.startswith(f"{ERROR}GET {oauth_server.api_url}: ")
    assert ran.err.count("\n") == 1


def test_a_slow_answer(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """The API has a time-out of its own."""
    with oauth_server.api.hold():
        ran = run("request", "GET", oauth_server.api_url, "--api-timeout", "0.1", env=env)
    assert ran.status == 4
    assert "timed out" in ran.err


@pytest.mark.parametrize(
    ("answer", "status"),
    [(Answer.error("invalid_client", status=401), 3), (Answer.dropped(), 4)],
    ids=["no", "silence"],
)
def test_no_token(answer: Answer, status: int, run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """The API is not asked."""
    oauth_server.token_endpoint.always(answer)
    ran = run("request", "GET", oauth_server.api_url, "--deadline", "1", env=env)
    assert (ran.status, ran.raw) == (status, b"")
    assert oauth_server.api_requests == ()


def test_a_refusal_during_an_outage(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """The 401 is all there is; a warning says why."""
    oauth_server.token_endpoint.next(None, *[Answer(503)] * 9)
    oauth_server.api.always(Answer(401, b"no"))
    ran = run("request", "GET", oauth_server.api_url, "--deadline", "1", env=env)
    assert (ran.status, ran.raw) == (5, b"no")
    assert ran.err.startswith(f"{WARNING}token not renewed after a refusal by {oauth_server.origin}: ")


# Redirects.


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
    """Nobody looks at where it leads."""
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
    assert ran.err.startswith(f"{ERROR}GET {oauth_server.api_url}: ")
    assert ran.err.count("\n") == 1


# As a process.


def streaming(env: Mapping[str, str], server: LoopbackServer, **options: int) -> subprocess.Popen[bytes]:
    return started("request", "GET", server.api_url, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_the_body_arrives_as_it_is_sent(env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """The first line can be read while the answer is far from its end."""
    oauth_server.api.always(Answer(200, b"first\n" + b"x" * 10_000).slowed(byte_delay=0.02))
    with streaming(env, oauth_server) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"")


def test_a_reader_who_has_left(env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """As with `| head`: no word, and the status that a shell knows."""
    oauth_server.api.always(Answer(200, b"x" * 5_000_000))
    with streaming(env, oauth_server) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_json_in_and_out(env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """A pipe into it, and a pipe out of it."""
    arguments = ("request", "POST", oauth_server.api_url, "--json", "-")
    process = started(*arguments, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = process.communicate(b"[1, 2]", timeout=60)
    assert (process.returncode, json.loads(out)["body"]) == (0, "[1, 2]")
