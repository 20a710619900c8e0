"""Whether a column can be the key of documents. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from outbox.capture.catalogue import Catalogue, Column
from outbox.capture.ways import Root
from outbox.problems import Code, Problem, Severity

_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_TEXTS = frozenset({"text", "character varying"})
# By key type the types that `id` may be cast to: one key has one text then, before the cast and after it.
_FAMILIES = {
    **dict.fromkeys(_INTEGERS, _INTEGERS | _TEXTS),
    **dict.fromkeys(_TEXTS, _TEXTS),
    "uuid": _TEXTS | {"uuid"},
}


def key_problems(catalogue: Catalogue, root: Root) -> Iterator[Problem]:
    """The root's key must be unique, and equal keys must have one text."""
    relation = next(one for one in catalogue.tables() if one.name == root.occurrence.table)
    column = relation.column(root.key)
    where = f"{'.'.join(relation.name)}.{column.name}"
    if column.name not in relation.unique:
        what = "`id` is this column, which is not unique: two rows would be one document."
        cure = "Make it the primary key or UNIQUE; a composite key through a stored generated unique column."
        yield _error(Code.ID_NOT_A_KEY, where, what, cure)
    elif not column.not_null:
        what = "`id` is this column, which may be null: such rows are no documents."
        yield Problem(Code.ID_NULLABLE, Severity.WARNING, where, what, "ALTER COLUMN … SET NOT NULL, if none is.")
    yield from _type_problems(catalogue, root, column, where)


def _type_problems(catalogue: Catalogue, root: Root, column: Column, where: str) -> Iterator[Problem]:
    shown = catalogue.relations[catalogue.view.oid].column("id")
    family = _FAMILIES.get(column.bare_type)
    if family is None:
        what = f"a key of type {column.type} has no text of which one is sure."
        cure = "Keys are integers, uuid, text or varchar: use another unique column."
        yield _error(Code.KEY_TYPE, where, what, cure)
    elif shown.bare_type not in family or not all(_keeps_text(cast, family) for cast in root.casts):
        what = f"`id` casts it to {shown.type}, which may give another text than the key has."
        yield _error(Code.KEY_TYPE, where, what, "Show the column as it is, or cast it to text.")
    if not (column.deterministic and shown.deterministic):
        what = "its collation takes different texts for equal, and Solr does not."
        yield _error(Code.KEY_TYPE, where, what, 'Use a column with a deterministic collation, e.g. "C".')


def _keeps_text(cast: exp.Expr, family: frozenset[str]) -> bool:
    """A cast within the family, without a length, which would cut."""
    name = cast.sql(dialect="postgres").lower()
    return {"int": "integer", "varchar": "character varying"}.get(name, name) in family


def _error(code: Code, where: str, what: str, cure: str) -> Problem:
    return Problem(code, Severity.ERROR, where, what, cure)
