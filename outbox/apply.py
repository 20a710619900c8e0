"""From the settings to a working index: what `plan` says and `apply` does.

In this order: Solr's collection and fields, the triggers table by table, then the definition (from its commit on the
index counts as applied), and last the replay, which therefore enumerates what no trigger has seen. A failure half way
leaves a state that the next `apply` finishes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from outbox import destination, rights, watch
from outbox.capture.install import Difference, install, installed
from outbox.capture.paths import Path
from outbox.capture.plan import analyse
from outbox.connection import Connection, connect
from outbox.destination import Destination
from outbox.errors import ViewRefused
from outbox.index import Definition, Field, Way
from outbox.migrate import head
from outbox.problems import Problem, errors
from outbox.settings import IndexSettings, Settings
from outbox.solr.client import Address, Solr
from outbox.store import claims, events, indexes
from outbox.store.indexes import Applied

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What `apply` would change for one index. `replay` is the reason for a replay of all documents, or "" for none.

    `grants`: what relay and workers lack to read it, as statements.
    """

    name: str
    settings: IndexSettings
    definition: Definition | None
    problems: tuple[Problem, ...]
    applied: Applied | None
    destination: Destination
    differences: tuple[Difference, ...]
    grants: tuple[str, ...]
    replay: str
    paths: tuple[Path, ...] = ()

    @property
    def changes(self) -> bool:
        """True if `apply` would change anything."""
        return bool(
            not self.destination.complete
            or self.differences
            or self.grants
            or self.replay
            or self.applied is None
            or self.applied.definition != self.definition
        )


def solr_of(settings: Settings) -> Solr:
    """A client for the Solr that the settings name."""
    return Solr(Address(settings.solr_url, settings.solr_user, settings.solr_password.get_secret_value()))


def plan(connection: Connection, solr: Solr, name: str, settings: IndexSettings) -> Plan:
    """Compare the settings with the database and Solr; changes nothing."""
    indexes.demand_schema(connection, head())
    analysis = analyse(connection, settings, name)
    applied = indexes.find(connection, name)
    definition = analysis.definition and renumbered(analysis.definition, applied)
    to = destination.find(connection, solr, name, settings, applied, _fields(definition))
    differences = installed(connection, applied.id, definition) if applied and definition else []
    return Plan(
        name=name,
        settings=settings,
        definition=definition,
        problems=(*analysis.problems, *(rights.hidden(connection, definition) if definition else ())),
        applied=applied,
        destination=to,
        differences=tuple(differences),
        grants=tuple(rights.missing(connection, definition)) if definition else (),
        replay=_why_replay(connection, definition, applied, bool(differences), to.exists),
        paths=analysis.paths,
    )


def apply(settings: Settings, name: str, say: Say) -> Plan:
    """Do what `plan` says for one index; `say` is told each step. Raises ViewRefused with every error of the view."""
    solr = solr_of(settings)
    with connect(settings.database_url, application="outbox apply", autocommit=True) as connection:
        indexes.demand_schema(connection, head())
        indexes.alone(connection)
        planned = plan(connection, solr, name, settings.named(name))
        stopping = errors(list(planned.problems))
        if stopping or planned.definition is None:
            raise ViewRefused("\n".join([f"the index {name} cannot be applied:", *map(str, stopping)]))
        for problem in planned.problems:
            say(str(problem))
        index = indexes.register(connection, name)
        section = settings.named(name)
        destination.make(connection, solr, name, section, planned.destination, planned.definition.fields, say)
        for statement in rights.grant(connection, planned.definition):
            say(f"{name}: {statement}")
        install(settings.database_url, index, planned.definition, say)
        with connection.transaction():
            if planned.applied is None or planned.applied.target is None:
                indexes.serve(connection, index, planned.destination.collection)
            indexes.save(connection, index, planned.definition, watch.baseline(connection, planned.definition))
            if planned.replay:
                events.replay_all(connection, index)
            claims.wake(connection)
        if planned.replay:
            say(f"{name}: all documents are enqueued, since {planned.replay}")
    return planned


def renumbered(definition: Definition, applied: Applied | None) -> Definition:
    """Keep the numbers of the ways that the applied definition has too; new ways get numbers never used before.

    Events that wait in the outbox carry these numbers.
    """
    if applied is None:
        return definition
    kept = {_identity(way): way.number for way in applied.definition.ways} if applied.definition else {}
    unused = applied.highest_way + 1
    numbers: dict[int, int] = {}
    for way in definition.ways:
        number = kept.pop(_identity(way), None)
        if number is None:
            number, unused = unused, unused + 1
        numbers[way.number] = number
    ways = tuple(replace(way, number=numbers[way.number]) for way in definition.ways)
    tables = tuple(replace(table, ways=tuple(numbers[way] for way in table.ways)) for table in definition.tables)
    return replace(definition, ways=ways, tables=tables)


def _identity(way: Way) -> tuple[object, ...]:
    return way.table, way.carried, way.expand


def _why_replay(
    connection: Connection, definition: Definition | None, applied: Applied | None, triggers: bool, exists: bool
) -> str:
    if applied is not None and applied.unreadable:
        return "another version of solr-outbox applied it"
    if applied is None or applied.definition is None or definition is None:
        return "it is the first time"
    if applied.detached_at is not None:
        return "it was detached"
    previous = applied.definition
    if not exists:
        return "the collection is new"
    if previous.read != definition.read or previous.fields != definition.fields:
        return "the view's columns have changed"
    if previous.fingerprint != definition.fingerprint:
        return "the view has changed"
    if previous.capture != definition.capture:
        return f'capture is now "{definition.capture}"'
    if triggers:
        return "triggers were missing"
    return ", ".join(f"{words} changed" for words in watch.silent_changes(connection, definition, applied.baseline))


def _fields(definition: Definition | None) -> tuple[Field, ...]:
    return definition.fields if definition else ()
