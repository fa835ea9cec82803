"""What an HTTP answer shows besides its meaning: a clock, a web page, something in between."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape

from oauth_cc_auth._cli.check.facts import HttpAnswer
from oauth_cc_auth._http.answers import is_redirect, is_web_page, retry_after, unix_time
from oauth_cc_auth._http.challenge import plainly_quoted
from oauth_cc_auth._redact.redact import presentable, redact_start, shown_url

_TITLE = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_LONGEST_EXCERPT = 4096  # bytes


def http_answer(
    status: int, headers: Mapping[str, str], body: bytes, *, wall: float, secrets: Iterable[str]
) -> HttpAnswer:
    """The facts of an answer, in a form that may be shown.

    Args:
        headers: By lower-case name.
        body: The part of it that was read.
        wall: Unix time in seconds at which it arrived.
        secrets: What must be masked if the answer echoes it.
    """
    secrets = tuple(secrets)
    content_type = headers.get("content-type", "")
    web_page = is_web_page(content_type, body)
    server_time = unix_time(headers.get("date", ""))

    def shown(text: str) -> str | None:
        return presentable(text, secrets) or None

    return HttpAnswer(
        status=status,
        content_type=presentable(content_type, secrets),
        web_page=web_page,
        empty=not body.strip(),
        location=shown(shown_url(headers.get("location", ""))) if is_redirect(status) else None,
        skew=None if server_time is None else server_time - wall,
        retry_after=retry_after(headers, wall),
        via=shown(headers.get("via", "")),
        # Masked twice: without some backslashes, an escape in the middle of a secret would not be recognised.
        challenge=shown(plainly_quoted(redact_start(headers.get("www-authenticate", ""), secrets))),
        excerpt=shown(_excerpt(status, body, web_page=web_page)),
    )


def _excerpt(status: int, body: bytes, *, web_page: bool) -> str:
    text = body[:_LONGEST_EXCERPT].decode("utf-8", "replace")
    if web_page:
        title = _TITLE.search(text)
        return unescape(title.group(1)) if title else ""
    # A success may hold tokens under names that we do not know.
    return text if status >= 400 else ""
