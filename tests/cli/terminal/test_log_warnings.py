"""Warnings of the library as the person who runs the command sees them."""

from __future__ import annotations

import logging

import pytest

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth._advice import Advice
from oauth_cc_auth._cli.terminal.log_warnings import warnings_shown
from oauth_cc_auth._cli.terminal.wording import COMMAND, words_for
from oauth_cc_auth._errors import advised, with_facts
from tests.cli.runs import WARNING

logger = logging.getLogger("oauth_cc_auth")


def test_an_error_is_in_the_words_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """A program could call a method or pass an argument; a person cannot."""
    error = advised(TokenEndpointUnreachable("no trust"), Advice("set {token_url}, or {pass_dpop}"))
    with warnings_shown(words_for({"token_url": "'url' in a.toml"})):
        logger.warning("token not renewed after %.1f s: %s", 3, with_facts(error, held_for=2))
        logger.warning("or: %s", Advice("set {scope}"))
    assert capsys.readouterr().err == (
        f"{WARNING}token not renewed after 3.0 s: no trust; set 'url' in a.toml, or pass --dpop. Not asked again "
        f"for 2.0 s\n{WARNING}or: set --scope\n"
    )


@pytest.mark.parametrize(("arguments", "shown"), [((), "100 %"), (({"a": 1},), "100 %")])
def test_other_messages(arguments: tuple[object, ...], shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They are shown as they are, and below a WARNING not at all."""
    with warnings_shown(COMMAND):
        logger.warning("100 %" if not arguments else "100 %%", *arguments)
        logger.info("nothing to see")
    logger.warning("too late")
    assert capsys.readouterr().err == f"{WARNING}{shown}\n"
