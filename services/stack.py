"""One instance of all services: start, stop, and each service by itself.

Tests use it for a private instance in any folder:

    with Stack(folder, with_flower=False) as stack:
        psycopg.connect(stack.endpoints().database_url)
        stack.service("solr").kill()

Starting twice changes nothing; neither does stopping twice. After a crash of anything, supervisord included, the next
start or stop ends what was left, known by pid and start time, and only that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from services import account, ending, pipeline, ports, postgres, provision, state
from services.command import succeed
from services.endpoints import Endpoints
from services.errors import StackError
from services.launching import launch
from services.rabbitmq import SCRIPTS
from services.service import Service
from services.state import Folder, SolrMode, State, write_private
from services.supervisor import Seen, Supervisor, configuration
from services.units import Units

SERVICES = ("postgres", "rabbitmq", "solr", "flower")
Say = Callable[[str], None]


def _silent(_: str) -> None:
    """What `say` is by default."""


class Stack:
    """The services of one folder. The options are those of the next `start`; all else goes by the last start."""

    def __init__(
        self,
        directory: Path,
        *,
        solr_mode: SolrMode = "cloud",
        with_flower: bool = True,
        with_pg15: bool = False,
        without: Collection[str] = (),
        fsync: bool = True,
    ) -> None:
        """`without` leaves services out by name, with RabbitMQ also Flower; `with_pg15`: where there is one.

        `fsync`: whether Postgres waits for the disk; what dies without it are data of a machine that dies.

        Raises StackError for an unknown name.
        """
        left_out = {*without, *(() if with_flower else ("flower",))}
        unknown = left_out.difference(SERVICES)
        if unknown:
            raise StackError(f"there is no service {', '.join(sorted(unknown))}: choose from {', '.join(SERVICES)}")
        if "rabbitmq" in left_out:
            left_out.add("flower")
        self.folder = Folder(directory.resolve())
        self._solr_mode: SolrMode = solr_mode
        self._pg15 = with_pg15
        self._fsync = fsync
        self._wanted = tuple(name for name in SERVICES if name not in left_out)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, say: Say = _silent) -> Endpoints:
        """Start what does not run, wait until each service truly answers, write `env`; `say` gets a line for each step.

        Raises StackError that names the log of what failed and shows its last lines; the rest goes on running.
        """
        self.folder.create()
        with self.folder.locked():
            wanted = self._services(say)
            provision.provide(wanted, say)
            remembered = self._remember(wanted, say)
            self._configure(remembered)
            units = Units(self.folder, remembered)
            launch([self._service(unit.name, remembered) for unit in units.services()], say)
            endpoints = units.endpoints()
            write_private(self.folder.env, endpoints.text())
        return endpoints

    def _services(self, say: Say) -> tuple[str, ...]:
        if self._pg15 and not postgres.has_pg15():
            say("pg15: there is no Postgres 15 on this machine, left out")
        return (*self._wanted, "pg15") if self._pg15 and postgres.has_pg15() else self._wanted

    def _remember(self, wanted: tuple[str, ...], say: Say) -> State:
        """Clear away what a crash left, choose ports and places, and save them before anything is started."""
        known = state.load(self.folder) or State()
        up = Supervisor(self.folder, known).answers()
        if not up:
            ending.clear(self.folder, known, say)
            state.remove([known.short])
            known = replace(known, short=state.short_folder(self.folder))
        known = replace(
            known,
            ports=ports.choose(known.ports, running=known.ports if up else ()),
            services=wanted,
            solr_mode=self._solr_mode,
            fsync=self._fsync,
        )
        known = self._with_account(known, say)
        state.save(self.folder, known)
        return known

    def _with_account(self, known: State, say: Say) -> State:
        names: list[postgres.Name] = [name for name in postgres.NAMES if name in known.services]
        if not names:
            return known
        found = {name: postgres.programs(name) for name in names}
        chosen = account.choose(found[names[0]], self.folder.path, known.postgres_folder)
        if chosen.folder:
            say(f"{', '.join(names)}: runs as another user, with data in {chosen.folder} that are gone after a stop")
        return replace(
            known,
            postgres_prefix=chosen.prefix,
            postgres_folder=chosen.folder,
            postgres_programs={name: str(account.reachable(chosen, place)) for name, place in found.items()},
        )

    def _configure(self, known: State) -> None:
        """Write supervisord's configuration and see that a supervisord goes by it."""
        supervisor = Supervisor(self.folder, known)
        programs = [unit.program() for unit in Units(self.folder, known).all()]
        write_private(self.folder.configuration, configuration(self.folder, known, programs))
        if supervisor.answers():
            supervisor.update()
        else:
            supervisor.launch()

    def stop(self, say: Say = _silent) -> None:
        """End all that was started, the pipeline first, and remove temporary folders; data and logs stay."""
        known = state.load(self.folder)
        if known is None:
            say("nothing runs")
            return
        self.folder.create()
        with self.folder.locked():
            self.folder.env.unlink(missing_ok=True)
            supervisor = Supervisor(self.folder, known)
            up = supervisor.answers()
            if up:
                ending.shut_down(supervisor, say)
            ended = ending.clear(self.folder, known, say)
            state.remove([known.short, known.postgres_folder])
            state.save(self.folder, replace(known, short="", postgres_folder=""))
            if not up and not ended:
                say("nothing runs")

    def endpoints(self) -> Endpoints:
        """The addresses of the services that run; StackError if none was started."""
        return Units(self.folder, self._running()).endpoints()

    def service(self, name: str) -> Service:
        """One service or program of the pipeline by name; StackError names those that there are."""
        return self._service(name, self._running())

    def _service(self, name: str, known: State) -> Service:
        units = {unit.name: unit for unit in Units(self.folder, known).all()}
        if name not in units:
            raise StackError(f"there is no service {name} here: choose from {', '.join(units)}")
        needs = tuple(self._service(need, known) for need in units[name].needs)
        return Service(units[name], Supervisor(self.folder, known), needs)

    def status(self) -> list[Seen]:
        """Every program and how it does; empty if nothing runs."""
        known = state.load(self.folder)
        supervisor = Supervisor(self.folder, known or State())
        return list(supervisor.programs().values()) if known and supervisor.answers() else []

    def rabbitmqctl(self, *arguments: str) -> str:
        """What `rabbitmqctl -q …` says of this stack's node; StackError if it fails."""
        environment = Units(self.folder, self._running()).rabbitmq().environment()
        return succeed([SCRIPTS / "rabbitmqctl", "-q", *arguments], extra=environment)

    def start_pipeline(self, config: Path, say: Say = _silent, *, bulk: int = 2) -> None:
        """Start relay and workers with this outbox.toml; wait until a relay leads and both queues have a consumer.

        `bulk`: processes of the worker of bulk claims.
        """
        path = pipeline.require(config)
        with self.folder.locked():
            known = replace(self._running(), config=path, bulk=bulk)
            state.save(self.folder, known)
            self._configure(known)
            launch([self._service(name, known) for name in pipeline.NAMES], say)

    def stop_pipeline(self, say: Say = _silent) -> None:
        """Stop relay and workers; a worker ends its task first."""
        with self.folder.locked():
            ending.stop_programs(Supervisor(self.folder, self._running()), pipeline.NAMES, say)

    def _running(self) -> State:
        known = state.load(self.folder)
        if known is None or not Supervisor(self.folder, known).answers():
            raise StackError(f"no services run in {self.folder.path}: start them with `make services`")
        return known
