"""What a leader does: it sends token requests until one succeeds, no authentication method is left, or time runs out.

The one law: another method needs an answer that can mean "not authenticated". An answer that says nothing about the
client is no reason: to try another method after a 503 would send the secret again, and hide what is wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._advice import Advice, as_it_is, name_of, together
from oauth_cc_auth._authentication.base import ClientAuthentication
from oauth_cc_auth._authentication.order import in_listed_order, is_builtin, may_want_raw_basic, worth_trying
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._errors import Attempt, ConfigurationError, DiscoveryError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth._http.answers import clock_skew
from oauth_cc_auth._protocol.advice import USE_NONCE
from oauth_cc_auth._protocol.answer import is_whole_success, not_understood, read_answer
from oauth_cc_auth._protocol.exchange import (
    METADATA,
    Computed,
    Reply,
    TokenRequest,
    TokenResponse,
    methods_of,
    token_request,
)
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.members import whole_of
from oauth_cc_auth._redact.redact import presentable, shown_url
from oauth_cc_auth._settings import pair_checks, returned
from oauth_cc_auth._settings.callables import given as with_argument
from oauth_cc_auth._settings.callables import has_callable
from oauth_cc_auth._token import Token

from .back_off import back_off
from .clock import Clock
from .effects import CallFunction, Effect, Raised, Send, Sleep
from .family import Family
from .flight import Fetched, Flight
from .observer import Observer, shown_scope

if TYPE_CHECKING:
    from oauth_cc_auth._protocol.server_metadata import ServerMetadata

    from .locate import Locator
    from .proofs import Proofs

logger = logging.getLogger("oauth_cc_auth")

_UNREAD_LIFE = Advice("check {response_fields} and {lifetime_unit}, or set {default_lifetime}")

_GONE = (404, 410)  # statuses of a token endpoint that has moved

TRIES = 3  # of a token request that fails for a reason that may pass
# Seconds before the second try, doubling. Chance takes up to half of it off. If the endpoint asks for a delay itself,
# chance adds up to all of it, since a whole fleet may have been asked to come back at the same moment.
FIRST_DELAY = 0.5
SECONDS_BETWEEN_LOOKS = 1.0  # at a secret that may have been rotated, while the endpoint is left alone

Fetching = Generator[Effect, Any, Fetched | Failure]


class Fetcher:
    """Fetches tokens for one auth object, and remembers which authentication method worked.

    Args:
        config: What to ask for, and how.
        clock: Time and chance.
        observer: What hears of another method.
        timeout: Seconds for each token request.
        family: Remembers which method worked; None for one of its own.
        proofs: Makes a DPoP proof for each token request; None if tokens are not bound to a key.

    Attributes:
        last_token: What callables of the person's may see: the token that the endpoint issued last, or None.
    """

    __slots__ = (
        "_epoch",
        "_family",
        "_locator",
        "_methods",
        "_proofs",
        "clock",
        "config",
        "last_token",
        "observer",
        "timeout",
    )

    def __init__(
        self,
        config: ClientCredentialsConfig,
        clock: Clock,
        observer: Observer,
        *,
        timeout: float,
        family: Family | None = None,
        proofs: Proofs | None = None,
    ) -> None:
        self.config = config
        self.clock = clock
        self.observer = observer
        self.timeout = timeout
        self._methods = methods_of(config)
        self._family = Family() if family is None else family
        self._locator: Locator | None = None
        if config.issuer is not None:
            from .locate import Locator

            self._locator = Locator(config, config.issuer, clock, self._family, timeout=timeout)
        self.last_token: Token | None = None
        self._proofs = proofs
        self._epoch = 0  # of the flight that last proved or doubted the method

    def fetch(self, flight: Flight, *, until: float, tries: int, pause: float = 0.0) -> Fetching:
        """A new token, or the failure that lists every attempt.

        Args:
            flight: What this is done for; each step extends it.
            until: Monotonic time in seconds at which to give up.
            tries: How often a request that fails for a passing reason is sent.
            pause: Seconds to wait before the first one, if positive; less than there is time.
        """
        run = self._begin()
        self._family.rejected_secret = None
        if pause > 0:
            flight.extend(self.clock.monotonic() + pause)
            logger.debug("waiting for %.2f s, as the endpoint asks for", pause)
            yield Sleep(pause)
        while True:
            result = yield from self._attempt(run, flight, until)
            if isinstance(result, Fetched):
                self._remember(run, flight)
                return result
            if not result.error.attempts:
                return run.with_attempts(result)  # no request was sent
            run.attempts += result.error.attempts
            logger.debug("no token: %s", result.error)
            if (
                run.may_prove_anew(result)
                or run.fails_over(result)
                or (yield from self._has_moved(run, result, flight, until))
            ):
                continue
            if not result.transient:
                run.rejections.append(result)
                if not self._next_method(run, result, flight):
                    if any(rejection.unauthenticated for rejection in run.rejections):
                        self._family.rejected_secret = run.secret
                    return run.with_attempts(_decisive(run.rejections), hint=self._hint(run, result))
                continue
            tries -= 1
            delay = self._delay(result, run)
            if tries <= 0 or self.clock.monotonic() + delay >= until:
                logger.debug("not tried again: %s", "that was the last try" if tries <= 0 else "no time is left for it")
                return run.with_attempts(result, hint=self._hint_after_outage(run, result))
            flight.extend(self.clock.monotonic() + delay)
            run.why = "once more"
            asked = "" if result.retry_after is None else ", as the endpoint asks for"
            logger.debug("trying again in %.2f s%s", delay, asked)
            yield Sleep(delay)
            run.begin_anew()

    def secret_has_changed(self, until: float) -> Generator[Effect, Any, bool]:
        """True if the last fetch was rejected with another secret than the person's callable returns now.

        It is asked at most once a second, so a secret that is rotated ends a hold that the old one has caused.
        """
        given, family, now = self.config.client_secret, self._family, self.clock.monotonic()
        if not callable(given) or family.rejected_secret is None:
            return False
        if family.looked_at <= now < family.looked_at + SECONDS_BETWEEN_LOOKS:
            return False
        family.looked_at = now
        asked = with_argument(given, self.last_token)
        secret = _checked((yield CallFunction(asked, max(0.0, until - now))), self.config.authentication)
        return isinstance(secret, str) and secret != family.rejected_secret

    def _begin(self) -> _Run:
        """A run that tries first what worked last."""
        proven = self._family.proven
        methods = sorted(self._methods, key=lambda method: method is not proven)
        urls: tuple[str, ...] = ()
        if self.config.endpoint is not None and self.config.endpoint.alternatives:
            answering = self._family.answering
            urls = tuple(sorted(self.config.endpoint.urls, key=lambda url: url != answering))
        if methods[0] is proven:
            return _Run(methods, "which worked last", urls)
        return _Run(methods, "the only one" if len(methods) == 1 else "the first of those to try", urls)

    def _remember(self, run: _Run, flight: Flight) -> None:
        family = self._family
        if run.method is not family.proven and len(self._methods) > 1:
            logger.debug("%s works, and is remembered", run.method.name)
        family.proven, family.proven_secret, self._epoch = run.method, run.secret, flight.epoch
        if run.url is not None:
            family.answering = run.url
            self.observer.token_url = shown_url(run.url)

    def _has_proven(self, run: _Run) -> bool:
        """True if the current method has worked with this very secret; another secret may need another encoding."""
        return run.method is self._family.proven and run.secret == self._family.proven_secret

    def _hint(self, run: _Run, failure: Failure) -> Advice | None:
        """What may be wrong with the settings if the endpoint does not know the client."""
        if not failure.unauthenticated:
            return None
        hints = [_hint_about_white_space(self.config.client_id, run.secret or "")]
        listed = () if run.server is None else run.server.methods
        if listed and not {method.name for method in self._methods} & set(listed):
            names = presentable(", ".join(listed), ())
            hints.append(Advice("the issuer's metadata lists {names} only", names=names))
        hints.append(as_it_is(run.note))
        if isinstance(self.config.client_authentication, str):
            method = self.config.client_authentication
            hints.append(Advice("only {method} was tried: unset {client_authentication} to try all", method=method))
        if may_want_raw_basic(self._methods, self.config.client_id, run.secret):
            hints.append(
                Advice(
                    "HTTP Basic percent-encodes special characters; for a server that does not decode them, "
                    "{send_raw_basic}"
                )
            )
        return together(*hints)

    def _hint_after_outage(self, run: _Run, failure: Failure) -> Advice | None:
        """Some servers crash if the credentials are not where they look for them."""
        status = failure.error.attempts[-1].status_code
        if isinstance(failure.error, DiscoveryError) or status is None or status < 500:
            return None
        if run.rejections or self._has_proven(run) or len(self._methods) == 1:
            return None
        return Advice(
            "only {method} was tried: if the server wants another method, set {client_authentication}",
            method=run.method.name,
        )

    def _attempt(self, run: _Run, flight: Flight, until: float) -> Fetching:
        """One token request; a failure without attempts means that none could be sent."""
        unknown = yield from self._locate(run, flight, until)
        if unknown is not None:
            return unknown
        request = yield from self._request(run, flight, until)
        if isinstance(request, Failure):
            return request
        budget = min(self.timeout, until - self.clock.monotonic())
        if budget <= 0:
            return out_of_time(self.config)
        flight.extend(self.clock.monotonic() + budget)
        logger.debug("token request to %s by %s, %s", self.observer.token_url, request.method, run.why)
        # The endpoint issues the token after this moment, so a token never counts as younger than it is.
        sent = self.clock.moment()
        reply = yield Send(request, budget)
        if self._proofs is not None and isinstance(reply, TokenResponse):
            run.nonce = self._proofs.note_token(request.url, reply.headers)
        asked = sent.seen_from(self.clock.moment())
        run.note = _note(request, reply, asked.wall)
        known_token = "" if flight.replaces is None else flight.replaces.token.access_token
        told = yield from self._told(request, reply, flight, until)
        if isinstance(told, Failure):
            return told
        read = read_answer(request, reply, asked.wall, known_token, told)
        if isinstance(read, Failure):
            return read
        self._warn_of_life(request, reply, read, told)
        return Fetched(
            read,
            request.method,
            asked=asked,
            lifetime=None if read.expires_at is None else round(read.expires_at - asked.wall, 3),
            shown_scope=shown_scope(read, request, known_token),
            token_requests=sum(attempt.method != METADATA for attempt in run.attempts) + 1,
        )

    def _warn_of_life(self, request: TokenRequest, reply: Reply, token: Token, told: Mapping[str, Any] | None) -> None:
        """Warn once if the settings say where the life of tokens is, and it cannot be read there."""
        if request.endpoint is None or self._family.has_warned_of_life or not isinstance(reply, TokenResponse):
            return
        # The auth object has loaded it.
        from oauth_cc_auth._protocol.unread_life import unread_life

        problem = unread_life(request, reply, token, told)
        if problem:
            self._family.has_warned_of_life = True
            used = "until an API refuses it" if token.expires_at is None else "once"
            text = "the life of the token from %s cannot be read, so it is used %s: %s; %s"
            logger.warning(text, self.observer.token_url, used, problem, _UNREAD_LIFE)

    def _locate(self, run: _Run, flight: Flight, until: float) -> Generator[Effect, Any, Failure | None]:
        """Find out where the token endpoint is, if an issuer stands for it; why that failed, if it did."""
        if self._locator is None or run.server is not None:
            return None
        found = yield from self._locator.locate(flight, until)
        if isinstance(found, Failure):
            return found
        self._ask(run, found)
        return None

    def _has_moved(self, run: _Run, failure: Failure, flight: Flight, until: float) -> Generator[Effect, Any, bool]:
        """True if the token endpoint is gone, and the issuer's metadata now names another one; asked once a fetch."""
        if self._locator is None or run.server is None or run.has_looked_again:
            return False
        if failure.error.attempts[-1].status_code not in _GONE:
            return False
        run.has_looked_again = True
        found = yield from self._locator.locate(flight, until, again=True)
        if isinstance(found, Failure) or found.token_url == run.server.token_url:
            return False
        self._ask(run, found)
        run.why = "where it has moved to"
        return True

    def _ask(self, run: _Run, server: ServerMetadata) -> None:
        """Send the token requests of `run` to `server`, by the methods that it lists first."""
        run.server = server
        self.observer.token_url = shown_url(server.token_url)
        proofs, listed = self._proofs, server.dpop_algorithms
        if proofs is not None and listed and proofs.algorithm not in listed:
            shown = presentable(", ".join(listed), ())
            logger.warning("the issuer lists %s for DPoP proofs, and these are signed by %s", shown, proofs.algorithm)
        if server.methods:
            proven = self._family.proven
            run.methods = sorted(in_listed_order(run.methods, server.methods), key=lambda each: each is not proven)

    def _request(self, run: _Run, flight: Flight, until: float) -> Generator[Effect, Any, TokenRequest | Failure]:
        """The token request, made with the person's callables if there are any."""
        given = self.config.client_secret
        if callable(given):
            asked = with_argument(given, self.last_token)
            secret = _checked((yield self._call(asked, flight, until)), self.config.authentication)
            if isinstance(secret, Raised):
                return _not_sent(f"client_secret callable gave no secret: {secret.text}")
        else:
            secret = given
        run.secret = secret
        method = run.method
        values = yield from self._values(flight, until)
        if isinstance(values, Raised):
            return _not_sent(values.text)
        make = partial(
            token_request, self.config, method, secret, server=run.server, written_url=run.url, computed=values
        )
        if is_builtin(method):
            try:
                request = make()
            except ConfigurationError as error:  # a secret that does not fit into a header
                problem = str(error)
                return _not_sent(f"the credentials do not fit into this request: {problem}")
        else:
            made = yield self._call(make, flight, until)
            if isinstance(made, Raised):
                return _not_sent(f"client authentication {method.name!r} gave no credentials: {made.text}")
            request = made
        if request.unencoded is not None:
            encoded = yield from self._encoded(request, flight, until)
            if isinstance(encoded, Failure):
                return encoded
            request = encoded
        return (yield from self._proven(request, flight, until))

    def _encoded(
        self, request: TokenRequest, flight: Flight, until: float
    ) -> Generator[Effect, Any, TokenRequest | Failure]:
        """`request` with the body that the person's `request_format` makes of its fields."""
        make: Any = None if request.endpoint is None else request.endpoint.request_format
        made = yield self._call(partial(make, request.unencoded), flight, until)
        if not isinstance(made, Raised):
            try:
                return request.replaced(body=returned.body(made), unencoded=None)
            except ConfigurationError as error:
                made = Raised(str(error))
        return _not_sent(f"request_format gave no body: {made.text}")

    def _proven(
        self, request: TokenRequest, flight: Flight, until: float
    ) -> Generator[Effect, Any, TokenRequest | Failure]:
        """`request` with a DPoP proof, if tokens are bound to a key."""
        proofs = self._proofs
        if proofs is None:
            return request
        if not proofs.blocks:
            return proofs.proven(request)
        proven = yield self._call(partial(proofs.proven, request), flight, until)
        if isinstance(proven, Raised):
            return _not_sent(f"the key of dpop signed no proof: {proven.text}")
        return proven  # type: ignore[no-any-return]  # what `proven` returns

    def _values(self, flight: Flight, until: float) -> Generator[Effect, Any, Computed | Raised]:
        """The additional fields and headers, with what the person's callables in them return now."""
        config = self.config
        if not any(has_callable(value) for _, value in (*config.additional_request_data, *config.additional_headers)):
            return Computed(config.additional_request_data, config.additional_headers)
        from .values import computed  # as the auth object with such a setting has loaded it

        endpoint = config.endpoint
        request_format = "form" if endpoint is None else endpoint.request_format
        is_described = endpoint is not None and endpoint.authentication is not None
        check_data = partial(pair_checks.additional_request_data, is_described=is_described)
        check_headers = partial(pair_checks.additional_headers, is_described=is_described)
        call = partial(self._call, flight=flight, until=until)
        found: list[Any] = []
        for setting, check in (("additional_request_data", check_data), ("additional_headers", check_headers)):
            pairs = getattr(config, setting)
            checked = partial(check, request_format=request_format)
            values = yield from computed(pairs, self.last_token, call, checked)
            if isinstance(values, Raised):
                return Raised(f"{setting}: {values.text}")
            found.append(values)
        return Computed(*found)

    def _told(
        self, request: TokenRequest, reply: Reply, flight: Flight, until: float
    ) -> Generator[Effect, Any, Mapping[str, Any] | Failure | None]:
        """What the person's `response_fields` makes of a success; None if it is no callable."""
        read = None if request.endpoint is None else request.endpoint.response_fields
        if not callable(read) or not isinstance(reply, TokenResponse) or not is_whole_success(reply):
            return None
        told = yield self._call(partial(read, whole_of(reply.body)), flight, until)
        if not isinstance(told, Raised):
            try:
                return returned.members(told)
            except ConfigurationError as error:
                told = Raised(str(error))
        return not_understood(request, reply, told.text)

    def _call(self, function: Callable[[], Any], flight: Flight, until: float) -> CallFunction:
        now = self.clock.monotonic()
        budget = max(0.0, until - now)
        flight.extend(now + budget)
        return CallFunction(function, budget)

    def _next_method(self, run: _Run, failure: Failure, flight: Flight) -> bool:
        """Move on to the next method, if `failure` allows that and there is one."""
        if not failure.unauthenticated:
            why_not = "the answer has nothing to do with who is asking"
        elif self._has_proven(run) and not self._is_doubtful(run.attempts[-1], flight):
            why_not = "this one has worked, so the reason is another one"
        else:
            self._epoch = flight.epoch
            client_id = self.config.client_id
            run.methods = [m for m in run.methods[1:] if worth_trying(m, run.method, client_id, run.secret)]
            if run.methods:
                flight.deferred_events += self.observer.fallback_tried(run.attempts[-1], run.method.name)
                run.why = "instead"
                return True
            why_not = "none is left"
        logger.debug("no other client authentication is tried: %s", why_not)
        return False

    def _is_doubtful(self, rejected: Attempt, flight: Flight) -> bool:
        """True if a method that has worked may have stopped working: a rotated secret, a changed server.

        Who calls `invalidate` doubts it too, but once: an answer about something else would have both tried each time.
        """
        status, code = rejected.status_code, rejected.error
        if code == "invalid_client" or status == 401 or (code is None and status != 422):
            return True
        return flight.epoch != self._epoch and status in (400, 403)

    def _delay(self, failure: Failure, run: _Run) -> float:
        delay = back_off(run.delays, FIRST_DELAY)
        run.delays += 1
        if failure.retry_after is not None:
            return failure.retry_after + delay * self.clock.chance()
        return delay * (1 - self.clock.chance() / 2)


class _Run:
    """What one fetch has done so far."""

    def __init__(self, methods: list[ClientAuthentication], why: str, urls: tuple[str, ...] = ()) -> None:
        self._urls = urls  # of the endpoint, if it has several; what answered last is the first
        self.methods = methods  # the current one first
        self.why = why  # the current one is tried
        self.secret: str | None = None
        self.note = ""  # what to say of the last request's credentials if they are rejected
        self.attempts: tuple[Attempt, ...] = ()
        self.rejections: list[Failure] = []
        self.delays = 0
        self.server: ServerMetadata | None = None  # of the issuer, once it is known
        self.has_looked_again = False  # into the metadata
        self.nonce: str | None = None  # that the last answer brought
        self._is_proven_anew = False
        self.begin_anew()

    def may_prove_anew(self, failure: Failure) -> bool:
        """True if the endpoint only wants to see its nonce in the proof, and has not said so just before.

        RFC 9449 §8. The same request follows at once; it is no other try, and no other method.
        """
        asked = failure.error.attempts[-1].error == USE_NONCE and self.nonce is not None
        self._is_proven_anew = asked and not self._is_proven_anew
        if self._is_proven_anew:
            self.why = "once more, with the nonce that it asks for"
        return self._is_proven_anew

    def begin_anew(self) -> None:
        """Ask the first of several URLs again."""
        self._next_urls = list(self._urls[1:])
        self.url = self._urls[0] if self._urls else None

    def fails_over(self, failure: Failure) -> bool:
        """True if `failure` is about the place that was asked, and there is another one, which is asked next."""
        status = failure.error.attempts[-1].status_code
        if not self._next_urls or (status is not None and status < 500):
            return False
        self.url = self._next_urls.pop(0)
        self.why = "in another place"
        return True

    @property
    def method(self) -> ClientAuthentication:
        return self.methods[0]

    def with_attempts(self, failure: Failure, *, hint: Advice | None = None) -> Failure:
        """`failure` with every attempt in its error and its message, and a `hint` about the settings."""
        return failure.with_facts(attempts=self.attempts, hint=hint)


def _note(request: TokenRequest, reply: Reply, wall: float) -> str:
    """What is known of rejected credentials. Servers give no reason, and a clock that is wrong is a common one."""
    if not request.note or not isinstance(reply, TokenResponse):
        return request.note
    skew = clock_skew(reply.headers, wall)
    if skew is None:
        return request.note
    differs = "like ours" if abs(skew) < 2 else f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours"
    return f"{request.note}; the server's clock is {differs}"


def _hint_about_white_space(client_id: str, client_secret: str) -> Advice | None:
    id_has_some, secret_has_some = (value != value.strip() for value in (client_id, client_secret))
    if id_has_some and secret_has_some:
        return Advice("{client_id} and {client_secret} begin or end with white space, which counts")
    if id_has_some or secret_has_some:
        padded = name_of("client_id" if id_has_some else "client_secret")
        return Advice("{padded} begins or ends with white space, which counts", padded=padded)
    return None


def _decisive(rejections: list[Failure]) -> Failure:
    """The rejection that got furthest: one that only an authenticated client gets, else the first of the best."""
    if not rejections[-1].unauthenticated:
        return rejections[-1]
    return min(rejections, key=lambda rejection: _distance(rejection.error.attempts[0]))


_DISTANCES = {"invalid_client": 2, "access_denied": 3, "invalid_request": 4, None: 5}
_STATUSES = (403, 401, 400)  # the order counts if there is no error code
# In a text about credentials that were not found, or not where they were looked for.
_ABOUT_CREDENTIALS = ("client", "credential", "secret", "authoriz", "authenti", "basic")


def _distance(rejected: Attempt) -> tuple[int, bool, int]:
    """How far the request was from a token; less is closer."""
    code, status, words = rejected.error, rejected.status_code, (rejected.error_description or "").casefold()
    if code == "invalid_request" and words and not any(word in words for word in _ABOUT_CREDENTIALS):
        return 1, False, 0  # the server looked further than at the client: "audience is required"
    by_status = _STATUSES.index(status) if status in _STATUSES else len(_STATUSES)
    return _DISTANCES.get(code, 0), not words, by_status if code is None else 0


def _checked(result: Any, client_authentication: str | ClientAuthentication | None) -> str | Raised | None:
    """The secret that a callable returned, or what is wrong with it."""
    if isinstance(result, Raised):
        return result
    try:
        return returned.secret(result, client_authentication)
    except ConfigurationError as error:
        return Raised(str(error))


def _not_sent(message: str) -> Failure:
    """No token request was sent. It may work next time, but to repeat it at once is the person's business."""
    return Failure(TokenError(message, reason="callable_failed"), transient=True)


def out_of_time(
    config: ClientCredentialsConfig,
    why: str = "the endpoint is slow, or a token request of another thread or task hangs",
) -> Failure:
    """The failure for a caller whose `deadline` has passed, and why that is."""
    error = TokenEndpointUnreachable(
        f"no token from {shown_url(config.source_url)} within the deadline; {why}", reason="deadline"
    )
    error.timed_out = True
    return Failure(error, transient=True)
