"""supervisord: its configuration, its start, and its XML-RPC interface on a unix socket.

No service is started or restarted by supervisord itself: the stack starts each when those that it needs answer, and a
service that a test killed stays down until the test starts it. Only the pipeline's programs are restarted.
"""

from __future__ import annotations

import http.client
import os
import shlex
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.command import environment, tail
from services.errors import StackError
from services.process import Identity, alive, read_record
from services.state import Folder, State
from services.unit import Program
from services.waiting import wait_until

_RECORD = Path(__file__).with_name("record.sh")
_ALREADY_STARTED, _NOT_RUNNING = 60, 70  # supervisor.xmlrpc.Faults
DOWN = frozenset({"STOPPED", "EXITED", "FATAL"})


def recorded(command: Iterable[str], record: Path) -> tuple[str, ...]:
    """`command`, run so that it first writes its identity to `record`."""
    return ("/bin/sh", str(_RECORD), str(record), *command)


def configuration(folder: Folder, state: State, programs: Iterable[Program]) -> str:
    """The text of supervisord.conf. StackError for a path that the format cannot hold."""
    own = {
        "logfile": str(folder.log("supervisord")),
        "pidfile": str(folder.run / "supervisord.pid"),
        "directory": str(folder.path),
        "identifier": f"solr-outbox-{state.name}",
        "silent": "true",
        **({"user": "root"} if os.geteuid() == 0 else {}),  # else supervisord warns that it runs as root
    }
    sections = [
        _section("unix_http_server", {"file": str(state.socket(folder)), "chmod": "0600"}),
        _section("supervisord", own),
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
        *(_section(f"program:{program.name}", _options(folder, program)) for program in programs),
    ]
    return "\n".join(sections)


def _options(folder: Folder, program: Program) -> dict[str, str]:
    return {
        "command": shlex.join(recorded(program.command, folder.record(program.name))),
        "directory": str(program.directory),
        "environment": ",".join(f"{name}={_quoted(value)}" for name, value in sorted(program.environment.items())),
        "autostart": "false",
        "autorestart": str(program.restarts).lower(),
        "startsecs": str(program.settle_seconds),
        "startretries": "30",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "stdout_logfile": str(folder.log(program.name)).replace("%", "%%"),  # supervisor expands this one twice
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "1",
        "redirect_stderr": "true",
    }


def _section(name: str, options: Mapping[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in options.items())


def _value(text: str) -> str:
    """Escape the format's `%`. It ends a line at ` ;` and ` #` and knows no quote against that."""
    if any(sign in text for sign in ("\n", " ;", " #", "\t;", "\t#")):
        raise StackError(f"supervisord's configuration cannot hold {text!r}: use a folder without such signs")
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    """The format takes what stands between two quotes of one kind as it is, and knows no escape."""
    quote = "'" if '"' in text else '"'
    if quote in text:
        raise StackError(f"supervisord's configuration cannot hold {text!r}: use a folder without quotes")
    return f"{quote}{text}{quote}"


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=150)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> http.client.HTTPConnection:
        connection = _Connection(self._path)
        self._connection = (host, connection)  # what Transport closes with the proxy
        return connection


@dataclass(frozen=True, slots=True)
class Seen:
    """One program as supervisord sees it: its state (RUNNING, EXITED, …) and pid, 0 when it does not run."""

    name: str
    state: str
    pid: int

    @property
    def down(self) -> bool:
        """Whether no process of it runs, or is about to."""
        return self.state in DOWN


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The supervisord of one instance."""

    folder: Folder
    state: State

    def answers(self) -> bool:
        """Whether it runs and serves its socket."""
        try:
            self._call("getState")
        except (OSError, http.client.HTTPException):
            return False
        return True

    def launch(self) -> None:
        """Start it, detached from us, and wait until it answers. StackError shows what it said instead."""
        said = self.folder.log("supervisord-start")
        record = self.folder.record("supervisord")
        record.unlink(missing_ok=True)
        command = (sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(self.folder.configuration))
        with said.open("wb") as output:
            subprocess.run(  # noqa: S603 (our own words; setsid: it must outlive us, in a session of its own)
                ["/usr/bin/setsid", "--fork", *recorded(command, record)],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=True,
            )
        failed = wait_until(self._launched, seconds=20)
        if failed:
            raise StackError(f"supervisord {failed}; {said} says:\n{tail(said.read_text('utf-8', 'replace'))}")

    def _launched(self) -> tuple[bool, str]:
        identity = read_record(self.folder.record("supervisord"))
        ended = identity is not None and not alive(identity)
        reason = "" if self.answers() else "has ended" if ended else "does not answer"
        return ended, reason

    def identity(self) -> Identity | None:
        """The process that record.sh wrote down, alive or not."""
        return read_record(self.folder.record("supervisord"))

    def programs(self) -> dict[str, Seen]:
        """Every program that it knows."""
        return {
            info["name"]: Seen(info["name"], info["statename"], info["pid"]) for info in self._call("getAllProcessInfo")
        }

    def start(self, name: str) -> None:
        """Start a program, without waiting; nothing happens to one that runs."""
        self._call("startProcess", name, False, ignored=_ALREADY_STARTED)

    def stop(self, name: str) -> None:
        """Ask a program to stop, without waiting; nothing happens to one that is down."""
        self._call("stopProcess", name, False, ignored=_NOT_RUNNING)

    def update(self) -> None:
        """Take over a changed configuration: programs that are new or changed are stopped and known anew."""
        [[added, changed, removed]] = self._call("reloadConfig")
        for name in (*removed, *changed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in (*changed, *added):
            self._call("addProcessGroup", name)

    def shutdown(self) -> None:
        """End supervisord, and with it what it runs; does not wait."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: object, ignored: int = 0) -> Any:
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self.state.socket(self.folder)))
        with proxy:
            try:
                return getattr(proxy.supervisor, method)(*arguments)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode == ignored:
                    return None
                raise StackError(f"supervisord refuses {method}{arguments}: {fault.faultString}") from fault
