"""The server that tests and demos use: settings, scripting and records in one object."""

from collections.abc import Collection
from dataclasses import dataclass
from types import TracebackType

from ._authorization import RegisteredClient
from ._endpoint import Endpoint
from ._exchange import Exchanges
from ._listener import HOST, Listener
from ._log import RequestLog
from ._record import RecordedRequest
from ._settings import BOTH_METHODS, Settings, check_accepts
from ._site import API_PATH, TOKEN_PATH, Site


@dataclass(kw_only=True, eq=False, repr=False)
class LoopbackServer(Settings):
    """An OAuth 2.0 authorization server and an API that demands its tokens, on a port of 127.0.0.1.

    The port is the server's from construction on, so its URLs are known before ``start``, and it stays the
    same through every ``stop`` and ``start``. Everything here may be used from any thread. Beside the token
    endpoint and the API there are ``/open``, which answers like the API and demands no token, and
    ``/redirect?to=<url>&status=302``.

    Every argument is keyword-only, and an attribute that may be changed while the server runs:

    ``client_id``, ``client_secret``, ``accepts``: the main client, and the authentication methods it may use.
    ``decodes_basic``: form-decode Basic credentials (RFC 6749 section 2.3.1); False: compare them undecoded.
    ``grant_types``: those that are supported. ``scopes``: those that may be asked for; None means any.
    ``expires_in``: put in the answer whatever it is, absent if None. The API refuses a token after a positive
    number of seconds, also given as a string; after anything else (0, negative, odd) it never does.
    ``token_type``: absent if None. ``scope``: what is granted; None: the scope asked for, absent without one.
    ``header_name``, ``header_value_pattern``: where the API demands the token; ``%s`` stands for it.
    ``new_token``: makes the values of tokens; None: random ones, all distinct.
    ``clock``: Unix time in seconds, for the expiry of tokens.
    ``on_exchange``: called with each settled record just before the client receives the last bytes of its
    answer, so what it prints comes before what the client does next. Its exceptions are ignored.
    """

    def __post_init__(self) -> None:
        self._log = RequestLog()
        self._site = Site(self)
        exchanges = Exchanges(self, self._site, self._log)
        self._listener = Listener(exchanges.serve, self._site.wake)

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"http://{HOST}:{self._listener.port}"

    @property
    def token_url(self) -> str:
        """The URL of the token endpoint."""
        return self.origin + TOKEN_PATH

    @property
    def api_url(self) -> str:
        """The URL of the API: at it and at every path below it a valid token is demanded."""
        return self.origin + API_PATH

    @property
    def token_endpoint(self) -> Endpoint:
        """Scripts what the token endpoint answers."""
        return self._site.token_endpoint

    @property
    def api(self) -> Endpoint:
        """Scripts what the API answers."""
        return self._site.api

    def start(self) -> None:
        """Accept connections. Nothing happens when the server runs already."""
        self._listener.start()

    def stop(self) -> None:
        """Refuse connections and close the live ones; tokens, scripts and records are kept."""
        self._listener.stop()

    def __enter__(self) -> "LoopbackServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def add_client(self, client_id: str, client_secret: str, accepts: Collection[str] = BOTH_METHODS) -> None:
        """Register a client beside the main one; ``accepts`` are the authentication methods it may use."""
        check_accepts(accepts)
        self._site.authorization.add_client(client_id, RegisteredClient(client_secret, accepts))

    def rotate_secret(self, client_secret: str) -> None:
        """Give the main client a new secret; the old one is refused from now on. Tokens stay good."""
        self.client_secret = client_secret

    def revoke(self, token: str) -> None:
        """Have the API refuse this token from now on; an unknown one is ignored."""
        self._site.tokens.revoke(token)

    def revoke_all(self) -> None:
        """Have the API refuse every token that was issued so far."""
        self._site.tokens.revoke_all()

    @property
    def issued(self) -> tuple[str, ...]:
        """The values of all tokens issued so far, in order."""
        return self._site.tokens.values()

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Every request since the start or ``clear_log``, in order of arrival."""
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
        """Forget the requests so far; ``issued`` stays."""
        self._log.clear()

    def __repr__(self) -> str:
        return f"<LoopbackServer {self.origin}>"
