"""``check --dpop``: its own requests carry proofs, and are answered with a nonce if a server asks for one."""

from __future__ import annotations

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.check.checks import direct
from tests.cli.runs import Run, env_fixture, run_fixture

__all__ = ["direct", "env_fixture", "run_fixture"]


@pytest.mark.parametrize("nonces", [False, True])
def test_token_and_api(run: Run, env: dict[str, str], oauth_server: LoopbackServer, nonces: bool) -> None:
    oauth_server.dpop, oauth_server.dpop_nonces = True, nonces
    ran = run("check", "--dpop", "--api-url", oauth_server.api_url, env=env)
    assert (ran.status, ran.err) == (0, "")
    assert [request.status for request in oauth_server.api_requests] == ([401, 200] if nonces else [200])


def test_an_endpoint_that_names_no_nonce(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """It is not asked again, and the advice says what to look at."""
    oauth_server.token_endpoint.always(Answer.error("use_dpop_nonce"))
    ran = run("check", "--dpop", env=env)
    assert ran.status != 0
    assert "check this machine's clock" in " ".join(ran.out.split())
