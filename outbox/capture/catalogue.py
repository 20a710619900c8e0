"""What Postgres itself knows of a view: what it reads, what its tables and columns are. The referee of the view's text.

Works on Postgres 14 to 18. Read in one transaction with nothing but `pg_catalog` in the search path.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from outbox.capture.graph import Name
from outbox.connection import Connection
from outbox.sql import queries

_SQL = queries("outbox.capture", "catalogue.sql")


@dataclass(frozen=True, slots=True)
class Type:
    """`kind` is Postgres' typtype; `base` of a domain, `element` of an array, else 0."""

    oid: int
    schema: str
    name: str
    kind: str
    base: int
    element: int
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table or view. `type` has its length, `bare_type` not; `collation` is None for the default."""

    number: int
    name: str
    type: str
    bare_type: str
    type_oid: int
    not_null: bool
    generated: str
    collation: str | None
    deterministic: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view or whatever else stands in a FROM; `kind` is Postgres' relkind.

    `owned`: our role is a member of its owner. `policed`: row-level security hides rows of it from us.
    """

    oid: int
    name: Name
    kind: str
    partition: bool
    row_security: bool
    forced: bool
    policed: bool
    owner: int
    owned: bool
    columns: tuple[Column, ...]
    unique: frozenset[str]
    primary_key: tuple[str, ...]
    children: tuple[int, ...]
    virtual: Mapping[str, frozenset[str]]

    def column(self, name: str) -> Column:
        """The column of that name; KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class View:
    """A view, its text and its stored parse tree. `owner` reads the tables, and may bypass their policies."""

    oid: int
    name: Name
    sql: str
    pretty: str
    action: str
    owner: int
    bypasses: bool

    def occurrences(self) -> Counter[int]:
        """How often each relation stands in a FROM of this very view (rtekind 0), by oid."""
        found = (int(oid) for oid in re.findall(r":rtekind 0 :relid (\d+)", self.action))
        return Counter(oid for oid in found if oid != self.oid)  # up to 15, a view's rule names the view itself twice

    def whole_rows(self) -> bool:
        """Whether some row is used as a whole: then pg_depend names none of its columns."""
        return bool(re.search(r":varattno 0 ", self.action))

    def count(self, mark: str) -> int:
        """How many queries in it are marked with, e.g., `hasAggs`."""
        return self.action.count(f":{mark} true")


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the view calls; `volatility` is i, s or v; `known`: Postgres' own or an extension's."""

    signature: str
    name: str
    volatility: str
    known: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything about one document view; `view` is the first of `views`."""

    view: View
    views: Mapping[int, View]
    relations: Mapping[int, Relation]
    reads: Mapping[int, Mapping[int, frozenset[int]]]
    types: Mapping[int, Type]
    functions: tuple[Function, ...]
    aggregates: frozenset[str]

    def base_type(self, oid: int) -> Type:
        """The type beneath the domains."""
        found = self.types[oid]
        while found.kind == "d":
            found = self.types[found.base]
        return found

    def tables(self) -> list[Relation]:
        """What the views read that is no view, and its children; sorted by name."""
        return sorted((one for one in self.relations.values() if one.kind != "v"), key=lambda one: one.name)


def find(connection: Connection, name: str) -> tuple[int, str] | None:
    """The oid and relkind of a relation by `schema.name`; None if there is none."""
    schema, _, relation = name.partition(".")
    row = connection.execute(_SQL["find"], {"schema": schema, "name": relation}).fetchone()
    return (row[0], row[1]) if row else None


def read(connection: Connection, view: int, also: Iterable[int] = ()) -> Catalogue:
    """Read everything about a view by its oid; `also` are relations that the settings name."""
    with connection.transaction():
        connection.execute(_SQL["pinned"])
        views = views_of(connection, view)
        reads = _reads(connection, list(views))
        relations = _relations(connection, {*also, *views, *(oid for one in reads.values() for oid in one)})
        return Catalogue(
            view=views[view],
            views=views,
            relations=relations,
            reads=reads,
            types=_types(connection, relations.values()),
            functions=_functions(connection, views.values()),
            aggregates=frozenset(row[0] for row in connection.execute(_SQL["aggregates"])),
        )


def views_of(connection: Connection, view: int) -> dict[int, View]:
    """The view and those beneath it, by oid; only pg_catalog may be in the search path."""
    return {row[0]: _view(row) for row in connection.execute(_SQL["views"], {"view": view})}


def _view(row: tuple[Any, ...]) -> View:
    oid, schema, name, sql, pretty, action, bypasses, owner = row
    return View(oid, (schema, name), sql, pretty, action, owner, bypasses)


def _reads(connection: Connection, views: list[int]) -> dict[int, dict[int, frozenset[int]]]:
    """By view and relation, the numbers of the columns that are read; 0 stands for the relation itself."""
    found: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for view, relation, number in connection.execute(_SQL["reads"], {"views": views}):
        found[view][relation].add(number)
    return {view: {oid: frozenset(numbers) for oid, numbers in one.items()} for view, one in found.items()}


def _relations(connection: Connection, oids: set[int]) -> dict[int, Relation]:
    """The relations with these oids, and the partitions and inheriting tables beneath them."""
    children = _grouped(connection, "children", {"relations": list(oids)})
    wanted = {"relations": sorted(oids | {child for each in children.values() for (child,) in each})}
    columns = {oid: [Column(*row) for row in rows] for oid, rows in _grouped(connection, "columns", wanted).items()}
    keys, primary, generated = (_grouped(connection, query, wanted) for query in ("keys", "primary_keys", "generated"))
    found = {}
    for oid, schema, name, kind, partition, row_security, forced, policed, owner, owned in connection.execute(
        _SQL["relations"], wanted
    ):
        names = {column.number: column.name for column in columns.get(oid, [])}
        found[oid] = Relation(
            oid=oid,
            name=(schema, name),
            kind=kind,
            partition=partition,
            row_security=row_security,
            forced=forced,
            policed=policed,
            owner=owner,
            owned=owned,
            columns=tuple(columns.get(oid, [])),
            unique=frozenset(names[number] for (number,) in keys.get(oid, [])),
            primary_key=tuple(names[number] for (number,) in primary.get(oid, [])),
            children=tuple(sorted(child for (child,) in children.get(oid, []))),
            virtual=_virtual(names, generated.get(oid, [])),
        )
    return found


def _grouped(connection: Connection, query: str, parameters: dict[str, Any]) -> dict[Any, list[tuple[Any, ...]]]:
    """The rows of a query by their first column."""
    grouped: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
    for first, *rest in connection.execute(_SQL[query], parameters):
        grouped[first].append(tuple(rest))
    return dict(grouped)


def _virtual(names: Mapping[int, str], rows: Iterable[tuple[Any, ...]]) -> dict[str, frozenset[str]]:
    """By virtual generated column, the columns that it is computed from."""
    sources: dict[str, set[str]] = defaultdict(set)
    for number, source in rows:
        sources[names[number]].add(names[source])
    return {name: frozenset(found) for name, found in sources.items()}


def _types(connection: Connection, relations: Iterable[Relation]) -> dict[int, Type]:
    oids = sorted({column.type_oid for relation in relations for column in relation.columns})
    return {row[0]: Type(*row) for row in connection.execute(_SQL["types"], {"types": oids})}


def _functions(connection: Connection, views: Iterable[View]) -> tuple[Function, ...]:
    actions = " ".join(view.action for view in views)
    called = re.findall(r":(?:funcid|opfuncid|aggfnoid|winfnoid|hashfuncid) (\d+)", actions)
    operators = re.findall(r":(?:opno|eqop|sortop) (\d+)", actions)
    wanted = {"functions": sorted({int(oid) for oid in called}), "operators": sorted({int(oid) for oid in operators})}
    return tuple(Function(*row) for row in connection.execute(_SQL["functions"], wanted))
