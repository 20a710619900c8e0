"""The names that others rely on, exactly."""

from __future__ import annotations

import importlib

import pytest

from outbox.solr.answer import Meaning
from outbox.store.claims import BULK_QUEUE, LIVE_QUEUE, Lane, Outcome
from outbox.worker.configuration import TASK


@pytest.mark.parametrize(("module", "names"), [("outbox", ["__version__"]), ("outbox.worker", ["app"])])
def test_a_package_shows_these_names_and_no_others(module: str, names: list[str]) -> None:
    assert importlib.import_module(module).__all__ == names


def test_what_stands_in_messages_and_tables_does_not_change() -> None:
    assert (TASK, LIVE_QUEUE, BULK_QUEUE) == ("outbox.index", "outbox.live", "outbox.bulk")
    assert [lane.value for lane in Lane] == ["live", "fanout", "replay"]
    assert {lane.queue for lane in Lane if lane is not Lane.LIVE} == {BULK_QUEUE}
    ended = {"done", "given back", "not published", "pre-empted", "not begun", "redelivered", "lost"}
    assert {outcome.value for outcome in Outcome} == ended


def test_every_meaning_of_an_answer_is_dealt_with() -> None:
    assert {meaning.name for meaning in Meaning} == {
        *("DONE", "DOCUMENT", "TOO_LARGE", "STALE", "INDEX", "SUSPECT", "SERVICE")
    }
