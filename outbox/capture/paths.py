"""The chains of a view as tables that are looked up one after the other, in both directions. Pure.

From a changed row to the root: what the relay does for an event. From the root to the row: what a read does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from outbox.capture.catalogue import Catalogue, Column, Relation
from outbox.capture.compose import way
from outbox.capture.declared import Declared
from outbox.capture.expressions import bare, columns_of, occurrences, plain_pair, text
from outbox.capture.graph import Chain
from outbox.capture.ways import Found


@dataclass(frozen=True, slots=True)
class Step:
    """One table that is looked up by equalities with tables before it.

    `place` is its number in the path: in `conditions` (SQL) it is called `t<place>`. `before`: the tables before it
    that the conditions name, by place. `elements`: what of it is compared, as CREATE INDEX writes it; none where no
    index can support it. `columns`: those among them that are columns as they stand.
    """

    place: int
    relation: Relation
    before: Mapping[int, Relation]
    conditions: tuple[str, ...]
    elements: tuple[str, ...]
    columns: frozenset[str]

    @property
    def single(self) -> bool:
        """Whether at most one row of the table fulfils the conditions."""
        return bool(self.columns & self.relation.unique)


@dataclass(frozen=True, slots=True)
class Path:
    """A chain; `relations` from the changed row's to the root's, called t0, t1, … in `conditions`.

    `direct`: the changed row has the document's key, so that no event of it is expanded. `alias`: what the view's text
    calls the occurrence.
    """

    alias: str
    relations: tuple[Relation, ...]
    conditions: tuple[exp.Expr, ...]
    direct: bool

    def forth(self) -> list[Step]:
        """The lookups of an expansion."""
        return self._steps(range(len(self.relations)))

    def back(self) -> list[Step]:
        """The lookups of a read."""
        return self._steps(range(len(self.relations))[::-1])

    def _steps(self, order: Sequence[int]) -> list[Step]:
        return [self._step(place, order[:number]) for number, place in enumerate(order) if number]

    def _step(self, place: int, before: Sequence[int]) -> Step:
        name, known = f"t{place}", {f"t{one}" for one in before}
        here = [one for one in self.conditions if name in occurrences(one) and occurrences(one) <= known | {name}]
        sides = [side for one in here for side in (bare(one.this), bare(one.expression)) if occurrences(side) == {name}]
        used = {other for one in here for other in occurrences(one)}
        return Step(
            place=place,
            relation=self.relations[place],
            before={one: self.relations[one] for one in before if f"t{one}" in used},
            conditions=tuple(text(one) for one in here),
            elements=tuple(dict.fromkeys(_element(side) for side in sides if not isinstance(side, exp.Any))),
            columns=frozenset(side.name for side in sides if isinstance(side, exp.Column)),
        )

    def pair(self) -> tuple[str, str] | None:
        """The column of t0 and that of t1 that alone lead from one to the other, if both are compared as they stand."""
        pairs = [plain_pair(one) for one in self.conditions if occurrences(one) == {"t0", "t1"}]
        if len(pairs) != 1 or pairs[0] is None:
            return None
        names = {side.table: side.name for side in pairs[0]}
        return names["t0"], names["t1"]

    def carried(self) -> list[str]:
        """The columns of the changed row that it is followed by."""
        return columns_of(list(self.conditions), "t0")


def paths(catalogue: Catalogue, found: Found, declared: Declared, key: Column) -> list[Path]:
    """One path for each occurrence that the view's own equalities lead from, but for tables with declared ways."""
    named = {one.name: one for one in catalogue.relations.values()}
    made = []
    for name, chain in found.chains.items():
        start = found.graph.occurrences[name]
        if chain is None or len(chain.path) == 1 or start.table in declared.tables:
            continue
        relations = tuple(named[found.graph.occurrences[one].table] for one in chain.path)
        direct = way(found.graph, chain, named, key, 0).is_key
        made.append(Path(start.alias, relations, _placed(chain), direct))
    return made


def _placed(chain: Chain) -> tuple[exp.Expr, ...]:
    """The conditions, with t0, t1, … for the occurrences."""
    places = {name: f"t{place}" for place, name in enumerate(chain.path)}
    conditions = tuple(condition.copy() for condition in chain.conditions)
    for condition in conditions:
        for column in condition.find_all(exp.Column):
            column.set("table", exp.to_identifier(places[column.table], quoted=True))
    return conditions


def _element(side: exp.Expr) -> str:
    """One side of an equality as an index has it: a column, or an expression in parentheses."""
    alone = side.copy()
    for column in alone.find_all(exp.Column):
        column.set("table", None)
    return text(alone) if isinstance(side, exp.Column) else f"({text(alone)})"
