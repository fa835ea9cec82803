"""requests, or a library that looks like it, as the base wants to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.policy import PROOF_HEADER
from oauth_cc_auth._adapter.transport import Transport
from oauth_cc_auth._core.loading import loaded
from oauth_cc_auth._errors import ConfigurationError, TokenEndpointUnreachable, TokenError

if TYPE_CHECKING:
    from oauth_cc_auth._protocol.exchange import Reply, TokenRequest

# Beside the attributes of a request whose token is bound to a key; see `bound`.
BINDING = "_oauth_cc_auth_binding"

UNIX_SOCKET = "http+unix://"  # the path of the socket, percent-encoded, stands for the host


class RequestsTransport(Transport):
    """One library of the requests family, and perhaps the person's session for token requests.

    Args:
        any_proxy: The session may use its proxies for loopback, too.
    """

    def __init__(self, library: Any, token_client: Any, *, any_proxy: bool = False) -> None:
        if token_client is not None and not loaded("_adapter.originals").is_made_by(library, "Session", token_client):
            given = f"{type(token_client).__module__}.{type(token_client).__name__}"
            problem = f"must be a {library.__name__}.Session, not {given}"
            raise ConfigurationError(field="token_client", problem=problem)
        self._library = library
        self._token_client = token_client
        self._any_proxy = any_proxy

    def send(self, request: TokenRequest, budget: float) -> Reply:  # pyright: ignore[reportIncompatibleVariableOverride]  # of objects
        """What the endpoint answered within `budget` seconds; blocks."""
        send = loaded("_requests.send").send_token_request
        reply: Reply = send(self._library, request, budget, self._token_client, any_proxy=self._any_proxy)
        return reply

    def can_renew_in_background(self) -> bool:
        """False as well while requests-mock is active: it holds a lock while a session sends, hooks included.

        A renewal in another thread would wait for that lock, and the hook of a refused request for the renewal.
        """
        return not _is_mocked(self._library.Session.send) and super().can_renew_in_background()

    def names_proxy(self, url: str) -> bool:
        """True if ``HTTP_PROXY`` and the like, or the system's settings, name a proxy for `url`."""
        utils = self._library.utils
        return bool(utils.select_proxy(url, utils.get_environ_proxies(url)))

    def is_private(self, url: str) -> bool:
        """Unix sockets count as well, by the scheme that adapters of requests for them use."""
        return url.lower().startswith(UNIX_SOCKET) or super().is_private(url)

    def error_class(self, error: TokenError) -> type[Exception]:
        """``ConnectionError`` or ``Timeout`` if that is what happened, else ``RequestException``."""
        library = self._library
        if not isinstance(error, TokenEndpointUnreachable):
            cls = library.RequestException
        else:
            cls = library.Timeout if error.timed_out else library.ConnectionError
        return cls  # type: ignore[no-any-return]  # `library` is known when the program runs

    def bare(self, request: Any, header_names: tuple[str, ...]) -> Any:
        """A copy without the token and without hooks."""
        bare = loaded("_requests.bound").as_sent(request) if hasattr(request, BINDING) else request.copy()
        for name in (*header_names, PROOF_HEADER):
            bare.headers.pop(name, None)
        bare.hooks = self._library.hooks.default_hooks()
        return bare


def _is_mocked(function: Any) -> bool:
    """True if requests-mock has put a function of its own in this place."""
    return getattr(function, "__module__", "").startswith("requests_mock")


def wire_url(library: Any, url: str) -> str:
    """`url` as `library` sends it, in ASCII; empty if `library` refuses it."""
    try:
        return str(library.Request("GET", url).prepare().url)
    except library.RequestException:
        return ""
