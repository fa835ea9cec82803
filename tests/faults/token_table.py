"""The table of faults of a token endpoint. `Fault` describes the columns."""

from __future__ import annotations

import json

from tests.contract.raw_endpoint import head
from tests.faults.rows import EITHER, IMPATIENT, INVALID, REFUSED, UNREACHABLE, Fault
from tests.faults.talks import (
    TICK,
    TOKEN,
    bombs,
    drips,
    encoded,
    floods,
    half_closes,
    issues,
    lives,
    replies,
    resets_after,
    sends,
    stalls_after,
    zipped,
)

MIB = 1024 * 1024
ALL = 3  # attempts: Basic, body and raw Basic if the client may be unknown; three if the fault is temporary
ISSUED = json.dumps(TOKEN).encode()
CHUNKED = head("200 OK", "Transfer-Encoding: chunked")
DEEP = 200_000
ODD_TYPES: tuple[object, ...] = ("BearerToken", 7, None)

CONNECTION = [
    Fault("refused", sends(b""), UNREACHABLE, ALL, listens=False),
    Fault("closed before the request is read", sends(b""), UNREACHABLE, ALL, reads_first=False),
    Fault("closed without an answer", sends(b""), UNREACHABLE, ALL),
    Fault("half closed", half_closes, UNREACHABLE, ALL),
    Fault("reset without an answer", resets_after(b""), UNREACHABLE, ALL),
    Fault("reset in the status line", resets_after(b"HTTP/1.1 2"), UNREACHABLE, ALL),
    Fault("reset in a header", resets_after(b"HTTP/1.1 200 OK\r\nContent-Ty"), UNREACHABLE, ALL),
    Fault("reset in the body", resets_after(head("200 OK", "Content-Length: 99") + ISSUED), UNREACHABLE, ALL),
    Fault("reset in a chunk", resets_after(CHUNKED + b"20\r\n{"), UNREACHABLE, ALL),
    Fault("body shorter than its length", replies(200, ISSUED, length=1000), UNREACHABLE, ALL),
    Fault("half a form, cut off", replies(200, "token_type=Bearer&access_token=ha", length=99), UNREACHABLE, ALL),
    Fault("body longer than its length", replies(200, ISSUED + b"garbage", length=len(ISSUED)), None),
    Fault("error body shorter than its length", replies(400, b"{", length=1000), UNREACHABLE, ALL),
    Fault("more than one answer", sends((head("200 OK", f"Content-Length: {len(ISSUED)}") + ISSUED) * 2), None),
]

SLOW = [
    Fault("silence", stalls_after(b""), UNREACHABLE, settings=IMPATIENT),
    Fault("silence after the head", stalls_after(head("200 OK", "Content-Length: 9")), UNREACHABLE, settings=IMPATIENT),
    Fault("status line drips", drips(b"HTTP/1.1 200 " + b"O" * 10_000), UNREACHABLE, settings=IMPATIENT),
    Fault("headers drip", drips(b"X-Name: value\r\n", b"HTTP/1.1 200 OK\r\n"), UNREACHABLE, settings=IMPATIENT),
    Fault("interim answers drip", drips(b"HTTP/1.1 100 On\r\n\r\n", b"", TICK / 25), UNREACHABLE, settings=IMPATIENT),
    Fault("body drips", drips(b" ", head("200 OK", "Content-Length: 100000")), UNREACHABLE, settings=IMPATIENT),
    Fault("chunks drip", drips(b"1\r\n \r\n", CHUNKED, TICK / 5), UNREACHABLE, settings=IMPATIENT),
    Fault("form drips", drips(b"a", head() + b"token_type=Bearer&access_token=a"), UNREACHABLE, settings=IMPATIENT),
    Fault("error drips", drips(b"x", head("400 No", "Content-Length: 100000")), UNREACHABLE, settings=IMPATIENT),
]

ENDLESS = [
    Fault("endless spaces", floods(b" " * 65536, head()), INVALID, may_be_large=True, told="larger than 1048576"),
    Fault("endless chunks", floods(b"10000\r\n" + b" " * 65536 + b"\r\n", CHUNKED), INVALID, may_be_large=True),
    Fault("100 MB of error text", floods(b"x" * 65536, head("400 No", "Content-Length: 100000000")), REFUSED, ALL),
    Fault("endless error page", floods(b"<p>" * 9999, head("500 No", "Content-Type: text/html")), REFUSED, ALL),
    Fault("endless redirect page", floods(b"x" * 65536, head("307 Go", "Location: /elsewhere")), REFUSED),
    Fault("endless 304", floods(b"x" * 65536, head("304 Same")), REFUSED),
    Fault("gzip bomb of 2 MiB", bombs(2 * MIB), INVALID, told="inflates to more than 1048576"),
    Fault("gzip bomb of 100 MiB", bombs(100 * MIB), INVALID, may_be_large=True),
    Fault("gzip bomb as an error", bombs(100 * MIB, 401), REFUSED, ALL, may_be_large=True),
    Fault("a header of 200 kB", sends(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"), UNREACHABLE, ALL),
    Fault("100,000 headers", sends(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n"), UNREACHABLE, ALL),
]

NOT_HTTP = [
    Fault("empty line", sends(b"\r\n"), UNREACHABLE, ALL),
    Fault("binary", sends(b"\x00\xff" * 500), UNREACHABLE, ALL),
    Fault("SSH", sends(b"SSH-2.0-OpenSSH_9.6\r\n"), UNREACHABLE, ALL),
    Fault("page without a head", sends(b"<html>not even http</html>"), UNREACHABLE, ALL),
    Fault("no status", sends(b"HTTP/1.1\r\n\r\n"), UNREACHABLE, ALL),
    Fault("status in words", sends(b"HTTP/1.1 abc OK\r\n\r\n"), UNREACHABLE, ALL),
    Fault("status of 20 digits", sends(b"HTTP/1.1 99999999999999999999 OK\r\n\r\n"), UNREACHABLE, ALL),
    Fault("another version", sends(b"HTTP/9.9 200 OK\r\n\r\n{}"), EITHER, ALL),
    Fault("length in words", sends(b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n{}"), EITHER, ALL),
    Fault("negative length", sends(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"), EITHER, ALL),
    Fault("two lengths", sends(head("200 OK", "Content-Length: 1", "Content-Length: 2") + b"{}"), EITHER, ALL),
    Fault("chunk size in words", sends(CHUNKED + b"zz\r\n{}\r\n"), UNREACHABLE, ALL),
    Fault("chunk without an end", sends(CHUNKED + b"5\r\n{}"), UNREACHABLE, ALL),
    Fault("chunk of negative size", sends(CHUNKED + b"-1\r\n{}\r\n"), UNREACHABLE, ALL),
    Fault("chunk of 40 digits", sends(CHUNKED + b"F" * 40 + b"\r\n{}\r\n"), UNREACHABLE, ALL),
]

CODINGS = [
    Fault("gzip that was not asked for", encoded("gzip", zipped(TOKEN)), None),
    Fault("text called gzip", encoded("gzip", ISSUED), INVALID, told="its body"),
    Fault("nothing called gzip", encoded("gzip", b""), INVALID, ALL, told="its body"),
    Fault("gzip, cut off", encoded("gzip", zipped(TOKEN)[:-4]), INVALID, ALL, told="its body is cut off"),
    Fault("brotli", encoded("br", ISSUED), INVALID, told="content encoding br"),
    Fault("zstd", encoded("zstd", ISSUED), INVALID, told="content encoding zstd"),
    Fault("a coding of 5 kB", encoded("\x01\u00ff" + "a" * 5000, ISSUED), INVALID, told="its body"),
    Fault("ten codings", encoded(", ".join(["gzip"] * 10), ISSUED), INVALID, told="10 content encodings"),
]

REDIRECTS = [
    Fault(f"{code} to {where}", replies(code, "", f"Location: {location}"), REFUSED, told="never redirected")
    for code in (301, 302, 303, 307, 308)
    for where, location in {
        "itself": "/token?again",
        "another host": "http://evil.example/token",
        "nowhere": "http://[::1",
    }.items()
] + [
    Fault("302 without a target", replies(302), REFUSED, told="never redirected"),
    Fault("302 to user info", replies(302, "", "Location: https://u:MarkOfTheToken@x/"), REFUSED),
    Fault("302 to a script", replies(302, "", "Location: javascript:alert(1)"), REFUSED),
    Fault("302 to a long URL", replies(302, "", f"Location: /{'x' * 20_000}"), REFUSED),
    *(Fault(f"{code}", replies(code, ""), REFUSED) for code in (300, 304, 305, 306)),
]

BODIES = [
    Fault("nothing", replies(200), INVALID, ALL, told="the answer is empty"),
    Fault("204", sends(head("204 Nothing")), INVALID, ALL, told="the answer is empty"),
    Fault("white space", replies(200, " \n"), INVALID, ALL, told="the answer is empty"),
    Fault(
        "web page", replies(200, "<!doctype html><title>Log in", "Content-Type: text/html"), INVALID, told="web page"
    ),
    Fault("null", replies(200, "null"), INVALID),
    Fault("number", replies(200, "17"), INVALID),
    Fault("list", replies(200, [TOKEN]), INVALID),
    Fault("empty object", replies(200, {}), INVALID, told="the answer is an empty JSON object"),
    Fault("JSON, cut off", replies(200, ISSUED[:-1]), INVALID, ALL, told="JSON that is cut off"),
    Fault("two values", replies(200, ISSUED * 2), INVALID),
    Fault("invalid UTF-8", replies(200, b'{"access_token":"a\xff"}'), INVALID, told="break a header"),
    Fault("invalid UTF-8 beside the token", replies(200, ISSUED[:-1] + b',"a":"\xff\xfe"}'), None),
    Fault("UTF-16", replies(200, ISSUED.decode().encode("utf-16")), None),
    Fault("NUL bytes", replies(200, b"\0" * 1000), INVALID),
    Fault("lone surrogates beside", replies(200, {**TOKEN, "a": "\ud800"}), None),
    Fault("duplicate keys", replies(200, b'{"access_token":"old","access_token":"some-token"}'), None),
    Fault("duplicate keys, the last one empty", replies(200, b'{"access_token":"a","access_token":""}'), INVALID),
    Fault(
        "duplicate keys, the last one an error", replies(200, ISSUED[:-1] + b',"error":"a","error":"x"}'), REFUSED, ALL
    ),
    Fault("deep list", replies(200, "[" * DEEP), INVALID),
    Fault("deep object", replies(200, '{"a":' * DEEP + "1" + "}" * DEEP), INVALID),
    Fault("deep beside the token", replies(200, ISSUED[:-1] + b',"a":' + b"[" * DEEP + b"]" * DEEP + b"}"), INVALID),
    Fault("deep error", replies(400, "[" * DEEP), REFUSED, ALL),
    Fault("number of 900,000 digits", replies(200, ISSUED[:-1] + b',"a":' + b"9" * 900_000 + b"}"), None),
    Fault("form", replies(200, "token_type=Bearer&access_token=some-token"), None),
    Fault("form of 1,000 fields", replies(200, "access_token=a" + "&a=" * 1000), INVALID),
    *(Fault(f"token is {value!r}", issues(access_token=value), INVALID) for value in ("", 17, True, ["a"], {"a": "b"})),
    Fault("no token", issues(access_token=None), INVALID, told="no access_token"),
    *(
        Fault(f"type {name}", issues(token_type=name), INVALID, told="bound to a key")
        for name in ("mac", "PoP", "DPoP")
    ),
    *(Fault(f"type {name!r}", issues(token_type=name), None) for name in ODD_TYPES),
]

INJECTIONS = [
    Fault(f"token {value!r}", issues(access_token=value), INVALID, told="break a header")
    for value in ("a\r\nX-Evil: 1", "a\n", "a\0b", " a", "\u00fc", "a\ud800")
] + [
    Fault("error with a line break", replies(400, {"error": "a\r\nWARNING forged\x1b[31m"}), REFUSED, ALL),
    Fault("error that turns its direction", replies(400, {"error": "a", "error_description": "\u202eb"}), REFUSED, ALL),
    Fault("header with a bare line feed", sends(b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"), INVALID),
    Fault("folded header", sends(head("200 OK", "X: a\r\n b", "Content-Length: 2") + b"{}"), INVALID),
]

NUMBERS = ("0", "-1", "3600.5", "1e999", "-1e999", "NaN", "Infinity", "99999999999", "9" * 5000)
NO_NUMBERS = ("null", "true", '""', '"3600"', '"soon"', '"\\ud800"', '"' + "9" * 5000 + '"', "[]", "{}")
LIVES = [Fault(f"expires_in {text[:12]}", lives(text), None) for text in (*NUMBERS, *NO_NUMBERS)]

STATUSES = [
    *(Fault(f"{code}", replies(code, "no"), REFUSED, ALL) for code in (400, 401, 403)),
    *(Fault(f"{code}", replies(code, "no"), REFUSED) for code in (402, 404, 405, 407, 410)),
    *(Fault(f"{code}", replies(code, "no"), REFUSED) for code in (418, 421, 431, 499)),
    *(Fault(f"{code}", replies(code, "later"), REFUSED, ALL) for code in (408, 429, 500, 502, 503, 504, 599)),
    Fault("temporarily_unavailable", replies(400, {"error": "temporarily_unavailable"}), REFUSED, ALL),
    Fault("200 with an error", replies(200, {"error": "access_denied"}), REFUSED, ALL),
    Fault("200 with an error and a token", issues(error="invalid_scope"), REFUSED),
    Fault("invalid_scope", replies(400, {"error": "invalid_scope"}), REFUSED),
    Fault("error is an object", replies(401, {"error": {"code": 1, "message": "no"}}), REFUSED, ALL),
    Fault("error is a list", replies(401, {"error": ["no"]}), REFUSED, ALL),
]

WAITS = [
    Fault(f"Retry-After: {value[:30]}", replies(429, "", f"Retry-After: {value}"), REFUSED, attempts)
    for value, attempts in (
        ("0", ALL),
        ("7", ALL),
        ("1.5", ALL),
        ("20", 2),  # the deadline leaves no time for a second pause
        ("31", 1),
        ("3600", 1),
        ("9" * 400, 1),
        ("-5", ALL),
        ("soon", ALL),
        ("", ALL),
        ("inf", ALL),
        ("\u00b2", ALL),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1),
        ("Sun, 06 Nov 1994 08:49:37 GMT", ALL),
        ("Sunday, 06-Nov-94 08:49:37 GMT", ALL),
        ("Tue, 99 Foo 9999 99:99:99 GMT", ALL),
    )
]

TABLE: dict[str, Fault] = {
    f"{group}: {fault.name}": fault
    for group, faults in {
        "connection": CONNECTION,
        "slow": SLOW,
        "endless": ENDLESS,
        "not HTTP": NOT_HTTP,
        "coding": CODINGS,
        "redirect": REDIRECTS,
        "body": BODIES,
        "injection": INJECTIONS,
        "life": LIVES,
        "status": STATUSES,
        "wait": WAITS,
    }.items()
    for fault in faults
}
