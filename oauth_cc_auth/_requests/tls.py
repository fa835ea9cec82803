"""TLS contexts for token requests with requests, shared by all auth objects of the process.

The adapter of requests has its pool load the bundle for each connection, into whatever context it is given. So a pool
that gets a shared context has no bundle of its own.
"""

from __future__ import annotations

import ssl
from importlib import import_module
from typing import Any

from oauth_cc_auth._adapter.tls_contexts import HTTP_1, shared_context
from oauth_cc_auth._http.interrupts import is_interrupt

# Methods of the adapter that packages replace to have other certificates trusted, such as the system's.
_DECIDING = ("cert_verify", "get_connection_with_tls_context", "init_poolmanager", "send")


class _Paths:
    """What `HTTPAdapter.cert_verify` sets, for a pool: where certificates are."""

    ca_certs: str | None = None
    ca_cert_dir: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


def tls_context(
    adapter: Any, library: Any, url: str, *, verify: Any, cert: Any, proxies: Any, password: str | None = None
) -> Any:
    """The context with which `adapter` sends a request to `url`; None if its pool is to make one for itself.

    Args:
        adapter: Of the session; the methods in `_DECIDING` are those of its base.
        library: requests, or one that looks like it.
        url: Of the token endpoint.
        verify, cert, proxies: As the adapter is given them.
        password: Of the key in `cert`.

    Raises:
        OSError: a file with certificates is missing, cannot be read or holds none.
    """
    if not url.lower().startswith("https:") or not verify or not _is_usual(library):
        return None
    proxy = library.utils.select_proxy(url, proxies)
    if proxy is not None and proxy.lower().startswith("https:"):
        return None  # the proxy's certificate is verified too, with the pool's bundle
    paths: Any = _Paths()
    library.adapters.HTTPAdapter.cert_verify(adapter, paths, url, verify, cert)
    bundle, folder = paths.ca_certs, paths.ca_cert_dir
    if not bundle and not folder:  # requests 2.32.2 means its own bundle, which it has loaded
        bundle = library.utils.extract_zipped_paths(library.adapters.DEFAULT_CA_BUNDLE_PATH)
    module: Any = import_module("urllib3.util.ssl_")

    def build() -> Any:
        context = module.create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
        try:
            context.load_verify_locations(bundle, folder)
        except OSError as error:
            if is_interrupt(error):
                raise
            raise library.exceptions.SSLError(error) from error  # as it is if the pool loads it
        return context

    certificate = None
    if paths.cert_file is not None:
        from oauth_cc_auth._authentication.client_certificate import ClientCertificate

        certificate = ClientCertificate(paths.cert_file, paths.key_file, password)
    return shared_context(
        build,
        known_by=(module.create_urllib3_context, module.SSLContext),
        files=(bundle, folder),
        certificate=certificate,
    )


def use(context: Any, pool: Any) -> None:
    """Have the connections of `pool` use `context`, and change nothing in it."""
    pool.conn_kw["ssl_context"] = context
    pool.cert_reqs = "CERT_REQUIRED"
    pool.ca_certs = pool.ca_cert_dir = pool.cert_file = pool.key_file = None


def _is_usual(library: Any) -> bool:
    """True if requests itself decides how servers are verified, and its urllib3 speaks HTTP/1.1 only."""
    adapters = library.adapters
    if library.__name__ != "requests" or adapters.PoolManager.__module__ != "urllib3.poolmanager":
        return False
    own = [getattr(vars(adapters.HTTPAdapter).get(name), "__globals__", None) for name in _DECIDING]
    spoken = getattr(import_module("urllib3.util.ssl_"), "ALPN_PROTOCOLS", None)
    return all(names is vars(adapters) for names in own) and spoken == HTTP_1
