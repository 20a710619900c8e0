"""A leader frozen at a claim is replaced, also inside a transaction that holds the lock of the index's row."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.chaos.points import provoke
from tests.chaos.points.shop import Shop
from tests.chaos.points.steps import Action, Moment, Role
from tests.pipeline import until

PROMISED_S = 3.0
TRIES = 3
# The first claim of another relay: drawn under the lock that the frozen one held.
CLAIMED = "SELECT extract(epoch FROM min(created_at))::float8 FROM outbox.claim WHERE created_at > to_timestamp(%s)"


@pytest.mark.parametrize(
    "step", ["outbox.store.claims:claim", "outbox.store.claims:lock_index", "outbox.store.suspects:claim"]
)
def test_another_claims_within_three_seconds(calm: Shop, step: str) -> None:
    """The least of a few tries, since a busy machine only adds to it."""
    took = [taken_over(calm, step)]
    while min(took) >= PROMISED_S and len(took) < TRIES:
        took.append(taken_over(calm, step))
    print(f"frozen after {step}: another claimed after {', '.join(f'{each:.2f}' for each in took)} s")
    assert min(took) < PROMISED_S


def taken_over(shop: Shop, step: str) -> float:
    """Freeze the leader there under edits; the seconds until another relay has claimed. Nothing is hurried.

    Of the claims only those of suspects, and a few more, hold the lock while the relay has the word.
    """
    shop.arm(Role.RELAY, step, Moment.AFTER, Action.FREEZE)
    with shop.writing(), provoke.suspect(shop):
        word = shop.taken()
        frozen_at = time.time()
        claimed_at = until(lambda: claimed(shop, frozen_at), "another relay claims")
        traced = shop.traced()
        os.kill(word.pid, signal.SIGCONT)
        until(lambda: shop.settled(word, Role.RELAY, traced), "the thawed one is through")
    shop.judge()
    return claimed_at - frozen_at


def claimed(shop: Shop, since: float) -> float:
    """When the first claim after that moment was made; 0 if there is none."""
    row = shop.connection.execute(CLAIMED, [since]).fetchone()
    return 0.0 if row is None or row[0] is None else float(row[0])
