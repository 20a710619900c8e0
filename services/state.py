"""The folder of one instance: where things lie in it, and what it remembers from one start to the next."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from services.errors import StackError

SolrMode = Literal["cloud", "standalone"]

# A unix socket's path has at most 107 bytes, and supervisord binds a name that is longer by "." and its pid.
_SOCKET_BYTES = 107 - len(".4194304")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold `file` alone; a second one waits. The kernel frees it when its holder dies."""
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths of one instance; `path` is absolute."""

    path: Path

    @property
    def state(self) -> Path:
        """Ports, passwords, options of the last start."""
        return self.path / "state.json"

    @property
    def env(self) -> Path:
        """The addresses as OUTBOX_… variables, there while the services run."""
        return self.path / "env"

    @property
    def run(self) -> Path:
        """The record of each process that was started."""
        return self.path / "run"

    @property
    def configuration(self) -> Path:
        """supervisord's configuration."""
        return self.path / "supervisord.conf"

    def log(self, program: str) -> Path:
        """The log of one program."""
        return self.path / "logs" / f"{program}.log"

    def record(self, program: str) -> Path:
        """Where record.sh writes the identity of one program."""
        return self.run / f"{program}.process"

    def create(self) -> None:
        """Make the folders. Only their owner may look inside; one that was there before keeps its mode."""
        try:
            for folder in (self.path, self.run, self.path / "logs"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(f"the folder {self.path} cannot be made: {error.strerror}") from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            owner = self.path.owner()
            raise StackError(f"{self.path} belongs to {owner}: run this as {owner}, or name another folder with --dir")

    def locked(self) -> AbstractContextManager[None]:
        """Held by whoever starts or stops: a second one waits."""
        return locked(self.path / "lock")


@dataclass(frozen=True, slots=True)
class State:
    """What an instance remembers. `services` names what the last start wanted, `config` the pipeline's outbox.toml.

    `bulk`: processes of the worker of bulk claims.

    `fsync`: whether Postgres waits for the disk, without which data survive the death of every process, but not that of
    the machine.

    `short` and `postgres_folder` are temporary folders, "" where none is needed: the one for a unix socket whose path
    would be too long, the other for a Postgres that can run only as another user.
    """

    name: str = field(default_factory=lambda: secrets.token_hex(4))
    postgres_password: str = field(default_factory=lambda: secrets.token_hex(16))
    broker_password: str = field(default_factory=lambda: secrets.token_hex(16))
    flower_password: str = field(default_factory=lambda: secrets.token_hex(16))
    erlang_cookie: str = field(default_factory=lambda: secrets.token_hex(16))
    ports: Mapping[str, int] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    solr_mode: SolrMode = "cloud"
    config: str = ""
    bulk: int = 2
    fsync: bool = True
    short: str = ""
    postgres_prefix: tuple[str, ...] = ()
    postgres_folder: str = ""
    postgres_programs: Mapping[str, str] = field(default_factory=dict)

    def socket(self, folder: Folder) -> Path:
        """Where supervisord listens."""
        return Path(self.short or folder.run) / "supervisor.sock"


def load(folder: Folder) -> State | None:
    """The remembered state; None for a new folder. StackError when the file is damaged or lost under existing data."""
    try:
        raw = json.loads(folder.state.read_text("utf-8"))
        return State(**{**raw, **{name: tuple(raw[name]) for name in ("services", "postgres_prefix")}})
    except FileNotFoundError:
        if (folder.path / "postgres").exists():
            raise StackError(f"{folder.state} is gone, and with it the passwords: delete {folder.path}") from None
        return None
    except PermissionError as error:
        raise StackError(f"{folder.state} belongs to {folder.state.owner()}: run this as that user") from error
    except (ValueError, TypeError, KeyError) as error:
        raise StackError(f"{folder.state} is damaged ({error}): delete {folder.path}") from error


def save(folder: Folder, state: State) -> None:
    """Remember `state`, for us alone."""
    write_private(folder.state, json.dumps(asdict(state), indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def short_folder(folder: Folder) -> str:
    """A new temporary folder where a unix socket in the folder itself would have too long a path; else ""."""
    if len(os.fsencode(folder.run / "supervisor.sock")) <= _SOCKET_BYTES:
        return ""
    return tempfile.mkdtemp(prefix="solr-outbox-")


def remove(temporary: Iterable[str]) -> None:
    """Remove temporary folders; "" and those that are gone are passed over."""
    for name in temporary:
        if name and Path(name).exists():
            shutil.rmtree(name)
