"""Which failures all processes hear of, and how long they leave the endpoint alone then. The one law: as long as one
process would, and no longer.
"""

from __future__ import annotations

from oauth_cc_auth._core.back_off import LONGEST, back_off
from oauth_cc_auth._core.failures import LONGEST_OF_RENEWALS, LONGEST_WITHOUT_TOKEN, Pause
from oauth_cc_auth._protocol.failure import Failure

FIRST_OF_RENEWALS = 4.0  # seconds that all processes wait after a renewal has failed that can wait
LEAST_OF_RENEWALS = 10.0  # seconds, or a quarter of what their token has left, that such a wait is at most

# They are about this host, its network and its settings, and not about the endpoint.
_ABOUT_THIS_HOST = frozenset(
    {
        "callable_failed",
        "client_closed",
        "client_of_another_loop",
        "client_uses_proxy",
        "deadline",
        "invalid_url",
        "proxy_failed",
        "proxy_refused",
        "tls_client_certificate",
        "tls_expired",
        "tls_failed",
        "tls_not_spoken",
        "tls_not_yet_valid",
        "tls_untrusted",
        "tls_wrong_host",
        "unreachable_dns",
        "unreachable_network",
    }
)


def is_for_others(failure: Failure) -> bool:
    """True if `failure` says something about the endpoint: it was asked, and this host is not the reason."""
    return bool(failure.error.attempts) and failure.error.reason not in _ABOUT_THIS_HOST


def pause_after(failure: Failure, before: int, left: float, chance: float, *, is_early: bool) -> Pause:
    """How long no process asks.

    Args:
        failure: What the endpoint has answered.
        before: Failures in a row before this one.
        left: Seconds until the token ends whose renewal has failed; 0 or less if it could not wait.
        chance: In [0, 1).
        is_early: The endpoint wanted to be left alone for longer, and was asked all the same; from then on it is asked
            once a minute.
    """
    if left > 0:  # there is more than one try before the token ends, as in `_core.failures`
        seconds = min(back_off(before, FIRST_OF_RENEWALS), max(left / 4, LEAST_OF_RENEWALS))
    else:
        seconds = back_off(before)
    # All processes wait for as long, so chance need not spread them; a little keeps several fleets apart.
    seconds *= 1 - chance / 4
    asked = 0.0 if failure.retry_after is None else failure.retry_after
    limits = LONGEST if is_early else LONGEST_WITHOUT_TOKEN, LONGEST_OF_RENEWALS
    return Pause(*(max(seconds, min(asked, limit)) for limit in limits))
