"""Free ports on loopback, remembered from one start to the next.

They are drawn below the range from which the kernel takes the ports of outgoing connections (32768 and up), so that a
service that is stopped finds its port free again.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterable, Mapping

from services.errors import StackError

NAMES = ("postgres", "pg15", "epmd", "amqp", "distribution", "solr", "flower")
ZOOKEEPER_OFFSET = 1000  # Solr's embedded ZooKeeper listens on Solr's own port plus this
_FIRST, _LAST = 20_000, 31_000
_TRIES = 1000


def is_free(port: int) -> bool:
    """Whether nobody listens on `port`, on loopback or everywhere."""
    with socket.socket() as probe:
        # Without it a connection in TIME_WAIT, left by a server that has just stopped, would count as a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def draw() -> int:
    """A port of the range, by chance: two stacks that start at the same time then hardly ever want the same."""
    return _FIRST + secrets.randbelow(_LAST - _FIRST)


def needed(name: str, port: int) -> tuple[int, ...]:
    """The ports that a service takes when it is given `port`."""
    return (port, port + ZOOKEEPER_OFFSET) if name == "solr" else (port,)


def choose(
    remembered: Mapping[str, int],
    *,
    running: Iterable[str] = (),
    free: Callable[[int], bool] = is_free,
    drawn: Callable[[], int] = draw,
) -> dict[str, int]:
    """A port for each of NAMES: the remembered one where it is free or its service is `running`, else a new one."""
    chosen = {name: remembered[name] for name in running if name in remembered}
    taken = {port for name in chosen for port in needed(name, chosen[name])}
    for name in NAMES:
        if name not in chosen:
            first = [remembered[name]] if name in remembered else []
            chosen[name] = _first_free(name, first, lambda port: port not in taken and free(port), drawn)
            taken.update(needed(name, chosen[name]))
    return chosen


def _first_free(name: str, first: list[int], free: Callable[[int], bool], drawn: Callable[[], int]) -> int:
    for attempt in range(_TRIES):
        port = first[attempt] if attempt < len(first) else drawn()
        if all(map(free, needed(name, port))):
            return port
    raise StackError(f"no free port for {name} between {_FIRST} and {_LAST} on 127.0.0.1: stop what listens there")
