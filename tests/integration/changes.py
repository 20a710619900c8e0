"""Random changes of the small world: every kind of statement, every column, keys too, several in one transaction."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import LiteralString

from psycopg import errors, sql

from outbox.connection import Connection

UUIDS = [str(uuid.UUID(int=number)) for number in range(1, 9)]
SMALL: list[object] = [1, 2, 3, 4, None]
TEXTS: list[object] = ["1", "2", "3", None]
COLUMNS: dict[LiteralString, dict[LiteralString, list[object]]] = {
    "layer": {
        "id": [1, 2, 3, 4, 5, 6],
        "uuid": [*UUIDS],
        "title": TEXTS,
        "cat": SMALL,
        "parent": SMALL,
        "code": TEXTS,
        "tags": [["1", "2"], ["3"], [], None, [None, "1"]],
    },
    "category": {"id": [1, 2, 3, 4], "name": TEXTS, "parent": SMALL, "code": TEXTS, "kind": ["a", "b", None]},
    "link": {"id": [1, 2, 3, 4, 5, 6, 7, 8], "layer_id": SMALL, "keyword_id": SMALL, "n": SMALL},
    "keyword": {"id": [1, 2, 3, 4], "name": TEXTS, "lang": ["a", "b"]},
    "pick": {"id": [1, 2, 3, 4], "layer_uuid": [*UUIDS, None], "rank": SMALL},
}


@dataclass(slots=True)
class Dice:
    """Draws changes; `tables` are those to change."""

    random: random.Random
    tables: tuple[LiteralString, ...] = tuple(COLUMNS)

    def fill(self, connection: Connection) -> None:
        """Rows in every table."""
        for table in COLUMNS:
            for _ in range(6):
                self._try(connection, self._insert(table))

    def change(self, connection: Connection) -> list[str]:
        """A transaction of one to three statements; returns those that were not refused by a unique key."""
        with connection.transaction():
            return [text for _ in range(self.random.choice((1, 1, 1, 2, 3))) if (text := self._statement(connection))]

    def _statement(self, connection: Connection) -> str:
        table = self.random.choice(self.tables)
        make = self.random.choice((self._insert, self._update, self._update, self._update, self._delete))
        return self._try(connection, make(table))

    @staticmethod
    def _try(connection: Connection, statement: sql.Composed) -> str:
        try:
            with connection.transaction():
                changed = connection.execute(statement).rowcount
        except errors.UniqueViolation:
            return ""
        return statement.as_string(None) if changed else ""

    def _value(self, table: LiteralString, column: LiteralString) -> sql.Literal:
        return sql.Literal(self.random.choice(COLUMNS[table][column]))

    def _insert(self, table: LiteralString) -> sql.Composed:
        columns = COLUMNS[table]
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier("s", table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(self._value(table, column) for column in columns),
        )

    def _update(self, table: LiteralString) -> sql.Composed:
        column = self.random.choice(list(COLUMNS[table]))
        return sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
            sql.Identifier("s", table), sql.Identifier(column), self._value(table, column), self._which(table)
        )

    def _delete(self, table: LiteralString) -> sql.Composed:
        return sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier("s", table), self._which(table))

    def _which(self, table: LiteralString) -> sql.Composed:
        return sql.SQL("id = {}").format(self._value(table, "id"))
