"""What an authorization server says of itself, as far as a client needs it. Pure."""

from __future__ import annotations

from oauth_cc_auth._record import Record


class ServerMetadata(Record):
    """The metadata of one issuer (RFC 8414 §2), checked.

    Attributes:
        issuer: As it was typed, and as the document states it.
        token_url: The token endpoint.
        mtls_token_url: The same for clients with a certificate (RFC 8705 §5); None if there is no other one.
        revocation_url: Where tokens are revoked (RFC 7009); None if nowhere.
        methods: The client authentication methods that the server lists for its token endpoint; empty if it lists none.
        dpop_algorithms: What it takes for DPoP proofs (RFC 9449 §5.1); empty if it lists none.
    """

    __slots__ = ("dpop_algorithms", "issuer", "methods", "mtls_token_url", "revocation_url", "token_url")

    def __init__(
        self,
        *,
        issuer: str,
        token_url: str,
        mtls_token_url: str | None = None,
        revocation_url: str | None = None,
        methods: tuple[str, ...] = (),
        dpop_algorithms: tuple[str, ...] = (),
    ) -> None:
        self.issuer = issuer
        self.token_url = token_url
        self.mtls_token_url = mtls_token_url
        self.revocation_url = revocation_url
        self.methods = methods
        self.dpop_algorithms = dpop_algorithms
