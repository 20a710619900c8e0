"""Collections and aliases: find, make, stamp. SolrCloud by collections and aliases, standalone by cores.

Each collection has a copy of the configset of its own, under its own name: adding fields to one alters no other.
A hidden document, the stamp, says which database and index a collection belongs to: a copy of a production database
must not write to production's search.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import orjson

from outbox.errors import CollectionRefused, IndexRefused, SolrUnavailable
from outbox.solr.answer import Meaning
from outbox.solr.client import Params, Solr

STAMP_ID = "outbox.stamp"
_STAMP = "outbox_stamp"
_MAKING_S = 60.0


@dataclass(frozen=True, slots=True)
class Collections:
    """What a Solr has: `aliases` maps an alias to its collections; `names` are collections, or cores if not `cloud`."""

    cloud: bool
    names: frozenset[str]
    aliases: dict[str, tuple[str, ...]]

    def behind(self, name: str) -> tuple[str, ...]:
        """The collections that a name stands for; none if it stands for nothing."""
        if name in self.aliases:
            return self.aliases[name]
        return (name,) if name in self.names else ()


def look(solr: Solr) -> Collections:
    """Ask Solr which collections, aliases or cores it has."""
    mode = solr.call("GET", "/admin/info/system", {"wt": "json"}).get("mode", "std")
    if mode != "solrcloud":
        cores = solr.admin("/admin/cores", {"action": "STATUS", "indexInfo": False})
        return Collections(False, frozenset(cores.get("status", {})), {})
    names = solr.admin("/admin/collections", {"action": "LIST"})["collections"]
    aliases = solr.admin("/admin/collections", {"action": "LISTALIASES"}).get("aliases", {})
    return Collections(True, frozenset(names), {alias: tuple(to.split(",")) for alias, to in aliases.items()})


def create(solr: Solr, collection: str, configset: Path) -> None:
    """Upload the configset under the collection's name, and make the collection from it. Goes on where it stopped."""
    uploaded = solr.admin("/admin/configs", {"action": "LIST"}).get("configSets", [])
    if collection not in uploaded:
        solr.admin("/admin/configs", {"action": "UPLOAD", "name": collection}, body=zipped(configset))
    wanted: Params = {"numShards": 1, "replicationFactor": 1, "collection.configName": collection}
    try:
        solr.admin("/admin/collections", {"action": "CREATE", "name": collection, **wanted})
    except IndexRefused:
        if collection not in look(solr).names:
            raise
        # Asked for by an earlier run that died of it, and made since we looked.


def await_made(solr: Solr, collection: str) -> None:
    """Wait until a collection answers: Solr lists it earlier, and goes on making it when whoever asked has died."""
    deadline = time.monotonic() + _MAKING_S
    while True:
        try:
            solr.call("GET", f"/{collection}/schema", {})
            return
        except SolrUnavailable:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def point(solr: Solr, alias: str, collection: str) -> None:
    """Make the alias, or move it; atomic."""
    solr.admin("/admin/collections", {"action": "CREATEALIAS", "name": alias, "collections": collection})


def unused(solr: Solr, alias: str) -> str:
    """A name for a new collection of an alias: numbered above every one that has a collection or a configset."""
    configs = solr.admin("/admin/configs", {"action": "LIST"}).get("configSets", [])
    found = (re.fullmatch(re.escape(alias) + r"_(\d+)", name) for name in (*look(solr).names, *configs))
    return f"{alias}_{1 + max((int(each[1]) for each in found if each), default=0)}"


def drop(solr: Solr, collection: str, owner: str) -> bool:
    """Delete a collection of ours; False if there is none. Its configset stays, so that its name is not used again.

    Whoever was to make it may have died at any step. Until it is stamped it is ours if nobody put anything into it;
    and where it is not there yet, it may be on its way: Solr lets DELETE wait for CREATE. CollectionRefused if it is
    somebody else's.
    """
    if collection in look(solr).names:
        await_made(solr, collection)
        if not is_blank(solr, collection):
            demand_stamp(solr, collection, owner)
    try:
        solr.admin("/admin/collections", {"action": "DELETE", "name": collection})
    except IndexRefused:
        if collection in look(solr).names:
            raise
        return False
    return True


def swap(solr: Solr, core: str, other: str) -> None:
    """Exchange the names of two cores; atomic. To be asked of `core_folder` before it is tried again."""
    solr.admin("/admin/cores", {"action": "SWAP", "core": core, "other": other})


def core_folder(solr: Solr, core: str) -> str:
    """Where the core of that name has its data now: it keeps its folder when names are exchanged."""
    status = solr.admin("/admin/cores", {"action": "STATUS", "core": core, "indexInfo": False})["status"]
    return str(status[core]["dataDir"])


def zipped(configset: Path) -> bytes:
    """The contents of a conf folder as the configset API wants them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(configset.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(configset))
    return buffer.getvalue()


def read_stamp(solr: Solr, collection: str) -> str | None:
    """Whose the collection is; None if nobody stamped it."""
    found = solr.get(collection, [STAMP_ID], fields=f"id,{_STAMP}").get(STAMP_ID)
    return None if found is None else found.get(_STAMP)


def write_stamp(solr: Solr, collection: str, owner: str) -> None:
    """Stamp a collection that we made. Version 0 is below every claim's: never among the tombstones that are purged."""
    document = {"id": STAMP_ID, _STAMP: owner, "deleted": True, "src_version": 0}
    verdict = solr.update(collection, orjson.dumps([document]), commit_within_ms=1000)
    if verdict.meaning in (Meaning.SERVICE, Meaning.SUSPECT):
        raise SolrUnavailable(f"{collection} cannot be stamped: {verdict.words}")
    if verdict.meaning is not Meaning.DONE:
        raise IndexRefused(f"{collection} cannot be stamped: {verdict.words}")


def is_blank(solr: Solr, collection: str) -> bool:
    """True if the collection is made from our configset, and nobody has put anything into it."""
    schema = solr.call("GET", f"/{collection}/schema", {})["schema"]
    if not any(field["name"] == _STAMP for field in schema["fields"]):
        return False
    if read_stamp(solr, collection) is not None:
        return False
    solr.commit(collection)
    counted = solr.select(collection, {"q": "*:*", "rows": 0}, handler="/audit")
    return bool(counted["response"]["numFound"] == 0)


def demand_stamp(solr: Solr, collection: str, owner: str) -> None:
    """Raise CollectionRefused unless the collection carries this stamp."""
    stamp = read_stamp(solr, collection)
    if stamp != owner:
        raise _refused(collection, stamp, owner)


def refuse_others(solr: Solr, collection: str, owner: str) -> None:
    """Raise CollectionRefused if the collection carries another stamp."""
    stamp = read_stamp(solr, collection)
    if stamp not in (None, owner):
        raise _refused(collection, stamp, owner)


def _refused(collection: str, stamp: str | None, owner: str) -> CollectionRefused:
    whose = "nobody's: it carries no stamp" if stamp is None else f"that of {stamp}"
    return CollectionRefused(
        f"the Solr collection {collection} is {whose}; this is {owner}: give `collection` another name in the "
        "settings, or `adopt = true` if its documents may be changed, then run `outbox apply`"
    )
