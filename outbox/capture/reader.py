"""From the text of a view to its graph: every FROM item, join, condition and sub-query, in regions. Pure.

The text is that of `pg_get_viewdef`, whose names are qualified wherever there could be a doubt. What is not understood
(a function in FROM, a hidden column) gives no condition: that can only lead to a refusal, never to a way too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from outbox.capture.barriers import collapses, visible
from outbox.capture.expressions import bare, conjuncts, has_query, normal
from outbox.capture.graph import Graph, Name, Occurrence, Region
from outbox.capture.scopes import Column, Cte, Scope, Value, Values
from outbox.capture.texts import (
    NotRead,
    Recursive,
    Shape,
    SystemTable,
    any_query,
    branch_values,
    joins,
    occurrence_column,
    parsed,
    unnested,
    unwrapped,
)


@dataclass(slots=True)
class Reader:
    """Reads one document view; `seen` are the table names in each view's text, by the node that names them."""

    shape: Shape
    graph: Graph = field(default_factory=Graph)
    seen: dict[Name, dict[int, Name]] = field(default_factory=dict)
    _trees: dict[Name, exp.Expr] = field(default_factory=dict)
    _inside: list[Name] = field(default_factory=list)
    _number: int = 0

    def tree(self, view: Name) -> exp.Expr:
        """The parsed text of a view. Raises NotRead."""
        if view not in self._trees:
            text = self.shape.views[view]
            try:
                self._trees[view] = parsed(text.sql)
            except NotRead:
                if not text.pretty:
                    raise
                self._trees[view] = parsed(text.pretty)
        return self._trees[view]

    def view(self, view: Name, region: Region) -> list[Column]:
        """The columns of a view, read into the region. Raises NotRead."""
        self._inside.append(view)
        self.seen.setdefault(view, {})
        columns = self.query(self.tree(view), None, region)
        self._inside.pop()
        named = zip(self.shape.views[view].columns, columns, strict=False)
        return [Column(name, column.values) for name, column in named]

    def query(self, query: exp.Expr, outer: Scope | None, region: Region) -> list[Column]:
        """The columns of any query: a SELECT, a set operation, VALUES."""
        query = unwrapped(query)
        scope = Scope(outer)
        unused = self._with(query, scope)
        if isinstance(query, exp.SetOperation):
            columns = self._set_operation(query, scope, region)
        elif isinstance(query, exp.Select):
            columns = self._select(query, scope, region)
        elif isinstance(query, exp.Values):
            columns = self._opaque(query, scope, region)
        else:
            raise NotRead(f"{type(query).__name__} is not known as a query")
        for name in unused:
            self._unused(scope.ctes[name], region)
        return columns

    def _unused(self, cte: Cte | None, region: Region) -> None:
        """A WITH query that nothing refers to alters no document: its tables are seen, and need no way."""
        before = set(self.graph.occurrences)
        if cte is not None:
            self.query(cte.query, cte.scope, Region(region))
        for name in set(self.graph.occurrences) - before:
            del self.graph.occurrences[name]

    def _with(self, query: exp.Expr, scope: Scope) -> set[str]:
        """Note the WITH queries; returns the names of those that nothing refers to."""
        clause = query.args.get("with_")
        for cte in clause.expressions if clause is not None else ():
            columns = tuple(column.name for column in cte.args["alias"].args.get("columns") or ())
            scope.ctes[cte.alias] = Cte(cte.this, columns, scope)
        referred = {table.name for table in query.find_all(exp.Table) if not table.db}
        return {name for name in scope.ctes if name not in referred}

    def _set_operation(self, query: exp.SetOperation, scope: Scope, region: Region) -> list[Column]:
        """Each branch has a region of its own: its conditions hold for its own rows only."""
        branches = [Region(region), Region(region)]
        left, right = (
            self.query(side, scope, branch) for side, branch in zip((query.left, query.right), branches, strict=True)
        )
        self.expressions(query.args.get("order"), scope, region)
        if query.args.get("limit") or query.args.get("offset"):
            return [Column(column.name, ()) for column in left]
        return [
            Column(mine.name, branch_values(mine.values, branches[0]) + branch_values(other.values, branches[1]))
            if mine.values and other.values
            else Column(mine.name, ())
            for mine, other in zip(left, right, strict=False)
        ]

    def _select(self, select: exp.Select, scope: Scope, region: Region) -> list[Column]:
        inside = Region(region) if collapses(select, self.shape.aggregates) else region
        if (source := select.args.get("from_")) is not None:
            self._tree(source.this, [*joins(source.this), *joins(select)], scope, inside)
        if (where := select.args.get("where")) is not None:
            self.predicate(where.this, scope, inside)
        for part in ("having", "group", "order", "limit", "offset", "distinct", "qualify"):
            self.expressions(select.args.get(part), scope, inside)
        for window in select.args.get("windows") or ():
            self.expressions(window, scope, inside)
        leaves = visible(select, self.shape.aggregates)
        columns = []
        for part in select.expressions:
            self.expressions(part, scope, inside)
            inner = part.unalias()
            columns.append(Column(part.alias_or_name, scope.resolve(inner) if leaves(inner) else ()))
        return columns

    # FROM

    def _tree(self, item: exp.Expr, hung: list[exp.Join], scope: Scope, region: Region) -> None:
        """A join tree, which leans to the left: its last join first, which may null-extend all others."""
        if not hung:
            self._item(item, scope, region)
            return
        join, side = hung[-1], hung[-1].side
        left = Region(region, nullable=True) if side in ("RIGHT", "FULL") else region
        right = Region(region, nullable=True) if side in ("LEFT", "FULL") else region
        before = list(scope.sources)
        self._tree(item, hung[:-1], scope, left)
        between = list(scope.sources)
        self._tree(join.this, joins(join.this), scope, right)
        if join.method == "NATURAL":
            raise NotRead("a NATURAL join is not printed by Postgres")
        sides = between[len(before) :], list(scope.sources)[len(between) :]
        condition_region = {"LEFT": right, "RIGHT": left}.get(side, region)
        self._using(join, scope, sides, condition_region)
        if (on := join.args.get("on")) is None:
            return
        if side == "FULL":  # both sides may be null-extended: the condition proves nothing of either
            self.expressions(on, scope, region)
        else:
            self.predicate(on, scope, condition_region)

    def _using(self, join: exp.Join, scope: Scope, sides: tuple[list[str], list[str]], region: Region) -> None:
        for identifier in join.args.get("using") or ():
            name = identifier.name
            left, right = (self._merged(scope, name, side) for side in sides)
            scope.merged[name] = {"RIGHT": right, "FULL": ()}.get(join.side, left)
            if join.side != "FULL" and len(left) == len(right) == 1:
                equal = exp.EQ(this=left[0].expression.copy(), expression=right[0].expression.copy())
                if left[0].branch is None and right[0].branch is None:
                    self.graph.add(equal, region)

    @staticmethod
    def _merged(scope: Scope, name: str, aliases: list[str]) -> Values:
        """The column that USING means on one side: one that an earlier USING merged, or the only one of that name."""
        found = [scope.sources[alias][name] for alias in aliases if name in scope.sources[alias]]
        if len(found) > 1:
            return scope.merged.get(name, ())
        return found[0] if found else ()

    def _item(self, item: exp.Expr, scope: Scope, region: Region) -> None:
        """One FROM item without the joins that hang on it."""
        alias = item.args.get("alias")
        renamed = tuple(column.name for column in alias.args.get("columns") or ()) if alias is not None else ()
        if isinstance(item, exp.Table) and isinstance(item.this, exp.Identifier) and not item.args.get("rows_from"):
            scope.add(item.alias_or_name, self._relation(item, scope, region), renamed)
            return
        if (array := unnested(item)) is not None and len(renamed) < 2:
            elements = tuple(
                Value(exp.Unnest(expressions=[one.expression]), one.branch) for one in scope.resolve(array)
            )
            scope.add(item.alias_or_name, [Column(item.alias_or_name, elements)], renamed)
            return
        inner = item.this if isinstance(item, (exp.Subquery, exp.Lateral)) else None
        if isinstance(inner, exp.Subquery) and isinstance(item, exp.Lateral):
            inner = inner.this
        if isinstance(inner, (exp.Select, exp.SetOperation, exp.Values)):
            scope.add(item.alias_or_name, self.query(inner, scope, region), renamed)
        elif isinstance(item, exp.Subquery) and isinstance(inner, (exp.Table, exp.Subquery, exp.Lateral, exp.Unnest)):
            self._tree(inner, joins(inner), scope, region)
        else:
            scope.add(item.alias_or_name, self._opaque(item, scope, region), renamed)

    def _opaque(self, item: exp.Expr, scope: Scope, region: Region) -> list[Column]:
        """A function or VALUES in FROM: nothing is known of its columns, but sub-queries in it are read."""
        self.expressions(item, scope, region)
        return []

    def _relation(self, table: exp.Table, scope: Scope, region: Region) -> list[Column]:
        if table.args.get("sample"):
            raise NotRead("TABLESAMPLE gives other rows each time")
        if not table.db:
            found, cte = scope.cte(table.name)
            if found:
                return self._cte(table.name, cte, region)
        name = (table.db or "pg_catalog", table.name)
        if name in self.shape.views:
            return self.view(name, region)
        if name[0] == "pg_catalog":  # pg_depend says nothing of these
            raise SystemTable(".".join(name))
        if name not in self.shape.tables:
            raise NotRead(f"{'.'.join(name)} is not among the relations that Postgres says it reads")
        self.seen[self._inside[-1]][id(table)] = name
        self._number += 1
        occurrence = Occurrence(f"o{self._number}", name, table.alias_or_name, region)
        self.graph.occurrences[occurrence.name] = occurrence
        columns = {column: occurrence_column(occurrence.name, column) for column in self.shape.tables[name]}
        return [Column(column, (Value(resolved),)) for column, resolved in columns.items()]

    def _cte(self, name: str, cte: Cte | None, region: Region) -> list[Column]:
        if cte is None:
            raise Recursive(f"the WITH query {name} is recursive")
        cte.scope.ctes[name] = None
        columns = self.query(cte.query, cte.scope, region)
        cte.scope.ctes[name] = cte
        names = [*cte.columns, *(column.name for column in columns[len(cte.columns) :])]
        return [Column(name, column.values) for name, column in zip(names, columns, strict=False)]

    # conditions

    def predicate(self, condition: exp.Expr, scope: Scope, region: Region, *, conjunct: bool = True) -> None:
        """A condition whose false and null mean the same. `conjunct`: without it there is no row."""
        for part in conjuncts(condition):
            if not has_query(part):
                if conjunct:
                    self._note(part, scope, region)
            elif isinstance(part, exp.Or):
                self.predicate(part.left, scope, region, conjunct=False)
                self.predicate(part.right, scope, region, conjunct=False)
            elif isinstance(part, exp.Exists):
                self._subquery(part.this, scope, region, conjunct)
            elif isinstance(part, exp.In) and part.args.get("query") is not None:
                self._equals_query(part.this, part.args["query"], scope, (region, conjunct))
            elif isinstance(part, exp.EQ) and (query := any_query(part.right)) is not None:
                self._equals_query(part.left, query, scope, (region, conjunct))
            elif isinstance(part, exp.EQ) and isinstance(bare(part.right), exp.Subquery):
                self._equals_query(part.left, part.right, scope, (region, False))
            elif isinstance(part, exp.EQ) and isinstance(bare(part.left), exp.Subquery):
                self._equals_query(part.right, part.left, scope, (region, False))
            else:
                self.expressions(part, scope, region)

    def _note(self, condition: exp.Expr, scope: Scope, region: Region) -> None:
        for value in scope.resolve(condition):
            self.graph.add(normal(value.expression), *filter(None, (region, value.branch)))

    def _equals_query(self, left: exp.Expr, query: exp.Expr, scope: Scope, where: tuple[Region, bool]) -> None:
        """`left` IN a sub-query: what its SELECT list gives equals `left`, component by component."""
        self.expressions(left, scope, where[0])
        columns, region = self._subquery(query, scope, *where)
        left = bare(left)
        parts = left.expressions if isinstance(left, exp.Tuple) else [left]
        for part, column in zip(parts, columns, strict=False):
            outside, inside = scope.resolve(part), column.values
            if len(outside) == len(inside) == 1 and outside[0].branch is None and inside[0].branch is None:
                equal = exp.EQ(this=outside[0].expression.copy(), expression=inside[0].expression.copy())
                self.graph.add(normal(equal), region)

    def _subquery(self, query: exp.Expr, scope: Scope, region: Region, conjunct: bool) -> tuple[list[Column], Region]:
        """A sub-query that has to give a row is a join; any other is a region of its own."""
        inside = region if conjunct else Region(region)
        return self.query(query, scope, inside), inside

    def expressions(self, expression: exp.Expr | None, scope: Scope, region: Region) -> None:
        """Read the sub-queries of an expression of which nothing else is known."""
        if expression is None:
            return
        if isinstance(expression, exp.Query):
            self.query(expression, scope, Region(region))
            return
        for child in expression.iter_expressions():
            self.expressions(child, scope, region)
