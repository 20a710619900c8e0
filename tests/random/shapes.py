"""Shapes of views: joins, sub-queries in expressions, filters, outer joins, keys of many kinds."""

from __future__ import annotations

from tests.random.draft import Draft, aggregate, chain, filtered, named, pair_linked, query
from tests.random.expressions import Source, branching, despite_null, held, linked, loose, natural, shown, word


def joins(draft: Draft) -> None:
    """Chains of one to three joins along references."""
    for _ in range(draft.dice.choice((1, 1, 2))):
        text, made = chain(draft, draft.doc, draft.dice.randint(1, 3), ("LEFT", "LEFT", "INNER"))
        draft.source += text
        draft.outside += made
        draft.show(*(shown(draft.dice, one) for one in made))


def twice(draft: Draft) -> None:
    """The same table more than once, and the root's own rows as parents and children."""
    name = draft.dice.choice(("a", "b", "link", "doc"))
    for _ in range(2):
        one = draft.take(name)
        draft.join(draft.dice.choice(("LEFT", "INNER")), one, linked(draft.dice, draft.doc, one))
        draft.show(shown(draft.dice, one))
    parent = draft.take("doc")
    draft.show(subquery(draft, parent, f"{parent.col('id')} = {draft.doc.col('doc_id')}"))
    child = draft.take("doc")
    draft.show(subquery(draft, child, f"{child.col('doc_id')} = {draft.doc.col('id')}"))


def subquery(draft: Draft, source: Source, on: str) -> str:
    """A correlated sub-query with an aggregate, sometimes with joins inside."""
    text, made = chain(draft, source, draft.dice.choice((0, 0, 1, 2)), ("INNER", "LEFT"))
    where = [on, held(draft.dice, source)] if draft.dice.random() < 0.3 else [on]
    if draft.outside and draft.dice.random() < 0.3:
        where.append(natural(draft.dice, draft.doc, draft.dice.choice(draft.outside)))
    rows = draft.dice.choice([source, *made])
    call = filtered(draft, aggregate(draft, rows), source, *made)
    inner = query(call, named(source) + text, where)
    if draft.dice.random() < 0.2:
        inner = query("x.v", f"({query(f'{call} AS v', named(source) + text, where)}) x", [])
    value = shown(draft.dice, source)
    array = query(f"({value})::text", named(source) + text, where, "ORDER BY 1")
    return draft.dice.choice((f"({inner})", f"({inner})", f"ARRAY({array})"))


def correlated(draft: Draft) -> None:
    """Sub-queries in the SELECT list: aggregates, arrays, EXISTS."""
    for _ in range(draft.dice.choice((1, 2, 3))):
        one = draft.take()
        draft.show(subquery(draft, one, loose(draft.dice, draft.doc, one)))
    one = draft.take()
    inner = query("1", named(one), [linked(draft.dice, draft.doc, one), held(draft.dice, one)])
    exists = f"EXISTS ({inner})"
    draft.show(draft.dice.choice((exists, f"NOT {exists}", f"CASE WHEN {exists} THEN 'yes' ELSE 'no' END")))


def filters(draft: Draft) -> None:
    """Conditions on other tables that decide which documents there are."""
    for _ in range(draft.dice.choice((1, 1, 2))):
        draft.where.append(condition(draft))
    text, made = chain(draft, draft.doc, draft.dice.choice((1, 2)), ("LEFT", "INNER"))
    draft.source += text
    draft.show(shown(draft.dice, made[-1]))
    if draft.dice.random() < 0.5:
        draft.where.append(held(draft.dice, draft.dice.choice(made)))


def condition(draft: Draft) -> str:
    """EXISTS, NOT EXISTS, IN, = ANY, or a comparison with an aggregate."""
    one = draft.take("a", "b", "c", "link", "doc")
    text, made = chain(draft, one, draft.dice.choice((0, 1)), ("INNER", "LEFT"))
    where = [held(draft.dice, draft.dice.choice([one, *made]))] if draft.dice.random() < 0.4 else []
    on = linked(draft.dice, draft.doc, one)
    exists = f"EXISTS ({query('1', named(one) + text, [on, *where])})"
    inside = query(word(draft.dice, one), named(one) + text, where)
    inside = draft.dice.choice((f"IN ({inside})", f"= ANY ({inside})", f"= ANY (ARRAY({inside}))"))
    count = f"({query('count(*)', named(one) + text, [on, *where])}) < 3"
    other = f"({exists} OR {held(draft.dice, draft.doc)})"
    return draft.dice.choice((exists, exists, f"NOT {exists}", f"{word(draft.dice, draft.doc)} {inside}", count, other))


def keyed(draft: Draft) -> None:
    """Joins by values: casts, upper and lower case, expressions, arrays, nulls that are equal."""
    for _ in range(draft.dice.choice((1, 2, 2))):
        one = draft.take("a", "b", "c", "link", "pair")
        make = draft.dice.choice((natural, loose))
        draft.join(draft.dice.choice(("LEFT", "INNER")), one, make(draft.dice, draft.doc, one))
        draft.show(shown(draft.dice, one))
    one = draft.take()
    on = f"{branching(draft.dice, one)} = {word(draft.dice, draft.doc)}"
    draft.show(subquery(draft, one, draft.dice.choice((natural(draft.dice, draft.doc, one), on))))


def outer(draft: Draft) -> None:
    """Sides that may be null-extended: RIGHT and FULL joins, joins inside parentheses, conditions across."""
    one = draft.take("a", "b")
    text, made = chain(draft, one, draft.dice.choice((1, 2)), ("INNER", "LEFT"))
    on = linked(draft.dice, draft.doc, one)
    inside = f"({named(one)}{text})"
    draft.source = draft.dice.choice(
        (
            f"{inside} RIGHT JOIN s.doc d ON {on}",
            f"{named(one)}{text} RIGHT JOIN s.doc d ON {on}",
            f"s.doc d LEFT JOIN {inside} ON {on}",
            f"s.doc d LEFT JOIN {inside} ON {on} AND {held(draft.dice, draft.doc)}",
            f"{inside} LEFT JOIN s.doc d ON {on}",
        )
    )
    draft.show(*(shown(draft.dice, each) for each in (one, *made)))
    draft.outside += made
    if draft.dice.random() < 0.12:  # seldom, since no way can be proven
        crossed(draft)
    if draft.dice.random() < 0.3:
        sub = draft.take()
        draft.show(subquery(draft, sub, linked(draft.dice, draft.doc, sub)))
    if draft.dice.random() < 0.3:
        full = draft.take("c", "link")
        draft.source += f" FULL JOIN {named(full)} ON {linked(draft.dice, draft.doc, full)}"
        draft.where.append(f"{linked(draft.dice, draft.doc, full)}")
        draft.show(shown(draft.dice, full))
    if draft.dice.random() < 0.4:
        more = draft.take("c", "link")
        on = draft.dice.choice((linked, despite_null))(draft.dice, draft.dice.choice(made), more)
        draft.join(draft.dice.choice(("LEFT", "INNER")), more, on)
        draft.show(shown(draft.dice, more))


def crossed(draft: Draft) -> None:
    """A row that stands beside every document, and is compared with it where that decides nothing about its place."""
    beside, third = draft.take("b", "c"), draft.take("a", "link")
    draft.source += f" CROSS JOIN {named(beside)}"
    draft.where.append(f"{beside.col('id')} = 1")
    draft.show(shown(draft.dice, beside))
    on = natural(draft.dice, draft.doc, beside)
    inner = query("count(*) AS v", named(third), [linked(draft.dice, draft.doc, third), on])
    form = draft.dice.choice(("join", "sub-query", "lateral"))
    if form == "join":
        draft.join("LEFT", third, f"{linked(draft.dice, draft.doc, third)} AND {on}")
    elif form == "sub-query":
        draft.show(f"({inner})")
    else:
        alias = draft.alias("l")
        draft.source += f" CROSS JOIN LATERAL ({inner}) {alias}"
        draft.show(f"{alias}.v")


def composite(draft: Draft) -> None:
    """Links by a key of two columns, on the root and in sub-queries."""
    pair = draft.take("pair")
    draft.join(draft.dice.choice(("LEFT", "INNER")), pair, str(pair_linked(draft, draft.doc, pair)))
    draft.show(shown(draft.dice, pair))
    other, doc = draft.take("pair"), draft.take("doc")
    on = f"{pair_linked(draft, doc, other)} AND {linked(draft.dice, draft.doc, doc)}"
    draft.show(f"({query(aggregate(draft, other), f'{named(other)}, {named(doc)}', [on])})")
    third = draft.take("pair")
    row = (
        f"({draft.doc.col('px')}, {draft.doc.col('py')}) IN ({query('x, y', named(third), [held(draft.dice, third)])})"
    )
    draft.where += [row] if draft.dice.random() < 0.3 else []


def using(draft: Draft) -> None:
    """USING, comma joins, and documents grouped by their key."""
    one = draft.take("a", "b", "link")
    common = [name for name in draft.doc.table.columns if name in one.table.columns and name[0] in "ntdb"]
    column = draft.dice.choice([name for name in common if draft.doc.table.columns[name] == one.table.columns[name]])
    draft.source += f" {draft.dice.choice(('LEFT', 'INNER'))} JOIN {named(one)} USING ({column})"
    two = draft.take("a", "b", "link")
    draft.where.append(linked(draft.dice, draft.doc, two))
    draft.source += f", {named(two)}"
    if draft.dice.random() < 0.5:
        draft.show(shown(draft.dice, one), shown(draft.dice, two))
        return
    draft.show(aggregate(draft, one), filtered(draft, aggregate(draft, two), one, two))
    draft.tail = "GROUP BY d.id"
    if draft.dice.random() < 0.4:
        draft.tail += f" HAVING count(*) FILTER (WHERE {held(draft.dice, two)}) < 3"
