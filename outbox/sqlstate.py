"""Whose fault an error of Postgres is, by its SQLSTATE. Pure."""

from __future__ import annotations

import psycopg

LOST = (
    psycopg.OperationalError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
)
"""The connection is lost, or the server cannot serve: to be tried again. The server ends a session whose transaction we
left alone too long, since we were frozen or starved; psycopg counts that as an InternalError, by its SQLSTATE 25."""

# 21: a sub-query gave two rows where one is allowed; 22: data exceptions, e.g. a division by zero; 54: a limit, e.g. a
# value too large; P0: what a PL/pgSQL function of the user's raised.
_DATA = ("21", "22", "54", "P0")


def is_of_the_data(error: psycopg.Error) -> bool:
    """True if a row's values are to blame: the same statement succeeds on other rows, and fails again on this one."""
    return (error.sqlstate or "")[:2] in _DATA


def is_suspicious(error: psycopg.Error) -> bool:
    """True if a document may have caused it, without that being its values' fault: a time-out, an internal error.

    What libpq reports of itself, without a state, is that it has no memory for a document: a connection that is lost is
    an OperationalError.
    """
    state = error.sqlstate or ""
    without_memory = not state and type(error) is psycopg.DatabaseError
    return without_memory or state == "57014" or state.startswith("XX")


# Connection, transaction, privileges and syntax, resources, locks, operators, system: their first line names objects
# and no values. Without a state it is libpq that speaks.
_WITHOUT_VALUES = ("08", "0A", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58")


def loggable(error: BaseException) -> str:
    """What a log may say of an error: nothing of a row. Whose first line may repeat a value is named by its state.

    The whole is kept beside the claim or the event that it happened to.
    """
    if isinstance(error, psycopg.Error) and error.sqlstate and error.sqlstate[:2] not in _WITHOUT_VALUES:
        return f"{type(error).__name__}, SQLSTATE {error.sqlstate}"
    return first_line(error)


def first_line(error: BaseException) -> str:
    """The error's first line, or the name of its class. It may repeat a value of a row."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
