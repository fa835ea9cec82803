"""The command `request`: the answer as it came, as it comes, and what the exit status makes of it."""

from __future__ import annotations

import io
import signal
import subprocess
from collections.abc import Mapping

import pytest

from oauth_cc_auth._cli.request import send
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import ERROR, WARNING, Run, env_fixture, run_fixture, started

__all__ = ["env_fixture", "run_fixture"]


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
    assert ran.err == (
        f"{ERROR}GET {oauth_server.api_url}: no answer: Remote end closed connection without response; "
        "`oauth-cc-auth check --api-url` with this URL shows which step fails\n"
    )


def test_a_slow_answer(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """The API has a time-out of its own."""
    with oauth_server.api.hold():
        ran = run("request", "GET", oauth_server.api_url, "--api-timeout", "0.1", env=env)
    assert ran.status == 4
    assert "timed out" in ran.err
    assert ran.err.endswith("; if the API needs longer, pass --api-timeout\n")


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


def test_a_stream_that_is_no_file() -> None:
    """Whatever took the place of stdout."""
    assert not send._is_file(io.StringIO())
