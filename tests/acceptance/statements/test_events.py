"""Each statement of the table gives events to exactly the documents that were written beside it, on each Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from outbox import rights
from outbox.capture.install import install
from outbox.capture.plan import analyse
from outbox.connection import Connection, connect
from outbox.index import Definition
from outbox.settings import IndexSettings
from outbox.store import indexes
from tests.acceptance.statements import entries as table
from tests.acceptance.statements.entries import EVERYTHING, INDEXES, Entry
from tests.acceptance.statements.world import ROLES_SQL, World, made, settings_of
from tests.integration.captured import Captured

LEAST = 100
STATEMENTS = {entry.name: entry for entry in table.entries()}


@dataclass(frozen=True, slots=True)
class Watched:
    """The captured world; events are followed by the role of the relay."""

    world: World
    relay: Connection
    captured: dict[str, Captured]

    def begin_anew(self) -> None:
        """The rows as every statement finds them, and no event."""
        self.world.refill_unseen()
        self.world.admin.execute("DELETE FROM outbox.event")

    def keys(self) -> dict[str, frozenset[str]]:
        """The keys by index that the events lead to."""
        found: dict[str, set[str]] = {name: set() for name in INDEXES}
        for name, event, key, way, route in self.relay.execute(ROLES_SQL["events"], {"since": "-infinity"}).fetchall():
            if key is not None:
                found[name].add(key)
            elif way is None:
                found[name].add(EVERYTHING)
            else:
                found[name] |= self.captured[name].expanded(event, way, route)
        return {name: frozenset(keys) for name, keys in found.items()}


@pytest.fixture(scope="module")
def watched(server_url: str) -> Iterator[Watched]:
    """Applied by a member of the tables' owner, as `apply` does it, but without Solr."""
    with made(server_url) as world, connect(world.url_of("relay"), application="test", autocommit=True) as relay:
        url = world.url_of("applier")
        with connect(url, application="test", autocommit=True) as applier:
            captured = {name: Captured(relay, url, _applied(applier, url, name)) for name in INDEXES}
        watched = Watched(world, relay, captured)
        watched.begin_anew()
        yield watched


def _applied(applier: Connection, url: str, name: str) -> Definition:
    analysis = analyse(applier, IndexSettings.model_validate({"collection": name, **settings_of(name)}), name)
    assert analysis.definition is not None, "\n".join(map(str, analysis.problems))
    rights.grant(applier, analysis.definition)
    install(url, indexes.register(applier, name), analysis.definition, lambda _: None)
    return analysis.definition


@pytest.mark.parametrize("entry", STATEMENTS.values(), ids=STATEMENTS)
def test_exactly_the_expected_documents_get_events(watched: Watched, entry: Entry) -> None:
    world = watched.world
    if world.version < entry.since:
        pytest.skip(f"Postgres {entry.since} brought this statement")
    try:
        _run(world, entry)
        found = watched.keys()
    finally:
        watched.begin_anew()
    assert found == entry.expected


def _run(world: World, entry: Entry) -> None:
    """A rename is undone before the events are followed: a way that names what was renamed waits for `outbox apply`."""
    before = world.values(*entry.column) if entry.column else []
    try:
        world.run(entry)
    finally:
        world.undo(entry)
    if entry.column:
        assert world.values(*entry.column) != before, "the statement does not change the column it is about"


def test_each_tracked_column_of_each_table_is_written_and_renamed(watched: Watched) -> None:
    written = {(name, column) for name, each in table.columns().items() for column in each}
    definitions = [one.definition for one in watched.captured.values()]
    tables = [one for definition in definitions for one in definition.tables if not one.partition]
    tracked = {(one.relation.replace('"', ""), column.name) for one in tables for column in one.tracked}
    assert len(tracked) > 50
    assert tracked - written == set()
    renamed = {entry.column for entry in table.renames()}
    assert {one for one in tracked if not table.columns()[one[0]][one[1]].get("inherited")} <= renamed


def test_each_table_is_inserted_updated_deleted_and_saved_untracked(watched: Watched) -> None:
    definitions = [one.definition for one in watched.captured.values()]
    relations = {one.relation for each in definitions for one in each.tables if not one.partition}
    assert len(relations) > 12
    nothing = [entry.sql for entry in STATEMENTS.values() if not any(entry.expected.values()) and not entry.fails]
    everything = [entry.sql for entry in STATEMENTS.values()]
    for name in (relation.replace('"', "") for relation in relations):
        for verb in ("INSERT INTO", "UPDATE", "DELETE FROM"):
            assert any(f"{verb} {name}" in statement for statement in everything), f"{verb} {name}"
        assert any(f"UPDATE {name} SET" in statement for statement in nothing), f"untracked columns of {name}"


def test_the_table_is_as_long_as_promised(watched: Watched) -> None:
    count = sum(entry.since <= watched.world.version for entry in STATEMENTS.values())
    print(f"{count} statements on Postgres {watched.world.version}")
    assert count >= LEAST
    assert len(STATEMENTS) == len(table.entries()), "two statements have one name"


def test_nobody_of_the_application_has_a_right_on_the_outbox(watched: Watched) -> None:
    world = watched.world
    for role in ("owner", "writer"):
        found = world.admin.execute(ROLES_SQL["rights_on_outbox"], {"role": world.roles[role]})
        assert found.fetchone() == (False,), role
    superusers = world.admin.execute(ROLES_SQL["superusers"], {"roles": list(world.roles.values())})
    assert superusers.fetchone() == (0,)
