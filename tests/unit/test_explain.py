"""Why a document is, or is not, in Solr as the view has it: the sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from outbox.explain import Circumstances, reasons

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WELL = Circumstances("layers_1", None, None, "relay", 0)
EVENT = {
    "id": 7,
    "lane": "live",
    "suspect": 0,
    "created_at": NOON,
    "done_at": NOON,
    "dead_at": None,
    "last_error": None,
}
CLAIM = {"number": 3, "begun_at": None, "ended_at": None, "worker": None}


def said(
    same: bool = False,
    rows: int = 1,
    events: tuple[dict[str, Any], ...] = (),
    claims: tuple[dict[str, Any], ...] = (),
    around: Circumstances = WELL,
) -> list[str]:
    """The sentences."""
    return reasons("layers", "k", same=same, rows=rows, events=events, claims=claims, around=around)


def event(**changes: object) -> dict[str, Any]:
    """One that waits, otherwise as told."""
    return {**EVENT, "done_at": None, **changes}


def test_all_is_well() -> None:
    assert said(same=True, events=(EVENT,)) == ["Solr has what the view has"]
    assert said(same=True, rows=0) == ["neither the view nor Solr has it"]


def test_nothing_waits_and_yet_they_differ() -> None:
    (sentence,) = said(events=(EVENT,))
    assert "a change was not captured" in sentence and "`outbox replay layers --key k`" in sentence


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"events": (event(),)}, "event 7 waits in the lane live since 12:00:00"),
        ({"events": (event(suspect=2),)}, "event 7 is a suspect: 2 claims of it were lost"),
        ({"events": (event(dead_at=NOON, last_error="Solr answered 400"),)}, "event 7 is dead: Solr answered 400"),
        ({"claims": (CLAIM,)}, "claim 3 waits for a worker in the broker"),
        ({"claims": ({**CLAIM, "begun_at": NOON, "worker": "w@h"},)}, "claim 3 is at work at w@h"),
        ({"around": Circumstances("layers_1", NOON, "refused", "r", 0)}, "suspended since 12:00:00: refused"),
        ({"around": Circumstances("layers_1", None, None, "r", 2)}, "2 fan-outs, any of which may mean it"),
        ({"rows": 2}, "the view returns 2 rows for this key"),
    ],
)
def test_what_holds_it_up(found: dict[str, Any], words: str) -> None:
    (sentence,) = said(**found)
    assert words in sentence


def test_a_relay_that_lacks_is_named_where_something_waits() -> None:
    nobody = Circumstances("layers_1", None, None, None, 0)
    assert said(events=(event(),), around=nobody)[-1] == "no relay leads: start `relay`"
    assert said(same=True, around=nobody) == ["Solr has what the view has"]
