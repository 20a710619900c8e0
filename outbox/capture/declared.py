"""The ways that the settings declare, where the view itself gives none. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from outbox.capture.catalogue import Catalogue, Relation
from outbox.capture.graph import Name
from outbox.problems import Code, Problem, Severity

EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class Declared:
    """`written`: tables with their SQL; `everything`: tables whose any change re-indexes all documents.

    `unread`: the tables among them that the view does not read by itself, but through a function.
    """

    written: tuple[tuple[Relation, str], ...]
    everything: frozenset[Name]
    unread: tuple[Relation, ...]

    @property
    def tables(self) -> frozenset[Name]:
        """All of them."""
        return self.everything | {relation.name for relation, _ in self.written}


def declarations(catalogue: Catalogue, ways: Mapping[str, str]) -> tuple[Declared, list[Problem]]:
    """The declared ways by table, and the tables named that there are none of."""
    tables = {".".join(relation.name): relation for relation in catalogue.tables()}
    read = {oid for reads in catalogue.reads.values() for oid in reads}
    known = [(tables[name], text.strip()) for name, text in ways.items() if name in tables]
    problems = [_unknown(name) for name in ways if name not in tables]
    declared = Declared(
        written=tuple((relation, text) for relation, text in known if text != EVERYTHING),
        everything=frozenset(relation.name for relation, text in known if text == EVERYTHING),
        unread=tuple(relation for relation, _ in known if relation.oid not in read),
    )
    return declared, problems


def _unknown(name: str) -> Problem:
    what = "[ways] names this table, which there is none of in this database."
    return Problem(Code.DECLARED_WAY, Severity.ERROR, name, what, 'Name it with its schema, e.g. "public.acl".')
