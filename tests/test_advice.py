"""Advice: templates of ours, in the words of each face."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import oauth_cc_auth
from oauth_cc_auth import _httpie
from oauth_cc_auth._advice import PYTHON, Advice, Words, as_it_is, name_of, together
from oauth_cc_auth._cli.settings import options
from oauth_cc_auth._cli.settings.parser import Parser
from oauth_cc_auth._cli.terminal.wording import COMMAND, words_for
from oauth_cc_auth._settings.environment import words_of
from oauth_cc_auth._settings.fields import BEHAVIOUR, SETTINGS

FACES = {"python": PYTHON, "command": COMMAND, "environment": words_of("OAUTH_CC_"), "httpie": _httpie.HTTPIE}
FIELDS = {*SETTINGS, *BEHAVIOUR}
# The values that are filled in where it is known what a request was about.
LATER = {"endpoint", "proof", "url"}
SOURCE = Path(oauth_cc_auth.__file__).parent


def places_in(template: str) -> set[str]:
    return {place for _, place, _, _ in string.Formatter().parse(template) if place is not None}


def calls_of_advice() -> Iterator[tuple[str, ast.Call]]:
    rules = SOURCE / "_cli" / "check" / "rules"  # what they call advice is whole sentences of the command
    for path in sorted(SOURCE.rglob("*.py")):
        if rules in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Advice":
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node


class TestTemplates:
    """The one law: what anyone else says is never a template."""

    def test_only_constants_are_templates(self) -> None:
        """`name_of` makes one of the name of a field."""
        computed = {place.partition(":")[0] for place, call in calls_of_advice() if not _is_text(call.args[0])}
        assert computed == {"_advice.py"}

    def test_every_place_is_known(self) -> None:
        """A misspelt one would be shown as it is."""
        known = FIELDS | PYTHON.ways.keys() | LATER
        calls = [(place, call) for place, call in calls_of_advice() if _is_text(call.args[0])]
        assert len(calls) > 40
        for place, call in calls:
            template = ast.literal_eval(call.args[0])
            values = {each.arg for each in call.keywords if each.arg is not None}
            assert places_in(template) <= known | values, place
            assert not values & (FIELDS | PYTHON.ways.keys()), place

    @pytest.mark.parametrize("face", FACES)
    def test_each_face_has_all_ways(self, face: str) -> None:
        """And no others, and no place in them that is none."""
        ways = FACES[face].ways
        assert ways.keys() == PYTHON.ways.keys()
        values = {"auth_class", "meant", "path", "variable"}
        assert set().union(*map(places_in, ways.values())) <= FIELDS | values

    def test_values_are_shown_as_they_are(self) -> None:
        """Braces of a server or a person are no places."""
        advice = Advice("check {scope}: {said}", said="{client_secret} {0.__class__} {")
        assert str(advice) == "check scope: {client_secret} {0.__class__} {"
        named = Words({"scope": "'scope' in {a}.toml"}, {})
        assert advice.worded(named) == "check 'scope' in {a}.toml: {client_secret} {0.__class__} {"
        assert str(as_it_is("{client_secret}")) == "{client_secret}"
        assert as_it_is("") is None


class TestFilling:
    """What fills a place."""

    def test_the_first_value_counts(self) -> None:
        """What is filled in later is for those that have none."""
        advice = Advice("{a} {b}", a="1").with_values(a="2", b="3")
        assert str(advice) == "1 3"

    def test_advice_within_advice(self) -> None:
        """It sees the values around it, and has its own."""
        inner = Advice("{a} and {b}", a="own")
        assert str(Advice("[{inner}]", inner=inner).with_values(a="outer", b="outer")) == "[own and outer]"

    def test_a_way_has_places(self) -> None:
        """They are filled like those of the advice."""
        words = Words({"issuer": "--issuer"}, {"name_issuer": "pass {issuer} {meant}"})
        assert Advice("no: {name_issuer}", meant="{x}").worded(words) == "no: pass --issuer {x}"

    def test_several(self) -> None:
        """One after the other, but for those that a face has no words for."""
        both = together(None, name_of("scope"), Advice("{check_shows}"))
        assert both is not None
        assert str(both) == f"scope; {PYTHON.ways['check_shows']}"
        assert both.worded(COMMAND) == "--scope"
        assert together(None, None) is None
        one = Advice("a")
        assert together(one, None) == one + None == one


class TestNames:
    """What each face calls a setting."""

    def test_every_option_is_one(self) -> None:
        """What the command names, it also has."""
        parser = Parser()
        options.add_settings(parser)
        known = parser.format_help()
        named = {name for name in COMMAND.names.values() if name.startswith("--")}
        assert [name for name in named if not re.search(rf"^  {name}[ \n]", known, re.MULTILINE)] == []
        assert {"--token-url", "--api-header", "--response-field", "--timeout"} <= named
        assert COMMAND.name_of("renew_on") == "OAUTH_CC_RENEW_ON"

    def test_where_a_setting_came_from(self) -> None:
        """That is what the person knows it by."""
        words = words_for({"scope": "OAUTH_CC_SCOPE"})
        assert (words.name_of("scope"), words.name_of("client_id")) == ("OAUTH_CC_SCOPE", "--client-id")
        assert PYTHON.name_of("client_id") == "client_id"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
