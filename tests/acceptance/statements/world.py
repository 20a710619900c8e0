"""The tables of the statements in a database, their three indexes, and the roles of all who work on them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from outbox import migrate
from outbox.sql import parse
from tests.acceptance.statements.entries import HERE, INDEXES, Entry
from tests.conftest import cloned

ROLES = ("owner", "writer", "applier", "relay")
VIEWS = {"maps": "atlas.map_document", "brief": "atlas.brief_document", "sheets": "atlas.sheet_document"}
WAYS = {
    "atlas.setting": "all",
    "atlas.acl": "SELECT map.uid FROM atlas.map WHERE map.id IN (($1->>'map_id')::integer, ($2->>'map_id')::integer)",
}


def _sql(file: str) -> dict[str, str]:
    return dict(parse((HERE / file).read_text("utf-8"), file))


ROLES_SQL, WORLD_SQL, VIEWS_SQL, ROWS_SQL = map(_sql, ("roles.sql", "world.sql", "views.sql", "rows.sql"))


@dataclass(frozen=True, slots=True)
class World:
    """`url` is the superuser's address; `roles` are the real names of the roles.

    The connections stay open over all statements, as an application's do, so that their sessions remember plans.
    """

    url: str
    roles: dict[str, str]
    admin: psycopg.Connection[TupleRow]
    owner: psycopg.Connection[TupleRow]
    writer: psycopg.Connection[TupleRow]

    @property
    def version(self) -> int:
        """Of the server, e.g. 18."""
        return self.admin.info.server_version // 10_000

    def url_of(self, role: str) -> str:
        """The address of the database for a role."""
        return _as_role(self.url, self.roles[role])

    def run(self, entry: Entry) -> None:
        """What the owner does, then the statement of the application; it must end as the entry says."""
        if entry.owner:
            self.owner.execute(entry.owner.encode())
        try:
            self._write(entry)
            assert not entry.fails, f"it did not fail with {entry.fails}"
        except psycopg.Error as error:
            assert error.sqlstate == entry.fails, error
        finally:
            if self.writer.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self.writer.execute("ROLLBACK")

    def _write(self, entry: Entry) -> None:
        if entry.rows:
            with self.writer.cursor() as cursor, cursor.copy(entry.sql.encode()) as copy:
                copy.write(entry.rows)
        else:
            self.writer.execute(entry.sql.encode(), prepare=False)

    def undo(self, entry: Entry) -> None:
        """The tables as they were."""
        if entry.undo:
            self.owner.execute(entry.undo.encode())

    def refill(self) -> None:
        """The rows as every statement finds them, by the application, captured."""
        self.writer.execute(ROWS_SQL["clear"])
        self.writer.execute(ROWS_SQL["rows"])

    def refill_unseen(self) -> None:
        """The same without events."""
        self.admin.execute(ROWS_SQL["unseen"])
        self.admin.execute(ROWS_SQL["rows"])
        self.admin.execute("RESET session_replication_role")

    def values(self, table: str, column: str) -> list[str | None]:
        """What a column holds in all rows."""
        query = "SELECT {column}::text FROM {table} ORDER BY 1"
        parts = {"column": sql.Identifier(column), "table": sql.Identifier(*table.split("."))}
        return [row[0] for row in self.admin.execute(sql.SQL(query).format(**parts))]


@contextmanager
def made(server_url: str) -> Iterator[World]:
    """A database with the schema `outbox` and the world in it; roles and database are dropped at the end."""
    roles = {name: f"s_{name}_{secrets.token_hex(4)}" for name in ROLES}
    names = {name: sql.Identifier(role) for name, role in roles.items()}
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL(ROLES_SQL["make"]).format(**names))
        try:
            with cloned(server_url, "template1") as url, ExitStack() as opened:
                migrate.upgrade(url)
                yield _world(url, roles, opened)
        finally:
            server.execute(sql.SQL(ROLES_SQL["drop"]).format(**names))


def _world(url: str, roles: dict[str, str], opened: ExitStack) -> World:
    names = {name: sql.Identifier(role) for name, role in roles.items()}
    admin = opened.enter_context(psycopg.connect(url, autocommit=True))
    database = sql.Identifier(admin.info.dbname)
    admin.execute(sql.SQL(ROLES_SQL["database"]).format(database=database, **names))
    owner, writer = (
        opened.enter_context(psycopg.connect(_as_role(url, roles[name]), autocommit=True))
        for name in ("owner", "writer")
    )
    world = World(url, roles, admin, owner, writer)
    parts = {
        "{virtual}": "VIRTUAL" if world.version >= 18 else "STORED",
        "{markup}": "xml" if _has_xml(admin) else "text",
    }
    for statement in (*WORLD_SQL.values(), *VIEWS_SQL.values()):
        for placeholder, part in parts.items():
            statement = statement.replace(placeholder, part)
        owner.execute(statement.encode())
    owner.execute(sql.SQL(ROLES_SQL["give"]).format(**names))
    for name, to_apply in (("relay", False), ("applier", True)):
        admin.execute(migrate.grants(roles[name], to_apply=to_apply).encode())
    world.refill()
    owner.execute("ANALYZE")
    return world


def _has_xml(admin: psycopg.Connection[TupleRow]) -> bool:
    try:
        admin.execute(ROLES_SQL["xml"])
    except psycopg.errors.FeatureNotSupported:
        return False
    return True


def _as_role(url: str, role: str) -> str:
    address = urlsplit(url)
    return address._replace(netloc=f"{role}@{address.netloc.rpartition('@')[2]}").geturl()


def settings_of(index: str) -> dict[str, object]:
    """The settings of one index."""
    assert index in INDEXES
    return {"view": VIEWS[index], "ways": WAYS if index == "brief" else {}}
