"""The view as a graph: occurrences of tables, and the conditions between them. Pure.

A *region* is a part of the view whose conditions hold for a changed row of it, and need not hold for rows outside: the
nullable side of an outer join, a sub-query in an expression, a branch of a UNION. Of a row in region R those conditions
hold that stand in R and in the regions around it. Where one of them cannot hold for a null-extended row of another
nullable region, that region's row is there too, and with it the region's own conditions. So a way may use these, and
no others; a condition that mentions a row which may be null-extended proves nothing of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from outbox.capture.expressions import is_equality, is_link, occurrences, strict_on

Name = tuple[str, str]
"""Schema and name of a relation."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """`nullable`: the side of an outer join that may be null-extended."""

    parent: Region | None = None
    nullable: bool = False

    def outwards(self) -> Iterator[Region]:
        """The region itself and those around it."""
        region: Region | None = self
        while region is not None:
            yield region
            region = region.parent


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """One place where the view reads a table. `name` is unique, `alias` that of the view's text."""

    name: str
    table: Name
    alias: str
    region: Region


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A conjunct with resolved columns, true for every row that matters in all of its regions."""

    expression: exp.Expr
    regions: frozenset[Region]
    occurrences: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chain:
    """The way from one occurrence to the root: the occurrences in order, and all conditions among them."""

    path: tuple[str, ...]
    conditions: tuple[exp.Expr, ...]


@dataclass(slots=True)
class Graph:
    """Filled by the reader of the view; `root` is the occurrence that the documents are rows of."""

    occurrences: dict[str, Occurrence] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    root: str = ""

    def add(self, expression: exp.Expr, *regions: Region) -> None:
        """Note a condition that holds in the regions."""
        self.conditions.append(Condition(expression, frozenset(regions), occurrences(expression)))

    def chain(self, start: str) -> Chain | None:
        """The shortest chain from an occurrence to the root; None where the view gives none.

        By equalities if they lead there; else by comparisons as well, which lead to more documents.
        """
        usable = self._usable(start)
        for conditions in ([one for one in usable if is_equality(one.expression)], usable):
            path = _shortest(conditions, start, self.root)
            if path is not None:
                among = [condition.expression for condition in conditions if condition.occurrences <= set(path)]
                return Chain(tuple(path), tuple(among))
        return None

    def _usable(self, start: str) -> list[Condition]:
        """The conditions that hold for every document that a row of `start` has a part in."""
        real = self._real(frozenset([self.occurrences[start].region]))
        return [one for one in self.conditions if one.regions <= real and self._proves(one)]

    def _proves(self, condition: Condition) -> bool:
        """Whether it links occurrences, whose rows cannot be null-extended where it stands."""
        if not (is_equality(condition.expression) or is_link(condition.expression)):
            return False
        real = self._real(condition.regions)
        return all(self._region(name) in real for name in condition.occurrences)

    def _real(self, regions: frozenset[Region]) -> set[Region]:
        """The regions whose rows are there, not null-extended, wherever the conditions of these regions hold.

        A row whose `id` is null is no document, so the root is never null-extended.
        """
        real = {around for region in regions for around in region.outwards()}
        _enter(self._region(self.root), real)
        size = 0
        while size < len(real):
            size = len(real)
            for condition in self.conditions:
                if condition.regions <= real:
                    for name in strict_on(condition.expression):
                        _enter(self._region(name), real)
        return real

    def _region(self, name: str) -> Region | None:
        occurrence = self.occurrences.get(name)
        return occurrence.region if occurrence else None


def _enter(region: Region | None, real: set[Region]) -> None:
    """Add the region and those around it, unless something other than an outer join stands between it and `real`."""
    entered = []
    while region is not None and region not in real:
        if not region.nullable:
            return
        entered.append(region)
        region = region.parent
    real.update(entered)


def _shortest(conditions: list[Condition], start: str, root: str) -> list[str] | None:
    came = {start: start}
    waiting = deque([start])
    while waiting and root not in came:
        here = waiting.popleft()
        for there in _neighbours(conditions, here):
            if there not in came:
                came[there] = here
                waiting.append(there)
    if root not in came:
        return None
    path = [root]
    while path[-1] != start:
        path.append(came[path[-1]])
    return path[::-1]


def _neighbours(conditions: list[Condition], here: str) -> Iterator[str]:
    for condition in conditions:
        if here in condition.occurrences:
            yield from condition.occurrences - {here}
