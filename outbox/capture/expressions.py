"""What can be said of an expression of the view without running it. Pure.

Columns are resolved when they come here: the table of each is the name of an occurrence (`o3`), and nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

# Null comes out where null goes in. Casts between built-in types and the operators of SQL are; of functions only these.
# || is not: null before an array leaves the array as it is; see _strict.
_STRICT = (
    exp.Column,
    exp.Cast,
    exp.Paren,
    exp.Neg,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.Lower,
    exp.Upper,
    exp.Trim,
    exp.Collate,
    exp.Literal,
)
_TEXTS = (exp.Lower, exp.Upper, exp.Trim)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.ILike)
# What a side of an equality may be made of: printed by sqlglot, these come out as Postgres wrote them.
_PLAIN = (
    *_STRICT,
    *_COMPARISONS,
    exp.DPipe,
    exp.Coalesce,
    exp.Nullif,
    exp.Greatest,
    exp.Least,
    exp.Case,
    exp.If,
    exp.And,
    exp.Or,
    exp.Not,
    exp.Is,
    exp.Null,
    exp.Boolean,
    exp.Abs,
    exp.Length,
    exp.Substring,
    exp.Replace,
    exp.Left,
    exp.Right,
    exp.SplitPart,
    exp.MD5,
    exp.JSONExtract,
    exp.JSONExtractScalar,
    exp.JSONBExtractScalar,
    exp.JSONPath,
    exp.JSONPathRoot,
    exp.JSONPathSubscript,
    exp.JSONPathKey,
    exp.Bracket,
    exp.Anonymous,
    exp.Identifier,
    exp.DataType,
    exp.DataTypeParam,
    exp.ObjectIdentifier,
    exp.Dot,
    exp.Any,
    exp.Array,
)
# By these a changed row can be followed too, though to many documents, and mostly without an index.
_LINKS = (
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Like,
    exp.ILike,
    exp.NullSafeEQ,
    exp.ArrayOverlaps,
    exp.ArrayContainsAll,
    exp.ArrayContainedBy,
)


def bare(expression: exp.Expr) -> exp.Expr:
    """The expression without the parentheses around it."""
    while isinstance(expression, exp.Paren):
        expression = expression.this
    return expression


def conjuncts(expression: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of an AND, however nested."""
    expression = bare(expression)
    if isinstance(expression, exp.And):
        yield from conjuncts(expression.left)
        yield from conjuncts(expression.right)
    else:
        yield expression


def has_query(expression: exp.Expr) -> bool:
    """Whether a sub-query stands anywhere in it."""
    return expression.find(exp.Query) is not None


def occurrences(expression: exp.Expr) -> frozenset[str]:
    """The names of the occurrences whose columns it uses."""
    return frozenset(column.table for column in expression.find_all(exp.Column))


def strict_on(condition: exp.Expr) -> frozenset[str]:
    """The occurrences of which a null-extended row cannot fulfil the condition."""
    condition = bare(condition)
    if isinstance(condition, exp.Not):
        inner = bare(condition.this)
        is_null = isinstance(inner, exp.Is) and isinstance(bare(inner.expression), exp.Null)
        return _strict_columns(inner.this) if is_null else frozenset()
    if isinstance(condition, _COMPARISONS):
        right = bare(condition.expression)
        right = right.this if isinstance(right, exp.Any) else right
        return _strict_columns(condition.this) | _strict_columns(right)
    return _strict_columns(condition) if isinstance(condition, exp.Column) else frozenset()


def _strict_columns(expression: exp.Expr) -> frozenset[str]:
    """The occurrences whose nulls make the expression null."""
    if isinstance(expression, exp.Column):
        return frozenset([expression.table]) if expression.table else frozenset()
    if not _strict(expression):
        return frozenset()
    found: frozenset[str] = frozenset()
    for child in expression.iter_expressions():
        found |= _strict_columns(child)
    return found


def _strict(expression: exp.Expr) -> bool:
    """Whether null comes out where null goes in; of || only where both sides are seen to be texts, no arrays."""
    if isinstance(expression, exp.DPipe):
        return _is_text(expression.left) and _is_text(expression.right)
    return isinstance(expression, _STRICT)


def _is_text(expression: exp.Expr) -> bool:
    expression = bare(expression)
    if isinstance(expression, exp.DPipe):
        return _is_text(expression.left) and _is_text(expression.right)
    if isinstance(expression, exp.Cast):
        return expression.is_type("text", "varchar")
    return isinstance(expression, _TEXTS)


def is_equality(condition: exp.Expr) -> bool:
    """`a = b` or `a = ANY (b)`, each side of one occurrence and made of parts whose printing is sure."""
    condition = bare(condition)
    return _equates(condition) and _is_plain(condition) and _is_two_sided(condition)


def is_link(condition: exp.Expr) -> bool:
    """Another condition of two occurrences: a comparison, an operator or a function of an extension."""
    condition = bare(condition)
    if isinstance(condition, exp.Dot):
        return _is_plain(condition) and len(occurrences(condition)) == 2
    known = isinstance(condition, (*_LINKS, exp.Operator))
    return known and _is_plain(condition) and _is_two_sided(condition)


def _is_plain(condition: exp.Expr) -> bool:
    nodes = [node for node in condition.walk() if node is not condition]
    stars = any(isinstance(node, exp.Column) and isinstance(node.this, exp.Star) for node in nodes)
    return not stars and all(isinstance(node, _PLAIN) for node in nodes)


def _is_two_sided(condition: exp.Expr) -> bool:
    sides = [occurrences(condition.this), occurrences(condition.expression)]
    return all(len(side) == 1 for side in sides) and sides[0] != sides[1]


def _equates(condition: exp.Expr) -> bool:
    """`=`, also that of an extension, which Postgres prints as OPERATOR(schema.=)."""
    if isinstance(condition, exp.Operator):
        return str(condition.args.get("operator")).endswith(".=")
    return isinstance(condition, exp.EQ)


def normal(condition: exp.Expr) -> exp.Expr:
    """The condition in the form that is looked for: NOT (a IS DISTINCT FROM b), and a = an element of an array."""
    inner = bare(condition.this) if isinstance(condition, exp.Not) else condition
    if isinstance(inner, exp.NullSafeNEQ) and inner is not condition:
        return exp.NullSafeEQ(this=inner.this.copy(), expression=inner.expression.copy())
    if isinstance(condition, exp.EQ):
        for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
            element = bare(other)
            if isinstance(element, exp.Unnest) and not isinstance(bare(one), exp.Unnest):
                array = exp.Paren(this=element.expressions[0].copy())
                return exp.EQ(this=one.copy(), expression=exp.Any(this=array))
    return condition


def plain_pair(condition: exp.Expr) -> tuple[exp.Column, exp.Column] | None:
    """The two columns of an equality that compares them as they stand."""
    condition = bare(condition)
    if not isinstance(condition, exp.EQ):
        return None
    left, right = bare(condition.left), bare(condition.right)
    return (left, right) if isinstance(left, exp.Column) and isinstance(right, exp.Column) else None


def columns_of(conditions: list[exp.Expr], occurrence: str) -> list[str]:
    """The columns of one occurrence that the conditions use, in the order of their first use."""
    found = (column for condition in conditions for column in condition.find_all(exp.Column))
    return list(dict.fromkeys(column.name for column in found if column.table == occurrence))


def needed_columns(conditions: list[exp.Expr], occurrence: str) -> frozenset[str]:
    """Of those, the columns without whose value no condition can be true."""
    needed: set[str] = set()
    for condition in conditions:
        for column in condition.find_all(exp.Column):
            if column.table == occurrence and _strict_up_to(column, condition):
                needed.add(column.name)
    return frozenset(needed)


def _strict_up_to(node: exp.Expr, condition: exp.Expr) -> bool:
    """Whether nothing between a column and its condition can turn a null into something else."""
    while node is not condition:
        parent = node.parent
        if parent is None or not (_strict(parent) or isinstance(parent, (*_COMPARISONS, exp.Any))):
            return False
        node = parent
    return True


def text(expression: exp.Expr) -> str:
    """The expression as Postgres reads it, every identifier quoted."""
    return expression.sql(dialect="postgres", identify=True, normalize_functions=False, comments=False)
