"""OAuth 2.0 client credentials (RFC 6749 §4.4) for requests, httpx and httpx2.

The auth class is in a module named after the library: `oauth_cc_auth.requests`, `oauth_cc_auth.httpx`,
`oauth_cc_auth.httpx2`. What is here imports no HTTP library.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from ._config import ClientCredentialsConfig
from ._errors import (
    Attempt,
    ConfigurationError,
    DiscoveryError,
    InsecureRequestError,
    InvalidTokenResponse,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
)

if _TYPE_CHECKING:
    from ._authentication.base import AuthenticationContext, ClientAuthentication, Credentials
    from ._authentication.basic import ClientSecretBasic
    from ._authentication.client_assertion import ClientAssertion, NoClientAuthentication
    from ._authentication.dpop import DPoP
    from ._authentication.from_environment import FromEnvironment
    from ._authentication.from_file import FromFile
    from ._authentication.jwt_assertion import JwtAssertion
    from ._authentication.post import ClientSecretPost
    from ._authentication.private_key_jwt import ClientSecretJwt, PrivateKeyJwt
    from ._authentication.tls_client_authentication import TlsClientAuthentication
    from ._endpoint import TokenEndpoint
    from ._events import (
        ApiMetadataRead,
        Event,
        FallbackTried,
        FetchFailed,
        HeldOff,
        StoreFailed,
        TokenFound,
        TokenLeaked,
        TokenObtained,
        TokenRefused,
    )
    from ._issuer import Issuer
    from ._token import Token
    from ._version import __version__

__all__ = [
    "ApiMetadataRead",
    "Attempt",
    "AuthenticationContext",
    "ClientAssertion",
    "ClientAuthentication",
    "ClientCredentialsConfig",
    "ClientSecretBasic",
    "ClientSecretJwt",
    "ClientSecretPost",
    "ConfigurationError",
    "Credentials",
    "DPoP",
    "DiscoveryError",
    "Event",
    "FallbackTried",
    "FetchFailed",
    "FromEnvironment",
    "FromFile",
    "HeldOff",
    "InsecureRequestError",
    "InvalidTokenResponse",
    "Issuer",
    "JwtAssertion",
    "NoClientAuthentication",
    "PrivateKeyJwt",
    "StoreFailed",
    "TlsClientAuthentication",
    "Token",
    "TokenEndpoint",
    "TokenEndpointError",
    "TokenEndpointUnreachable",
    "TokenError",
    "TokenFound",
    "TokenLeaked",
    "TokenObtained",
    "TokenRefused",
    "__version__",
]

# Tracebacks and pickles then name what a person can import.
for _class in (
    Attempt,
    ClientCredentialsConfig,
    ConfigurationError,
    DiscoveryError,
    InsecureRequestError,
    InvalidTokenResponse,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
):
    _class.__module__ = __name__
del _class

# What most programs have no use for is imported when someone asks for it. Put such a name here, into `__all__` and
# into the block for type checkers above; its own module sets its `__module__` to "oauth_cc_auth". A check of an
# argument must not load it either: if nobody has imported the module, no argument is an object of its class.
_LAZY = {
    "ApiMetadataRead": "_events",
    "AuthenticationContext": "_authentication.base",
    "ClientAssertion": "_authentication.client_assertion",
    "ClientAuthentication": "_authentication.base",
    "ClientSecretBasic": "_authentication.basic",
    "ClientSecretJwt": "_authentication.private_key_jwt",
    "ClientSecretPost": "_authentication.post",
    "Credentials": "_authentication.base",
    "DPoP": "_authentication.dpop",
    "Event": "_events",
    "FallbackTried": "_events",
    "FetchFailed": "_events",
    "FromEnvironment": "_authentication.from_environment",
    "FromFile": "_authentication.from_file",
    "HeldOff": "_events",
    "Issuer": "_issuer",
    "JwtAssertion": "_authentication.jwt_assertion",
    "NoClientAuthentication": "_authentication.client_assertion",
    "PrivateKeyJwt": "_authentication.private_key_jwt",
    "StoreFailed": "_events",
    "Token": "_token",
    "TokenEndpoint": "_endpoint",
    "TokenFound": "_events",
    "TokenLeaked": "_events",
    "TlsClientAuthentication": "_authentication.tls_client_authentication",
    "TokenObtained": "_events",
    "TokenRefused": "_events",
    "__version__": "_version",
}


def __dir__() -> list[str]:
    return [*globals(), *_LAZY]  # what one finds by completion


def __getattr__(name: str) -> object:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    if name == "ClientCredentialsAuth":
        raise ImportError(
            "ClientCredentialsAuth is in a module for each library: import it from oauth_cc_auth.requests, "
            "oauth_cc_auth.httpx or oauth_cc_auth.httpx2"
        )
    from ._doors import refuse

    return refuse(__name__, name)
