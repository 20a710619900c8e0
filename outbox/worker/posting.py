"""Post documents until each is in Solr or its refusal is known.

A batch that Solr refuses for one of its documents is split until the guilty one stands alone; documents that the first
attempt had applied are dropped by Solr as equal versions when they come again, so splitting costs only requests.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from outbox.errors import IndexRefused, SolrUnavailable
from outbox.solr.answer import Meaning, Verdict
from outbox.solr.client import READ_TIMEOUT_S, Solr
from outbox.worker.documents import Document, delete_body, pieces, request_body


class SolrBusy(SolrUnavailable):
    """Solr asks to be left alone for a while; `suspicious` if a document may have broken it."""

    def __init__(self, words: str, retry_after: timedelta, *, suspicious: bool = False) -> None:
        super().__init__(words)
        self.retry_after = retry_after
        self.suspicious = suspicious


@dataclass(slots=True)
class Posting:
    """One claim's way into one collection.

    `until`: the claim's deadline by the monotonic clock. `refused` collects keys with Solr's words.
    """

    solr: Solr
    collection: str
    commit_within_ms: int
    until: float = math.inf
    refused: dict[str, str] = field(default_factory=dict)
    requests: int = 0

    def post(self, documents: Sequence[Document]) -> None:
        """Post all of them. SolrUnavailable or IndexRefused when nothing can be said of the documents themselves."""
        for piece in pieces(documents):
            self._piece(piece)

    def _piece(self, piece: Sequence[Document]) -> None:
        verdict = self._send(piece)
        match verdict.meaning:
            case Meaning.DONE:
                return
            case Meaning.DOCUMENT | Meaning.TOO_LARGE:
                self._split(piece, verdict)
            case Meaning.STALE:
                if len(piece) > 1:
                    self._split(piece, verdict)
            case Meaning.INDEX:
                raise IndexRefused(f"{self.collection}: {verdict.words}")
            case Meaning.SERVICE | Meaning.SUSPECT:
                raise SolrBusy(verdict.words, verdict.retry_after, suspicious=verdict.meaning is Meaning.SUSPECT)

    def _split(self, piece: Sequence[Document], verdict: Verdict) -> None:
        if len(piece) == 1:
            self.refused[piece[0].key] = verdict.words
            return
        middle = len(piece) // 2
        self._piece(piece[:middle])
        self._piece(piece[middle:])

    def _send(self, piece: Sequence[Document]) -> Verdict:
        verdict = Verdict(Meaning.DONE, "")
        adds = request_body(piece)
        for body in (adds if adds != b"[]" else b"", delete_body(piece)):
            if body and verdict.meaning is Meaning.DONE:
                verdict = self._update(body)
        return verdict

    def _update(self, body: bytes) -> Verdict:
        left = self.until - time.monotonic()
        if left <= 0:
            raise SolrBusy(f"{self.collection}: the claim's time was over after {self.requests} requests", timedelta(0))
        self.requests += 1
        wait_s = min(left, READ_TIMEOUT_S)
        return self.solr.update(self.collection, body, commit_within_ms=self.commit_within_ms, timeout_s=wait_s)
