"""An application that goes on writing though its server goes away: what broke off is begun again, as a user would."""

from __future__ import annotations

import random
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from tests.alongside import Alongside

EDIT = "UPDATE catalogue.layer SET title = %s WHERE id = %s"


@dataclass(slots=True)
class Application(Alongside):
    """Edits layers 1 to `layers`, some forty times a second, while it is entered.

    `commits` and `broken` count what it did and how often the server was away; any other error leaves with it.
    """

    url: str
    layers: int
    commits: int = 0
    broken: int = 0

    def run(self) -> None:
        """As told above."""
        while not self.stop.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
                    self._write(connection)
            except (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction):  # a standby, not promoted yet
                self.broken += 1
                self.stop.wait(0.1)

    def _write(self, connection: psycopg.Connection[TupleRow]) -> None:
        choice = random.Random(self.commits)  # noqa: S311 - a choice of layers, no secret
        while not self.stop.wait(0.025):
            connection.execute(EDIT, [f"commit {self.commits}", choice.randint(1, self.layers)])
            self.commits += 1
