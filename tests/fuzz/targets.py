"""Every parser of foreign text, each as a function of bytes that fails if a promise is broken.

hypothesis uses the list in every test run (tests.test_fuzz_targets), and atheris for as long as you like
(`python3 -m tests.fuzz`). A target raises if an exception that is not ours would escape, or if a secret would be shown.
Otherwise it returns.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError, Token
from oauth_cc_auth._adapter.behaviour import api_origins
from oauth_cc_auth._authentication.basic import ClientSecretBasic
from oauth_cc_auth._authentication.post import ClientSecretPost
from oauth_cc_auth._cli.check.probe.http_answer import http_answer
from oauth_cc_auth._http.answers import retry_after
from oauth_cc_auth._http.challenge import challenge_parameter
from oauth_cc_auth._http.limited_body import LIMIT, LimitedBody, UnreadableBodyError
from oauth_cc_auth._http.origin import may_carry_secrets, origin_of, surely_stays
from oauth_cc_auth._protocol.answer import read_answer
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure, token_request
from oauth_cc_auth._redact.redact import presentable, shown_url
from tests.fuzz.inputs import BETWEEN, ECHO, PASSWORD, SECRET, fields

Target = Callable[[bytes], None]

WALL = 1_700_000_000.0

FORM_LABELS = (
    "Auth Config",
    "Oauth2 Grant Type",
    "Client ID",
    "Client Secret",
    "Client Credentials Grant Scope",
    "Oauth2 Token Url",
    "Oauth2 Client Authentication",
    "Header Auth Key",
    "Header Auth Value Pattern",
    "Oauth2 Custom Grant Type",
    "Custom Oauth Request Options Additional Headers",
    "Custom Oauth Request Options Additional Request Data",
    "allow_insecure_http",
)


def hide(*texts: object) -> None:
    """Fail if one of `texts` shows the secret."""
    for text in texts:
        assert PASSWORD not in str(text), "the secret is shown"


def a_request() -> TokenRequest:
    config = ClientCredentialsConfig("https://login.example.com/token", "client", SECRET, scope="a")
    return token_request(config, ClientSecretBasic(), SECRET)


def token_answer(data: bytes) -> None:
    """Status, headers and body give a token that fits into a header, or an error of ours that shows nothing secret."""
    status, location, retry, date, kind, coding = fields(data, 7)[:6]
    body = data.split(BETWEEN, 6)[6] if data.count(BETWEEN) >= 6 else data
    body = body.replace(b"{json echo}", json.dumps(SECRET)[1:-1].encode()).replace(ECHO.encode(), SECRET.encode())
    headers = {
        "location": location,
        "retry-after": retry,
        "date": date,
        "content-type": kind,
        "content-encoding": coding,
    }
    read, problem = LimitedBody(), None
    try:
        read.feed(body)
        body = read.decoded(coding)
    except UnreadableBodyError as unreadable:
        body, problem = b"", str(unreadable)
    answer = TokenResponse(100 + len(status) % 500, headers, body, problem)
    outcome = read_answer(a_request(), answer, WALL)
    if isinstance(outcome, Token):
        assert outcome.access_token.isascii()
        assert outcome.access_token.isprintable()
        assert outcome.access_token == outcome.access_token.strip() != ""
        assert outcome.expires_at is None or WALL <= outcome.expires_at <= WALL + 366 * 86400
        pickle.loads(pickle.dumps(outcome))  # noqa: S301  # our own pickle
        return
    error = outcome.error
    hide(error, error.__dict__, repr(error), error.attempts)
    assert str(error).isprintable()
    assert len(str(error)) < 5000
    assert len(error.attempts) == 1
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301  # as above


def successful_answer(data: bytes) -> None:
    """`token_answer` for a 200 without headers, so that a fuzzer reaches the members."""
    token_answer(b"s" * 100 + BETWEEN * 6 + data)


def transport_failure(data: bytes) -> None:
    """Any text about a failure of a transport."""
    outcome = read_answer(a_request(), TransportFailure(fields(data, 1)[0]), WALL)
    assert not isinstance(outcome, Token)
    hide(outcome.error, outcome.error.__dict__)


def wait_asked_for(data: bytes) -> None:
    """Retry-After and Date give no seconds, or a number of seconds that is possible to wait."""
    retry, date = fields(data, 2)
    seconds = retry_after({"retry-after": retry, "date": date}, WALL)
    assert seconds is None or 0 <= seconds <= 1e9


def answer_facts(data: bytes) -> None:
    """What the command line shows of an answer, and what it reads in WWW-Authenticate."""
    challenge, via, location, date, kind, body = fields(data, 6)
    challenge = challenge.replace("{quoted echo}", "\\".join(SECRET))
    headers = {"www-authenticate": challenge, "via": via, "location": location, "date": date, "content-type": kind}
    facts = http_answer(300 + len(via), headers, body.encode("utf-8", "surrogatepass"), wall=WALL, secrets=(SECRET,))
    hide(facts)
    for name in ("error", "error_description", "scope", "realm"):
        found = challenge_parameter(facts.challenge, name)
        hide(found)
        # In quotes, backslashes are removed.
        assert found is None or found.replace("\\", "") in (facts.challenge or "").replace("\\", "")


def form_settings(data: bytes) -> None:
    """Labels and values of a form give a config, or a ConfigurationError that quotes no value of a secret field."""
    words = fields(data, 2 * len(FORM_LABELS))
    labels = [word if word else label for word, label in zip(words[::2], FORM_LABELS, strict=True)]
    settings = dict(zip(labels, words[1::2], strict=True))
    with suppress(ConfigurationError):
        repr(ClientCredentialsConfig.from_mapping(settings))
    for name in ("Client Secret", "additional_headers", "additional_request_data"):
        value = f"{SECRET}{words[0]}"
        try:
            hide(repr(ClientCredentialsConfig.from_mapping({**settings, name: value})))
        except ConfigurationError as error:
            if SECRET not in repr(labels) and all(SECRET not in word for word in words[1::2]):
                hide(error, repr(error.__context__), repr(error.__cause__))


def token_urls(data: bytes) -> None:
    """A person's URL is accepted unchanged or refused. User info and query are never shown."""
    text, user_info = (part.replace(SECRET, PASSWORD) for part in fields(data, 2))
    user_info = quote(user_info, safe="!:@[]", errors="surrogatepass")
    for url in (text, f"https://{text}", f"https://{user_info}:{PASSWORD}@{text}"):
        if PASSWORD not in text:
            hide(shown_url(url))
        origin = origin_of(url)
        assert may_carry_secrets(url) in (True, False)
        str(origin)
        try:
            config = ClientCredentialsConfig(url, "client", "secret")
        except ConfigurationError as error:
            if PASSWORD not in text:
                hide(error, error.__cause__, error.__context__)
        else:
            assert config.token_url == url
            assert origin.host or not url.isascii()  # each library encodes such a host in its own way
        with suppress(ConfigurationError):
            api_origins(url, str)


def redirect_targets(data: bytes) -> None:
    """The URL of a redirect, from any URL, stays or does not."""
    url, location = fields(data, 2)
    for here in (url, "https://api.example.com/a/b?c"):
        assert surely_stays(here, location) in (True, False)
    shown_url(location)


def header_settings(data: bytes) -> None:
    """Accepted names and values of headers cannot end a header line or start another."""
    name, value, pattern = fields(data, 3)
    with suppress(ConfigurationError):
        config = ClientCredentialsConfig(
            "https://login.example.com/token", "client", "s", header_name=name, header_value_pattern=pattern
        )
        kept = str(config.header_value_pattern)
        assert "\r" not in config.header_name + kept
        assert (config.header_name + kept.replace("%s", "token")).isprintable()
    try:
        config = ClientCredentialsConfig(
            "https://login.example.com/token", "client", "s", additional_headers={name: value}
        )
    except ConfigurationError as error:
        if SECRET not in name:
            hide(error)
    else:
        for _, taken in config.additional_headers:
            assert taken.replace("\t", " ").isprintable()
            taken.encode("ascii")


def content_codings(data: bytes) -> None:
    """A body and its claimed encoding give at most a mebibyte, or an error of ours."""
    coding, _, body = data.partition(BETWEEN)
    read = LimitedBody()
    with suppress(UnreadableBodyError):
        read.feed(body)
        assert len(read.decoded(coding.decode("latin-1"))) <= LIMIT


def credentials(data: bytes) -> None:
    """Any identifier and secret are sent or refused, and never shown."""
    client_id, secret, name, value = fields(data, 4)
    secret += SECRET
    try:
        config = ClientCredentialsConfig(
            "https://login.example.com/token", client_id, secret, additional_request_data={name: value}
        )
    except ConfigurationError as error:
        if SECRET not in name:
            hide(error)
        return
    for strategy in (ClientSecretBasic(), ClientSecretPost()):
        request = token_request(config, strategy, secret)
        for header in request.headers:
            assert all(text.isascii() and text.isprintable() for text in header)
        request.body.decode("ascii")
    if SECRET not in client_id + name:
        hide(repr(config))


def masking(data: bytes) -> None:
    """Any secret in any text is found in reasonable time and never shown."""
    before, secret, after = fields(data, 3)
    if len(secret) >= 4 and secret.isprintable() and secret == " ".join(secret.split()):
        assert secret not in presentable(before + secret + after, (secret,)).replace("***", "\0")


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        token_answer,
        successful_answer,
        transport_failure,
        wait_asked_for,
        answer_facts,
        form_settings,
        token_urls,
        redirect_targets,
        header_settings,
        content_codings,
        credentials,
        masking,
    )
}
