"""TLS contexts that token requests of this process share: to load 140 certificates anew takes 20 ms of CPU each time.

The one law: a shared context is what a new one would be. So it is known by everything that decides about a new one: who
builds it and from which classes, the environment, and the files, with the times of their last change. No one changes a
shared context: if a library does so all the same, it is shared no more from that moment on.

They are for token requests that we send with a client of our own, by HTTP/1.1. A context that presents a certificate of
the client presents it whenever it is asked to, so that certificate is part of what it is known by.
"""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._http.limited_tls import LimitedSocket

if TYPE_CHECKING:
    from oauth_cc_auth._authentication.client_certificate import ClientCertificate

# What OpenSSL and Python read when a context is made or a certificate is looked up.
_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "OPENSSL_CONF")

HTTP_1 = ["http/1.1"]  # what a client without HTTP/2 says that it speaks (ALPN, RFC 7301)

MOST = 8  # contexts, of some 400 kB each; one more is the latest


def shared_context(
    build: Callable[[], Any],
    *,
    known_by: Iterable[Hashable],
    files: Iterable[str | None],
    certificate: ClientCertificate | None = None,
) -> Any:
    """What `build` makes, or has made in the same circumstances. Blocks, since it looks at files.

    Args:
        build: Makes a context that speaks HTTP/1.1; it depends on `known_by` and `files`, and on nothing else but the
            environment.
        known_by: Functions and classes that it uses.
        files: Paths of the files and directories with certificates that it loads, or may load.
        certificate: What the context is to present.

    Raises:
        OSError: files cannot be read, or hold no certificates; whatever `build` raises.
    """
    key = (
        *(ssl.SSLContext, ssl.create_default_context, *known_by),
        *map(os.environ.get, _VARIABLES),
        *((path, _state_of(path)) for path in files if path),
        *_identity_of(certificate),
    )
    context = _shared.get(key)
    if context is None:
        context = build()
        if certificate is not None:
            certificate.load_into(context)
        if _can_be_shared(context):
            context.set_alpn_protocols(HTTP_1)
            context.__class__ = _shared_class(type(context))  # type: ignore[arg-type]  # a class can be hashed
            context = _remembered(key, context)
    return context


# By what decides about them, the oldest first. No lock: of two threads that build the same context at once, both use
# the one that comes first.
_shared: dict[tuple[Hashable, ...], Any] = {}


def _remembered(key: tuple[Hashable, ...], context: Any) -> Any:
    context = _shared.setdefault(key, context)
    for oldest in list(_shared)[:-MOST]:
        _shared.pop(oldest, None)
    return context


def _forget(context: Any) -> None:
    for key, known in list(_shared.items()):
        if known is context:
            _shared.pop(key, None)


def _identity_of(certificate: ClientCertificate | None) -> Iterator[Hashable]:
    if certificate is None:
        return
    yield certificate.file, certificate.key_file, certificate.password
    for path in (certificate.file, certificate.key_file):
        yield None if path is None else _state_of(path)


def _state_of(path: str) -> Hashable:
    """What changes if the file changes, or a file in the directory; None if there is nothing to look at."""
    try:
        state = os.stat(path)  # noqa: PTH116  # for each token request; a Path would cost as much again
        if not stat.S_ISDIR(state.st_mode) or _is_of_the_system(state):
            return _marks(state)
        with os.scandir(path) as entries:
            return _marks(state), tuple(sorted((entry.name, _marks(entry.stat())) for entry in entries))
    except OSError:
        return None  # what builds the context knows how to say that


def _is_of_the_system(folder: os.stat_result) -> bool:
    """True for OpenSSL's own, with hundreds of files: what changes one of them puts a new bundle beside it."""
    with Ignoring(OSError):
        return os.path.samestat(folder, os.stat(paths_of_openssl()[1]))  # noqa: PTH116  # as above
    return False


@cache
def paths_of_openssl() -> tuple[str, str]:
    """File and directory of certificates that OpenSSL was built with."""
    paths = ssl.get_default_verify_paths()
    return paths.openssl_cafile, paths.openssl_capath


def _marks(state: os.stat_result) -> tuple[int, ...]:
    return state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino, state.st_dev


def _can_be_shared(context: Any) -> bool:
    """True for contexts of the standard library.

    Those of truststore hold a lock during the handshake, for which an event loop would wait, and pyOpenSSL's cannot be
    used by several threads.
    """
    return type(context).__module__ == "ssl"


# Methods that change a context; not all Pythons have all of them.
_CHANGING = {
    *("load_cert_chain", "load_default_certs", "load_verify_locations", "set_default_verify_paths"),
    *("set_alpn_protocols", "set_ciphers", "set_ecdh_curve", "set_npn_protocols", "set_servername_callback"),
    *("set_psk_client_callback", "load_dh_params"),
}


@cache
def _shared_class(cls: Any) -> type[Any]:
    """The subclass of a context's class whose contexts leave as soon as they are changed.

    To set what is set already changes nothing: urllib3 and httpcore do so for each connection. Its sockets can be
    limited in time.
    """

    class SharedContext(cls):  # type: ignore[misc]  # a class known when the program runs
        __slots__ = ()

        sslsocket_class = LimitedSocket

        def __setattr__(self, name: str, value: Any) -> None:
            if getattr(self, name, None) != value:
                _forget(self)
                super().__setattr__(name, value)

    def changing(name: str) -> Callable[..., Any]:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            if (name, args) == ("set_alpn_protocols", (HTTP_1,)):
                return None
            _forget(self)
            return getattr(super(SharedContext, self), name)(*args, **kwargs)

        method.__name__ = name
        return method

    for name in _CHANGING.intersection(dir(cls)):
        setattr(SharedContext, name, changing(name))
    return SharedContext
