"""More scope, if an API asks for it and the person permits that (RFC 6750 §3.1). The one law: each scope is asked for
once, and an origin can have it done three times.

An API that could ask again and again would choose the scope of every token, and cost a token request each time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from oauth_cc_auth._core.lease import Lease, next_number
from oauth_cc_auth._core.process_lock import ProcessLock
from oauth_cc_auth._http.challenge import challenge_parameter
from oauth_cc_auth._http.origin import Origin, origin_of
from oauth_cc_auth._protocol.protected_resource import SCOPES

if TYPE_CHECKING:
    from oauth_cc_auth._config import ClientCredentialsConfig
    from oauth_cc_auth._core.source import TokenSource

logger = logging.getLogger("oauth_cc_auth")

MOST = 3  # times that one origin can have more scope asked for


class StepUp:
    """Has the token source of one auth object ask for what APIs want besides.

    Args:
        config: Of the auth object; its scope is always asked for.
        source: Its tokens.
    """

    __slots__ = ("_config", "_lock", "_since", "_source", "_times")

    def __init__(self, config: ClientCredentialsConfig, source: TokenSource) -> None:
        self._config = config
        self._source = source
        self._lock = ProcessLock()
        self._since: dict[str, int] = {}  # number of the first lease that may have a scope; also if it is not granted
        self._times: dict[Origin, int] = {}

    def wants_more(self, lease: Lease, url: str, status: int, headers: Mapping[str, str]) -> bool:
        """True if a token with more scope than `lease` has is wanted at `url`, and there is one or will be.

        A 403 has to say ``insufficient_scope``. A 401 counts only if no scope is set: then the scope that it names is.
        """
        if status not in (401, 403):
            return False
        challenge = headers.get("www-authenticate")
        if status == 403 and challenge_parameter(challenge, "error") != "insufficient_scope":
            return False
        if status == 401 and self._config.scope is not None:
            return False
        wanted = challenge_parameter(challenge, "scope")
        if wanted is None or not re.fullmatch(SCOPES, wanted) or lease.is_in(wanted):
            return False
        with self._lock.here():
            self._widen(origin_of(url), wanted.split())
            return lease.number < max((self._since.get(scope, 0) for scope in wanted.split()), default=0)

    def _widen(self, origin: Origin, wanted: list[str]) -> None:
        if any(name == "scope" for name, _ in self._config.additional_request_data):
            return
        asked = (self._source.config.scope or "").split()
        missing = [scope for scope in dict.fromkeys(wanted) if scope not in asked and scope not in self._since]
        scope = " ".join([*asked, *missing])
        times = self._times.get(origin, 0)
        if not missing or times >= MOST or not re.fullmatch(SCOPES, scope):
            return
        self._times[origin] = times + 1
        self._since |= dict.fromkeys(missing, next_number())
        logger.info("%s wants more scope; from now on, tokens are asked for with scope %s", origin, scope)
        self._source.ask_for_scope(scope)
