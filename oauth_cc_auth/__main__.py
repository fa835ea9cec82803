"""The command: ``python -m oauth_cc_auth``.

Each subcommand is a function that takes the parsed arguments and returns the exit status; it imports what it needs
when it is called, so ``--help`` and ``--version`` import nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ._version import __version__

# What a shell reports for a program that the signal ended: 128 and its number.
INTERRUPTED = 130  # SIGINT
PIPE_CLOSED = 141  # SIGPIPE
USAGE = 2


def demo(arguments: argparse.Namespace) -> int:
    """``python -m oauth_cc_auth demo``."""
    from ._demo import run

    return run()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, or those of the process. Returns the exit status."""
    try:
        try:
            return _dispatched(argv)
        finally:
            sys.stdout.flush()  # here, where a reader who has left can still be dealt with
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # `| head` has seen enough. What is still buffered would fail again when the interpreter ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return PIPE_CLOSED


def _dispatched(argv: Sequence[str] | None) -> int:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.run is None:
        parser.print_help(sys.stderr)
        return USAGE
    status: int = arguments.run(arguments)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m oauth_cc_auth",
        description="OAuth 2.0 client credentials for requests, httpx and httpx2.",
    )
    parser.add_argument("--version", action="version", version=f"oauth_cc_auth {__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    summary = "show on this machine what the plugin does, with the client libraries that are installed"
    commands.add_parser("demo", help=summary, description=f"{summary.capitalize()}.").set_defaults(run=demo)
    return parser


if __name__ == "__main__":
    sys.exit(main())
