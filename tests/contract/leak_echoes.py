"""What a server may echo, and every place in an answer for it."""

from __future__ import annotations

from collections.abc import Callable

from oauth_cc_auth.testing import Answer
from tests.contract.leaks import CLIENT_SECRET, DATA, HEADER, QUERY, TOKEN, basic_blobs

ECHOES = {
    "secret": CLIENT_SECRET,
    "Authorization": f"Basic {basic_blobs()[0]}",
    "blob": basic_blobs()[0],
    "header": HEADER,
    "data": DATA,
    "query": QUERY,
    "everything": f"{CLIENT_SECRET} {basic_blobs()[0]} {HEADER} {DATA} {QUERY}",
}

PLACES: dict[str, Callable[[str], Answer]] = {
    "error": lambda echo: Answer.error(f"invalid_client {echo}"),
    "only error": lambda echo: Answer.error(echo, status=401),
    "error_description": lambda echo: Answer.error("invalid_client", f"got {echo}", status=401),
    "long error_description": lambda echo: Answer.error("invalid_client", "x" * 270 + echo),
    "very long error_description": lambda echo: Answer.error("invalid_client", "x" * 8180 + echo),
    "error_uri": lambda echo: Answer.error("invalid_request", uri=f"https://errors.example.com/{echo}"),
    "nested error": lambda echo: Answer(400, {"error": {"code": echo, "message": echo}}),
    "list of errors": lambda echo: Answer(400, {"errors": [echo, echo]}),
    "200 with error": lambda echo: Answer(200, {"error": "x", "error_description": echo}),
    "200 with both": lambda echo: Answer.token(TOKEN, error="x", error_description=f"{echo} {TOKEN}"),
    "server error": lambda echo: Answer.error("server_error", echo, status=503),
    "form": lambda echo: Answer(400, f"error=invalid_client&error_description={echo}"),
    "form's error": lambda echo: Answer(400, f"error={echo}"),
    "member names": lambda echo: Answer(200, {echo: 1, "token": echo}),
    "html": lambda echo: Answer(200, f"<html>{echo}</html>", content_type="text/html"),
    "text": lambda echo: Answer(200, echo),
    "bad token": lambda echo: Answer.token(echo + "\n"),
    "bound token": lambda echo: Answer.token(TOKEN, token_type="mac", mac_key=echo),
    "Location": lambda echo: Answer.redirect(f"https://elsewhere.example.com/{echo}?{echo}#{echo}"),
    "user info": lambda echo: Answer.redirect(f"//{echo}:{echo}@elsewhere.example.com/"),
    "relative Location": lambda echo: Answer.redirect(echo),
    "Content-Encoding": lambda echo: Answer(200, b"x", {"Content-Encoding": echo}),
    "Content-Type": lambda echo: Answer(400, b"x", {"Content-Type": echo}),
    "WWW-Authenticate": lambda echo: Answer(401, b"x", {"WWW-Authenticate": f"Basic realm={echo}"}),
    "Set-Cookie": lambda echo: Answer(200, b"x", {"Set-Cookie": f"a={echo}; Domain={echo}; Expires={echo}"}),
    "Retry-After": lambda echo: Answer(429, b"", {"Retry-After": echo, "Date": echo}),
    "status line": lambda echo: Answer.raw(echo.encode() + b"\r\n\r\n"),
    "header line": lambda echo: Answer.raw(b"HTTP/1.1 200 OK\r\n" + echo.encode() + b"\r\n\r\n"),
    "chunk size": lambda echo: Answer.raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + echo.encode() + b"\r\n\r\n"
    ),
}
