"""The server for tests and demos: settings, scripting and records in one object."""

from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ._authorization import RegisteredClient
from ._connection import ConnectionHandler
from ._endpoint import Endpoint
from ._listener import HOST, Listener
from ._log import RequestLog
from ._recorded_request import RecordedRequest
from ._server_settings import BOTH_METHODS, ServerSettings, check_accepts
from ._site import API_PATH, TOKEN_PATH, Site


@dataclass(kw_only=True, eq=False, repr=False)
class LoopbackServer(ServerSettings):
    """An OAuth 2.0 authorization server and an API that requires its tokens, on a port of 127.0.0.1.

    The server has its port before ``start`` and keeps it through every ``stop`` and ``start``, so its URLs never
    change. You can use it from any thread. Besides the token endpoint and the API, it serves ``/open``, which
    answers like the API but requires no token, and ``/redirect?to=<url>&status=302``.

    Every argument is keyword-only. It is also an attribute that you can change while the server runs:

    ``client_id``, ``client_secret``, ``accepts``: the main client, and the authentication methods it may use:
    ``client_secret_basic`` and ``client_secret_post`` by default, and also ``private_key_jwt``, ``client_secret_jwt``
    and ``none``.
    ``decodes_basic``: form-decode Basic credentials (RFC 6749 section 2.3.1); False: compare them undecoded.
    ``grant_types``: the supported ones. ``scopes``: the scopes that a client may request; None means any.
    ``expires_in``: sent unchanged, left out if None. If it is a positive number or a string of one, the API
    refuses the token after that many seconds. After anything else (0, negative, odd), the token never expires.
    ``token_type``: left out if None. ``scope``: the granted scope; None: the requested one, if any.
    ``header_name``, ``header_value_pattern``: the header in which the API expects the token; ``%s`` stands for it.
    ``dpop``: bind tokens to keys (RFC 9449): token requests and API requests need a proof, the API reads
    ``Authorization: DPoP <token>``, and a proof that comes a second time is refused. Needs ``cryptography``.
    ``dpop_nonces``: have both endpoints ask for a nonce, each for its own; see ``rotate_dpop_nonces``.
    ``new_token``: makes the values of tokens; None: random ones, all distinct.
    ``clock``: Unix time in seconds, for the expiry of tokens.
    ``on_exchange``: called with each finished record just before the client receives the last bytes of its
    answer, so what it prints comes before what the client does next. The server ignores its exceptions.
    """

    def __post_init__(self) -> None:
        self._log = RequestLog()
        self._site = Site(self)
        handler = ConnectionHandler(self, self._site, self._log)
        self._listener = Listener(handler.serve, self._site.wake)
        self._site.authorization.audiences = self.token_url, self.origin

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        return f"http://{HOST}:{self._listener.port}"

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
        check_accepts(accepts)
        self._site.authorization.add_client(client_id, RegisteredClient(client_secret, accepts))

    def register_key(self, key: Any, client_id: str | None = None) -> None:
        """Accept assertions (``private_key_jwt``, RFC 7523) that this key has signed, besides those of earlier keys.

        The server then checks their audience (the token URL or the origin), their times, and that each is used once.
        It needs PyJWT and cryptography, as the extra ``jwt`` brings them.

        ``key``: the public key, or the private one: a JWK, PEM (a certificate, too), or a key of cryptography.
        ``client_id``: whose it is; None: the main client's.
        """
        self._site.authorization.assertions.register_key(self.client_id if client_id is None else client_id, key)

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
