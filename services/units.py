"""The units of one instance, built from its folder and state alone: nothing is run or written here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.account import Account
from services.endpoints import Endpoints
from services.flower import Flower
from services.pipeline import Relay, Worker
from services.postgres import NAMES, Name, Postgres
from services.rabbitmq import Epmd, RabbitMQ
from services.solr.server import Solr
from services.state import Folder, State
from services.unit import Unit


@dataclass(frozen=True, slots=True)
class Units:
    """What the last start wanted."""

    folder: Folder
    state: State

    def services(self) -> list[Unit]:
        """The services, in the order in which they are started: those that take longest to come up go first."""
        wanted: list[Unit] = []
        if "rabbitmq" in self.state.services:
            wanted += [Epmd(self.folder, self.state), self.rabbitmq()]
        if "solr" in self.state.services:
            wanted.append(Solr(self.folder, self.state))
        wanted += self.postgres()
        if "flower" in self.state.services:
            wanted.append(self._flower())
        return wanted

    def pipeline(self) -> list[Unit]:
        """Relay and workers, once `pipeline start` has named an outbox.toml."""
        if not self.state.config:
            return []
        endpoints, config, bulk = self.endpoints(), self.state.config, self.state.bulk
        return [Relay(endpoints, config), Worker(endpoints, config, "live", 2), Worker(endpoints, config, "bulk", bulk)]

    def all(self) -> list[Unit]:
        """Services, then pipeline."""
        return [*self.services(), *self.pipeline()]

    def postgres(self) -> list[Postgres]:
        """The Postgres servers."""
        return [self._postgres(name) for name in NAMES if name in self.state.services]

    def _postgres(self, name: Name) -> Postgres:
        account = Account(self.state.postgres_prefix, self.state.postgres_folder)
        return Postgres(self.folder, self.state, account, Path(self.state.postgres_programs[name]), name)

    def rabbitmq(self) -> RabbitMQ:
        """The broker."""
        return RabbitMQ(self.folder, self.state)

    def _flower(self) -> Flower:
        return Flower(self.folder, self.state, self.rabbitmq().url)

    def endpoints(self) -> Endpoints:
        """The addresses of the services that there are."""
        there = self.state.services
        return Endpoints(
            database_url=self._postgres("postgres").url if "postgres" in there else "",
            broker_url=self.rabbitmq().url if "rabbitmq" in there else "",
            solr_url=Solr(self.folder, self.state).url if "solr" in there else "",
            flower_url=self._flower().url if "flower" in there else "",
            pg15_url=self._postgres("pg15").url if "pg15" in there else "",
        )
