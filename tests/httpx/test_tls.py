"""`_httpx.tls`: which files decide about a context."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Iterable
from typing import Any

import certifi
import httpx
import pytest

from oauth_cc_auth._adapter import tls_contexts
from oauth_cc_auth._authentication.client_certificate import ClientCertificate
from oauth_cc_auth._httpx import tls


@pytest.fixture(autouse=True)
def _none_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_contexts, "_shared", {})
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def files_of_a_context(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Those that `tls_context` names."""
    named: list[str | None] = []

    def note(build: object, *, files: Iterable[str | None], **others: object) -> None:
        named.extend(files)

    monkeypatch.setattr(tls, "shared_context", note)
    tls.tls_context(httpx)
    return named


@pytest.mark.parametrize("certificate", [None, ClientCertificate("client.pem")])
def test_what_a_context_is_known_by(monkeypatch: pytest.MonkeyPatch, certificate: ClientCertificate | None) -> None:
    """What builds it, its files, and what it presents."""
    given: list[tuple[object, dict[str, Any]]] = []

    def shared(build: object, **known: Any) -> str:
        given.append((build, {**known, "files": None}))
        return "context"

    monkeypatch.setattr(tls, "shared_context", shared)
    assert tls.tls_context(httpx, certificate) == "context"
    build = httpx.create_ssl_context
    assert given == [(build, {"known_by": (build,), "files": None, "certificate": certificate})]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SSL_CERT_FILE": "/bundle.pem"}, ["/bundle.pem", ""]),
        ({"SSL_CERT_DIR": f"/a{os.pathsep}/b"}, [None, "/a", "/b"]),
        ({"SSL_CERT_FILE": "/bundle.pem", "SSL_CERT_DIR": "/a"}, ["/bundle.pem", "/a"]),
        ({}, [None, "", *tls_contexts.paths_of_openssl(), *tls._OF_SYSTEMS]),
    ],
)
def test_which_files_count(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: list[str | None]
) -> None:
    """Those of the environment; without any, all that the system may have. And certifi's, if that is there."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert [path for path in files_of_a_context(monkeypatch) if path != certifi.where()] == expected
    assert certifi.where() in files_of_a_context(monkeypatch)
    monkeypatch.setitem(sys.modules, "certifi", None)
    assert files_of_a_context(monkeypatch) == expected


def test_the_systems_certificates_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the environment names no others."""
    named = files_of_a_context(monkeypatch)
    assert certifi.where() in named
    assert ssl.get_default_verify_paths().openssl_cafile in named


def test_those_that_the_environment_names_count_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file and a folder."""
    monkeypatch.setenv("SSL_CERT_FILE", "/bundle.pem")
    monkeypatch.setenv("SSL_CERT_DIR", "/certificates")
    named = files_of_a_context(monkeypatch)
    assert named[:2] == ["/bundle.pem", "/certificates"]
    assert ssl.get_default_verify_paths().openssl_cafile not in named


def test_a_client_without_tls_makes_no_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """All share one, which trusts no server; truststore replaces the class, and has one of its own."""
    context = tls.no_tls()
    assert tls.no_tls() is context
    assert (context.verify_mode, context.check_hostname, context.get_ca_certs()) == (ssl.CERT_REQUIRED, True, [])

    class Replaced(ssl.SSLContext):
        pass

    monkeypatch.setattr(ssl, "SSLContext", Replaced)
    assert type(tls.no_tls()) is Replaced
