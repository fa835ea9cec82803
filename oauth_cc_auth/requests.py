"""Client credentials for requests: ``session.auth = ClientCredentialsAuth(token_url, client_id, client_secret)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._adapter.base import BaseAuth
from ._adapter.foreign import foreign_request
from ._errors import ConfigurationError, TokenEndpointUnreachable, TokenError
from ._http.origin import site_of

try:
    import requests
except ImportError as _missing:
    raise ImportError(
        "oauth_cc_auth.requests needs requests: python -m pip install 'oauth_cc_auth[requests]'"
    ) from _missing
from requests.auth import AuthBase
from requests.hooks import default_hooks

from ._requests.renewal import RenewalHook, hook_of
from ._requests.send import send_token_request

if TYPE_CHECKING:
    from ._core.clock import Clock
    from ._protocol.exchange import Reply, TokenRequest

__all__ = ["ClientCredentialsAuth"]


class ClientCredentialsAuth(BaseAuth["requests.Session"], AuthBase):
    """OAuth 2.0 client credentials for requests: pass it as ``auth=`` of a request or set it as ``session.auth``.

    The arguments are described at `__init__`. Errors are also ``requests.RequestException``: ``ConnectionError`` or
    ``Timeout`` where that is what happened. One object may serve any number of sessions and threads.
    """

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Attach the token to a request; called by requests.

        Raises:
            TokenError: no token can be had, or this request may not carry one.
            TypeError: this is the request of another library.
        """
        try:
            url, hooks = r.url, r.hooks
        except AttributeError:
            url = hooks = None
        if url is None or hooks is None:
            raise TypeError(foreign_request(self, r))
        if not url.startswith(self._admitted) and not self._admits_to(url, r):
            return r
        lease = self._cache.current
        if lease is None or self._wall() >= lease.fresh_until:
            lease = self._leased(self._obtain(), r)
        r.headers[self._header_name] = lease.header_value
        hook = lease.hook or hook_of(self, lease)
        others = hooks.get("response")
        if others:
            hooks["response"] = [hook, *self._other_hooks(others)]  # prepared before, perhaps with an older token
        else:
            hooks["response"] = [hook]
        return r

    def _start(self, clock: Clock) -> None:
        super()._start(clock)
        # What the URLs begin with of requests that get a token.
        self._admitted = ("https://",) if self._api_origins is None else ()

    def _admits_to(self, url: str, request: requests.PreparedRequest) -> bool:
        if not self._admits(url, request):
            return False
        site = site_of(url)
        if site is not None:
            self._remember(site)
        return True

    def _other_hooks(self, hooks: Any) -> list[Any]:
        """The response hooks but ours, which are there where a request is prepared a second time."""
        known = [hooks] if callable(hooks) else hooks
        return [hook for hook in known if not (isinstance(hook, RenewalHook) and hook.auth is self)]

    def _check_token_client(self, token_client: Any) -> None:
        if not isinstance(token_client, requests.Session):
            raise ConfigurationError(f"token_client must be a requests.Session, not {type(token_client).__name__}")

    def _send(self, request: TokenRequest, budget: float) -> Reply:
        return send_token_request(request, budget, self._token_client)

    def _library_class(self, error: TokenError) -> type[Exception]:
        if not isinstance(error, TokenEndpointUnreachable):
            return requests.RequestException
        return requests.Timeout if error.timed_out else requests.ConnectionError

    def _bare(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        bare = request.copy()
        bare.headers.pop(self._header_name, None)
        bare.hooks = default_hooks()
        return bare
