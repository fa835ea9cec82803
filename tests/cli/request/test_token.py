"""The command `token`: a token for other programs, and nothing else on stdout."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import ERROR, WARNING, Run, env_fixture, run_fixture, started
from tests.contract.issuer_server import FORMS, Login, login_fixture

__all__ = ["env_fixture", "login_fixture", "run_fixture"]

PEM = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()


def test_the_token(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """One line."""
    ran = run("token", env=env)
    assert (ran.status, ran.out, ran.err) == (0, f"{oauth_server.issued[0]}\n", "")


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        ([], "Authorization: Bearer %s"),
        (["--header-name", "X-Access-Token", "--header-value-pattern", "token=%s;"], "X-Access-Token: token=%s;"),
    ],
)
def test_the_header(
    arguments: list[str], header: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """As the API expects it, for `curl -H`."""
    ran = run("token", "--header", *arguments, env=env)
    assert (ran.status, ran.out) == (0, header.replace("%s", oauth_server.issued[0]) + "\n")


def test_json(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Times in whole seconds, never too late."""
    before = time.time()
    ran = run("token", "--json", "--scope", "a b", env=env)
    after = time.time()
    found = ran.json
    assert list(found) == ["access_token", "token_type", "expires_at", "expires_in", "scope"]
    assert found["access_token"] == oauth_server.issued[0]
    assert (found["token_type"], found["scope"]) == ("Bearer", "a b")
    assert before + 3600 - 1 <= found["expires_at"] <= after + 3600
    assert 3600 - 1 - (after - before) <= found["expires_in"] <= 3600
    assert isinstance(found["expires_at"], int)
    assert isinstance(found["expires_in"], int)


@pytest.mark.parametrize(("told", "left"), [(None, None), (0, 0)])
def test_json_of_an_odd_life(
    told: int | None, left: int | None, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """null if it is not known, and never negative."""
    oauth_server.expires_in, oauth_server.token_type = told, None
    found = run("token", "--json", env=env).json
    assert (found["expires_in"], found["token_type"], found["scope"]) == (left, None, None)
    assert (found["expires_at"] is None) == (told is None)


def test_one_form_only(run: Run, env: dict[str, str]) -> None:
    """What would both be?"""
    ran = run("token", "--json", "--header", env=env)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[0] == "usage: python -m oauth_cc_auth token [OPTION]..."
    assert "not allowed with" in ran.err


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (Answer.error("invalid_client", status=401), 3, "invalid_client: token endpoint "),
        (Answer.error("invalid_scope", "no such scope"), 3, "invalid_scope: token endpoint "),
        (Answer(200, "hello"), 3, "token endpoint "),
        (Answer.dropped(), 4, "token endpoint "),
    ],
    ids=["refused", "scope", "no token", "no answer"],
)
def test_no_token(
    *, answer: Answer, status: int, message: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """One line on stderr that says what to do, and a status that distinguishes a rejection from silence."""
    oauth_server.token_endpoint.always(answer)
    ran = run("token", "--deadline", "1", env=env)
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith(f"{ERROR}{message}")
    assert ran.err.count("`oauth-cc-auth check`") == 1
    assert ("finds out more" in ran.err) == ("shows which step fails" not in ran.err) == (status == 3)
    assert ran.err.count("\n") == 1
    assert oauth_server.client_secret not in ran.err.replace("client_secret", "")


@pytest.mark.parametrize("form", [[], ["--header"], ["--json"]], ids=["plain", "header", "json"])
def test_a_token_that_no_one_could_use(
    form: list[str], run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """Its key would end with the process, so there could be no proof. None is asked for."""
    oauth_server.dpop = True
    ran = run("token", "--dpop", *form, env=env)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        f"{ERROR}token cannot print a token that is bound to a key of this process, since no API would accept it: use "
        "`oauth-cc-auth request` to send the request, or pass --dpop a file with a key\n"
    )
    assert run("token", *form, env={**env, "OAUTH_CC_DPOP": "true"}).err == ran.err
    assert oauth_server.requests == ()


def test_a_token_that_is_bound_to_a_key_in_a_file(
    run: Run, env: dict[str, str], oauth_server: LoopbackServer, tmp_path: Path
) -> None:
    """Whoever has the file can make proofs. A note says that each request needs one."""
    oauth_server.dpop = True
    key = tmp_path / "dpop.pem"
    key.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(*PEM))
    ran = run("token", "--header", "--dpop", str(key), env=env)
    assert (ran.status, ran.out) == (0, f"Authorization: DPoP {oauth_server.issued[0]}\n")
    assert ran.err == (
        f"{WARNING}the token is bound to a key (DPoP): each request needs a proof by that key too, as "
        "`oauth-cc-auth request` sends it\n"
    )


@pytest.mark.parametrize("name", ["token", "request"])
def test_a_url_as_the_key(name: str, run: Run, env: dict[str, str]) -> None:
    """`request --dpop URL` reads like a switch and its URL. The URL is not shown."""
    ran = run(name, "--dpop", "https://api.example.com/?key=s3cr3t", env=env)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith(
        "argument --dpop: a URL follows it, not the name of a file with a key; put --dpop behind the URL\n"
    )


def test_nobody_listens(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Silence. Whether the tries or the deadline end first is not said here."""
    oauth_server.stop()
    ran = run("token", "--deadline", "1", env=env)
    assert ran.status == 4
    assert "onnection refused" in ran.err


def test_a_time_out(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """The options for it are heard."""
    with oauth_server.token_endpoint.hold():
        ran = run("token", "--timeout", "0.1", "--deadline", "0.2", env=env)
    assert ran.status == 4
    assert "0.1 s" in ran.err


def test_every_setting_arrives(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """In the token request."""
    oauth_server.grant_types = ("account_credentials",)
    ran = run(
        *("token", "--grant-type", "account_credentials", "--client-authentication", "Request Body Auth"),
        *("--additional-header", "APIKey: k", "--additional-request-data", "account_id=1"),
        *("--additional-request-data", "account_id=2"),
        env=env,
    )
    assert ran.status == 0
    (record,) = oauth_server.token_requests
    assert record.client_authentication == "client_secret_post"
    assert record.headers["apikey"] == "k"
    assert record.form[:3] == (("grant_type", "account_credentials"), ("account_id", "1"), ("account_id", "2"))


def test_in_a_shell(env: dict[str, str], oauth_server: LoopbackServer, tmp_path: Path) -> None:
    """As a process of its own; nothing but the token is in the file."""
    with (tmp_path / "out").open("wb") as out:
        process = started("token", "--header", env=env, stdout=out, stderr=subprocess.PIPE)
        assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0
    assert (tmp_path / "out").read_text() == f"Authorization: Bearer {oauth_server.issued[0]}\n"


def test_of_an_issuer(run: Run, env: dict[str, str], oauth_server: LoopbackServer, login: Login) -> None:
    """The option counts instead of the token URL in the environment."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url)
    ran = run("token", "--issuer", login.url, env=env)
    assert (ran.status, ran.out, ran.err) == (0, f"{oauth_server.issued[0]}\n", "")
    assert login.asked == [FORMS[0]]
