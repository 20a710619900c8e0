"""After each statement of the table, through real relay, RabbitMQ and workers, Solr equals the views."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.statements.entries import EVERYTHING, INDEXES, Entry, entries
from tests.acceptance.statements.piped import Piped, piped
from tests.acceptance.statements.world import made
from tests.pipeline import until


@pytest.fixture
def running(server_url: str, broker_url: str, solr_url: str, tmp_path: Path) -> Iterator[Piped]:
    """The world, applied and drained."""
    with made(server_url) as world, piped(world, broker_url=broker_url, solr_url=solr_url, folder=tmp_path) as running:
        yield running


# On 15 in the long run: test_events.py has each statement's events there.
@pytest.mark.parametrize("server_url", ["postgres", pytest.param("pg15", marks=pytest.mark.long)], indirect=True)
@pytest.mark.timeout(600)
def test_solr_equals_the_views_after_each_statement(running: Piped) -> None:
    running.refill(dict.fromkeys(INDEXES, frozenset({EVERYTHING})))
    assert [one for index in INDEXES for one in running.differences(index)] == []
    digests = {index: running.digest(index) for index in INDEXES}
    wrong = []
    for entry in entries():
        if entry.since <= running.world.version:
            wrong += [f"{entry.name}: {one}" for one in _wrong(running, entry, digests)]
    assert wrong == []
    _waits_for_apply_where_a_way_names_what_was_renamed(running)
    assert running.number("dead") == 0


def _waits_for_apply_where_a_way_names_what_was_renamed(running: Piped) -> None:
    world = running.world
    world.owner.execute(
        "ALTER TABLE atlas.map_keyword RENAME keyword_id TO tag; ALTER TABLE atlas.map_keyword RENAME TO tagged"
    )
    world.writer.execute(
        "UPDATE atlas.keyword SET word = 'aqua' WHERE id = 1; DELETE FROM atlas.tagged WHERE map_id = 3"
    )
    until(lambda: running.number("refused"), "the relay says why it waits")
    running.pipelines["applier"].run("apply")
    running.drained()
    assert [one for index in INDEXES for one in running.differences(index)] == []


def _wrong(running: Piped, entry: Entry, digests: dict[str, list[str]]) -> list[str]:
    """One statement; what came of it otherwise than table and views say. The rows are afterwards as they were.

    Where an index has no events, Solr equals the view if that still has the documents of the digest.
    """
    since = running.now()
    running.world.run(entry)
    if entry.renames:
        running.world.undo(entry)
    running.drained()
    keys = running.keys(since)
    wrong = [f"{index}: {keys[index]}, expected {entry.expected[index]}" for index in _unlike(keys, entry)]
    for index in INDEXES:
        if keys[index]:
            wrong += running.differences(index)
        elif running.digest(index) != digests[index]:
            wrong.append(f"{index}: documents are others, without an event")
    if not entry.renames:
        running.world.undo(entry)
    running.refill({index: keys[index] | entry.expected[index] for index in INDEXES})
    return wrong


def _unlike(keys: dict[str, frozenset[str]], entry: Entry) -> list[str]:
    return [index for index in INDEXES if keys[index] != entry.expected[index]]
