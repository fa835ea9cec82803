"""What to do about a failure that another process has met, as far as its code says it.

A store keeps no words of a server's, and so not all that was known to that process.
"""

from __future__ import annotations

from typing import Any

from oauth_cc_auth._advice import Advice, name_of, together
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._protocol.advice import CHECK_URL, KNOWN_ERRORS, NOT_REDIRECTED, USE_NONCE, advice
from oauth_cc_auth._protocol.no_answer import BY_REASON, CHECK, CHECKED

ITS_LOG = Advice("its log and its errors say why")
_NO_TOKEN = ("empty_body", "no_access_token", "not_json", "web_page")
_PROOF = Advice("{client_id} and the client's proof")


def advice_for(reason: str, status_code: int | None, config: ClientCredentialsConfig) -> Advice:
    """What to do about the failure with the code `reason`.

    Args:
        reason: Its code.
        status_code: HTTP status of an answer that is an error; None if it was none, or if there was none.
        config: Of the process that is told.
    """
    found = _advice(reason, status_code, config) or ITS_LOG
    return found.with_values(url=name_of("token_url"), endpoint="token endpoint")


def _advice(reason: str, status_code: int | None, config: ClientCredentialsConfig) -> Advice | None:
    if status_code is None:
        return CHECK_URL if reason in _NO_TOKEN else _without_answer(reason)
    if reason == "redirected":
        return NOT_REDIRECTED
    if reason == USE_NONCE and config.dpop is not None:
        return None
    proof: dict[str, Any] = {} if config.client_secret is not None else {"proof": _PROOF}
    code = reason if reason in KNOWN_ERRORS else None
    return advice(code, status_code, scope=config.scope, is_web_page=reason == "web_page", **proof)


def _without_answer(reason: str) -> Advice | None:
    by_reason: Any = BY_REASON
    return together(by_reason.get(reason), CHECK if reason in CHECKED else None)
