"""From a definition to the DDL of its triggers, table by table. Pure.

Names carry a hash of what they name, so that what stands in the database is compared by names alone, and a changed
trigger is made beside the old one before that goes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import LiteralString

from psycopg import sql

from outbox.index import Carried, Definition, Table, Tracked, Way
from outbox.sql import queries

_SQL = queries("outbox.capture", "triggers.sql")
# A value must have the same text in whatever session it is written: these types follow the session's settings.
_SESSION_DEPENDENT = re.compile(r"timestamp|date|time|interval|real|double precision|money|bytea")
_PINNED = " SET timezone = 'UTC' SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET extra_float_digits = 1"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger and the statements that make it."""

    name: str
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ddl:
    """What one table needs. `functions` are statements that may be run again; `names` are the functions' names."""

    relation: str
    oid: int
    functions: tuple[str, ...]
    names: tuple[str, ...]
    triggers: tuple[Trigger, ...]

    @property
    def text(self) -> str:
        """Everything as one script."""
        statements = [*self.functions, *(text for trigger in self.triggers for text in trigger.statements)]
        return ";\n".join([*statements, ""]).rstrip("\n")


@dataclass(frozen=True, slots=True)
class _Function:
    name: str
    text: str


def ddl(index: int, definition: Definition) -> list[Ddl]:
    """The functions and triggers of every table; `index` is the index's id, which is part of every name."""
    return [_table(index, definition, table) for table in definition.tables]


def _table(index: int, definition: Definition, table: Table) -> Ddl:
    if table.partition:  # a function of its row type would stand in the way of DROP TABLE, which the view does not
        table = replace(table, ways=())
    ways = [definition.way(number) for number in table.ways]
    values = {way.number: _value_function(index, table, way.carried) for way in ways}
    is_root = table.root and not table.partition
    key = _value_function(index, table, [Carried(definition.key, definition.key_type, True)]) if is_root else None
    capture = _capture_function(index, definition, table, key, values)
    functions = {one.name: one.text for one in ([key] if key else []) + [*values.values(), capture]}
    always = definition.capture == "always"
    return Ddl(
        relation=table.relation,
        oid=table.oid,
        functions=tuple(functions.values()),
        names=tuple(functions),
        triggers=_triggers(index, table, capture.name, always=always),
    )


def _named(prefix: str, template: LiteralString, **parts: sql.Composable) -> _Function:
    """A function named by the hash of its own text."""
    anonymous = sql.SQL(template).format(name=sql.SQL(""), **parts).as_string(None)
    name = f"{prefix}_{_hash(anonymous)}"
    return _Function(name, sql.SQL(template).format(name=sql.Identifier("outbox", name), **parts).as_string(None))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _value_function(index: int, table: Table, carried: Sequence[Carried]) -> _Function:
    values = sql.SQL(", ").join(sql.SQL("$1.{}::text").format(sql.Identifier(one.name)) for one in carried)
    return _named(f"value_{index}", _part("value_function"), relation=_relation(table), values=values)


def _relation(table: Table) -> sql.SQL:
    return sql.SQL(table.relation)  # quoted when the definition was made


def _capture_function(
    index: int, definition: Definition, table: Table, key: _Function | None, values: dict[int, _Function]
) -> _Function:
    ways = [(definition.way(number), sql.Identifier("outbox", values[number].name)) for number in table.ways]
    settle = definition.target.settle_ms
    later = {
        "later": sql.SQL(", available_at" if settle else ""),
        "at": sql.SQL(", clock_timestamp() + interval {}").format(f"{settle} ms") if settle else sql.SQL(""),
    }

    def event(operation: str) -> sql.Composable:
        rows: list[sql.Composable] = [_key_rows(key, operation)] if key else []
        rows += [_rows(way, value, operation) for way, value in ways]
        if table.everything:
            rows = [sql.SQL(_part("everything"))]
        if not rows:
            return sql.SQL("NULL;")
        union = sql.SQL("\n            UNION ALL\n            ").join(rows)
        return sql.SQL(_part("event")).format(index=sql.Literal(index), rows=union, **later)

    dependent = any(_SESSION_DEPENDENT.search(one.postgres_type) for way, _ in ways for one in way.carried)
    return _named(
        f"capture_{index}",
        _part("capture_function"),
        settings=sql.SQL(_PINNED if dependent else ""),
        insert=event("INSERT"),
        delete=event("DELETE"),
        update=event("UPDATE"),
        index=sql.Literal(index),
        **later,
    )


def _part(name: str) -> LiteralString:
    """A template without its comments, so that to mend one changes no hash."""
    lines = [line for line in _SQL[name].splitlines() if not line.startswith("--")]
    return "\n".join(lines)


_ROWS: dict[str, LiteralString] = {"INSERT": "NEW", "DELETE": "OLD"}


def _key_rows(function: _Function, operation: str, way: int | None = None) -> sql.Composed:
    return _rows_of_key(sql.Identifier("outbox", function.name), operation, way)


def _rows_of_key(value: sql.Identifier, operation: str, way: int | None) -> sql.Composed:
    number = sql.Literal(way)
    if operation == "UPDATE":
        return sql.SQL(_part("key_both")).format(way=number, value=value)
    return sql.SQL(_part("key")).format(way=number, value=value, row=sql.SQL(_ROWS[operation]))


def _rows(way: Way, value: sql.Identifier, operation: str) -> sql.Composed:
    """The SELECT that gives the events of one way for one row."""
    if way.is_key:
        return _rows_of_key(value, operation, way.number)
    number = sql.Literal(way.number)
    if way.declared:
        old, new = (
            sql.SQL("NULL") if operation == absent else sql.SQL("{}({})").format(value, sql.SQL(row))
            for absent, row in (("INSERT", "OLD"), ("DELETE", "NEW"))
        )
        return sql.SQL(_part("route_declared")).format(way=number, old=old, new=new)
    places = [place for place, one in enumerate(way.carried, 1) if one.required]
    required = sql.SQL(" AND ").join(sql.SQL("x.v[{}] IS NOT NULL").format(place) for place in places)
    parts = {"way": number, "value": value, "required": required if places else sql.SQL("true")}
    if operation == "UPDATE":
        return sql.SQL(_part("route_both")).format(**parts)
    return sql.SQL(_part("route")).format(**parts, row=sql.SQL(_ROWS[operation]))


def _triggers(index: int, table: Table, function: str, *, always: bool) -> tuple[Trigger, ...]:
    events = [("truncate", "truncate_trigger")]
    if not table.partition:
        events.insert(0, ("row", "row_trigger"))
        if table.tracked:
            events.insert(1, ("update", "update_trigger"))
    changed = sql.SQL(" OR ").join(map(_changed, table.tracked))
    return tuple(
        _trigger(index, table, function, (suffix, template), changed, always=always) for suffix, template in events
    )


def _trigger(
    index: int, table: Table, function: str, kind: tuple[str, str], changed: sql.Composable, *, always: bool
) -> Trigger:
    parts = {
        "relation": _relation(table),
        "changed": changed,
        "function": sql.Identifier("outbox", function),
    }
    create = sql.SQL(_part(kind[1]))
    anonymous = create.format(name=sql.SQL("always" if always else ""), **parts).as_string(None)
    name = f"outbox_{index}_{_hash(anonymous)}_{kind[0]}"
    statements = [create.format(name=sql.Identifier(name), **parts).as_string(None)]
    if always:
        switch = sql.SQL(_part("always")).format(relation=_relation(table), name=sql.Identifier(name))
        statements.append(switch.as_string(None))
    return Trigger(name, tuple(statements))


def _changed(column: Tracked) -> sql.Composed:
    name = sql.Identifier(column.name)
    cast_ = sql.SQL('::text COLLATE "C"' if column.as_text else "")
    return sql.SQL("OLD.{0}{1} IS DISTINCT FROM NEW.{0}{1}").format(name, cast_)
