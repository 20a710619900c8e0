"""The SQL of a way: the changed row's occurrence is replaced by the values that its event carries. Pure.

So the view's own conditions, casts included, are evaluated by the relay over the tables as they stand, and never in the
user's transaction, where a cast that fails would make the user's statement fail.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from psycopg import sql
from sqlglot import exp

from outbox.capture.catalogue import Column, Relation
from outbox.capture.expressions import columns_of, needed_columns, plain_pair, text
from outbox.capture.graph import Chain, Graph, Name
from outbox.index import Carried, Way
from outbox.sql import queries

_SQL = queries("outbox.capture", "ways.sql")
_PARAMETER = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([12])(?!\d)""")
_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_TEXTS = frozenset({"text", "character varying"})


def quoted(name: Name) -> str:
    """A relation as SQL."""
    return sql.Identifier(*name).as_string(None)


def doubled(fragment: str) -> sql.SQL:
    """SQL made from the view, as part of a statement with parameters: a percent sign in it is none of ours."""
    return sql.SQL(fragment.replace("%", "%%"))


def identifier(*parts: str) -> sql.SQL:
    """A name as part of a statement with parameters."""
    return doubled(sql.Identifier(*parts).as_string(None))


def way(graph: Graph, chain: Chain, relations: dict[Name, Relation], key: Column, number: int) -> Way:
    """The way along a chain of at least two occurrences."""
    start = graph.occurrences[chain.path[0]]
    relation = relations[start.table]
    conditions = list(chain.conditions)
    needed = needed_columns(conditions, start.name)
    columns = [relation.column(name) for name in columns_of(conditions, start.name)]
    direct = _key_column(graph, chain, relation, key)
    if direct is not None:
        columns, needed = [direct], frozenset([direct.name])
    carried = tuple(Carried(one.name, one.bare_type, one.name in needed) for one in columns)
    statements = ("", "") if direct else _statements(graph, chain, columns, key)
    return Way(
        number=number,
        table=quoted(start.table),
        occurrence=start.alias,
        carried=carried,
        is_key=direct is not None,
        declared=False,
        expand=statements[0],
        enumerate=statements[1],
        description=_description(graph, chain),
    )


def _key_column(graph: Graph, chain: Chain, relation: Relation, key: Column) -> Column | None:
    """The column of the changed row that is the document's key itself, if its text is sure to be the same."""
    start, root = chain.path[0], chain.path[-1]
    if len(chain.path) != 2:
        return None
    for condition in chain.conditions:
        pair = plain_pair(condition)
        for mine, other in (pair, pair[::-1]) if pair else ():
            if (mine.table, other.table, other.name) == (start, root, key.name):
                column = relation.column(mine.name)
                if _same_text(column, key):
                    return column
    return None


def _same_text(one: Column, other: Column) -> bool:
    """Whether equal values of the two columns are sure to have one text."""
    if not (one.deterministic and other.deterministic):
        return False
    types = {one.bare_type, other.bare_type}
    return types == {"uuid"} or types <= _INTEGERS or types <= _TEXTS


def _statements(graph: Graph, chain: Chain, columns: Sequence[Column], key: Column) -> tuple[str, str]:
    places = {name: f"t{place}" for place, name in enumerate(chain.path)}
    sources = [_source(graph, name, places[name]) for name in chain.path[1:]]
    conditions = sql.SQL(" AND ").join(doubled(f"({_placed(one, places)})") for one in chain.conditions)
    parts = {
        "key": identifier(places[chain.path[-1]], key.name),
        "values": sql.SQL(", ").join(_value(place, column) for place, column in enumerate(columns)),
        "conditions": conditions,
    }
    expand = sql.SQL(_SQL["expand"]).format(joins=_joined(sources), **parts)
    enumerate_ = sql.SQL(_SQL["enumerate"]).format(
        joins=_joined(sources[:-1]), root=sources[-1], key_type=doubled(key.bare_type), **parts
    )
    return expand.as_string(None), enumerate_.as_string(None)


def _source(graph: Graph, name: str, place: str) -> sql.Composed:
    return sql.SQL("{} AS {}").format(identifier(*graph.occurrences[name].table), identifier(place))


def _joined(sources: Sequence[sql.Composed]) -> sql.Composed:
    return sql.Composed([sql.SQL("CROSS JOIN {}\n        ").format(source) for source in sources])


def _value(place: int, column: Column) -> sql.Composed:
    """One carried value, of the column's own type and collation, so that it compares as the column does."""
    value = sql.SQL("(r.v->>{})::{}").format(sql.Literal(place), doubled(column.bare_type))
    if column.collation is not None:
        value = sql.SQL("{} COLLATE {}").format(value, doubled(column.collation))
    return sql.SQL("{} AS {}").format(value, identifier(column.name))


def _placed(condition: exp.Expr, places: dict[str, str]) -> str:
    placed = condition.copy()
    for column in placed.find_all(exp.Column):
        column.set("table", exp.to_identifier(places[column.table], quoted=True))
    return text(placed)


def _description(graph: Graph, chain: Chain) -> str:
    """The chain in the names of the view's text."""
    names = {name: graph.occurrences[name].alias for name in chain.path}
    parts = []
    for condition in chain.conditions:
        named = condition.copy()
        for column in named.find_all(exp.Column):
            column.set("table", exp.to_identifier(names[column.table]))
            column.this.set("quoted", False)
        parts.append(named.sql(dialect="postgres", normalize_functions=False, comments=False))
    return ", ".join(parts)


def declared_way(relation: Relation, columns: Sequence[Column], text: str, key: Column, number: int) -> Way:
    """A way that the settings give as SQL, from the values of these columns, old ($1) and new ($2), to keys."""
    replaced = _PARAMETER.sub(lambda match: _row(match, columns) if match[1] else match[0], text.strip().rstrip(";"))
    fragment = doubled(replaced)
    expand = sql.SQL(_SQL["expand_declared"]).format(declared=fragment)
    enumerate_ = sql.SQL(_SQL["enumerate_declared"]).format(declared=fragment, key_type=doubled(key.bare_type))
    return Way(
        number=number,
        table=quoted(relation.name),
        occurrence=relation.name[1],
        carried=tuple(Carried(column.name, column.bare_type, False) for column in columns),
        is_key=False,
        declared=True,
        expand=expand.as_string(None),
        enumerate=enumerate_.as_string(None),
        description="declared in the settings",
    )


def _row(match: re.Match[str], columns: Sequence[Column]) -> str:
    """The row as jsonb, null where there is none: the old one of an insert, the new one of a delete."""
    row = f"e.route->{int(match[1]) - 1}"
    parts = ", ".join(
        f"{sql.quote(column.name)}, ({row}->>{place})::{column.bare_type}" for place, column in enumerate(columns)
    )
    return f"(CASE WHEN jsonb_typeof({row}) = 'array' THEN jsonb_build_object({parts}) END)"
