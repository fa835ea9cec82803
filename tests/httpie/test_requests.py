"""The HTTPie plugin at work: whose credentials, renewal, redirects, and HTTPie's options that touch either."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.contract.issuer_server import FORMS, Login, login_fixture
from tests.contract.raw_endpoint import RawEndpoint
from tests.contract.test_tls import certificate, issue, tls
from tests.httpie.command import CLIENT_ID, CLIENT_SECRET, HTTPie

__all__ = ["certificate", "login_fixture"]  # fixtures

REFUSAL = Answer.error("invalid_token", status=401)


def test_from_the_environment(httpie: HTTPie) -> None:
    """One token request, and HTTPie needs no `--auth`."""
    run = httpie.run()
    assert (run.status, run.errors) == (0, "")
    assert json.loads(run.output)["token_number"] == 1
    assert len(httpie.server.token_requests) == 1


def test_every_setting_counts(httpie: HTTPie) -> None:
    """What the environment says of scope, request data and the header of the token."""
    httpie.server.header_name, httpie.server.header_value_pattern = "X-Token", "Key %s"
    httpie.environment |= {
        "OAUTH_CC_SCOPE": "orders:read",
        "OAUTH_CC_CLIENT_AUTHENTICATION": "client_secret_post",
        "OAUTH_CC_ADDITIONAL_REQUEST_DATA": '{"audience": "orders"}',
        "OAUTH_CC_HEADER_NAME": "X-Token",
        "OAUTH_CC_HEADER_VALUE_PATTERN": "Key %s",
    }
    assert httpie.run("--auth", f"{CLIENT_ID}:{CLIENT_SECRET}").status == 0
    (request,) = httpie.server.token_requests
    assert dict(request.form) == {
        "grant_type": "client_credentials",
        "scope": "orders:read",
        "audience": "orders",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    assert json.loads(httpie.run().output)["token_number"] == 2


def test_credentials_of_the_command_line(httpie: HTTPie) -> None:
    """`--auth id:secret` wins over the environment."""
    httpie.environment |= {"OAUTH_CC_CLIENT_ID": "another", "OAUTH_CC_CLIENT_SECRET": "one"}
    run = httpie.run("--auth", f"{CLIENT_ID}:{CLIENT_SECRET}")
    assert json.loads(run.output)["token_number"] == 1


def test_a_secret_without_an_id(httpie: HTTPie) -> None:
    """The id is that of the environment."""
    httpie.environment["OAUTH_CC_CLIENT_SECRET"] = "another"
    assert json.loads(httpie.run("--auth", f":{CLIENT_SECRET}").output)["token_number"] == 1


def test_the_secret_is_asked_for(httpie: HTTPie) -> None:
    """`--auth id` asks for it, whatever the environment has, and what is typed is not shown."""
    httpie.environment["OAUTH_CC_CLIENT_SECRET"] = "another"
    run = httpie.run_in_terminal("--auth", CLIENT_ID, typed=CLIENT_SECRET)
    assert run.status == 0
    assert f"password for {CLIENT_ID}@" in run.output
    assert '"token_number": 1' in run.output
    assert CLIENT_SECRET not in run.output + run.errors


def test_a_refusal_renews(httpie: HTTPie) -> None:
    """The request goes once more, whole, with a new token; HTTPie shows the answer to that."""
    httpie.server.api.next(REFUSAL)
    run = httpie.run("--all", "--print=hb", "--raw", '{"order": 1}', "POST")
    assert run.status == 0
    assert "HTTP/1.1 200 OK" in run.output
    assert "HTTP/1.1 401" not in run.output
    first, second = httpie.server.api_requests
    assert (first.status, second.status) == (401, 200)
    assert first.token != second.token
    assert first.body == second.body == b'{"order": 1}'


@pytest.mark.parametrize(
    ("options", "sent_again"), [([], True), (["--compress"], True), (["--chunked"], False), (["--multipart"], False)]
)
def test_a_refused_upload(httpie: HTTPie, tmp_path: Path, options: list[str], sent_again: bool) -> None:
    """A file is sent again whole if HTTPie left it a file or bytes. What it made a stream of is not sent again."""
    content = b"order " * 10_000
    (tmp_path / "orders").write_bytes(content)
    httpie.server.api.next(REFUSAL)
    item = f"file@{tmp_path / 'orders'}" if options == ["--multipart"] else f"@{tmp_path / 'orders'}"
    run = httpie.run(*options, "--headers", "POST", item=item)
    bodies = [request.body for request in httpie.server.api_requests]
    assert ("HTTP/1.1 200" in run.output, len(bodies)) == (sent_again, 2 if sent_again else 1)
    if not options:
        assert bodies == [content] * 2
    assert len(set(bodies)) == 1
    assert len(httpie.server.token_requests) == 2


def test_an_api_that_refuses_every_token(httpie: HTTPie) -> None:
    """HTTPie shows the 401 and, on stderr, what to look at."""
    httpie.server.api.always(REFUSAL)
    run = httpie.run("--check-status")
    assert run.status == 4
    assert "invalid_token" in run.output
    assert "refused the token (401); it was a new one too: check scope" in run.errors
    assert len(httpie.server.api_requests) == 2


def test_redirects_are_not_followed_unless_asked(httpie: HTTPie) -> None:
    """As without the plugin."""
    httpie.server.api.next(Answer.redirect("/api/moved"))
    assert "302" in httpie.run("--headers").output
    assert len(httpie.server.api_requests) == 1


def test_redirects_within_the_api(httpie: HTTPie) -> None:
    """`--follow --all` shows each hop; the token goes along, and is renewed if the last hop refuses it."""
    httpie.server.api.next(Answer.redirect("/api/moved"), REFUSAL)
    run = httpie.run("--follow", "--all", "--headers")
    assert [line.split()[1] for line in run.output.splitlines() if line.startswith("HTTP/")] == ["302", "200"]
    hop, refused, accepted = httpie.server.api_requests
    assert [each.path for each in (hop, refused, accepted)] == ["/api/orders", "/api/moved", "/api/moved"]
    assert hop.token == refused.token == httpie.server.issued[0]
    assert accepted.token == httpie.server.issued[1]


@pytest.mark.parametrize("header", ["Authorization", "X-Token"])
def test_redirects_to_another_host(httpie: HTTPie, header: str) -> None:
    """No token goes there, not even in a header that requests does not know for one; and a 401 there renews nothing."""
    httpie.environment |= {"OAUTH_CC_HEADER_NAME": header, "OAUTH_CC_HEADER_VALUE_PATTERN": "%s"}
    with LoopbackServer() as elsewhere:
        httpie.server.api.next(Answer.redirect(elsewhere.api_url))
        run = httpie.run("--follow", "--all", "--verbose")
        (arrived,) = elsewhere.requests
    assert "401" in run.output
    assert header not in arrived.headers
    assert len(httpie.server.token_requests) == 1


def test_offline(httpie: HTTPie) -> None:
    """Nothing is sent at all; the request that is shown has a placeholder for the token."""
    run = httpie.run("--offline")
    assert (run.status, run.errors) == (0, "")
    assert "Authorization: Bearer <token>" in run.output
    assert httpie.server.requests == ()


def test_verify_is_about_the_api(httpie: HTTPie, certificate: Path) -> None:
    """`--verify=no` does not send the secret to a stranger: the token endpoint is still verified."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        httpie.environment[name] = ""
    with RawEndpoint(issue, tls(certificate)) as endpoint:
        httpie.environment["OAUTH_CC_TOKEN_URL"] = endpoint.url
        run = httpie.run("--verify=no")
        assert endpoint.requests == []
        httpie.environment["REQUESTS_CA_BUNDLE"] = str(certificate)
        httpie.run()
        assert endpoint.requests
    assert run.status == 1
    assert "certificate verify failed" in run.errors


def test_an_issuer_in_the_environment(httpie: HTTPie, login: Login) -> None:
    """Its metadata names the token endpoint."""
    login.documents[FORMS[0]] = login.document(httpie.server.token_url)
    del httpie.environment["OAUTH_CC_TOKEN_URL"]
    httpie.environment["OAUTH_CC_ISSUER"] = login.url
    run = httpie.run()
    assert (run.status, run.errors) == (0, "")
    assert len(httpie.server.token_requests) == 1
