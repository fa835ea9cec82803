"""The server for tests and demos: settings, scripting and records in one object."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._authorization import RegisteredClient
from ._certificates import CertificateFiles
from ._connection import ConnectionHandler
from ._endpoint import Endpoint
from ._listener import HOST, Listener
from ._log import RequestLog
from ._recorded_request import RecordedRequest
from ._server_settings import BOTH_METHODS, ServerSettings, check_accepts
from ._site import API_PATH, TOKEN_PATH, Site

if TYPE_CHECKING:
    from ._tls import Tls


@dataclass(kw_only=True, eq=False, repr=False)
class LoopbackServer(ServerSettings):
    """An OAuth 2.0 authorization server and an API that requires its tokens, on a port of 127.0.0.1.

    The server has its port before ``start`` and keeps it through every ``stop`` and ``start``, so its URLs never
    change. You can use it from any thread. Besides the token endpoint and the API, it serves ``/open``, which
    answers like the API but requires no token, and ``/redirect?to=<url>&status=302``.

    Every argument is keyword-only. All but ``tls`` are also attributes that you can change while the server runs:

    ``tls``: speak https, with a certificate that the server makes itself; see ``ca_bundle`` and ``issue_certificate``.
    Needs ``cryptography``.
    ``client_id``, ``client_secret``, ``accepts``: the main client, and the authentication methods it may use:
    ``client_secret_basic`` and ``client_secret_post`` by default, and also ``private_key_jwt``, ``client_secret_jwt``,
    ``none`` and, with ``tls``, ``tls_client_auth`` and ``self_signed_tls_client_auth`` (RFC 8705).
    ``decodes_basic``: form-decode Basic credentials (RFC 6749 section 2.3.1); False: compare them undecoded.
    ``grant_types``: the supported ones. ``scopes``: the scopes that a client may request; None means any.
    ``expires_in``: sent unchanged, left out if None. If it is a positive number or a string of one, the API
    refuses the token after that many seconds. After anything else (0, negative, odd), the token never expires.
    ``token_type``: left out if None. ``scope``: the granted scope; None: the requested one, if any.
    ``header_name``, ``header_value_pattern``: the header in which the API expects the token; ``%s`` stands for it.
    ``dpop``: bind tokens to keys (RFC 9449): token requests and API requests need a proof, the API reads
    ``Authorization: DPoP <token>``, and a proof that comes a second time is refused. Needs ``cryptography``.
    ``dpop_nonces``: have both endpoints ask for a nonce, each for its own; see ``rotate_dpop_nonces``.
    ``certificate_bound``: bind tokens to the certificate of their token request (RFC 8705 section 3): without one there
    is no token, and on a connection with another one or none, the API refuses it. Such tokens are JWTs that say so
    (``cnf``), unless ``new_token`` makes others.
    ``requires_certificate``: end each handshake in which a client presents no certificate.
    ``new_token``: makes the values of tokens; None: random ones, all distinct.
    ``clock``: Unix time in seconds, for the expiry of tokens.
    ``on_exchange``: called with each finished record just before the client receives the last bytes of its
    answer, so what it prints comes before what the client does next. The server ignores its exceptions.
    """

    def __post_init__(self) -> None:
        self._log = RequestLog()
        self._site = Site(self)
        self._tls = _tls_of(self) if self.tls else None
        handler = ConnectionHandler(self, self._site, self._log, self._tls)
        self._listener = Listener(handler.serve, self._site.wake)
        self._site.authorization.audiences = self.token_url, self.origin

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return f"{'https' if self.tls else 'http'}://{HOST}:{self._listener.port}"

    @property
    def token_url(self) -> str:
        """The URL of the token endpoint."""
        return self.origin + TOKEN_PATH

    @property
    def api_url(self) -> str:
        """The URL of the API. This path and every path below it require a valid token."""
        return self.origin + API_PATH

    @property
    def token_endpoint(self) -> Endpoint:
        """Scripts the answers of the token endpoint."""
        return self._site.token_endpoint

    @property
    def api(self) -> Endpoint:
        """Scripts the answers of the API."""
        return self._site.api

    def start(self) -> None:
        """Accept connections. Does nothing if the server runs already."""
        self._listener.start()

    def stop(self) -> None:
        """Refuse connections and close the live ones. The server keeps its tokens, scripts and records."""
        self._listener.stop()

    def __enter__(self) -> "LoopbackServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def add_client(self, client_id: str, client_secret: str, accepts: Collection[str] = BOTH_METHODS) -> None:
        """Register a client besides the main one. ``accepts`` lists the authentication methods it may use."""
        check_accepts(accepts, tls=self.tls)
        self._site.authorization.add_client(client_id, RegisteredClient(client_secret, accepts))

    def register_key(self, key: Any, client_id: str | None = None) -> None:
        """Accept assertions (``private_key_jwt``, RFC 7523) that this key has signed, besides those of earlier keys.

        The server then checks their audience (the token URL or the origin), their times, and that each is used once.
        It needs PyJWT and cryptography, as the extra ``jwt`` brings them.

        ``key``: the public key, or the private one: a JWK, PEM (a certificate, too), or a key of cryptography.
        ``client_id``: whose it is; None: the main client's.
        """
        self._site.authorization.assertions.register_key(self.client_id if client_id is None else client_id, key)

    @property
    def ca_bundle(self) -> str:
        """Path of the PEM file by which clients trust the server: ``verify=`` of requests, ``cafile=`` of ``ssl``.

        Raises:
            ValueError: the server was made without ``tls=True``.
        """
        return self._speaking_tls().bundle

    @property
    def ca_variables(self) -> dict[str, str]:
        """Environment variables by which requests, httpx and ``ssl`` trust the server, and no other one.

        A token request has a client of its own, which looks there. The fixture ``oauth_tls_server`` has set them.

        Raises:
            ValueError: the server was made without ``tls=True``.
        """
        return dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), self.ca_bundle)

    def issue_certificate(
        self,
        client_id: str | None = None,
        *,
        self_signed: bool = False,
        expired: bool = False,
        password: str | None = None,
    ) -> CertificateFiles:
        """Make a client certificate, and register it besides earlier ones.

        The files are gone when the server object is, or at the end of the process.

        Args:
            client_id: Whose it is; None: the main client's.
            self_signed: True for ``self_signed_tls_client_auth``; otherwise the server's own authority signs it.
            expired: Its time is over, so the server ends a handshake in which it is presented.
            password: Encrypts the key.

        Raises:
            ValueError: the server was made without ``tls=True``.
        """
        owner = self.client_id if client_id is None else client_id
        tls = self._speaking_tls()
        files = tls.issue(owner, self_signed=self_signed, expired=expired, password=password)
        self._site.authorization.register_certificate(owner, files.thumbprint)
        return files

    def register_certificate(self, file: str | os.PathLike[str], client_id: str | None = None) -> None:
        """Accept a client certificate that you have, besides earlier ones. Any issuer may have signed it.

        Args:
            file: A PEM file, in which it is the first one.
            client_id: Whose it is; None: the main client's.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds no certificate, or the server was made without ``tls=True``.
        """
        owner = self.client_id if client_id is None else client_id
        self._site.authorization.register_certificate(owner, self._speaking_tls().trust(file))

    def _speaking_tls(self) -> "Tls":
        if self._tls is None:
            raise ValueError("there are certificates if the server is made with tls=True")
        return self._tls

    def rotate_secret(self, client_secret: str) -> None:
        """Give the main client a new secret and reject the old one from now on. Tokens stay valid."""
        self.client_secret = client_secret

    def issue(self, token: str, expires_in: object = None) -> None:
        """Make the API accept this token from now on: one in a scripted answer that is not as RFC 6749 says."""
        self._site.tokens.issue(token, expires_in, self.clock())

    def revoke(self, token: str) -> None:
        """Make the API refuse this token from now on. Does nothing for an unknown token."""
        self._site.tokens.revoke(token)

    def revoke_all(self) -> None:
        """Make the API refuse every token issued so far."""
        self._site.tokens.revoke_all()

    def rotate_dpop_nonces(self) -> None:
        """Ask for other nonces in proofs from now on."""
        self._site.proofs.rotate_nonces()

    @property
    def issued(self) -> tuple[str, ...]:
        """The values of all tokens issued so far, oldest first."""
        return self._site.tokens.values()

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Every request since the first start or ``clear_log``, in order of arrival."""
        return self._log.records()

    @property
    def token_requests(self) -> tuple[RecordedRequest, ...]:
        """The requests to the token endpoint."""
        return self._log.records("token")

    @property
    def api_requests(self) -> tuple[RecordedRequest, ...]:
        """The requests to the API."""
        return self._log.records("api")

    def clear_log(self) -> None:
        """Forget the requests so far, but not the tokens in ``issued``."""
        self._log.clear()

    def __repr__(self) -> str:
        return f"<LoopbackServer {self.origin}>"


def _tls_of(server: LoopbackServer) -> "Tls":
    from ._tls import Tls

    return Tls(server, HOST)
