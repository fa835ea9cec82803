"""One API request through httpx or httpx2 whose token is bound to a key (DPoP, RFC 9449). Decisions only, no I/O.

`begin` is what happens before the first sending. `follow_up` is all that follows from an answer that is not the usual
one: a generator that yields requests to send, and steps for `oauth_cc_auth._adapter.drivers` to carry out. Each sending
has a proof of its own:

    401 that asks for another proof (a nonce)   the same request with one; the token stays as it is
    401 after a redirect                        the same: httpx has sent the first proof to the second hop as well
    any other refusal                           as for a bearer token

With `auth.redirect_guard` in place, each hop of a redirect gets its proof when it is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.drivers import STEPS, acarry_out, carry_out
from oauth_cc_auth._adapter.policy import PROOF_HEADER, Drain
from oauth_cc_auth._adapter.proving import NONCE_HEADER, aproof, proof_from, proof_now, signing
from oauth_cc_auth._core.caller import running_loop
from oauth_cc_auth._errors import TokenError
from oauth_cc_auth._http.origin import origin_of, same_audience

from .drain import adrain, drain
from .exchange import NAMED_ORIGIN, ApiExchange
from .replay import TICKET, Replay, replay_of

if TYPE_CHECKING:
    from oauth_cc_auth._adapter.policy import ApiPolicy
    from oauth_cc_auth._core.lease import Lease
    from oauth_cc_auth._protocol.failure import Failure

    from .transport import HttpxTransport

Conversation = Generator[Any, Any, None]

_NONCE, _LENGTH = NONCE_HEADER.encode(), len(NONCE_HEADER)

_sending: dict[int, Ticket] = {}  # who sends a request, by its identity, as long as its flow goes on


def own(request: Any, ticket: Ticket) -> Any:
    """`request`, or the same with headers of its own if another thread or task is sending this very object.

    `let_go` has to follow.
    """
    if _sending.setdefault(id(request), ticket) is ticket:
        return request
    twin: Any = object.__new__(type(request))
    twin.__dict__.update(request.__dict__)
    twin.headers = request.headers.copy()
    return twin


def let_go(request: Any, ticket: Ticket) -> None:
    """Note that `ticket` has come to its end: others may send the `request` that `own` was called with."""
    if _sending.get(id(request)) is ticket:
        del _sending[id(request)]


def first_proof(policy: ApiPolicy, lease: Lease, method: str, url: Any) -> str | TokenError:
    """The proof for the first sending to `url`, a URL of the library; or why there is none. Blocks if signing does."""
    proofs: Any = lease.proofs
    if proofs.blocks:
        return proof_now(policy, lease, method, str(url))
    path = url.raw_path.partition(b"?")[0]  # without the query, as in `Proofs`
    aim = method, url.scheme, url.raw_host, url.port, path
    return proofs.aimed(lease.token, aim, url)  # type: ignore[no-any-return]  # a proof


def _brings_nonce(response: Any) -> bool:
    """True if there is a nonce in `response`. To ask the headers for it takes twice as long."""
    for name, _ in response.headers.raw:  # noqa: SIM110  # a generator takes half as long again
        if len(name) == _LENGTH and name.lower() == _NONCE:
            return True
    return False


def begin(library: Any, transport: HttpxTransport, ticket: Ticket, request: Any, proof: str | TokenError) -> None:
    """Give `request` its token and `proof`, before it is sent first.

    Raises:
        TokenError: nothing signed a proof.
    """
    if type(request.stream) is not library.ByteStream:
        ticket.replay = replay_of(request.stream, library)
    _present(transport, ticket, request, proof)


def follow_up(
    library: Any, transport: HttpxTransport, ticket: Ticket, request: Any, response: Any
) -> Conversation | None:
    """What follows from `response`, the first answer; None if nothing does, as usual.

    The generator is sent this answer first. It yields the requests to send, and what else is to be done in between.

    Raises:
        TokenError: from the generator: nothing signed a proof, or the token endpoint says no for good after a refusal.
    """
    policy, lease = ticket.policy, ticket.lease
    if response.status_code < 300 and policy.is_usual and not lease.probation and not response.history:
        if _brings_nonce(response):
            ticket.proofs.note_api(ticket.url, response.headers)
        return None
    exchange = BoundExchange(library, policy, transport, lease, url=ticket.url, replay=ticket.replay)
    talk = exchange.follow_up(ticket, request)
    next(talk)
    return talk


def next_request(talk: Conversation, response: Any, obtain: Callable[[Lease], Lease | Failure]) -> Any:
    """The request that follows from `response`; None at the end. Blocks."""
    done = response
    with suppress(StopIteration):
        while True:
            step = talk.send(done)
            if not isinstance(step, STEPS):
                return step
            done = carry_out(step, obtain, partial(drain, response))
    return None


async def anext_request(
    talk: Conversation, response: Any, obtain: Callable[[Lease], Awaitable[Lease | Failure]]
) -> Any:
    """`next_request` in an event loop."""
    done = response
    with suppress(StopIteration):
        while True:
            step = talk.send(done)
            if not isinstance(step, STEPS):
                return step
            done = await acarry_out(step, obtain, partial(adrain, response))
    return None


class Ticket:
    """What is known of the proof of one request; `redirect_guard` makes the next one by it.

    Attributes:
        lease: The token that the request carries.
        passed: The last proof that the guard has let pass, which is not sent again.
        proofs: Make the next.
        replay: How the body is sent again; None if it is in memory.
    """

    __slots__ = ("_url", "lease", "passed", "policy", "proofs", "replay")

    def __init__(self, policy: ApiPolicy, lease: Lease, url: Any) -> None:
        """`url` is where the request goes, as text or as a URL of the library."""
        self.policy = policy
        self.lease = lease
        self.proofs: Any = lease.proofs
        self._url = url
        self.passed = ""
        self.replay: Replay | None = None

    @property
    def url(self) -> str:
        """Where the request goes."""
        return str(self._url)

    def attach(self, request: Any, proof: str) -> None:
        """Put token and proof into `request`."""
        headers = request.headers
        headers[self.policy.header_name] = self.lease.header_value
        headers[PROOF_HEADER] = proof

    def is_spent(self, request: Any) -> bool:
        """True if `request` is a hop of a redirect that carries the token, and needs a proof of its own.

        The proof that it came with is gone then. It is gone too if the redirect took away the token.
        """
        proof = request.headers.get(PROOF_HEADER)
        if proof != self.passed:
            self.passed = proof
            return False
        request.headers.pop(PROOF_HEADER, None)
        return request.headers.get(self.policy.header_name) == self.lease.header_value and same_audience(
            origin_of(self.url), origin_of(str(request.url))
        )

    def prove_hop(self, request: Any) -> None:
        """Give a hop its proof. If nothing signs one, the API refuses the request, and the flow says why."""
        self.attach_to_hop(request, proof_now(self.policy, self.lease, request.method, str(request.url)))

    async def aprove_hop(self, request: Any) -> None:
        """`prove_hop` in an event loop, for a key that signs slowly."""
        self.attach_to_hop(request, await aproof(self.policy, self.lease, request.method, str(request.url)))

    def attach_to_hop(self, request: Any, proof: str | TokenError) -> None:
        """Put the proof into a hop, if there is one."""
        if isinstance(proof, str):
            self.attach(request, proof)
            self.passed = proof


def prove_hop(request: Any, done: Any) -> Any:
    """Give `request` a proof of its own if it is a hop of a redirect; returns what may be awaited, as a rule `done`."""
    ticket: Ticket | None = request.extensions.get(TICKET)
    if ticket is None or not ticket.is_spent(request):
        return done
    if ticket.proofs.blocks and running_loop() is not None:
        return _Late(ticket.aprove_hop, request)
    ticket.prove_hop(request)
    return done


class _Late:
    """What calls an async function if it is awaited."""

    def __init__(self, function: Callable[[Any], Coroutine[Any, Any, None]], request: Any) -> None:
        self._function = function
        self._request = request

    def __await__(self) -> Generator[Any, None, None]:
        return self._function(self._request).__await__()


def _prove(transport: HttpxTransport, ticket: Ticket, request: Any, nonce: str | None = None) -> Conversation:
    """Give `request` its token and a proof."""
    policy, lease = ticket.policy, ticket.lease
    if ticket.proofs.blocks:
        proof = proof_from((yield signing(policy, lease, request.method, ticket.url, nonce)))
    else:
        proof = proof_now(policy, lease, request.method, ticket.url, nonce)
    _present(transport, ticket, request, proof)


def _present(transport: HttpxTransport, ticket: Ticket, request: Any, proof: str | TokenError) -> None:
    """Give `request` its token and `proof`, and a note of both."""
    if isinstance(proof, TokenError):
        raise transport.for_caller(proof, request, ticket.policy.header_names)
    ticket.attach(request, proof)
    request.extensions = extensions = {**request.extensions, TICKET: ticket}
    if not ticket.policy.strips_header:
        extensions[NAMED_ORIGIN] = origin_of(ticket.url)


class BoundExchange(ApiExchange):
    """`ApiExchange` for a token that is bound to a key."""

    def follow_up(self, ticket: Ticket, request: Any) -> Conversation:
        """What follows from the first answer, to `request`, which it is sent."""
        response = yield from self._answered((yield), ticket, request)
        again = self.after_redirect(response)
        if again is not None:
            yield Drain()
            response = yield from self._sent(again)
        renewal = self.renewal(response)
        while renewal is not None:
            again = self._again(response, (yield from renewal))
            if again is None:
                return
            response = yield from self._sent(again)
            renewal = self.second_renewal(response)

    def _sent(self, request: Any) -> Generator[Any, Any, Any]:
        """The answer to `request`, sent with the current token and a proof; the one after a complaint about that."""
        ticket = Ticket(self._policy, self._lease, str(request.url))
        yield from _prove(self._transport, ticket, request)
        return (yield from self._answered((yield request), ticket, request))

    def _answered(self, response: Any, ticket: Ticket, sent: Any) -> Generator[Any, Any, Any]:
        """`response` to `sent`, or the answer to the same with another proof, if it asks for no more than that."""
        nonce = self._noted(response, ticket)
        if not self._asks_for_proof(response, ticket, sent):
            return response
        self._note_request(response)
        if self._policy.logged_obstacle(self, "nonce") or not self.rewind():
            return response
        yield Drain()
        again = self._again(response, ticket.lease)
        ticket = Ticket(self._policy, ticket.lease, str(again.url))
        yield from _prove(self._transport, ticket, again, nonce)
        response = yield again
        self._noted(response, ticket)
        complaint = ticket.proofs.complaint(response.status_code, response.headers)
        if complaint is not None:
            self._policy.proof_rejected(origin_of(str(response.request.url)), complaint)
        return response

    def _noted(self, response: Any, ticket: Ticket) -> str | None:
        """Keep the nonces that the hops have asked for; the last of them."""
        nonce: str | None = None
        for hop in (*response.history, response):
            nonce = ticket.proofs.note_api(str(hop.request.url), hop.headers)
        return nonce

    def _asks_for_proof(self, response: Any, ticket: Ticket, sent: Any) -> bool:
        """True if another proof is all that `response` asks for."""
        request = response.request
        stays = same_audience(self.origin, origin_of(str(request.url)))
        if response.status_code != 401 or not stays or not self._carries(request):
            return False
        if ticket.proofs.complaint(response.status_code, response.headers) is not None:
            return True
        # A redirect took the proof along to a hop that it is not for, and there was no guard to make another.
        return request is not sent and not ticket.passed
