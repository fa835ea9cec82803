"""From facts to a diagnosis: does it work, and if not, why? Pure.

The rules are in several files, in the order of the steps: no connection, no answer from the token endpoint, an answer
in a provider's own words, no token in it, no client that the server knows, a token of no use, an API that does not
accept it. A step that fails hides those after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oauth_cc_auth._cli.check.facts import Findings

from . import answer, api, client, connection, proof, provider, token, transport
from .rule import Rule

# In each of these groups only the first rule that finds its cause counts ...
_NO_ANSWER = (connection.FATAL, transport.FATAL)
_OF_PROVIDER = (provider.FATAL,)
_NO_ACCESS = ((*proof.FATAL_OF_API, *api.FATAL),)
# ... and of these each counts: a scope may be unknown, and a clock may be wrong too.
_NO_TOKEN = (*answer.FATAL, *client.FATAL, *proof.FATAL, *token.FATAL)
_LAST = (answer.unexplained,)
_WORTH_KNOWING = (
    *client.WORTH_KNOWING,
    *answer.WORTH_KNOWING,
    *token.WORTH_KNOWING,
    *api.WORTH_KNOWING,
)

RULES: tuple[Rule, ...] = (
    *connection.FATAL,
    *transport.FATAL,
    *provider.FATAL,
    *_NO_TOKEN,
    *proof.FATAL_OF_API,
    *api.FATAL,
    *_LAST,
    *_WORTH_KNOWING,
)


# Causes that mean that the token endpoint is somewhere else.
ELSEWHERE = frozenset({"web_page", "path_not_found", "post_not_allowed", "redirected", "token_unusable"})


@dataclass(frozen=True)
class Cause:
    """Why it does not work, or what may become a problem although it works.

    Attributes:
        name: Of the rule that found it.
        text: What is likely wrong, in plain words.
        remedy: What to change.
        fatal: False if it works nevertheless.
    """

    name: str
    text: str
    remedy: str
    fatal: bool = True


@dataclass(frozen=True)
class Diagnosis:
    """The answer to "does it work?".

    Attributes:
        text: One sentence.
        causes: The likely causes, most likely first; then what is worth knowing.
    """

    works: bool
    text: str
    causes: tuple[Cause, ...]


def judge(findings: Findings) -> Diagnosis:
    """The diagnosis. If it does not work there is always a cause, even if only that the answer is not explained."""
    fatal = (
        _firsts(_NO_ANSWER, findings)
        or _firsts(_OF_PROVIDER, findings)
        or [*_causes(_NO_TOKEN, findings, fatal=True), *_firsts(_NO_ACCESS, findings)]
        or _causes(_LAST, findings, fatal=True)
    )
    notes = _causes(_WORTH_KNOWING, findings, fatal=False)
    return Diagnosis(not fatal, _sentence(findings, works=not fatal), (*fatal, *notes))


def _firsts(groups: Iterable[tuple[Rule, ...]], findings: Findings) -> list[Cause]:
    return [cause for group in groups for cause in _causes(group, findings, fatal=True)[:1]]


def _causes(rules: Iterable[Rule], findings: Findings, *, fatal: bool) -> list[Cause]:
    spoken = ((rule, rule(findings)) for rule in rules)
    return [Cause(rule.__name__, advice.text, advice.remedy, fatal) for rule, advice in spoken if advice is not None]


def _sentence(findings: Findings, *, works: bool) -> str:
    api, token = findings.api, findings.token
    if works and token is not None:
        return f"It works: {token.method} brings a token" + (", and the API accepts it." if api else ".")
    if findings.connection.failure is not None:
        whom = "proxy" if findings.connection.proxy else "token endpoint"
        return f"It does not work: there is no connection to the {whom}."
    if findings.undiscovered is not None:
        return "It does not work: the issuer names no token endpoint."
    if token is None:
        return "It does not work: the token endpoint gives no token."
    if api is None or api.accepted:
        return "It does not work yet, though a token came."
    return "The token endpoint works; the call of the API does not."
