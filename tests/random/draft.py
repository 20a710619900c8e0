"""A view as it is written: its documents' source, what hangs on it, and the views beneath."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.random.expressions import Source, held, linked, loose, natural, shown, sortable
from tests.random.world import World


@dataclass(slots=True)
class Draft:
    """Collects the parts of a view; `doc` is the documents' source.

    `beneath`: statements to be run before. `outside`: what a sub-query in the SELECT list may name beside `doc`.
    """

    dice: Random
    world: World
    columns: list[str] = field(default_factory=list)
    source: str = "s.doc d"
    where: list[str] = field(default_factory=list)
    tail: str = ""
    ctes: list[str] = field(default_factory=list)
    beneath: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=lambda: {"doc"})
    outside: list[Source] = field(default_factory=list)
    number: int = 0

    @property
    def doc(self) -> Source:
        """The documents."""
        return Source("d", self.world.tables["doc"])

    def take(self, *names: str) -> Source:
        """A table, one of those named, under a new alias."""
        name = self.dice.choice(names or ("a", "b", "c", "link"))
        self.used.add(name)
        return Source(self.alias(name[0]), self.world.tables[name])

    def alias(self, letter: str) -> str:
        """A name that is not taken."""
        self.number += 1
        return f"{letter}{self.number}"

    def show(self, *expressions: str) -> None:
        """Columns of the document."""
        self.columns += expressions

    def join(self, kind: str, source: Source, on: str) -> None:
        """Hang a table on what is there."""
        self.source = f"{self.source} {kind} JOIN {named(source)} ON {on}"
        self.outside.append(source)

    @property
    def sql(self) -> str:
        """The view's query."""
        key = self.dice.choice((f"d.{self.world.key}", f"d.{self.world.key}", f"d.{self.world.key}::text"))
        own = shown(self.dice, self.doc)
        columns = ", ".join(f"{text} AS v{number}" for number, text in enumerate([own, *self.columns]))
        text = query(f"{key} AS id, {columns}", self.source, self.where, self.tail)
        return f"WITH {', '.join(self.ctes)} {text}" if self.ctes else text


def named(source: Source) -> str:
    """A table in FROM."""
    return f"s.{source.table.name} {source.alias}"


def query(columns: str, source: str, where: list[str], tail: str = "") -> str:
    """A SELECT."""
    condition = f"WHERE {' AND '.join(where)}" if where else ""
    return " ".join(part for part in ("SELECT", columns, "FROM", source, condition, tail) if part)


def chain(draft: Draft, start: Source, depth: int, kinds: tuple[str, ...]) -> tuple[str, list[Source]]:
    """Tables joined one to the other from `start` on: the text to be put behind it, and their sources."""
    made: list[Source] = []
    text, last = "", start
    nexts = {"doc": ("a", "b", "link", "pair"), "a": ("b", "a"), "b": ("c",), "link": ("a", "c"), "c": ("b",)}
    for _ in range(depth):
        one = draft.take(*nexts.get(last.table.name, ("a", "b", "c")))
        on = pair_linked(draft, last, one) if "pair" in (one.table.name, last.table.name) else None
        on = on or draft.dice.choice((linked, linked, linked, loose))(draft.dice, last, one)
        if draft.dice.random() < 0.25:
            on += f" AND {held(draft.dice, one)}"
        elif (
            made and draft.dice.random() < 0.25
        ):  # of rows that are there whatever it says, if the join is an outer one
            on += f" AND {natural(draft.dice, start, draft.dice.choice(made))}"
        text += f" {draft.dice.choice(kinds)} JOIN {named(one)} ON {on}"
        made.append(one)
        last = one
    return text, made


def pair_linked(draft: Draft, doc: Source, pair: Source) -> str | None:
    """By both columns of a composite key."""
    if doc.table.name != "doc" or pair.table.name != "pair":
        return None
    one = f"{doc.col('px')} = {pair.col('x')} AND {doc.col('py')} = {pair.col('y')}"
    row = f"({doc.col('px')}, {doc.col('py')}) = ({pair.col('x')}, {pair.col('y')})"
    return draft.dice.choice((one, row))


def aggregate(draft: Draft, source: Source) -> str:
    """An aggregate over a source, whose result does not depend on the order of its rows."""
    value = sortable(draft.dice, source)
    text = f"string_agg({value}::text, ',' ORDER BY {value}::text)"
    array = f"array_agg({value}::text ORDER BY {value}::text)"
    return draft.dice.choice((array, array, "count(*)", f"max({value}::text)", f"count(DISTINCT {value})", text))


def filtered(draft: Draft, call: str, *sources: Source) -> str:
    """The aggregate, sometimes of some rows alone."""
    if draft.dice.random() < 0.7:
        return call
    return f"{call} FILTER (WHERE {held(draft.dice, draft.dice.choice(sources))})"
