"""`FromFile`: what it reads, and what it says if it cannot."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from oauth_cc_auth import ConfigurationError, FromFile
from oauth_cc_auth._authentication import from_file


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n\r\n", "s3cret"),
        (b"XXs3cretXX\n", "XXs3cretXX"),
        (b"s" * 65536, "s" * 65536),
        (b" s3cret ", " s3cret "),
        (b"\xef\xbb\xbfs3cret", "s3cret"),
        ("sécret".encode(), "sécret"),
    ],
)
def test_what_is_read(tmp_path: Path, content: bytes, text: str) -> None:
    """The text without line breaks at its end, and without the mark that Windows puts in front."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    assert FromFile(file)() == text
    assert FromFile(str(file))() == text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b" ", "is empty"),
        (b"s3cret\nanother", "contains a control character, perhaps a second line"),
        (b"s3cret\xff", "is not text in UTF-8"),
        (b"s" * 65537, "is longer than 64 KiB"),
    ],
)
def test_what_cannot_be_a_secret(tmp_path: Path, content: bytes, problem: str) -> None:
    """The message names the file, and shows nothing of what is in it."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        FromFile(file)()
    assert str(caught.value) == f"{file} {problem}; it must be a file with one line of text"
    assert caught.value.__context__ is None


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A folder, and a name that no file can have; the variable is named if there is one."""
    for path, problem in ((str(tmp_path), "cannot be read: Is a directory"), ("a\0b", "is not text in UTF-8")):
        with pytest.raises(ConfigurationError) as caught:
            FromFile(path, variable="A_FILE")()
        assert str(caught.value).startswith(f"A_FILE ({path}) {problem}; ")


def test_an_error_of_the_system_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its class has to do."""

    def unreadable(path: str) -> NoReturn:
        raise TimeoutError

    monkeypatch.setattr(from_file, "Path", unreadable)
    with pytest.raises(ConfigurationError, match=r"^a cannot be read: TimeoutError; "):
        FromFile("a")()


def test_no_more_is_read_than_shows_that_it_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device may have no end."""
    reads: list[int] = []

    class Device(io.BytesIO):
        def open(self, mode: str) -> Device:
            assert mode == "rb"
            return self

        def close(self) -> None:
            reads.append(self.tell())

    monkeypatch.setattr(from_file, "Path", lambda path: Device(b"s" * 1_000_000))
    with pytest.raises(ConfigurationError, match=r"^/dev/zero is longer than 64 KiB; "):
        FromFile("/dev/zero")()
    assert reads[:1] == [64 * 1024 + 1]


def test_equal_files(tmp_path: Path) -> None:
    """By path and variable; so configs of one environment are equal."""
    assert FromFile("a") == FromFile(Path("a"))
    assert hash(FromFile("a")) == hash(FromFile("a"))
    assert FromFile("a") != FromFile("b")
    assert len({FromFile(name).__hash__() for name in "abcd"}) > 1
    assert FromFile("a") != FromFile("a", variable="A")
    assert FromFile("a") != "a"
    assert repr(FromFile("a")) == "FromFile('a')"
    assert repr(FromFile("a", variable="A")) == "FromFile('a', variable='A')"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("kind", [TimeoutError, UnicodeError], ids=["OSError", "ValueError"])
def test_a_time_limit_goes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]) -> None:
    """It is about the program and not about the file (promise 13)."""

    def limit(*_: Any) -> NoReturn:
        raise kind

    def read(*_: Any) -> NoReturn:
        os.kill(os.getpid(), signal.SIGALRM)
        raise AssertionError("the handler runs first")

    before = signal.signal(signal.SIGALRM, limit)
    try:
        monkeypatch.setattr(Path, "open", read)
        with pytest.raises(kind):
            FromFile(tmp_path / "secret")()
    finally:
        signal.signal(signal.SIGALRM, before)
