"""Which columns of a SELECT a changed row may be followed through. Pure.

Behind a GROUP BY a row changes its whole group, behind a window its partition, behind LIMIT any row at all. So a way
leaves a sub-query only through the columns that are the same for all the rows that one changed row can alter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from outbox.capture.expressions import bare


def walk_own(expression: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of an expression without those of its sub-queries."""
    yield expression
    for child in expression.iter_expressions():
        if not isinstance(child, exp.Query):
            yield from walk_own(child)


def is_limited(query: exp.Expr) -> bool:
    """LIMIT, OFFSET or FETCH."""
    return bool(query.args.get("limit") or query.args.get("offset"))


def aggregates(select: exp.Select, names: frozenset[str]) -> bool:
    """Whether an aggregate function of this very query level is in it; `names` are all that Postgres has."""
    places = [*select.expressions, select.args.get("having"), select.args.get("order")]
    return any(has_aggregate(place, names) for place in places if place is not None)


def has_aggregate(expression: exp.Expr, names: frozenset[str]) -> bool:
    """Whether an aggregate is called in the expression, other than as a window function."""
    if isinstance(expression, exp.Query):
        return False
    if isinstance(expression, exp.Window):
        arguments = list(bare(expression.this).iter_expressions())
        others = [child for child in expression.iter_expressions() if child is not expression.this]
        return any(has_aggregate(child, names) for child in [*arguments, *others])
    if isinstance(expression, (exp.AggFunc, exp.WithinGroup)) or _function(expression) in names:
        return True
    return any(has_aggregate(child, names) for child in expression.iter_expressions())


def _function(expression: exp.Expr) -> str:
    if isinstance(expression, exp.Anonymous):
        return str(expression.name).lower()
    return expression.sql_name().lower() if isinstance(expression, exp.Func) else ""


def windows(select: exp.Select) -> list[exp.Window]:
    """The window calls of this query level, also those that only choose rows: by ORDER BY under DISTINCT ON."""
    places = [*select.expressions, select.args.get("order"), select.args.get("distinct")]
    nodes = (node for place in places if place is not None for node in walk_own(place))
    return [node for node in nodes if isinstance(node, exp.Window)]


def collapses(query: exp.Expr, names: frozenset[str]) -> bool:
    """A SELECT that gives a row even where its FROM has none: aggregates without GROUP BY, or with empty sets in it."""
    if not isinstance(query, exp.Select):
        return False
    group = query.args.get("group")
    if group is None:
        return aggregates(query, names) or query.args.get("having") is not None
    return any(isinstance(node, (exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple)) for node in group.walk())


def visible(select: exp.Select, names: frozenset[str]) -> Callable[[exp.Expr], bool]:
    """A test for the expressions of the SELECT list that a way may leave it through."""
    if is_limited(select) or collapses(select, names):
        return lambda _: False
    allowed = [_partition(select, window) for window in windows(select)]
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on"):
        allowed.append(_texts(distinct.args["on"]))

    def test(expression: exp.Expr) -> bool:
        inner = bare(expression)
        if has_aggregate(inner, names) or inner.find(exp.Window):
            return False
        return all(inner.sql(dialect="postgres") in one for one in allowed)

    return test


def _partition(select: exp.Select, window: exp.Window) -> set[str]:
    """The texts of the PARTITION BY of a window, also of a named one; a name that is not found has none."""
    found = {bare(one).sql(dialect="postgres") for one in window.args.get("partition_by") or []}
    name = window.args.get("alias")
    for named in select.args.get("windows") or []:
        if name is not None and named.name == name.name:
            found |= {bare(one).sql(dialect="postgres") for one in named.args.get("partition_by") or []}
    return found


def _texts(on: exp.Expr) -> set[str]:
    parts = on.expressions if isinstance(on, exp.Tuple) else [on]
    return {bare(part).sql(dialect="postgres") for part in parts}
