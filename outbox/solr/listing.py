"""The ids of our documents in a collection, page by page.

By Solr's cursor, which is stateless and so survives a restart of whoever pages; sorted by the unique key, it is exact.
"""

from __future__ import annotations

from typing import Any

from outbox.index import OwnFields
from outbox.solr.client import Params, Solr


def list_ids(
    solr: Solr, collection: str, own: OwnFields, *, scope: str, mark: str | None, rows: int, to: int | None = None
) -> tuple[list[str], str | None]:
    """One page of ids of documents that carry our version field, inside `scope`, tombstones left out.

    `to`: those of this version at the most, where there is a version. `mark`: what the page before returned, None for
    the first. Returns the ids and the next mark, None after the last.
    """
    filters = _tombstones(own)
    if own.version and to is not None:
        filters.append(f"{own.version}:{{{to} TO *]")
    params: Params = {
        "q": "*:*",
        "fq": [f"-{each}" for each in filters] + _ours(own, scope),
        "sort": "id asc",
        "fl": "id",
        "rows": rows,
        "cursorMark": mark or "*",
    }
    answer = solr.select(collection, params)
    ids = [document["id"] for document in answer["response"]["docs"]]
    following = answer["nextCursorMark"]
    return ids, None if len(ids) < rows or following == mark else following


def list_documents(
    solr: Solr, collection: str, own: OwnFields, *, scope: str, fields: str, mark: str | None, rows: int
) -> tuple[list[dict[str, Any]], str | None]:
    """As `list_ids`, without `to`, with these fields of each document. Of what is committed."""
    params: Params = {
        "q": "*:*",
        "fq": [f"-{each}" for each in _tombstones(own)] + _ours(own, scope),
        "sort": "id asc",
        "fl": fields,
        "rows": rows,
        "cursorMark": mark or "*",
    }
    answer = solr.select(collection, params)
    documents, following = answer["response"]["docs"], answer["nextCursorMark"]
    return documents, None if len(documents) < rows or following == mark else following


def highest_version(solr: Solr, collection: str, own: OwnFields, *, scope: str) -> int:
    """The highest version of a document of ours, tombstones too, after a commit; 0 where there is none."""
    solr.commit(collection)
    params: Params = {
        "q": "*:*",
        "fq": _ours(own, scope),
        "sort": f"{own.version} desc",
        "fl": own.version,
        "rows": 1,
    }
    found = solr.select(collection, params, handler=all_documents(own))["response"]["docs"]
    return int(found[0][own.version]) if found else 0


def list_versions(
    solr: Solr, collection: str, own: OwnFields, *, scope: str, above: int, to: int, mark: str | None, rows: int
) -> tuple[list[str], str | None]:
    """One page of the ids of our documents, tombstones too, with a version above `above` and at most `to`.

    `mark` as in `list_ids`; commits before the first page.
    """
    if mark is None:
        solr.commit(collection)
    params: Params = {
        "q": "*:*",
        "fq": [f"{own.version}:{{{above} TO {to}]", *_ours(own, scope)],
        "sort": "id asc",
        "fl": "id",
        "rows": rows,
        "cursorMark": mark or "*",
    }
    answer = solr.select(collection, params, handler=all_documents(own))
    ids = [document["id"] for document in answer["response"]["docs"]]
    following = answer["nextCursorMark"]
    return ids, None if len(ids) < rows or following == mark else following


def all_documents(own: OwnFields) -> str:
    """The handler that finds tombstones too.

    Our configset hides them from /select and not from /audit; other configurations have no /audit.
    """
    return "/audit" if own.deleted else "/select"


def _tombstones(own: OwnFields) -> list[str]:
    return ["{!term f=%s v=true}" % own.deleted] if own.deleted else []  # noqa: UP031 - braces are Solr's


def _ours(own: OwnFields, scope: str) -> list[str]:
    ours = [f"{own.version}:[* TO *]"] if own.version else []
    return ours + ([scope] if scope else [])
