"""The columns whose change alters documents, as Postgres' catalogue names them. Pure."""

from __future__ import annotations

from outbox.capture.catalogue import Catalogue, Column, Relation
from outbox.index import Tracked

# Types whose equality is that of their texts. Any other is compared by its text: json, xml and point have no equality
# at all, a box equals any of the same area, citext 'a' equals 'A', numeric 1.0 equals 1.00.
# The one text too many, that of -0, fields.sql levels.
_EXACT = frozenset(
    {"int2", "int4", "int8", "float4", "float8", "oid", "bool", "uuid", "bytea", "name", "char", "text", "varchar"}
    | {"date", "time", "timestamp", "timestamptz", "inet", "cidr", "macaddr"}
)


def tracked(
    catalogue: Catalogue, relation: Relation, parent: Relation | None = None, *, whole: bool = False
) -> tuple[Tracked, ...]:
    """The tracked columns of a table, in its own order; of a child those of its parent, which are named alike.

    `whole`: all of them, for a table that the view does not read by itself.
    """
    names = column_names(catalogue, parent or relation)
    return tuple(
        Tracked(one.name, not _exact(catalogue, one)) for one in relation.columns if whole or one.name in names
    )


def column_names(catalogue: Catalogue, relation: Relation) -> frozenset[str]:
    """The columns that any of the views reads; all of them where a view uses whole rows.

    A virtual generated column is not stored, so that a trigger does not see it: the columns that it is made of are.
    """
    numbers: set[int] = set()
    for view, reads in catalogue.reads.items():
        if relation.oid in reads:
            whole = catalogue.views[view].whole_rows()
            numbers |= {one.number for one in relation.columns} if whole else reads[relation.oid]
    names = {column.name for column in relation.columns if column.number in numbers}
    sources = {source for name in names for source in relation.virtual.get(name, ())}
    return frozenset(names - set(relation.virtual) | sources)


def _exact(catalogue: Catalogue, column: Column) -> bool:
    """Whether `IS DISTINCT FROM` sees every change that the document would show."""
    if not column.deterministic:
        return False
    base = catalogue.base_type(column.type_oid)
    if base.element:
        base = catalogue.base_type(base.element)
    return base.kind == "e" or (base.schema == "pg_catalog" and base.name in _EXACT)
