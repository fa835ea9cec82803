"""``oauth-cc-auth check`` with an issuer in the place of a token URL."""

from __future__ import annotations

from oauth_cc_auth import Issuer
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.check.checks import diagnosis, direct
from tests.cli.runs import Run, run_fixture, variables
from tests.contract.issuer_server import FORMS, Login, login_fixture
from tests.contract.raw_endpoint import RawEndpoint

__all__ = ["direct", "login_fixture", "run_fixture"]

BASIC, POST = "client_secret_basic", "client_secret_post"


def test_it_works(run: Run, oauth_server: LoopbackServer, login: Login) -> None:
    """It says where tokens are issued, tries the methods as they are listed there, and goes on as with a URL."""
    login.documents[FORMS[1]] = login.document(
        oauth_server.token_url, token_endpoint_auth_methods_supported=[POST, BASIC]
    )
    ran = run("check", "--issuer", login.url, env=variables(oauth_server))
    assert (ran.status, ran.err) == (0, "")
    first, _, *lines = ran.out.splitlines()
    assert first == f"Checking {login.url}"
    assert [line.split()[1] for line in lines[:8]] == [
        *("settings", "DNS", "TCP", "TLS"),  # of the issuer
        *("issuer", "DNS", "TCP", "TLS"),  # of the token endpoint, which is in another place
    ]
    assert lines[4].startswith(f"\N{CHECK MARK} issuer     names {oauth_server.token_url}")
    assert ran.out.index(POST) < ran.out.index(BASIC)
    assert login.asked == FORMS[:2]


def test_an_endpoint_beside_its_issuer(login: Login) -> None:
    """One place is looked at once."""
    login.documents[FORMS[0]] = login.document(f"{login.origin}/token")
    found = diagnosis(Issuer(login.url), client_secret="s3cret")
    assert found.told.count("tcp ok") == 1
    assert found.findings.question.issuer == login.url
    assert found.findings.question.token_url == f"{login.origin}/token"
    assert found.fatal == ["path_not_found"]
    assert login.asked == [FORMS[0], "/token", "/token"]  # and the server is not asked where the endpoint is


def test_no_metadata(run: Run, oauth_server: LoopbackServer, login: Login) -> None:
    """It says which document failed and why, and sends no token request."""
    login.documents[FORMS[0]] = {"issuer": "https://evil.example", "token_endpoint": oauth_server.token_url}
    ran = run("check", "--issuer", login.url, "--json", env=variables(oauth_server))
    assert ran.status == 1
    assert ran.json["verdict"] == "It does not work: the issuer names no token endpoint."
    (cause,) = ran.json["causes"]
    assert cause["name"] == "issuer_not_discovered"
    assert "states another issuer, 'https://evil.example'" in cause["text"]
    assert (ran.json["settings"]["issuer"], ran.json["settings"]["token_url"]) == (login.url, login.url)
    assert ran.json["attempts"] == []
    assert oauth_server.requests == ()


def test_an_issuer_that_drops_the_connection() -> None:
    """The other documents are on the same host, and are not asked for."""
    with RawEndpoint(lambda wire: None) as endpoint:
        found = diagnosis(Issuer(endpoint.url), client_secret="s3cret")
        assert found.fatal == ["issuer_not_discovered"]
        assert "could not be reached" in found.cause("issuer_not_discovered").text
        assert found.findings.attempts == ()


def test_an_issuer_that_is_not_there() -> None:
    """As for a token URL: the connection fails first."""
    with RawEndpoint(lambda wire: None) as endpoint:
        url = endpoint.url
    found = diagnosis(Issuer(url), client_secret="s3cret")
    assert found.fatal == ["connection_refused"]


def test_a_slash_too_many(run: Run, oauth_server: LoopbackServer, login: Login) -> None:
    """The remedy is the option to type."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url)
    wanted = f"the slash at the end counts: pass --issuer {login.url}"
    ran = run("check", "--issuer", f"{login.url}/", "--json", env=variables(oauth_server))
    (cause,) = ran.json["causes"]
    assert cause["remedy"] == f"The slash at the end counts: pass --issuer {login.url}."
    ran = run("token", "--issuer", f"{login.url}/", env=variables(oauth_server))
    assert wanted in ran.err
    assert "Issuer(" not in ran.err


def test_metadata_that_cannot_be_used(login: Login) -> None:
    """The issuer is right, so no one has to look at its letters."""
    login.documents[FORMS[0]] = login.document("http://login.example.com/token")
    cause = diagnosis(Issuer(login.url), client_secret="s3cret").cause("issuer_not_discovered")
    assert "names a token_endpoint that is no URL, or no https one: 'http://login.example.com/token'" in cause.text
    assert cause.remedy == "Set --token-url to the URL of the token endpoint instead of the issuer."


def test_a_proof_of_possession_that_is_missing(run: Run, oauth_server: LoopbackServer) -> None:
    """A program passes an object, and a person an option."""
    oauth_server.token_endpoint.always(Answer.error("invalid_dpop_proof", "The DPoP proof JWT header is missing"))
    ran = run("token", env={**variables(oauth_server), "OAUTH_CC_TOKEN_URL": oauth_server.token_url})
    assert "the provider wants tokens to be bound to a key: pass --dpop" in ran.err


def test_the_metadata_as_token_url(oauth_server: LoopbackServer) -> None:
    """It is what people copy; no token is issued there, and this server has no metadata to name the endpoint."""
    url = f"{oauth_server.token_url.rpartition('/')[0]}/.well-known/openid-configuration"
    cause = diagnosis(url, client_secret="s3cret").cause("path_not_found")
    issuer = oauth_server.token_url.rpartition("/")[0]
    assert cause.remedy == (
        f"This is the URL of the issuer's metadata. In the place of --token-url, pass --issuer {issuer}"
    )
