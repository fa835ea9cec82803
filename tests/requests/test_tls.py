"""`_requests.tls`: what decides about the context of a token request with requests. No network."""

from __future__ import annotations

import ssl
from functools import partial
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import certifi
import pytest
import requests
import urllib3.util.ssl_
from requests.adapters import HTTPAdapter

from oauth_cc_auth._authentication.client_certificate import ClientCertificate
from oauth_cc_auth._requests import tls

URL = "https://login.example.com/token"


class Shared:
    """In the place of `shared_context`: keeps what it is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: dict[str, Any] = {}
        monkeypatch.setattr(tls, "shared_context", self)

    def __call__(self, build: Any, **given: Any) -> str:
        self.given = {"build": build, **given}
        return "context"


@pytest.fixture(name="shared")
def _shared(monkeypatch: pytest.MonkeyPatch) -> Shared:
    return Shared(monkeypatch)


def context_for(url: str = URL, *, verify: Any = True, cert: Any = None, proxies: Any = None, **more: Any) -> Any:
    adapter = object.__new__(HTTPAdapter)  # whatever a test has put in the place of its methods
    return tls.tls_context(adapter, requests, url, verify=verify, cert=cert, proxies=proxies or {}, **more)


def test_the_usual_context(shared: Shared) -> None:
    """It is known by the bundle of requests, and by what of urllib3 makes it."""
    assert context_for() == "context"
    assert tuple(shared.given["files"]) == (certifi.where(), None)
    assert shared.given["certificate"] is None
    ssl_of_urllib3: Any = urllib3.util.ssl_
    assert shared.given["known_by"] == (ssl_of_urllib3.create_urllib3_context, ssl_of_urllib3.SSLContext)
    context = shared.given["build"]()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 50


def test_other_bundles(shared: Shared, tmp_path: Path) -> None:
    """A file, or a folder."""
    context_for(verify=certifi.where())
    assert tuple(shared.given["files"]) == (certifi.where(), None)
    context_for(verify=str(tmp_path))
    assert tuple(shared.given["files"]) == (None, str(tmp_path))


def test_a_bundle_with_nothing_in_it(shared: Shared, tmp_path: Path) -> None:
    """An error of requests, as it is if the pool loads it; what happened is in it."""
    empty = tmp_path / "empty.pem"
    empty.touch()
    context_for(verify=str(empty))
    with pytest.raises(requests.exceptions.SSLError) as caught:
        shared.given["build"]()
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.args == (caught.value.__cause__,)


@pytest.mark.parametrize("has_key_file", [True, False])
@pytest.mark.parametrize("password", [None, "s3cret"])
def test_a_client_certificate(shared: Shared, tmp_path: Path, has_key_file: bool, password: str | None) -> None:
    """Its files and its password."""
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    certificate.touch()
    key.touch()
    context_for(cert=(str(certificate), str(key)) if has_key_file else str(certificate), password=password)
    assert shared.given["certificate"] == ClientCertificate(
        str(certificate), str(key) if has_key_file else None, password
    )


@pytest.mark.parametrize(
    "given",
    [
        {"url": "http://localhost/token"},
        {"verify": False},
        {"proxies": {"https": "https://proxy.example.com"}},
        {"proxies": {"https": "HTTPS://proxy.example.com"}},
    ],
)
def test_what_the_pool_decides_itself(shared: Shared, given: dict[str, Any]) -> None:
    """Nothing is verified, or a proxy is, too."""
    assert context_for(**given) is None
    assert shared.given == {}


@pytest.mark.parametrize("url", ["HTTPS://login.example.com/token", URL])
@pytest.mark.parametrize("proxy", ["http://proxy.example.com", "socks5h://proxy.example.com"])
def test_a_proxy_that_is_not_verified(shared: Shared, url: str, proxy: str) -> None:
    assert context_for(url, proxies={"https": proxy}) == "context"


@pytest.mark.parametrize("name", ["cert_verify", "get_connection_with_tls_context", "init_poolmanager", "send"])
@pytest.mark.parametrize("replaced", [lambda *_: None, partial(print)], ids=["function", "object"])
def test_who_replaces_what_requests_does(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, name: str, replaced: object
) -> None:
    """They may have other certificates trusted, such as those of the system."""
    monkeypatch.setattr(HTTPAdapter, name, replaced, raising=False)
    assert context_for() is None


@pytest.mark.parametrize("spoken", [["h2", "http/1.1"], None])
def test_who_speaks_another_protocol(shared: Shared, monkeypatch: pytest.MonkeyPatch, spoken: Any) -> None:
    """A shared context says that it speaks HTTP/1.1."""
    if spoken is None:
        monkeypatch.delattr(urllib3.util.ssl_, "ALPN_PROTOCOLS", raising=False)
    else:
        monkeypatch.setattr(urllib3.util.ssl_, "ALPN_PROTOCOLS", spoken, raising=False)
    assert context_for() is None


@pytest.mark.parametrize(("name", "home"), [("niquests", "urllib3.poolmanager"), ("requests", "urllib3_future.pool")])
def test_other_libraries(shared: Shared, monkeypatch: pytest.MonkeyPatch, name: str, home: str) -> None:
    """Those that look like requests, or bring another urllib3."""
    monkeypatch.setattr(requests.adapters, "PoolManager", type("PoolManager", (), {"__module__": home}))
    library: Any = SimpleNamespace(**{**vars(requests), "__name__": name})
    adapter = object.__new__(HTTPAdapter)
    assert tls.tls_context(adapter, library, URL, verify=True, cert=None, proxies={}) is None


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_is_loaded_into_a_context(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_folder: bool
) -> None:
    """The bundle that was named; nothing looks at a folder before a certificate is wanted."""
    loaded: list[tuple[object, ...]] = []
    context = SimpleNamespace(load_verify_locations=lambda *paths: loaded.append(paths))
    monkeypatch.setattr(urllib3.util.ssl_, "create_urllib3_context", lambda **_: context)
    path = tmp_path if is_folder else tmp_path / "bundle.pem"
    (tmp_path / "bundle.pem").touch()
    context_for(verify=str(path))
    assert shared.given["build"]() is context
    assert loaded == [(None, str(path)) if is_folder else (str(path), None)]


def test_a_version_that_names_no_bundle(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """requests 2.32.2 has loaded its own already, and means that."""

    def cert_verify(*args: object) -> None:
        """Sets nothing."""

    of_requests = FunctionType(cert_verify.__code__, vars(requests.adapters))
    monkeypatch.setattr(HTTPAdapter, "cert_verify", of_requests)
    context_for()
    assert tuple(shared.given["files"]) == (certifi.where(), None)


def test_a_pool_that_uses_a_shared_context() -> None:
    """It loads nothing into it, and still wants certificates."""
    pool = SimpleNamespace(
        conn_kw={"a": 1}, cert_reqs=None, ca_certs="a", ca_cert_dir="b", cert_file="c", key_file="d", key_password="e"
    )
    tls.use("context", pool)
    assert vars(pool) == {
        "conn_kw": {"a": 1, "ssl_context": "context"},
        "cert_reqs": "CERT_REQUIRED",
        **dict.fromkeys(("ca_certs", "ca_cert_dir", "cert_file", "key_file"), None),
        "key_password": "e",
    }
