"""The body of ``oauth-cc-auth request``: text, a file or standard input, in memory or streamed.

A refused request is sent again only if its body can be. So a stream that cannot be rewound is kept in memory, if it is
short.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from oauth_cc_auth._cli.terminal.exit import CommandError

Content = bytes | BinaryIO | Iterator[bytes] | None

KEPT = 1024 * 1024  # bytes of a stream that are kept in memory
_CHUNK = 64 * 1024  # bytes
_STANDARD_INPUT = "-"


class Body(NamedTuple):
    """Where a body comes from.

    Attributes:
        option: The option that named it; None for no body.
        text: The body itself, if it was given as text.
        file: The name of a file; ``-`` is standard input.
        is_json: It must be JSON, and is sent with that content type.
    """

    option: str | None = None
    text: str | None = None
    file: str | None = None
    is_json: bool = False

    @property
    def is_standard_input(self) -> bool:
        """True if reading it uses up standard input."""
        return self.file == _STANDARD_INPUT


def body_of(arguments: argparse.Namespace) -> Body:
    """What the options say. argparse makes sure that at most one of them is there.

    Raises:
        CommandError: the name of the file is missing.
    """
    if arguments.data_file == "":
        raise CommandError("--data-file needs the name of a file")
    if arguments.data_file is not None:
        return Body("--data-file", file=arguments.data_file)
    option, value = ("--json", arguments.json) if arguments.json is not None else ("--data", arguments.data)
    if value is None:
        return Body()
    is_json = option == "--json"
    if value == "@":
        raise CommandError(f"{option} @ needs the name of a file behind the @")
    if value == _STANDARD_INPUT or value.startswith("@"):
        return Body(option, file=value.removeprefix("@"), is_json=is_json)
    return Body(option, text=value, is_json=is_json)


@contextmanager
def opened(body: Body) -> Generator[Content]:
    """The content for requests, while the block lasts.

    Raises:
        CommandError: a file cannot be read, or is not the JSON that it must be.
    """
    if body.file is None:
        # Bytes from the shell that are not UTF-8 are sent as they came in.
        yield _checked(body, None if body.text is None else body.text.encode("utf-8", "surrogateescape"))
    elif body.is_standard_input:
        if sys.stdin is None:  # closed by `<&-`
            raise CommandError(f"{body.option} - found standard input closed")
        yield _checked(body, sys.stdin.buffer)
    else:
        with _file(body) as file:
            yield _checked(body, file)


def _file(body: Body) -> BinaryIO:
    try:
        return Path(str(body.file)).open("rb")
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
    raise CommandError(f"{body.option} {body.file}: {problem}")


def _checked(body: Body, content: bytes | BinaryIO | None) -> Content:
    if not body.is_json:
        return content if content is None or isinstance(content, bytes) else _sendable(content)
    whole = content if isinstance(content, bytes) or content is None else content.read()
    try:
        json.loads(whole or b"")
    except (ValueError, RecursionError) as error:
        problem = "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)
    else:
        return whole
    raise CommandError(f"{body.option} is not valid JSON: {problem}")


def _sendable(stream: BinaryIO) -> Content:
    """The stream itself if it can be rewound; otherwise its content, or an iterator if that is long."""
    if stream.seekable():
        start = stream.tell()
        if stream.read(1):
            stream.seek(start)
            return stream
        return b""  # requests would send an empty file in chunks
    head = stream.read(KEPT + 1)
    return head if len(head) <= KEPT else _chunks(head, stream)


def _chunks(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield head
    while chunk := stream.read(_CHUNK):
        yield chunk
