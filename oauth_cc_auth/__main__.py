"""The command: ``oauth-cc-auth``, or ``python -m oauth_cc_auth``.

Each subcommand is a function that takes the parsed arguments and returns the exit status; it imports what it needs
when it is called, so ``--help``, ``--version`` and ``demo`` need nothing that is not in Python.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import PurePath

from ._cli.settings import options
from ._cli.settings.parser import Parser
from ._cli.terminal import streams
from ._cli.terminal.exit import INTERRUPTED, PIPE_CLOSED, UNWRITABLE, USAGE
from ._version import __version__


def demo(arguments: argparse.Namespace) -> int:
    """``oauth-cc-auth demo``."""
    from ._demo import run

    return run(everything=arguments.all)


def with_settings(arguments: argparse.Namespace) -> int:
    """``oauth-cc-auth check``, ``token`` and ``request``."""
    from ._cli.run import run

    return run(arguments)


def cache(arguments: argparse.Namespace) -> int:
    """``oauth-cc-auth cache clear``."""
    from ._cli.cache import clear

    return clear()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, or those of the process. Returns the exit status."""
    streams.open_what_is_closed()
    try:
        try:
            return _dispatched(sys.argv[1:] if argv is None else argv)
        finally:
            streams.write_to_stderr()
            sys.stdout.flush()  # here, because below we can still handle a reader that has left
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        streams.let_go_of(sys.stdout)
        return PIPE_CLOSED
    except OSError as error:
        if error.errno not in streams.UNWRITABLE:
            raise
        streams.let_go_of(sys.stdout)
        streams.write_to_stderr(f"oauth-cc-auth: error: the output could not be written: {error.strerror}\n")
        return UNWRITABLE


def _dispatched(argv: Sequence[str]) -> int:
    parser, commands = _parsers()
    parser.check_first(argv, commands)
    arguments, unknown = parser.parse_known_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    if unknown:
        commands[arguments.command].refuse(unknown)
    status: int = arguments.run(arguments)
    return status


def _parsers() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole line, and those of the commands by name."""
    parser = Parser(
        prog=_program(),
        description="OAuth 2.0 client credentials for requests, httpx and httpx2.",
        epilog=options.STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"oauth_cc_auth {__version__}")
    by_name: dict[str, Parser] = {}
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")

    def add(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> Parser:
        command = commands.add_parser(
            name,
            help=summary,
            description=textwrap.fill(f"{summary[0].upper()}{summary[1:]}.", 78),
            epilog=options.epilog(name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.set_defaults(run=run)
        by_name[name] = command
        return command

    show = add("demo", demo, "show on this machine what the plugin does, with the client libraries that are installed")
    show.add_argument("--all", action="store_true", help="every exchange of every client, not only of the first one")
    for name, add_options, summary in (
        (
            "check",
            options.add_check,
            "find out whether these settings work, and if not, why; asks for a token by every method",
        ),
        ("token", options.add_token, "fetch a token and print it"),
        ("request", options.add_request, "send one request with a token, and print the answer's body"),
    ):
        command = add(name, with_settings, summary)
        add_options(command)
        options.add_settings(command)
        # All options would be eleven lines above every message about one of them.
        command.usage = f"{command.prog}{' [METHOD] URL' if name == 'request' else ''} [OPTION]..."
    options.add_cache(add("cache", cache, "delete the tokens that --cache keeps between runs"))
    return parser, by_name


def _program() -> str:
    """The name by which the person started the command."""
    return "oauth-cc-auth" if PurePath(sys.argv[0]).stem == "oauth-cc-auth" else "python -m oauth_cc_auth"


if __name__ == "__main__":
    sys.exit(main())
