"""Put together what there is to say of one index, and of all with the servers that they share."""

from __future__ import annotations

from collections.abc import Sequence

from outbox import rights
from outbox.capture.plan import analyse
from outbox.check import applied, collection, servers
from outbox.check.collection import Seen
from outbox.connection import Connection
from outbox.problems import Problem
from outbox.settings import Settings
from outbox.store import indexes

SERVERS = ""
"""Under this name `everything` has what is no single index's problem."""


def check(connection: Connection, settings: Settings, name: str, seen: Seen | None) -> list[Problem]:
    """The problems of one index; `seen`: its Solr, None where that cannot be asked.

    Raises ConfigError for an index that the settings do not define.
    """
    wanted = settings.named(name)
    known = indexes.find(connection, name)
    analysis = analyse(connection, wanted, name)
    problems = list(analysis.problems)
    if analysis.definition is not None:
        problems += rights.hidden(connection, analysis.definition)
    if known is not None:
        problems += applied.problems(connection, wanted, known, analysis.definition)
    if seen is not None:
        definition = analysis.definition or (known.definition if known else None)
        owner = indexes.owner(connection, name)
        problems += collection.problems(seen, owner, wanted, known, definition)
    return problems


def everything(connection: Connection, settings: Settings, names: Sequence[str]) -> dict[str, list[Problem]]:
    """The problems by index, in the order of `names`; those of the servers come first, under SERVERS."""
    seen, unreachable = collection.look(settings)
    found = {name: check(connection, settings, name, seen) for name in names}
    captured = bool(set(names) & set(indexes.names(connection)))
    shared = [
        *servers.database(connection),
        *unreachable,
        *servers.broker(settings, expects_consumers=captured),
        *(servers.relay(connection) if captured else []),
    ]
    return {SERVERS: shared, **found}
