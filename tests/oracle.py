"""The oracle: is Solr what the view says? Compared by values, not by our own hash, so that the hash is tested too."""

from __future__ import annotations

import math
from collections.abc import Container
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.rows import TupleRow
from psycopg.types.datetime import TimestamptzLoader

from outbox.solr.client import Solr

OWN = {"src_version", "src_hash", "deleted", "_version_", "outbox_stamp", "src_version_l", "src_hash_s"}


def differences(
    connection: psycopg.Connection[TupleRow],
    solr: Solr,
    collection: str,
    view: str,
    *,
    ours: str = "*:*",
    listed: Container[str] = (),
) -> list[str]:
    """One sentence for each document that Solr lacks, has too much, or has otherwise; none when it equals the view.

    `ours`: the query that finds the documents that are to be compared. `listed`: fields that Solr gives as lists.
    """
    rows = _rows(connection, view).items()
    expected = {key: {name: [v] if name in listed else v for name, v in row.items()} for key, row in rows}
    found = _documents(solr, collection, ours)
    lacking = [f"{key}: lacks in Solr" for key in expected.keys() - found.keys()]
    extra = [f"{key}: only in Solr" for key in found.keys() - expected.keys()]
    otherwise = [
        f"{key}.{field}: {found[key].get(field)!r} in Solr, {value!r} in the view"
        for key in expected.keys() & found.keys()
        for field, value in expected[key].items()
        if found[key].get(field) != value
    ]
    surplus = [
        f"{key}.{field}: {found[key][field]!r} only in Solr"
        for key in expected.keys() & found.keys()
        for field in found[key].keys() - expected[key].keys()
    ]
    return sorted(lacking + extra + otherwise + surplus)


class _Moment(TimestamptzLoader):
    """As psycopg's own, but infinite times, which Python has none of, are no time."""

    def load(self, data: Buffer) -> datetime | None:  # type: ignore[override]  # the only type that null can have
        return None if bytes(data).endswith(b"infinity") else super().load(data)


def _rows(connection: psycopg.Connection[TupleRow], view: str) -> dict[str, dict[str, Any]]:
    schema, name = view.split(".")
    cursor = connection.cursor()
    cursor.adapters.register_loader("timestamptz", _Moment)
    cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, name)))
    columns = [column.name for column in cursor.description or ()]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor]
    connection.commit()
    documents = [{key: _expected(value) for key, value in row.items() if _shown(value)} for row in rows]
    return {str(one["id"]): {**one, "id": str(one["id"])} for one in documents}  # Solr's id is a string


def _shown(value: object) -> bool:
    """Null, an empty list, an infinite time and what is no number are no field in Solr."""
    return value is not None and value != [] and (not isinstance(value, float) or math.isfinite(value))


def _expected(value: Any) -> Any:
    if isinstance(value, list):
        return [_expected(each) for each in value if each is not None]
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        return _solr_time(moment)
    if isinstance(value, bool | int | float):
        return value
    return str(value)


def _solr_time(moment: datetime) -> str:
    milliseconds = moment.microsecond // 1000
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def _documents(solr: Solr, collection: str, ours: str) -> dict[str, dict[str, Any]]:
    solr.commit(collection)
    answer = solr.select(collection, {"q": ours, "rows": 1_000_000, "fl": "*"})
    return {
        document["id"]: {key: value for key, value in document.items() if key not in OWN}
        for document in answer["response"]["docs"]
    }
