"""What the HTTPie plugin leaves behind: in session files, in what is shown, in errors."""

from __future__ import annotations

import json

import pytest

from tests.httpie.command import CLIENT_ID, CLIENT_SECRET, HTTPie


def test_verbose_shows_what_httpie_shows(httpie: HTTPie) -> None:
    """The request to the API as it is sent, and nothing of the token request."""
    run = httpie.run("--verbose", "--auth", f"{CLIENT_ID}:{CLIENT_SECRET}")
    (token,) = httpie.server.issued
    assert run.output.count(token) == 1
    assert f"Authorization: Bearer {token}" in run.output
    assert CLIENT_SECRET not in run.output
    assert run.errors == ""


def test_debug_shows_no_secret(httpie: HTTPie) -> None:
    """HTTPie prints the auth object there."""
    run = httpie.run("--debug")
    assert "client_secret='***'" in run.errors
    assert CLIENT_SECRET not in run.output + run.errors


@pytest.mark.parametrize("given", [["--auth", f"{CLIENT_ID}:{CLIENT_SECRET}"], []])
def test_a_session_file_has_neither_secret_nor_token(httpie: HTTPie, given: list[str]) -> None:
    """HTTPie would store what it was given; of ours it stores the client id and the auth type."""
    assert httpie.run("--session=ours", *given).status == 0
    text = httpie.session_file("ours")
    assert json.loads(text)["auth"] == {"type": "oauth2-cc", "raw_auth": CLIENT_ID if given else ""}
    assert CLIENT_SECRET not in text
    assert httpie.server.issued[0] not in text


@pytest.mark.parametrize("given", [["--auth", f"{CLIENT_ID}:{CLIENT_SECRET}"], []])
def test_a_session_file_is_enough_afterwards(httpie: HTTPie, given: list[str]) -> None:
    """Later requests of the session get a token, with the secret from the environment."""
    httpie.run("--session=ours", *given)
    run = httpie.run("--session=ours", auth=False)
    assert json.loads(run.output)["token_number"] == 2


def test_a_session_file_with_the_id_of_another(httpie: HTTPie) -> None:
    """The secret of the environment is not tried for it: it belongs to the id there."""
    httpie.run("--session=ours", "--auth", f"{CLIENT_ID}:{CLIENT_SECRET}")
    httpie.server.clear_log()
    httpie.environment["OAUTH_CC_CLIENT_ID"] = "another"
    run = httpie.run("--session=ours", auth=False)
    assert run.status == 1
    assert run.errors.strip() == (
        "http: error: ConfigurationError: the session has the client id 'client' and no secret, and "
        "OAUTH_CC_CLIENT_ID is another one; pass --auth client"
    )
    assert httpie.server.requests == ()


def test_an_id_that_httpie_would_take_apart(httpie: HTTPie) -> None:
    """What stands after a colon is a secret to HTTPie, so such an id is not stored at all."""
    httpie.server.add_client("one:two", "three")
    assert httpie.run("--session=ours", "--auth", r"one\:two:three").status == 0
    assert json.loads(httpie.session_file("ours"))["auth"]["raw_auth"] == ""
