"""The script: the scenes and their claims.

It is a generator that asks for requests and does not know how they are sent. So threads and tasks share one script.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

from oauth_cc_auth import ClientSecretJwt
from oauth_cc_auth.testing import Answer, LoopbackServer

from ._checks import Check, what_happened
from ._libraries import Library
from ._players import MOST_CALLERS, Ask, Script
from ._rows import rows
from ._screen import Screen


class Scene(NamedTuple):
    """One scene.

    Attributes:
        title: Its topic.
        story: What a newcomer needs to know first.
        claim: What the scene shows, in plain words.
        expected: The claim in the words of `_checks`.
    """

    title: str
    story: str
    claim: str
    expected: str


FIRST = Scene(
    "The first request",
    "The app calls the API and has no token yet. The plugin does not know in which form the auth server expects id and "
    "secret. It tries the standard form first, HTTP Basic, and then the request body.",
    "Basic was rejected, the body was accepted, and the token works.",
    "Basic 401, body 200, new token 200; the app got 200",
)
SECOND = Scene(
    "The second request",
    "The token is still valid, so the plugin does not call the auth server.",
    "The same token again, and no token request.",
    "old token 200; the app got 200",
)
REVOKED = Scene(
    "The token is revoked",
    "The auth server revokes the token, and the app does not know. The API answers 401. The plugin fetches a new token "
    "with the form that worked before, and sends the request again.",
    "After the 401, a new token and a 200. response.history has the 401.",
    "old token 401, body 200, new token 200; the app got 401, then 200",
)


OUTAGE = Scene(
    "The auth server fails",
    "It answers 503 to the first token request, and the plugin tries again. Then it is down for good. As long as the "
    "token is good, the app does not notice.",
    "Tried again after a 503, and no request failed.",
    "body 503, body 200, 2 x new token 200; the app got 2 x 200",
)
ASSERTION = Scene(
    "A proof without the secret",
    "Some auth servers want a signed assertion. This one is signed with the secret, which is not sent itself. A "
    "private key or a token of your platform works in the same way.",
    "An assertion was accepted, and the token works.",
    "assertion 200, new token 200; the app got 200",
)


def crowd(callers: int, kind: str) -> Scene:
    """The scene with many callers at once. `kind` says what they are, such as "threads"."""
    return Scene(
        f"{callers} {kind} at once",
        f"A new auth object without a token. All {callers} {kind} start at the same moment and need one. One of them "
        "fetches it, and the others wait for it.",
        f"{callers} {kind}, 1 token request, {callers} answers.",
        f"body 200, {callers} x new token 200; the app got {callers} x 200",
    )


class Stage:
    """Plays a script with one client: shows what happens and checks each claim.

    Args:
        explains: Print what a newcomer needs to know before each scene.
        shows: Print every exchange. Otherwise there is one line at the end, and the scenes that failed.
    """

    def __init__(
        self,
        screen: Screen,
        server: LoopbackServer,
        library: Library,
        client_name: str,
        *,
        explains: bool = False,
        shows: bool = True,
    ) -> None:
        self.server = server
        self.checks: list[Check] = []
        self.url = f"{server.api_url}/orders"
        self._screen = screen
        self._library = library
        self._client_name = client_name
        self._explains = explains
        self._shows = shows

    def __enter__(self) -> Stage:
        if self._shows:
            self._screen.section(self._client_name)
        return self

    def __exit__(self, *error: object) -> None:
        if not self._shows and all(check.passed for check in self.checks):
            self._screen.verdict(True, f"{self._client_name}: {len(self.checks)} scenes, as promised", indented=True)

    @property
    def library_name(self) -> str:
        """The name of the client library."""
        return self._library.name

    def auth(self, **options: Any) -> Any:
        """A new auth object for the server of the demo."""
        server = self.server
        return self._library.auth_class(server.token_url, server.client_id, server.client_secret, **options)

    @contextmanager
    def playing(self, scene: Scene) -> Generator[list[str], None, None]:
        """Show `scene` and check it at the end. The caller appends what each request got to the list."""
        known = self.server.issued
        self.server.clear_log()
        number = len(self.checks) + 1
        if self._shows:
            self._screen.scene(number, scene.title, scene.story if self._explains else None)
        outcomes: list[str] = []
        yield outcomes
        records = self.server.requests
        actual = what_happened(records, outcomes, known, self.server.issued)
        check = Check(f"{self._client_name}, {number}", scene.claim, scene.expected, actual)
        self.checks.append(check)
        if not self._shows and not check.passed:
            self._screen.section(self._client_name)
            self._screen.scene(number, scene.title, None)
        if self._shows or not check.passed:
            self._screen.rows(rows(records))
            self._screen.check(check)


def script(stage: Stage, kind: str) -> Script:
    """All scenes. `kind` says what the callers of the last scene are, such as "threads"."""
    auth = stage.auth()
    for scene in (FIRST, SECOND, REVOKED):
        with stage.playing(scene) as outcomes:
            if scene is REVOKED:
                stage.server.revoke_all()
            outcomes.extend((yield Ask(stage.url, auth)))
    with stage.playing(crowd(MOST_CALLERS, kind)) as outcomes:
        # With a fixed authentication method, one token takes exactly one token request.
        cold = stage.auth(client_authentication="client_secret_post")
        outcomes.extend((yield Ask(stage.url, cold, MOST_CALLERS)))
    with stage.playing(OUTAGE) as outcomes:
        endpoint, survivor = stage.server.token_endpoint, stage.auth(client_authentication="client_secret_post")
        endpoint.next(Answer(503, headers={"Retry-After": "0"}))
        outcomes.extend((yield Ask(stage.url, survivor)))
        endpoint.always(Answer(503))
        outcomes.extend((yield Ask(stage.url, survivor)))
        endpoint.clear()
    with stage.playing(ASSERTION) as outcomes:
        outcomes.extend((yield Ask(stage.url, stage.auth(client_authentication=ClientSecretJwt()))))
