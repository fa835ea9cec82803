"""Where the token endpoint of an issuer is. The one law: what is known is not lost because it cannot be read again.

Part of a fetch: a generator that yields what it wants done, so it has the same single flight, deadline and limits.
Siblings share what is known.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from typing import Any

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._issuer import Issuer
from oauth_cc_auth._protocol.discovery import Unfit, metadata_request, metadata_urls, not_discovered, read_metadata
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.server_metadata import ServerMetadata
from oauth_cc_auth._redact.redact import shown_url

from .clock import Clock
from .effects import Effect, Send
from .family import Family, Located
from .flight import Flight

logger = logging.getLogger("oauth_cc_auth")

KEPT = 3600.0  # seconds for which metadata is used without being read again
PAUSE = 300.0  # seconds until it is tried again, after it could not be read

Locating = Generator[Effect, Any, ServerMetadata | Failure]


class Locator:
    """Finds the token endpoint of one issuer.

    Args:
        config: Of the auth object.
        issuer: Its issuer.
        clock: Time.
        timeout: Seconds for each request.
        family: Keeps what is found.
    """

    __slots__ = ("_clock", "_config", "_family", "_issuer", "_timeout")

    def __init__(
        self, config: ClientCredentialsConfig, issuer: Issuer, clock: Clock, family: Family, *, timeout: float
    ) -> None:
        self._config = config
        self._issuer = issuer
        self._clock = clock
        self._family = family
        self._timeout = timeout

    def locate(self, flight: Flight, until: float, *, again: bool = False) -> Locating:
        """The metadata at hand or, if that is old, as it is now. A failure only if none is known at all.

        Args:
            flight: What this is done for.
            until: Monotonic time in seconds at which to give up.
            again: Read it even if it is not old.
        """
        known, urls = self._family.located, metadata_urls(self._issuer)
        if known is None:
            return (yield from self._read(flight, until, urls))
        if not again and not self._clock.moment().has_reached(known.good_until):
            return known.metadata
        place = known.document_url
        now = self._clock.monotonic()
        # Half of the time at most, so that some is left for the token request.
        found = yield from self._read(flight, now + (until - now) / 2, sorted(urls, key=lambda url: url != place))
        if isinstance(found, Failure):
            logger.warning("the metadata of the issuer cannot be read again, and stays in use: %s", found.error)
            self._family.located = known.replaced(good_until=self._clock.moment().after(PAUSE))
            return known.metadata
        return found

    def _read(self, flight: Flight, until: float, urls: Sequence[str]) -> Locating:
        clock = self._clock
        unfit: list[Unfit] = []
        for url in urls:
            budget = min(self._timeout, until - clock.monotonic())
            if budget <= 0:
                break
            flight.extend(clock.monotonic() + budget)
            logger.debug("asking %s for the metadata of the issuer", shown_url(url))
            reply = yield Send(metadata_request(url), budget)
            allow = self._config.allow_insecure_http
            now = clock.moment()
            read = read_metadata(self._issuer, url, reply, now.wall, allow_insecure_http=allow)
            if isinstance(read, ServerMetadata):
                logger.debug("the token endpoint is %s", shown_url(read.token_url))
                self._family.located = Located(read, url, good_until=now.after(KEPT))
                return read
            unfit.append(read)
            if read.is_final:
                break
        if not unfit:
            unfit.append(Unfit(urls[0], None, "could not be asked in time", "deadline", transient=True))
        return not_discovered(self._issuer, unfit)
