"""The report in 80 columns and in fewer, in ASCII, and with long texts."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from oauth_cc_auth._cli.check.connection_facts import Certificate, Connection, Step
from oauth_cc_auth._cli.check.facts import ApiFacts, AttemptFacts, Findings, HttpAnswer, JwtFacts, Question, TokenFacts
from oauth_cc_auth._cli.check.report.as_text import Report
from oauth_cc_auth._cli.check.report.token_rows import token_rows
from oauth_cc_auth._cli.check.rules.judge import Cause, Diagnosis

LONG = "word " * 40
URL = "https://login.example.com/" + "path/" * 30
QUESTION = Question(URL, URL, True, "login.example.com", "client", None, "client_credentials", None, (), "A", "%s")
CERTIFICATE = Certificate("login.example.com", "Authority", ("login.example.com",), 0.0, 4e9)
CONNECTION = Connection("login.example.com", 443, None, certificate=CERTIFICATE)
TOKEN = TokenFacts(
    method="client_secret_post",
    masked="abcd…",
    length=40,
    token_type=None,
    lifetime=None,
    asked_scope=("a", "b"),
    granted_scope=("b", "c"),
    other_members=("x", "y"),
    jwt=JwtFacts({"alg": "none"}, {"zzz": LONG, "aud": ["x" * 100], "exp": 0, "n" * 60: True}),
)


class Page(io.TextIOWrapper):
    """A stream of bytes in one encoding, and what was written."""

    def __init__(self, encoding: str) -> None:
        self.written = io.BytesIO()
        super().__init__(self.written, encoding=encoding, errors="replace")

    @property
    def text(self) -> str:
        self.flush()
        return self.written.getvalue().decode(self.encoding)


def reported(width: int = 80, encoding: str = "utf-8") -> str:
    """Everything that a report can hold, on a page so wide."""
    page = Page(encoding)
    report = Report(Console(file=page, width=width, markup=False, highlight=False, emoji=False, color_system=None))
    report.started(QUESTION)
    report.stepped(Step("dns", "ok", LONG, None, 0.0123), CONNECTION)
    report.stepped(Step("tls", "failed", LONG, "not_tls", 12.34), CONNECTION)
    report.attempted(
        (
            AttemptFacts("client_secret_basic", "refused", 0.5, HttpAnswer(401), "invalid_client", LONG),
            AttemptFacts("client_secret_basic", "refused", 0.5, HttpAnswer(401), "only_a_code"),
            AttemptFacts("client_secret_basic", "refused", 0.5, HttpAnswer(403, excerpt="[only] an :excerpt:")),
            AttemptFacts("client_secret_basic", "refused", 0.5, HttpAnswer(400)),
            AttemptFacts("client_secret_basic (not percent-encoded)", "no_answer", 0.5, description=LONG),
            AttemptFacts("client_secret_post", "token", 0.5, HttpAnswer(200)),
        )
    )
    report.obtained(TOKEN, 1000.0)
    report.called(ApiFacts(URL, 0.5, HttpAnswer(401, challenge=LONG)))
    report.called(ApiFacts(URL, 0.5, description=LONG))
    report.called(ApiFacts(URL, 0.0, withheld="insecure"))
    causes = (Cause("a", LONG, LONG), Cause("b", LONG, LONG, fatal=False))
    findings = Findings(QUESTION, 1000.0, CONNECTION)
    report.concluded(findings, Diagnosis(False, LONG, causes))
    return page.text


@pytest.mark.parametrize("width", [80, 60, 40])
def test_lines_are_not_wider_than_the_page(width: int) -> None:
    """And no line ends in spaces."""
    text = reported(width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []
    assert "…" not in text.replace("abcd…", "")


def test_a_narrow_page_has_no_table() -> None:
    """An answer would be a column of letters there."""
    lines = reported(40).splitlines()
    start = lines.index("client_secret_basic")
    assert lines[start + 1 : start + 3] == ["  status  401", "  answer  invalid_client (word word word"]
    assert "  time    500 ms" in lines
    assert not any(line.startswith("method") for line in lines)
    assert any(line.startswith("method") for line in reported(60).splitlines())


def test_nothing_is_left_out() -> None:
    """Long texts are wrapped."""
    assert "".join(reported().split()).count("word") == 40 * 12


def test_wide_pages_are_not_filled() -> None:
    """A line of 200 characters is hard to read."""
    assert max(map(len, reported(200).splitlines())) == 100


def test_ascii() -> None:
    """Where the encoding has no more: words instead of marks, and lines of ASCII."""
    text = reported(encoding="ascii")
    assert text.isascii()
    lines = text.splitlines()
    assert any(line.startswith("ok DNS") for line in lines)
    assert any(line.startswith("NO TLS") for line in lines)
    assert "-----" in text


def test_what_others_wrote_is_no_markup() -> None:
    """rich would take brackets for styles and colons for smileys."""
    assert "[only] an :excerpt:" in reported()


@pytest.mark.parametrize(
    "words",
    [
        "12 ms",
        "12.3 s",
        "certificate for login.example.com, issued by Authority",
        "valid until 2096-10-02 07:06 UTC (in ",
        "only_a_code",
        "no OAuth error",
        "no answer",
        "not called",
        "no scope",
    ],
)
def test_details(words: str) -> None:
    """Each is somewhere."""
    assert words in reported()


def test_the_rows_of_a_token() -> None:
    """If the server names something not, the report says that."""
    assert token_rows(TOKEN) == [
        ("from", "client_secret_post"),
        ("token", "abcd… (40 characters)"),
        ("type", "not named"),
        ("lifetime", "not named: it is used until the API refuses it"),
        ("scope", "b c"),
        ("not granted", "a"),
        ("not asked for", "c"),
        ("also there", "x, y"),
    ]
    unread = replace(TOKEN, lifetime_problem="it has no 'expires'")
    assert token_rows(unread)[3] == ("lifetime", "cannot be read: it is used until the API refuses it")
    bare = replace(TOKEN, lifetime=0.0, asked_scope=(), granted_scope=None, other_members=())
    assert token_rows(bare)[3:] == [("lifetime", "none: it is used once"), ("scope", "not named")]
    assert token_rows(replace(bare, granted_scope=()))[4:] == [("scope", "none")]
    assert token_rows(replace(bare, granted_scope=("c",)))[4:] == [("scope", "c")]
    assert token_rows(replace(bare, asked_scope=("a",)))[4:] == [("scope", "not named")]


def test_an_encrypted_token() -> None:
    """Only its header can be read."""
    page = Page("utf-8")
    report = Report(Console(file=page, width=80, color_system=None))
    report.obtained(replace(TOKEN, jwt=JwtFacts({"alg": "dir", "enc": "A256GCM"}, None)), 0.0)
    assert "  header  alg dir, enc A256GCM\n  claims  encrypted\n" in page.text
