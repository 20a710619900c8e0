"""A server of Debian's that one test needs, in a folder of its own, on a port of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from services import account, ports
from services.command import environment
from tests.pipeline import PATIENCE_S, until


def needed(program: str, package: str) -> pytest.MarkDecorator:
    """Leaves tests out on a machine that has not got it."""
    there = bool(found(program))
    return pytest.mark.skipif(
        not there, reason=f"there is no {program} here: install it with apt-get install {package}"
    )


def found(program: str) -> str:
    """Where a program is; "" if nowhere. What runs as a daemon is not in every user's path."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin") or ""


def free_port() -> int:
    """A port that nobody listens on."""
    return next(port for port in iter(ports.draw, None) if ports.is_free(port))


@contextmanager
def running(command: Sequence[str | Path], folder: Path, port: int) -> Iterator[None]:
    """The server runs as long as the block, as a plain user would start it; its output is in `log`."""
    prefix = account.choose(Path("/bin"), folder, "").prefix
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([*prefix, *command], cwd=folder, env=environment(), stdout=log, stderr=log)
    try:
        until(lambda: answers(port) or process.poll() is not None, f"{command[0]} answers")
        assert process.poll() is None, (folder / "log").read_text("utf-8")
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
