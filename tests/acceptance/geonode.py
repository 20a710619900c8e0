"""GeoNode's tables in a database of their own, and what its role and ours do there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from outbox.solr.client import Solr
from outbox.sql import parse
from tests import oracle
from tests.pipeline import ROOT, Pipeline, until

EXAMPLE = ROOT / "examples" / "geonode"
VIEW = "search.dataset_document"
SQL = parse((Path(__file__).parent / "geonode_fill.sql").read_text("utf-8"), "geonode_fill.sql")


@dataclass(frozen=True, slots=True)
class Geonode:
    """The tables, filled; `connection` is a superuser's, `pipeline` is GeoNode's role's, `ours` the relay's."""

    connection: psycopg.Connection[TupleRow]
    pipeline: Pipeline
    ours: Pipeline
    solr: Solr

    def does(self, script: str, each: Sequence[dict[str, int] | None] = (None,)) -> None:
        """GeoNode runs these statements, with each of the parameters, in transactions of their own but for BEGIN."""
        with psycopg.connect(self.pipeline.environment["OUTBOX_DATABASE_URL"], autocommit=True) as connection:
            for statement in script.strip().removesuffix(";").split(";\n"):
                for parameters in each:
                    connection.execute(statement.encode(), parameters)

    def view(self, name: str) -> None:
        """GeoNode's role creates the view of that file."""
        self.as_owner((EXAMPLE / name).read_text("utf-8"))

    def as_owner(self, script: str) -> None:
        """The whole script in one transaction."""
        with psycopg.connect(self.pipeline.environment["OUTBOX_DATABASE_URL"]) as connection:
            connection.execute(script.encode(), prepare=False)

    def configure(self, settle: str) -> None:
        """The example's configuration with another `settle`."""
        config = self.pipeline.logs / "outbox.toml"
        text = (EXAMPLE / "outbox.toml").read_text("utf-8")
        assert text.count('settle = "200ms"') == 1
        config.write_text(text.replace('settle = "200ms"', f'settle = "{settle}"'), "utf-8")
        self.pipeline.environment["OUTBOX_CONFIG"] = str(config)

    def one(self, name: str, **parameters: object) -> Any:
        """The first row of a query of ours."""
        return self.connection.execute(SQL[name], parameters).fetchone()

    def known(self) -> list[int]:
        """The events so far."""
        found: list[int] = self.one("known")[0]
        return found

    def drained(self) -> None:
        """Nothing waits, nothing is dead, and Solr equals the view."""
        until(lambda: self.one("waiting") == (0,), "the outbox is empty")
        assert self.one("dead") == (0,)
        assert oracle.differences(self.connection, self.solr, "datasets", VIEW) == []
