"""What requests and libraries that look like it share, written once; each passes itself as `_library`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from oauth_cc_auth._adapter.base import BaseAuth, TokenClientT, foreign_request
from oauth_cc_auth._core.loading import loaded
from oauth_cc_auth._http.origin import site_of
from oauth_cc_auth._settings.callables import is_async

if TYPE_CHECKING:
    from typing import Generic

    from oauth_cc_auth._core.lease import Lease

    from .policy import RequestsPolicy
    from .transport import RequestsTransport
else:
    from oauth_cc_auth._adapter.base import Generic

RequestT = TypeVar("RequestT")


class RequestsFamilyAuth(BaseAuth[TokenClientT], Generic[TokenClientT, RequestT]):
    """An auth callable as requests wants it, on the shared core."""

    _library: ClassVar[Any]
    if TYPE_CHECKING:  # `typing.get_type_hints` would look for the names when the program runs
        _policy: RequestsPolicy
        _transport: RequestsTransport

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if is_async(cls.__call__):
            raise TypeError(f"{cls.__name__}.__call__ must be a plain function: requests awaits nothing")

    def __call__(self, r: RequestT) -> RequestT:
        """Attach the token to a request; called by the library.

        Raises:
            TokenError: no token can be had, or this request may not carry one.
            TypeError: this is the request of another library, or of a client that awaits.
        """
        request: Any = r
        policy = self._policy
        try:
            url, hooks = request.url, request.hooks
        except AttributeError:
            url = hooks = None
        if url is None or hooks is None:
            raise TypeError(foreign_request(self, r))
        if not url.startswith(policy.admitted) and not self._admits_to(url, request):
            return r
        lease = policy.cache.current
        readings = policy.readings
        if lease is None or readings.time() >= lease.fresh_until or readings.monotonic() >= lease.fresh_until_monotonic:
            lease = self._obtained(request)
        if not policy.strips_header and policy.bound is None:
            loaded("_requests.guarded").guard(request, policy.header_names)
        request.headers[policy.header_name] = lease.header_value
        hook = lease.hook
        if hook is None:
            hook = lease.hook = self._make_hook(request, lease)
        others = hooks.get("response")
        if others:
            hooks["response"] = [hook, *self._other_hooks(others)]  # prepared before, perhaps with an older token
        else:
            hooks["response"] = [hook]
        return r

    def _obtained(self, request: Any) -> Lease:
        """The token for a request, off the hot path: fetched, renewed, or one that an API may not know yet."""
        policy = self._policy
        lease = self._source.at_once()
        if lease is None or (policy.bound is None and not lease.is_settled):
            self._check_client(request)
        if lease is None:
            lease = self._checked(self._source.obtain(), request)
        if lease.introduction is not None and not lease.is_settled:
            can_be_sent_again = loaded("_requests.renewal").can_be_sent_again(request)
            lease = policy.chosen(lease, str(request.url), can_be_sent_again=can_be_sent_again)
        if lease.api_headers:
            request.headers.update(lease.api_headers)
        if policy.bound is not None:
            error = policy.bound.bind(request, policy, lease)
            if error is not None:
                raise self._transport.for_caller(error, request, policy.header_names)
        return lease

    def _check_client(self, request: Any) -> None:
        """Refuse a client that awaits. Once for each token, which costs next to nothing."""
        lookalikes = loaded("_requests.lookalikes")
        if lookalikes.is_awaited(self._library, request):
            raise TypeError(lookalikes.awaiting_client(self._library, request))

    def _make_hook(self, request: Any, lease: Lease) -> Any:
        self._check_client(request)
        return loaded("_requests.renewal").hook_of(self._library, self._policy, self._source, self._transport, lease)

    def _make_transport(self, token_client: Any) -> RequestsTransport:
        any_proxy = self.config.allow_insecure_http
        make: type[RequestsTransport] = loaded("_requests.transport").RequestsTransport
        return make(self._library, token_client, any_proxy=any_proxy)

    def _wire_url(self, url: str) -> str:
        return str(loaded("_requests.transport").wire_url(self._library, url))

    def _make_policy(self) -> RequestsPolicy:
        make: type[RequestsPolicy] = loaded("_requests.policy").RequestsPolicy
        policy = make(self.config, self._source, self._behaviour, self._transport)
        policy.bound = None if policy.proofs is None else loaded("_requests.bound")
        # What the URLs of requests that get a token begin with.
        policy.admitted = ("https://",) if policy.serves_every_origin else ()
        return policy

    def _admits_to(self, url: str, request: Any) -> bool:
        if not self._is_admitted(url, request):
            return False
        site = site_of(url)
        if site is not None:
            self._policy.remember(site)
        return True

    def _other_hooks(self, hooks: Any) -> list[Any]:
        """The response hooks but ours, which are there if a request is prepared a second time."""
        known = [hooks] if callable(hooks) else hooks
        return [hook for hook in known if getattr(hook, "policy", None) is not self._policy]
