"""`apply` and `detach` while ten writers write every table: none of them fails, none waits long, nothing is missed."""

from __future__ import annotations

import time
from contextlib import nullcontext

import pytest

from outbox.apply import apply
from outbox.detach import detach
from outbox.settings import Settings, load
from outbox.sql import queries
from tests.acceptance import writers
from tests.acceptance.conftest import Catalogue
from tests.pipeline import until

SQL = queries("tests.acceptance", "writers.sql")
ROUNDS = 10
CONTROL = 3_000
TRIGGERS = 21
LONGEST_S = 2.0


def one(catalogue: Catalogue, query: str) -> int:
    """One number."""
    row = catalogue.connection.execute(SQL[query]).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def settings(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As the commands of the pipeline read them."""
    for name, value in catalogue.pipeline.environment.items():
        monkeypatch.setenv(name, value)
    return load()


def test_ten_writers_while_apply_and_detach_run_ten_times(
    catalogue: Catalogue, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    url = catalogue.pipeline.environment["OUTBOX_DATABASE_URL"]
    catalogue.pipeline.start()
    writers.prepare(url)
    apply(settings, "layers", lambda _: None)
    deadlocks = one(catalogue, "deadlocks")
    seconds: list[float] = []
    said: list[str] = []
    with writers.writing(url) as alone:
        # The control run: as many writers, and the pipeline too, but nobody applies.
        until(lambda: len(alone.seconds) > CONTROL or alone.errors, "the writers write")
    with writers.writing(url) as fired_at:
        for turn in range(ROUNDS):
            detach(settings, "layers", said.append)
            assert one(catalogue, "triggers") == 0
            begin = time.monotonic()
            with writers.dawdling(url) if turn == ROUNDS // 2 else nullcontext():
                apply(settings, "layers", said.append)
            seconds.append(time.monotonic() - begin)
            assert one(catalogue, "triggers") == TRIGGERS
    tried_again = sum("trying again" in words for words in said)
    with capsys.disabled():
        print(
            f"\n{fired_at.transactions} transactions, {len(fired_at.seconds)} statements, the longest "
            f"{fired_at.longest * 1000:.0f} ms, {fired_at.longest / alone.longest:.1f} times that without apply; "
            f"apply took {min(seconds):.1f} to {max(seconds):.1f} s, {tried_again} locks were tried for again"
        )
    assert alone.errors == fired_at.errors == []
    assert fired_at.transactions > ROUNDS * writers.WRITERS
    assert fired_at.longest < LONGEST_S
    assert max(seconds) > writers.DAWDLING_S
    assert tried_again > 0
    catalogue.drained()
    assert catalogue.differences() == []
    assert one(catalogue, "deadlocks") == deadlocks
