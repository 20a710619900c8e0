"""Looks at documents in Solr all the time: does one ever go back?

By real-time get, which shows a write as soon as Solr has it; one key at a time, since for several at once Solr looks
into its log for each, but into one searcher for all: a commit in between then shows the past (seen). What a document
shows is its version, and in its title the number of the row's last edit. It asks Solr itself, not by a proxy.

A Solr that was killed reads its own log when it starts, and answers meanwhile as if it were empty (seen). So from then
on a document counts again once it is back where it was, and at the end it has to be.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from outbox.errors import IndexRefused, SolrUnavailable
from outbox.solr.client import Address, Solr
from tests.chaos.writer import HOT

EVERY_S = 0.002
_FIELDS = "id,src_version,title"
_NUMBER = re.compile(r"edit (\d+)")


@dataclass(slots=True)
class Seen:
    """The newest state of each key so far, and every step back."""

    looks: int = 0
    backwards: list[str] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    edits: dict[str, int] = field(default_factory=dict)
    returning: set[str] = field(default_factory=set)

    def killed(self) -> None:
        """Solr was killed, and is not started yet."""
        self.returning = set(self.versions)

    def note(self, key: str, document: dict[str, Any] | None) -> None:
        """Compare what Solr has now with what it had."""
        self.looks += 1
        if key in self.returning:
            if document is None or int(document["src_version"]) < self.versions[key]:
                return
            self.returning.discard(key)
        if document is not None:
            self._compare(key, self.versions, int(document["src_version"]), "version")
            if number := _NUMBER.match(str(document.get("title", ""))):
                self._compare(key, self.edits, int(number[1]), "edit")
        elif key in self.versions:
            self.backwards.append(f"{key}: was there in version {self.versions[key]}, and is gone")

    def _compare(self, key: str, known: dict[str, int], now: int, what: str) -> None:
        if now < known.get(key, 0):
            self.backwards.append(f"{key}: {what} {now} after {known[key]}")
        known[key] = max(now, known.get(key, 0))


@contextmanager
def recording(solr_url: str, collection: str, keys: Sequence[str], seed: int) -> Iterator[Seen]:
    """Look on until the end of the block; the first few `keys` are the hot ones, asked for each time."""
    seen, ended = Seen(), threading.Event()
    arguments = (solr_url, collection, keys, seed, seen, ended)
    recorder = threading.Thread(target=_record, args=arguments, name="recorder")
    recorder.start()
    try:
        yield seen
    finally:
        ended.set()
        recorder.join()


def look_again(solr: Solr, collection: str, seen: Seen) -> None:
    """At the end, at every document that was ever seen."""
    seen.returning.clear()
    for key in list(seen.versions):
        seen.note(key, solr.get(collection, [key], fields=_FIELDS).get(key))


def _record(solr_url: str, collection: str, keys: Sequence[str], seed: int, seen: Seen, ended: threading.Event) -> None:
    draw = random.Random(f"recorder {seed}")  # noqa: S311 - a seeded choice, no secret
    solr = Solr(Address(solr_url))
    while not ended.wait(EVERY_S):
        key = draw.choice(keys[:HOT] if draw.random() < 0.7 else keys)
        try:
            found = solr.get(collection, [key], fields=_FIELDS)
        except (SolrUnavailable, IndexRefused):  # a Solr that starts answers 404 for a while
            continue
        seen.note(key, found.get(key))
