"""The commands present the client's certificate to the API, as to the token endpoint (RFC 8705 §3)."""

from __future__ import annotations

import pytest

from oauth_cc_auth.testing import CertificateFiles, LoopbackServer
from tests.cli.runs import Run, run_fixture

__all__ = ["run_fixture"]


@pytest.fixture(name="mine")
def _mine(oauth_tls_server: LoopbackServer) -> CertificateFiles:
    oauth_tls_server.accepts, oauth_tls_server.certificate_bound = ("tls_client_auth",), True
    return oauth_tls_server.issue_certificate()


@pytest.fixture(name="env")
def _env(oauth_tls_server: LoopbackServer, mine: CertificateFiles) -> dict[str, str]:
    return {
        "OAUTH_CC_TOKEN_URL": oauth_tls_server.token_url,
        "OAUTH_CC_CLIENT_ID": "client",
        "OAUTH_CC_CERTIFICATE": mine.certificate,
        "OAUTH_CC_PRIVATE_KEY": mine.key,
        "OAUTH_CC_CLIENT_AUTHENTICATION": "tls_client_auth",
    }


@pytest.mark.parametrize("verbose", [False, True])
def test_request(
    verbose: bool, run: Run, env: dict[str, str], mine: CertificateFiles, oauth_tls_server: LoopbackServer
) -> None:
    """Also after a refusal, and to where a redirect within the origin leads."""
    oauth_tls_server.api.next(None, lambda request: oauth_tls_server.revoke_all())
    url = f"{oauth_tls_server.api_url}/orders"
    for target, options in ((url, ()), (url, ()), (f"{oauth_tls_server.origin}/redirect?to={url}", ("-L",))):
        ran = run("request", "GET", target, *options, *(["-v"] if verbose else []), env=env)
        assert (ran.status, ran.json["path"]) == (0, "/api/orders")
    assert {request.certificate for request in oauth_tls_server.requests} == {mine.thumbprint}


def test_both_in_one_file(
    run: Run, env: dict[str, str], mine: CertificateFiles, oauth_tls_server: LoopbackServer
) -> None:
    """Certificate and key."""
    with open(mine.certificate, "a", encoding="ascii") as both, open(mine.key, encoding="ascii") as key:  # noqa: PTH123
        both.write(key.read())
    del env["OAUTH_CC_PRIVATE_KEY"]
    assert run("request", "GET", oauth_tls_server.api_url, env=env).status == 0


def test_another_origin(run: Run, env: dict[str, str], oauth_tls_server: LoopbackServer) -> None:
    """It learns nothing of the client: neither the token nor the certificate goes there."""
    with LoopbackServer(tls=True) as other:
        redirect = f"{oauth_tls_server.origin}/redirect?to={other.origin}/open"
        with open(oauth_tls_server.ca_bundle, "a") as bundle, open(other.ca_bundle) as its:  # noqa: PTH123
            bundle.write(its.read())
        assert run("request", "GET", redirect, "-L", env=env).status == 0
        assert [request.certificate for request in other.requests] == [None]
        apart = {**env, "OAUTH_CC_API_ORIGINS": other.origin}
        assert run("request", "GET", f"{oauth_tls_server.origin}/open", env=apart).status == 0
    assert oauth_tls_server.requests[-1].certificate is None


@pytest.mark.parametrize("dpop", [False, True])
def test_check(
    dpop: bool, run: Run, env: dict[str, str], mine: CertificateFiles, oauth_tls_server: LoopbackServer
) -> None:
    """The call of the API presents it too, with a proof besides if tokens are bound to a key as well."""
    oauth_tls_server.dpop = oauth_tls_server.dpop_nonces = dpop
    ran = run("check", "--api-url", oauth_tls_server.api_url, *(["--dpop"] if dpop else []), env=env)
    assert ran.status == 0, ran.out
    assert oauth_tls_server.api_requests[-1].token_is_valid
    assert {request.certificate for request in oauth_tls_server.requests} == {mine.thumbprint}
