"""Why the call of the API fails. 401 and 403 are in `api_access`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from oauth_cc_auth._cli.check.facts import Findings
from oauth_cc_auth._http.answers import is_redirect

from . import api_access
from .rule import Advice, Rule, api_failure, with_reason, with_words

_LOGIN = re.compile(r"log-?in|sign-?in|auth|sso|saml|session", re.IGNORECASE)


def api_withheld(findings: Findings) -> Advice | None:
    """The settings do not allow the token to go there."""
    api = findings.api
    if api is None or api.withheld is None:
        return None
    if api.withheld == "other_origin":
        return Advice(
            f"The origin of {api.url} is not in api_origins, so the plugin calls it without a token.",
            "Add its origin (scheme, host and port) to api_origins.",
        )
    return Advice(
        f"{api.url} is plain http, which would show the token to everyone on the way; it was not called.",
        "Use https or, if you trust the network, --allow-insecure-http.",
    )


def api_unreachable(findings: Findings) -> Advice | None:
    """No answer."""
    api = findings.api
    if api is None or api.withheld is not None or api.answer is not None:
        return None
    return Advice(
        with_reason("The API does not answer", api.description),
        "Check the URL of the API and the network on the way there. The token is not the reason.",
    )


def api_redirects(findings: Findings) -> Advice | None:
    """To a login page, or somewhere else."""
    answer = api_failure(findings)
    if answer is None or not is_redirect(answer.status):
        return None
    target = answer.location or "somewhere else"
    if _LOGIN.search(urlsplit(target).path) or _LOGIN.search(urlsplit(target).hostname or ""):
        return Advice(
            f"The API sends the call to {target}, which looks like a login for people.",
            f"Check that the URL is that of the API and not of its web site, and {findings.called('header_name')} and "
            f"{findings.called('header_value_pattern')}.",
        )
    return Advice(
        f"The API redirects the call to {target}.",
        "Call the final URL: the token does not follow a redirect to another host.",
    )


def api_web_page(findings: Findings) -> Advice | None:
    """A page for people."""
    answer = api_failure(findings)
    if answer is None or not answer.web_page or not 200 <= answer.status < 300:
        return None
    return Advice(
        f"The API answers with a web page{f' ({answer.excerpt})' if answer.excerpt else ''}.",
        "Check that the URL is that of the API and not of its web site or of a login page.",
    )


def api_not_found(findings: Findings) -> Advice | None:
    """A typo, or an API that hides what the client may not see."""
    if api_failure(findings, 404) is None:
        return None
    return Advice(
        "The API has nothing at this URL (404). It did not refuse the token.",
        "Check the URL of the API. Some APIs also answer 404 if the client may not see what is there.",
    )


def api_rate_limited(findings: Findings) -> Advice | None:
    """Too many calls."""
    answer = api_failure(findings, 429)
    if answer is None:
        return None
    wait = "" if answer.retry_after is None else f" It asks to wait {answer.retry_after:.0f} s."
    return Advice(f"The API got too many calls.{wait}", "Wait, and try again. The API did not refuse the token.")


def api_down(findings: Findings) -> Advice | None:
    """5xx."""
    answer = api_failure(findings)
    if answer is None or answer.status < 500:
        return None
    return Advice(
        with_words(f"The API has an error of its own ({answer.status}).", answer.excerpt),
        "Try again later. The token is probably not the reason.",
    )


def api_unexplained(findings: Findings) -> Advice | None:
    """Something else, such as 405 if GET is not allowed."""
    answer = api_failure(findings)
    if answer is None:
        return None
    return Advice(
        with_words(f"The API answers {answer.status} to the GET.", answer.excerpt),
        "Pass an --api-url that can be read with GET and needs no parameters. This is probably not about the token.",
    )


# Only the first that finds its cause counts; the general ones come last.
FATAL: tuple[Rule, ...] = (
    api_withheld,
    api_unreachable,
    api_redirects,
    api_web_page,
    *api_access.FATAL,
    api_not_found,
    api_rate_limited,
    api_down,
    api_unexplained,
)
WORTH_KNOWING: tuple[Rule, ...] = api_access.WORTH_KNOWING
