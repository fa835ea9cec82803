"""`redact`: no secret in text that others wrote."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable
from functools import partial
from html.entities import html5
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oauth_cc_auth._redact import redact as redact_module
from oauth_cc_auth._redact.patterns import pattern_of
from oauth_cc_auth._redact.redact import MASK, kind_and_place, presentable, redact, redact_start, shown_url, token_start

SECRET = 'pä ss/"w+ord%\n'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        quote(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        repr(SECRET)[1:-1],
        ascii(SECRET)[1:-1],
        quote(quote(SECRET, safe=""), safe=""),
        html.escape(SECRET),
        SECRET.encode().decode("latin-1"),
        unicodedata.normalize("NFD", SECRET),
        "".join(f"%u{ord(character):04X}" for character in SECRET),
        "".join(f"%25u{ord(character):04x}" for character in SECRET),
        "".join(f"\\{ord(character):x}" for character in SECRET),
        "".join(f"\\{ord(character):06X}" for character in SECRET),
        "".join(f"&#{ord(character)}" for character in SECRET),
        "".join(f"&#x{ord(character):x}" for character in SECRET),
    ],
)
def test_every_usual_encoding(form: str) -> None:
    """A server may echo what it got, decoded or not, or quote it in JSON."""
    assert redact(f"before {form} after", [SECRET]) == "before *** after"


def test_every_occurrence_of_every_secret() -> None:
    """Not only the first."""
    assert redact("one two one", ["one", "two"]) == "*** *** ***"


def test_the_longest_first() -> None:
    """A secret that is part of another does not leave the rest of it."""
    assert redact("abcdef", ["abc", "abcdef"]) == MASK
    assert redact("abcdef", ["bcd", "abcdef"]) == MASK


def test_in_any_case() -> None:
    """Some servers print in capitals."""
    assert redact("ABC", ["abc"]) == MASK


def test_blank_secrets_are_none() -> None:
    """An empty string is everywhere and nowhere."""
    assert redact("text", ["", ""]) == "text"


def test_a_secret_longer_than_the_text() -> None:
    """It is not in it; one exactly as long may be it."""
    assert redact("secre", ["secret"]) == "secre"
    assert redact("secret", ["secret"]) == MASK
    assert redact("a key", ["a long secret", "key"]) == "a ***"


@pytest.mark.parametrize(
    "secret", ["a1" * 500, "a1" * 40 + "/b c", "a1" * 40 + "%", "a1" * 40 + " b2" * 40, "a1" * 40 + "\"b2'<c3>" * 10]
)
@pytest.mark.parametrize(
    "encode", [str, partial(quote, safe=""), quote_plus, html.escape, lambda text: json.dumps(text)[1:-1]]
)
def test_a_long_secret(secret: str, encode: Callable[[str], str]) -> None:
    """Nothing of it is left, to its last word, and what is behind it stays."""
    assert redact(f"before {encode(secret)} after", [secret]) == "before *** after"


def test_a_long_secret_in_an_odd_encoding() -> None:
    """All that follows is masked, as no one knows where it ends."""
    secret = "a1" * 40
    odd = "".join(f"&#{ord(character)};" for character in secret)
    assert redact(f"before {odd} after", [secret]) == "before ***"


def test_secrets_are_no_patterns() -> None:
    """What means something in a regular expression is taken literally."""
    assert redact("abc a.c", ["a.c"]) == "abc ***"


def test_a_lone_surrogate() -> None:
    """A text that cannot be encoded is searched all the same."""
    assert redact("x \ud800 y", ["\ud800"]) == "x *** y"
    long = "a1" * 40 + "\ud800"
    for escaped in ("", "%"):
        assert redact(f"{escaped} \ud800 y", ["\ud800"]) == f"{escaped} *** y"
        assert redact(f"{escaped} {long} y", [long]) == f"{escaped} *** y"
    assert redact("x \\ud800 %uD800 &#55296; y", ["\ud800"]) == "x *** *** *** y"


def test_a_character_of_two_surrogates() -> None:
    """JavaScript's escape() writes both, as JSON does."""
    assert redact("x %uD83D%uDE00 \\ud83d\\ude00 y", ["\U0001f600"]) == "x *** *** y"


def test_a_plus_is_a_space_in_a_form() -> None:
    """And nothing else."""
    for escaped in ("", "%"):
        assert redact(f"{escaped} pass+word", ["pass word"]) == f"{escaped} ***"
        assert redact(f"{escaped} p+ssword", ["password"]) == f"{escaped} p+ssword"


def test_a_backspace_in_a_style_sheet() -> None:
    """The first character whose number there is no octal escape of another one."""
    assert redact("a\\8", ["a\b"]) == MASK


def test_a_reference_may_lack_its_semicolon() -> None:
    """But not if the secret has one: "&#59;;" could be read in two ways, and so on for each."""
    assert redact("a&#98c", ["abc"]) == MASK
    assert ";?" not in pattern_of("a;c", "&")


def test_presentable_is_one_line() -> None:
    """Line breaks, control characters and lone surrogates become single spaces."""
    text = "  a\r\nb\x00\x1b\x7f\x85\u2028\u2029\ud800 c\t\td  "
    assert presentable(text, ()) == "a b c d"


def test_presentable_holds_only_what_is_seen() -> None:
    """Nothing that turns the writing direction, has no width or is an odd space, which would forge or hide a word."""
    assert presentable("a\u202eb\u200bc\xadd\ufeffe\xa0f\u3000g\U000e0041h", ()) == "a b c d e f g h"
    assert presentable("caf\u00e9 \u540d\u524d \U0001f511", ()) == "caf\u00e9 \u540d\u524d \U0001f511"


def test_presentable_at_its_longest() -> None:
    """Up to 300 characters are kept, more are cut to that."""
    assert presentable("a" * 300, ()) == "a" * 300
    assert presentable("a" * 301, ()) == "a" * 299 + "…"


def test_presentable_is_cut_after_the_masking() -> None:
    """Half a secret at the end would not be found any more."""
    assert presentable("a" * 297 + "secret", ["secret"]) == "a" * 297 + MASK


@pytest.mark.parametrize("form", ["&apos;", "&#39;", "&#x27;", "&#039;", "&amp;#39;", "%27", "%2527", "\\'", "'"])
def test_an_apostrophe(form: str) -> None:
    """It has more forms than any other character."""
    assert redact(f"it{form}s", ["it's"]) == MASK


def test_presentable_looks_at_the_beginning_of_a_long_text() -> None:
    """What is cut off is not searched, and half a secret at the cut is not shown."""
    shown = presentable(" " * 4089 + "a secret that is long", ["secret that is long"])
    assert "secret" not in shown
    assert presentable("b" * 4096 + "a secret", ["secret"]) == "b" * 299 + "…"
    assert presentable("b" * 100_000, ()) == "b" * 299 + "…"


def test_a_text_that_is_not_cut_off_keeps_its_end() -> None:
    """There is no cut that could go through a secret."""
    assert redact_start("b" * 4096, ("secret",)) == "b" * 4096
    assert redact_start("b" * 4097, ()) == "b" * 4096
    assert redact_start("b" * 4097, ("secret",)) == "b" * (4096 - 40 * 6)


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("\\" * 5 + "x", "\\" * 8192),
        ("\\'" * 32, "\\'" * 4000),
        ("\\'" * 31 + "x", "\\'" * 4000),
        ("\\x5c" * 16, "\\x5c" * 2000),
        ("\\x5c" * 15 + "'", "\\x5c" * 2000),
        ("%25" * 21, "%25" * 2700),
        ("%25" * 20 + "x", "%2525" * 1600),
        ("&amp;" * 12 + "x", "&amp;" * 1600),
        ("&#38;" * 12 + "x", "&#38;amp;" * 900),
        ("a" * 63 + "b", "a" * 8192),
        ("+ " * 31 + "x", "+ %20" * 1600),
        (";" * 31 + "x", "&#59;" * 1600),
        ("&#59;" * 12 + "x", "&#59;" * 1600),
        ("\x07" * 31 + "x", "\\007" * 1600),
        ("*" * 31 + "x", "\\2a" * 2000),
        ("*" * 31 + "x", "\\2a " * 1300),
        ("* " * 15 + "x", "\\2a  " * 1300),
        ("* " * 15 + "x", "\\2a \\20 " * 700),
        ("* " * 15 + "x", "\\2a\\20 " * 700),
        (" " * 31 + "x", "\\20 " * 1300),
        ("\\" * 31 + "x", "\\" * 4096),
        ("%" * 31 + "x", "%25" * 1300),
        ("&" * 31 + "x", "&amp;" * 800),
        ("&" * 31 + "x", "&amp;AMP;" * 450),
        ("<" * 31 + "x", "&LT;" * 1000),
        ('"' * 31 + "x", "&quot;" * 680),
        ("\u00c5" * 31 + "x", "&angst;" * 580),
        ("%u002a" * 10 + "x", "%u002a" * 1300),
    ],
)
def test_a_search_never_takes_exponential_time(secret: str, text: str) -> None:
    """A hostile server chooses both, the secret as a token that it issues. Without an end, neither has this test."""
    assert secret not in presentable(text, [secret])


@pytest.mark.parametrize("character", [chr(point) for point in range(32, 0x180)])
def test_no_two_forms_of_a_character_match_the_same_text(character: str) -> None:
    """Each such character would double the time of a search that fails."""
    pattern = re.compile(pattern_of(character, "&"), re.IGNORECASE)
    texts = [html.escape(character), f"&#{ord(character)};", f"&#x{ord(character):x};", quote(character, safe="")]
    texts += [f"&{name}" for name, meant in html5.items() if meant == character and name.endswith(";")]
    texts += [f"\\u{ord(character):04x}", f"\\{ord(character):x}", character]
    for text in texts:
        assert pattern.fullmatch(text), text
    forms = [form.lower() for form in re.split(r"(?<!\\)\|", pattern.pattern.removeprefix("(?:").removesuffix(")"))]
    assert len(forms) == len(set(forms))


def test_the_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event loop does it: so much text, so long a pattern, and a short one if nothing in the text is escaped."""
    searched: list[tuple[int, int]] = []

    def sub(pattern: str, mask: str, text: str, flags: int) -> str:
        searched.append((len(pattern), len(text)))
        return text

    # Only there: pytest itself calls `re.sub` before this is undone, to write its report.
    monkeypatch.setattr(redact_module, "re", SimpleNamespace(sub=sub, IGNORECASE=re.IGNORECASE))
    secrets = ["\\'" * 500, "&" * 1000, "a+b/" * 250]
    presentable("%" * 1_000_000, secrets)
    assert [length for _, length in searched] == [4096] * 3 + [4096 - 40 * 32] * 3
    assert max(length for length, _ in searched) < 40_000
    searched.clear()
    presentable("a " * 500_000, ["a+b/" * 8])
    assert max(length for length, _ in searched) < 100
    assert len(searched) == 2


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from(["\\", "'", '"', "%", "25", "5c", "x5c", "&", "amp;", "#38;", "u005c", " ", "a"])),
    st.integers(1, 20),
    st.integers(1, 400),
)
def test_a_search_ends_for_any_repetition(parts: list[str], times: int, more: int) -> None:
    """Of whatever means something in any of the encodings."""
    secret = "".join(parts * times)
    presentable("".join(parts * more) + "x", [secret + "x", secret + "y"])


@pytest.mark.parametrize("secret", ["pä\\'ss", "\\x41\\", "a\\\\b", "x \U0001f600!(&#", "it's %25 \\u005c"])
@pytest.mark.parametrize(
    "encode",
    [
        str,
        lambda text: quote(text, safe=""),
        lambda text: quote(quote(text, safe=""), safe=""),
        lambda text: json.dumps(text)[1:-1],
        lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
        lambda text: repr(text)[1:-1],
        lambda text: ascii(text)[1:-1],
        html.escape,
        lambda text: html.escape(html.escape(text)),
        lambda text: text.encode("ascii", "xmlcharrefreplace").decode(),
        lambda text: "".join(f"&#x{ord(character):X};" for character in text),
        lambda text: "".join(f"\\u{{{ord(character):x}}}" for character in text),
        lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
        lambda text: "".join(f"\\u{byte:04x}" for byte in text.encode()),
        lambda text: repr(text.encode())[2:-1],
        lambda text: text.replace("!", "&excl;").replace("(", "&lpar;").replace("#", "&num;").replace("\\", "&bsol;"),
    ],
)
def test_encodings_of_difficult_secrets(secret: str, encode: Callable[[str], str]) -> None:
    """Backslashes, apostrophes, characters beyond the first 65,536, and what looks like an encoding itself."""
    assert redact(f"before {encode(secret)} after", [secret]) == "before *** after"


@pytest.mark.parametrize("secret", ["pä\\'s*s", "p * s ", " * *"])
def test_a_space_ends_an_escape_of_css(secret: str) -> None:
    """It belongs to the escape."""
    in_css = "".join(f"\\{ord(character):x} " for character in secret)
    assert redact(f"a {in_css}b", [secret]) == "a *** b"
    assert redact("a " + in_css.replace(" ", "") + " b", [secret]) == "a *** b"


def test_spaces_in_a_row_in_css() -> None:
    """With the spaces that end escapes, there would be many ways to read them."""
    assert redact(r"\70\20\20\2a", ["p  *"]) == "***"
    assert redact(r"\70 \20 \20 \2a ", ["p  *"]) != "***"


@pytest.mark.parametrize(
    ("secret", "end", "least", "most"),
    [
        ("\\b", "b", 1, 4),
        ("\\\\b", "b", 2, 8),
        ("\n", "n", 1, 4),
        ("\\\n", "n", 2, 8),
        ("\\\\\n", "n", 3, 12),
        ("\u00e9", "xc3\\\\xa9", 1, 4),
    ],
)
def test_how_many_backslashes_are_one(secret: str, end: str, least: int, most: int) -> None:
    """A text that is quoted twice has four for one. What stands before them is no part of the secret."""
    for count in range(most + 3):
        text = "\\" * count + end
        expected = text if count < least else "\\" * max(0, count - most) + MASK
        assert redact(text, [secret]) == expected, count


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com/token", "https://example.com/token"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://example.com/token?key=abc", "https://example.com/token?***"),
        ("https://example.com/token?", "https://example.com/token"),
        ("https://example.com/token#abc", "https://example.com/token"),
        ("https://user:pass@example.com/", "https://example.com/"),
        ("https://user:p@ss@example.com/", "https://example.com/"),
        ("https://[::1]:80/", "https://[::1]:80/"),
        ("https://[::1", "a URL that cannot be parsed"),
        ("//example.com/token", "//example.com/token"),
        ("//me@example.com", "//example.com"),
        ("/token?key=abc", "/token?***"),
        ("data:abc", "data:abc"),
        ("", ""),
    ],
)
def test_shown_url(url: str, shown: str) -> None:
    """A URL is shown without user info, query and fragment."""
    assert shown_url(url) == shown


def test_a_url_that_may_be_shown_is_not_copied() -> None:
    """Each auth object keeps it."""
    url = "".join(["https://example.com", "/token"])
    assert shown_url(url) is url


# What a secret can be: the config refuses control characters and blanks, and one that is part of the mask or of the
# ellipsis cannot be distinguished from it.
SECRETS = st.text(st.characters(exclude_categories=["C"], exclude_characters=MASK + "…"), min_size=1).filter(str.strip)


@settings(deadline=None)
@given(st.text(), SECRETS, st.text())
def test_redact_never_leaves_a_secret(before: str, secret: str, after: str) -> None:
    """Whatever stands around it, and in every encoding."""
    for form in (secret, json.dumps(secret)[1:-1]):
        assert secret not in redact(before + form + after, [secret])


@settings(deadline=None)
@given(st.text(), SECRETS, st.text())
@example("", "0 0", "0\x000")
def test_presentable_never_leaves_a_secret(before: str, secret: str, after: str) -> None:
    """Nor does the clean-up after the masking put one together."""
    assert secret not in presentable(before + secret + after, [secret])


@settings(deadline=None)
@given(st.text())
@example("[")
def test_shown_url_never_shows_user_info(user_info: str) -> None:
    """Whatever it is made of."""
    shown = shown_url(f"https://{quote(user_info, safe='!:@[]')}:x@example.com/path")
    assert shown in ("https://example.com/path", "a URL that cannot be parsed")


def test_kind_and_place_of_an_error() -> None:
    """The innermost function, file and line; without a traceback there is none."""
    error = ValueError("s3cret")
    assert kind_and_place(error) == "ValueError"
    try:
        raise error
    except ValueError:
        line = error.__traceback__.tb_lineno if error.__traceback__ else 0
    assert kind_and_place(error) == f"ValueError (test_kind_and_place_of_an_error, test_redact.py:{line})"


@pytest.mark.parametrize(
    ("token", "start"), [("", ""), ("a" * 15, ""), ("abcdefghijklmnop", "abcd"), ("ab" * 100, "abab")]
)
def test_the_start_of_a_token(token: str, start: str) -> None:
    """Enough to distinguish two tokens, and little enough to show."""
    assert token_start(token) == start


def test_the_place_is_in_the_code_of_the_person() -> None:
    """The line that called a library says more than a line in the library."""
    try:
        json.loads("{")
    except ValueError as error:
        shown = kind_and_place(error)
    assert shown.startswith("JSONDecodeError (test_the_place_is_in_the_code_of_the_person, test_redact.py:")
    assert kind_and_place(raised_by(lambda: requests.Session().get_adapter("x"))).startswith(
        "InvalidSchema (<lambda>, "
    )


def test_a_library_alone_is_the_place() -> None:
    """If the callable is of a library, there is nothing else to name."""
    error = raised_by(partial(json.loads, "{"))
    assert error.__traceback__ is not None
    shown = kind_and_place(error.with_traceback(error.__traceback__.tb_next))
    assert shown.startswith("JSONDecodeError (")
    assert "test_redact" not in shown


def defined(name: str, file: str, source: str) -> Callable[..., object]:
    """The function `f` that `source` defines, in a module of that name."""
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(source, file, "exec"), namespace)  # noqa: S102  # our own words
    function: Callable[..., object] = namespace["f"]
    return function


@pytest.mark.parametrize(
    ("name", "file", "place"),
    [
        ("some.lib", "/lib/site-packages/some/lib.py", "<lambda>, test_redact.py"),
        ("some.lib", "/lib/dist-packages/some/lib.py", "<lambda>, test_redact.py"),
        ("some.lib", "/home/me/some/lib.py", "f, lib.py"),
        ("json", "/usr/lib/json.py", "<lambda>, test_redact.py"),
        ("concurrent.futures.thread", "/usr/lib/concurrent/futures/thread.py", "<lambda>, test_redact.py"),
        ("mine.json", "/home/me/json.py", "f, json.py"),
    ],
)
def test_whose_code_it_is(name: str, file: str, place: str) -> None:
    """Python's is known by the name of the module, that of a package by its folder."""
    fails = defined(name, file, "def f():\n    raise ValueError\n")
    assert kind_and_place(raised_by(lambda: fails())).startswith(f"ValueError ({place}:")


def test_our_own_code_is_no_place() -> None:
    """Nothing that a person could mend is there: the callable was called with what it does not take."""
    # Files that coverage does not look for, as it would by these names of modules.
    calls = defined("oauth_cc_auth._core.drive", "<drive>", "def f(function):\n    return function()\n")
    assert kind_and_place(raised_inside(calls, lambda missing: missing)) == "TypeError"
    assert kind_and_place(raised_inside(calls, json.JSONDecoder().decode)) == "TypeError"
    assert kind_and_place(raised_inside(calls, partial(json.loads, "{"))).startswith("JSONDecodeError (")
    assert kind_and_place(raised_inside(calls, lambda: 1 / 0)).startswith(
        "ZeroDivisionError (<lambda>, test_redact.py:"
    )
    public = defined("oauth_cc_auth.testing.api", "<x.py>", "def f(function):\n    return function()\n")
    assert kind_and_place(raised_inside(public, lambda missing: missing)) == "TypeError (f, <x.py>:2)"


def raised_inside(call: Callable[..., object], function: Callable[..., object]) -> Exception:
    """What `call` raises, without the frames of this file around it."""
    error = raised_by(lambda: call(function))
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return error.with_traceback(trace)


def raised_by(function: Callable[[], object]) -> Exception:
    try:
        function()
    except Exception as error:  # noqa: BLE001  # that is what is looked at
        return error
    raise AssertionError


@pytest.mark.parametrize("form", [SECRET, quote(SECRET, safe=""), "".join(f"&#x{ord(c):06x};" for c in SECRET)])
def test_the_cut_leaves_no_part_of_a_secret(form: str) -> None:
    """Wherever it goes through one: at the limit of what is searched, half a secret is not recognised."""
    for before in range(4096 - len(form), 4097):
        start = redact_start("-" * before + form, (SECRET,))
        assert set(start) <= {"-", "*"}


def test_accents_composed_or_apart() -> None:
    """Whichever of the two the secret has."""
    for form in ("NFC", "NFD"):
        secret = unicodedata.normalize(form, "p\u00e4ssw\u00f6rd")
        assert redact("p\u00e4ssw\u00f6rd pa\u0308sswo\u0308rd", [secret]) == "*** ***"
    mixed = "p\u00e4sswo\u0308rd"
    assert redact(f"{mixed} key", [mixed, "key"]) == "*** ***"


def test_a_renewal_rests_while_it_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in each search: log lines of other threads may have to wait for it."""
    rests = list[str]()
    monkeypatch.setattr(redact_module, "give_way", lambda: rests.append("rest"))
    assert redact("a secret", ["secret"]) == f"a {MASK}"
    assert rests == []
    assert presentable("a secret", ["secret"]) == f"a {MASK}"
    assert rests
