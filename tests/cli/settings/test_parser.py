"""A wrong command line: the messages, which never show a value."""

from __future__ import annotations

import pytest

from tests.cli.runs import Run, env_fixture, run_fixture

__all__ = ["env_fixture", "run_fixture"]

SECRET = "S3CRET-value-77"
TOP = "usage: python -m oauth_cc_auth [-h] [--version] COMMAND ...\npython -m oauth_cc_auth: error: "
COMMANDS = "COMMAND is one of demo, check, token, request, cache"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--secret", SECRET], "unknown option --secret, and 1 more word; did you mean --client-secret?"),
        (["--secret", SECRET, SECRET], "unknown option --secret, and 2 more words; did you mean --client-secret?"),
        ([f"--client_secret={SECRET}"], "unknown option --client_secret; did you mean --client-secret?"),
        (["--zzz", "-x", "--sco"], "unknown options --zzz, -x, --sco; did you mean --scope?"),
        ([f"--client-secret{SECRET}"], "1 more word than this command takes; did you mean --client-secret?"),
        ([f"-p{SECRET}"], "1 more word than this command takes"),
        ([SECRET, SECRET], "2 more words than this command takes"),
        ([f"--json={SECRET}"], "argument --json: it takes no value"),
        ([f"--verbose={SECRET}"], "argument -v/--verbose: it takes no value"),
    ],
)
def test_values_are_not_shown(arguments: list[str], message: str, run: Run, env: dict[str, str]) -> None:
    """What follows an unknown option may be a secret, and stderr ends up in logs."""
    ran = run("token", *arguments, env=env)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        f"usage: python -m oauth_cc_auth token [OPTION]...\npython -m oauth_cc_auth token: error: {message}\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--client-secret", SECRET, "token"], f"put the command first and its options behind it; {COMMANDS}"),
        ([f"--help={SECRET}"], f"put the command first and its options behind it; {COMMANDS}"),
        ([SECRET], f"there is no such command; {COMMANDS}"),
        (["tokne", SECRET], f"there is no such command; {COMMANDS}; did you mean token?"),
    ],
)
def test_no_command(arguments: list[str], message: str, run: Run) -> None:
    """What there is in its place is not shown either."""
    ran = run(*arguments)
    assert (ran.status, ran.out, ran.err) == (2, "", f"{TOP}{message}\n")


def test_words_of_the_demo(run: Run) -> None:
    """It has no options that could be meant."""
    ran = run("demo", "--secret", SECRET)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith("demo: error: unknown option --secret, and 1 more word\n")


def test_a_request_without_a_url(run: Run) -> None:
    """What is missing has a name. One word is the URL, since GET is the default, and it is not shown."""
    assert run("request").err.endswith("request: error: the following arguments are required: URL\n")
    ran = run("request", SECRET)
    assert ran.err.endswith("error: URL must be a full URL, such as https://api.example.com/orders\n")
