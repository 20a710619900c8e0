"""How many documents the most used row of a table carries, counted and estimated."""

from __future__ import annotations

import pytest

from outbox.capture.forecast import Forecast, forecast
from outbox.connection import Connection
from outbox.index import LIVE_MOST
from tests.integration.captured import SQL, analysed

VIEW = """CREATE VIEW s.d AS SELECT l.uuid AS id, c.name AS category, p.name AS above,
    ARRAY(SELECT k.name FROM s.link x JOIN s.keyword k ON k.id = x.keyword_id WHERE x.layer_id = l.id ORDER BY 1) AS ks,
    ARRAY(SELECT rank FROM s.pick WHERE layer_uuid = l.uuid ORDER BY 1) AS ranks
    FROM s.layer l LEFT JOIN s.category c ON c.id = l.cat LEFT JOIN s.category p ON p.id = c.parent"""
MORE = """UPDATE s.layer SET cat = 3 WHERE id <= 2000;
    UPDATE s.category SET parent = 3 WHERE id IN (3, 4);
    INSERT INTO s.link SELECT 50000 + i, i, 1 FROM generate_series(1, 101, 2) AS i;
    INSERT INTO s.link SELECT 60000 + i, i, 1 FROM generate_series(2, 100, 2) AS i"""


@pytest.fixture
def crowd(outbox: Connection) -> Connection:
    outbox.execute(SQL["tables"])
    outbox.execute(SQL["crowd"])
    outbox.execute(MORE)
    outbox.execute(VIEW)
    return outbox


def test_counts_the_documents_of_the_most_used_row(crowd: Connection) -> None:
    found = forecast(crowd, analysed(crowd).paths, "uuid")
    assert {str(one) for one in found} == {
        "s.category (c): its most used row is on 3,800 documents (id 3), lane bulk",  # 2,000, and a tenth of the rest
        "s.category (p): its most used row is on 5,600 documents (id 3), lane bulk",  # and those of category 4
        "s.keyword (k): its most used row is on 10,051 documents (id 1), lane bulk",  # no layer twice
    }


def test_estimates_what_cannot_be_counted_in_time(crowd: Connection) -> None:
    crowd.execute("ANALYZE s.layer, s.link")
    found = {one.alias: one for one in forecast(crowd, analysed(crowd).paths, "uuid", longest_ms=1)}
    counted = {alias: (one.exact, one.row) for alias, one in found.items()}
    assert counted == {"c": (False, "id 3"), "k": (False, "id 1"), "p": (False, "")}
    assert found["p"].documents is None
    for alias, documents in (("c", 3800), ("k", 10_101)):
        estimated = found[alias].documents
        assert estimated is not None
        assert 0.9 < estimated / documents < 1.1
    assert crowd.execute("SHOW statement_timeout").fetchone() == ("30s",)


def test_a_table_that_no_document_uses(crowd: Connection) -> None:
    crowd.execute("DELETE FROM s.link")
    assert "s.keyword (k): none of its rows is on a document" in map(
        str, forecast(crowd, analysed(crowd).paths, "uuid")
    )


def test_says_the_lane_that_the_relay_will_take() -> None:
    at_most = Forecast("s.category", "category", LIVE_MOST, "id 1", exact=False)
    assert str(at_most) == "s.category: its most used row is on about 500 documents (id 1), lane live"
    assert str(Forecast("s.c", "c", LIVE_MOST + 1, "id 1", exact=True)).endswith("501 documents (id 1), lane bulk")
