"""From a document view to the definition of its index, with every problem at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from outbox.capture import catalogue as catalogues
from outbox.capture import checks
from outbox.capture.catalogue import Catalogue, Column, Relation, View
from outbox.capture.compose import quoted
from outbox.capture.declared import Declared, declarations
from outbox.capture.fields import fields
from outbox.capture.graph import Occurrence, Region
from outbox.capture.keys import key_problems
from outbox.capture.lookups import Lookups
from outbox.capture.origin import origin
from outbox.capture.paths import Path, paths
from outbox.capture.proof import prove
from outbox.capture.read import enumerate_keys, read
from outbox.capture.tables import Tables
from outbox.capture.texts import Shape, ViewText
from outbox.capture.two_rows import two_rows
from outbox.capture.unordered import unordered
from outbox.capture.ways import EXCUSED, Found, Root, find
from outbox.connection import Connection
from outbox.index import Definition, OwnFields, Target
from outbox.problems import Code, Problem, Severity, errors
from outbox.settings import IndexSettings


@dataclass(frozen=True, slots=True)
class Analysis:
    """The definition, None where an error stands in its way, and the problems.

    `paths`: the chains that its ways were made of, declared ones left out; none where there is an error.
    """

    definition: Definition | None
    problems: list[Problem]
    paths: tuple[Path, ...] = ()


def analyse(connection: Connection, settings: IndexSettings, name: str, *, counted: bool = True) -> Analysis:
    """Read the view of an index. Changes nothing; what is wrong is in the result, and none of it is raised.

    `counted`: look for two rows of one id too, which may read the whole view.
    """
    found = catalogues.find(connection, settings.view)
    if found is None:
        what = "this view does not exist in the database."
        return _refused(Code.VIEW_MISSING, settings.view, what, "Create it, or mend `view` in the settings.")
    oid, kind = found
    if kind != "v":
        what, code = "this is no view.", Code.VIEW_NOT_A_VIEW
        if kind == "m":
            what, code = "a materialized view: REFRESH fires no triggers.", Code.MATERIALIZED_VIEW
        return _refused(code, settings.view, what, "Create a view that shows what the documents shall have.")
    catalogue = catalogues.read(connection, oid, _named_tables(connection, settings.ways))
    declared, problems = declarations(catalogue, settings.ways)
    text = find(catalogue.view.name, _shape(catalogue))
    problems += [*text.problems, *_objections(catalogue, text, declared)]
    if _all_declared(catalogue, declared):
        problems = [one for one in problems if one.code not in EXCUSED]
        text = replace(text, root=text.root or _origin(catalogue))
    definition, more = _definition(catalogue, settings, name, (text, declared))
    problems += more
    led: list[Path] = []
    if definition is not None and text.root is not None and not errors(problems):
        problems += prove(connection, definition)
        if not errors(problems):
            reads = all(one.code is not Code.KEYED_READ for one in problems)
            led = paths(catalogue, text, declared, _root(catalogue, text.root)[1])
            problems += Lookups(connection, catalogue).problems(led, definition, reads=reads)
            problems += two_rows(connection, catalogue, text.root) if counted else []
    if errors(problems):
        return Analysis(None, problems)
    return Analysis(definition, problems, tuple(led))


def _refused(code: Code, where: str, what: str, cure: str) -> Analysis:
    return Analysis(None, [Problem(code, Severity.ERROR, where, what, cure)])


def _named_tables(connection: Connection, ways: Iterable[str]) -> list[int]:
    found = (catalogues.find(connection, name) for name in ways)
    return [one[0] for one in found if one is not None]


def _shape(catalogue: Catalogue) -> Shape:
    names = {one.name: tuple(column.name for column in one.columns) for one in catalogue.relations.values()}
    views = {view.name: ViewText(view.sql, names[view.name], view.pretty) for view in catalogue.views.values()}
    return Shape(views, {name: names[name] for name in names if name not in views}, catalogue.aggregates)


def _objections(catalogue: Catalogue, text: Found, declared: Declared) -> list[Problem]:
    return [
        *checks.relations(catalogue),
        *checks.columns(catalogue),
        *checks.functions(catalogue, declared=bool(declared.unread)),
        *checks.referee(catalogue, text),
        *unordered(_shape(catalogue)),
    ]


def _definition(
    catalogue: Catalogue, settings: IndexSettings, name: str, said: tuple[Found, Declared]
) -> tuple[Definition | None, list[Problem]]:
    text, declared = said
    view = catalogue.relations[catalogue.view.oid]
    made, problems = fields(catalogue, settings.fields, settings.own_fields)
    shown = next((column for column in view.columns if column.name == "id"), None)
    if shown is None:
        what = "the view has no column `id`, which becomes Solr's id."
        return None, [
            *problems,
            Problem(Code.ID_MISSING, Severity.ERROR, ".".join(view.name), what, "Show the key AS id."),
        ]
    if text.root is None:
        return None, problems
    problems += key_problems(catalogue, text.root)
    root, key = _root(catalogue, text.root)
    tables = Tables(catalogue, text, declared, root, key)
    tables.collect()
    definition = Definition(
        name=name,
        view=quoted(view.name),
        root=quoted(root.name),
        key=key.name,
        key_type=shown.bare_type,
        fields=made,
        tables=tuple(tables.tables.values()),
        ways=tuple(tables.ways),
        read=read(view.name, shown.bare_type, made),
        enumerate=enumerate_keys(view.name, shown.bare_type),
        capture=settings.capture,
        target=_target(settings),
        fingerprint=fingerprint(catalogue.views.values()),
    )
    return definition, problems + tables.problems


def _all_declared(catalogue: Catalogue, declared: Declared) -> bool:
    """Whether every table that the view reads has declared ways: then its text does not matter."""
    read = {oid for reads in catalogue.reads.values() for oid in reads} - set(catalogue.views)
    return {catalogue.relations[oid].name for oid in read} <= declared.tables


def _origin(catalogue: Catalogue) -> Root | None:
    """The root by Postgres' own parse tree."""
    found = origin(catalogue, catalogue.view, "id")
    if found is None:
        return None
    table = catalogue.relations[found[0]].name
    return Root(Occurrence("o0", table, table[1], Region()), found[1], ())


def _root(catalogue: Catalogue, root: Root) -> tuple[Relation, Column]:
    relation = next(one for one in catalogue.relations.values() if one.name == root.occurrence.table)
    return relation, relation.column(root.key)


def fingerprint(views: Iterable[View]) -> str:
    """Of the texts of the view and of those beneath it: another one means that somebody altered a view."""
    texts = sorted((".".join(view.name), view.sql) for view in views)
    return hashlib.sha256("\0".join(part for text in texts for part in text).encode()).hexdigest()[:16]


def _target(settings: IndexSettings) -> Target:
    own = settings.own_fields
    return Target(
        commit_within_ms=round(settings.commit_within.total_seconds() * 1000),
        settle_ms=round(settings.settle.total_seconds() * 1000),
        deletes=settings.deletes,
        fence=settings.fence,
        scope=settings.scope,
        own_fields=OwnFields(own.version, own.deleted if settings.deletes == "tombstone" else "", own.hash),
        adopt=settings.adopt,
    )
