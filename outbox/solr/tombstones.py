"""Tombstones that are no longer needed, out of a collection."""

from __future__ import annotations

import orjson

from outbox.index import Target
from outbox.solr.client import Solr
from outbox.solr.listing import all_documents


def purge(solr: Solr, collection: str, target: Target, *, to: int) -> int:
    """Purge the tombstones of versions up to `to`; how many there were. SolrUnavailable or IndexRefused if it fails.

    Counted first, since a delete by query stops all updates of the collection for a moment, and mostly there is none. A
    tombstone that becomes a document between is none any more when the query runs: it stays.
    """
    query = old(target, to)
    counted = solr.select(collection, {"q": query, "rows": 0}, handler=all_documents(target.own_fields))
    found = int(counted["response"]["numFound"])
    if found:
        body = orjson.dumps({"delete": {"query": query}})
        solr.call("POST", f"/{collection}/update", {"commitWithin": target.commit_within_ms, "wt": "json"}, body=body)
    return found


def old(target: Target, to: int) -> str:
    """The query. From version 1 on: the stamp of a collection of ours is a tombstone of version 0.

    All in the query, nothing in parameters, which a delete by query does not take along to other nodes. The scope is
    somebody's query and goes in as a whole, quoted.
    """
    own = target.own_fields
    query = f"+{own.deleted}:true +{own.version}:[1 TO {to}]"
    if target.scope:
        quoted = target.scope.replace("\\", "\\\\").replace('"', '\\"')
        query += f' +_query_:"{quoted}"'
    return query
