"""Which errors of Postgres are a row's fault."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from outbox.sqlstate import first_line, is_of_the_data, is_suspicious


@pytest.mark.parametrize(
    ("error", "of_the_data"),
    [
        (errors.DivisionByZero(), True),
        (errors.InvalidTextRepresentation(), True),
        (errors.CardinalityViolation(), True),
        (errors.ProgramLimitExceeded(), True),
        (errors.RaiseException(), True),
        (errors.UndefinedTable(), False),
        (errors.InsufficientPrivilege(), False),
        (errors.QueryCanceled(), False),
        (errors.SerializationFailure(), False),
        (errors.LockNotAvailable(), False),
        (errors.AdminShutdown(), False),
        (errors.DiskFull(), False),
        (errors.InternalError_(), False),
        (psycopg.OperationalError("the connection is lost"), False),
    ],
)
def test_whose_fault(error: psycopg.Error, of_the_data: bool) -> None:
    assert is_of_the_data(error) is of_the_data


@pytest.mark.parametrize(
    ("error", "suspicious"),
    [
        (errors.QueryCanceled(), True),
        (errors.InternalError_(), True),
        (psycopg.DatabaseError("out of memory for query result"), True),
        (psycopg.OperationalError("the connection is lost"), False),
        (errors.UndefinedTable(), False),
        (errors.AdminShutdown(), False),
    ],
)
def test_what_a_document_may_have_caused(error: psycopg.Error, suspicious: bool) -> None:
    assert is_suspicious(error) is suspicious


def test_a_detail_with_row_data_is_left_out() -> None:
    assert first_line(ValueError("what\nDETAIL: Failing row contains (7, secret)")) == "what"
    assert first_line(ValueError()) == "ValueError"
