"""Everything that happens to tokens and secrets, with marked ones, while the servers echo all they receive.

Each scenario is a function of a `Hunt`, which keeps everything that was raised, logged or shown.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from oauth_cc_auth import ClientAuthentication, ClientCredentialsConfig, ConfigurationError, Credentials
from oauth_cc_auth.testing import Answer
from tests.clients import REQUESTS
from tests.contract.leak_echoes import ECHOES, PLACES
from tests.contract.leak_hunt import Hunt
from tests.contract.leaks import (
    CLIENT_SECRET,
    DATA,
    HEADER,
    MARKS,
    TOKEN,
)
from tests.contract.scenes import Scene, tell_everything


def nobody_echoes(hunt: Hunt) -> None:
    """The servers echo nothing, and the client library logs nothing secret either."""
    hunt.is_quiet = True
    with hunt.session(hunt.auth()) as session:
        assert session.request("GET", hunt.server.api_url).status == 200
        hunt.server.revoke_all()
        session.request("GET", hunt.server.api_url)
        for answer in (Answer(503), Answer(401), Answer.dropped(), Answer.raw(b"garbage\r\n\r\n"), Answer(200)):
            session.auth.invalidate()
            hunt.server.token_endpoint.always(answer)
            hunt.fails(session)


def the_endpoint_echoes(hunt: Hunt) -> None:
    """Each secret in each place of an answer without a token."""
    with hunt.session(hunt.auth()) as session:
        # One parser reads all answers. Clients only differ in heads and framing, and two echoes are enough for that.
        echoes = ECHOES.values() if hunt.client is REQUESTS else (ECHOES["secret"], ECHOES["everything"])
        for place in PLACES.values():
            for echo in echoes:
                hunt.server.token_endpoint.always(place(echo))
                hunt.fails(session)
                session.auth.invalidate()


def a_success_echoes(hunt: Hunt) -> None:
    """A token answer contains secrets too. The hunt looks at everything visible of the token."""
    with hunt.session(hunt.auth()) as session:
        for echo in ECHOES.values():
            for members in ({"scope": echo}, {"refresh_token": echo}, {"id_token": echo, "x": [echo]}, {echo: echo}):
                hunt.server.token_endpoint.next(Answer.token(TOKEN, **members))
                session.auth.invalidate()
                assert session.request("GET", hunt.server.api_url).status == 200
            hunt.server.token_endpoint.next(Answer.token(TOKEN, token_type="Bearer", id_token=echo))
            session.auth.invalidate()
            hunt.shown(session.get_token(), session.auth, session.auth.config)


def everything_that_is_told(hunt: Hunt) -> None:
    """Each kind of event and each level of the log, from retry to hold, through `tell_everything`."""
    for echo in ECHOES.values():
        auth = hunt.auth()
        with hunt.session(auth) as session:
            tell_everything(Scene(session, auth, hunt.server, auth._source.cache.clock), echo)


def the_token_in_use_is_echoed(hunt: Hunt) -> None:
    """The error of a failed renewal contains the token that it should have replaced."""
    with hunt.session(hunt.auth()) as session:
        assert session.request("GET", hunt.server.api_url).status == 200
        hunt.server.revoke_all()
        hunt.server.token_endpoint.always(Answer.error("invalid_grant", f"{TOKEN} is still good"))
        hunt.fails(session)


def many_fail_at_once(hunt: Hunt) -> None:
    """Each caller gets its own exception."""
    with hunt.session(hunt.auth()) as session:
        hunt.server.token_endpoint.always(PLACES["error_description"](ECHOES["everything"]))
        for outcome in session.concurrently(5, hunt.server.api_url):
            assert isinstance(outcome, Exception)
            hunt.raised(outcome)


def no_answer(hunt: Hunt) -> None:
    """Dropped, cut-off and refused connections, for requests and for `get_token`."""
    with hunt.session(hunt.auth()) as session:
        for answer in (Answer.dropped(), Answer(200, CLIENT_SECRET, content_length=9999)):
            hunt.server.token_endpoint.always(answer)
            hunt.fails(session)
            session.auth.invalidate()
            hunt.fails(session, session.get_token)
        hunt.server.stop()
        session.auth.invalidate()
        hunt.fails(session)
        hunt.server.start()


def the_api_echoes(hunt: Hunt) -> None:
    """The API refuses with everything that it received, and redirects it elsewhere. This includes custom headers."""
    told = f"{TOKEN} {CLIENT_SECRET}"
    refusals = (
        Answer(401, told, {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{told}"'}),
        Answer.redirect(f"{hunt.server.origin}/open/{TOKEN}", 307),
        Answer.redirect(f"http://localhost:{hunt.server.origin.rpartition(':')[2]}/open?{TOKEN}", 307),
    )
    for header in ({}, {"header_name": "X-Access-Token", "header_value_pattern": "%s"}):
        hunt.server.header_name = header.get("header_name", "Authorization")
        hunt.server.header_value_pattern = header.get("header_value_pattern", "Bearer %s")
        with hunt.session(hunt.auth(**header), follow_redirects=True) as session:
            for refusal in refusals:
                hunt.server.api.always(refusal)
                for _ in range(3):
                    session.request("GET", hunt.server.api_url)


def callables_that_fail(hunt: Hunt) -> None:
    """A person's own code raises or returns secrets."""

    def broken(*_: object) -> Any:
        raise RuntimeError(f"the vault does not like {CLIENT_SECRET}")

    for secret in (broken, lambda: CLIENT_SECRET + "\n", lambda: CLIENT_SECRET.encode(), lambda: [CLIENT_SECRET]):
        with hunt.session(hunt.auth(client_secret=secret)) as session:
            hunt.fails(session)
    with hunt.session(hunt.auth(on_event=broken)) as session:
        assert session.request("GET", hunt.server.api_url).status == 200
    for authenticate in (broken, lambda *_: CLIENT_SECRET, lambda *_: Credentials(fields=[("assertion", DATA)])):
        strategy = type("Strategy", (ClientAuthentication,), {"name": "own", "authenticate": authenticate})()
        with hunt.session(hunt.auth(client_authentication=strategy)) as session:
            hunt.server.token_endpoint.always(Answer.error("invalid_client", f"what is {DATA}?", status=401))
            hunt.fails(session)


def requests_that_may_carry_no_token(hunt: Hunt) -> None:
    """The plugin refuses these requests before it sends anything."""
    with hunt.session(hunt.auth()) as session:
        assert session.request("GET", hunt.server.api_url).status == 200
        hunt.fails(session, lambda: session.request("GET", "http://api.example.com/orders"))


WRONG: tuple[dict[str, Any], ...] = (
    {"client_secret": CLIENT_SECRET + "\n"},
    {"client_secret": CLIENT_SECRET.encode()},
    {"client_secret": CLIENT_SECRET + "\ud800"},
    {"client_secret": [CLIENT_SECRET]},
    {"token_url": f"https://user:{MARKS['client_secret']}@login.example.com/token"},
    {"token_url": f"https://user:a/{MARKS['client_secret']}@login.example.com/token"},
    {"token_url": f"https://[{MARKS['client_secret']}/token"},
    {"token_url": f"http://login.example.com/token?key={MARKS['query']}"},
    {"additional_headers": {"APIKey": HEADER + "\n"}},
    {"additional_headers": {"APIKey": HEADER.encode()}},
    {"additional_headers": {"Authorization": HEADER}},
    {"additional_headers": [("APIKey", HEADER), ("apikey", HEADER)]},
    {"additional_headers": HEADER},
    {"additional_request_data": {"password": DATA.encode()}},
    {"additional_request_data": {"password": [DATA, None, {}]}},
    {"additional_request_data": {"password": DATA + "\ud800"}},
    {"additional_request_data": {"client_secret": CLIENT_SECRET}},
    {"additional_request_data": [("grant_type", DATA), ("grant_type", DATA)]},
    {"additional_request_data": DATA.encode()},
    {"additional_request_data": [DATA]},
    {"header_value_pattern": f"Bearer {TOKEN}"},
)


def settings_that_are_wrong(hunt: Hunt) -> None:
    """In arguments, in the form and in the environment: the error shows the name, but not the value."""
    for wrong in WRONG:
        with pytest.raises(ConfigurationError) as caught:
            hunt.auth(**wrong)
        hunt.raised(caught.value)
    base = {"token_url": "https://login.example.com/token", "client_id": "c", "client_secret": CLIENT_SECRET}
    texts = ('{"a": "' + DATA, "[" * 100_000 + DATA, f"[1, {DATA}]")
    for text in texts:
        for wrong in ({"additional_request_data": text}, {"additional_headers": text}, {"Client Secret": text}):
            with pytest.raises(ConfigurationError) as caught:
                ClientCredentialsConfig.from_mapping({**base, **wrong})
            hunt.raised(caught.value)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**base, "additional_headers": '{"a": "' + HEADER, "secret": CLIENT_SECRET}.items():
            patch.setenv(f"OAUTH_CC_{name.upper()}", value)
        with pytest.raises(ConfigurationError) as caught:
            ClientCredentialsConfig.from_env()
        hunt.raised(caught.value)


def copies(hunt: Hunt) -> None:
    """A pickle contains the secret, as documented. No pickle or copy contains a token."""
    with hunt.session(hunt.auth(on_event=None)) as session:
        assert session.request("GET", hunt.server.api_url).status == 200
        for one in (session.auth, copy.deepcopy(session.auth)):
            hunt.shown(one)
            hunt.pickled_settings(one)
        if hunt.client is not REQUESTS:
            hunt.shown(session.auth.redirect_guard)


SCENARIOS: tuple[Callable[[Hunt], None], ...] = (
    nobody_echoes,
    the_endpoint_echoes,
    a_success_echoes,
    everything_that_is_told,
    the_token_in_use_is_echoed,
    many_fail_at_once,
    no_answer,
    the_api_echoes,
    callables_that_fail,
    requests_that_may_carry_no_token,
    settings_that_are_wrong,
    copies,
)
