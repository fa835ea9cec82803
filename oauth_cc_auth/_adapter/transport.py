"""What an adapter brings: how its client library sends a token request, and which errors of it ours are too."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._core.loading import FETCHING, Modules, loaded
from oauth_cc_auth._errors import TokenError, for_caller
from oauth_cc_auth._http.origin import may_carry_secrets

if TYPE_CHECKING:
    from oauth_cc_auth._core.drive import AsyncSender, Sender


def is_switched_on() -> bool:
    """True unless the environment switches off that renewals run in the background."""
    is_on: bool = loaded("_core.background").is_switched_on()
    return is_on


class Transport:  # no ABC, which takes 20 µs more for each of its subclasses
    """One client library, for one auth object.

    Attributes:
        send: Sends a token request and blocks; None if this library or this `token_client` cannot.
        asend: The same in an event loop.
        obstacle: The error for who needs `send` or `asend` if that is None.
        modules: What fetching a token and the rest of a request take, beyond what an auth object takes.
    """

    send: Sender | None = None
    asend: AsyncSender | None = None
    modules = Modules(*FETCHING)
    obstacle = TokenError("this library cannot send token requests in this way", reason="wrong_client_kind")

    def can_renew_in_background(self) -> bool:
        """True if a token request may be sent at any time, by a thread or task that no one waits for."""
        return is_switched_on()

    @abstractmethod
    def names_proxy(self, url: str) -> bool:
        """True if the environment names a proxy for `url`, as the library reads it."""

    def is_private(self, url: str) -> bool:
        """True if TLS protects what is sent to `url`, or if that does not leave the machine.

        With a proxy, a request to loopback is one to the proxy, in clear. Proxies that are set on a session or client
        are not visible here.
        """
        if not may_carry_secrets(url):
            return False
        return url.lower().startswith(("https:", "wss:")) or not self.names_proxy(url)

    @abstractmethod
    def error_class(self, error: TokenError) -> type[Exception]:
        """The exception class of the library that `error` is as well."""

    @abstractmethod
    def bare(self, request: Any, header_names: tuple[str, ...]) -> Any:
        """A copy of an API request without our headers and hooks, for an exception to carry."""

    def for_caller(self, error: TokenError, request: Any = None, header_names: tuple[str, ...] = ()) -> TokenError:
        """An instance of `error` for one caller; raise it outside of every ``except``, so that no context comes along.

        Args:
            error: What to raise.
            request: The API request that it is about, if any; the error carries a copy without the token.
            header_names: The headers that hold the token in `request`, and what goes with it.
        """
        own: Any = for_caller(error, self.error_class(error))
        if request is not None:
            own.request = self.bare(request, header_names)
        return own  # type: ignore[no-any-return]  # Any, since library errors have a `request` and ours do not say so
