"""The tables that a view reads, each with its tracked columns and its ways to the root. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from outbox.capture.catalogue import Catalogue, Column, Relation
from outbox.capture.compose import declared_way, quoted, way
from outbox.capture.declared import Declared
from outbox.capture.graph import Name
from outbox.capture.tracking import column_names, tracked
from outbox.capture.ways import CURE_TABLES, Found
from outbox.index import Table, Way
from outbox.problems import Code, Problem, Severity

VIRTUAL = "v"  # pg_attribute.attgenerated


@dataclass(slots=True)
class Tables:
    """Collects tables by their quoted names, the ways from them, and the occurrences that have none."""

    catalogue: Catalogue
    text: Found
    declared: Declared
    root: Relation
    key: Column
    tables: dict[str, Table] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def collect(self) -> None:
        """Every table that is read or declared, and whatever inherits from it."""
        read = {oid for reads in self.catalogue.reads.values() for oid in reads}
        for relation in self.catalogue.tables():
            unread = relation in self.declared.unread
            if relation.oid in read or unread:
                self._add(relation, whole=unread)

    def _add(self, relation: Relation, *, whole: bool) -> None:
        ways = self._ways(relation)
        for child in (relation, *(self.catalogue.relations[oid] for oid in relation.children)):
            one = Table(
                relation=quoted(child.name),
                oid=child.oid,
                tracked=tracked(self.catalogue, child, relation, whole=whole),
                ways=ways,
                root=relation.name == self.root.name,
                everything=relation.name in self.declared.everything,
                partition=child.partition,
            )
            known = self.tables.get(one.relation)
            self.tables[one.relation] = one if known is None else _both(known, one)

    def _ways(self, relation: Relation) -> tuple[int, ...]:
        if relation.name in self.declared.everything:
            return ()
        for declared, text in self.declared.written:
            if declared.oid == relation.oid:
                made = declared_way(relation, self._carried(relation), text, self.key, 0)
                return (self._numbered(made),)
        return self._derived(relation)

    def _carried(self, relation: Relation) -> Sequence[Column]:
        """What a declared way is given: the tracked columns and the primary key; all where nothing is known of them."""
        if relation in self.declared.unread:
            return [column for column in relation.columns if column.generated != VIRTUAL]
        names = column_names(self.catalogue, relation) | set(relation.primary_key)
        return [column for column in relation.columns if column.name in names]

    def _derived(self, relation: Relation) -> tuple[int, ...]:
        """By the view's own equalities, one way from each occurrence but the root's own."""
        named: dict[Name, Relation] = {one.name: one for one in self.catalogue.relations.values()}
        numbers: dict[int, None] = {}
        for name, chain in self.text.chains.items():
            occurrence = self.text.graph.occurrences[name]
            if occurrence.table != relation.name:
                continue
            if chain is None:
                what = f"no equality of the view leads from its occurrence {occurrence.alias} to the root."
                where = ".".join(relation.name)
                self.problems.append(Problem(Code.NO_WAY, Severity.ERROR, where, what, f"D{CURE_TABLES[1:]}."))
            elif len(chain.path) > 1:
                made = way(self.text.graph, chain, named, self.key, 0)
                self.problems += _virtual(relation, made)
                numbers[self._numbered(made)] = None
        return tuple(numbers)

    def _numbered(self, made: Way) -> int:
        """The number of the way, which is added unless it is there: two occurrences may lead the same way."""
        for known in self.ways:
            if _identity(known) == _identity(made):
                return known.number
        self.ways.append(replace(made, number=len(self.ways) + 1))
        return len(self.ways)


def _virtual(relation: Relation, made: Way) -> Iterator[Problem]:
    """The columns that a way starts from and no trigger can read: in its rows they are null."""
    for one in made.carried:
        if relation.column(one.name).generated == VIRTUAL:
            what = f"the view joins {made.occurrence} by {one.name}, a virtual generated column, null in a trigger."
            cure = f"Make it STORED, or d{CURE_TABLES[1:]}."
            yield Problem(Code.NO_WAY, Severity.ERROR, ".".join(relation.name), what, cure)


def _identity(one: Way) -> tuple[object, ...]:
    return one.table, one.carried, one.is_key, one.expand


def _both(one: Table, other: Table) -> Table:
    """A table that the view reads by itself and through its parent as well."""
    columns = {column.name: column for column in (*one.tracked, *other.tracked)}
    return replace(
        one,
        tracked=tuple(columns.values()),
        ways=tuple(dict.fromkeys((*one.ways, *other.ways))),
        root=one.root or other.root,
        everything=one.everything or other.everything,
        partition=one.partition or other.partition,
    )
