"""TLS contexts for token requests with httpx and httpx2, shared by all auth objects of the process."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from oauth_cc_auth._adapter.tls_contexts import ClientCertificate, shared_context
from oauth_cc_auth._http.interrupts import Ignoring

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


def _files() -> Iterator[str | None]:
    """All that a new context may be made from: it depends on the version of the library what it is made from."""
    yield os.environ.get("SSL_CERT_FILE")
    yield from os.environ.get("SSL_CERT_DIR", "").split(os.pathsep)  # OpenSSL takes a list
    with Ignoring(ImportError):
        yield import_module("certifi").where()
    paths = ssl.get_default_verify_paths()
    yield from (paths.openssl_cafile, paths.openssl_capath, *_OF_SYSTEMS)
