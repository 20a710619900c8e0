"""What relay and workers say: one line for each claim, and never a value of a row."""

from __future__ import annotations

import re
from dataclasses import replace

from psycopg.types.json import Jsonb

from outbox.store import indexes
from tests.integration.desk import Desk
from tests.integration.hand_made import DEFINITION, SQL, add, insert_items, states
from tests.integration.test_expand import WAY
from tests.pipeline import Pipeline, until

SECRET = "tell-nobody-81"  # noqa: S105 - a value of a row, no password
# Solr refuses the code, Postgres the title where the divisor is 0, the relay the route of a fan-out.
VIEW = """CREATE OR REPLACE VIEW shop.item_document AS
    SELECT id, title, code, CASE WHEN divisor = 0 THEN title::integer ELSE 7 END AS share FROM shop.item"""
FAILED = "SELECT last_error FROM outbox.event WHERE last_error IS NOT NULL"
FIELDS = (
    "index=items",
    r"claim=\d+",
    "lane=live",
    "documents=1",
    "dead=0",
    r"read_ms=[\d.]+",
    "post_ms=",
    "finish_ms=",
)


def test_no_line_repeats_a_value(desk: Desk, pipeline: Pipeline) -> None:
    indexes.save(desk.connection, desk.place.index, replace(DEFINITION, ways=(WAY,)))
    insert_items(desk.connection, [1, 2, 3])
    desk.connection.execute(VIEW)
    desk.connection.execute("UPDATE shop.item SET title = %s", [SECRET])
    desk.connection.execute("UPDATE shop.item SET code = %s WHERE id = 2", [SECRET])
    desk.connection.execute("UPDATE shop.item SET divisor = 0 WHERE id = 3")
    fan_out = {"index": desk.place.index, "way": WAY.number, "route": Jsonb([[SECRET]]), "op": "U"}
    desk.connection.execute(SQL["add_fan_out"], fan_out)
    add(desk.connection, desk.place, "1", "2", "3")
    pipeline.start(live=1, bulk=1)
    until(lambda: len(failed(desk)) >= 3, "each of them has failed")
    until(lambda: states(desk.connection)["1"][0] == "done", "and the good one is indexed")
    pipeline.stop_all()
    assert all(SECRET in words for words in failed(desk)), "else there was nothing to hide"
    said = "".join(pipeline.log(name) for name in ("relay-0", "worker-live", "worker-bulk"))
    assert "fan-out cannot be expanded" in said and "SQLSTATE 22P02" in said
    assert SECRET not in said


def failed(desk: Desk) -> list[str]:
    """The words of what failed."""
    return [row[0] for row in desk.connection.execute(FAILED)]


def test_one_line_for_each_claim(desk: Desk, pipeline: Pipeline) -> None:
    insert_items(desk.connection, [1])
    pipeline.start(live=1, bulk=0)
    add(desk.connection, desk.place, "1")
    until(lambda: states(desk.connection)["1"] == ["done"], "it is indexed")
    pipeline.stop_all()
    (line,) = [line for line in pipeline.log("worker-live").splitlines() if "event=indexed" in line]
    missing = [field for field in FIELDS if not re.search(field, line)]
    assert not missing, line
