"""Errors of the HTTPie plugin: a line as HTTPie writes them, and no traceback."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import requests

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth._httpie import HTTPieAuth, auth_for
from oauth_cc_auth.testing import Answer
from tests.httpie.command import CLIENT_ID, CLIENT_SECRET, HTTPie
from tests.test_architecture import loaded_after


def error_line(errors: str) -> str:
    """The one line that HTTPie wrote, without its empty lines."""
    (line,) = errors.strip().splitlines()
    assert line.startswith("http: error: ")
    return line.removeprefix("http: error: ")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("TOKEN_URL", "", "ConfigurationError: OAUTH_CC_TOKEN_URL is missing or blank"),
        ("HEADER_VALUE_PATTERN", "Key", "ConfigurationError: OAUTH_CC_HEADER_VALUE_PATTERN must "),
        ("ADDITIONAL_HEADERS", "{", "ConfigurationError: OAUTH_CC_ADDITIONAL_HEADERS is not valid JSON"),
        (
            "TOKEN_URL",
            "http://login.example.com/token",
            "ConfigurationError: OAUTH_CC_TOKEN_URL is plain http, which would show the secret to everyone on the way; "
            "use https or, if you trust the network (service mesh, test host), set OAUTH_CC_ALLOW_INSECURE_HTTP=true",
        ),
    ],
)
@pytest.mark.parametrize("given", [["--auth", f"{CLIENT_ID}:{CLIENT_SECRET}"], []])
def test_settings(httpie: HTTPie, variable: str, value: str, words: str, given: list[str]) -> None:
    """The variable to set is named."""
    httpie.environment[f"OAUTH_CC_{variable}"] = value
    run = httpie.run(*given)
    assert run.status == 1
    assert error_line(run.errors).startswith(words)


@pytest.mark.parametrize("missing", [["CLIENT_SECRET"], ["CLIENT_ID", "CLIENT_SECRET"]])
def test_no_client(httpie: HTTPie, missing: list[str]) -> None:
    """It can be given on the command line as well."""
    names = [f"OAUTH_CC_{field}" for field in missing]
    for name in names:
        del httpie.environment[name]
    run = httpie.run()
    assert run.status == 1
    verb = "is" if len(names) == 1 else "are"
    assert error_line(run.errors).startswith(
        f"ConfigurationError: {', '.join(names)} {verb} missing or blank; set it, or pass --auth ID[:SECRET]; HTTPie "
        "asks for a secret that is left out"
    )


def test_behaviour(httpie: HTTPie) -> None:
    """The variables of behaviour count here too."""
    httpie.environment["OAUTH_CC_API_ORIGINS"] = "https://another.example"
    assert httpie.run("--check-status").status == 4
    httpie.environment["OAUTH_CC_TIMEOUT"] = "soon"
    assert "OAUTH_CC_TIMEOUT must be a number, not 'soon'" in httpie.run().errors


@pytest.mark.parametrize("given", [["--auth", f"{CLIENT_ID}:{CLIENT_SECRET}"], []])
def test_misspelt_variables(httpie: HTTPie, given: list[str]) -> None:
    """There is a warning on stderr, and the request is made."""
    httpie.environment["OAUTH_CC_SCOPES"] = "orders:read"
    run = httpie.run(*given)
    assert (run.status, run.errors) == (
        0,
        "OAUTH_CC_SCOPES is not a setting, and is ignored; did you mean OAUTH_CC_SCOPE?\n",
    )


def test_a_refused_client(httpie: HTTPie) -> None:
    """What the token endpoint said, and for which request."""
    httpie.environment["OAUTH_CC_CLIENT_SECRET"] = "not-the-secret"
    run = httpie.run()
    assert (run.status, run.output) == (1, "")
    line = error_line(run.errors)
    assert line.startswith("TokenEndpointError: invalid_client: token endpoint ")
    assert line.endswith(f"while doing a GET request to URL: {httpie.server.api_url}/orders")
    assert "not-the-secret" not in run.errors


def test_an_endpoint_that_is_not_there(httpie: HTTPie) -> None:
    """HTTPie has words of its own for a broken connection; ours say whose it was."""
    httpie.server.token_endpoint.always(Answer.dropped())
    line = error_line(httpie.run().errors)
    assert line.startswith(f"TokenEndpointUnreachable: token endpoint {httpie.server.token_url} ")


def test_time_outs_are_told_in_our_words() -> None:
    """For a `requests.Timeout` HTTPie would name the seconds of its own option."""
    auth = auth_for("id", "secret")
    assert not isinstance(auth, HTTPieAuth)  # there is no token URL here
    error = TokenEndpointUnreachable("too slow")
    error.timed_out = True
    assert HTTPieAuth("https://login.example.com/token", "id", "secret")._transport.error_class(error) is (
        requests.RequestException
    )


def test_plain_http(httpie: HTTPie) -> None:
    """The remedy is a variable here; nothing was sent."""
    run = httpie.run(url="http://api.example.com/orders")
    assert run.status == 1
    assert error_line(run.errors) == (
        "InsecureRequestError: http://api.example.com/orders is not https and would show the token to everyone on the "
        "way; use https, or set OAUTH_CC_ALLOW_INSECURE_HTTP=true if you trust the network (service mesh, test host) "
        "while doing a GET request to URL: http://api.example.com/orders"
    )
    assert httpie.server.requests == ()


def test_the_help_names_it(httpie: HTTPie) -> None:
    """HTTPie lists auth types by their own words."""
    assert "oauth2-cc" in httpie.run_plain("--help").output


def test_without_httpie(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra to install."""
    monkeypatch.setitem(sys.modules, "httpie.plugins", None)
    monkeypatch.delitem(sys.modules, "oauth_cc_auth.httpie", raising=False)
    with pytest.raises(ImportError) as caught:
        importlib.import_module("oauth_cc_auth.httpie")
    assert str(caught.value) == "oauth_cc_auth.httpie needs HTTPie: python -m pip install requests httpie"
    assert isinstance(caught.value.__cause__, ImportError)


def test_requests_of_others_do_not_pay() -> None:
    """HTTPie imports every plugin at each start: ours brings only what naming it needs."""
    loaded = loaded_after("import oauth_cc_auth.httpie") - loaded_after("import oauth_cc_auth, httpie.plugins")
    assert loaded == {"oauth_cc_auth.httpie"}


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ((None, None), ("OAUTH_CC_CLIENT_ID", "OAUTH_CC_CLIENT_SECRET_FILE")),
        (("abc", None), ("the client id of --auth", "OAUTH_CC_CLIENT_SECRET_FILE")),
        (("abc", "s3cret"), ("the client id of --auth", "the secret of --auth")),
    ],
)
def test_what_id_and_secret_are_called(
    given: tuple[str | None, str | None], called: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By where they came from."""
    secret = tmp_path / "secret"
    secret.write_text("s3cret", encoding="utf-8")
    monkeypatch.setenv("OAUTH_CC_TOKEN_URL", "https://login.example.com/token")
    monkeypatch.setenv("OAUTH_CC_CLIENT_ID", "abc")
    monkeypatch.delenv("OAUTH_CC_CLIENT_SECRET", raising=False)
    monkeypatch.setenv("OAUTH_CC_CLIENT_SECRET_FILE", str(secret))
    auth = auth_for(*given)
    assert isinstance(auth, HTTPieAuth)
    assert (auth.words.name_of("client_id"), auth.words.name_of("client_secret")) == called
    assert auth.words.name_of("scope") == "OAUTH_CC_SCOPE"
