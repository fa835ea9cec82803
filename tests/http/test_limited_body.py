"""`limited_body`: at most 1 MiB is read, and at most 1 MiB comes out of it."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauth_cc_auth._http.answers import CUT_OFF
from oauth_cc_auth._http.limited_body import LIMIT, LimitedBody, UnreadableBodyError, inflated_refusal

TEXT = b'{"access_token": "abc"}'


def deflated(data: bytes, *, raw: bool = False) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def decoded(chunks: Iterable[bytes], content_encoding: str = "") -> bytes:
    body = LimitedBody()
    for chunk in chunks:
        body.feed(chunk)
    return body.decoded(content_encoding)


def test_an_empty_body() -> None:
    """Nothing gives nothing."""
    assert decoded([]) == b""


@pytest.mark.parametrize("content_encoding", ["", "identity", " Identity ", ",", "identity, identity"])
def test_plain_chunks(content_encoding: str) -> None:
    """They are joined in their order."""
    assert decoded([b"a", b"", b"bc"], content_encoding) == b"abc"


@pytest.mark.parametrize(
    ("content_encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        (" GZip ", gzip.compress(TEXT)),
        ("deflate", deflated(TEXT)),
        ("deflate", deflated(TEXT, raw=True)),
        ("deflate, gzip", gzip.compress(deflated(TEXT))),
        ("gzip, identity, deflate", deflated(gzip.compress(TEXT))),
    ],
)
def test_codings(content_encoding: str, body: bytes) -> None:
    """Every usual one, raw deflate too, and several in the order in which they were applied."""
    assert decoded([body[:5], body[5:]], content_encoding) == TEXT


def test_at_most_the_limit_is_read() -> None:
    """The last byte that fits is taken, the next is not."""
    body = LimitedBody()
    body.feed(b"a" * (LIMIT - 1))
    body.feed(b"b")
    assert len(body.decoded("")) == LIMIT
    with pytest.raises(UnreadableBodyError, match=f"^its body is larger than {LIMIT} bytes$"):
        body.feed(b"c")


@pytest.mark.parametrize("content_encoding", ["gzip", "deflate"])
def test_at_most_the_limit_comes_out(content_encoding: str) -> None:
    """Exactly the limit is taken, one byte more is not."""
    compress = gzip.compress if content_encoding == "gzip" else deflated
    assert decoded([compress(bytes(LIMIT))], content_encoding) == bytes(LIMIT)
    with pytest.raises(UnreadableBodyError, match=f"^its body inflates to more than {LIMIT} bytes$"):
        decoded([compress(bytes(LIMIT + 1))], content_encoding)


def test_a_bomb_takes_no_memory() -> None:
    """A megabyte that would inflate to 64 of them is given up at the limit."""
    compressor = zlib.compressobj(9)
    bomb = b"".join(compressor.compress(bytes(2**20)) for _ in range(64)) + compressor.flush()
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableBodyError, match="inflates to more"):
            decoded([bomb], "deflate")
        assert tracemalloc.get_traced_memory()[1] < 16 * LIMIT
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content_encoding", ["gzip", "deflate", "gzip, deflate"])
@pytest.mark.parametrize("body", [b"abc", TEXT, deflated(TEXT, raw=True)[:-1]])
def test_a_body_that_is_not_what_it_says(content_encoding: str, body: bytes) -> None:
    """A body that is wrongly encoded is an error."""
    with pytest.raises(UnreadableBodyError, match=r"^its body is not (gzip|deflate), as it says$"):
        decoded([body], content_encoding)


@pytest.mark.parametrize(
    ("content_encoding", "whole"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("deflate", deflated(TEXT)),
        ("gzip, deflate", deflated(gzip.compress(TEXT))),
    ],
)
def test_a_body_that_is_cut_off(content_encoding: str, whole: bytes) -> None:
    """Half a body is not taken for a whole one."""
    for length in range(len(whole)):
        with pytest.raises(UnreadableBodyError, match=f"^{CUT_OFF}$"):
            decoded([whole[:length]], content_encoding)


def test_gzip_is_no_raw_deflate() -> None:
    """Only "deflate" has two meanings."""
    with pytest.raises(UnreadableBodyError, match="is not gzip"):
        decoded([deflated(TEXT, raw=True)], "gzip")


@pytest.mark.parametrize("content_encoding", ["br", "zstd", "gzip, br"])
def test_unknown_codings(content_encoding: str) -> None:
    """We did not ask for them."""
    with pytest.raises(UnreadableBodyError, match=r"the content encoding (br|zstd), which was not asked for$"):
        decoded([gzip.compress(TEXT)], content_encoding)


@settings(deadline=None)
@given(st.lists(st.binary()), st.sampled_from(["", "gzip", "deflate", "br", "gzip, gzip"]) | st.text())
def test_whatever_comes(chunks: list[bytes], content_encoding: str) -> None:
    """A body is decoded or unreadable."""
    try:
        outcome = decoded(chunks, content_encoding)
    except UnreadableBodyError as error:
        outcome = str(error).encode("utf-8", "replace")
        assert outcome.startswith(b"its body ")
    assert isinstance(outcome, bytes)


@settings(deadline=None)
@given(st.binary(max_size=2000), st.integers(0, 2000), st.booleans())
def test_there_and_back(data: bytes, cut: int, raw: bool) -> None:
    """What was compressed comes back, wherever the chunks were cut."""
    body = deflated(data, raw=raw)
    assert decoded([body[:cut], body[cut:]], "deflate") == data


def test_more_codings_than_anybody_needs() -> None:
    """Each costs as much as the whole body, and a header has room for thousands."""
    thrice = gzip.compress(gzip.compress(gzip.compress(TEXT)))
    assert decoded([thrice], "gzip, identity, gzip, gzip") == TEXT
    with pytest.raises(UnreadableBodyError, match="its body has 4 content encodings"):
        decoded([gzip.compress(thrice)], "gzip, gzip, gzip, gzip")


@pytest.mark.parametrize(
    ("content", "content_encoding", "body"),
    [
        (TEXT, "", TEXT),
        (gzip.compress(TEXT), "gzip", TEXT),
        (gzip.compress(TEXT)[:-1], "gzip", b""),
        (TEXT, "br", b""),
        (TEXT[:5], "", TEXT[:5]),
    ],
)
def test_the_body_of_a_refusal(content: bytes, content_encoding: str, body: bytes) -> None:
    """As far as it was read; nothing of one that cannot be decoded."""
    assert inflated_refusal(content, content_encoding) == body
