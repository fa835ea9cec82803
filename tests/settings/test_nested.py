"""`nested`: values that never change, compare by content, and can be hashed, pickled and passed on."""

from __future__ import annotations

import pickle

from oauth_cc_auth._settings.nested import Nested, frozen, thawed

PLAIN = {"a": {"b": [1, {"c": None}]}, "d": "x"}


def test_it_is_a_value() -> None:
    """Equal to what it was made of, wherever that is a mapping."""
    kept = frozen(PLAIN)
    assert kept == frozen(PLAIN)
    assert hash(kept) == hash(frozen(PLAIN))
    assert pickle.loads(pickle.dumps(kept)) == kept  # noqa: S301  # our own
    assert frozen(kept) is kept
    assert thawed(kept) == PLAIN
    assert (len(kept), list(kept), kept["d"]) == (2, ["a", "d"], "x")


def test_its_repr_is_that_of_a_mapping() -> None:
    """It is part of the reprs of configs and endpoints."""
    assert repr(Nested({"a": {"b": 1}})) == "{'a': {'b': 1}}"
