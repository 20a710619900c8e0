"""How many documents the most used row of each table carries: what one change of it would set going."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from outbox.capture.bounded import bounded
from outbox.capture.compose import doubled, identifier
from outbox.capture.expressions import text
from outbox.capture.paths import Path
from outbox.connection import Connection
from outbox.index import LIVE_MOST
from outbox.sql import queries

_SQL = queries("outbox.capture", "forecast.sql")
LONGEST_MS = 1000


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one way: `documents` of the most used row of `table` (None: not counted in time), which `row` names.

    `alias`: the occurrence of the table in the view's text. `exact`: counted now, not by the statistics of ANALYZE.
    """

    table: str
    alias: str
    documents: int | None
    row: str
    exact: bool

    def __str__(self) -> str:
        name = self.table if self.table.endswith(f".{self.alias}") else f"{self.table} ({self.alias})"
        if self.documents is None:
            return f"{name}: its most used row was not found in {LONGEST_MS / 1000:g} s, nor is it known to ANALYZE"
        if self.documents == 0:
            return f"{name}: none of its rows is on a document"
        about = "" if self.exact else "about "
        lane = "live" if self.documents <= LIVE_MOST else "bulk"
        noun = "document" if self.documents == 1 else "documents"
        return f"{name}: its most used row is on {about}{self.documents:,} {noun} ({self.row}), lane {lane}"


def forecast(
    connection: Connection, paths: Iterable[Path], key: str, *, longest_ms: int = LONGEST_MS
) -> list[Forecast]:
    """One for each way by which a row may be on several documents. Each is one query, ended after `longest_ms`."""
    return [_of(connection, path, key, longest_ms) for path in paths if fans_out(path)]


def documents(connection: Connection, view: str) -> int:
    """About how many documents the view has, by the planner's estimate; `view` is quoted and qualified."""
    row = connection.execute(sql.SQL(_SQL["planned"]).format(view=sql.SQL(view))).fetchone()
    return int(row[0][0]["Plan"]["Plan Rows"]) if row else 0


def fans_out(path: Path) -> bool:
    """Whether a row may be on several documents: not where each lookup on the way finds one row at most."""
    return not path.direct and not all(step.single for step in path.forth())


def _of(connection: Connection, path: Path, key: str, longest_ms: int) -> Forecast:
    columns = list(path.relations[0].primary_key) or list(path.carried())
    name = ".".join(path.relations[0].name)
    try:
        with bounded(connection, longest_ms):
            found = connection.execute(_question(path, key, columns)).fetchone()
    except psycopg.errors.QueryCanceled:
        return _estimated(connection, path, name)
    if found is None:
        return Forecast(name, path.alias, 0, "", exact=True)
    return Forecast(name, path.alias, found[-1], _row(columns, found[:-1]), exact=True)


def _question(path: Path, key: str, columns: list[str]) -> sql.Composed:
    last = f"t{len(path.relations) - 1}"
    sources = [
        sql.SQL("{} AS {}").format(identifier(*relation.name), identifier(f"t{place}"))
        for place, relation in enumerate(path.relations)
    ]
    return sql.SQL(_SQL["most_used"]).format(
        values=sql.SQL(", ").join(identifier("t0", column) for column in columns),
        key=identifier(last, key),
        tables=sql.SQL(" CROSS JOIN ").join(sources),
        conditions=sql.SQL(" AND ").join(doubled(f"({text(one)})") for one in path.conditions),
    )


def _estimated(connection: Connection, path: Path, name: str) -> Forecast:
    """By the statistics of the column that the changed row is looked up by, where all beyond it is one row each."""
    value, first, *rest = path.pair(), *path.forth()
    if value is not None and all(step.single for step in rest):
        schema, table = first.relation.name
        wanted = {"relation": first.relation.oid, "schema": schema, "table": table, "column": value[1]}
        found = connection.execute(_SQL["estimated"], wanted).fetchone()
        if found is not None:
            return Forecast(name, path.alias, found[1], _row([value[0]], found[:1]), exact=False)
    return Forecast(name, path.alias, None, "", exact=False)


def _row(columns: list[str], values: Iterable[Any]) -> str:
    return ", ".join(f"{column} {value}" for column, value in zip(columns, values, strict=True))
