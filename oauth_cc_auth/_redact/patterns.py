"""A pattern that finds a secret in other people's text, in every encoding in which servers and libraries echo text.

Percent-encoded (also several times), form-encoded, as escapes of JSON, JavaScript, Python and C, as HTML character
references, and as UTF-8 that was read as Latin-1 (status lines, headers).

The text comes from a server, and the secret may too (a token that it issued), so no text and no secret may make the
search slow. No two forms of a character may match the same text, since each such character would double the search.
Only runs of backslashes have forms of many lengths. Each run is one unit together with the character that follows it.
Otherwise two neighbours could share out a run in several ways, which would make a search exponential, too.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import NamedTuple
from urllib.parse import quote, quote_plus

LONGEST = 32  # characters of a secret that are compared; more would take long to prepare (JWTs)

# Text that was quoted more than once. Bounded: an endless repetition would let a hostile answer keep us searching.
_ESCAPE = r"\\{1,4}"
_ENTITY = "&(?:amp;){0,3}"
_LETTER_ESCAPES = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
# Backslashes and what follows them; the last ones of a secret have nothing behind them.
_UNITS = re.compile(r"(\\*)([^\\]|\Z)", re.DOTALL)


# What begins an escape. A text without any of them holds a secret nearly as it is.
_INTRODUCERS = re.compile(r"[\\%&]")


class _Ends(NamedTuple):
    """Patterns for what ends an escape, if it may be left out.

    Attributes:
        of_reference: Of a numeric HTML reference; browsers do without it.
        of_css: Of an escape in CSS.
    """

    of_reference: str
    of_css: str


def pattern_of(secret: str, text: str) -> str:
    """A regular expression, for ``re.IGNORECASE``, that finds `secret` in `text`, in any usual encoding."""
    if _INTRODUCERS.search(text) is None:
        return _plain_pattern_of(secret)
    # Without its semicolon, a reference before one could be read in two ways; so could escaped spaces of CSS in a row.
    ends = _Ends(";" if ";" in secret else ";?", "" if "  " in secret else " ?")
    units = [(len(run), character) for run, character in _UNITS.findall(secret[:LONGEST])]
    pattern = "".join(_unit(*unit, ends) for unit in units[:-2])
    pattern += "".join(_unit(*unit, ends._replace(of_css="")) for unit in units[-2:])  # the space behind it is no part
    if len(secret) > LONGEST:
        # The rest as it is or in one encoding throughout; if it is in yet another one, everything from here on.
        pattern += f"(?:{'|'.join(_forms_of_rest(secret[LONGEST:]))}|(?s:.*))"
    return pattern


def _forms_of_rest(rest: str) -> list[str]:
    from html import escape  # which loads a long table

    forms = {rest, quote(rest, safe="", errors="surrogatepass"), quote_plus(rest, errors="surrogatepass")}
    forms |= {json.dumps(rest)[1:-1], escape(rest)}
    return [re.escape(form) for form in sorted(forms, reverse=True)]  # one that begins with another comes before it


def _plain_pattern_of(secret: str) -> str:
    """A pattern for a text in which nothing is escaped; it takes a hundredth of the time to prepare."""
    return "".join(_any_of([*_unescaped(character)]) for character in secret)


def _unescaped(character: str) -> set[str]:
    """The forms of one character without an escape: itself, as UTF-8 that was read as Latin-1, and a form's space."""
    forms = {re.escape(character), re.escape(character.encode(errors="surrogatepass").decode("latin-1"))}
    return forms | {r"\+"} if character == " " else forms


def _unit(backslashes: int, character: str, ends: _Ends) -> str:
    """A pattern for so many backslashes and the character behind them; at the end there may be none."""
    plain, escaped = _forms(character, ends) if character else (frozenset({""}), frozenset())
    behind = _any_of([*plain, *(_ESCAPE + form for form in escaped)])
    if backslashes == 0:
        return behind
    # As they are, each of them perhaps quoted; those that introduce an escape belong to the same run.
    literal = [rf"\\{{{backslashes},{4 * backslashes}}}{form}" for form in plain]
    literal += [rf"\\{{{backslashes + 1},{4 * backslashes + 4}}}{form}" for form in escaped]
    bare, introduced = _forms("\\", ends)
    encoded = _any_of([*(bare - {r"\\"}), *(_ESCAPE + form for form in introduced)])
    return _any_of([*literal, f"{encoded}{{{backslashes}}}{behind}"])


def _any_of(forms: list[str]) -> str:
    if len(forms) == 1:
        return forms[0]
    return f"(?:{'|'.join(sorted(forms, key=len, reverse=True))})"


@cache
def _html_names() -> dict[str, set[str]]:
    from html.entities import html5

    names: dict[str, set[str]] = {}
    for name, characters in html5.items():
        if name.endswith(";"):
            names.setdefault(characters, set()).add(name.lower())  # "&amp;" and "&AMP;" are one form here
    return names


def _forms(character: str, ends: _Ends) -> tuple[frozenset[str], frozenset[str]]:
    """Patterns for one character: those that stand alone, and those that follow a backslash."""
    point, utf8 = ord(character), character.encode(errors="surrogatepass")
    utf16 = character.encode("utf-16-be", "surrogatepass")
    plain = {
        *_unescaped(character),
        "".join(f"%(?:25){{0,3}}{byte:02x}" for byte in utf8),
        "".join(f"%(?:25){{0,3}}u{utf16[i : i + 2].hex()}" for i in range(0, len(utf16), 2)),  # JavaScript's escape()
        rf"{_ENTITY}#0{{0,6}}{point}{ends.of_reference}",
        rf"{_ENTITY}#x0{{0,6}}{point:x}{ends.of_reference}",
        *(_ENTITY + re.escape(name) for name in _html_names().get(character, ())),
    }
    escaped = {
        _ESCAPE.join(f"x{byte:02x}" for byte in utf8),
        _ESCAPE.join(f"{byte:03o}" for byte in utf8),
        _ESCAPE.join(f"u{utf16[i : i + 2].hex()}" for i in range(0, len(utf16), 2)),
        _ESCAPE.join(f"u00{byte:02x}" for byte in utf8),
        f"x{point:02x}",
        f"u{point:08x}",  # Python's is a capital U
        rf"u\{{0{{0,6}}{point:x}\}}",
    }
    if point >= 8:  # below, that is an octal escape
        escaped.add(rf"0{{0,5}}{point:x}{ends.of_css}")  # CSS
    if character in _LETTER_ESCAPES:
        escaped.add(_LETTER_ESCAPES[character])
    if not character.isalnum() and character != "\\":
        escaped.add(re.escape(character))
    return frozenset(plain), frozenset(escaped)
