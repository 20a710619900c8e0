"""Let Solr's JVM compile what it runs, before anything is counted.

A Solr that has just started takes in a fifth of what it does 150,000 documents later. Every rate would be that of the
compiler, and what is measured last would seem the fastest.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.world import say

GAIN = 1.05  # less than that above the best before is no gain
STILL = 4
"""So many passes without a gain are enough: one may be slow because of a neighbour."""


def warm(what: str, rate: Callable[[], float], documents: int, most: int) -> None:
    """Repeat a pass over so many documents, which gives its rate, until it gains no more.

    Over once `most` documents have been through, whatever it gains.
    """
    best, still, passed = 0.0, 0, 0
    while still < STILL and passed < most:
        now = rate()
        passed += documents
        still = 0 if now > GAIN * best else still + 1
        best = max(best, now)
    say(f"{what}: warm after {passed:,} documents, at {best:,.0f} documents/s")
