"""More scope, if an API asks for it and the person permits that (RFC 6750 §3.1). The one law: it happens once.

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

if TYPE_CHECKING:
    from oauth_cc_auth._config import ClientCredentialsConfig
    from oauth_cc_auth._core.source import TokenSource

logger = logging.getLogger("oauth_cc_auth")

_SCOPES = r"[\x21\x23-\x5b\x5d-\x7e ]{1,1000}"  # RFC 6749 §3.3, and a length that no API needs


class StepUp:
    """Has the token source of one auth object ask for what an API wants besides.

    Args:
        config: Of the auth object; its scope is always asked for.
        source: Its tokens.
    """

    __slots__ = ("_config", "_first", "_lock", "_source")

    def __init__(self, config: ClientCredentialsConfig, source: TokenSource) -> None:
        self._config = config
        self._source = source
        self._lock = ProcessLock()
        self._first: int | None = None  # number of the first lease that may have more scope

    def wants_more(self, lease: Lease, status: int, headers: Mapping[str, str]) -> bool:
        """True if a token with more scope than `lease` has is wanted, and there is one or will be.

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
        if wanted is None or not re.fullmatch(_SCOPES, wanted):
            return False
        with self._lock.here():
            if self._first is None:
                self._widen(wanted.split())
            return self._first is not None and lease.number < self._first

    def _widen(self, wanted: list[str]) -> None:
        if any(name == "scope" for name, _ in self._config.additional_request_data):
            return
        asked = (self._config.scope or "").split()
        missing = [scope for scope in wanted if scope not in asked]
        if not missing:
            return
        self._first = next_number()
        scope = " ".join(dict.fromkeys([*asked, *missing]))
        logger.info("an API wants more scope; from now on, tokens are asked for with scope %s", scope)
        self._source.ask_for_scope(scope)
