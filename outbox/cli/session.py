"""What every command starts from: the settings, and a connection to a database with our schema in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from outbox.connection import Connection, connect
from outbox.errors import ConfigError
from outbox.migrate import head
from outbox.settings import Settings, load
from outbox.store import indexes


class Session:
    """One run of the command; the settings are read when they are first needed, so that --help needs none."""

    def __init__(self, config: Path | None) -> None:
        self._config = config

    @cached_property
    def settings(self) -> Settings:
        """The settings, read once."""
        return load(self._config)

    def names(self, given: tuple[str, ...]) -> list[str]:
        """Those given, else all of the settings; ConfigError if one is unknown, or there is none."""
        known = list(self.settings.index)
        if not known:
            raise ConfigError(f"{self.settings.source} defines no index: write [index.NAME] with its view")
        for name in given:
            self.settings.named(name)
        return list(given) or known

    @contextmanager
    def database(self) -> Iterator[Connection]:
        """An autocommit connection to a database whose schema `outbox` is of our version."""
        with connect(self.settings.database_url, application="outbox", autocommit=True) as connection:
            indexes.demand_schema(connection, head())
            yield connection
