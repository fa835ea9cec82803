"""A proof for each sending of a request whose token is bound to a key (DPoP, RFC 9449), in requests.

requests builds a redirected request from a copy of the last one, and shows it to no one before it is sent. So the
request itself minds its proof, each time that someone reads its headers: if the proof is for another URL or method, or
was sent before, there is another one; if a redirect has left the origin, token and proof are gone. A bound request is
otherwise what it was.
"""

from __future__ import annotations

import copyreg
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.policy import PROOF_HEADER
from oauth_cc_auth._adapter.proving import proof_now
from oauth_cc_auth._http.origin import surely_stays

from .transport import BINDING

if TYPE_CHECKING:
    from oauth_cc_auth._adapter.policy import ApiPolicy
    from oauth_cc_auth._core.lease import Lease
    from oauth_cc_auth._errors import TokenError


class Binding:
    """What one request knows of its proof.

    Attributes:
        is_spent: The proof has been sent.
    """

    __slots__ = ("_lease", "_made_for", "_named", "_policy", "is_spent")

    def __init__(self, policy: ApiPolicy, lease: Lease, named: str, made_for: tuple[Any, Any] | None = None) -> None:
        """`named` is the URL of the person; the proof at hand is `made_for` a URL and a method, if there is one."""
        self._policy = policy
        self._lease = lease
        self._named = named
        self._made_for = made_for
        self.is_spent = made_for is None

    def of_copy(self) -> Binding:
        """For a copy of the request, which gets a proof of its own."""
        return Binding(self._policy, self._lease, self._named)

    def is_current(self, attributes: dict[str, Any]) -> bool:
        """True if the proof is for the next sending of the request with these `attributes`."""
        return not self.is_spent and self._made_for == (attributes.get("url"), attributes.get("method"))

    def renew(self, attributes: dict[str, Any]) -> None:
        """Make a proof for the next sending, if the request may carry the token."""
        headers, url = attributes["headers"], str(attributes.get("url"))
        name, header_value = self._policy.header_name, self._lease.header_value
        headers.pop(PROOF_HEADER, None)
        if not surely_stays(self._named, url):
            for other in self._lease.api_headers:
                headers.pop(other, None)
            if headers.get(name) == header_value:
                del headers[name]
            return
        if headers.get(name) != header_value:
            return
        proof = proof_now(self._policy, self._lease, str(attributes.get("method")), url)
        if isinstance(proof, str):  # if nothing signs one, the API refuses the request, and the hook says why
            headers[PROOF_HEADER] = proof
        self._made_for, self.is_spent = (attributes.get("url"), attributes.get("method")), False


def bind(request: Any, policy: ApiPolicy, lease: Lease, nonce: str | None = None) -> TokenError | None:
    """Give `request` the token of `lease` and a proof, and have it mind them; or say why there is no proof.

    Args:
        request: What is about to be sent.
        policy: Whose tokens these are.
        lease: The token.
        nonce: What the API has just asked for, if anything.
    """
    url = str(request.url)
    proof = proof_now(policy, lease, str(request.method), url, nonce)
    if not isinstance(proof, str):
        return proof
    cls, attributes = type(request), request.__dict__
    headers = attributes.get("headers")
    if headers is None:  # the stand-in of a mock, whose attributes are not those of the request
        request.headers.update({**lease.api_headers, policy.header_name: lease.header_value, PROOF_HEADER: proof})
        return None
    if lease.api_headers:
        headers.update(lease.api_headers)
    headers[policy.header_name] = lease.header_value
    headers[PROOF_HEADER] = proof
    attributes[BINDING] = Binding(policy, lease, url, (attributes.get("url"), attributes.get("method")))
    if not hasattr(cls, BINDING):
        request.__class__ = _bound_class(cls)  # type: ignore[arg-type]  # a class can be hashed
    return None


def spend(request: Any) -> None:
    """Note that an answer to `request` is there: its proof is not sent again."""
    binding: Binding | None = request.__dict__.get(BINDING)
    if binding is not None:
        binding.is_spent = True


def as_sent(request: Any) -> Any:
    """A copy of `request` for a history, with the proof that was sent."""
    return (request if request.__dict__.get(BINDING) is None else unbound(request)).copy()


def unbound(request: Any) -> Any:
    """The same request as one that does not mind its proof, whose headers are those of the last sending."""
    plain: Any = object.__new__(type(request).__mro__[1])
    plain.__dict__.update(request.__dict__)
    plain.__dict__.pop(BINDING, None)
    return plain


@cache
def _bound_class(cls: Any) -> type[Any]:
    """The subclass of a library's prepared request that minds its proof."""

    class Bound(cls):  # type: ignore[misc]  # a class known when the program runs
        @property
        def headers(self) -> Any:
            """The headers; the proof among them is for the next sending."""
            attributes = self.__dict__
            binding, headers = attributes.get(BINDING), attributes.get("headers")
            if binding is not None and headers and not binding.is_current(attributes):
                binding.renew(attributes)
            return headers

        @headers.setter
        def headers(self, headers: Any) -> None:
            self.__dict__["headers"] = headers

        def copy(self) -> Any:
            """What the library makes, bound as this one is."""
            twin = unbound(self).copy()
            twin.__class__ = type(self)
            twin.__dict__[BINDING] = self.__dict__[BINDING].of_copy()
            return twin

        def __copy__(self) -> Any:
            return self.copy()

        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            twin = object.__new__(type(self))
            memo[id(self)] = twin
            attributes = {**self.__dict__}
            binding = attributes.pop(BINDING)
            twin.__dict__.update(deepcopy(attributes, memo))
            twin.__dict__[BINDING] = binding.of_copy()
            return twin

        def __reduce_ex__(self, protocol: Any) -> Any:
            # A pickle names the library's class, which minds nothing: so the proof stays behind.
            state = {key: value for key, value in self.__dict__.items() if key != BINDING}
            state["headers"] = self.__dict__["headers"].copy()
            state["headers"].pop(PROOF_HEADER, None)
            return copyreg._reconstructor, (cls, object, None), state  # type: ignore[attr-defined]

    setattr(Bound, BINDING, None)  # marks the class
    Bound.__name__, Bound.__qualname__, Bound.__module__ = cls.__name__, cls.__qualname__, cls.__module__
    return Bound
