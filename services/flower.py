"""Flower: Celery's tasks in the browser, with the exceptions of those that failed.

It knows only the broker, no application. Addresses with passwords reach it by the environment. One user may look, with
a password that OUTBOX_FLOWER_URL carries.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from services.state import Folder, State
from services.unit import Program

USER = "outbox"


@dataclass(frozen=True, slots=True)
class Flower:
    """The web server; `broker_url` is the broker that it watches."""

    folder: Folder
    state: State
    broker_url: str
    name: str = "flower"
    needs: tuple[str, ...] = ("rabbitmq",)

    @property
    def home(self) -> Path:
        """Where it runs; it would read a flowerconfig.py there."""
        return self.folder.path / "flower"

    @property
    def where(self) -> str:
        """The address without the password."""
        return f"http://127.0.0.1:{self.state.ports['flower']}"

    @property
    def url(self) -> str:
        """The address with user and password."""
        return f"http://{USER}:{self.state.flower_password}@127.0.0.1:{self.state.ports['flower']}"

    def program(self) -> Program:
        """`celery flower` of this interpreter."""
        port = self.state.ports["flower"]
        command = (sys.executable, "-m", "celery", "flower", "--address=127.0.0.1", f"--port={port}")
        environment = {
            "CELERY_BROKER_URL": self.broker_url,
            "FLOWER_BASIC_AUTH": f"{USER}:{self.state.flower_password}",
        }
        return Program(self.name, command, self.home, environment, stop_seconds=10)

    def prepare(self) -> None:
        """Make its folder."""
        self.home.mkdir(mode=0o700, exist_ok=True)

    def answers(self) -> str:
        """Ask for the tasks, which needs the password."""
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(
                    f"{self.where}/api/tasks", auth=(USER, self.state.flower_password), params={"limit": 1}, timeout=5
                )
        except requests.RequestException as error:
            return str(error)
        return "" if answer.status_code == 200 else f"HTTP {answer.status_code}"
