"""The addresses of a running stack, and the file `env` that carries them to programs and shells."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses, with their passwords; "" for a service that was left out. `solr_url` ends in /solr."""

    database_url: str = ""
    broker_url: str = ""
    solr_url: str = ""
    flower_url: str = ""
    pg15_url: str = ""

    def environment(self) -> dict[str, str]:
        """The variables that our programs and tests read, those that have a value."""
        named = {_VARIABLES[field]: value for field, value in asdict(self).items()}
        return {name: value for name, value in named.items() if value}

    def text(self) -> str:
        """The file `env`: lines that a shell can source, and that any reader of NAME=value understands."""
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in self.environment().items())


_VARIABLES = {
    "database_url": "OUTBOX_DATABASE_URL",
    "broker_url": "OUTBOX_BROKER_URL",
    "solr_url": "OUTBOX_SOLR_URL",
    "flower_url": "OUTBOX_FLOWER_URL",
    "pg15_url": "OUTBOX_TEST_PG15_URL",
}
