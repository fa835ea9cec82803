"""`headers`: which text fits into a header field."""

from __future__ import annotations

from string import ascii_letters, digits

import pytest

from oauth_cc_auth._http.headers import has_control, is_encodable, is_header_name, is_header_value

EVERY_ASCII = [chr(point) for point in range(128)]


@pytest.mark.parametrize("place", ["{}", "a{}", "{}a", "a{}a", "\u00e9{}\u2028"])
def test_control_characters(place: str) -> None:
    """Those of ASCII, wherever they stand."""
    found = {character for character in EVERY_ASCII if has_control(place.format(character))}
    assert found == {*map(chr, range(32)), "\x7f"}


@pytest.mark.parametrize("text", ["", "plain text", "\u00e9\u540d", "\x80\x85\xad", "\u2028\u202e", "\ud800"])
def test_no_control_characters(text: str) -> None:
    """What is unprintable beyond ASCII is none."""
    assert not has_control(text)


@pytest.mark.parametrize("place", ["{}", "x{}", "{}x", "x{}x"])
def test_characters_of_a_header_name(place: str) -> None:
    """RFC 9110 §5.6.2 lists them."""
    found = {character for character in EVERY_ASCII if is_header_name(place.format(character))}
    assert found == {*ascii_letters, *digits, *"!#$%&'*+-.^_`|~"}


@pytest.mark.parametrize("name", ["", "\u00e9", "X-Schl\u00fcssel", "X\uff21"])
def test_no_header_name(name: str) -> None:
    """It has a character at least, and only those of ASCII."""
    assert not is_header_name(name)


def test_characters_of_a_header_value() -> None:
    """All that can be printed, spaces and tabs in between."""
    inside = {character for character in EVERY_ASCII if is_header_value(f"x{character}x")}
    assert inside == {*map(chr, range(32, 127)), "\t"}
    at_an_end = {character for character in EVERY_ASCII if is_header_value(f"x{character}")}
    assert at_an_end == {character for character in EVERY_ASCII if is_header_value(f"{character}x")}
    assert at_an_end == inside - {" ", "\t"}


@pytest.mark.parametrize(
    ("value", "fits"), [("", True), ("Bearer abc", True), ("\u00e9", False), (" ", False), ("a\u00a0b", False)]
)
def test_a_header_value(value: str, fits: bool) -> None:
    """It may be empty, and is ASCII."""
    assert is_header_value(value) is fits


@pytest.mark.parametrize(
    ("text", "encodable"), [("", True), ("\u00e9\U0001f511", True), ("\ud800", False), ("a\udfffb", False)]
)
def test_is_encodable(text: str, encodable: bool) -> None:
    """A lone surrogate has no UTF-8."""
    assert is_encodable(text) is encodable
