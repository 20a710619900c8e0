"""How the triggers and functions that stand in the database differ from those that a definition wants. Changes nothing.

Names carry a hash of what was made, so names tell most; what somebody altered under its name is told by what Postgres
prints of it. Tables that became partitions or heirs of the definition's own since it was made count as its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from psycopg import sql

from outbox.capture.printed import compared, same_tests, same_values, taken
from outbox.capture.triggers import Ddl, Trigger, ddl
from outbox.connection import Connection
from outbox.index import Definition
from outbox.sql import queries

_SQL = queries("outbox.capture", "differences.sql")
_TYPES = {"row": 13, "update": 17, "truncate": 32}  # pg_trigger.tgtype: of a row 1, insert 4, delete 8, update 16


class Kind(Enum):
    """What is wrong with a trigger or function; a disabled trigger may also be one that fires otherwise than wanted."""

    MISSING = "missing"
    DISABLED = "disabled"
    CHANGED = "changed"
    SUPERFLUOUS = "superfluous"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in the database that is not as the definition wants it. `relation` is "" for a function."""

    relation: str
    name: str
    kind: Kind
    what: str

    def __str__(self) -> str:
        return f"{self.what} {self.name}{f' on {self.relation}' if self.relation else ''}"


@dataclass(frozen=True, slots=True)
class StandingTrigger:
    """A trigger as it stands; `enabled` is Postgres' tgenabled: O, A, D or R; `copy`: of the trigger of a parent."""

    oid: int
    relation: str
    name: str
    enabled: str
    copy: bool
    type: int
    plain: bool
    function: str
    text: str


@dataclass(frozen=True, slots=True)
class StandingFunction:
    """A function as it stands; `oid` is of the table whose rows it takes, 0 for none. `body`: of PL/pgSQL."""

    name: str
    oid: int
    arguments: str
    body: str
    sql_body: str
    definer: bool
    settings: list[str]


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done to one table: statements of functions, triggers to make, and those that stand to switch."""

    functions: tuple[str, ...]
    make: tuple[Trigger, ...]
    enable: tuple[StandingTrigger, ...]
    disable: tuple[StandingTrigger, ...]

    def __bool__(self) -> bool:
        return bool(self.functions or self.make or self.enable or self.disable)


@dataclass(frozen=True, slots=True)
class Compared:
    """Wanted and standing, side by side; `right` is the tgenabled that every trigger should have."""

    wanted: Sequence[Ddl]
    right: str
    triggers: Sequence[StandingTrigger]
    functions: Sequence[StandingFunction]
    columns: dict[int, set[str]]

    def differences(self) -> list[Difference]:
        """All of them, table by table, then the functions."""
        found: list[Difference] = []
        for each in self.wanted:
            found += self._of_table(each)
        found += [Difference(one.relation, one.name, Kind.DISABLED, "enable the trigger") for one in self.copies()]
        found += [
            Difference(one.relation, one.name, Kind.SUPERFLUOUS, "drop the trigger") for one in self.obsolete_triggers()
        ]
        functions = {wish: self._function(wish, text) for wish, text in self._wishes(self.wanted).items()}
        for (name, _), kind in functions.items():
            if kind is not None:
                what = "make the function" if kind is Kind.MISSING else "restore the altered function"
                found.append(Difference("", name, kind, what))
        found += [Difference("", one.name, Kind.SUPERFLUOUS, "drop the function") for one in self.obsolete_functions()]
        return found

    def work(self, each: Ddl) -> Work:
        """What is to be done to one table, before anything is dropped."""
        here = self._here(each)
        kinds = {trigger: self._trigger(each, trigger, here.get(trigger.name)) for trigger in each.triggers}
        names = {trigger.name for trigger in each.triggers}
        wishes = self._wishes([each])
        return Work(
            functions=tuple(text for wish, text in wishes.items() if self._function(wish, text)),
            make=tuple(trigger for trigger, kind in kinds.items() if kind in (Kind.MISSING, Kind.CHANGED)),
            enable=tuple(here[trigger.name] for trigger, kind in kinds.items() if kind is Kind.DISABLED),
            disable=tuple(one for one in here.values() if one.name not in names and one.enabled != "D"),
        )

    def copies(self) -> list[StandingTrigger]:
        """Copies on partitions that fire otherwise than wanted, though the parent's trigger is right."""
        names = {trigger.name for each in self.wanted for trigger in each.triggers}
        right = {one.name for one in self.triggers if not one.copy and one.enabled == self.right}
        return [one for one in self.triggers if one.copy and one.name in names & right and one.enabled != self.right]

    def obsolete_triggers(self) -> list[StandingTrigger]:
        """Those that no table of the definition wants; copies go with their parents'."""
        names = {(each.oid, trigger.name) for each in self.wanted for trigger in each.triggers}
        return [one for one in self.triggers if not one.copy and (one.oid, one.name) not in names]

    def obsolete_functions(self) -> list[StandingFunction]:
        """Those that no trigger of the definition needs, also one whose table was made anew under its old name."""
        wishes = self._wishes(self.wanted)
        return [one for one in self.functions if (one.name, one.oid) not in wishes]

    def _here(self, each: Ddl) -> dict[str, StandingTrigger]:
        return {one.name: one for one in self.triggers if one.oid == each.oid and not one.copy}

    def _of_table(self, each: Ddl) -> Iterator[Difference]:
        here = self._here(each)
        for trigger in each.triggers:
            kind = self._trigger(each, trigger, here.get(trigger.name))
            if kind is not None:
                yield Difference(each.relation, trigger.name, kind, _MEND[kind])

    def _trigger(self, each: Ddl, wanted: Trigger, there: StandingTrigger | None) -> Kind | None:
        if there is None:
            return Kind.MISSING
        if not _same_trigger(each, wanted, there, self.columns.get(each.oid, ())):
            return Kind.CHANGED
        return Kind.DISABLED if there.enabled != self.right else None

    @staticmethod
    def _wishes(wanted: Sequence[Ddl]) -> dict[tuple[str, int], str]:
        """The functions' statements by name and the table whose rows they take."""
        return {
            (name, each.oid if name.startswith("value_") else 0): text
            for each in wanted
            for name, text in zip(each.names, each.functions, strict=True)
        }

    def _function(self, wish: tuple[str, int], text: str) -> Kind | None:
        there = [one for one in self.functions if (one.name, one.oid) == wish]
        if not there:
            return Kind.MISSING
        same = _same_function(text, there[0], self.columns.get(wish[1], ()))
        return None if same and len(there) == 1 else Kind.CHANGED


_MEND = {
    Kind.MISSING: "make the trigger",
    Kind.CHANGED: "restore the altered trigger",
    Kind.DISABLED: "enable the trigger",
}


def _same_trigger(each: Ddl, wanted: Trigger, there: StandingTrigger, columns: Collection[str]) -> bool:
    return (
        there.plain
        and there.type == _TYPES[wanted.name.rpartition("_")[2]]
        and there.function == each.names[-1]
        and same_tests(compared(wanted.statements[0]), compared(there.text), columns)
    )


def _same_function(wanted: str, there: StandingFunction, columns: Collection[str]) -> bool:
    if there.oid:
        return not there.body and same_values(taken(wanted), taken(there.sql_body), columns)
    settings = {name.lower() for name in re.findall(r"\bSET (\w+) =", wanted.partition("$capture$")[0])}
    return (
        there.body == wanted.split("$capture$")[1]
        and there.definer
        and settings == {one.partition("=")[0].lower() for one in there.settings}
        and "search_path=pg_catalog, pg_temp" in there.settings
    )


def installed(connection: Connection, index: int, definition: Definition, *, with_new: bool = True) -> list[Difference]:
    """What `install` would do: triggers and functions that are missing, altered, disabled or superfluous.

    `with_new`: also what lacks on tables that became partitions or heirs since the definition was made.
    """
    return compare(connection, index, definition, with_new=with_new).differences()


def compare(connection: Connection, index: int, definition: Definition, *, with_new: bool = True) -> Compared:
    """The definition beside what stands."""
    wanted = ddl(index, _grown(connection, definition) if with_new else definition)
    columns: dict[int, set[str]] = defaultdict(set)
    for oid, name in connection.execute(_SQL["columns"], {"tables": [each.oid for each in wanted]}):
        columns[oid].add(name)
    right = "A" if definition.capture == "always" else "O"
    return Compared(wanted, right, standing_triggers(connection, index), _functions(connection, index), dict(columns))


def standing(connection: Connection, index: int) -> Compared:
    """What stands, and nothing wanted."""
    return Compared([], "O", standing_triggers(connection, index), _functions(connection, index), {})


def standing_triggers(connection: Connection, index: int) -> list[StandingTrigger]:
    """Every trigger of the index."""
    pattern = {"pattern": rf"outbox\_{index}\_%"}
    return [StandingTrigger(*row) for row in connection.execute(_SQL["triggers"], pattern)]


def _functions(connection: Connection, index: int) -> list[StandingFunction]:
    patterns = {"capture": rf"capture\_{index}\_%", "value": rf"value\_{index}\_%"}
    return [StandingFunction(*row) for row in connection.execute(_SQL["functions"], patterns)]


def _grown(connection: Connection, definition: Definition) -> Definition:
    """With the partitions and heirs that its tables got since it was made, which are captured as their parents are."""
    tables = {table.oid: table for table in definition.tables}
    for above, oid, schema, name, partition in connection.execute(_SQL["descendants"], {"tables": list(tables)}):
        if oid not in tables:
            relation = sql.Identifier(schema, name).as_string(None)
            tables[oid] = replace(tables[above], relation=relation, oid=oid, partition=partition)
    return replace(definition, tables=tuple(tables.values()))
