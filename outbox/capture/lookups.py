"""Lookups that no index supports: of the relay that expands an event, and of a read of documents.

Said of large tables only, by their size on disk: reading a small one from end to end takes less than a millisecond,
and a warning for every table of an empty database would be read by nobody. So run `outbox check` where the data is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from psycopg import sql

from outbox.capture.catalogue import Catalogue, Relation
from outbox.capture.compose import doubled, identifier, quoted
from outbox.capture.graph import Name
from outbox.capture.paths import Path, Step
from outbox.capture.proof import explain
from outbox.capture.scans import full_scans, supports
from outbox.connection import Connection
from outbox.index import Definition
from outbox.problems import Code, Problem, Severity
from outbox.sql import queries

_SQL = queries("outbox.capture", "lookups.sql")
LARGE = 100 * 8192
"""Bytes: a hundred pages, some thousand rows."""
_STRUCTURE = (
    "It stands in a sub-query that is computed as a whole: make that ARRAY(SELECT …), a sub-query in the SELECT list, "
    "or LATERAL, with the equality inside it."
)


@dataclass(slots=True)
class Lookups:
    """Asks Postgres; `large` are the tables of which it is worth while, also by the names of their partitions.

    `leading`: for each index of these its first column.
    """

    connection: Connection
    catalogue: Catalogue
    large: dict[Name, Relation] = field(default_factory=dict)
    leading: dict[str, str] = field(default_factory=dict)

    def problems(self, paths: list[Path], definition: Definition, *, reads: bool) -> list[Problem]:
        """A warning for each index that lacks. `reads`: look at the read of documents too."""
        self.large = self._large()
        if not self.large:
            return []
        oids = [oid for one in self.large.values() for oid in (one.oid, *one.children)]
        self.leading = dict(self.connection.execute(_SQL["leading"], {"relations": oids}).fetchall())
        found = [*self._of_events(paths), *self._of_declared(definition)]
        found += self._of_reads(paths, definition) if reads else ()
        return list({(one.where, one.cure): one for one in reversed(found)}.values())[::-1]

    def _large(self) -> dict[Name, Relation]:
        relations = self.catalogue.relations
        rows = self.connection.execute(_SQL["sizes"], {"relations": list(relations)})
        sizes = {oid: size or 0 for oid, size in rows}
        large = [one for one in self.catalogue.tables() if sum(sizes[oid] for oid in (one.oid, *one.children)) >= LARGE]
        large.sort(key=lambda one: len(one.children))  # partitions are tables too: their parents shall stand for them
        return {relations[oid].name: one for one in large for oid in (one.oid, *one.children)}

    def _of_events(self, paths: list[Path]) -> Iterator[Problem]:
        for path in paths:
            for step in () if path.direct else path.forth():
                if self._missing(step):
                    who = f"each change of {'.'.join(path.relations[0].name)} ({path.alias})"
                    yield _problem(step, who)

    def _of_declared(self, definition: Definition) -> Iterator[Problem]:
        for way in definition.ways:
            for table in self._scanned(way.expand) if way.declared else ():
                what = f"its declared way reads {quoted(table)} from end to end for each event: no index supports it."
                cure = f"CREATE INDEX CONCURRENTLY ON {quoted(table)} by the columns that the way's SQL compares."
                yield Problem(Code.NO_INDEX, Severity.WARNING, way.table, what, cure)

    def _of_reads(self, paths: list[Path], definition: Definition) -> Iterator[Problem]:
        for table in self._scanned(definition.read):
            steps = [step for path in paths for step in path.back() if step.relation.name == table]
            missing = [step for step in steps if self._missing(step)]
            yield from (_problem(step, "each read of documents") for step in missing)
            if not missing:
                what = "each read of documents reads this table from end to end."
                yield Problem(Code.KEYED_READ, Severity.WARNING, ".".join(table), what, _STRUCTURE)

    def _scanned(self, statement: str) -> list[Name]:
        """The large tables that the statement reads as a whole though it has an index for everything else."""
        plan = explain(self.connection, statement, nested=True)
        return sorted({self.large[name].name for name in full_scans(plan, self.leading) if name in self.large})

    def _missing(self, step: Step) -> bool:
        """Whether no index supports the lookup: by Postgres' own plan for it alone."""
        if step.relation.name not in self.large:
            return False
        return not supports(explain(self.connection, _probe(step)), f"t{step.place}", self.leading)


def _probe(step: Step) -> str:
    sources = [
        sql.SQL(_SQL["one_row"]).format(table=identifier(*relation.name), alias=identifier(f"t{place}"))
        for place, relation in step.before.items()
    ]
    return (
        sql.SQL(_SQL["probe"])
        .format(
            before=sql.SQL(" CROSS JOIN ").join(sources),
            table=identifier(*step.relation.name),
            alias=identifier(f"t{step.place}"),
            conditions=sql.SQL(" AND ").join(doubled(f"({one})") for one in step.conditions),
        )
        .as_string(None)
    )


def _problem(step: Step, who: str) -> Problem:
    where = ".".join(step.relation.name)
    if not step.elements:
        what = f"{who} reads this table from end to end: no index supports = ANY of a column that is an array."
        cure = "Keep the elements in a table of their own, one row for each, with an index."
        return Problem(Code.NO_INDEX, Severity.WARNING, where, what, cure)
    elements = ", ".join(step.elements)
    what = f"{who} reads this table from end to end: no index supports the lookup by {elements}."
    return Problem(Code.NO_INDEX, Severity.WARNING, where, what, _create(step.relation, elements))


def _create(relation: Relation, elements: str) -> str:
    if relation.kind == "p":  # Postgres refuses CONCURRENTLY here
        return f"Run CREATE INDEX ON {quoted(relation.name)} ({elements}); which keeps writers waiting meanwhile."
    return f"Run CREATE INDEX CONCURRENTLY ON {quoted(relation.name)} ({elements}); outside a transaction."
