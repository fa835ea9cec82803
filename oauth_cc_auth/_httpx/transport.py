"""httpx, or a library that looks like it, as the base wants to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.policy import PROOF_HEADER
from oauth_cc_auth._adapter.transport import Transport, is_switched_on
from oauth_cc_auth._core.loading import FETCHING, Modules, loaded
from oauth_cc_auth._errors import ConfigurationError, TokenEndpointUnreachable, TokenError

from .proxies import environment_names_proxy
from .replay import TICKET, copy_of

if TYPE_CHECKING:
    from oauth_cc_auth._protocol.exchange import Reply, TokenRequest


class HttpxTransport(Transport):
    """One library of the httpx family, and perhaps the person's client for token requests, sync or async.

    Args:
        any_proxy: The client may use its proxies for loopback, too.
    """

    modules = Modules(*FETCHING, "_httpx.send", "_httpx.exchange")

    def __init__(self, library: Any, token_client: Any, *, any_proxy: bool = False) -> None:
        self._library = library
        is_sync = token_client is None or _is_made_by(library, "Client", token_client)
        is_async = token_client is None or _is_made_by(library, "AsyncClient", token_client)
        if not (is_sync or is_async):
            raise ConfigurationError(
                field="token_client",
                problem=f"must be a Client or AsyncClient of {library.__name__}, "
                f"not {type(token_client).__module__}.{type(token_client).__name__}",
            )
        self._token_client = token_client
        self._any_proxy = any_proxy
        if not is_sync:
            self.send = None  # type: ignore[method-assign, assignment]  # as an object of the base class
        if not is_async:
            self.asend = None  # type: ignore[method-assign, assignment]  # as above
        if token_client is not None:
            wanted = "Client" if is_async else "AsyncClient"
            self.obstacle = TokenError(
                f"token_client is of type {type(token_client).__name__}, and this request needs one of type {wanted}",
                reason="wrong_client_kind",
                remedy="make an auth object each for sync and for async requests",
            )

    def send(self, request: TokenRequest, budget: float) -> Reply:
        """What the endpoint answered within `budget` seconds; blocks."""
        send = loaded("_httpx.send").send_token_request
        reply: Reply = send(self._library, request, budget, self._token_client, any_proxy=self._any_proxy)
        return reply

    async def asend(self, request: TokenRequest, budget: float) -> Reply:
        """`send` in an event loop, which it does not block."""
        asend = loaded("_httpx.send").asend_token_request
        reply: Reply = await asend(self._library, request, budget, self._token_client, any_proxy=self._any_proxy)
        return reply

    @staticmethod
    def can_renew_in_background() -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]  # only called, on objects
        """As in the base class; it depends on no object, so no auth object keeps a method that is bound to one."""
        return is_switched_on()

    def names_proxy(self, url: str) -> bool:
        """True if ``HTTP_PROXY`` and the like, or the system's settings, name a proxy for `url`."""
        return environment_names_proxy(self._library, url)

    def error_class(self, error: TokenError) -> type[Exception]:
        """``ConnectError`` or ``TimeoutException`` if that is what happened, else ``RequestError``."""
        library = self._library
        if not isinstance(error, TokenEndpointUnreachable):
            cls = library.RequestError
        else:
            cls = library.TimeoutException if error.timed_out else library.ConnectError
        return cls  # type: ignore[no-any-return]  # `library` is known when the program runs

    def bare(self, request: Any, header_names: tuple[str, ...]) -> Any:
        """A copy without the token."""
        bare = copy_of(request, self._library)
        for name in (*header_names, PROOF_HEADER):
            bare.headers.pop(name, None)
        bare.extensions = {name: value for name, value in bare.extensions.items() if name != TICKET}
        return bare


def _is_made_by(library: Any, name: str, token_client: object) -> bool:
    made: bool = loaded("_adapter.originals").is_made_by(library, name, token_client)
    return made


def wire_url(library: Any, url: str) -> str:
    """`url` as `library` sends it, in ASCII; empty if `library` refuses it."""
    try:
        return str(library.URL(url))
    except library.InvalidURL:
        return ""
