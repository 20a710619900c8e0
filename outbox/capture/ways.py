"""From the text of a document view to its root and to the chains from each occurrence of a table to it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from outbox.capture.barriers import has_aggregate, is_limited, windows
from outbox.capture.expressions import bare
from outbox.capture.graph import Chain, Graph, Name, Occurrence, Region
from outbox.capture.reader import Reader
from outbox.capture.texts import NotRead, Recursive, Shape, SystemTable
from outbox.problems import Code, Problem, Severity

CURE_TABLES = 'Declare the ways of its tables in [index.NAME.ways], as SQL or as "all"'
# What nothing has to be known of, once every table has a declared way.
EXCUSED = frozenset(
    {Code.VIEW_NOT_READ, Code.RECURSIVE, Code.OCCURRENCES, Code.WINDOW, Code.DISTINCT_DOCUMENTS, Code.LIMIT_DOCUMENTS}
)


@dataclass(frozen=True, slots=True)
class Root:
    """Where `id` comes from: the occurrence, its column, and the types that it is cast to, the innermost first."""

    occurrence: Occurrence
    key: str
    casts: tuple[exp.Expr, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What the text of the view says.

    `chains`: for each occurrence the chain to the root, None where there is none. `seen`: for each view how often each
    table stands in its text. `aggregating`: for each view the number of its queries that call aggregates. Where the
    view is refused as a whole, `root` is None and a problem says why.
    """

    graph: Graph
    root: Root | None
    chains: Mapping[str, Chain | None]
    seen: Mapping[Name, Counter[Name]]
    aggregating: Mapping[Name, int]
    problems: tuple[Problem, ...]


def find(view: Name, shape: Shape) -> Found:
    """Read the view; every problem of its text at once."""
    reader = Reader(shape)
    where = ".".join(view)
    top = Region()
    try:
        problems = _over_documents(reader.tree(view), where)
        columns = reader.view(view, top)
    except Recursive as error:
        return _nothing(reader, _error(Code.RECURSIVE, where, f"{error}: no way can be read from it."))
    except SystemTable as error:
        what = "a table of Postgres' own catalogue has no triggers."
        return _nothing(reader, _error(Code.SYSTEM_TABLE, str(error), what, "Leave it out"))
    except NotRead as error:
        return _nothing(reader, _error(Code.VIEW_NOT_READ, where, f"its text is not understood ({error})."))
    shown = [column.values for column in columns if column.name == "id"]
    values = shown[0] if shown else ()
    root = _root(reader.graph, [value.expression for value in values])
    if root is None and shown and not problems:
        problems.append(_not_a_key(reader, where))
    chains: dict[str, Chain | None] = {}
    if root is not None:
        reader.graph.root = root.occurrence.name
        chains = {name: reader.graph.chain(name) for name in reader.graph.occurrences}
    return Found(reader.graph, root, chains, _counts(reader), _aggregating(reader), tuple(problems))


def _nothing(reader: Reader, problem: Problem) -> Found:
    return Found(reader.graph, None, {}, {}, {}, (problem,))


def _error(code: Code, where: str, what: str, cure: str = CURE_TABLES) -> Problem:
    return Problem(code, Severity.ERROR, where, what, f"{cure}.")


def _over_documents(query: exp.Expr, where: str) -> list[Problem]:
    """What stands over the documents as a whole, so that one changed row alters documents that it is no part of."""
    problems = []
    if isinstance(query, exp.SetOperation):
        what = "the view is a set operation: its documents have no single root table."
        problems.append(_error(Code.SET_OPERATION, where, what, "Make one index of each branch"))
    elif query.args.get("distinct"):
        what = "DISTINCT over the documents: it cannot be told which rows a document is made of."
        problems.append(_error(Code.DISTINCT_DOCUMENTS, where, what, "Put what repeats into ARRAY(SELECT …) columns"))
    if is_limited(query):
        what = "LIMIT or OFFSET over the documents: a changed row pushes others in or out."
        problems.append(_error(Code.LIMIT_DOCUMENTS, where, what, "Leave it out, or write the condition into WHERE"))
    if isinstance(query, exp.Select) and windows(query):
        what = "a window function over the documents: a changed row alters the documents beside it."
        problems.append(_error(Code.WINDOW, where, what, "Leave it out: Solr sorts and counts"))
    return problems


def _not_a_key(reader: Reader, where: str) -> Problem:
    """Why `id` could not be followed to a column: a barrier somewhere beneath, if there is one."""
    cure = "Show the root table's key, or a cast of it, as `id`"
    what = "`id` comes through {} beneath, behind which a changed row alters documents that it is no part of."
    nodes = [node for tree in map(reader.tree, reader.seen) for node in tree.find_all(exp.Query)]
    if any(is_limited(node) for node in nodes):
        return _error(Code.LIMIT_DOCUMENTS, where, what.format("a LIMIT or OFFSET"), cure)
    if any(isinstance(node, exp.Select) and windows(node) for node in nodes):
        return _error(Code.WINDOW, where, what.format("a window function"), cure)
    if any(isinstance(node, exp.SetOperation) for node in nodes):
        return _error(Code.SET_OPERATION, where, what.format("a set operation"), cure)
    return _error(Code.ID_NOT_A_KEY, where, "`id` is no column of one table, nor a cast of one.", cure)


def _root(graph: Graph, values: list[exp.Expr]) -> Root | None:
    if len(values) != 1:
        return None
    expression, casts = bare(values[0]), []
    while isinstance(expression, exp.Cast):
        casts.append(expression.args["to"])
        expression = bare(expression.this)
    if not isinstance(expression, exp.Column) or expression.table not in graph.occurrences:
        return None
    return Root(graph.occurrences[expression.table], expression.name, tuple(reversed(casts)))


def _counts(reader: Reader) -> dict[Name, Counter[Name]]:
    return {view: Counter(tables.values()) for view, tables in reader.seen.items()}


def _aggregating(reader: Reader) -> dict[Name, int]:
    names = reader.shape.aggregates

    def calls(select: exp.Select) -> bool:
        return any(has_aggregate(child, names) for child in select.iter_expressions() if child is not None)

    return {view: sum(map(calls, reader.tree(view).find_all(exp.Select))) for view in reader.seen}
