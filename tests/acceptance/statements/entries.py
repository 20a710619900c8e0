"""The acceptance table: statements, and the documents that each gives events, written by hand in the .toml files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

HERE = Path(__file__).parent
EVERYTHING = "*"
"""Stands for all documents of an index."""
INDEXES = ("maps", "brief", "sheets")
RENAMED = "renamed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement.

    `expected` are the keys by index, none where an index is not named; `owner` is run before and `undo` after by the
    owner of the tables, `sql` by the application. `rows` is what COPY reads, `fails` the SQLSTATE that `sql` ends with.
    `column` is what the statement must change, by table and the name that it has before and after.
    """

    name: str
    sql: str
    expected: dict[str, frozenset[str]]
    owner: str = ""
    undo: str = ""
    rows: str = ""
    fails: str = ""
    since: int = 0
    column: tuple[str, str] | None = None

    @property
    def renames(self) -> bool:
        """Whether something gets another name: the relay follows no way that names it before `outbox apply`."""
        return " RENAME " in self.owner or " SET SCHEMA " in self.owner


def columns() -> dict[str, dict[str, Any]]:
    """The statements that change one tracked column, by table and column."""
    return _read("columns")


def entries() -> list[Entry]:
    """All of the table, in a fixed order."""
    found = [_plain(f"{table}: {name}", raw) for table, each in columns().items() for name, raw in _named(table, each)]
    for file in ("tables", "forms", "upgrades"):
        found += [_entry(f"{part}: {name}", raw) for part, each in _read(file).items() for name, raw in each.items()]
    return found + renames()


def renames() -> list[Entry]:
    """Each tracked column renamed, then written; an inherited one is renamed with its parent's."""
    return [
        _renamed(table, column, raw)
        for table, each in columns().items()
        for column, raw in each.items()
        if not raw.get("inherited")
    ]


def _read(file: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((HERE / f"{file}.toml").read_text("utf-8"))


def _named(table: str, each: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(column, {**raw, "column": (table, column)}) for column, raw in each.items()]


def _plain(name: str, raw: dict[str, Any]) -> Entry:
    return _entry(name, {**raw, "sql": raw["sql"].replace("{column}", raw["column"][1])})


def _renamed(table: str, column: str, raw: dict[str, Any]) -> Entry:
    new = f"{column}_{RENAMED}"
    made = {
        "owner": f"ALTER TABLE {table} RENAME {column} TO {new}",
        "undo": f"ALTER TABLE {table} RENAME {new} TO {column}",
        "sql": raw["sql"].replace("{column}", new),
        "column": (table, column),
    }
    return _entry(f"{table}: {column} {RENAMED}", {**raw, **made})


def _entry(name: str, raw: dict[str, Any]) -> Entry:
    given = {**raw}
    given.pop("inherited", None)
    expected = {index: frozenset(_key(index, one) for one in given.pop(index, [])) for index in INDEXES}
    return Entry(name=name, expected=expected, since=given.pop("from", 0), **given)


def _key(index: str, one: int | str) -> str:
    """The documents are written by their numbers; those of maps have them in their uid."""
    return str(one) if one == EVERYTHING or index == "sheets" else str(UUID(int=int(one)))
