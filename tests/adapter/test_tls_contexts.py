"""`_adapter.tls_contexts`: what a shared context is known by, and what happens if someone changes it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth._adapter import tls_contexts
from oauth_cc_auth._adapter.tls_contexts import HTTP_1, MOST, shared_context
from oauth_cc_auth._authentication.client_certificate import ClientCertificate


@pytest.fixture(autouse=True)
def _none_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_contexts, "_shared", {})


def build() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def obtain(*files: str | None, known_by: str = "") -> Any:
    return shared_context(build, known_by=(known_by,), files=files)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "OPENSSL_CONF"])
def test_variables(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What they name is read when a context is made."""
    monkeypatch.delenv(name, raising=False)
    context = obtain()
    assert obtain() is context
    monkeypatch.setenv(name, "/nowhere")
    assert obtain() is not context
    monkeypatch.delenv(name)
    assert obtain() is context


def test_functions_and_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages replace them in a running process."""
    contexts = [obtain()]
    for name in ("create_default_context", "SSLContext"):
        original = getattr(ssl, name)
        replaced: Any = type("SSLContext", (original,), {"__module__": "ssl"}) if name[0] == "S" else lambda: None
        monkeypatch.setattr(ssl, name, replaced)
        contexts.append(obtain())
    assert len({id(context) for context in contexts}) == 3
    assert obtain(known_by="another builder") not in contexts


def test_files(tmp_path: Path) -> None:
    """Each state of each file is one of its own; that there is none is a state too."""
    file, folder = tmp_path / "file", tmp_path / "folder"
    contexts = [obtain(str(file), str(folder), None)]
    file.write_text("1")
    contexts.append(obtain(str(file), str(folder)))
    folder.mkdir()
    contexts.append(obtain(str(file), str(folder)))
    (folder / "a").write_text("1")
    contexts.append(obtain(str(file), str(folder)))
    (folder / "a").write_text("22")
    contexts.append(obtain(str(file), str(folder)))
    assert len({id(context) for context in contexts}) == 5
    assert obtain(str(file), str(folder)) is contexts[-1]


def test_folder_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the folder itself is looked at, whatever path leads there: it has hundreds of files."""
    folder, link = tmp_path / "certs", tmp_path / "link"
    monkeypatch.setattr(tls_contexts, "paths_of_openssl", lambda: ("", str(folder)))
    folder.mkdir()
    link.symlink_to(folder)
    (folder / "a").write_text("1")
    context = obtain(str(link))
    (folder / "a").write_text("22")
    assert obtain(str(link)) is context
    (folder / "b").write_text("1")
    assert obtain(str(link)) is not context


def test_a_system_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that a person names is looked at file by file."""
    monkeypatch.setattr(tls_contexts, "paths_of_openssl", lambda: ("", str(tmp_path / "nothing")))
    (tmp_path / "a").write_text("1")
    context = obtain(str(tmp_path))
    (tmp_path / "a").write_text("22")
    assert obtain(str(tmp_path)) is not context


def test_there_are_not_many() -> None:
    """The oldest are forgotten: a bundle that changes every minute must not fill the memory."""
    contexts = [obtain(known_by=str(number)) for number in range(MOST + 3)]
    assert list(tls_contexts._shared.values()) == contexts[3:]


def test_two_threads_build_the_same() -> None:
    """Both use the one that comes first."""
    first: list[Any] = []

    def slow() -> ssl.SSLContext:
        first.append(shared_context(build, known_by=(), files=()))  # the other thread, meanwhile
        return build()

    assert shared_context(slow, known_by=(), files=()) is first[0]


def test_what_cannot_be_built_is_not_kept() -> None:
    """The next one tries anew."""

    def fails() -> ssl.SSLContext:
        raise FileNotFoundError(2, "no bundle")

    with pytest.raises(FileNotFoundError):
        shared_context(fails, known_by=(), files=())
    assert tls_contexts._shared == {}


def test_contexts_of_others_are_not_shared() -> None:
    """Those of truststore and pyOpenSSL cannot be."""

    class Foreign(ssl.SSLContext):
        pass

    context = shared_context(lambda: Foreign(ssl.PROTOCOL_TLS_CLIENT), known_by=(), files=())
    assert type(context) is Foreign
    assert tls_contexts._shared == {}


def test_setting_what_is_set_changes_nothing() -> None:
    """urllib3 and httpcore do so for each connection."""
    context = obtain()
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= 0
    context.set_alpn_protocols(HTTP_1)
    context.set_alpn_protocols(["http/1.1"])
    assert obtain() is context


@pytest.mark.parametrize(
    "change",
    [
        lambda context: setattr(context, "check_hostname", False),
        lambda context: setattr(context, "minimum_version", ssl.TLSVersion.TLSv1_3),
        lambda context: context.set_alpn_protocols(["h2", "http/1.1"]),
        lambda context: context.set_ciphers("ECDHE+AESGCM"),
        lambda context: context.load_default_certs(),
        lambda context: context.set_default_verify_paths(),
    ],
    ids=["hostname", "version", "HTTP/2", "ciphers", "certificates", "paths"],
)
def test_a_changed_context_is_shared_no_more(change: Callable[[Any], None]) -> None:
    """It does what it is told, for who has it; the others get a new one."""
    context = obtain()
    other = obtain(known_by="another")
    change(context)
    again = obtain()
    assert again is not context
    assert again.check_hostname
    assert obtain(known_by="another") is other


def test_changes_take_effect() -> None:
    """They are not lost."""
    context = obtain()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)
    before = len(context.get_ciphers())
    context.set_ciphers("ECDHE+AESGCM")
    assert len(context.get_ciphers()) < before


def test_client_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File, key, password and the state of the files: a certificate that is renewed in its place is presented."""
    loaded: list[Any] = []
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda self, *args: loaded.append(args))
    file, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    file.write_text("1")
    key.write_text("1")

    def obtain_with(certificate: ClientCertificate | None) -> Any:
        return shared_context(build, known_by=(), files=(), certificate=certificate)

    given = [
        None,
        ClientCertificate(str(file)),
        ClientCertificate(str(file), str(key)),
        ClientCertificate(str(file), str(key), "password"),
    ]
    contexts = [obtain_with(certificate) for certificate in given]
    assert [obtain_with(certificate) for certificate in given] == contexts
    assert loaded == [(each.file, each.key_file, each.password or "") for each in given if each is not None]
    key.write_text("22")
    assert [obtain_with(certificate) in contexts for certificate in given] == [True, True, False, False]
    file.write_text("22")
    assert [obtain_with(certificate) in contexts for certificate in given] == [True, False, False, False]


def test_the_password_is_not_shown() -> None:
    """In no repr."""
    assert repr(ClientCertificate("a.pem", "b.pem", "s3cret")) == "ClientCertificate('a.pem')"
