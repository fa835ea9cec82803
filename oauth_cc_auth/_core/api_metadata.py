"""What an API says its tokens are for. The one law: it is read as a part of the token request that it is for.

A refusal only leaves a note. The next leader reads the document before it asks for a token, in the same single flight,
deadline and limits, so no one waits for anything new, and no event loop is blocked. Whatever is wrong with the document
costs that: the token request is then the one that it would have been.

What an API says can make token requests fail, if the server knows no such resource or scope. So it counts for good once
a token has come with it, and is dropped if none does.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._http.challenge import challenge_parameter
from oauth_cc_auth._http.origin import Origin, origin_of
from oauth_cc_auth._protocol.discovery import Unfit, metadata_request
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.protected_resource import SCOPES, ApiMetadata, misplaced, read_api_metadata
from oauth_cc_auth._redact.redact import shown_url

from .effects import Effect, Send
from .process_lock import ProcessLock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oauth_cc_auth._config import ClientCredentialsConfig

    from .clock import Clock, Moment
    from .flight import Flight
    from .lease import Lease
    from .observer import Observer

logger = logging.getLogger("oauth_cc_auth")

KEPT = 3600.0  # seconds for which a document is used, or ignored, without being read again
PAUSE = 300.0  # seconds until it is tried again, if it could not be read for a reason that may pass
MOST_ORIGINS = 64  # that are remembered; the oldest are forgotten


class _Site:
    """What is known of one origin.

    Attributes:
        origin: That origin.
        api_url: What refused a token there.
        place: Where it says that its document is.
        refused: The token that it refused; what holds it is not repeated.
        scope: What its refusal asks for, or None.
        good_until: When to read the document again.
        problem: Why it was ignored last; empty if it was not.
    """

    __slots__ = ("api_url", "good_until", "origin", "place", "problem", "refused", "scope")

    def __init__(self, origin: Origin, good_until: Moment, refused: Lease) -> None:
        self.origin = origin
        self.refused = refused
        self.good_until = good_until
        self.api_url = self.place = self.problem = ""
        self.scope: str | None = None


class ApiDescription:
    """Has the token requests of one auth object ask for what an API says.

    Args:
        config: Of the auth object. What it sets itself is never changed.
        issuer_url: Of its issuer.
        clock: Time.
        observer: Hears of what was read.
        ask_for: Has token requests ask for a scope and resources from now on. Its third argument is the scope that is
            replaced; if token requests ask for another one by now, that stays.
        timeout: Seconds for each document.
    """

    __slots__ = (
        "_ask_for",
        "_clock",
        "_issuer_url",
        "_lock",
        "_noted",
        "_observer",
        "_resource",
        "_scope",
        "_sets_resource",
        "_sets_scope",
        "_settled",
        "_sites",
        "_supplied",
        "_timeout",
    )

    def __init__(
        self,
        config: ClientCredentialsConfig,
        issuer_url: str,
        clock: Clock,
        observer: Observer,
        ask_for: Callable[[str | None, tuple[str, ...], str | None], None],
        *,
        timeout: float,
    ) -> None:
        self._issuer_url = issuer_url
        self._clock = clock
        self._observer = observer
        self._ask_for = ask_for
        self._timeout = timeout
        in_data = {name for name, _ in config.additional_request_data}
        self._sets_scope = config.scope is None and "scope" not in in_data
        self._sets_resource = not config.resource and not in_data & {"resource", "audience"}
        self._lock = ProcessLock()
        self._sites: dict[Origin, _Site] = {}
        self._noted: tuple[_Site, ...] = ()  # whose documents the next leader reads
        self._supplied: _Site | None = None  # whose words count
        self._scope: str | None = None  # that it supplied
        self._resource = config.resource  # of the settings
        self._settled = False  # a token has come with what is supplied

    def note(self, api_url: str, headers: Mapping[str, str], refused: Lease) -> bool:
        """True if the API at `api_url` names a document in its 401 that the next leader is to read.

        Args:
            api_url: What refused a token.
            headers: Of the refusal.
            refused: The token.
        """
        if not (self._sets_scope or self._sets_resource):
            return False
        challenge = headers.get("www-authenticate")
        place = challenge_parameter(challenge, "resource_metadata")
        if place is None or refused.is_in(challenge or ""):
            return False
        origin, now = origin_of(api_url), self._clock.moment()
        with self._lock.here():
            site = self._sites.get(origin)
            if site is not None and not now.has_reached(site.good_until):
                return False
            site = self._sites.setdefault(origin, _Site(origin, now, refused))
            site.api_url, site.place, site.refused = api_url, place, refused
            site.scope = challenge_parameter(challenge, "scope")
            site.good_until = now.after(KEPT)
            self._noted = (*(each for each in self._noted if each is not site), site)
            while len(self._sites) > MOST_ORIGINS:
                del self._sites[next(iter(self._sites))]
        return True

    def read(self, flight: Flight, until: float) -> Generator[Effect, Any, None]:
        """Read the documents that were noted.

        Args:
            flight: What this is done for.
            until: Monotonic time in seconds at which its leader gives up.
        """
        now = self._clock.monotonic()
        limit = now + (until - now) / 2  # so that some time is left for the token request
        for site in self._noted:
            if self._clock.monotonic() >= limit:
                return
            yield from self._read(site, flight, limit)
            with self._lock.here():  # not before: a leader may be cancelled, and the next one reads it then
                self._noted = tuple(each for each in self._noted if each is not site)

    def _read(self, site: _Site, flight: Flight, limit: float) -> Generator[Effect, Any, None]:
        problem = misplaced(site.place, site.api_url)
        if problem:
            return self._ignore(site, flight, problem)
        now = self._clock.monotonic()
        budget = min(self._timeout, limit - now)
        flight.extend(now + budget)
        logger.debug("asking %s what its tokens are for", site.origin)
        reply = yield Send(metadata_request(site.place), budget)
        read = read_api_metadata(self._issuer_url, site.api_url, site.place, reply)
        if isinstance(read, Unfit):
            if read.transient:
                site.good_until = self._clock.moment().after(PAUSE)
            return self._ignore(site, flight, f"its document {read.text}")
        if self._supplied is not None and self._supplied.origin != site.origin:
            first = self._supplied.origin
            return self._ignore(site, flight, f"{first} said first what tokens are for; with_options() makes a sibling")
        return self._use(site, flight, read)

    def _use(self, site: _Site, flight: Flight, found: ApiMetadata) -> None:
        resource, scope = ((found.resource,) if self._sets_resource else self._resource), None
        if self._sets_scope:
            scope = site.scope if site.scope is not None and re.fullmatch(SCOPES, site.scope) else found.scope
        if site.refused.is_in(f"{found.resource} {scope}"):
            self._ignore(site, flight, "its document repeats the token")
            return
        site.problem = ""
        self._supply(site, scope, resource)
        flight.deferred_events += self._observer.api_metadata_read(
            site.origin, shown_url(site.place), resource=found.resource, scope=scope
        )

    def _ignore(self, site: _Site, flight: Flight, problem: str) -> None:
        is_first, site.problem = problem != site.problem, problem
        if self._supplied is not None and self._supplied.origin == site.origin:
            self._supply(None, None, self._resource)
        flight.deferred_events += self._observer.api_metadata_read(
            site.origin, shown_url(site.place), problem=problem, is_first=is_first
        )

    def _supply(self, site: _Site | None, scope: str | None, resource: tuple[str, ...]) -> None:
        """Have what `site` says count from now on, instead of what counts; None: what the settings say."""
        self._supplied, self._settled = site, False
        self._scope, before = scope, self._scope
        self._ask_for(scope, resource, before)

    def came(self) -> None:
        """A token has come: what the API says works."""
        self._settled = True

    def withdraws(self, failure: Failure, flight: Flight) -> bool:
        """True if what an API says brought no token, and is dropped: the same request without it may bring one."""
        site = self._supplied
        if site is None or self._settled or failure.transient:
            return False
        attempts = failure.error.attempts
        said = f" ({attempts[-1].error})" if attempts and attempts[-1].error else ""
        self._ignore(site, flight, f"the token endpoint issues no token for what it says{said}")
        return True
