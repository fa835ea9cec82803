"""A pattern that finds a secret in other people's text, in every encoding in which servers and libraries echo text.

Percent-encoded (also several times), form-encoded, as escapes of JSON, JavaScript, Python and C, as HTML character
references, and as UTF-8 that was read as Latin-1 (status lines, headers).

The text comes from a server, and the secret may too (a token that it issued), so no text and no secret may make the
search slow. Only runs of backslashes have forms of many lengths. Each run is one unit together with the character that
follows it. Otherwise two neighbours could share out a run in several ways, which would make a search exponential.
"""

from __future__ import annotations

import re
from functools import cache

_LONGEST = 64  # characters of a secret that are compared; more would take long to prepare (JWTs)

# Text that was quoted more than once. Bounded: an endless repetition would let a hostile answer keep us searching.
_ESCAPE = r"\\{1,4}"
_ENTITY = "&(?:amp;){0,3}"
_LETTER_ESCAPES = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
# Backslashes and what follows them; the last ones of a secret have nothing behind them.
_UNITS = re.compile(r"(\\*)([^\\]|\Z)", re.DOTALL)


def pattern_of(secret: str) -> str:
    """A regular expression, for ``re.IGNORECASE``, that matches `secret` in any usual encoding."""
    # Without its semicolon, a reference before one could be read in two ways.
    end = ";" if ";" in secret else ";?"
    pattern = "".join(_unit(len(run), character, end) for run, character in _UNITS.findall(secret[:_LONGEST]))
    if len(secret) > _LONGEST:
        # The rest as it is or, if it is encoded, everything from here on.
        pattern += f"(?:{re.escape(secret[_LONGEST:])}|(?s:.*))"
    return pattern


def _unit(backslashes: int, character: str, end: str) -> str:
    """A pattern for so many backslashes and the character behind them; at the end there may be none."""
    plain, escaped = _forms(character, end) if character else (frozenset({""}), frozenset())
    if backslashes == 0:
        return _any_of([*plain, *(_ESCAPE + form for form in escaped)]) if character else ""
    # As they are, each of them perhaps quoted; those that introduce an escape belong to the same run.
    literal = [rf"\\{{{backslashes},{4 * backslashes}}}{form}" for form in plain]
    literal += [rf"\\{{{backslashes + 1},{4 * backslashes + 4}}}{form}" for form in escaped]
    bare, introduced = _forms("\\", end)
    encoded = _any_of([*(bare - {r"\\"}), *(_ESCAPE + form for form in introduced)])
    behind = _any_of([*plain, *(_ESCAPE + form for form in escaped)])
    return _any_of([*literal, f"{encoded}{{{backslashes}}}{behind}"])


def _any_of(forms: list[str]) -> str:
    return f"(?:{'|'.join(sorted(forms, key=len, reverse=True))})"


@cache
def _html_names() -> dict[str, list[str]]:
    from html.entities import html5

    names: dict[str, list[str]] = {}
    for name, characters in html5.items():
        if name.endswith(";"):
            names.setdefault(characters, []).append(name)
    return names


def _forms(character: str, end: str) -> tuple[frozenset[str], frozenset[str]]:
    """Patterns for one character: those that stand alone, and those that follow a backslash.

    Args:
        end: A pattern for the end of a numeric HTML reference; browsers do without it.
    """
    point, utf8 = ord(character), character.encode("utf-8", "surrogatepass")
    utf16 = character.encode("utf-16-be", "surrogatepass")
    plain = {
        re.escape(character),
        re.escape(utf8.decode("latin-1")),
        "".join(f"%(?:25){{0,3}}{byte:02x}" for byte in utf8),
        "".join(f"%(?:25){{0,3}}u{utf16[i : i + 2].hex()}" for i in range(0, len(utf16), 2)),  # JavaScript's escape()
        rf"{_ENTITY}#0{{0,6}}{point}{end}",
        rf"{_ENTITY}#x0{{0,6}}{point:x}{end}",
        *(_ENTITY + re.escape(name) for name in _html_names().get(character, ())),
    }
    if character == " ":
        plain.add(r"\+")
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
        escaped.add(rf"0{{0,5}}{point:x}")  # CSS
    if character in _LETTER_ESCAPES:
        escaped.add(_LETTER_ESCAPES[character])
    if not character.isalnum() and character != "\\":
        escaped.add(re.escape(character))
    return frozenset(plain), frozenset(escaped)
