"""What the catalogue says against a view, and whether it agrees with what was read in the view's text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from outbox.capture.catalogue import Catalogue, Relation, View
from outbox.capture.ways import CURE_TABLES, Found
from outbox.problems import Code, Problem, Severity

# Postgres' own functions that give another answer as time goes by, without being volatile. (CURRENT_DATE and the like
# are no functions: see _clock.)
_CLOCK = frozenset({"now", "transaction_timestamp", "statement_timestamp"})


def relations(catalogue: Catalogue) -> Iterator[Problem]:
    """Relations that have no triggers, or whose rows may be hidden from us."""
    view_bypasses = all(view.bypasses for view in catalogue.views.values())
    for relation in catalogue.tables():
        where = ".".join(relation.name)
        if relation.kind == "f":
            what = "a foreign table: what others change in it is not seen here."
            yield _error(Code.FOREIGN_TABLE, where, what, "Copy it into a table of this database.")
        elif relation.kind == "m":
            what = "a materialized view: REFRESH fires no triggers."
            yield _error(Code.MATERIALIZED_VIEW, where, what, "Use its query in the view, or a table.")
        if relation.row_security and (relation.policed or not (view_bypasses or _owned(catalogue, relation))):
            what = "row-level security may hide rows from the view or from us: their documents would be deleted."
            cure = "Give the role BYPASSRLS, and the view an owner that bypasses it too."
            yield _error(Code.ROW_SECURITY, where, what, cure)
        if not relation.owned:
            what = "our role is no member of the table's owner, which making triggers needs."
            yield _error(Code.RIGHTS, where, what, "GRANT the owner's role to the role that runs `outbox apply`.")


def _owned(catalogue: Catalogue, relation: Relation) -> bool:
    """Whether policies do not apply to the owners of the views, since they own the table."""
    owners = {view.owner for view in catalogue.views.values()}
    return owners == {relation.owner} and not relation.forced


def columns(catalogue: Catalogue) -> Iterator[Problem]:
    """Whole rows, and columns that change without an update."""
    for view in catalogue.views.values():
        where = ".".join(view.name)
        if view.whole_rows():
            what = "it uses a whole row: every column of its tables counts as read, and any update makes an event."
            yield Problem(Code.WHOLE_ROW, Severity.WARNING, where, what, "Name the columns, if only some matter.")
        for oid, numbers in catalogue.reads.get(view.oid, {}).items():
            if min(numbers) < 0:
                table = ".".join(catalogue.relations[oid].name)
                what = f"it shows a system column (ctid, xmin, …) of {table}, which changes unseen."
                yield _error(Code.SYSTEM_COLUMN, where, what, "Leave it out.")


def functions(catalogue: Catalogue, *, declared: bool) -> Iterator[Problem]:
    """Functions whose value changes though no row does. `declared`: the user has named tables that are read unseen."""
    where = ".".join(catalogue.view.name)
    for function in catalogue.functions:
        if function.volatility == "v":
            what = f"{function.signature} is volatile: the document may differ each time it is read."
            cure = "Leave it out; or, if it always gives the same, declare it so: ALTER FUNCTION … IMMUTABLE."
            yield _error(Code.VOLATILE_FUNCTION, where, what, cure)
        elif function.known and function.name in _CLOCK:
            yield _clock(where, f"{function.name}()")
        elif not function.known and function.volatility == "s" and not declared:
            what = f"{function.signature} is only STABLE: it may read tables, whose changes would not be seen."
            cure = "If it reads none, ALTER FUNCTION … IMMUTABLE; else put its query into the view, or " + CURE_TABLES
            yield _error(Code.TABLE_FUNCTION, where, what, f"{cure}.")
    for view in catalogue.views.values():
        if _reads_clock(view):
            yield _clock(".".join(view.name), "the current time or role")


def _clock(where: str, what: str) -> Problem:
    cure = "Leave it out: compare with the time in Solr's query, e.g. [NOW-7DAYS TO *]."
    return _error(Code.VOLATILE_FUNCTION, where, f"it depends on {what}, which changes though no row does.", cure)


def _reads_clock(view: View) -> bool:
    return "{SQLVALUEFUNCTION " in view.action


def referee(catalogue: Catalogue, found: Found) -> Iterator[Problem]:
    """Whether the text was read as Postgres understands it: the same tables, as often, and the same aggregates."""
    for view in catalogue.views.values():
        seen = found.seen.get(view.name)
        if seen is None:
            continue  # the whole text was refused already
        counted = {catalogue.relations[oid].name: count for oid, count in view.occurrences().items()}
        tables = {name: count for name, count in counted.items() if name not in _views(catalogue)}
        if tables != dict(seen) or view.count("hasAggs") != found.aggregating[view.name]:
            what = f"its text was read with the tables {_words(seen)}; Postgres counts {_words(tables)}."
            yield _error(Code.OCCURRENCES, ".".join(view.name), what)


def _views(catalogue: Catalogue) -> set[tuple[str, str]]:
    return {view.name for view in catalogue.views.values()}


def _words(tables: Mapping[tuple[str, str], int]) -> str:
    return ", ".join(f"{'.'.join(name)} ({count})" for name, count in sorted(tables.items())) or "none"


def _error(code: Code, where: str, what: str, cure: str = f"{CURE_TABLES}.") -> Problem:
    return Problem(code, Severity.ERROR, where, what, cure[0].upper() + cure[1:])
