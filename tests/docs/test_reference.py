"""The reference pages that are written by hand name everything that there is."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from oauth_cc_auth._cli.check.connection_facts import Certificate, Connection, Step
from oauth_cc_auth._cli.check.facts import ApiFacts, AttemptFacts, HttpAnswer, JwtFacts, Question, TokenFacts
from oauth_cc_auth._cli.check.rules.judge import Cause
from oauth_cc_auth._settings.fields import SETTINGS, WRITABLE_BEHAVIOUR
from tests.docs import way
from tests.examples import DOCS, sections

ENVIRONMENT = DOCS / "reference" / "environment.md"
CHECK = DOCS / "reference" / "check-json.md"

COMPUTED = {"TokenFacts": {"missing_scope", "extra_scope"}, "ApiFacts": {"accepted"}, "JwtFacts": {"verified"}}
IN_A_ROW_OF_ANOTHER = (Step, Certificate, JwtFacts)


def test_each_setting_has_its_variable() -> None:
    """In docs/reference/environment.md, in the order of the arguments."""
    named = re.findall(r"^\| `OAUTH_CC_(\w+)`", ENVIRONMENT.read_text(encoding="utf-8"), re.MULTILINE)
    settings = [name.lower() for name in named]
    assert [name for name in settings if name in SETTINGS] == list(SETTINGS)
    assert [name for name in settings if name in WRITABLE_BEHAVIOUR] == list(WRITABLE_BEHAVIOUR)


@pytest.mark.parametrize(
    ("heading", "facts"),
    [
        ("A cause", Cause),
        ("`settings`", Question),
        ("`connection`", Connection),
        ("An attempt", AttemptFacts),
        ("An `answer`", HttpAnswer),
        ("`token`", TokenFacts),
        ("`api`", ApiFacts),
    ],
)
def test_each_member_of_the_output_has_a_row(heading: str, facts: Any) -> None:
    """In docs/reference/check-json.md, and no row is about something else."""
    rows = re.findall(r"^\| (`.+?`) \|", sections(CHECK)[heading], re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert documented == {field.name for field in fields(facts)} | COMPUTED.get(facts.__name__, set())


@pytest.mark.parametrize("facts", IN_A_ROW_OF_ANOTHER)
def test_members_of_members_are_named(facts: Any) -> None:
    """In the row of the member that they belong to."""
    named = set(re.findall(r"`(\w+)`", CHECK.read_text(encoding="utf-8")))
    assert {field.name for field in fields(facts)} | COMPUTED.get(facts.__name__, set()) <= named


def test_every_page_is_in_the_menu() -> None:
    """docs/index.md lists each page of the site once."""
    menu = re.findall(r"^([\w/-]+)$", (DOCS / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")} - {"index"}
    assert sorted(menu) == sorted(pages)


def test_what_is_for_language_models_names_pages_that_there_are() -> None:
    """docs/llms.txt has links to pages of the site."""
    pages = re.findall(r"\]\(([\w/-]+)\.html\)", (DOCS / "llms.txt").read_text(encoding="utf-8"))
    assert len(pages) >= 11
    assert [page for page in pages if not (DOCS / f"{page}.md").is_file()] == []


def test_the_picture_of_the_way_shows_what_happens() -> None:
    """``python -m tests.docs.way`` plays it again and draws it anew."""
    assert way.PICTURE.read_text(encoding="utf-8") == way.drawn()
