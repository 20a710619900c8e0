"""RabbitMQ from the distribution's package, run by its own scripts rather than Debian's wrapper, which switches user.

The node has its own name, cookie, epmd and ports, all on 127.0.0.1. vhost, user and permissions come from a definitions
file at each boot, so no command has to be run against it. No plugin is enabled. epmd is a program of its own: else the
node would start one that outlives it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from services import broker
from services.state import Folder, State, write_private
from services.unit import Program

SCRIPTS = Path("/usr/lib/rabbitmq/bin")
VHOST = USER = "outbox"

# A small disk must not raise RabbitMQ's alarm, which blocks every publisher.
_CONFIGURATION = """\
listeners.tcp.local = 127.0.0.1:{port}
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.relative = 0.4
load_definitions = {definitions}
log.console = true
log.console.level = info
log.file = false
"""


def password_hash(password: str, salt: bytes) -> str:
    """RabbitMQ's salted SHA-256 (rabbitmq.com/docs/passwords); `salt` is four bytes."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def definitions(password: str, salt: bytes) -> str:
    """One vhost, and one user who may do everything in it and nothing elsewhere."""
    user = {
        "name": USER,
        "password_hash": password_hash(password, salt),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }
    everything = {"user": USER, "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*"}
    return json.dumps({"vhosts": [{"name": VHOST}], "users": [user], "permissions": [everything]}, indent=2)


@dataclass(frozen=True, slots=True)
class Epmd:
    """The port mapper of this node alone."""

    folder: Folder
    state: State
    name: str = "epmd"
    needs: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.state.ports['epmd']}"

    def program(self) -> Program:
        """In the foreground. It listens on the address given and on loopback, for IPv4 and IPv6."""
        command = (shutil.which("epmd") or "epmd", "-port", str(self.state.ports["epmd"]), "-address", "127.0.0.1")
        return Program(self.name, command, self.folder.path, stop_seconds=10)

    def prepare(self) -> None:
        """Nothing to prepare."""

    def answers(self) -> str:
        """Whether it takes a connection."""
        try:
            socket.create_connection(("127.0.0.1", self.state.ports["epmd"]), timeout=3).close()
        except OSError as error:
            return str(error)
        return ""


@dataclass(frozen=True, slots=True)
class RabbitMQ:
    """The node."""

    folder: Folder
    state: State
    name: str = "rabbitmq"
    needs: tuple[str, ...] = ("epmd",)

    @property
    def home(self) -> Path:
        """Its folder, which is HOME to it: the cookie lies there."""
        return self.folder.path / "rabbitmq"

    @property
    def where(self) -> str:
        """Host, port and vhost."""
        return f"127.0.0.1:{self.state.ports['amqp']}/{VHOST}"

    @property
    def url(self) -> str:
        """The address with its password."""
        return f"amqp://{USER}:{self.state.broker_password}@{self.where}"

    def environment(self) -> dict[str, str]:
        """What the scripts read: nothing is taken from /etc/rabbitmq or /var/lib/rabbitmq."""
        home = self.home
        return {
            "HOME": str(home),
            "RABBITMQ_NODENAME": f"outbox-{self.state.name}@localhost",
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
            "RABBITMQ_CONFIG_FILES": str(home / "conf.d" / "*.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_DIST_PORT": str(self.state.ports["distribution"]),
            "RUNNING_UNDER_SYSTEMD": "true",  # the script then becomes the node instead of waiting for it
            "ERL_EPMD_PORT": str(self.state.ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # For the node, rabbitmqctl, and the helper that looks for epmd: each would else listen everywhere.
            "ERL_ZFLAGS": "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false",
        }

    def program(self) -> Program:
        """The node in the foreground; TERM is its clean stop."""
        return Program(self.name, (str(SCRIPTS / "rabbitmq-server"),), self.home, self.environment(), stop_seconds=60)

    def prepare(self) -> None:
        """Write configuration, definitions and cookie."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        file = self.home / "definitions.json"
        salt = bytes.fromhex(self.state.name)  # the same each time: the import then changes nothing
        write_private(file, definitions(self.state.broker_password, salt))
        text = _CONFIGURATION.format(port=self.state.ports["amqp"], definitions=file)
        write_private(self.home / "rabbitmq.conf", text)
        write_private(self.home / ".erlang.cookie", self.state.erlang_cookie)
        (self.home / "pid").unlink(missing_ok=True)

    def answers(self) -> str:
        """Log in as our user to our vhost, and open a channel."""
        return broker.log_in(self.url)
