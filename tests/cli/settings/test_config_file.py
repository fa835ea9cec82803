"""Settings in a whole run: the file, precedence, and the messages."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from oauth_cc_auth._cli.settings import config_file
from oauth_cc_auth.testing import LoopbackServer
from tests.cli.runs import ERROR, WARNING, Run, env_fixture, run_fixture

__all__ = ["env_fixture", "run_fixture"]

posix = pytest.mark.skipif(os.name != "posix", reason="file modes and pseudo-terminals are those of POSIX")


def file_of(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def toml_of(server: LoopbackServer) -> str:
    return (
        f'"Oauth2 Token Url" = "{server.token_url}"\nclient_id = "{server.client_id}"\n'
        f'"Client Secret" = "{server.client_secret}"\nscope = "from-file"\n'
        '[additional_request_data]\naudience = "file"\n'
    )


def json_of(server: LoopbackServer) -> str:
    return json.dumps(
        {
            "token_url": server.token_url,
            "Client ID": server.client_id,
            "client_secret": server.client_secret,
            "Client Credentials Grant Scope": "from-file",
            "additional_request_data": {"audience": "file"},
        }
    )


@pytest.mark.parametrize("content", [toml_of, json_of], ids=["toml", "json"])
@pytest.mark.parametrize("start", ["", "\N{ZERO WIDTH NO-BREAK SPACE}"], ids=["plain", "marked"])
def test_a_file(content: object, start: str, run: Run, oauth_server: LoopbackServer, tmp_path: Path) -> None:
    """TOML or JSON: the first character decides. Windows' mark of UTF-8 does not count."""
    assert callable(content)
    ran = run("token", "--config", file_of(tmp_path / "settings", start + content(oauth_server)))
    assert (ran.status, ran.out, ran.err) == (0, f"{oauth_server.issued[0]}\n", "")
    assert dict(oauth_server.token_requests[0].form)["audience"] == "file"


def test_options_before_environment_before_file(run: Run, oauth_server: LoopbackServer, tmp_path: Path) -> None:
    """Of each setting the first that is there, not of all together."""
    name = file_of(tmp_path / "a.toml", toml_of(oauth_server) + '[additional_headers]\nX-From = "file"\n')
    ran = run(
        *("token", "--config", name, "--additional-request-data", "audience=option"),
        env={"OAUTH_CC_SCOPE": "from-env", "OAUTH_CC_ADDITIONAL_REQUEST_DATA": "audience=env&other=env"},
    )
    assert ran.status == 0
    record = oauth_server.token_requests[0]
    assert record.form == (("grant_type", "client_credentials"), ("scope", "from-env"), ("audience", "option"))
    assert record.headers["x-from"] == "file"


@posix
@pytest.mark.parametrize("mode", [0o640, 0o602, 0o644])
def test_a_file_that_others_may_read(mode: int, run: Run, oauth_server: LoopbackServer, tmp_path: Path) -> None:
    """A warning if there is a secret in it, and how to end it."""
    name = file_of(tmp_path / "a.toml", toml_of(oauth_server), mode)
    ran = run("token", "--config", name)
    assert ran.status == 0
    assert ran.err == f"{WARNING}other users may read the secret in {name}: chmod 600 {name}\n"


@posix
def test_a_file_without_a_secret_may_be_read(run: Run, env: dict[str, str], tmp_path: Path) -> None:
    """By anyone."""
    assert run("token", "--config", file_of(tmp_path / "a.toml", 'scope = "a"', 0o644), env=env).err == ""


def test_files_of_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their modes say nothing."""
    monkeypatch.setattr("oauth_cc_auth._cli.settings.config_file.os.name", "nt")
    assert not config_file.is_open_to_others("no such file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'a = "secret', "it is not valid TOML: "),
        (b'{"a": "secret"', "it is not valid JSON: Expecting ',' delimiter: line 1 column 15 (char 14)"),
        (b'{"scope": "a", "scope": "b"}', "it is not valid JSON: 'scope' is there twice"),
        (b"\xff\xfe", "it is not text in UTF-8"),
        (b"{" + b'"a":{' * 100_000, "it is not valid JSON: "),
        (b'tokenurl2 = "x"', "a.toml is not a known setting; did you mean 'token_url'?"),
        (b"timeout = 0", "a.toml must be a positive number of seconds, not 0"),
        (b"scope = 2020-01-01", "a.toml must be a str or an iterable of str, not date"),
    ],
    ids=range(8),
)
def test_a_wrong_file(content: bytes, message: str, run: Run, env: dict[str, str], tmp_path: Path) -> None:
    """One line with its name, the place, and nothing of its content."""
    name = tmp_path / "a.toml"
    name.write_bytes(content)
    ran = run("token", "--config", str(name), env=env)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err
    assert str(name) in ran.err
    assert "secret" not in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    "content",
    [
        '[oauth]\ntoken_url = "S3CRET"',
        "[tool.oauth]\ntimeout = 1\nS3CRET = 1",
        '["S3CRET"]',
        '{"a": {"Client ID": "S3CRET"}}',
    ],
)
def test_a_section(content: str, run: Run, env: dict[str, str], tmp_path: Path) -> None:
    """Nobody knows its name, and the settings in it would not count."""
    name = file_of(tmp_path / "a.toml", content)
    ran = run("token", "--config", name, env=env)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"{ERROR}{name}: put the settings at the top of the file, without a [section]\n"


def test_a_misspelt_table_is_no_section(run: Run, env: dict[str, str], tmp_path: Path) -> None:
    """There are settings that are tables."""
    name = file_of(tmp_path / "a.toml", '[additional_header]\nX-A = "b"')
    ran = run("token", "--config", name, env=env)
    assert "did you mean 'additional_headers'?" in ran.err


@pytest.mark.parametrize("content", ['["S3CRET"]', '"S3CRET"', "7"])
def test_json_that_is_no_object(content: str, run: Run, env: dict[str, str], tmp_path: Path) -> None:
    """A file that is called JSON is read as JSON; what is in it is not shown."""
    name = file_of(tmp_path / "a.JSON", content)
    ran = run("token", "--config", name, env=env)
    assert ran.status == 2
    assert ran.err == f"{ERROR}--config {name}: it must be an object with names of settings and their values\n"


def test_a_file_without_end(run: Run, env: dict[str, str], tmp_path: Path) -> None:
    """The first MiB is enough to know that these are no settings."""
    name = tmp_path / "a.toml"
    name.write_bytes(b"#" * (1024 * 1024))
    assert run("token", "--config", str(name), env=env).status == 0
    name.write_bytes(b"#" * (1024 * 1024 + 1))
    ran = run("token", "--config", str(name), env=env)
    assert ran.status == 2
    assert ran.err == f"{ERROR}--config {name}: it is longer than 1 MiB, so it is not a file of settings\n"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a device of POSIX")
def test_a_device(run: Run, env: dict[str, str]) -> None:
    """It has no end, and no settings."""
    ran = run("token", "--config", "/dev/zero", env=env)
    assert (ran.status, ran.err) == (2, f"{ERROR}--config /dev/zero: it is neither a file nor a pipe\n")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="names of open files, as bash's <(...) uses them")
def test_a_pipe(run: Run, oauth_server: LoopbackServer) -> None:
    """As with `--config <(vault read ...)`."""
    reading, writing = os.pipe()
    os.write(writing, toml_of(oauth_server).encode())
    os.close(writing)
    ran = run("token", "--config", f"/dev/fd/{reading}")
    os.close(reading)
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("name", "problem"), [("missing", "No such file or directory"), ("", "Is a directory"), ("\0", "it is not text")]
)
def test_no_file(name: str, problem: str, run: Run, tmp_path: Path) -> None:
    """The system's own words."""
    ran = run("token", "--config", f"{tmp_path}/{name}")
    assert ran.status == 2
    assert ran.err.startswith(f"{ERROR}--config {tmp_path}/")
    assert problem in ran.err


def test_unknown_variables_are_shown(run: Run, env: dict[str, str]) -> None:
    """Once, by name, and the command goes on."""
    ran = run("token", env={**env, "OAUTH_CC_SCOPES": "a"})
    assert (ran.status, ran.err) == (
        0,
        f"{WARNING}these are not settings of oauth-cc-auth, and are ignored: OAUTH_CC_SCOPES\n",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--timeout", "soon"], "--timeout must be a number, not 'soon'"),
        (["--deadline", "0"], "--deadline must be a positive number of seconds, not 0.0"),
        (["--header-value-pattern", "Bearer"], "--header-value-pattern must contain %s exactly once"),
        (["--header-name", "a b"], "--header-name is no header name"),
        (["--additional-header", "Host: x"], "--additional-header cannot set Host: it follows from token_url"),
        (["--additional-request-data", "client_secret=x"], "--additional-request-data cannot contain client_secret"),
    ],
)
@pytest.mark.parametrize(
    "command", [["token"], ["request", "GET", "https://api.example.com"]], ids=["token", "request"]
)
def test_a_wrong_option(command: list[str], arguments: list[str], message: str, run: Run, env: dict[str, str]) -> None:
    """One line that names it."""
    ran = run(*command, *arguments, env=env)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(ERROR + message)
    assert ran.err.count("\n") == 1


def test_a_wrong_variable(run: Run, env: dict[str, str]) -> None:
    """One line that names it."""
    ran = run("token", env={**env, "OAUTH_CC_CLIENT_ID": "a\tb"})
    assert ran.status == 2
    assert ran.err.startswith(f"{ERROR}OAUTH_CC_CLIENT_ID contains a control character")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there TOML needs tomli")
def test_the_reader_of_toml() -> None:
    """Python's own if there is one."""
    assert config_file.TOML_MODULE == "tomllib"
