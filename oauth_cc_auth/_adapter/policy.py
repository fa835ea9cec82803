"""What is decided about an API request: whether it carries a token, and what its answer says about that token.

Nothing here does I/O or knows a client library. `ApiPolicy.renewal` is the one procedure after a refusal: a generator
that yields what it wants done. `drivers` carries it out, blocking or awaiting, so the order of steps stands once:

    does the API not know the token yet?   send again with the one before it (see `introduction`)
    note the refusal -> held off?          return the answer
    can the request be sent again?  no  -> log that
    token_client may share the pool     -> drain the answer, or leave the renewal to the next request
    obtain another token -> none?          return the answer, or raise
    rewind the body
    drain the answer -> send again         (the adapter sends, and reports what came back)
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from oauth_cc_auth._errors import InsecureRequestError, TokenError, advised
from oauth_cc_auth._http.interrupts import is_interrupt
from oauth_cc_auth._http.origin import Origin, may_carry_secrets, origin_of
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._record import Record
from oauth_cc_auth._settings.callables import returned_awaitable, wants_argument

if TYPE_CHECKING:
    from typing import Protocol

    from oauth_cc_auth._config import ClientCredentialsConfig
    from oauth_cc_auth._core.api_metadata import ApiDescription
    from oauth_cc_auth._core.lease import Lease
    from oauth_cc_auth._core.source import TokenSource
    from oauth_cc_auth._events import RefusalOutcome

    from .behaviour import Behaviour, RenewCondition
    from .step_up import StepUp
    from .transport import Transport

    class RefusedRequest(Protocol):
        """A request that an API refused, as an adapter knows it."""

        @property
        def origin(self) -> Origin:
            """Of the API."""
            ...

        @property
        def path(self) -> str:
            """What `path_of` makes of its method and URL."""
            ...

        @property
        def method(self) -> str | None:
            """HTTP method."""
            ...

        @property
        def status(self) -> int:
            """HTTP status of the refusal."""
            ...

        @property
        def challenge(self) -> str | None:
            """``WWW-Authenticate`` of the refusal."""
            ...

        def obstacle(self) -> str:
            """Why the request cannot be sent a second time, as a sentence; empty if it can."""
            ...

        def rewind(self) -> bool:
            """True once the request can be sent again, its body back at the start."""
            ...


logger = logging.getLogger("oauth_cc_auth")

PROOF_HEADER = "DPoP"  # RFC 9449 §4.1

# Why a request is not sent again.
BODY_FOR_ONE_SENDING = "its body can be read only once. Pass bytes, a list or a seekable file to have it sent again"

# Sites that stay remembered; one more is the latest. A session that talks to more of them parses URLs.
_REMEMBERED = 3

# Statuses that say nothing about the token: refusals, and answers of something in front of the API.
_SAYS_NOTHING = frozenset({401, 407, 408, 425, 429})


class Drain(Record):
    """Read the refused answer, so that its connection is free."""

    __slots__ = ()


class Obtain(Record):
    """Get another token than `refused`; send back a `Lease`, or a `Failure` that says why there is none."""

    __slots__ = ("refused",)

    def __init__(self, refused: Lease) -> None:
        self.refused = refused


Renewal = Generator[Drain | Obtain, Any, "Lease | TokenError | None"]


class ApiPolicy:
    """The decisions of one auth object about API requests.

    Attributes:
        admitted: What marks a request as one that gets a token, in the terms of the adapter; see `remember`.
        cache: Holds the current token.
        readings: Has the two clocks that an age is read from: `time` and `monotonic`, in seconds.
        header_name: The API request header that carries the token.
        header_names: That one, and those of the headers that go with it.
        strips_header: True if all client libraries take them off a redirect to another origin.
        proofs: Makes proofs for tokens that are bound to a key (RFC 9449); None for bearer tokens.
        is_usual: True if an answer below 300 says nothing unless the token is on probation.
        reads_body: True if `renew_on` wants to see the bodies of answers.
        serves_every_origin: True without `api_origins`.
    """

    __slots__ = (
        "_allow_insecure_http",
        "_behaviour",
        "_description",
        "_observer",
        "_presents_certificate",
        "_step_up",
        "_transport",
        "admitted",
        "cache",
        "header_name",
        "header_names",
        "is_usual",
        "proofs",
        "readings",
        "reads_body",
        "serves_every_origin",
        "strips_header",
    )

    def __init__(
        self,
        config: ClientCredentialsConfig,
        source: TokenSource,
        behaviour: Behaviour,
        transport: Transport,
    ) -> None:
        self.admitted: tuple[Any, ...] = ()
        self.cache = source.cache
        self.readings = source.cache.clock.readings
        self.proofs = source.proofs
        self.header_name = config.header_name
        others = (name for name, _ in config.api_headers) if config.api_headers else ()
        self.header_names = _names(config.header_name, *others)
        self.strips_header = config.header_name.lower() == "authorization" and not config.api_headers
        self.is_usual = behaviour.renew_on is None
        self.reads_body = callable(behaviour.renew_on) and wants_argument(behaviour.renew_on, 2)
        self.serves_every_origin = behaviour.api_origins is None
        self._allow_insecure_http = config.allow_insecure_http
        self._behaviour = behaviour
        self._step_up: StepUp | None = None
        if behaviour.step_up:
            from .step_up import StepUp

            self._step_up = StepUp(config, source)
        self._description: ApiDescription | None = None
        if behaviour.resource_metadata and config.issuer is not None:
            self._description = source.follow_api(config.issuer.url)
        self._observer = source.observer
        self._presents_certificate: bool = getattr(config.client_authentication, "uses_client_certificate", False)
        self._transport = transport

    @property
    def deadline(self) -> float:
        """Seconds for what signs one proof."""
        return self._behaviour.deadline

    # Before a request is sent.

    def admission(self, url: str, auth_name: str) -> bool | InsecureRequestError:
        """True if the request to `url` gets a token, False if `api_origins` leaves its origin out.

        An error if the request would carry the token over plain http; `auth_name` is the class that allows that.
        """
        origins = self._behaviour.api_origins
        if origins is not None and origin_of(url) not in origins:
            return False
        if self._allow_insecure_http or self._transport.is_private(url):
            return True
        from oauth_cc_auth._advice import Advice  # seldom needed, as the next one
        from oauth_cc_auth._redact.redact import shown_url

        if may_carry_secrets(url):
            problem = "is on this machine, but the environment names a proxy, which would see the token"
            advice = Advice("add the host to NO_PROXY, or {permit_http} if you trust the proxy", auth_class=auth_name)
        else:
            problem = "is not https and would show the token to everyone on the way"
            advice = Advice(
                "use https, or {permit_http} if you trust the network (service mesh, test host)", auth_class=auth_name
            )
        return advised(InsecureRequestError(f"{shown_url(url)} {problem}"), advice)

    def remember(self, site: Any) -> None:
        """Admit the next request to `site` without parsing its URL, which costs more than everything else here.

        `site` is whatever the adapter tells origins apart by. Equal sites must have the same origin.
        """
        if site not in self.admitted:
            self.admitted = (*self.admitted[:_REMEMBERED], site)

    def chosen(self, lease: Lease, url: str, *, can_be_sent_again: bool) -> Lease:
        """The token for a request to `url`: `lease`, or the one before it while the API may not know `lease` yet."""
        return (
            lease
            if lease.introduction is None
            else self.cache.chosen(lease, origin_of(url), can_be_sent_again=can_be_sent_again)
        )

    # After an answer.

    def proof_rejected(self, origin: Origin, complaint: str) -> None:
        """Log that an API accepts no other proof either, so its answer is returned as it is."""
        logger.warning(
            "%s does not accept the DPoP proof of a request, nor another one (%s); check this machine's clock, and "
            "whether something on the way changes the URL",
            origin,
            complaint,
            extra={"reason": complaint},
        )

    def refuses(
        self, url: str, status: int, headers: Mapping[str, str], body: bytes | None = None, lease: Lease | None = None
    ) -> bool | TokenError:
        """True if an answer from `url` means that the API refused the token.

        `body` counts if this policy `reads_body`; None for one that is not looked at. `lease` is what the request
        carried; an API may want a token with more scope, or say what its tokens are for.
        An error if `renew_on` raised or returned something to await: the API's answer is lost with it, so it must not
        pass unseen.
        """
        refuses, description = self._refuses(url, status, headers, body, lease), self._description
        if refuses is not True or status != 401 or lease is None or description is None:
            return refuses
        if description.note(url, headers, lease):
            self.cache.outdate()  # a token that is under way does not know of it
        return refuses

    def _refuses(
        self, url: str, status: int, headers: Mapping[str, str], body: bytes | None, lease: Lease | None
    ) -> bool | TokenError:
        if self.proofs is not None and self.proofs.complaint(status, headers):
            return False  # about the proof, not about the token
        if self._step_up is not None and lease is not None and self._step_up.wants_more(lease, url, status, headers):
            return True
        condition: RenewCondition = self._behaviour.renew_on
        if condition is None:
            return status == 401
        if isinstance(condition, frozenset):
            return status in condition
        if condition is False:
            return False
        try:
            answer = condition(status, headers, body) if self.reads_body else condition(status, headers)
            problem = returned_awaitable(answer)
            if not problem:
                return bool(answer)
        except Exception as error:  # whatever a person's callable raises
            if is_interrupt(error):
                raise
            from oauth_cc_auth._redact.redact import kind_and_place

            problem = f"raised {kind_and_place(error)}"
        given = "status, headers and body" if self.reads_body else "status and headers"
        return TokenError(f"renew_on, called with {given}, {problem}", reason="callable_failed")

    def token_after_redirect(
        self, url: str, status: int, headers: Mapping[str, str], body: bytes | None = None
    ) -> Lease | TokenError | None:
        """The token to send a request again with that a redirect took to `url`, and that arrived there without one.

        Only if `api_origins` lists that origin and its answer asks for a token, and only the current token: nothing is
        fetched for this. An error if `renew_on` raised.
        """
        if self.serves_every_origin or self.admission(url, "") is not True:
            return None
        refuses = self.refuses(url, status, headers, body)
        if not isinstance(refuses, bool):
            return refuses
        return self.cache.usable(None) if refuses else None

    def is_ours(self, header_value: object) -> bool:
        """True if `header_value` holds the current token or one of the last before it."""
        current = self.cache.current
        return current is not None and any(lease.header_value == header_value for lease in current.chain())

    def note_answer(self, lease: Lease, method: str | None, url: str, status: int) -> None:
        """An API answered `status` to `lease`. Matters only if the token is on probation somewhere.

        A redirect, an overload or a fault of the server says nothing about the token.
        """
        if lease.probation and _is_accepted(status):
            self.cache.refusals.accepted(origin_of(url), lease, path_of(method, url))

    def note_leak(self, lease: Lease, origin: Origin, target: Origin) -> None:
        """A redirect from `origin` took `lease` along to `target`, so its token is no longer a secret."""
        self.cache.discard(lease)
        self._observer.token_leaked(origin, target, self.header_name)

    def note_resent(self, lease: Lease, method: str | None, url: str, status: int) -> None:
        """An API answered `status` to a request that was sent again with `lease`, and did not refuse that."""
        if _is_accepted(status):
            self.cache.refusals.accepted(origin_of(url), lease, path_of(method, url))
            self.cache.refusals.earned(origin_of(url), lease)

    def renewal(self, lease: Lease, refused: RefusedRequest) -> Renewal:
        """What follows from a refusal of `lease`: the token to send the request again with, an error, or nothing.

        None means that the refusal is returned as it is. An error is one that explains more than the refusal does: the
        token endpoint says no for good, or the person wants to hear of passing reasons as well.
        """
        older = self.cache.stand_in(lease, refused.origin)
        if older is not None:
            return (yield from self._detour(refused, older))
        current = self.cache.current
        is_late = current is not None and current is not lease
        wanted_instead_of = lease
        if is_late and self.cache.is_stand_in(lease, refused.origin):
            wanted_instead_of = self.cache.end_stand_in(refused.origin) or lease
            is_late = False
        if self._is_held(lease, refused):
            return None
        obstacle = self.logged_obstacle(refused)
        if self._behaviour.token_client is not None:
            # The answer may hold the only connection of a pool that both clients share.
            if obstacle:
                self._postpone(lease, refused, is_late=is_late)
                return None
            yield Drain()
        outcome: Lease | Failure = yield Obtain(wanted_instead_of)
        if isinstance(outcome, Failure):
            return self._not_renewed(lease, refused, outcome)
        outcome.probation.add(refused.origin)
        again = not obstacle and refused.rewind()
        self._note_renewal(refused, is_late=is_late, sent_again=again)
        if not again:
            if not is_late:
                self.cache.refusals.suspect(refused.origin, refused.path)
            return None
        yield Drain()
        return outcome

    def second_renewal(self, lease: Lease, refused: RefusedRequest) -> Renewal | None:
        """What follows if a request was sent again with `lease` and refused again: as a rule, nothing.

        The exception is a token that stood in for a newer one: both are refused, so another one is fetched.
        """
        if self.cache.is_stand_in(lease, refused.origin):
            return self.renewal(lease, refused)
        hold = self.cache.refusals.note(refused.origin, lease, refused.path)
        is_first = self.cache.refusals.is_first(lease, "refused_again")
        from oauth_cc_auth._protocol.advice import speaks_of_certificate  # the first token request has loaded it

        about_certificate = self._presents_certificate or speaks_of_certificate(refused.challenge or "")
        self._observer.token_refused(
            refused.origin, refused.status, "refused_again", is_first=is_first, about_certificate=about_certificate
        )
        if hold is not None and hold.begins:
            self._observer.held_off(hold.seconds, "refusals", refused.origin)
        return None

    def _detour(self, refused: RefusedRequest, older: Lease) -> Renewal:
        """Send the request again with the token that the API knows; nothing is fetched."""
        again = not self.logged_obstacle(refused) and refused.rewind()
        self._observer.token_refused(refused.origin, refused.status, "older_token", sent_again=again)
        if not again:
            return None
        yield Drain()
        return older

    def logged_obstacle(self, refused: RefusedRequest, gets: str = "token") -> str:
        """Why the request cannot be sent again, which is logged; empty if it can. The next one `gets` a new what?"""
        obstacle = refused.obstacle()
        if obstacle:
            logger.warning(
                "a refused %s request to %s is not sent again: %s. The next request gets a new %s",
                refused.method,
                refused.origin,
                obstacle,
                gets,
                extra={"reason": "body_for_one_sending" if obstacle is BODY_FOR_ONE_SENDING else "no_connection"},
            )
        return obstacle

    def _is_held(self, lease: Lease, refused: RefusedRequest) -> bool:
        """Note a refusal; True if this origin refuses so many tokens that its answer is left as it is."""
        hold = self.cache.refusals.note(refused.origin, lease, refused.path)
        if hold is None:
            return False
        self._observer.token_refused(refused.origin, refused.status, "held")
        if hold.begins:
            self._observer.held_off(hold.seconds, "refusals", refused.origin)
        return True

    def _postpone(self, lease: Lease, refused: RefusedRequest, *, is_late: bool) -> None:
        """Leave the renewal to the next request, and stop using `lease`."""
        if is_late:
            self._note_renewal(refused, is_late=True, sent_again=False)
            return
        self.cache.refusals.suspect(refused.origin, refused.path)
        self.cache.discard(lease)
        self._observer.token_refused(refused.origin, refused.status, "postponed")

    def _not_renewed(self, lease: Lease, refused: RefusedRequest, outcome: Failure) -> TokenError | None:
        is_first = self.cache.refusals.is_first(lease, "not_renewed")
        raises = self._behaviour.raise_if_not_renewed or not outcome.transient
        why = None if raises else outcome.error
        self._observer.token_refused(refused.origin, refused.status, "not_renewed", why=why, is_first=is_first)
        return outcome.error if raises else None

    def _note_renewal(self, refused: RefusedRequest, *, is_late: bool, sent_again: bool) -> None:
        """There is a token to go on with; says whether the refused request is sent again with it."""
        outcome: RefusalOutcome = "newer_token" if is_late else "renewed"
        self._observer.token_refused(refused.origin, refused.status, outcome, sent_again=sent_again)


@lru_cache(16)
def _names(*names: str) -> tuple[str, ...]:
    """The same tuple for the same names: there may be thousands of siblings."""
    return names


def path_of(method: str | None, url: str) -> str:
    """The method and the path of a request, without its query."""
    return f"{method} {urlsplit(url).path}"


def _is_accepted(status: int) -> bool:
    """True if an answer shows that the API took the token."""
    return status < 300 or (400 <= status < 500 and status not in _SAYS_NOTHING)
