"""Promise 26, driven by chance. The examples are the same in every run and on every machine.

`OAUTH_CC_AUTH_MODEL_EXAMPLES` asks for more, and for others each time; a failure names its seed.
"""

from __future__ import annotations

import os

from tests.model.sharing_by_chance import play

MORE = int(os.environ.get("OAUTH_CC_AUTH_MODEL_EXAMPLES", "0"))
EXAMPLES = 500


def test_processes_that_share_a_store_keep_their_promises() -> None:
    first = int.from_bytes(os.urandom(6), "big") if MORE else 0
    for seed in range(first, first + (MORE or EXAMPLES)):
        play(seed)
