"""The revocation request (RFC 7009 §2.1), and what its answer means (§2.2). Pure: no I/O.

The client proves itself as it does for a token, to the same server.
"""

from __future__ import annotations

from oauth_cc_auth._authentication.base import AuthenticationContext, ClientAuthentication, Credentials
from oauth_cc_auth._authentication.described import filled
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._settings import returned

from .answer import read_answer
from .exchange import Reply, TokenRequest, TokenResponse, merged, own_headers, secrets_in
from .failure import Failure
from .fields import CONTENT_TYPES, Fields, body_of
from .server_metadata import ServerMetadata

REVOCATION_ENDPOINT = "revocation endpoint"


def revocation_request(
    config: ClientCredentialsConfig,
    strategy: ClientAuthentication,
    client_secret: str | None,
    *,
    token: str,
    url: str,
    server: ServerMetadata | None = None,
) -> TokenRequest:
    """The request that revokes `token`, authenticated with `strategy`.

    Args:
        config: Of the client.
        strategy: Proves it.
        client_secret: The secret, asked for if that is a callable.
        token: Text of the access token.
        url: Of the revocation endpoint.
        server: The metadata of the issuer, if the config has one.

    Raises:
        ConfigurationError: `strategy` returned no `Credentials`, or wrong ones. What it raises itself comes through.
    """
    context = AuthenticationContext(
        client_id=config.client_id,
        client_secret=client_secret,
        token_url=config.source_url if server is None else server.token_url,
        issuer=None if server is None else server.issuer,
        mtls_token_url=None if server is None else server.mtls_token_url,
    )
    del client_secret  # as for a token request
    credentials = returned.credentials(strategy.credentials_for(context))
    fields: Fields = [("token", token), ("token_type_hint", "access_token"), *credentials.fields]
    placed, request_format = Credentials(), "form"
    endpoint = config.endpoint
    if endpoint is not None and endpoint.authentication is not None:
        known = config.client_id, context.client_secret or ""
        placed = returned.credentials(Credentials(headers=filled(dict(endpoint.credential_headers), *known)))
        fields += filled(endpoint.credential_template, *known).items()
        request_format = "json" if endpoint.request_format == "json" else "form"
    given = tuple((name, value) for name, value in config.additional_headers if not callable(value))
    return TokenRequest(
        url=url,
        headers=merged(own_headers(CONTENT_TYPES[request_format]), given, credentials.headers, placed.headers),
        body=body_of(fields, request_format),
        method=strategy.name,
        scope=None,
        secrets=(
            token,
            *secrets_in(config, context.client_secret, (*credentials.headers, *placed.headers), given, fields),
        ),
        note=credentials.note,
        certificate=strategy.client_certificate,
        asked=REVOCATION_ENDPOINT,
        setting="revocation_url",
    )


def read_revocation(request: TokenRequest, answer: Reply, wall: float) -> Failure | None:
    """Why the token may still be good; None if it is revoked, or was unknown already (RFC 7009 §2.2).

    Args:
        request: What was asked.
        answer: What came back.
        wall: Unix time in seconds at which it came.
    """
    if isinstance(answer, TokenResponse) and 200 <= answer.status_code < 300:
        return None
    read = read_answer(request, answer, wall)
    return read if isinstance(read, Failure) else None
