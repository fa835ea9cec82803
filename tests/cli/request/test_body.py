"""The command `request`: bodies from text, files and standard input."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from oauth_cc_auth._cli.request.body import KEPT, Body, opened
from oauth_cc_auth._cli.terminal.exit import CommandError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import ERROR, WARNING, Run, env_fixture, run_fixture, started

__all__ = ["env_fixture", "run_fixture"]


@pytest.fixture(name="file")
def file_fixture(tmp_path: Path) -> str:
    (tmp_path / "body").write_bytes(b'{"from": "file"}')
    return str(tmp_path / "body")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "@"], "--data @ needs the name of a file behind the @"),
        (["--json", "@"], "--json @ needs the name of a file behind the @"),
        (["--data-file", ""], "--data-file needs the name of a file"),
    ],
)
def test_no_name_of_a_file(arguments: list[str], message: str, run: Run, env: dict[str, str]) -> None:
    """It would be that of the folder one is in."""
    ran = run("request", "POST", "https://api.example.com", *arguments, env=env)
    assert (ran.status, ran.err) == (2, f"{ERROR}{message}\n")


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


@pytest.mark.parametrize("option", ["--data", "--json", "--data-file"])
def test_a_body_makes_it_a_post(
    option: str, file: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """As curl does it. A method that is given counts."""
    value = file if option == "--data-file" else "1"
    for method in ([], ["get"]):
        assert run("request", *method, oauth_server.api_url, option, value, env=env).status == 0
    assert [request.method for request in oauth_server.api_requests] == ["POST", "GET"]


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
    """It is passed on in chunks and not sent again, and a warning says so."""
    body = b"0123456789abcdef" * (KEPT // 16 + 10_000)
    oauth_server.api.next(Answer(401))
    ran = run("request", "POST", oauth_server.api_url, "--data-file", "-", env=env, stdin=body)
    assert ran.status == 5
    (record,) = oauth_server.api_requests
    assert record.body == body
    assert record.headers["transfer-encoding"] == "chunked"
    warning, error = ran.err.splitlines()
    assert warning == f"{WARNING}the API refused the token, and the body cannot be read again: pass it as a file"
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
    body = Body("--data", file="-")
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(CommandError, match=r"^--data - found standard input closed$"), opened(body):
        pass


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "{"], "--json is not valid JSON: Expecting property name"),
        (["--json", ""], "--json is not valid JSON: Expecting value"),
        (["--json", "-"], "--json is not valid JSON: it is not UTF-8"),
        (["--json", "[" * 100_000], "--json is not valid JSON: "),
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
    assert run("request", "POST", "https://api.example.com", "--data", "a", "--json", "1", env=env).status == 2


def test_json_in_and_out(env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """A pipe into it, and a pipe out of it."""
    arguments = ("request", "POST", oauth_server.api_url, "--json", "-")
    process = started(*arguments, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out, _ = process.communicate(b"[1, 2]", timeout=60)
    assert (process.returncode, json.loads(out)["body"]) == (0, "[1, 2]")
