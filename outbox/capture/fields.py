"""From the columns of a document view to the fields of Solr, and to the expressions that show them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql
from sqlglot import exp

from outbox.capture.catalogue import Catalogue, Column, Type
from outbox.capture.texts import NotRead, parsed
from outbox.index import Field
from outbox.problems import Code, Problem, Severity
from outbox.settings import OwnFieldNames
from outbox.solr.schema import BOX, STRING, TEXT, wanted
from outbox.sql import queries

_SQL = queries("outbox.capture", "fields.sql")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset({"_version_", "_root_", "_text_", "_nest_path_", "_nest_parent_", "_childDocuments_", "score"})
_STAMP = "outbox_stamp"
_NUMBERS = frozenset({"real", "double precision", "numeric"})
_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_STRINGS = frozenset({"character varying", "character", "bpchar", "uuid", "name", '"char"'})
_MOMENTS = {
    "timestamp with time zone": "({} AT TIME ZONE 'UTC')",
    "timestamp without time zone": "{}",
    "date": "{}::timestamp",
}
_CURES = {
    "geometry": "Show its box: outbox.envelope(ST_XMin(g), ST_XMax(g), ST_YMin(g), ST_YMax(g)).",
    "geography": "Show the box of it: outbox.envelope(ST_XMin(g::geometry), …).",
    "jsonb": "Solr would take an object as an update: show single values of it, e.g. c->>'name', or c::text.",
    "json": "Solr would take an object as an update: show single values of it, e.g. c->>'name', or c::text.",
    "bytea": "Show encode(c, 'base64'), or leave it out.",
    "interval": "Show extract(epoch FROM c), the seconds.",
    "hstore": "Solr would take an object as an update: show single values of it, e.g. c->'name', avals(c), or c::text.",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type becomes: the Solr type, and SQL for one value `{}` where JSON would not show it as Solr wants it."""

    solr_type: str
    element: str = ""


def fields(
    catalogue: Catalogue, overrides: Mapping[str, str], own: OwnFieldNames
) -> tuple[tuple[Field, ...], list[Problem]]:
    """One field for each column of the view, `id` the first, and what is wrong with them."""
    view = catalogue.relations[catalogue.view.oid]
    where = ".".join(view.name)
    found: list[Field] = []
    problems: list[Problem] = []
    for column in sorted(view.columns, key=lambda one: one.name != "id"):
        made = _field(catalogue, column, overrides.get(column.name))
        if isinstance(made, Field):
            found.append(made)
        else:
            problems.append(_problem(Code.COLUMN_TYPE, f"{where}.{column.name}", *made))
    problems += _unknown(overrides, {column.name for column in view.columns}, where)
    problems += _names(found, own, where)
    problems += _lost_boxes(catalogue, found, overrides)
    return tuple(found), problems


def _lost_boxes(catalogue: Catalogue, found: list[Field], overrides: Mapping[str, str]) -> list[Problem]:
    """Text columns made by outbox.envelope(…): Postgres gives a CASE or coalesce of a domain the type beneath it."""
    try:
        query = parsed(catalogue.view.pretty)
    except NotRead:
        return []
    texts = {field.name for field in found if field.solr_type == TEXT and field.name not in overrides}
    problems = []
    for part in query.expressions if isinstance(query, exp.Select) else ():
        calls = (str(dot.expression.name) for dot in part.find_all(exp.Dot) if dot.this.name == "outbox")
        if part.alias_or_name in texts and "envelope" in calls:
            what = "it is made by outbox.envelope(…), but a CASE or coalesce around it makes it a mere text."
            cure = f'Write {part.alias_or_name} = "{BOX}" (or "{TEXT}") in [index.NAME.fields].'
            where = ".".join((*catalogue.view.name, part.alias_or_name))
            problems.append(Problem(Code.COLUMN_TYPE, Severity.WARNING, where, what, cure))
    return problems


def _problem(code: Code, where: str, what: str, cure: str) -> Problem:
    return Problem(code, Severity.ERROR, where, what, cure)


def _field(catalogue: Catalogue, column: Column, override: str | None) -> Field | tuple[str, str]:
    """The field of a column; or what is wrong with it, and the cure."""
    name = sql.Identifier("d", column.name).as_string(None)
    if column.name == "id":
        return Field("id", column.type, STRING, False, f"{name}::text")
    declared, base = catalogue.types[column.type_oid], catalogue.base_type(column.type_oid)
    multivalued = base.element != 0
    kind = _kind(catalogue, catalogue.types[base.element] if multivalued else declared)
    if kind is None:
        of = "holds elements of type" if multivalued else "is of type"
        inner = catalogue.base_type(base.element) if multivalued else base
        cure = (
            "Cast it, c::text[], or show other values." if multivalued else _CURES.get(inner.name, "Cast it to text.")
        )
        return f"it {of} {inner.text}, which no field of Solr takes as it stands, whatever [fields] says.", cure
    solr_type = override or kind.solr_type
    if multivalued and solr_type == BOX:
        return "an array of boxes: a bbox field takes one.", "Show one box for a document."
    if override == BOX and base.text != "text":
        return f"it is of type {base.text}, and no box.", "Show what outbox.envelope(…) gives."
    return Field(column.name, column.type, solr_type, multivalued, _shown(name, kind, multivalued))


def _kind(catalogue: Catalogue, declared: Type) -> Kind | None:
    """What one value of the type becomes; None for a type that has to be cast."""
    if (declared.schema, declared.name) == ("outbox", "envelope"):
        return Kind(BOX)
    base = catalogue.base_type(declared.oid)
    if base.text == "text":
        return Kind(TEXT)
    if base.text in ("character", "bpchar"):
        return Kind(STRING, "{}::text")
    if base.text in _STRINGS or base.kind == "e" or (base.kind, base.name) == ("b", "citext"):
        return Kind(STRING)
    if base.text in _INTEGERS:
        return Kind("plong")
    if base.text in _NUMBERS:
        return Kind("pdouble", _SQL_PARTS["number"])
    if base.text == "boolean":
        return Kind("boolean")
    if base.text in _MOMENTS:
        utc = _MOMENTS[base.text].format("{value}")
        return Kind("pdate", _SQL_PARTS["moment"].replace("{utc}", utc))
    return None


def _template(name: str) -> str:
    """A template of fields.sql without its comments: it becomes a part of a longer statement."""
    lines = (line for line in _SQL[name].splitlines() if not line.startswith("--"))
    return " ".join(" ".join(lines).split())


_SQL_PARTS = {name: _template(name) for name in _SQL}


def _shown(name: str, kind: Kind, multivalued: bool) -> str:
    """The expression over the view's row that gives what JSON shall show."""
    if not kind.element:
        return name
    element = kind.element.replace("{}", "{value}")
    if not multivalued:
        return element.replace("{value}", name)
    return _SQL_PARTS["elements"].replace("{element}", element.replace("{value}", "u.v")).replace("{value}", name)


def _unknown(overrides: Mapping[str, str], columns: set[str], where: str) -> list[Problem]:
    cure = f"Its columns are: {', '.join(sorted(columns))}."
    return [
        _problem(Code.COLUMN_NAME, f"{where}.{name}", "[fields] names this column, which the view has not.", cure)
        for name in overrides
        if name not in columns
    ]


def _names(found: list[Field], own: OwnFieldNames, where: str) -> list[Problem]:
    """Names that Solr or we need for something else."""
    ours = {own.version, own.deleted, own.hash, _STAMP} - {""}
    problems = []
    for field in found:
        what = ""
        if field.name in _RESERVED:
            what = "Solr needs this name for itself."
        elif field.name in ours:
            what = "this is the name of one of our own fields."
        elif not _NAME.fullmatch(field.name):
            what = "Solr's queries take letters, digits and _ in a field's name only."
        if what:
            problems.append(_problem(Code.COLUMN_NAME, f"{where}.{field.name}", what, "Name it otherwise with AS."))
    return problems + _collisions(found, ours | {field.name for field in found}, where)


def _collisions(found: list[Field], taken: set[str], where: str) -> list[Problem]:
    """Text and boxes have companion fields (NAME_s, NAME_heatmap), which must not have the name of another field."""
    problems = []
    for field in found:
        for companion in {made.name for made in wanted([field])[0]} & (taken - {field.name}):
            what = f"{companion} is also the name of a companion field of {field.name}."
            problems.append(_problem(Code.COLUMN_NAME, f"{where}.{field.name}", what, "Name one otherwise with AS."))
    return problems
