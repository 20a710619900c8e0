"""Random changes of a world: rows in and out, keys, nulls, several columns, several statements in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from psycopg import errors

from outbox.connection import Connection
from tests.random.world import Table, World


@dataclass(slots=True)
class Changes:
    """Draws statements and runs them; `history` are those that Postgres took.

    Mostly on the tables in `used`, and on columns whose names stand in `text`, the view's, so that changes matter.
    """

    dice: Random
    world: World
    connection: Connection
    used: tuple[str, ...]
    text: str
    history: list[str]

    def fill(self) -> None:
        """Rows in every table, one for each value of its key."""
        for table in self.world.tables.values():
            first = next(iter(table.keys))
            for value in table.values(first) * (2 if table.name == "link" else 1):
                columns = [column for column in table.written if column != first]
                values = ", ".join([value, *(table.value(self.dice, column) for column in columns)])
                place = self.dice.choice((table.name, table.name, *table.children))
                self._run([insert(place, [first, *columns], [f"({values})"])])

    def change(self) -> list[str]:
        """One committed transaction of one to three statements; none where Postgres took none of five."""
        for _ in range(5):
            if done := self._run([self._statement() for _ in range(self.dice.choice((1, 1, 1, 1, 2, 3)))]):
                return done
        return []

    def idle(self) -> list[str]:
        """A transaction that alters nothing that a view reads."""
        table = self._table()
        column = self.dice.choice([*table.refs, *table.columns])
        same = f"{column} = {column}, spare = spare || 'x'"
        return self._run([update(table.name, self.dice.choice((same, "spare = 'y'")), "true")])

    def _run(self, statements: list[str]) -> list[str]:
        try:
            with self.connection.transaction():
                counts = [self.connection.execute(statement.encode()).rowcount for statement in statements]
        except errors.IntegrityError:
            return []
        except (errors.ObjectInUse, errors.FeatureNotSupported):  # TRUNCATE of what others refer to
            return []
        if not any(counts):
            return []
        text = "; ".join(statements)
        self.history.append(f"BEGIN; {text}; COMMIT" if len(statements) > 1 else text)
        return statements

    def _table(self) -> Table:
        names = self.used if self.dice.random() < 0.9 else tuple(self.world.tables)
        return self.world.tables[self.dice.choice(names)]

    def _statement(self) -> str:
        table = self._table()
        chance = self.dice.random()
        if chance < 0.02:
            return f"TRUNCATE s.{self._place(table)}{self.dice.choice(('', ' CASCADE'))}"
        if chance < 0.25:
            return self._insert(table)
        if chance < 0.42:
            return " ".join(("DELETE FROM", f"s.{self._place(table)} WHERE {self._which(table)}"))
        return self._update(table)

    def _place(self, table: Table) -> str:
        return self.dice.choice((table.name, *table.children))

    def _insert(self, table: Table) -> str:
        columns = table.written
        rows = [self._row(table, columns) for _ in range(self.dice.choice((1, 1, 2)))]
        return insert(self._place(table), columns, rows) + self.dice.choice(("", " ON CONFLICT DO NOTHING"))

    def _row(self, table: Table, columns: list[str]) -> str:
        return f"({', '.join(table.value(self.dice, column) for column in columns)})"

    def _update(self, table: Table) -> str:
        keys = list(table.keys) if self.dice.random() < 0.2 else []
        columns = [*table.refs, *table.columns]
        named = [column for column in columns if f".{column}" in self.text]
        columns = [*keys, *(named if named and self.dice.random() < 0.8 else columns)]
        columns = self.dice.sample(columns, min(len(columns), self.dice.choice((1, 1, 2, 3))))
        values = ", ".join(f"{column} = {table.value(self.dice, column)}" for column in columns)
        return update(self._place(table), values, self._which(table))

    def _which(self, table: Table) -> str:
        chance = self.dice.random()
        if chance < 0.06:
            return "true"
        if chance < 0.2 and table.of("n"):
            column = self.dice.choice(table.of("n"))
            return f"{column} IS NOT DISTINCT FROM {table.value(self.dice, column)}"
        column = next(iter(table.keys))
        return f"{column} IN ({table.value(self.dice, column)}, {table.value(self.dice, column)})"


def update(table: str, values: str, which: str) -> str:
    """An UPDATE."""
    return " ".join(("UPDATE", f"s.{table}", "SET", values, "WHERE", which))


def insert(table: str, columns: list[str], rows: list[str]) -> str:
    """An INSERT."""
    return " ".join(("INSERT INTO", f"s.{table} ({', '.join(columns)})", "VALUES", ", ".join(rows)))
