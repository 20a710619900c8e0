"""The view changes while the application writes: `plan` says what follows, `apply` does it, and no statement fails."""

from __future__ import annotations

import re

from outbox.sql import queries
from tests.acceptance.conftest import LAYERS, Catalogue
from tests.acceptance.load import Writer
from tests.pipeline import until

VIEW = queries("examples.catalogue", "view.sql")["layer_document"]
# One column added, one of another type, one gone, and a table that was not read before.
CHANGED = re.sub(
    r"(?s)layer\.title,(.*)layer\.date AS modified_date,",
    r"layer.title, layer.state, layer.popular_count::text AS popular,\1layer.date::text AS modified_text,",
    VIEW,
)
COUNTED = "UPDATE catalogue.layer SET popular_count = popular_count + 1 WHERE id = 7"


def test_a_changed_view_is_planned_and_applied_under_load(catalogue: Catalogue, database_url: str) -> None:
    assert CHANGED != VIEW
    pipeline, connection = catalogue.pipeline, catalogue.connection
    pipeline.run("apply")
    pipeline.start()
    catalogue.drained()
    with Writer(database_url, LAYERS, 100.0) as writer:
        connection.execute("DROP VIEW catalogue.layer_document")
        connection.execute(CHANGED.encode())
        planned = pipeline.run("plan", "--exit-code", expect=3).stdout
        assert "add the Solr fields state, popular, popular_s, modified_text, modified_text_s" in planned
        assert "catalogue.layer" in planned.partition("to do:")[2]
        assert re.search(r"enqueue all documents, about [\d,]+, since the view's columns have changed", planned)
        pipeline.run("apply")
        said = len(writer.statements)
        until(lambda: len(writer.statements) > said + 20, "the application goes on")
    connection.execute(COUNTED.encode())  # a column that nothing tracked before
    catalogue.drained()
    assert catalogue.differences() == []
    document = catalogue.solr.select(catalogue.collection, {"q": "*:*", "rows": 1})["response"]["docs"][0]
    assert "modified_date" not in document and {"state", "popular", "modified_text"} <= document.keys()
    pipeline.run("plan", "--exit-code", expect=0)  # nothing is left to do
