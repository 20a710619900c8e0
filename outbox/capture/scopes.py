"""Names in the view's text: the occurrence of each column, through derived tables, CTEs and nested views. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from outbox.capture.expressions import has_query
from outbox.capture.graph import Region


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """What a column stands for: an expression over occurrences. `branch`: the only branch of a UNION where it holds."""

    expression: exp.Expr
    branch: Region | None = None


Values = tuple[Value, ...]
"""One for each branch of a set operation, else one; none for a column of which nothing can be said."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column that a source shows."""

    name: str
    values: Values


@dataclass(frozen=True, slots=True)
class Cte:
    """A WITH query, read anew wherever it is used; `scope` is where its own names are looked up."""

    query: exp.Expr
    columns: tuple[str, ...]
    scope: Scope


@dataclass(slots=True, eq=False)
class Scope:
    """The names of one SELECT; what is not found here is looked up outside."""

    parent: Scope | None = None
    sources: dict[str, dict[str, Values]] = field(default_factory=dict)
    merged: dict[str, Values] = field(default_factory=dict)
    ctes: dict[str, Cte | None] = field(default_factory=dict)

    def add(self, alias: str, columns: list[Column], renamed: tuple[str, ...] = ()) -> None:
        """Name a source; `renamed` are the column names of its alias, by position."""
        names = [*renamed, *(column.name for column in columns[len(renamed) :])]
        self.sources[alias] = {name: column.values for name, column in zip(names, columns, strict=False)}

    def cte(self, name: str) -> tuple[bool, Cte | None]:
        """Whether a WITH query of that name is in sight, and which; None for one that is being read (recursion)."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.ctes:
                return True, scope.ctes[name]
            scope = scope.parent
        return False, None

    def column(self, column: exp.Column) -> Values:
        """What a column of the text stands for."""
        scope: Scope | None = self
        while scope is not None:
            if column.table in scope.sources:
                return scope.sources[column.table].get(column.name, ())
            if not column.table and (found := scope._unqualified(column.name)) is not None:
                return found
            scope = scope.parent
        return ()

    def _unqualified(self, name: str) -> Values | None:
        if name in self.merged:
            return self.merged[name]
        found = [columns[name] for columns in self.sources.values() if name in columns]
        if len(found) > 1:
            return ()
        return found[0] if found else None

    def resolve(self, expression: exp.Expr) -> Values:
        """The expression over occurrences; one for each branch where a set operation is beneath it.

        None where a column is hidden, where a sub-query is in it, or where two set operations meet.
        """
        if has_query(expression):
            return ()
        columns = {id(column): self.column(column) for column in expression.find_all(exp.Column)}
        branches = [tuple(value.branch for value in values) for values in columns.values() if _branched(values)]
        if not all(columns.values()) or len(set(branches)) > 1:
            return ()
        if not branches:
            return (Value(_replaced(expression, {key: values[0].expression for key, values in columns.items()})),)
        return tuple(
            Value(_replaced(expression, _of_branch(columns, number)), branch)
            for number, branch in enumerate(branches[0])
        )


def _branched(values: Values) -> bool:
    return any(value.branch is not None for value in values)


def _of_branch(columns: Mapping[int, Values], number: int) -> dict[int, exp.Expr]:
    return {key: (values[number] if _branched(values) else values[0]).expression for key, values in columns.items()}


def _replaced(expression: exp.Expr, columns: Mapping[int, exp.Expr]) -> exp.Expr:
    """A copy with each column replaced by what it stands for, in parentheses where that is more than a column."""
    if isinstance(expression, exp.Column):
        return columns[id(expression)].copy()
    copied = expression.copy()
    pairs = zip(expression.find_all(exp.Column), copied.find_all(exp.Column), strict=True)
    for original, copy in list(pairs):
        value = columns[id(original)].copy()
        copy.replace(value if isinstance(value, exp.Column) else exp.Paren(this=value))
    return copied
