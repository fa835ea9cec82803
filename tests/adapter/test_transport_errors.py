"""`transport_errors`: what went wrong, as a code and in one line."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
from types import ModuleType

import anyio
import httpcore
import httpx
import pytest
import requests
import trio
import urllib3
import urllib3.exceptions

from oauth_cc_auth._adapter.transport_errors import passes_through, text_of, transport_failure, words_of
from oauth_cc_auth._protocol.exchange import TransportFailure, too_slow


def failure_of(error: BaseException, *, retryable: bool = True) -> TransportFailure:
    return transport_failure(error, requests, own=True, retryable=retryable)


@pytest.mark.parametrize("retryable", [True, False])
def test_a_plain_error(retryable: bool) -> None:
    """Text and flag are passed on; the full stop would be followed by our own."""
    assert failure_of(OSError("refused."), retryable=retryable) == TransportFailure("refused", retryable=retryable)


def test_too_slow() -> None:
    """The message says how long we waited, not how the library saw it."""
    assert too_slow(2.5) == TransportFailure("it took longer than 2.5 s", "timed_out")
    assert too_slow(0.0123456).text == "it took longer than 0.0123 s"
    assert too_slow(29.987).text == "it took longer than 30 s"


class TimeLimitError(Exception):
    """What another thread sets in this one."""


class LimitOSError(OSError):
    """What another socket module raises: its errors keep the base class of system errors."""


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (TimeLimitError(), True),
        (ValueError(), False),
        (ConnectionResetError(), False),
        (requests.exceptions.InvalidURL(), False),
        (urllib3.exceptions.ProtocolError(), False),
        (ssl.SSLError(), False),
        (LimitOSError(), False),
        (httpcore.ReadError(), False),
        (trio.BrokenResourceError(), False),
        (anyio.ClosedResourceError(), False),
        (httpx.InvalidURL("odd"), True),
    ],
)
def test_what_passes_through(error: Exception, passes: bool) -> None:
    """What neither Python nor a transport raises comes from elsewhere; but a token client may raise anything."""
    assert passes_through(error, requests, own=True) is passes
    assert not passes_through(error, requests, own=False)


def test_which_library_it_is() -> None:
    """Each has the exceptions of its own only."""
    assert not passes_through(httpx.InvalidURL("odd"), httpx, own=True)
    assert passes_through(TimeLimitError(), httpx, own=True)


def test_what_passes_through_holds_no_token_request() -> None:
    """The secret is in its headers or its body."""
    request, response = object(), object()
    error, cause = TimeLimitError(), TimeLimitError()
    error.__cause__ = cause
    vars(error).update(request=request, response=response, left=1)
    vars(cause).update(_request=request)
    assert passes_through(error, requests, own=True)
    assert vars(error) == {"request": None, "response": None, "left": 1}
    assert vars(cause) == {"_request": None}


def test_an_error_without_words() -> None:
    """Then its name has to do."""
    assert failure_of(TimeoutError()).text == "TimeoutError"


def test_an_error_whose_words_fail() -> None:
    """Somebody's broken __str__ breaks nothing here."""

    class BrokenError(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    assert text_of(BrokenError()) == "BrokenError"


def test_the_innermost_of_a_chain() -> None:
    """It says most; __cause__ and __context__ lead to it."""
    inner, middle, outer = OSError("inner"), ValueError("middle"), RuntimeError("outer")
    middle.__context__ = inner
    outer.__cause__ = middle
    assert failure_of(outer).text == "inner"


def test_a_tower_of_requests_and_urllib3() -> None:
    """They keep causes in `args` and in `reason`."""
    refused = ConnectionRefusedError(111, "Connection refused")
    new = urllib3.exceptions.ProtocolError("Connection aborted.", refused)
    retries = urllib3.exceptions.MaxRetryError(None, "/token", reason=new)  # type: ignore[arg-type]  # no pool here
    assert failure_of(requests.ConnectionError(retries)).text == "[Errno 111] Connection refused"


def test_a_reason_that_is_no_exception() -> None:
    """In ssl and unicode errors it is a text."""
    assert failure_of(UnicodeDecodeError("ascii", b"\xff", 0, 1, "odd")).text.endswith("odd")


def test_a_chain_that_ends_where_it_began() -> None:
    """It is walked once."""
    first, second = OSError("first"), OSError("second")
    first.__cause__, second.__cause__ = second, first
    assert failure_of(first).text == "second"


@pytest.mark.parametrize(
    ("library", "own", "advice"),
    [
        (
            requests,
            True,
            "a client's own verify does not apply to token requests: pass token_client, or set REQUESTS_CA_BUNDLE",
        ),
        (
            httpx,
            True,
            "a client's own verify does not apply to token requests: pass token_client, or set SSL_CERT_FILE",
        ),
        (httpx, False, "set verify of the token_client to a bundle with the issuer's certificate"),
        (
            requests,
            False,
            "set verify of the token_client to a bundle with the issuer's certificate; REQUESTS_CA_BUNDLE in the "
            "environment overrides it, unless trust_env of the token_client is False",
        ),
    ],
)
def test_a_certificate_that_is_not_trusted(library: ModuleType, own: bool, advice: str) -> None:
    """It will not be trusted at the next try, wherever in the chain it stands; what helps depends on the client."""
    distrust = ssl.SSLCertVerificationError("self-signed certificate")
    wrapped = requests.exceptions.SSLError(distrust)
    expected = TransportFailure(text_of(distrust), "tls_untrusted", retryable=False)
    failure = transport_failure(wrapped, library, own=own, retryable=True)
    assert str(failure.advice) == advice
    assert failure.replaced(advice=None) == expected
    distrust.__cause__ = OSError("inner")
    inner = transport_failure(distrust, library, own=own, retryable=True)
    assert inner == failure.replaced(text="inner")


def test_a_port_that_does_not_speak_tls() -> None:
    """OpenSSL's words for it do not help."""
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    failure = failure_of(requests.exceptions.SSLError(error))
    assert failure.text == str(error)
    assert str(failure.advice) == "check that this port of the host speaks https"


def test_a_proxy_that_fails() -> None:
    """Not the token endpoint is what to look at then."""
    refused = ConnectionRefusedError(111, "Connection refused")
    error = urllib3.exceptions.ProxyError("Unable to connect to proxy", refused)
    assert failure_of(requests.exceptions.ProxyError(error)).text == "the proxy failed: [Errno 111] Connection refused"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("407 Basic dXNlcjpwYXNz is wrong", "407 Proxy Authentication Required"),
        ("403", "403 Forbidden"),
        ("999 dXNlcjpwYXNz", "999"),
        ("502 Bad\nGateway", "502 Bad Gateway"),
    ],
)
def test_what_a_proxy_says(said: str, told: str) -> None:
    """Its status: its words may echo the password that it was sent, which is no secret of the token request's."""
    tunnel = OSError(f"Tunnel connection failed: {said}")
    error = requests.exceptions.ProxyError(urllib3.exceptions.ProxyError("Unable to connect to proxy", tunnel))
    assert failure_of(error).text == f"the proxy failed: Tunnel connection failed: {told}"
    assert failure_of(httpx.ProxyError(said)).text == f"the proxy failed: {told}"


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (403, "have the proxy let this host and port pass, or name the host in NO_PROXY if it needs none"),
        (502, "None"),
    ],
)
def test_what_helps_if_a_proxy_refuses(status: int, advice: str) -> None:
    """That depends on its status."""
    failure = transport_failure(httpx.ProxyError(f"{status} No"), httpx, own=True, retryable=True)
    assert str(failure.advice) == advice


@pytest.mark.parametrize("url", ["http://login.example.com/", "HTTP://login.example.com/"])
def test_connection_that_is_lost_by_plain_http(url: str) -> None:
    """The port may be one that speaks TLS."""
    lost = ConnectionResetError("gone")
    advice = "if this port speaks https, token_url must begin with https://"
    failure = transport_failure(lost, httpx, own=True, retryable=True, url=url)
    assert str(failure.advice and failure.advice.with_values(url="token_url")) == advice
    secure = transport_failure(lost, httpx, own=True, retryable=True, url="https://login.example.com/")
    assert (secure.advice, secure.reason) == (None, "connection_lost")


def test_what_a_server_says_of_a_certificate_of_the_client() -> None:
    """OpenSSL names it in an attribute, and an error that was pickled has it in its text only."""
    said = ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:1006)")
    named = ssl.SSLError(1, "an alert")
    named.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    assert failure_of(said).reason == "tls_client_certificate_refused"
    assert failure_of(named).reason == "tls_client_certificate"


def test_words_of_an_error() -> None:
    """Without a full stop, and without a proxy that had nothing to do with it."""
    assert words_of(OSError("no route to X.")) == "no route to X"


def test_other_tls_errors() -> None:
    """A connection that broke off in the handshake may work later."""
    assert failure_of(ssl.SSLEOFError("EOF occurred")).retryable


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.InvalidURL("Failed to parse: 'user:pass' is not a valid host or port"),
        httpx.InvalidURL("Invalid port: 'pass'"),
        urllib3.exceptions.LocationParseError("http://user:pass@proxy:99999"),
    ],
)
def test_a_url_that_cannot_be_parsed(error: Exception) -> None:
    """Perhaps that of a proxy, cut in the middle of its password; so it is not quoted."""
    failure = failure_of(error)
    assert failure.text == f"{type(error).__name__}: a URL cannot be parsed"
    assert str(failure.advice) == "check url and the URL of the proxy, if there is one"
    assert not failure.retryable


def test_an_error_in_a_group() -> None:
    """anyio's task groups wrap what went wrong; a group's own words are about its size."""

    class GroupError(Exception):
        def __init__(self) -> None:
            super().__init__("unhandled errors in a TaskGroup (1 sub-exception)")
            self.exceptions = (OSError("refused"),)

    assert failure_of(GroupError()).text == "refused"


def distrust(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code = code
    return error


class TestReason:
    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "unreachable_dns"),
            (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "unreachable_refused"),
            (OSError(errno.ENETUNREACH, "Network is unreachable"), "unreachable_network"),
            (OSError(errno.EHOSTUNREACH, "No route to host"), "unreachable_network"),
            (OSError(errno.EMFILE, "Too many open files"), "unreachable"),
            (ValueError("odd"), "unreachable"),
            (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "connection_lost"),
            (http.client.RemoteDisconnected("closed"), "connection_lost"),
            (http.client.IncompleteRead(b""), "connection_lost"),
            (requests.exceptions.ChunkedEncodingError("cut"), "connection_lost"),
            (httpx.RemoteProtocolError("disconnected"), "connection_lost"),
            (httpx.ReadError("reset"), "connection_lost"),
            (ssl.SSLEOFError("EOF occurred"), "connection_lost"),
            (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "tls_not_spoken"),
            (ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] required"), "tls_client_certificate"),
            (ssl.SSLError(1, "[SSL: NO_PROTOCOLS_AVAILABLE] none"), "tls_failed"),
            (distrust(18), "tls_untrusted"),
            (distrust(20), "tls_untrusted"),
            (distrust(9), "tls_not_yet_valid"),
            (distrust(10), "tls_expired"),
            (distrust(62), "tls_wrong_host"),
            (distrust(64), "tls_wrong_host"),
            (ssl.SSLCertVerificationError("by a trust store of its own"), "tls_untrusted"),
            (httpx.InvalidURL("Invalid port"), "invalid_url"),
            (httpx.ProxyError("407 wrong"), "proxy_refused"),
            (httpx.ProxyError("it hung up"), "proxy_failed"),
        ],
    )
    def test_by_what_is_inside(self, error: Exception, reason: str) -> None:
        """The same for an error alone, and deep in what a library made of it."""
        assert failure_of(error).reason == reason
        outer = requests.ConnectionError("Max retries exceeded")
        outer.__cause__ = OSError("in between")
        outer.__cause__.__context__ = error
        assert failure_of(outer).reason == reason

    def test_tls_before_what_a_library_makes_of_it(self) -> None:
        """trio calls it a broken resource."""
        error = trio.BrokenResourceError()
        error.__cause__ = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
        assert failure_of(error).reason == "tls_not_spoken"

    def test_a_proxy_before_all(self) -> None:
        """What cannot be reached is the proxy then."""
        refused = ConnectionRefusedError(111, "Connection refused")
        error = urllib3.exceptions.ProxyError("Unable to connect to proxy", refused)
        assert failure_of(requests.exceptions.ProxyError(error)).reason == "proxy_failed"


class TestFinal:
    @pytest.mark.parametrize(
        ("error", "reason", "retryable"),
        [
            (distrust(10), "tls_expired", False),
            (ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] required"), "tls_client_certificate", False),
            (ssl.SSLError(1, "[SSL: NO_PROTOCOLS_AVAILABLE] none"), "tls_failed", True),
            (httpx.ProxyError("302 Found"), "proxy_refused", False),
            (httpx.ProxyError("407 wrong"), "proxy_refused", False),
            (httpx.ProxyError("408 slow"), "proxy_refused", True),
            (httpx.ProxyError("429 busy"), "proxy_refused", True),
            (httpx.ProxyError("500 broken"), "proxy_refused", True),
            (httpx.ProxyError("it hung up"), "proxy_failed", True),
        ],
    )
    def test_what_will_be_so_again(self, error: Exception, reason: str, retryable: bool) -> None:
        """It gets one try; what is final for the library stays final."""
        failure = failure_of(error)
        assert (failure.reason, failure.retryable) == (reason, retryable)
        assert not failure_of(error, retryable=False).retryable

    def test_names_that_urllib3_compares_itself(self) -> None:
        """Version 1.26 does, with an exception of its own."""
        error = type("CertificateError", (ValueError,), {})("hostname 'a' doesn't match 'b'")
        failure = failure_of(requests.exceptions.SSLError(error))
        assert (failure.reason, failure.retryable) == ("tls_wrong_host", False)


class TestToProxy:
    @pytest.mark.parametrize("error", [ConnectionRefusedError("no"), OSError("odd"), httpx.ReadError("reset")])
    def test_what_could_not_be_reached(self, error: Exception) -> None:
        """Was the proxy, if that is where the request went."""
        failure = transport_failure(error, httpx, own=True, retryable=True, to_proxy=True)
        assert (failure.reason, failure.retryable) == ("proxy_failed", True)
        assert failure.text.startswith("the proxy failed: ")

    def test_what_has_another_reason(self) -> None:
        """It keeps that."""
        failure = transport_failure(distrust(10), httpx, own=True, retryable=True, to_proxy=True)
        assert (failure.reason, failure.text) == ("tls_expired", text_of(distrust(10)))


class TestMissingBundle:
    def test_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Python says only that there is no such file."""
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/bundle.pem")
        failure = transport_failure(FileNotFoundError(2, "No such file"), httpx, own=True, retryable=True)
        assert failure == TransportFailure(
            "there is no file /nowhere/bundle.pem, which SSL_CERT_FILE names", "tls_failed", retryable=False
        )

    @pytest.mark.parametrize("value", ["", __file__])
    def test_is_not_what_is_wrong(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        """Another file is missing then."""
        error = FileNotFoundError(2, "No such file")
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        assert transport_failure(error, httpx, own=True, retryable=True).text == str(error)
        monkeypatch.setenv("SSL_CERT_FILE", value)
        assert transport_failure(error, httpx, own=True, retryable=True).text == str(error)
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/bundle.pem")
        named = FileNotFoundError(2, "No such file", "/nowhere/socket")
        assert transport_failure(named, httpx, own=True, retryable=True).text == str(named)
