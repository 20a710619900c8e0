"""The ids of our documents in a collection, page by page.

By Solr's cursor, which is stateless and so survives a restart of whoever pages; sorted by the unique key, it is exact.
"""

from __future__ import annotations

from outbox.index import OwnFields
from outbox.solr.client import Params, Solr


def list_ids(
    solr: Solr, collection: str, own: OwnFields, *, scope: str, mark: str | None, rows: int
) -> tuple[list[str], str | None]:
    """One page of ids of documents that carry our version field, inside `scope`, tombstones left out.

    `mark`: what the page before returned, None for the first. Returns the ids and the next mark, None after the last.
    """
    filters = ["{!term f=%s v=true}" % own.deleted] if own.deleted else []  # noqa: UP031 - braces are Solr's
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


def _ours(own: OwnFields, scope: str) -> list[str]:
    ours = [f"{own.version}:[* TO *]"] if own.version else []
    return ours + ([scope] if scope else [])
