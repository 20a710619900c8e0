"""From a definition to the DDL of its triggers, table by table. Pure.

Names carry a hash of what they name, so that what stands in the database is compared by names alone, and a changed
trigger is made beside the old one before that goes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import LiteralString, Protocol

from psycopg import sql

from outbox.index import Carried, Definition, Table, Tracked, Way
from outbox.sql import queries

_SQL = queries("outbox.capture", "triggers.sql")
# A value must have the same text in whatever session it is written: these types follow the session's settings.
_SESSION_DEPENDENT = re.compile(r"timestamp|date|time|interval|real|double precision|money|bytea")
_NULL = sql.SQL("NULL")
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
    event = _event(index, definition.target.settle_ms)

    def events(operation: str) -> sql.Composable:
        if table.everything:
            return event(operation, way=None)
        blocks: list[sql.Composable] = []
        if key:
            blocks.append(_of_key(sql.Identifier("outbox", key.name), operation, None, event))
        blocks += [_of_way(way, value, operation, event) for way, value in ways]
        return sql.SQL("\n        ").join(blocks) if blocks else sql.SQL("NULL;")

    dependent = any(_SESSION_DEPENDENT.search(one.postgres_type) for way, _ in ways for one in way.carried)
    return _named(
        f"capture_{index}",
        _part("capture_function"),
        settings=sql.SQL(_PINNED if dependent else ""),
        insert=events("INSERT"),
        delete=events("DELETE"),
        update=events("UPDATE"),
        truncate=event("TRUNCATE", way=None),
    )


class _Event(Protocol):
    """Makes the statement that writes one event."""

    def __call__(
        self, operation: str, *, way: int | None, key: LiteralString = "NULL", route: sql.Composable = _NULL
    ) -> sql.Composable: ...


def _event(index: int, settle_ms: int) -> _Event:
    later = sql.SQL(", available_at" if settle_ms else "")
    at = sql.SQL(", clock_timestamp() + interval {}").format(f"{settle_ms} ms") if settle_ms else sql.SQL("")

    def event(
        operation: str, *, way: int | None, key: LiteralString = "NULL", route: sql.Composable = _NULL
    ) -> sql.Composable:
        parts = {"index": sql.Literal(index), "way": sql.Literal(way), "op": sql.Literal(operation[0])}
        return sql.SQL(_part("event")).format(key=sql.SQL(key), route=route, later=later, at=at, **parts)

    return event


def _part(name: str) -> LiteralString:
    """A template without its comments, so that to mend one changes no hash."""
    lines = [line for line in _SQL[name].splitlines() if not line.startswith("--")]
    return "\n".join(lines)


_ROWS: dict[str, LiteralString] = {"INSERT": "NEW", "DELETE": "OLD"}


def _of_key(value: sql.Identifier, operation: str, way: int | None, event: _Event) -> sql.Composed:
    """What writes the events of a row that carries the document's key."""
    event_v = event(operation, way=way, key="v[1]")
    if operation == "UPDATE":
        event_w = event(operation, way=way, key="w[1]")
        return sql.SQL(_part("key_both")).format(value=value, event_v=event_v, event_w=event_w)
    return sql.SQL(_part("key")).format(value=value, row=sql.SQL(_ROWS[operation]), event_v=event_v)


def _of_way(way: Way, value: sql.Identifier, operation: str, event: _Event) -> sql.Composable:
    """What writes the events of one way for one row."""
    if way.is_key:
        return _of_key(value, operation, way.number, event)
    if way.declared:
        old, new = (
            sql.SQL("NULL") if operation == absent else sql.SQL("{}({})").format(value, sql.SQL(row))
            for absent, row in (("INSERT", "OLD"), ("DELETE", "NEW"))
        )
        return event(operation, way=way.number, route=sql.SQL(_part("route_declared")).format(old=old, new=new))
    both = {"required_v": _required(way, "v"), "required_w": _required(way, "w")}
    if operation == "UPDATE":
        route: sql.Composable = sql.SQL(_part("route_two")).format(**both)
        return sql.SQL(_part("route_both")).format(
            value=value, event=event(operation, way=way.number, route=route), **both
        )
    route = sql.SQL(_part("route_one"))
    return sql.SQL(_part("route")).format(
        value=value,
        row=sql.SQL(_ROWS[operation]),
        event=event(operation, way=way.number, route=route),
        required_v=both["required_v"],
    )


def _required(way: Way, values: LiteralString) -> sql.Composable:
    places = [place for place, one in enumerate(way.carried, 1) if one.required]
    tests = [sql.SQL("{}[{}] IS NOT NULL").format(sql.SQL(values), place) for place in places]
    return sql.SQL("({})").format(sql.SQL(" AND ").join(tests)) if tests else sql.SQL("true")


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
