"""Ending what an instance started: in order while its supervisord answers, by record after a crash."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable

from services import pipeline, process
from services.service import wait_down
from services.state import Folder, State
from services.supervisor import Supervisor
from services.units import Units

# Workers end their tasks while the services are still there; epmd goes when its node has gone.
_STAGES = (pipeline.NAMES, ("flower", "solr", "rabbitmq", "postgres", "pg15"), ("epmd",))
_GRACE_S = 60.0


def shut_down(supervisor: Supervisor, say: Callable[[str], None]) -> None:
    """Stop every program that runs, in stages, and then supervisord itself."""
    for stage in _STAGES:
        stop_programs(supervisor, stage, say)
    identity = supervisor.identity()
    supervisor.shutdown()
    if identity is not None:
        process.wait_gone([identity], 30)


def stop_programs(supervisor: Supervisor, names: Iterable[str], say: Callable[[str], None]) -> None:
    """Stop those of these programs that run, side by side, and wait until they are down."""
    programs = supervisor.programs()
    running = [programs[name] for name in names if name in programs and not programs[name].down]
    for seen in running:
        process.thaw(seen.pid)  # a frozen one would not hear that it should stop
        supervisor.stop(seen.name)
    wait_down(supervisor, [seen.name for seen in running], seconds=_GRACE_S + 15)
    for seen in running:
        say(f"{seen.name}: stopped")


def clear(folder: Folder, state: State, say: Callable[[str], None]) -> int:
    """End what is left of an instance whose supervisord does not answer, remove the records; how many were ended.

    The roots are supervisord and each program that record.sh wrote down; with a root go its descendants and its group.
    A supervisord that lives ends its programs itself. Postgres' backends, which leave the group, are known by their
    data directory.
    """
    records = {path.stem: process.read_record(path) for path in folder.run.glob("*.process")}
    known = {name: identity for name, identity in records.items() if identity is not None}
    ended = 0
    if "supervisord" in known and process.alive(known["supervisord"]):
        ended += process.end({known["supervisord"]: signal.SIGTERM}, grace_s=_GRACE_S)
    ended += process.end({identity: _signal(name) for name, identity in known.items()}, grace_s=_GRACE_S)
    for server in Units(folder, state).postgres():
        ended += server.clear()
    if ended:
        say(f"ended {ended} processes that a crash had left")
    for path in (*folder.run.glob("*.process*"), folder.run / "supervisord.pid", state.socket(folder)):
        path.unlink(missing_ok=True)
    return ended


def _signal(name: str) -> signal.Signals:
    return signal.SIGINT if name in ("postgres", "pg15") else signal.SIGTERM
