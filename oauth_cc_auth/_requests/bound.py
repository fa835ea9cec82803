"""A proof for each sending of a request whose token is bound to a key (DPoP, RFC 9449), in requests.

The one law: each reader of the header's value gets a proof that no other reader has got.

Proofs are not made when a request is prepared, because it may be sent any number of times: by threads at once, by
urllib3's own retries, by hand an hour later. Each sending reads the headers once, at the wire. So the headers make the
proof when it is read. The first one is made early, so that a key that signs nothing is an error at once; the first
reader takes it. What copies the headers without reading them copies no proof. Some versions of urllib3 send again what
they have read; so a proof that is encoded a second time, as is done for the wire, is another one.

requests builds a redirected request from a copy of the last one, and shows it to no one before it is sent. So the
request itself minds its headers, each time that someone asks for them: if a redirect has left the origin, token and
proof are gone. A bound request is otherwise what it was.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable, ItemsView
from copy import deepcopy
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.policy import PROOF_HEADER
from oauth_cc_auth._adapter.proving import proof_now
from oauth_cc_auth._http.origin import surely_stays

from .transport import BINDING

if TYPE_CHECKING:
    from oauth_cc_auth._adapter.policy import ApiPolicy
    from oauth_cc_auth._core.lease import Lease
    from oauth_cc_auth._errors import TokenError

LONGEST_WAIT = 5.0  # s from making a proof to sending it; some servers accept one for no more than ten


class _AtSending(str):
    """What stands for a proof in the headers. It is empty, so code that gets around the headers sends no proof."""

    __slots__ = ()


_AT_SENDING = _AtSending()


class _Proof(str):
    """A proof for one sending.

    Attributes:
        again: Makes another one.
        unsent: Holds this one until it is encoded. To take it out is one step, which tells two threads apart.
    """

    again: Callable[[], str]
    unsent: dict[None, str]

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The proof as bytes: this one at first, another one each time after that."""
        # Not by an exception: a signal handler may raise one of the same type here.
        proof = self.unsent.pop(None, None)
        return str(self.again() if proof is None else proof).encode(encoding, errors)

    def __reduce__(self) -> Any:
        return str, (str(self),)


class Binding:
    """What the headers of one request know of its proofs.

    Attributes:
        last: The last proof that was read; None if none was.
    """

    __slots__ = ("_lease", "_named", "_policy", "_ready", "_target", "last")

    def __init__(
        self, policy: ApiPolicy, lease: Lease, named: str, target: tuple[Any, Any] = (None, None), proof: str = ""
    ) -> None:
        """`named` is the URL of the person. There may be a `proof` for the `target`: a method and a URL."""
        self._policy = policy
        self._lease = lease
        self._named = named
        self._target = target
        self._ready = {None: (proof, policy.readings.monotonic() + LONGEST_WAIT)} if proof else {}
        self.last: str | None = None

    def of_copy(self) -> Binding:
        """For a copy of the request, which gets proofs of its own."""
        return Binding(self._policy, self._lease, self._named)

    def aim(self, attributes: dict[str, Any], headers: Any) -> None:
        """Take notice of where the request with these `attributes` goes, and of what else is in its `headers`."""
        target = attributes.get("method"), attributes.get("url")
        is_ours = headers.get(self._policy.header_name) == self._lease.header_value
        if target == self._target and is_ours:
            return  # as usual
        if target != self._target:
            self._ready = {}
            self._target = target
            if not surely_stays(self._named, str(target[1])):
                for name in self._lease.api_headers:
                    headers.pop(name, None)
                if self._lease_of(headers) is not None:
                    del headers[self._policy.header_name]
            elif is_ours and PROOF_HEADER in headers:
                self._prepare(headers)
        if PROOF_HEADER in headers and self._lease_of(headers) is None:
            del headers[PROOF_HEADER]

    def take(self, headers: Any) -> str:
        """A proof for one sending with `headers`; empty if nothing signs one, so that the API refuses the request."""
        lease = self._lease_of(headers)
        if lease is None:
            return ""
        proof, until = self._ready.pop(None, ("", 0.0))  # one step: another thread may want it, too
        if lease is not self._lease or self._policy.readings.monotonic() >= until:
            proof = self._made(lease)
        self.last = proof
        single = _Proof(proof)
        single.again, single.unsent = partial(self._made, lease), {None: proof}
        return single

    def _prepare(self, headers: Any) -> None:
        """Make the first proof for a new target. If nothing signs one, a hop goes without: the hook says why."""
        proof = self._made(self._lease)
        if proof:
            self._ready = {None: (proof, self._policy.readings.monotonic() + LONGEST_WAIT)}
        else:
            del headers[PROOF_HEADER]

    def _made(self, lease: Lease) -> str:
        method, url = self._target
        made = proof_now(self._policy, lease, str(method), str(url))
        return made if isinstance(made, str) else ""

    def _lease_of(self, headers: Any) -> Lease | None:
        """The token in `headers`: ours, or an older one if a thread has just renewed that; None if it is neither."""
        value = headers.get(self._policy.header_name)
        if value == self._lease.header_value:
            return self._lease
        return next((lease for lease in self._lease.chain() if lease.header_value == value), None)


def bind(request: Any, policy: ApiPolicy, lease: Lease, nonce: str | None = None) -> TokenError | None:
    """Give `request` the token of `lease`, and have it make its proofs; or say why there is none.

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
    headers = request.headers
    shown: str = _AT_SENDING
    if not hasattr(headers, BINDING):
        if attributes.get("headers") is None:
            shown = proof  # the stand-in of a mock, whose attributes are not those of a request; it is sent nowhere
        else:
            headers = attributes["headers"] = _minding(cls, headers)
            if not hasattr(cls, BINDING):
                request.__class__ = _bound_class(cls)  # type: ignore[arg-type]  # a class can be hashed
    if shown is _AT_SENDING:
        setattr(headers, BINDING, Binding(policy, lease, url, (request.method, request.url), proof))
    if lease.api_headers:
        headers.update(lease.api_headers)
    headers[policy.header_name] = lease.header_value
    headers[PROOF_HEADER] = shown
    return None


def as_sent(request: Any) -> Any:
    """A copy of `request` for a history, with the last proof that was sent."""
    return (unbound(request) if hasattr(type(request), BINDING) else request).copy()


def unbound(request: Any) -> Any:
    """The same request as one that makes no proofs; it has the last one that was sent."""
    plain: Any = object.__new__(type(request).__mro__[1])
    headers = request.__dict__["headers"]
    plain.__dict__.update(request.__dict__, headers=_shown(headers) if hasattr(headers, BINDING) else headers)
    return plain


def _shown(headers: Any) -> Any:
    """`headers` as they were sent last."""
    plain = headers.without_proof()
    proof = getattr(headers, BINDING).last
    return plain if proof is None else _with_proof(plain, proof)


def _with_proof(headers: Any, proof: str) -> Any:
    headers[PROOF_HEADER] = proof
    return headers


def _copied(headers: Any, otherwise: Any) -> Any:
    """A copy of `headers` that makes proofs of its own; `otherwise` if these make none."""
    if not hasattr(headers, BINDING):
        return otherwise
    twin = headers.copy()
    setattr(twin, BINDING, getattr(headers, BINDING).of_copy())
    return twin


def _minding(cls: Any, headers: Any) -> Any:
    """`headers` as those that make proofs, for a request of the class `cls`. They need a `Binding` then."""
    if type(headers) is dict:  # put there by hand
        shell = object.__new__(cls)
        cls.prepare_headers(shell, headers)
        headers = shell.__dict__["headers"]
    if not hasattr(headers, BINDING):
        headers.__class__ = _proving_class(type(headers))  # type: ignore[arg-type]  # as above
    return headers


@cache
def _proving_class(cls: Any) -> type[Any]:
    """The subclass of a library's headers that makes a proof each time that its value is read."""

    class Proving(cls):  # type: ignore[misc]  # a class known when the program runs
        def __getitem__(self, key: Any) -> Any:
            value = super().__getitem__(key)
            return getattr(self, BINDING).take(self) if value is _AT_SENDING else value

        def __contains__(self, key: Any) -> bool:
            # Not by a look at its value, which would be a proof.
            wanted = key.lower()
            return any(name.lower() == wanted for name in self)

        def items(self) -> Any:
            """As of any mapping; some libraries read theirs in a way of their own."""
            return ItemsView(self)

        def copy(self) -> Any:
            """The same, which makes proofs of its own."""
            twin = self.without_proof()
            twin.__class__ = type(self)
            setattr(twin, BINDING, getattr(self, BINDING))
            return _with_proof(twin, _AT_SENDING) if PROOF_HEADER in self else twin

        def __copy__(self) -> Any:
            return self.copy()

        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            return self.copy()

        def __reduce_ex__(self, protocol: Any) -> Any:
            return cls, (dict(self.without_proof()),)

        def without_proof(self) -> Any:
            """A copy that is the library's own, and has no proof."""
            plain = super().copy()
            plain.pop(PROOF_HEADER, None)
            return plain

    Proving.__name__, Proving.__qualname__, Proving.__module__ = cls.__name__, cls.__qualname__, cls.__module__
    return Proving


@cache
def _bound_class(cls: Any) -> type[Any]:
    """The subclass of a library's prepared request that minds its token and its proofs."""

    class Bound(cls):  # type: ignore[misc]  # a class known when the program runs
        @property
        def headers(self) -> Any:
            """The headers; a reader of the proof in them may send it."""
            attributes = self.__dict__
            headers = attributes.get("headers")
            binding = getattr(headers, BINDING, None)
            if binding is not None:
                binding.aim(attributes, headers)
            return headers

        @headers.setter
        def headers(self, headers: Any) -> None:
            known = self.__dict__.get("headers")
            binding = getattr(known, BINDING, None)
            if headers is not None and headers is not known and binding is not None:
                headers = _minding(cls, headers.copy())
                setattr(headers, BINDING, binding)
                if PROOF_HEADER in headers:
                    headers[PROOF_HEADER] = _AT_SENDING
            self.__dict__["headers"] = headers

        def copy(self) -> Any:
            """What the library makes, bound as this one is."""
            twin = unbound(self).copy()
            twin.__class__ = type(self)
            twin.__dict__["headers"] = _copied(self.__dict__["headers"], twin.__dict__["headers"])
            return twin

        def __copy__(self) -> Any:
            return self.copy()

        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            twin = object.__new__(type(self))
            memo[id(self)] = twin
            twin.__dict__.update(deepcopy(self.__dict__, memo))
            twin.__dict__["headers"] = _copied(twin.__dict__["headers"], twin.__dict__["headers"])
            return twin

        def __reduce_ex__(self, protocol: Any) -> Any:
            # A pickle names the library's class, which makes no proof; nor do its headers.
            return copyreg._reconstructor, (cls, object, None), {**self.__dict__}  # type: ignore[attr-defined]

    setattr(Bound, BINDING, None)  # marks the class
    Bound.__name__, Bound.__qualname__, Bound.__module__ = cls.__name__, cls.__qualname__, cls.__module__
    return Bound
