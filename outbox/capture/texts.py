"""The text of a view, and small questions about its parse tree. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from outbox.capture.expressions import bare, has_query
from outbox.capture.graph import Name, Region
from outbox.capture.scopes import Value, Values


@dataclass(frozen=True, slots=True)
class ViewText:
    """A view: the SELECT that `pg_get_viewdef` prints, and its columns in order.

    `pretty`: the same with fewer parentheses, for a text that the parser does not take with all of them.
    """

    sql: str
    columns: tuple[str, ...]
    pretty: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the text speaks of. `aggregates`: the names of all aggregate functions that the database has."""

    views: Mapping[Name, ViewText]
    tables: Mapping[Name, tuple[str, ...]]
    aggregates: frozenset[str] = frozenset()


class NotRead(Exception):
    """The text has something that is not understood, so that nothing could be said of the view at all."""


class SystemTable(NotRead):
    """A table of Postgres' own, which can have no triggers; the message is its name."""


class Recursive(NotRead):
    """A WITH RECURSIVE query that refers to itself."""


def parsed(sql: str) -> exp.Expr:
    """The parse tree of a query. Raises NotRead."""
    try:
        return unwrapped(sqlglot.parse_one(sql.strip().rstrip(";"), dialect="postgres"))
    except SqlglotError as error:
        raise NotRead(str(error).splitlines()[0]) from error


def joins(item: exp.Expr) -> list[exp.Join]:
    """The joins that hang on a FROM item or a SELECT, in order."""
    return item.args.get("joins") or []


def occurrence_column(occurrence: str, name: str) -> exp.Column:
    """A column of an occurrence, resolved."""
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(occurrence, quoted=True))


def unwrapped(query: exp.Expr) -> exp.Expr:
    """Without parentheses around it, whose LIMIT becomes its own."""
    while isinstance(query, (exp.Subquery, exp.Paren)):
        inner = query.this
        if query.args.get("with_") is not None:
            raise NotRead("a WITH before parentheses")
        for part in ("limit", "offset"):
            if query.args.get(part) is not None:
                inner.set(part, query.args[part])
        query = inner
    return query


def any_query(expression: exp.Expr) -> exp.Expr | None:
    """The sub-query of `ANY (SELECT …)` or `ANY (ARRAY(SELECT …))`."""
    expression = bare(expression)
    if not isinstance(expression, exp.Any):
        return None
    inner = bare(expression.this)
    if isinstance(inner, exp.Array) and len(inner.expressions) == 1:
        inner = bare(inner.expressions[0])
    return inner if isinstance(inner, exp.Query) else None


def unnested(item: exp.Expr) -> exp.Expr | None:
    """The array whose elements a FROM item gives, by unnest of it alone and without their numbers."""
    inner = item.this if isinstance(item, exp.Lateral) else item
    if not isinstance(inner, exp.Unnest) or len(inner.expressions) != 1 or inner.args.get("offset"):
        return None
    return None if has_query(inner) else inner.expressions[0]


def branch_values(values: Values, branch: Region) -> Values:
    """The values as they hold in one branch of a set operation."""
    return tuple(Value(value.expression, value.branch or branch) for value in values)
