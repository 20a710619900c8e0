"""Shapes of views over derived tables, windows, CTEs, nested views and set operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.random import shapes
from tests.random.draft import Draft, aggregate, chain, filtered, named, query
from tests.random.expressions import Source, held, linked, loose, shown, sortable, whole, word


def keyed_table(draft: Draft, *, collapsed: bool = True) -> tuple[str, str]:
    """A query with the columns k and v, and the expression of the document that k equals."""
    one = draft.take("link", "link", "a", "doc")
    text, made = chain(draft, one, draft.dice.choice((0, 1)), ("INNER", "LEFT"))
    source, where = named(one) + text, [held(draft.dice, one)] if draft.dice.random() < 0.3 else []
    key, of_doc = _key(draft, one)
    last = draft.dice.choice([one, *made])
    value = sortable(draft.dice, last)
    plain = query(f"{key} AS k, {value}::text AS v", source, where)
    if not collapsed:
        return plain, of_doc
    call = filtered(draft, aggregate(draft, last), one, *made)
    grouped = query(f"{key} AS k, {call}::text AS v", source, where, "GROUP BY " + draft.dice.choice((key, "1")))
    having = f"{grouped} HAVING count(*) < 3"
    order = sortable(draft.dice, last)
    only = query(f"DISTINCT ON ({key}) {key} AS k, {value}::text AS v", source, where, f"ORDER BY {key}, {order}, 2")
    rank = f"row_number() OVER (PARTITION BY {key} ORDER BY {order}, {value}::text)"
    window = query(f"{key} AS k, {rank} || ':' || {value}::text AS v", source, where)
    number = query(f"{key} AS k, {value}::text AS v, {rank} AS r", source, where)
    top = query("k, v", f"({number}) n", ["r <= 2"])
    if draft.dice.random() < 0.1:  # seldom, since no way can be proven
        return _ranked(draft, source, where, (key, value, sortable(draft.dice, one))), of_doc
    distinct = query(f"DISTINCT {key} AS k, {value}::text AS v", source, where)
    return draft.dice.choice((grouped, grouped, having, only, window, top, distinct)), of_doc


def _ranked(draft: Draft, source: str, where: list[str], columns: tuple[str, str, str]) -> str:
    """A query whose rows with one key depend on rows with others."""
    key, value, other = columns
    shown_ = f"{key} AS k, {value}::text AS v"
    first = query(f"DISTINCT ON ({other}) {shown_}", source, where, f"ORDER BY {other}, 2, 1")
    rank = f"dense_rank() OVER (PARTITION BY {other} ORDER BY {key}, {value}::text)"
    top = query("k, v", f"({query(f'{shown_}, {rank} AS r', source, where)}) n", ["r = 1"])
    limit = query(shown_, source, where, "ORDER BY 1, 2 LIMIT 4")
    greatest = query(f"max({key}) AS k, max({value}::text) AS v", source, where, f"GROUP BY {other}")
    return draft.dice.choice((first, top, limit, greatest))


def _key(draft: Draft, one: Source) -> tuple[str, str]:
    """What the query is keyed by, and its equal in the document."""
    if draft.dice.random() < 0.2:
        return word(draft.dice, one), word(draft.dice, draft.doc)
    if draft.dice.random() < 0.1:
        return whole(draft.dice, one), whole(draft.dice, draft.doc)
    name = {"link": "doc_id", "a": "id", "doc": "doc_id"}[one.table.name]
    return one.col(name), draft.doc.col("a_id" if one.table.name == "a" else "id")


def derived(draft: Draft) -> None:
    """Derived tables with GROUP BY, DISTINCT ON, windows; LATERAL with LIMIT."""
    for _ in range(draft.dice.choice((1, 1, 2))):
        text, of_doc = keyed_table(draft)
        alias = draft.alias("q")
        kind = draft.dice.choice(("LEFT", "INNER"))
        if draft.dice.random() < 0.3:
            inside = query(f"{alias}.v", f"({text}) {alias}", [f"{alias}.k = {of_doc}"], "ORDER BY 1 LIMIT 1")
            draft.show(f"({inside})")
        else:
            draft.source += f" {kind} JOIN ({text}) {alias} ON {alias}.k = {of_doc}"
            draft.show(f"{alias}.v")
    if draft.dice.random() < 0.5:
        lateral(draft)


def lateral(draft: Draft) -> None:
    """LATERAL with a LIMIT or an aggregate inside, or over the elements of an array."""
    one = draft.take()
    alias, value = draft.alias("l"), sortable(draft.dice, one)
    on = loose(draft.dice, draft.doc, one)
    limit = query(f"{value}::text AS v", named(one), [on], f"ORDER BY 1 LIMIT {draft.dice.choice((1, 2))}")
    whole_ = query(f"{aggregate(draft, one)}::text AS v", named(one), [on])
    draft.source += f" LEFT JOIN LATERAL ({draft.dice.choice((limit, whole_))}) {alias} ON true"
    draft.show(f"{alias}.v")
    arrays = draft.doc.table.of("na", "ta")
    if arrays:
        array, element = draft.dice.choice(arrays), draft.alias("e")
        two = draft.take("a", "b", "c")
        make = whole if draft.doc.table.columns[array] == "na" else word
        on = f"{make(draft.dice, two)} = {element}.v"
        source = f"unnest({draft.doc.col(array)}) {element}(v) JOIN {named(two)} ON {on}"
        draft.show(f"({query(aggregate(draft, two), source, [])})")


def ctes(draft: Draft) -> None:
    """WITH queries, also used twice or one by another."""
    text, of_doc = keyed_table(draft)
    draft.ctes.append(f"w1 AS {draft.dice.choice(('', 'MATERIALIZED '))}({text})")
    name = "w1"
    if draft.dice.random() < 0.4:
        draft.ctes.append(f"w2 (k, v) AS ({query('k, v', 'w1', ['v IS NOT NULL'])})")
        name = "w2"
    draft.source += f" {draft.dice.choice(('LEFT', 'INNER'))} JOIN {name} ON {name}.k = {of_doc}"
    draft.show(f"{name}.v")
    if draft.dice.random() < 0.5:
        again = query("count(*)", "w1 z", [f"z.k = {of_doc}"])
        draft.show(f"({again})")
    _more(draft)


def nested(draft: Draft) -> None:
    """Views beneath: one of keys and values, and one of the documents themselves."""
    text, of_doc = keyed_table(draft)
    draft.beneath.append(f"CREATE VIEW s.below (k, v) AS {text}")
    draft.source += f" {draft.dice.choice(('LEFT', 'INNER'))} JOIN s.below w ON w.k = {of_doc}"
    draft.show("w.v")
    _more(draft)
    if draft.dice.random() < 0.4:
        under = Draft(draft.dice, draft.world)
        draft.dice.choice((shapes.joins, shapes.correlated, shapes.filters))(under)
        draft.beneath.append(f"CREATE VIEW s.documents AS {under.sql}")
        draft.used |= under.used
        draft.source = draft.source.replace("s.doc d", "s.doc d JOIN s.documents m ON m.id::text = d.id::text", 1)
        if draft.world.key == "uuid":
            draft.source = draft.source.replace("m.id::text = d.id::text", "m.id::text = d.uuid::text")
        draft.show("m.v0")


def unions(draft: Draft) -> None:
    """Set operations beneath, with the key in each branch."""
    branches, of_doc = [], draft.doc.col("id")
    for name, key in draft.dice.sample([("link", "doc_id"), ("doc", "doc_id"), ("a", "n1"), ("b", "id")], 2):
        one = draft.take(name)
        where = [held(draft.dice, one)] if draft.dice.random() < 0.4 else []
        branches.append(query(f"{one.col(key)} AS k, {sortable(draft.dice, one)}::text AS v", named(one), where))
    word_ = draft.dice.choice(("UNION ALL", "UNION ALL", "UNION", "EXCEPT", "INTERSECT"))
    text = f"({branches[0]}) {word_} ({branches[1]})"
    alias = draft.alias("u")
    if draft.dice.random() < 0.5:
        draft.source += f" LEFT JOIN ({text}) {alias} ON {alias}.k = {of_doc}"
        draft.show(f"{alias}.v")
    else:
        inside = query(f"array_agg({alias}.v ORDER BY {alias}.v)", f"({text}) {alias}", [f"{alias}.k = {of_doc}"])
        draft.show(f"({inside})")
    _more(draft)


def _more(draft: Draft) -> None:
    """Sometimes a sub-query or a join beside it."""
    if draft.dice.random() < 0.4:
        one = draft.take()
        draft.show(shapes.subquery(draft, one, linked(draft.dice, draft.doc, one)))
    elif draft.dice.random() < 0.4:
        one = draft.take("a", "b")
        draft.join("LEFT", one, linked(draft.dice, draft.doc, one))
        draft.show(shown(draft.dice, one))


def mixed(draft: Draft) -> None:
    """Several of the others in one view."""
    parts = draft.dice.sample([shapes.joins, shapes.twice, shapes.correlated, shapes.filters, shapes.keyed], 2)
    for part in [*parts, draft.dice.choice((derived, unions, ctes))]:
        part(draft)


def either(*parts: Callable[[Draft], None]) -> Callable[[Draft], None]:
    """One of these by chance."""
    return lambda draft: draft.dice.choice(parts)(draft)


SHAPES: Mapping[str, Callable[[Draft], None]] = {
    "joins": shapes.joins,
    "the same table twice": shapes.twice,
    "sub-queries": shapes.correlated,
    "filters": shapes.filters,
    "values and casts": shapes.keyed,
    "outer joins": shapes.outer,
    "composite keys, USING": either(shapes.composite, shapes.using),
    "derived tables": derived,
    "WITH and nested views": either(ctes, nested),
    "set operations": unions,
    "mixed": mixed,
}
