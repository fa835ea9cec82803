"""`_redact.library_logs`: what client libraries log about a token request, while it is sent, and in its thread only."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from oauth_cc_auth._redact.library_logs import hidden_head, masked

OF_URLS = ["httpx", "httpx2", "urllib3.connectionpool"]
OF_HEADS = [f"{core}.{version}" for core in ("httpcore", "httpcore2") for version in ("http11", "http2")]
HEAD = "receive_response_headers.complete"


@pytest.fixture(autouse=True)
def _no_filter_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is installed with the first request that needs it."""
    for name in (*OF_URLS, *OF_HEADS):
        monkeypatch.setattr(logging.getLogger(name), "filters", [])


def logged(name: str, text: str, *args: Any) -> logging.LogRecord:
    """The record, after the filters of its logger."""
    logger = logging.getLogger(name)
    record = logger.makeRecord(name, logging.DEBUG, __file__, 1, text, args, None)
    assert logger.filter(record)
    return record


@pytest.mark.parametrize("name", OF_URLS)
def test_secret_in_a_url(name: str) -> None:
    """It is masked wherever it stands in the record, and in this place only."""
    with masked(("s3cret", "other")):
        record = logged(name, "%s %s other %d", "GET", "https://login.example.com/?key=s3cret", 200)
        assert record.getMessage() == "GET https://login.example.com/?key=*** *** 200"
        assert record.args == ()
        assert logged("another.library", "s3cret").getMessage() == "s3cret"
    record = logged(name, "%s", "s3cret")
    assert (record.msg, record.args) == ("%s", ("s3cret",))


def test_request_without_a_secret_in_its_url() -> None:
    """Its records pass as they are, and those of the one around it are masked as before."""
    with masked(("s3cret",)):
        with masked(()):
            assert logged("httpx", "s3cret").getMessage() == "***"
        with masked(("inner",)):
            assert logged("httpx", "inner").getMessage() == "***"
        assert logged("httpx", "s3cret inner").getMessage() == "*** inner"


@pytest.mark.parametrize("hide", [lambda: masked(("s3cret",)), lambda: hidden_head(is_secret=True)])
def test_request_that_fails(hide: Any) -> None:
    """From then on, records pass again."""
    with pytest.raises(ValueError, match="no"), hide():
        raise ValueError("no")
    assert logged("httpx", "s3cret").getMessage() == "s3cret"
    assert logged("httpcore.http11", HEAD).getMessage() == HEAD


@pytest.mark.parametrize("name", OF_HEADS)
def test_token_in_the_headers_of_an_answer(name: str) -> None:
    """They are not shown; what was logged before and after them is."""
    with hidden_head(is_secret=True):
        record = logged(name, "%s return_value=%r", HEAD, (b"HTTP/1.1", 200, [(b"X-Token", b"abc")]))
        assert record.getMessage() == f"{HEAD} (not shown, as the token is in the headers)"
        assert record.args == ()
        assert logged(name, "send_request_headers.complete %s", HEAD).getMessage().endswith(HEAD)
    assert logged(name, HEAD + " abc").getMessage() == HEAD + " abc"


def test_headers_of_an_answer_without_a_token() -> None:
    """They are logged as ever, except for those of a request around it."""
    with hidden_head(is_secret=False):
        assert logged("httpcore.http11", HEAD + " abc").getMessage() == HEAD + " abc"
    with hidden_head(is_secret=True), hidden_head(is_secret=False):
        assert "abc" not in logged("httpcore.http11", HEAD + " abc").getMessage()


def test_other_threads_log_as_ever() -> None:
    """They send other requests."""
    with masked(("s3cret",)), hidden_head(is_secret=True), ThreadPoolExecutor(1) as pool:
        records = [pool.submit(logged, "httpx", "s3cret"), pool.submit(logged, "httpcore.http11", HEAD + " abc")]
        assert [record.result(30).getMessage() for record in records] == ["s3cret", HEAD + " abc"]
