"""Rules as a whole: whatever is found out, there is a verdict, and a failure is never without a cause."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_cc_auth._cli.check.connection_facts import Connection, Step, StepProblem
from oauth_cc_auth._cli.check.facts import ApiFacts, AttemptFacts, Findings, HttpAnswer, JwtFacts, Question, TokenFacts
from oauth_cc_auth._cli.check.rules.judge import RULES, judge

QUESTION = Question(
    "https://login.example.com/token",
    "https://api.example.com/",
    True,
    "login.example.com",
    "client",
    None,
    "client_credentials",
    None,
    (),
    "Authorization",
    "Bearer %s",
)
FINDINGS = Findings(QUESTION, 1_700_000_000.0, Connection("login.example.com", 443, None))
TOKEN = TokenFacts("client_secret_basic", "abcd…", 40, "Bearer", 3600.0, (), None, (), None)

words = st.sampled_from([None, "", "scope", "407", "certificate verify failed", "the secret has expired"])
answers = st.builds(
    HttpAnswer,
    status=st.sampled_from([200, 204, 302, 307, 400, 401, 403, 404, 405, 407, 408, 410, 418, 429, 500, 503]),
    content_type=st.just("text/html"),
    web_page=st.booleans(),
    empty=st.booleans(),
    location=st.sampled_from([None, "/login", "https://login.example.com/token"]),
    skew=st.sampled_from([None, 0.0, 3600.0, -3600.0]),
    retry_after=st.sampled_from([None, 7.0]),
    via=st.sampled_from([None, "1.1 gate"]),
    challenge=st.sampled_from([None, "Bearer", 'Bearer error="invalid_token"', 'Bearer error="insufficient_scope"']),
    excerpt=words,
)
errors = st.sampled_from(
    [None, "invalid_client", "invalid_scope", "invalid_request", "unauthorized_client", "use_dpop_nonce", "odd"]
)
refusals = st.builds(
    AttemptFacts,
    method=st.sampled_from(["client_secret_basic", "client_secret_post"]),
    outcome=st.sampled_from(["refused", "unusable"]),
    seconds=st.just(0.1),
    answer=answers,
    error=errors,
    description=words,
    next_is_tried=st.booleans(),
    bound=st.booleans(),
)
silences = st.builds(
    AttemptFacts,
    method=st.just("client_secret_basic"),
    outcome=st.sampled_from(["no_answer", "not_sent"]),
    seconds=st.just(0.1),
    description=words,
    timed_out=st.booleans(),
)
failed = st.lists(st.one_of(refusals, silences), min_size=1, max_size=3).map(tuple)
questions = st.builds(
    replace,
    st.just(QUESTION),
    secure=st.booleans(),
    method=st.sampled_from([None, "client_secret_basic"]),
    scope=st.sampled_from([None, "a"]),
    data_names=st.sampled_from([(), ("scope",), ("audience",)]),
    described=st.sampled_from([(), ("request_format",), ("credential_fields", "response_fields")]),
)
claims = st.dictionaries(
    st.sampled_from(["exp", "nbf", "aud"]), st.sampled_from([0, 4_000_000_000, "x", ["y"], None]), max_size=3
)
tokens = st.builds(
    replace,
    st.just(TOKEN),
    lifetime=st.sampled_from([None, 0.0, 5.0, 3600.0]),
    asked_scope=st.sampled_from([(), ("a", "b")]),
    granted_scope=st.sampled_from([None, (), ("b",)]),
    jwt=st.one_of(st.none(), st.builds(JwtFacts, st.just({"alg": "none"}), st.one_of(st.none(), claims))),
)
calls = st.one_of(
    st.none(),
    st.builds(ApiFacts, url=st.just("https://api.example.com/"), seconds=st.just(0.1), answer=answers),
    st.builds(
        ApiFacts,
        url=st.just("https://api.example.com/"),
        seconds=st.just(0.1),
        description=words,
        withheld=st.sampled_from([None, "insecure", "other_origin"]),
    ),
)


def names(verdict: Any) -> list[str]:
    return [cause.name for cause in verdict.causes]


def test_every_rule_has_a_name_of_its_own_and_says_what_it_is_for() -> None:
    """The name is in the JSON document."""
    assert Counter(rule.__name__ for rule in RULES).most_common(1)[0][1] == 1
    assert [rule.__name__ for rule in RULES if not rule.__doc__] == []


@pytest.mark.parametrize("proxy", [None, "http://proxy.example.com:3128"])
@pytest.mark.parametrize("problem", get_args(StepProblem))
def test_every_problem_of_a_connection_has_one_cause(problem: Any, proxy: str | None) -> None:
    """In the step in which it occurs."""
    name = {"host_not_found": "dns", "resolver_failed": "dns", "refused": "tcp", "unreachable": "tcp"}.get(problem)
    steps: list[Any] = [name] if name else ["tcp", "tls"] if problem == "timed_out" else ["tls"]
    for step in steps:
        connection = Connection("login.example.com", 443, proxy, (Step(step, "failed", "words", problem),))
        verdict = judge(replace(FINDINGS, connection=connection))
        assert not verdict.works
        assert len(verdict.causes) == 1


@given(questions, failed, st.booleans())
def test_no_token_has_a_cause(question: Question, attempts: tuple[AttemptFacts, ...], proxied: bool) -> None:
    """And nothing that may come back makes a rule fail."""
    connection = replace(FINDINGS.connection, proxy="http://proxy.example.com" if proxied else None)
    verdict = judge(replace(FINDINGS, question=question, connection=connection, attempts=attempts))
    assert not verdict.works
    assert verdict.text == "It does not work: the token endpoint gives no token."
    assert verdict.causes[0].fatal
    assert len(names(verdict)) == len(set(names(verdict)))


@given(st.lists(refusals, max_size=2), tokens, calls)
def test_a_token_has_a_verdict(refused: list[AttemptFacts], token: TokenFacts, api: ApiFacts | None) -> None:
    """It works if the API accepts the token or was not called; and never if the plugin gets to no token."""
    attempts = (*refused, AttemptFacts("client_secret_post", "token", 0.1, HttpAnswer(200)))
    verdict = judge(replace(FINDINGS, attempts=attempts, token=token, api=api))
    in_reach = all(attempt.next_is_tried for attempt in refused)
    assert not verdict.works or (in_reach and (api is None or api.accepted))
    assert verdict.works == verdict.text.startswith("It works: ")
    assert verdict.works == (not any(cause.fatal for cause in verdict.causes))
