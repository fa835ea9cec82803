"""What finds a token in a store. The one law: a name holds proof of the credential, and everything that decides the
token, and shows nothing of either.

So another secret, scope or client is another entry. Without the secret, no one can find or read an entry. A reader of
the store cannot guess a secret, because each guess costs as much as scrypt (RFC 7914) takes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from oauth_cc_auth._authentication.base import AuthenticationContext, ClientAuthentication
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._endpoint import TokenEndpoint
from oauth_cc_auth._record import Record

# 16 MiB and some 50 ms; the higher values that RFC 7914 has for passwords are for texts that people make up.
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_MEMORY = 64 * 2**20  # bytes; what OpenSSL may use
_REMEMBERED = 64


class Keys(Record):
    """What a credential gives: a key for names, and one for what is kept."""

    __slots__ = ("naming", "sealing")

    def __init__(self, naming: bytes, sealing: bytes) -> None:
        self.naming = naming
        self.sealing = sealing

    def __repr__(self) -> str:
        return "Keys()"


# By a digest with a key of this process, so that no secret stays here. The order is that of their last use.
_known: OrderedDict[bytes, Keys] = OrderedDict()
_DIGEST_KEY = os.urandom(32)


def keys_from(proof: bytes, salt: bytes) -> Keys:
    """The keys that `proof` of a credential gives. Takes 50 ms for each new one in this process, and blocks."""
    digest = hmac.digest(_DIGEST_KEY, len(salt).to_bytes(8, "big") + salt + proof, "sha256")
    known = _known.pop(digest, None)
    if known is None:
        salted = hashlib.sha256(b"oauth_cc_auth token store 1\0" + salt).digest()
        both = hashlib.scrypt(proof, salt=salted, n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=_MEMORY, dklen=64)
        known = Keys(both[:32], both[32:])
    _known[digest] = known
    while len(_known) > _REMEMBERED:
        _known.popitem(last=False)
    return known


def proof_of(config: ClientCredentialsConfig, context: AuthenticationContext) -> bytes | None:
    """Proof of the credential as it is now; None if it gives none, and then nothing is stored. May block.

    Args:
        config: The credentials.
        context: Has the secret, asked for if that is a callable.
    """
    method = config.authentication
    proof = method.proof_of_credential(context) if isinstance(method, ClientAuthentication) else context.client_secret
    return proof.encode() if isinstance(proof, str) else proof


def salt_of(config: ClientCredentialsConfig) -> bytes:
    """What makes equal secrets of two clients different keys."""
    return json.dumps([config.source_url, config.client_id]).encode()


def name_of(keys: Keys, config: ClientCredentialsConfig) -> str:
    """The name of the entry: an HMAC of everything that decides the token, in hexadecimal digits."""
    return hmac.new(keys.naming, _description(config).encode(), "sha256").hexdigest()


def name_beside(name: str) -> str:
    """The name under which a token is left that may not be written to the entry of `name`."""
    return hashlib.sha256(name.encode()).hexdigest()


def _description(config: ClientCredentialsConfig) -> str:
    """What decides the token, as text that is the same in every process."""
    method = config.client_authentication
    source = config.token_source
    described = {
        "source": {**source.arguments(), "url": source.url} if isinstance(source, TokenEndpoint) else config.source_url,
        "issuer": None if config.issuer is None else config.issuer.url,
        "client_id": config.client_id,
        "method": f"{type(method).__qualname__} {method.name}" if isinstance(method, ClientAuthentication) else method,
        "grant_type": config.grant_type,
        "scope": config.scope,
        "resource": config.resource,
        "data": config.additional_request_data,
        "headers": config.additional_headers,
        "dpop": None if config.dpop is None else config.dpop.thumbprint,
    }
    return json.dumps(described, default=_as_json, sort_keys=True)


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return place_of(value) or os.urandom(16).hex()  # `shareable` has refused what has no place; it had one then


def place_of(function: Any) -> str | None:
    """Where `function` is in every process: its module and its name there. None if it cannot be found by these.

    Those that a function makes cannot, nor methods of an object, partials and lambdas: two of a name may do two things.
    """
    module, path = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(path, str):
        return None
    found: Any = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    if found is not function:
        return None
    if module in ("__main__", "__mp_main__"):  # of any program; a child of multiprocessing calls it by the second name
        module = getattr(sys.modules[module], "__file__", None) or ""
    return f"{module}:{path}" if module else None
