"""What is wrong with the token."""

from __future__ import annotations

from oauth_cc_auth._cli.check.facts import Findings
from oauth_cc_auth._cli.check.jwt import time_claim
from oauth_cc_auth._protocol.lifetimes import LONGEST_LIFE

from .rule import Advice, Rule, date, duration, first_failure, relative, where_to, with_reason

_SHORT = 60.0  # seconds
_TOLERANCE = 60.0  # seconds by which two statements about one lifetime may differ; or a tenth of it


def token_bound_to_key(findings: Findings) -> Advice | None:
    """DPoP, MAC or PoP."""
    attempt = first_failure(findings, lambda attempt: attempt.bound)
    if attempt is None:
        return None
    return Advice(
        with_reason(
            "The token is bound to a key that only its owner has, so it cannot be used here", attempt.description
        ),
        "If it is bound by DPoP, pass --dpop. Or set this client to Bearer tokens at the provider.",
    )


def token_unusable(findings: Findings) -> Advice | None:
    """2xx, but no token that a header can hold."""
    attempt = first_failure(
        findings,
        lambda a: a.outcome == "unusable" and not a.bound and not (a.answer is not None and a.answer.web_page),
    )
    if attempt is None:
        return None
    if "response_fields" in findings.question.described:
        return Advice(
            with_reason(
                "The server answers with success, but the token is not where it is looked for", attempt.description
            ),
            f"Compare {findings.called('response_fields')} with what the answer has.",
        )
    path = attempt.likely_path
    right = f"Check that {findings.called('token_url')} is the token endpoint"
    look = f"{right}, and what the provider's documentation says about its answer."
    describe = f"{right}. If it is, say where its answer has the token: --response-field access_token={path}"
    return Advice(
        with_reason("The server answers with success, but without a usable token", attempt.description),
        where_to(findings, look if path is None else describe),
    )


def _expiry(findings: Findings) -> float | None:
    jwt = None if findings.token is None else findings.token.jwt
    return None if jwt is None or jwt.claims is None else time_claim(jwt.claims, "exp")


def token_already_expired(findings: Findings) -> Advice | None:
    """The token says so; but it counts whether the API accepts it."""
    expiry = _expiry(findings)
    if expiry is None or expiry > findings.now or (findings.api is not None and findings.api.accepted):
        return None
    return Advice(
        f"The token had expired when it arrived: it says that it ended on {date(expiry)}, "
        f"{relative(expiry, findings.now)}.",
        "Compare this machine's clock with the right time. If it is right, the provider sends old tokens, or its own "
        "clock is wrong.",
    )


def token_not_yet_valid(findings: Findings) -> Advice | None:
    """The server's clock is ahead of ours, and perhaps of the API's."""
    jwt = None if findings.token is None else findings.token.jwt
    start = None if jwt is None or jwt.claims is None else time_claim(jwt.claims, "nbf")
    if start is None or start <= findings.now + 1.0:
        return None
    return Advice(
        f"The token says that it is valid only from {date(start)}, {relative(start, findings.now)}.",
        "An API may refuse it until then. Compare the clocks of this machine, the provider and the API.",
    )


def token_ends_early(findings: Findings) -> Advice | None:
    """It says so itself, and the API reads that. The plugin uses ``expires_in``."""
    expiry, lifetime = _expiry(findings), None if findings.token is None else findings.token.lifetime
    if expiry is None or lifetime is None or expiry <= findings.now:
        return None
    left = expiry - findings.now
    if lifetime - left <= max(_TOLERANCE, lifetime / 10):
        return None
    unit = ", which seems to be in milliseconds" if 900 < lifetime / left < 1100 else ""
    return Advice(
        f"The token says that it ends {relative(expiry, findings.now)}, but the server says that it lives for "
        f"{duration(lifetime)} (expires_in{unit}). In between the API refuses it, and only then the plugin renews it.",
        "Compare the clock of the provider with this machine's, and ask the provider to say the same in both. Until "
        f"then set renew_after to {max(0.01, 0.8 * left / lifetime):.2f}.",
    )


def lifetime_not_read(findings: Findings) -> Advice | None:
    """The settings say where it is, and it is not there or not in that unit."""
    token = findings.token
    if token is None or token.lifetime_problem is None:
        return None
    used = "until the API refuses it" if token.lifetime is None else "once"
    return Advice(
        f"The answer does not tell the life of the token as the settings say: {token.lifetime_problem}. So the token "
        f"is used {used}.",
        f"Compare {findings.called('response_fields')} (expires_in=...) and {findings.called('lifetime_unit')} with "
        "what the answer has, or set default_lifetime (--default-lifetime).",
    )


def token_for_one_use(findings: Findings) -> Advice | None:
    """``expires_in`` of 0 or less."""
    token = findings.token
    if token is None or token.lifetime is None or token.lifetime > 0.0 or token.lifetime_problem is not None:
        return None
    return Advice(
        "The token has no lifetime (expires_in is 0 or less), so each request fetches another one.",
        "At the provider, give the tokens of this client a lifetime; an hour is usual.",
    )


def token_lives_too_long(findings: Findings) -> Advice | None:
    """A year or more: Adobe IMS and Fiserv count milliseconds, and others send the time at which the token ends."""
    if findings.token is None or findings.token.lifetime is None or findings.token.lifetime < LONGEST_LIFE - _TOLERANCE:
        return None
    return Advice(
        "The server says that the token lives for a year or more (expires_in). That is probably in milliseconds, or "
        "the time at which the token ends.",
        "Nothing has to change: the plugin renews the token once the API refuses it. To have it renewed before that, "
        "ask the provider to send seconds (RFC 6749 §5.1).",
    )


def token_short_lived(findings: Findings) -> Advice | None:
    """Less than a minute."""
    if findings.token is None or findings.token.lifetime is None or not 0.0 < findings.token.lifetime < _SHORT:
        return None
    return Advice(
        f"The token lives only {duration(findings.token.lifetime)}, so there will be many token requests.",
        "At the provider, give the tokens of this client a longer lifetime; an hour is usual.",
    )


def scope_not_granted(findings: Findings) -> Advice | None:
    """The server gave less than was asked for, as it may (RFC 6749 §3.3)."""
    missing = () if findings.token is None else findings.token.missing_scope
    if not missing:
        return None
    return Advice(
        f"Asked for, but not granted: {' '.join(missing)}.",
        "At the provider, grant it to this client, or leave it out of scope. Without it, the API may answer 403.",
    )


FATAL: tuple[Rule, ...] = (token_bound_to_key, token_unusable, token_already_expired)
WORTH_KNOWING: tuple[Rule, ...] = (
    token_not_yet_valid,
    token_ends_early,
    lifetime_not_read,
    token_for_one_use,
    token_short_lived,
    token_lives_too_long,
    scope_not_granted,
)
