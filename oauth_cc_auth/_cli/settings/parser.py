"""Read the command line, and refuse what is wrong in it without showing values.

A mistyped ``--secret VALUE`` is not an option, but its value is a secret, and stderr ends up in the logs of a build. So
a refusal shows the names of options, and never the words between them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection, Sequence
from contextlib import nullcontext, suppress
from difflib import get_close_matches
from typing import Any, NoReturn

# What may be shown: a name without a value. Secrets have digits, or are longer.
_NAME = re.compile(r"-[A-Za-z]|--[A-Za-z][A-Za-z_-]{0,39}")
# argparse's words before a value that it quotes.
_QUOTING = "ignored explicit argument"


class Parser(argparse.ArgumentParser):
    """An argument parser that never shows a word that could be a value."""

    def check_first(self, words: Sequence[str], commands: Collection[str]) -> None:
        """End the process with a usage error unless the first of `words` is a command or an option that stands alone.

        No words are no error.
        """
        if not words or words[0] in commands or words[0] in self._option_string_actions:
            return
        known = f"COMMAND is one of {', '.join(commands)}"
        if words[0].startswith("-"):
            self.error(f"put the command first and its options behind it; {known}")
        self.error(f"there is no such command; {known}{_nearest(words[0], commands)}")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End the process with a usage error about words that mean nothing here."""
        shown = [word.partition("=")[0] for word in unknown]
        names = [name for name in shown if _NAME.fullmatch(name)]
        count = len(unknown) - len(names)
        rest = f"{count} more word{'' if count == 1 else 's'}"
        # Also for a name that is not shown: the suggestion is one of ours.
        options = [option for option in self._option_string_actions if option.startswith("--")]
        nearest = next(filter(None, (_nearest(name, options) for name in shown if name.startswith("-"))), "")
        if names:
            kind = "unknown option" if len(names) == 1 else "unknown options"
            self.error(f"{kind} {', '.join(names)}{f', and {rest}' if count else ''}{nearest}")
        self.error(f"{rest} than this command takes{nearest}")

    def error(self, message: str) -> NoReturn:
        """Print the usage and `message` on stderr, and end the process with the status for wrong usage."""
        before, quoting, _ = message.partition(_QUOTING)
        super().error(f"{before}it takes no value" if quoting else message)

    def _print_message(self, message: str, file: Any = None) -> None:
        # As argparse does in later versions of Python: if the message cannot be printed, the status says enough.
        with suppress(OSError) if file is sys.stderr else nullcontext():
            super()._print_message(message, file)


def _nearest(word: str, known: Collection[str]) -> str:
    nearest = get_close_matches(word.lower().replace("_", "-"), known, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""
