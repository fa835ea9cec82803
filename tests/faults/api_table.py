"""The table of faults of an API. `ApiFault` describes the columns."""

from __future__ import annotations

from tests.contract.raw_endpoint import head
from tests.faults.rows import ApiFault
from tests.faults.talks import bombs, drips, encoded, floods, replies, resets_after, sends, stalls_after, zipped

CHUNKED_401 = head("401 No", "Transfer-Encoding: chunked")
LONG_401 = head("401 No", "Content-Length: 100000000")

# Refused once: the plugin renews once and sends the request again once, for every form of refusal.
REFUSALS = [
    ApiFault("plain", replies(401, "no"), 200, 2, 2),
    ApiFault("empty", replies(401), 200, 2, 2),
    ApiFault("without a length", sends(head("401 No") + b"no"), 200, 2, 2),
    ApiFault("endless", floods(b"x" * 65536, LONG_401), 200, 2, 2, may_be_large=True),
    ApiFault("endless chunks", floods(b"10000\r\n" + b" " * 65536 + b"\r\n", CHUNKED_401), 200, 2, 2),
    ApiFault("drips", drips(b"x", LONG_401), 200, 2, 2),
    ApiFault("chunks drip", drips(b"1\r\nx\r\n", CHUNKED_401), 200, 2, 2),
    ApiFault("silence after the head", stalls_after(LONG_401), 200, 2, 2),
    ApiFault("shorter than its length", replies(401, "no", length=1000), 200, 2, 2),
    ApiFault("reset in the body", resets_after(LONG_401 + b"x"), 200, 2, 2),
    ApiFault("chunk size in words", sends(CHUNKED_401 + b"zz\r\n{}\r\n"), 200, 2, 2),
    ApiFault("gzip", encoded("gzip", zipped({"error": "invalid_token"}), 401), 200, 2, 2),
    ApiFault("gzip bomb", bombs(100 * 1024 * 1024, 401), 200, 2, 2, may_be_large=True),
    ApiFault("text called gzip", encoded("gzip", b"no", 401), 200, 2, 2),
    ApiFault("unknown coding", encoded("x-odd", b"no", 401), 200, 2, 2),
    ApiFault("challenge without a scheme", replies(401, "", "WWW-Authenticate: =,;"), 200, 2, 2),
    ApiFault("challenge of 8 kB", replies(401, "", f"WWW-Authenticate: Bearer {'a' * 8000}"), 200, 2, 2),
    ApiFault("challenge in Latin-1", replies(401, "", "WWW-Authenticate: Bearer realm=\u00e9"), 200, 2, 2),
    ApiFault("challenge that asks for Basic", replies(401, "", "WWW-Authenticate: Basic realm=x"), 200, 2, 2),
    ApiFault("with a target", replies(401, "", "Location: https://evil.example/"), 200, 2, 2),
    ApiFault("with Retry-After", replies(401, "", "Retry-After: 3600"), 200, 2, 2),
    ApiFault("with an odd cookie", replies(401, "", "Set-Cookie: =;;Domain=.;expires=never"), 200, 2, 2),
    ApiFault("whatever the token", replies(401, "no"), 401, 2, 2, always=True),
]

# Not about the token: the plugin renews nothing and sends nothing again.
STATUSES = [
    ApiFault(f"{code}", replies(code, "no"), code)
    for code in (201, 300, 304, 400, 403, 404, 407, 408, 421, 429, 499, 500, 503)
] + [
    ApiFault(f"{code} to another host, not followed", replies(code, "", "Location: https://evil.example/"), code)
    for code in (301, 302, 303, 307, 308)
]

# The library raises its own exceptions, as without the plugin.
FAILURES = [
    ApiFault("refused", sends(b""), None, sent=0, listens=False),
    ApiFault("closed without an answer", sends(b""), None),
    ApiFault("reset without an answer", resets_after(b""), None),
    ApiFault("reset in a header", resets_after(b"HTTP/1.1 200 OK\r\nContent-Ty"), None),
    ApiFault("reset in the body", resets_after(head("200 OK", "Content-Length: 99") + b"x"), None),
    ApiFault("shorter than its length", replies(200, "x", length=1000), None),
    ApiFault("not HTTP", sends(b"\x00\xff" * 500), None),
    ApiFault("status in words", sends(b"HTTP/1.1 abc OK\r\n\r\n"), None),
    ApiFault("chunk size in words", sends(head("200 OK", "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n"), None),
]

TABLE: dict[str, ApiFault] = {
    f"{group}: {fault.name}": fault
    for group, faults in {"401": REFUSALS, "status": STATUSES, "failure": FAILURES}.items()
    for fault in faults
}
