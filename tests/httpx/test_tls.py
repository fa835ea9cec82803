"""`_httpx.tls`: which files decide about a context."""

from __future__ import annotations

import ssl
from collections.abc import Iterable

import certifi
import httpx
import pytest

from oauth_cc_auth._adapter import tls_contexts
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
