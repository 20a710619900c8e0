"""Lists of a view whose order Postgres may choose anew at each read. Pure.

Equal documents would then have different hashes, and `verify` would report drift where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from outbox.capture.barriers import aggregates, walk_own
from outbox.capture.graph import Name
from outbox.capture.texts import NotRead, Shape, joins, parsed
from outbox.problems import Code, Problem, Severity

# The aggregates of Postgres that keep the order of their rows. Not in it: jsonb_object_agg, since jsonb sorts its
# names; any_value, which is written where all values are equal; and those of users, of which nothing is known.
_KEEP_ORDER = frozenset(
    {
        "array_agg",
        "string_agg",
        "json_agg",
        "json_agg_strict",
        "jsonb_agg",
        "jsonb_agg_strict",
        "json_object_agg",
        "json_object_agg_strict",
        "json_object_agg_unique",
        "json_object_agg_unique_strict",
        "json_arrayagg",
        "json_objectagg",
        "xmlagg",
    }
)
_SQLGLOT_NAMES: dict[type[exp.Expr], str] = {
    exp.ArrayAgg: "array_agg",
    exp.GroupConcat: "string_agg",
    exp.JSONArrayAgg: "json_agg",
    exp.JSONObjectAgg: "json_object_agg",
}
# What has one answer for a list in any order; array_sort is Postgres 18's, sort that of the extension intarray.
_INDIFFERENT = (exp.Any, exp.ArrayOverlaps, exp.ArrayContainsAll, exp.ArrayContainedBy, exp.ArraySize, exp.ArraySort)
_INDIFFERENT_NAMES = frozenset({"cardinality", "array_length", "array_sort", "sort", "sort_asc", "sort_desc"})
_LONG = 100


def unordered(shape: Shape) -> Iterator[Problem]:
    """A warning for each list without an order, of the view and of those beneath it; none for a text that fails."""
    for name, text in shape.views.items():
        for source in (text.sql, text.pretty):
            try:
                tree = parsed(source)
            except NotRead:
                continue  # `find` says so
            yield from _of_view(name, tree, source.strip(), shape.aggregates)
            break


def _of_view(name: Name, tree: exp.Expr, source: str, names: frozenset[str]) -> Iterator[Problem]:
    for node in tree.walk():
        if _is_unordered(node, names):
            printed = _printed(node, source)
            short = printed if len(printed) <= _LONG else f"{printed[:_LONG]}…"
            what = f"{short} has no ORDER BY: equal documents may differ in the order of its values."
            yield Problem(Code.NO_ORDER, Severity.WARNING, ".".join(name), what, _cure(node, printed))


def _is_unordered(node: exp.Expr, names: frozenset[str]) -> bool:
    if isinstance(node, exp.Array):
        inner = node.expressions[0] if len(node.expressions) == 1 else None
        return isinstance(inner, exp.Query) and not _array_ordered(inner, names) and not _indifferent(node)
    if _name(node) not in _KEEP_ORDER:
        return False
    return not (_aggregate_ordered(node) or _indifferent(node))


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    known = _SQLGLOT_NAMES.get(type(node))
    return known or (node.sql_name().lower() if isinstance(node, exp.Func) else "")


def _aggregate_ordered(node: exp.Expr) -> bool:
    """By itself, by its window, or by the sorted sub-query that it reads.

    DISTINCT in an aggregate is done by sorting, in every version so far; in a SELECT it may be done by hashing.
    """
    if any(isinstance(part, (exp.Order, exp.Distinct)) for part in walk_own(node)):
        return True
    if (window := _window(node)) is not None:
        return bool(window.args.get("order")) or _named_window_ordered(window)
    select = node.find_ancestor(exp.Select)
    return select is not None and not select.args.get("group") and _reads_in_order(select)


def _window(node: exp.Expr) -> exp.Window | None:
    around = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
    return around if isinstance(around, exp.Window) else None


def _named_window_ordered(window: exp.Window) -> bool:
    name, select = window.args.get("alias"), window.find_ancestor(exp.Select)
    named = select.args.get("windows") or [] if select is not None else []
    return any(name is not None and one.name == name.name and one.args.get("order") for one in named)


def _array_ordered(query: exp.Expr, names: frozenset[str]) -> bool:
    """ARRAY(…) of one row at most, of sorted rows, or of rows that come in an order."""
    while isinstance(query, (exp.Subquery, exp.Paren)):
        query = query.this
    if query.args.get("order"):
        return True
    if not isinstance(query, exp.Select):
        return isinstance(query, exp.Values)
    if query.args.get("distinct"):
        return False
    return query.args.get("group") is None and (
        query.args.get("from_") is None or aggregates(query, names) or _one_row(query) or _reads_in_order(query)
    )


def _one_row(query: exp.Expr) -> bool:
    limit = query.args.get("limit")
    count = limit.args.get("count") or limit.args.get("expression") if limit is not None else None
    return count is not None and count.name == "1"


def _reads_in_order(select: exp.Select) -> bool:
    """Whether its only source has an order: Postgres' manual grants that of a sorted sub-query where nothing is joined.

    A function's rows (unnest, regexp_matches) come as the function gives them, VALUES as they are written.
    """
    source = select.args.get("from_")
    if source is None or joins(select) or joins(source.this):
        return False
    item = source.this
    inner = item.this if isinstance(item, (exp.Subquery, exp.Lateral)) else item
    if isinstance(inner, (exp.Select, exp.SetOperation)):
        return bool(inner.args.get("order"))
    if isinstance(item, exp.Table):
        return isinstance(item.this, exp.Func)
    return isinstance(inner, (exp.Unnest, exp.Func, exp.Values))


def _indifferent(node: exp.Expr) -> bool:
    around = node.parent
    while isinstance(around, (exp.Paren, exp.Cast, exp.Filter, exp.Coalesce)):
        around = around.parent
    if around is None:
        return False
    return isinstance(around, _INDIFFERENT) or _name(around) in _INDIFFERENT_NAMES


def _cure(node: exp.Expr, printed: str) -> str:
    if isinstance(node, exp.Array):
        return "Write ORDER BY 1 at the end of its SELECT, or another order that decides."
    if _window(node) is not None:  # Postgres takes no ORDER BY in a window's call
        return "Give its window ORDER BY … ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING."
    first = next(node.iter_expressions(), None)
    if isinstance(first, exp.Column) and _name(node) != "xmlagg":  # the type xml has no order
        return f"Write {printed[:-1]} ORDER BY {first.sql(dialect='postgres')}), or another order that decides."
    return f"Write {printed[:-1]} ORDER BY …), by columns that decide the order."


def _printed(node: exp.Expr, source: str) -> str:
    """The call as it stands in the text; where it cannot be found there, as sqlglot prints it."""
    starts = [one.meta["start"] for one in node.find_all(exp.Identifier) if "start" in one.meta]
    name = "ARRAY" if isinstance(node, exp.Array) else _name(node)
    begin = source.lower().rfind(f"{name.lower()}(", 0, min(starts, default=0))
    end = _closing(source, begin) if begin >= 0 else -1
    if end < 0:
        return node.sql(dialect="postgres", normalize_functions=False, comments=False)
    return " ".join(source[begin : end + 1].split())


def _closing(source: str, begin: int) -> int:
    """Where the first parenthesis after `begin` is closed, quoted ones left out; -1 if it is not."""
    depth, quote = 0, ""
    for place in range(begin, len(source)):
        letter = source[place]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        else:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if depth == 0 and letter == ")":
                return place
    return -1
