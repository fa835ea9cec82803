"""TLS contexts for token requests with httpx and httpx2, shared by all auth objects of the process."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.tls_contexts import paths_of_openssl, shared_context
from oauth_cc_auth._http.interrupts import Ignoring

if TYPE_CHECKING:
    from oauth_cc_auth._authentication.client_certificate import ClientCertificate

# Where httpx2 looks if OpenSSL's own paths lead nowhere.
_OF_SYSTEMS = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)


def tls_context(library: Any, certificate: ClientCertificate | None = None) -> Any:
    """The context with which a client of `library` that is made now verifies servers. Blocks.

    Args:
        certificate: What the context is to present.

    Raises:
        OSError: a bundle cannot be read.
    """
    build = library.create_ssl_context
    return shared_context(build, known_by=(build,), files=_files(), certificate=certificate)


def no_tls() -> ssl.SSLContext:
    """The context of a client that speaks no TLS; it trusts no server.

    Without one, each client makes its own. That is much of the work of a renewal: OpenSSL prepares itself anew in each
    thread.
    """
    return _that_trusts_no_one(ssl.SSLContext)


@cache
def _that_trusts_no_one(of: type[ssl.SSLContext]) -> ssl.SSLContext:
    return of(ssl.PROTOCOL_TLS_CLIENT)


def _files() -> Iterator[str | None]:
    """All that a new context may be made from: it depends on the version of the library what it is made from."""
    file, folders = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR", "")
    yield file
    yield from folders.split(os.pathsep)  # OpenSSL takes a list
    with Ignoring(ImportError):
        yield import_module("certifi").where()
    if not file and not folders:
        yield from (*paths_of_openssl(), *_OF_SYSTEMS)
