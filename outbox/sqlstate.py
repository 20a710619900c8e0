"""Whose fault an error of Postgres is, by its SQLSTATE. Pure."""

from __future__ import annotations

import psycopg

# 21: a sub-query gave two rows where one is allowed; 22: data exceptions, e.g. a division by zero; 54: a limit, e.g. a
# value too large; P0: what a PL/pgSQL function of the user's raised.
_DATA = ("21", "22", "54", "P0")


def is_of_the_data(error: psycopg.Error) -> bool:
    """True if a row's values are to blame: the same statement succeeds on other rows, and fails again on this one."""
    return (error.sqlstate or "")[:2] in _DATA


def is_suspicious(error: psycopg.Error) -> bool:
    """True if a document may have caused it, without that being its values' fault: a time-out, an internal error."""
    state = error.sqlstate or ""
    return state == "57014" or state.startswith("XX")


def first_line(error: Exception) -> str:
    """The error's first line, which has no row data in it (a DETAIL has), or the name of its class."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
