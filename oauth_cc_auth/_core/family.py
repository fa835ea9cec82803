"""What auth objects of one credential share, if they are siblings for several targets.

The one law: shared is what the endpoint thinks of the credential, and never what it thinks of a target. So they share
the authentication method that works, and the pauses after failures that each of them would meet; not tokens, flights
and refusals. An auth object without siblings has a family of its own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from oauth_cc_auth._record import Record

from .failures import NEVER, NO_FAILURES, Failures
from .process_lock import ProcessLock

if TYPE_CHECKING:
    from oauth_cc_auth._authentication.base import ClientAuthentication
    from oauth_cc_auth._protocol.server_metadata import ServerMetadata

    from .clock import Moment


class Located(Record):
    """The metadata of an issuer.

    Attributes:
        metadata: What it says.
        document_url: Where it was read.
        good_until: When to read it again.
    """

    __slots__ = ("document_url", "good_until", "metadata")

    def __init__(self, metadata: ServerMetadata, document_url: str, *, good_until: Moment) -> None:
        self.metadata = metadata
        self.document_url = document_url
        self.good_until = good_until


class Family:
    """What siblings share.

    Attributes:
        lock: Of all their caches. A lock for each would be a second one as soon as a cache changes what is here.
        failures: Those that no target has to do with, `NO_FAILURES` until the first; guarded by the lock.
        answering: Which of the endpoint's URLs issued the last token; None if it has only one.
        located: The metadata of their issuer, once it is known.
        proven: The authentication method that worked last.
        proven_secret: The client secret that it worked with.
        rejected_secret: The client secret of the last fetch, if the endpoint rejected the client; else None.
        process: The id of the one that made it, as one object for all caches.
        looked_at: When it was last compared with what a callable returns now, in monotonic seconds.
        has_warned_of_life: True once the log says that the life of tokens cannot be read.
    """

    __slots__ = (
        "answering",
        "failures",
        "has_warned_of_life",
        "located",
        "lock",
        "looked_at",
        "process",
        "proven",
        "proven_secret",
        "rejected_secret",
    )

    def __init__(self) -> None:
        self.lock = ProcessLock()
        self.failures: Failures = NO_FAILURES
        self.process = os.getpid()
        self.looked_at = NEVER
        self.has_warned_of_life = False
        self.rejected_secret: str | None = None
        self.answering: str | None = None
        self.located: Located | None = None
        self.proven: ClientAuthentication | None = None
        self.proven_secret: str | None = None
