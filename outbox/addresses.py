"""The addresses of Postgres, RabbitMQ and Solr: what is wrong with one, said without showing it.

An address may hold a password, and a mistyped one puts the password anywhere: into the host, the port, the database. So
nothing here repeats any part of it.
"""

from __future__ import annotations

import re
from enum import Enum
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

_PASSWORD = re.compile(r"[?&\s]?\bpassword\s*=\s*\S", re.IGNORECASE)


class Service(Enum):
    """A service that settings give the address of: the schemes that its address may have, and an example."""

    DATABASE = (("postgresql", "postgres"), "postgresql://user@host/database")
    BROKER = (("amqp", "amqps", "pyamqp", "redis", "rediss"), "amqp://user@host/vhost")
    SOLR = (("http", "https"), "http://host:8983/solr")


def wrong_with(service: Service, address: str) -> str:
    """What is wrong with the address and what to write, in a sentence; "" if nothing is."""
    schemes, example = service.value
    scheme, separator, rest = address.partition("://")
    if not separator and service is Service.DATABASE and _parsed(address):
        return ""  # libpq's other form, "host=… dbname=…"
    if not separator or scheme not in schemes:
        return f"is no address of the form {example}"
    if rest.partition("?")[0].count("@") > 1 or not _parsed(address):
        return f"cannot be read as {example}: write @ / : and % in a password as %40 %2F %3A %25"
    if service is Service.SOLR and not urlsplit(address).path.rstrip("/").endswith("/solr"):
        return f"must end in /solr, e.g. {example}"
    return ""


def holds_password(address: str) -> bool:
    """True if there is a password in the address, at any of the places where one may stand."""
    _, _, rest = address.partition("://")
    user_info = rest.partition("?")[0].rpartition("@")[0]
    return ":" in user_info or bool(_PASSWORD.search(address))


def _parsed(address: str) -> bool:
    try:
        if address.startswith(Service.DATABASE.value[0]) or "://" not in address:
            ports = str(conninfo_to_dict(address).get("port") or "")  # of several hosts: 5432,5433
            return all(port.isdigit() or not port for port in ports.split(","))
        return bool(urlsplit(address).hostname) and urlsplit(address).port != 0
    except (psycopg.Error, ValueError):
        return False
