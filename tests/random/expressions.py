"""Random expressions over the columns of aliases: what a view shows, compares and filters by."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.random.world import KINDS, Table


@dataclass(frozen=True, slots=True)
class Source:
    """A table under the alias by which the view calls it."""

    alias: str
    table: Table

    def col(self, name: str) -> str:
        """A column, qualified."""
        return f"{self.alias}.{name}"


def shown(dice: Random, source: Source) -> str:
    """An expression of a type that a document may have."""
    name = dice.choice([*source.table.columns, *source.table.refs, *source.table.keys])
    column, kind = source.col(name), source.table.columns.get(name, "n")
    if kind in ("js", "pt", "uuid") or name == "uuid":
        return f"{column}::text"
    if kind == "jb":
        return dice.choice((f"{column}::text", f"{column} ->> 'k'"))
    if kind in ("t", "vc", "dig") and dice.random() < 0.4:
        return dice.choice((f"upper({column})", f"COALESCE({column}, '-')", f"{column} || 'x'", f"length({column})"))
    if kind in ("n", "big") and dice.random() < 0.3:
        return dice.choice((f"COALESCE({column}, 0)", f"CASE WHEN {column} > 2 THEN 'many' ELSE 'few' END"))
    return f"CASE WHEN {column} THEN 1 END" if kind == "b" and dice.random() < 0.4 else column


def sortable(dice: Random, source: Source) -> str:
    """An expression whose equal values have one text, so that a sort by it gives one result."""
    names = [name for name, kind in source.table.columns.items() if KINDS[kind].exact and kind not in ("b", "jb")]
    return source.col(dice.choice([*names, *source.table.refs]))


def whole(dice: Random, source: Source) -> str:
    """An integer."""
    names = [source.col(name) for name in [*source.table.of("n"), *source.table.refs]]
    chance = dice.random()
    if chance < 0.6:
        return dice.choice(names)
    if chance < 0.8:
        return f"{source.col(dice.choice(source.table.of('dig')))}::integer"
    return dice.choice((f"COALESCE({dice.choice(names)}, 1)", f"({dice.choice(names)} + 1)"))


def word(dice: Random, source: Source) -> str:
    """A text."""
    name = dice.choice(source.table.of("t", "vc", "dig", "en", "n", "big", "jb"))
    column = source.col(name)
    if source.table.columns[name] == "jb":
        return f"({column} ->> 'k')"
    if source.table.columns[name] in ("en", "n", "big"):
        return f"{column}::text"
    forms = (f"lower({column})", f"COALESCE({column}, 'a')", f"({column} || '')", f"trim({column})")
    return dice.choice((f"{column}::text", f"{column}::text", *forms))


def branching(dice: Random, source: Source) -> str:
    """A text by CASE or a function."""
    n, t = source.col(dice.choice(source.table.of("n"))), source.col(dice.choice(source.table.of("t")))
    return dice.choice((f"CASE WHEN {n} > 2 THEN {t} ELSE 'a' END", f"NULLIF({t}, 'b')", f"substr({t}, 1, 1)"))


def linked(dice: Random, one: Source, other: Source) -> str:
    """A condition that joins two sources, by reference if there is one, mostly."""
    refs = [f"{one.col(c)} = {other.col('id')}" for c, name in one.table.refs.items() if name == other.table.name]
    refs += [f"{other.col(c)} = {one.col('id')}" for c, name in other.table.refs.items() if name == one.table.name]
    return dice.choice(refs) if refs and dice.random() < 0.7 else natural(dice, one, other)


def natural(dice: Random, one: Source, other: Source) -> str:
    """A condition that joins two sources by values; never one that a hash join could not take."""
    if dice.random() < 0.5:
        return f"{whole(dice, one)} = {whole(dice, other)}"
    if dice.random() < 0.15:
        return f"{branching(dice, one)} = {word(dice, other)}"
    return f"{word(dice, one)} = {word(dice, other)}"


def loose(dice: Random, one: Source, other: Source) -> str:
    """As `linked`, and conditions of other kinds: arrays, ranges, nulls that are equal."""
    chance = dice.random()
    arrays = one.table.of("na", "ta")
    if arrays and chance < 0.4:
        return by_array(dice, one, dice.choice(arrays), other)
    if chance < 0.5:
        return f"{one.col(dice.choice(one.table.of('n')))} IS NOT DISTINCT FROM {whole(dice, other)}"
    if chance < 0.55:
        column = dice.choice(other.table.of("n"))
        return f"{whole(dice, one)} BETWEEN {other.col(column)} AND {other.col(column)} + 1"
    if chance < 0.6:
        return f"{word(dice, one)} LIKE {word(dice, other)} || '%'"
    return linked(dice, one, other)


def despite_null(dice: Random, one: Source, other: Source) -> str:
    """A condition that a null-extended row of the first source can fulfil."""
    n, t = one.col(dice.choice(one.table.of("n"))), one.col(dice.choice(one.table.of("t")))
    texts = [f"COALESCE({t}, 'a')", f"CASE WHEN {n} > 2 THEN {t} ELSE 'a' END"]
    texts += [f"ANY ({one.col(name)} || 'a'::text)" for name in one.table.of("ta")] * 4
    return dice.choice([f"{whole(dice, other)} = COALESCE({n}, 1)", *(f"{word(dice, other)} = {one}" for one in texts)])


def by_array(dice: Random, one: Source, array: str, other: Source) -> str:
    """A condition that joins two sources by the elements of an array."""
    column, whole_numbers = one.col(array), one.table.columns[array] == "na"
    value = (whole if whole_numbers else word)(dice, other)
    more = "1" if whole_numbers else "'a'::text"
    forms = [f"{value} = ANY ({column})"] * 3 + [f"{value} = ANY ({column} || {more})", f"{value} = {column}[1]"]
    same = [other.col(name) for name in other.table.of(one.table.columns[array])]
    return dice.choice([*forms, *(f"{column} && {name}" for name in same)])


def held(dice: Random, source: Source) -> str:
    """A condition of one source."""
    n, t = source.col(dice.choice(source.table.of("n"))), source.col(dice.choice(source.table.of("t", "vc")))
    conditions = [f"{n} > 1", f"{n} IS NOT NULL", f"{n} IS NULL", f"{t} <> 'a'", f"{t} = 'a'", f"{n} IN (1, 2)"]
    conditions += [f"lower({t}) LIKE 'a%'", f"({n} = 1 OR {t} = 'a')", f"COALESCE({n}, 3) > 2", f"NOT ({n} > 2)"]
    conditions += [source.col(name) for name in source.table.of("b")]
    conditions += [f"{source.col(name)} ->> 'k' IS NOT NULL" for name in source.table.of("jb")]
    return dice.choice(conditions)
