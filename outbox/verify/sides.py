"""The two sides of a proof: the view's documents and Solr's, as streams and by key."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import orjson
import psycopg
from psycopg import sql

from outbox.connection import Connection
from outbox.index import Definition
from outbox.solr.client import Solr
from outbox.solr.listing import list_documents
from outbox.sql import queries

_SQL = queries("outbox.verify", "verify.sql")
PAGE = 1000
"""Documents of one answer of Solr where hashes are compared; fewer where whole documents are."""
_PAGE_OF_DOCUMENTS = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """A document on one side: its hash, None where it has none, and its values where values are compared."""

    hash: str | None
    values: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class View:
    """The view's side."""

    connection: Connection
    definition: Definition

    def stream(self, *, values: bool) -> Iterator[tuple[str, Seen]]:
        """Every document in the order of its key, in one snapshot; nothing else may use the connection meanwhile."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute(_SQL["patient"])
            rows = cursor.stream(self._composed("stream"), {"texts": values}, size=PAGE)
            with closing(cast(Generator[tuple[str, str, str | None], None, None], rows)) as found:
                for key, content_hash, text in found:
                    yield key, Seen(content_hash, orjson.loads(text) if text is not None else None)

    def some(self, keys: Sequence[str]) -> dict[str, list[Seen]]:
        """The documents of these keys, as they are now; a key that the view does not return is absent."""
        found: dict[str, list[Seen]] = {}
        try:
            rows = self.connection.execute(self._composed("some"), {"keys": list(keys)}).fetchall()
        except psycopg.DataError:
            if len(keys) == 1:
                return {}  # an id of Solr's that is no value of the key's type, or a row that the view fails for
            middle = len(keys) // 2
            return self.some(keys[:middle]) | self.some(keys[middle:])
        for key, content_hash, text in rows:
            found.setdefault(key, []).append(Seen(content_hash, orjson.loads(text)))
        return found

    def sample(self, many: int) -> list[str]:
        """So many keys, chosen by chance."""
        with self.connection.transaction():
            self.connection.execute(_SQL["patient"])
            query = sql.SQL(_SQL["sample"]).format(view=sql.SQL(self.definition.view))
            return [row[0] for row in self.connection.execute(query, {"many": many})]

    def _composed(self, name: str) -> sql.Composed:
        """With the applied columns, as the worker reads them: one added to the view since then changes no hash."""
        columns = sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(sql.SQL(field.expression.replace("%", "%%")), sql.Identifier(field.name))
            for field in self.definition.fields
        )
        view, key_type = sql.SQL(self.definition.view.replace("%", "%%")), sql.SQL(self.definition.key_type)
        return sql.SQL(_SQL[name]).format(columns=columns, view=view, key_type=key_type)


@dataclass(frozen=True, slots=True)
class Collection:
    """Solr's side: documents of ours, without tombstones."""

    solr: Solr
    name: str
    definition: Definition

    def stream(self, *, values: bool) -> Iterator[tuple[str, Seen]]:
        """Every document in the order of its id, as of a commit at the start and those that follow."""
        self.solr.commit(self.name)
        target, mark = self.definition.target, None
        while True:
            documents, mark = list_documents(
                self.solr,
                self.name,
                target.own_fields,
                scope=target.scope,
                fields="*" if values else self._short(),
                mark=mark,
                rows=_PAGE_OF_DOCUMENTS if values else PAGE,
            )
            for document in documents:
                yield document["id"], self._seen(document)
            if mark is None:
                return

    def some(self, keys: Sequence[str]) -> dict[str, Seen]:
        """The documents of these ids as they are now, committed or not; a tombstone is none."""
        own = self.definition.target.own_fields
        found = self.solr.get(self.name, keys)
        return {key: self._seen(each) for key, each in found.items() if not (own.deleted and each.get(own.deleted))}

    def _short(self) -> str:
        return ",".join(name for name in ("id", self.definition.target.own_fields.hash) if name)

    def _seen(self, document: dict[str, Any]) -> Seen:
        return Seen(document.get(self.definition.target.own_fields.hash or ""), document)
