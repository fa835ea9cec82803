"""Assertions that the client signs itself (RFC 7523): with a private key, or with its secret.

The one law: an assertion is used once. Each token request gets a new ``jti``, a retry too: servers refuse a second use.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import hmac
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from oauth_cc_auth._errors import ConfigurationError

from .base import AuthenticationContext, ClientAuthentication, Credentials
from .jws import check_lifetime, fresh_claims, signed
from .key_source import KeySource

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


class _SignedAssertion(ClientAuthentication):
    """What `PrivateKeyJwt` and `ClientSecretJwt` have in common: the claims."""

    def __init__(
        self,
        audience: str | list[str] | None,
        lifetime: float,
        claims: Mapping[str, Any] | None,
        headers: Mapping[str, Any] | None,
    ) -> None:
        check_lifetime(lifetime)
        self._audience = audience
        self._lifetime = lifetime
        self._claims = dict(claims or {})
        self._headers = dict(headers or {})

    def _arguments(self) -> dict[str, Any]:
        given = {
            "audience": self._audience,
            "lifetime": self._lifetime,
            "claims": self._claims,
            "headers": self._headers,
        }
        return {name: value for name, value in given.items() if value}

    def _credentials(
        self, context: AuthenticationContext, header: Mapping[str, Any], sign: Callable[[bytes], bytes]
    ) -> Credentials:
        audience = self._audience or context.issuer or context.token_url
        claims = {
            "iss": context.client_id,
            "sub": context.client_id,
            "aud": audience,
            **fresh_claims(self._lifetime),
            **self._claims,
        }
        header = {**header, **self._headers}
        key_id = header.get("kid")
        known_as = "no kid" if key_id is None else f"kid {key_id!r}"
        return Credentials(
            fields={
                "client_id": context.client_id,
                "client_assertion_type": JWT_BEARER,
                "client_assertion": signed(header, claims, sign),
            },
            note=f"the assertion had aud {claims['aud']!r}, {known_as}, alg {header['alg']}",
        )

    # Immutable, so a copy is the same one.
    def __copy__(self) -> "ClientAuthentication":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "ClientAuthentication":
        return self


class PrivateKeyJwt(_SignedAssertion):
    """``private_key_jwt``: a JWT signed with the client's private key (RFC 7523 §2.2, OpenID Connect Core §9).

    The key is loaded and checked here, in the caller's thread. Files are read anew for each token request. Signing runs
    in a worker thread in async code. It needs the extra ``[jwt]``. A pickle holds the names of files, and no key; keys
    that are not in files cannot be pickled.

    Args:
        key: PEM text or bytes, a JWK (a mapping or JSON), a private key of cryptography, or a `Path` to a file with
            PEM, DER, a JWK or PKCS#12.
        sign: Instead of a key: a callable that is given the message as bytes and returns its signature, for a KMS, an
            HSM or an agent. It may block.
        algorithm: ``RS256`` to ``RS512``, ``PS256`` to ``PS512``, ``ES256`` to ``ES512`` or ``EdDSA``. None: what the
            JWK says, or what fits the key. Required with `sign`.
        key_id: The ``kid`` in the header; None: that of the JWK.
        password: Of an encrypted key or PKCS#12 file.
        certificate: The certificate of the key: PEM text or bytes, or a `Path`. Its thumbprint goes into the header as
            ``x5t#S256`` (Entra ID wants it).
        audience: Who the assertion is for. None: the issuer if there is one, else the token URL as you typed it.
        lifetime: Seconds that the assertion is good for.
        claims: More claims. They may replace ours.
        headers: More members of the header. They may replace ours.

    Raises:
        ConfigurationError: there is no key that can sign, or the extra is not installed.
    """

    name = "private_key_jwt"
    needs_secret = False

    def __init__(
        self,
        key: Any = None,
        *,
        sign: Callable[[bytes], bytes] | None = None,
        algorithm: str | None = None,
        key_id: str | None = None,
        password: str | bytes | None = None,
        certificate: str | bytes | Path | None = None,
        audience: str | list[str] | None = None,
        lifetime: float = 60.0,
        claims: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(audience, lifetime, claims, headers)
        self._source = KeySource(
            key, sign=sign, algorithm=algorithm, key_id=key_id, password=password, certificate=certificate
        )

    @property
    def thumbprint(self) -> str | None:
        """The JWK thumbprint of the key (RFC 7638); None if only `sign` has it."""
        return self._source.current().thumbprint

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        """A new assertion, as body fields."""
        key = self._source.current()
        return self._credentials(context, key.header, key.sign)

    def proof_of_credential(self, context: AuthenticationContext) -> bytes | None:
        """A digest of the key, and of what the assertion says; None if only `sign` has the key."""
        proof = self._source.current().proof
        said = json.dumps([self._audience, self._claims, self._headers], sort_keys=True, default=repr).encode()
        return None if proof is None else hmac.digest(proof, said, "sha256")

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **self._source.arguments_to_pickle(), **self._arguments()), ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._source.shown})"


class ClientSecretJwt(_SignedAssertion):
    """``client_secret_jwt``: a JWT signed with the client secret, which itself is not sent (OpenID Connect Core §9).

    Args:
        algorithm: ``HS256``, ``HS384`` or ``HS512``.
        audience, lifetime, claims, headers: See `PrivateKeyJwt`.

    Raises:
        ConfigurationError: the algorithm is another one.
    """

    name = "client_secret_jwt"

    def __init__(
        self,
        algorithm: str = "HS256",
        *,
        audience: str | list[str] | None = None,
        lifetime: float = 60.0,
        claims: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(audience, lifetime, claims, headers)
        if algorithm not in _HASHES:
            problem = "is not one that signs with a secret"
            raise ConfigurationError(field="algorithm", problem=problem, remedy=f"pass {', '.join(_HASHES)}")
        self._algorithm = algorithm

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        """A new assertion, as body fields."""
        secret = (context.client_secret or "").encode()
        header = {"typ": "JWT", "alg": self._algorithm}
        return self._credentials(
            context, header, lambda message: hmac.digest(secret, message, _HASHES[self._algorithm])
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), self._algorithm, **self._arguments()), ()


for _class in (PrivateKeyJwt, ClientSecretJwt):
    _class.__module__ = "oauth_cc_auth"
del _class
