"""Promise 18: an echoed secret is found in every encoding in which servers quote a request."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from oauth_cc_auth import TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS
from tests.contract.leaks import leaks_of
from tests.fake_clock import FakeClock

# Printable ASCII that encodings treat differently, and that secrets may well contain.
PLAIN = "Qp~8Q*a.b-c_d+e/f=MarkOfTheClientSecret"
AWKWARD = "\u00e9\u20ac \"'\\/<&>%+~*=MarkOfTheClientSecret"


def lower_case(text: str) -> str:
    """Percent-encoding with lower-case letters, as some servers write it."""
    return re.sub("%..", lambda match: match.group().lower(), quote(text, safe=""))


def java_form(text: str) -> str:
    """java.net.URLEncoder keeps "*" and encodes "~"."""
    return quote_plus(text).replace("%2A", "*").replace("~", "%7E")


def javascript(text: str) -> str:
    """encodeURIComponent does not encode !'()*."""
    return quote(text, safe="!'()*~")


def php_json(text: str) -> str:
    r"""json_encode writes "/" as "\/"."""
    return json.dumps(text)[1:-1].replace("/", "\\/")


def dotnet_json(text: str) -> str:
    r"""System.Text.Json escapes the special characters of HTML, "+" and quotes as \uXXXX, in capital letters."""
    return re.sub(r"[^ !#-%(-*,-;=?-\[\]-~]", lambda match: f"\\u{ord(match.group()):04X}", text)


ENCODINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    quote,
    quote_plus,
    lower_case,
    java_form,
    javascript,
    php_json,
    dotnet_json,
    html.escape,
)
ENCODINGS_BY_NAME: dict[str, Callable[[str], str]] = {
    **{encode.__name__: encode for encode in ENCODINGS},
    "percent": lambda text: quote(text, safe=""),
    "json": lambda text: json.dumps(text)[1:-1],
    "json in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "XML": lambda text: html.escape(text, quote=False),
    "latin-1 mojibake": lambda text: text.encode().decode("latin-1"),
    "repr": lambda text: repr(text)[1:-1],
    "ascii": lambda text: ascii(text)[1:-1],
    "bytes": lambda text: repr(text.encode())[2:-1],
    "twice percent": lambda text: quote(quote(text, safe=""), safe=""),
    "json in json": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
}


@pytest.mark.parametrize("secret", [PLAIN, AWKWARD], ids=["plain", "awkward"])
@pytest.mark.parametrize("encoding", ENCODINGS_BY_NAME)
def test_an_encoded_echo_is_masked(oauth_server: LoopbackServer, encoding: str, secret: str) -> None:
    """Within a sentence that is kept, in the code, the description and the URI of an error."""
    echo = ENCODINGS_BY_NAME[encoding](secret)
    answer = Answer.error(f"bad {echo} code", f"what {echo} is this", uri=f"https://example.com/{echo}")
    oauth_server.token_endpoint.always(answer)
    auth = REQUESTS.auth_class(oauth_server.token_url, "client", secret, client_authentication="client_secret_basic")
    auth._start(FakeClock())
    with pytest.raises(TokenError) as caught:
        auth.get_token()
    assert leaks_of(caught.value) == []
    assert "what *** is this" in str(caught.value)
