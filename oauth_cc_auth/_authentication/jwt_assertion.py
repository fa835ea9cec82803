"""The JWT bearer grant (RFC 7523 §2.1): an assertion as the grant itself."""

# Not `from __future__ import annotations`: see private_key_jwt.
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .jws import check_lifetime, fresh_claims, signed
from .key_source import KeySource

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class JwtAssertion:
    """A value for `additional_request_data`: a new signed JWT for each token request (RFC 7523 §2.1).

    Google service accounts, Salesforce, ServiceNow, DocuSign and Adobe take one as ``assertion``, with
    ``grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer"``.

    Args:
        key, sign, algorithm, key_id, password, certificate: See `PrivateKeyJwt`.
        issuer: The ``iss`` claim.
        subject: The ``sub`` claim; None: none.
        audience: The ``aud`` claim.
        lifetime: Seconds that it is good for.
        claims: More claims, such as ``{"scope": "..."}``. They may replace ours.
        headers: More members of the header.

    Raises:
        ConfigurationError: there is no key that can sign, `lifetime` is no number of seconds, or the extra ``[jwt]`` is
            not installed.
    """

    def __init__(
        self,
        key: Any = None,
        *,
        issuer: str,
        audience: str | list[str],
        subject: str | None = None,
        sign: Callable[[bytes], bytes] | None = None,
        algorithm: str | None = None,
        key_id: str | None = None,
        password: str | bytes | None = None,
        certificate: str | bytes | Path | None = None,
        lifetime: float = 60.0,
        claims: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> None:
        check_lifetime(lifetime)
        self._source = KeySource(
            key, sign=sign, algorithm=algorithm, key_id=key_id, password=password, certificate=certificate
        )
        self._named: dict[str, Any] = {
            "issuer": issuer,
            "audience": audience,
            "subject": subject,
            "lifetime": lifetime,
            "claims": dict(claims or {}),
            "headers": dict(headers or {}),
        }

    def __call__(self) -> str:
        """A new assertion. It may read files and ask a person's callable, so it blocks."""
        key, named = self._source.current(), self._named
        claims = {
            "iss": named["issuer"],
            **({} if named["subject"] is None else {"sub": named["subject"]}),
            "aud": named["audience"],
            **fresh_claims(named["lifetime"]),
            **named["claims"],
        }
        return signed({**key.header, **named["headers"]}, claims, key.sign)

    @property
    def thumbprint(self) -> str | None:
        """The JWK thumbprint of the key (RFC 7638); None if only `sign` has it."""
        return self._source.current().thumbprint

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **self._source.arguments_to_pickle(), **self._named), ()

    def __deepcopy__(self, memo: dict[int, Any]) -> "JwtAssertion":
        return self

    def __repr__(self) -> str:
        return f"JwtAssertion(issuer={self._named['issuer']!r}, audience={self._named['audience']!r})"


JwtAssertion.__module__ = "oauth_cc_auth"
