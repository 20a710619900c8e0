"""From the rows of the view to the bodies of requests. Pure.

Postgres made the JSON; only our own fields are spliced in, so that no document is parsed or built twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from outbox.index import OwnFields

PIECE_BYTES = 4 * 1024 * 1024
"""A request's body at the most, unless a single document is larger."""

MOST_MEGABYTES = 64
"""A document's JSON at the most: the read statement leaves a larger one out."""

Row = tuple[str, str | None, str | None]
"""Key, document (JSON text), content hash. Without a hash the view does not return the key; a hash alone stands for a
document that is larger than MOST_MEGABYTES."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it is posted, or, with an empty body, one plain delete."""

    key: str
    body: bytes


def assemble(
    rows: Iterable[Row], *, version: int, own: OwnFields, tombstones: bool
) -> tuple[list[Document], dict[str, str]]:
    """The documents of a claim under its version, and the keys of which there can be none, with the reason.

    A key without a document becomes a tombstone, or a plain delete where the collection has no place for tombstones.
    """
    documents: dict[str, Document] = {}
    counts: dict[str, int] = {}
    refused: dict[str, str] = {}
    for key, text, content_hash in rows:
        counts[key] = counts.get(key, 0) + 1
        if text is None and content_hash is not None:
            refused[key] = f"the document has more than {MOST_MEGABYTES} MB"
            continue
        if text is None:
            body = _tombstone(key, version, own) if tombstones else b""
        else:
            body = _spliced(text, version, content_hash, own)
        documents[key] = Document(key, body)
    refused |= {key: f"the view returns {count} rows for this key" for key, count in counts.items() if count > 1}
    return [document for key, document in documents.items() if key not in refused], refused


def _spliced(text: str, version: int, content_hash: str | None, own: OwnFields) -> bytes:
    ours: dict[str, object] = {}
    if own.version:
        ours[own.version] = version
    if own.hash and content_hash is not None:
        ours[own.hash] = content_hash
    body = text.encode()
    if not ours:
        return body
    return body[:-1] + b"," + orjson.dumps(ours)[1:]  # the view's `id` makes sure that something stands before


def _tombstone(key: str, version: int, own: OwnFields) -> bytes:
    body: dict[str, object] = {"id": key, own.deleted: True}
    if own.version:
        body[own.version] = version
    return orjson.dumps(body)


def pieces(documents: Sequence[Document], most: int = PIECE_BYTES) -> Iterator[list[Document]]:
    """Cut the documents, in order, into requests of at most `most` bytes; a larger document travels alone."""
    piece: list[Document] = []
    size = 0
    for document in documents:
        if piece and size + len(document.body) + 1 > most:
            yield piece
            piece, size = [], 0
        piece.append(document)
        size += len(document.body) + 1
    if piece:
        yield piece


def request_body(documents: Sequence[Document]) -> bytes:
    """The JSON array of the documents that are to be added."""
    return b"[" + b",".join(document.body for document in documents if document.body) + b"]"


def delete_body(documents: Sequence[Document]) -> bytes:
    """The JSON command that deletes those without a body; empty when there are none."""
    keys = [document.key for document in documents if not document.body]
    return orjson.dumps({"delete": keys}) if keys else b""
