"""A captured view: what its triggers write, followed to the keys as the relay does it."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.types.json import Jsonb

from outbox.capture.install import install
from outbox.capture.plan import Analysis, analyse
from outbox.connection import Connection
from outbox.index import Definition
from outbox.settings import IndexSettings
from outbox.sql import queries

SQL = queries("tests.integration", "small_world.sql")
INDEX = 7
MOST = 10_000
EVERYTHING = "*"
"""Stands for all keys: after a TRUNCATE, or a change of a table that is declared with "all"."""


def analysed(connection: Connection, view: str = "s.d", *, counted: bool = True, **settings: object) -> Analysis:
    """The analysis of a view with default settings but these."""
    given = IndexSettings.model_validate({"view": view, "collection": "d", **settings})
    return analyse(connection, given, "d", counted=counted)


def definition_of(connection: Connection, view: str = "s.d", **settings: object) -> Definition:
    """The definition of a view that must have no error; a key may have two rows, which changes nothing in capture."""
    analysis = analysed(connection, view, counted=False, **settings)
    assert analysis.definition is not None, "\n".join(map(str, analysis.problems))
    return analysis.definition


@dataclass(slots=True)
class Captured:
    """An installed index; `url` and `connection` are of its database."""

    connection: Connection
    url: str
    definition: Definition

    def look(self) -> dict[str, str]:
        """Every document as it stands."""
        return dict(self.connection.execute(SQL["look"]).fetchall())

    def keys(self) -> set[str]:
        """The keys that the events so far lead to; the events are forgotten."""
        rows = self.connection.execute(SQL["events"]).fetchall()
        self.connection.execute(SQL["forget"])
        found: set[str] = set()
        for event, key, way, route, _ in rows:
            if key is not None:
                found.add(key)
            elif way is None:
                found.add(EVERYTHING)
            else:
                found |= self.expanded(event, way, route)
        return found

    def expanded(self, event: int, number: int, route: object) -> set[str]:
        """The keys of one fan-out; both statements of the way must agree on them."""
        way = self.definition.way(number)
        together = {"ids": [event], "routes": [Jsonb(route)], "most": MOST}
        expanded = self.connection.execute(way.expand.encode(), together).fetchall()
        assert {one for one, _ in expanded} <= {event}
        keys = [key for _, key in expanded]
        assert len(keys) == len(set(keys))
        chunked = {"route": Jsonb(route), "after": None, "most": MOST}
        enumerated = self.connection.execute(way.enumerate.encode(), chunked).fetchall()
        assert sorted(row[0] for row in enumerated) == sorted(keys)
        return set(keys)


def capture(connection: Connection, url: str, view: str = "s.d", **settings: object) -> Captured:
    """Analyse and install."""
    definition = definition_of(connection, view, **settings)
    install(url, INDEX, definition, lambda _: None)
    return Captured(connection, url, definition)
