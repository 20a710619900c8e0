"""Whether the view has two rows of one id, which cannot both be its document.

Proven by the text where every join is by a unique column; else counted, for a bounded time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql
from sqlglot import exp

from outbox.capture.barriers import collapses, is_limited
from outbox.capture.bounded import bounded
from outbox.capture.catalogue import Catalogue, Relation
from outbox.capture.compose import identifier
from outbox.capture.expressions import bare, conjuncts
from outbox.capture.graph import Name
from outbox.capture.texts import NotRead, joins, parsed
from outbox.capture.ways import Root
from outbox.connection import Connection
from outbox.problems import Code, Problem, Severity
from outbox.sql import queries

_SQL = queries("outbox.capture", "two_rows.sql")
LONGEST_MS = 5000
_CURE = (
    "Put what repeats into ARRAY(SELECT … ORDER BY …) in place of its join, or join a sub-query that has one row for "
    "each key (GROUP BY, DISTINCT ON)."
)


def two_rows(
    connection: Connection, catalogue: Catalogue, root: Root, *, longest_ms: int = LONGEST_MS
) -> list[Problem]:
    """An error that names up to three ids, or a warning where the rows could not be counted in time."""
    if is_single(catalogue, root):
        return []
    view = ".".join(catalogue.view.name)
    try:
        rows = _repeated(connection, catalogue.view.name, longest_ms)
    except (psycopg.errors.QueryCanceled, psycopg.DataError) as error:
        reason = f"not in {longest_ms / 1000:g} s" if isinstance(error, psycopg.OperationalError) else _line(error)
        what = f"it could not be counted whether an id has two rows: {reason}."
        cure = f"Look by hand for ids that {view} has twice, or show the key of the root through unique joins only."
        return [Problem(Code.TWO_ROWS, Severity.WARNING, view, what, cure)]
    if not rows:
        return []
    named = ", ".join(f"{key} ({count} rows)" for key, count, _ in rows)
    ids = f"{rows[0][2]:,} ids have" if rows[0][2] > 1 else "one id has"
    what = f"{ids} more than one row: {named}{', …' if rows[0][2] > len(rows) else ''}."
    return [Problem(Code.TWO_ROWS, Severity.ERROR, view, what, _CURE)]


def _repeated(connection: Connection, view: Name, longest_ms: int) -> list[Any]:
    query = sql.SQL(_SQL["repeated"]).format(view=identifier(*view))
    with bounded(connection, longest_ms):
        return connection.execute(query).fetchall()


def _line(error: psycopg.Error) -> str:
    return str(error).splitlines()[0]


def is_single(catalogue: Catalogue, root: Root) -> bool:
    """Whether the text proves that a row of the root makes one document at most; False where it is not understood."""
    tables = {one.name: one for one in catalogue.relations.values() if one.kind in ("r", "p")}
    try:
        query = parsed(catalogue.view.pretty)  # its joins have no parentheses
    except NotRead:
        return False
    if not isinstance(query, exp.Select) or query.args.get("with_") or catalogue.view.count("hasTargetSRFs"):
        return False
    source = query.args.get("from_")
    if source is None:
        return False
    found = _Joined(tables, {*catalogue.aggregates})
    return found.read(source.this, joins(query), query.args.get("where")) and found.proves(root)


class _Joined:
    """The FROM items of one SELECT, and for each the conditions that its rows fulfil."""

    def __init__(self, tables: dict[Name, Relation], aggregates: set[str]) -> None:
        self.tables = tables
        self.aggregates = frozenset(aggregates)
        self.items: dict[str, Relation] = {}
        self.outer: dict[str, list[exp.Expr]] = {}
        self.inner: list[exp.Expr] = []

    def read(self, first: exp.Expr, hung: Iterable[exp.Join], where: exp.Expr | None) -> bool:
        """Note everything; False where something is no plain table, no sub-query of one row, or joined otherwise."""
        self.inner += [] if where is None else conjuncts(where.this)
        known = self._item(first)
        for join in hung:
            on = join.args.get("on")
            conditions = [] if on is None else list(conjuncts(on))
            known = known and not join.args.get("using") and not join.method and join.side in ("", "LEFT")
            known = known and self._item(join.this)
            if join.side == "LEFT":
                self.outer[join.this.alias_or_name] = conditions
            else:
                self.inner += conditions
        return known

    def _item(self, item: exp.Expr) -> bool:
        if joins(item):
            return False
        if isinstance(item, exp.Table) and (relation := self.tables.get((item.db, item.name))) is not None:
            self.items[item.alias_or_name] = relation
            return True
        return isinstance(item, (exp.Subquery, exp.Lateral)) and self._one_row(item.this)

    def _one_row(self, query: exp.Expr) -> bool:
        while isinstance(query, (exp.Subquery, exp.Paren)):
            query = query.this
        if not isinstance(query, exp.Select) or query.args.get("group"):
            return False
        return collapses(query, self.aggregates) or (is_limited(query) and _limit(query) == "1")

    def proves(self, root: Root) -> bool:
        """Whether from one row of the root every other table's row is fixed, step by step, by a unique column."""
        known = {name for name, one in self.items.items() if name == root.occurrence.alias and self._is(one, root)}
        if not known or known & set(self.outer):
            return False
        grown = True
        while grown:
            more = {name for name in set(self.items) - known if self._fixed(name, known)}
            known |= more
            grown = bool(more)
        return known == set(self.items)

    @staticmethod
    def _is(relation: Relation, root: Root) -> bool:
        return relation.name == root.occurrence.table and root.key in relation.unique

    def _fixed(self, name: str, known: set[str]) -> bool:
        for condition in [*self.inner, *self.outer.get(name, ())]:
            condition = bare(condition)
            if not isinstance(condition, exp.EQ):
                continue
            sides = bare(condition.left), bare(condition.right)
            for mine, other in (sides, sides[::-1]):
                if self._unique(mine, name) and _depends_on(other) <= known and other.find(exp.Query) is None:
                    return True
        return False

    def _unique(self, side: exp.Expr, name: str) -> bool:
        return isinstance(side, exp.Column) and side.table == name and side.name in self.items[name].unique


def _depends_on(expression: exp.Expr) -> set[str]:
    return {column.table for column in expression.find_all(exp.Column)}


def _limit(query: exp.Expr) -> str:
    limit = query.args.get("limit")
    count = limit.args.get("count") or limit.args.get("expression") if limit is not None else None
    return count.name if count is not None else ""
