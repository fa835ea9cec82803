"""The parts of all inputs: fields, a secret to echo, and words that a fuzzer would not find."""

from __future__ import annotations

PASSWORD = "TheSecret"  # without characters that end the user info of a URL
SECRET = f"Qp~8Q*a.b-c_d+e/f={PASSWORD}"
ECHO = "{echo}"  # stands for the secret, which a fuzzer would never guess
BETWEEN = b"\xff"  # separates two fields of an input; it never occurs in UTF-8

# Words for the fuzzer to combine. It would find most of them only after hours.
WORDS: tuple[bytes, ...] = (
    BETWEEN,
    ECHO.encode(),
    b"{json echo}",
    *(f'"{word}":'.encode() for word in ("access_token", "token_type", "expires_in", "scope", "error")),
    *(f'"{word}":'.encode() for word in ("error_description", "error_uri", "errors", "code", "message", "title")),
    b'{"access_token":"a","expires_in":',
    b'{"error":"',
    b"access_token=",
    b"&error=",
    b"error_description=",
    b"invalid_client",
    b"temporarily_unavailable",
    b"Bearer",
    b"DPoP",
    b"null",
    b"NaN",
    b"1e999",
    b"-1",
    b"9" * 500,
    b"[" * 50,
    b"\\ud800",
    b"\\u0000",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"gzip",
    b"deflate",
    b", ",
    b"text/html",
    b"<title>",
    b"&#",
    b"Sun, 06 Nov 1994 08:49:37 GMT",
    b"Sun Nov  6 08:49:37 1994",
    b"-0000",
    b"://",
    b"//",
    b"@",
    b"[::1]",
    b"127.0.0.1",
    b":443",
    b"xn--",
    b"%25",
    b"\\",
    b"\r\n",
    b"%s",
    b"name=value&",
    b'{"name":"a","value":"b"}',
    b'error="insufficient_scope", scope="a b"',
    b'error_description="{quoted echo}"',
)


def fields(data: bytes, count: int) -> list[str]:
    """The first `count` fields of an input as text. The secret replaces each echo mark. A missing field is ""."""
    parts = [part.decode("utf-8", "surrogateescape") for part in data.split(BETWEEN, count - 1)]
    return [part.replace(ECHO, SECRET) for part in parts] + [""] * (count - len(parts))
