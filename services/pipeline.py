"""The pipeline's own processes under supervisord: relay and the two Celery workers, restarted when they die."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg

from outbox.sql import queries
from services import broker
from services.endpoints import Endpoints
from services.errors import StackError
from services.unit import Program

NAMES = ("relay", "worker-live", "worker-bulk")
_ROOT = Path(__file__).parents[1]


def script(name: str) -> Path:
    """A command of this interpreter's environment."""
    return Path(sys.executable).parent / name


def require(config: Path) -> str:
    """The absolute path of `config`; StackError if it or a command of ours is missing."""
    if not config.is_file():
        raise StackError(f"the settings file {config} does not exist: name another with --config")
    for name in ("relay", "celery"):
        if not os.access(script(name), os.X_OK):
            raise StackError(f"{script(name)} does not exist: install the project with `python -m pip install -e .`")
    return str(config.absolute())


def _environment(endpoints: Endpoints, config: str) -> dict[str, str]:
    known = endpoints.environment()
    known.pop("OUTBOX_TEST_PG15_URL", None)
    return {**known, "OUTBOX_CONFIG": config}


@dataclass(frozen=True, slots=True)
class Relay:
    """The relay; `config` is the path of outbox.toml. It ends at once where the schema `outbox` is missing."""

    endpoints: Endpoints
    config: str
    name: str = "relay"
    needs: tuple[str, ...] = ()
    where: str = "relay"

    def program(self) -> Program:
        """The console script `relay`."""
        environment = _environment(self.endpoints, self.config)
        return Program(self.name, (str(script("relay")),), _ROOT, environment, stop_seconds=15, settle_seconds=2)

    def prepare(self) -> None:
        """Nothing to prepare."""

    def answers(self) -> str:
        """It has no door of its own: it works when a relay leads."""
        try:
            with psycopg.connect(self.endpoints.database_url, connect_timeout=3) as connection:
                leads = connection.execute(queries("services", "pipeline.sql")["relay_leads"]).fetchone() == (1,)
        except psycopg.Error as error:
            return str(error).strip().splitlines()[0]
        return "" if leads else "no relay leads yet"


@dataclass(frozen=True, slots=True)
class Worker:
    """The Celery worker of one queue, `live` or `bulk`."""

    endpoints: Endpoints
    config: str
    queue: str
    processes: int
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As supervisord knows it."""
        return f"worker-{self.queue}"

    @property
    def where(self) -> str:
        """Its queue."""
        return f"queue outbox.{self.queue}"

    def program(self) -> Program:
        """A stop waits for the task that runs: longer than the task's hard limit of 50 s."""
        options = ("-Q", f"outbox.{self.queue}", "-n", f"{self.queue}@%h", "-c", str(self.processes))
        quiet = ("--without-mingle", "--without-gossip", "-E")
        command = (str(script("celery")), "-A", "outbox.worker", "worker", *options, *quiet)
        environment = _environment(self.endpoints, self.config)
        return Program(self.name, command, _ROOT, environment, stop_seconds=60, settle_seconds=1)

    def prepare(self) -> None:
        """Nothing to prepare."""

    def answers(self) -> str:
        """Whether its queue has a consumer."""
        return broker.consumer(self.endpoints.broker_url, f"outbox.{self.queue}")
