"""Tokens that are bound to a key (DPoP, RFC 9449). The one law: one key for as long as the object lives.

A token is of no use without the key that it was bound to, so a file with a key is read once, and not again.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import json
from pathlib import Path
from typing import Any

from oauth_cc_auth._errors import ConfigurationError

from .keys import SigningKey, load_libraries, signing_key

# Elliptic curves sign faster than a thread starts; RSA keys do not.
_QUICK = frozenset({"EC", "OKP"})


class DPoP:
    """A key that tokens are bound to (RFC 9449): without it, a stolen token is of no use.

    One object may serve any number of auth objects, whose tokens are bound to the same key then. Copies share the key.
    With ``key=None``, a pickle holds no key, and what is made of it makes one of its own.

    Args:
        key: None makes a key that lives as long as the process. Or a private key of yours: PEM text or bytes, a JWK, a
            private key of cryptography, or a `Path` to a file with one. It is read once, here.
        algorithm: How proofs are signed. None: what fits the key, such as ``RS256`` for RSA; without a key it is
            ``ES256``, which all servers know.
        password: Of an encrypted key.

    Raises:
        ConfigurationError: the key cannot be used, it does not fit the algorithm, or the extra ``[jwt]`` is missing.
    """

    def __init__(self, key: Any = None, algorithm: str | None = None, *, password: str | bytes | None = None) -> None:
        self._given = key
        self._has_password = password is not None
        made = _made("ES256" if algorithm is None else algorithm) if key is None else key
        self._key = signing_key(made, algorithm=algorithm, password=password)

    @property
    def thumbprint(self) -> str:
        """What names the key, and is no secret: its JWK thumbprint (RFC 7638), the ``jkt`` of the tokens."""
        return self._key.thumbprint or ""

    @property
    def algorithm(self) -> str:
        """How proofs are signed."""
        return self._key.algorithm

    @property
    def is_made_here(self) -> bool:
        """True if the key was made by this object, so that no other process has it."""
        return self._given is None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DPoP):
            return NotImplemented
        return (self.thumbprint, self.algorithm) == (other.thumbprint, other.algorithm)

    def __hash__(self) -> int:
        return hash(self.thumbprint)

    def __copy__(self) -> "DPoP":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "DPoP":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._has_password or not isinstance(self._given, (Path, type(None))):
            raise TypeError("a private key is not pickled: give DPoP a Path to a file that is there in each process")
        return type(self), (self._given, self.algorithm)

    def __repr__(self) -> str:
        return f"DPoP(algorithm={self.algorithm!r}, thumbprint={self.thumbprint!r})"


DPoP.__module__ = "oauth_cc_auth"


def signing_key_of(dpop: DPoP) -> SigningKey:
    """The key of `dpop`."""
    return dpop._key


def signs_quickly(dpop: DPoP) -> bool:
    """True if a signature takes less time than a thread needs to start."""
    return (dpop._key.public_jwk or {}).get("kty") in _QUICK


def header_of(dpop: DPoP) -> str:
    """The header of each proof, as JSON (RFC 9449 §4.2)."""
    header = {"typ": "dpop+jwt", "alg": dpop.algorithm, "jwk": dict(dpop._key.public_jwk or {})}
    return json.dumps(header, separators=(",", ":"))


def _made(algorithm: str) -> Any:
    """A new private key for `algorithm`."""
    load_libraries("dpop")
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    curves: dict[str, Any] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
    if algorithm in curves:
        return ec.generate_private_key(curves[algorithm]())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm.startswith(("RS", "PS")):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    raise ConfigurationError(field="algorithm", problem=f"is unknown: {algorithm!r:.40}", remedy="pass 'ES256'")
